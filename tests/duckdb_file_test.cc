// DuckDB files: opened, shared, held by others, damaged, made and left.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/temp_folder.h"
#include "store/catalog_file.h"
#include "store/duckdb/duckdb_connection.h"
#include "store/metadata_store.h"
#include "store/migrations.h"
#include "store/table_row_for_tests.h"

namespace deltalakedb::store {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// Keeps a file from other processes, as DuckDB does.
class OtherProcess {
 public:
  explicit OtherProcess(const std::string& path) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    child_ = ::fork();
    if (child_ == 0) {
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      lock.l_whence = SEEK_SET;
      const int file = ::open(path.c_str(), O_RDWR);
      const char answer = ::fcntl(file, F_SETLK, &lock) == 0 ? 'y' : 'n';
      if (::write(ends[1], &answer, 1) != 1) ::_exit(1);
      ::pause();
      ::_exit(0);
    }
    char answer = 0;
    EXPECT_EQ(::read(ends[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    ::close(ends[0]);
    ::close(ends[1]);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess() { End(); }

  void End() {
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  ::pid_t id() const { return child_; }

 private:
  ::pid_t child_ = 0;
};

class DuckDbFileTest : public testing::Test {
 protected:
  std::string folder() const { return folder_.path().native(); }
  std::string path() const { return folder() + "/meta.duckdb"; }
  Uri uri() const { return *Uri::Parse("deltasql://duckdb/" + path()); }

  std::unique_ptr<Connection> Connect() const {
    auto connection = OpenDuckDb({.path = path(), .may_create = true});
    EXPECT_TRUE(connection.has_value()) << connection.error().message();
    return *std::move(connection);
  }
  std::unique_ptr<Connection> ConnectMigrated() const {
    auto connection = Connect();
    const auto steps = MigrateUp(*connection);
    EXPECT_TRUE(steps.has_value()) << steps.error().message();
    return connection;
  }
  static void InsertTable(Connection& connection, const std::string& name) {
    TableRow row = testing_store::MakeTableRow(name);
    EXPECT_TRUE(MetadataStore(connection).InsertTable(row).has_value());
  }
  static Error ErrorOf(const DuckDbOptions& options) {
    const auto connection = OpenDuckDb(options);
    if (connection) return Error(ErrorCode::kInternal, "it could be opened");
    EXPECT_NE(connection.error().FindFact("database"), nullptr);
    return connection.error();
  }
  static ErrorCode CodeOf(const DuckDbOptions& options) { return ErrorOf(options).code(); }

  base::TempFolder folder_;
};

TEST_F(DuckDbFileTest, MissingFile_IsNotFoundAndNotMade) {
  const Error error = ErrorOf({.path = path()});
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.message(), HasSubstr("`deltalakedb init` makes one"));
  EXPECT_TRUE(std::filesystem::is_empty(folder()));
}

TEST_F(DuckDbFileTest, MissingFolder_IsNotFoundEvenWhereAFileMayBeMade) {
  EXPECT_EQ(CodeOf({.path = folder() + "/none/a.duckdb"}), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf({.path = folder() + "/none/a.duckdb", .may_create = true}),
            ErrorCode::kNotFound);
}

TEST_F(DuckDbFileTest, FileOfSomethingElse_IsCorruptAndLeftAlone) {
  for (const std::string& content : {std::string(20'000, 'x'), std::string("x")}) {
    std::ofstream(path(), std::ios::trunc) << content;
    EXPECT_EQ(CodeOf({.path = path()}), ErrorCode::kCorrupt);
    EXPECT_EQ(CodeOf({.path = path(), .may_create = true}), ErrorCode::kCorrupt);
    EXPECT_EQ(std::filesystem::file_size(path()), content.size());
  }
  EXPECT_EQ(CodeOf({.path = folder()}), ErrorCode::kCorrupt);
}

TEST_F(DuckDbFileTest, FileThatWasOnlyBegun_HoldsNothingAndCanBeMadeAnew) {
  std::string header;
  {
    Connect();
    std::ifstream file(path(), std::ios::binary);
    header.resize(4096);
    file.read(header.data(), 4096);
  }
  for (const std::string& content : {std::string(), header}) {
    std::ofstream(path(), std::ios::trunc | std::ios::binary) << content;
    EXPECT_EQ(CodeOf({.path = path()}), ErrorCode::kNotFound);
    EXPECT_GT(MigrateUp(*Connect()).value_or(-1), 0);
  }
}

TEST_F(DuckDbFileTest, FileOfANewerDuckDb_IsUnsupported) {
  ConnectMigrated();
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(12);
    file.put('\x7F');
  }
  const Error error = ErrorOf({.path = path()});
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(error.FindFact("storageVersion"), nullptr);
}

TEST_F(DuckDbFileTest, DamagedFile_IsCorrupt) {
  {
    const auto connection = ConnectMigrated();
    InsertTable(*connection, "t");
  }
  const auto size = std::filesystem::file_size(path());
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(12'288);
    file << std::string(size - 12'288, '\xAB');
  }
  EXPECT_EQ(CodeOf({.path = path()}), ErrorCode::kCorrupt);
}

TEST_F(DuckDbFileTest, FileThatIsCutOff_IsCorrupt) {
  {
    const auto connection = ConnectMigrated();
    InsertTable(*connection, "t");
  }
  std::filesystem::resize_file(path(), 20'000);
  EXPECT_EQ(CodeOf({.path = path()}), ErrorCode::kCorrupt);
}

TEST_F(DuckDbFileTest, FileHeldByAnotherProcess_IsBusyUntilItLetsGo) {
  ConnectMigrated();
  OtherProcess other(path());
  const Error error = ErrorOf({.path = path(), .busy_wait_max = 50ms});
  EXPECT_EQ(error.code(), ErrorCode::kBusy);
  EXPECT_THAT(error.message(), HasSubstr("try again"));
  ASSERT_NE(error.FindFact("processId"), nullptr);
  EXPECT_EQ(*error.FindFact("processId"), Error::FactValue(std::int64_t{other.id()}));
  std::jthread ends([&] {
    std::this_thread::sleep_for(100ms);
    other.End();
  });
  const auto connection = OpenDuckDb({.path = path()});
  ASSERT_TRUE(connection.has_value()) << connection.error().message();
  EXPECT_TRUE(CheckSchema(**connection).has_value());
}

TEST_F(DuckDbFileTest, ConnectionsOfAProcess_ShareTheFileWhicheverWayLeadsToIt) {
  const auto first = ConnectMigrated();
  InsertTable(*first, "t");
  std::filesystem::create_symlink(path(), folder() + "/link");
  std::filesystem::create_directory(folder() + "/sub");
  for (const std::string other : {"/link", "/sub/../meta.duckdb"}) {
    const auto second = OpenDuckDb({.path = folder() + other});
    ASSERT_TRUE(second.has_value()) << second.error().message();
    EXPECT_EQ(MetadataStore(**second).ListTables()->size(), 1U);
  }
}

TEST_F(DuckDbFileTest, NameThatLooksLikeSomethingElse_IsAFile) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder());
  for (const std::string name :
       {"file:x", "md:x", "sqlite:x", "s3:x", "a%41b", "b#c", "*.duckdb"}) {
    const auto connection = OpenDuckDb({.path = name, .may_create = true});
    ASSERT_TRUE(connection.has_value()) << connection.error().message();
    EXPECT_GT(MigrateUp(**connection).value_or(-1), 0);
    EXPECT_TRUE(std::filesystem::exists(name)) << name;
  }
  std::filesystem::current_path(before);
}

TEST_F(DuckDbFileTest, NameWithAQuestionMark_IsRefusedAsDuckDbWouldCutItThere) {
  const Error error = ErrorOf({.path = folder() + "/a?b", .may_create = true});
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::is_empty(folder()));
}

TEST_F(DuckDbFileTest, MemoryDatabase_IsThereUntilItIsClosed) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder());
  const auto first = OpenDuckDb({.path = ":memory:"});
  const auto second = OpenDuckDb({.path = ":memory:"});
  EXPECT_GT(MigrateUp(**first).value_or(-1), 0);
  EXPECT_GT(MigrateUp(**second).value_or(-1), 0);
  EXPECT_TRUE(std::filesystem::is_empty("."));
  std::filesystem::current_path(before);
}

TEST_F(DuckDbFileTest, StatementsCannotReachOtherFiles) {
  std::ofstream(folder() + "/secret.csv") << "a\n1\n";
  const auto connection = Connect();
  for (const std::string& sql : {"CREATE TABLE t AS SELECT * FROM '" + folder() + "/secret.csv'",
                                 "ATTACH '" + folder() + "/other.duckdb'",
                                 "COPY (SELECT 1) TO '" + folder() + "/out.csv'"}) {
    EXPECT_FALSE(connection->RunScript("script", sql).has_value()) << sql;
  }
}

// As long as it lives, no file of this process grows beyond so many bytes.
class FileLimit {
 public:
  explicit FileLimit(::rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const struct rlimit limit = {bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  struct rlimit before_ = {};
  void (*handler_)(int);
};

// Commits rows, 32 bytes each, until that fails.
Error CommitUntilItFails(Connection& connection, int& commits) {
  constexpr int kCommitsMax = 10'000;
  for (commits = 0; commits < kCommitsMax; ++commits) {
    EXPECT_TRUE(connection.Begin(TransactionMode::kWrite).has_value());
    const auto inserted =
        connection.RunScript("rows", "INSERT INTO notes SELECT " + std::to_string(commits) +
                                         ", md5(i::TEXT) FROM range(100) t(i)");
    EXPECT_TRUE(inserted.has_value()) << inserted.error().message();
    if (auto committed = connection.Commit(); !committed) return committed.error();
  }
  return {ErrorCode::kInternal, "no commit failed"};
}

// DuckDB's write-ahead log is full before its database file is written.
TEST_F(DuckDbFileTest, CommitThatCannotBeWritten_IsAnIoErrorAndNotMade) {
  auto connection = Connect();
  ASSERT_TRUE(connection->RunScript("make", "CREATE TABLE notes (n BIGINT, note TEXT)"));
  int commits = 0;
  {
    const FileLimit limit(64 * 1024);
    const Error error = CommitUntilItFails(*connection, commits);
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.message();
    EXPECT_THAT(error.message(), HasSubstr("make room"));
  }
  ASSERT_GT(commits, 0);
  EXPECT_TRUE(connection->IsHealthy());
  // Fails unless there are the commits that were told to be made and no other.
  const std::string check = "SELECT CASE WHEN count(DISTINCT n) = " + std::to_string(commits) +
                            " THEN 1 ELSE error('other commits') END FROM notes";
  EXPECT_TRUE(connection->RunScript("check", check).has_value());
  connection.reset();
  EXPECT_TRUE(Connect()->RunScript("check", check).has_value());
}

// A commit that makes DuckDB tidy up its log: where that fails, the commit may be there or not.
TEST_F(DuckDbFileTest, CommitWhoseCheckpointCannotBeWritten_IsInDoubt) {
  auto connection = Connect();
  ASSERT_TRUE(connection->RunScript("make", "CREATE TABLE notes (n BIGINT, note TEXT)"));
  ASSERT_TRUE(connection->RunScript("make", "SET checkpoint_threshold = '64KB'"));
  int commits = 0;
  {
    const FileLimit limit(160 * 1024);
    const Error error = CommitUntilItFails(*connection, commits);
    EXPECT_EQ(error.code(), ErrorCode::kInDoubt) << error.message();
  }
  EXPECT_FALSE(connection->IsHealthy());
  connection.reset();
  // This one was made.
  const std::string check = "SELECT CASE WHEN count(DISTINCT n) = " + std::to_string(commits + 1) +
                            " THEN 1 ELSE error('other commits') END FROM notes";
  EXPECT_TRUE(Connect()->RunScript("check", check).has_value());
}

TEST_F(DuckDbFileTest, TablesOfAnotherProgram_AreCorrupt) {
  const auto connection = Connect();
  ASSERT_TRUE(connection->RunScript("script", "CREATE TABLE dl_tables (a INTEGER)").has_value());
  for (int i = 0; i < 2; ++i) {
    const auto tables = MetadataStore(*connection).ListTables();
    ASSERT_FALSE(tables.has_value());
    EXPECT_EQ(tables.error().code(), ErrorCode::kCorrupt) << tables.error().message();
    EXPECT_NE(tables.error().FindFact("statement"), nullptr);
  }
  EXPECT_TRUE(connection->IsHealthy());
}

TEST_F(DuckDbFileTest, CreatedDatabaseThatIsNotKept_LeavesNoFile) {
  {
    const auto created = CreatedDatabase::Open(uri());
    ASSERT_TRUE(created.has_value());
    const auto lease = *created->database()->Acquire();
    ASSERT_TRUE(lease->Begin(TransactionMode::kWrite).has_value());
    ASSERT_TRUE(ApplyMigrations(*lease).has_value());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder()));
}

TEST_F(DuckDbFileTest, CreatedDatabaseThatWasThereBefore_Stays) {
  ConnectMigrated();
  {
    ASSERT_TRUE(CreatedDatabase::Open(uri()).has_value());
  }
  EXPECT_TRUE(CheckSchema(*Connect()).has_value());
}

TEST_F(DuckDbFileTest, CreatedDatabaseThatSomebodyElseFilled_Stays) {
  std::unique_ptr<Connection> other;
  {
    const auto created = CreatedDatabase::Open(uri());
    ASSERT_TRUE(created.has_value());
    other = ConnectMigrated();
  }
  other.reset();
  EXPECT_TRUE(CheckSchema(*Connect()).has_value());
}

}  // namespace
}  // namespace deltalakedb::store
