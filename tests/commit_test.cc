// Committing through the whole loop, on every database and on folders: what others do meanwhile,
// and what is refused.
#include "txn/commit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/import.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/transaction.h"
#include "log/file_log.h"
#include "log/sql_log.h"
#include "storage/file_system.h"
#include "store/database.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using txn::CommitOptions;
using txn::CommitOutcome;
using Kind = CommitOutcome::Kind;

std::string Add(std::string_view path) {
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{}},"size":10,"modificationTime":1,)"
      R"("dataChange":true,"stats":"{{\"numRecords\":3}}"}}}})",
      path);
}

std::string Remove(std::string_view path) {
  return fmt::format(R"({{"remove":{{"path":"{}","deletionTimestamp":5,"dataChange":true}}}})",
                     path);
}

class CommitTest : public ::testing::TestWithParam<std::string> {
 protected:
  CommitTest() { MakeTable(""); }

  // A table with one file, `configuration` among its properties.
  void MakeTable(const std::string& configuration, const std::string& features = "") {
    const auto folder = folder_.path() / fmt::format("table{}", tables_++);
    std::filesystem::create_directories(folder / "_delta_log");
    std::ofstream(folder / "_delta_log" / "00000000000000000000.json")
        << R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":[)"
        << features << "]}}\n"
        << R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
           R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
           R"("configuration":{)"
        << configuration << "}}}\n"
        << Add("first") << "\n";
    if (GetParam() == "folder") {
      log_ = *log::FileLog::Open(storage::LocalFileSystem(), folder.native(), NullLogSink());
      return;
    }
    database_ = TestDatabase::Make(GetParam());
    uri_ = database_->UriText("t");
    const auto report = ImportTable(folder.native(), uri_);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    log_ = OpenLog();
  }

  std::unique_ptr<TransactionLog> OpenLog() const {
    auto database = store::Database::Open(*Uri::Parse(uri_), store::DatabaseMode::kWrite);
    EXPECT_TRUE(database.has_value()) << database.error().message();
    return *log::SqlLog::Open(*std::move(database), "t");
  }

  CommitBase Base() const {
    auto base = log_->LoadCommitBase(TableVersion::Latest());
    EXPECT_TRUE(base.has_value()) << base.error().message();
    return *std::move(base);
  }

  Result<CommitOutcome> Try(const CommitBase& base, const std::vector<std::string>& lines,
                            CommitOptions options = {}) const {
    protocol::StagedActions staged;
    std::int64_t number = 0;
    for (const std::string& line : lines) {
      auto taken = staged.Take(line, ++number);
      if (!taken) return Fail(std::move(taken).error());
    }
    options.info.operation = "WRITE";
    options.info.engine_info = "test";
    return txn::Commit(*log_, std::make_shared<const CommitBase>(base), staged, std::move(options));
  }
  CommitOutcome Do(const CommitBase& base, const std::vector<std::string>& lines,
                   const CommitOptions& options = {}) const {
    auto outcome = Try(base, lines, options);
    EXPECT_TRUE(outcome.has_value()) << outcome.error().message();
    return outcome ? *std::move(outcome) : CommitOutcome{};
  }
  void ExpectCommitted(const CommitOutcome& outcome, std::int64_t version) const {
    ASSERT_EQ(outcome.kind, Kind::kCommitted)
        << (outcome.error ? outcome.error->message() : std::string());
    EXPECT_EQ(outcome.version, Version(version));
    EXPECT_FALSE(outcome.is_skipped);
  }
  static void ExpectConflict(const CommitOutcome& outcome, const std::string& what) {
    ASSERT_EQ(outcome.kind, Kind::kConflicted);
    ASSERT_NE(outcome.error->FindFact("conflict"), nullptr);
    EXPECT_EQ(*outcome.error->FindFact("conflict"), Error::FactValue(what))
        << outcome.error->message();
  }

  std::set<std::string> Paths() const {
    std::set<std::string> paths;
    const auto snapshot = log_->LoadSnapshot(TableVersion::Latest());
    EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
    auto files = (*snapshot)->OpenFiles({});
    while (const auto batch = *(*files)->Next()) {
      for (const AddFile& add : batch->files()) paths.emplace(add.path);
    }
    return paths;
  }

  void TearDown() override {
    if (uri_.empty()) return;
    const auto report = VerifyTable(uri_);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    for (const Difference& difference : report->differences) {
      ADD_FAILURE() << difference.where << ": " << difference.message;
    }
  }

  base::TempFolder folder_;
  std::unique_ptr<TestDatabase> database_;
  std::string uri_;
  std::unique_ptr<TransactionLog> log_;
  int tables_ = 0;
};

std::vector<std::string> Places() {
  auto kinds = TestDatabase::Kinds();
  kinds.emplace_back("folder");
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Places, CommitTest, ::testing::ValuesIn(Places()),
                         [](const auto& kind) { return kind.param; });

TEST_P(CommitTest, AppendsOfTheSameBase_AllComeIn) {
  const CommitBase base = Base();
  for (int i = 1; i <= 5; ++i) ExpectCommitted(Do(base, {Add(fmt::format("f{}", i))}), i);
  EXPECT_THAT(Paths(), ElementsAre("f1", "f2", "f3", "f4", "f5", "first"));
}

TEST_P(CommitTest, ExactVersion_IsTakenOnce) {
  const CommitBase base = Base();
  CommitOptions exact;
  exact.is_exact = true;
  ExpectCommitted(Do(base, {Add("a")}, exact), 1);
  const auto lost = Do(base, {Add("b")}, exact);
  ExpectConflict(lost, "VersionTaken");
  EXPECT_EQ(*lost.error->FindFact("actualVersion"), Error::FactValue(std::int64_t{1}));
  EXPECT_THAT(Paths(), ElementsAre("a", "first"));
}

TEST_P(CommitTest, SameFileRemovedByTwo_IsAConflict) {
  const CommitBase base = Base();
  ExpectCommitted(Do(base, {Remove("first"), Add("a")}), 1);
  ExpectConflict(Do(base, {Remove("first"), Add("b")}), "ConcurrentDeleteDelete");
  EXPECT_THAT(Paths(), ElementsAre("a"));
}

TEST_P(CommitTest, WholeTableRead_ConflictsWithAnAppendByItsLevel) {
  const CommitBase base = Base();
  ExpectCommitted(Do(base, {Add("a")}), 1);
  CommitOptions reads;
  reads.reads.whole_table = true;
  ExpectConflict(Do(base, {Add("b")}, reads), "ConcurrentAppend");
  reads.isolation = IsolationLevel::kWriteSerializable;
  ExpectCommitted(Do(base, {Add("b")}, reads), 2);
  reads.isolation = IsolationLevel::kSnapshotIsolation;
  ExpectCommitted(Do(base, {Add("c")}, reads), 3);
}

TEST_P(CommitTest, FileThatIsNotLive_IsInvalidAndNamed) {
  const auto refused = Try(Base(), {Remove("none")});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument) << refused.error().message();
  EXPECT_THAT(refused.error().message(), HasSubstr("none"));
  EXPECT_EQ(log_->LoadLatestVersion().value_or(Version(-1)), Version(0));
}

// Others compare paths letter by letter: for them the file would stay.
TEST_P(CommitTest, LiveFileInAnotherSpelling_IsInvalid) {
  const CommitBase empty = Base();
  ExpectCommitted(Do(empty, {Add("a%20file")}), 1);
  const CommitBase base = Base();
  for (const std::string& line : {Remove("a file"), Remove("a%20%66ile"), Add("a file")}) {
    const auto outcome = Try(base, {line});
    ASSERT_FALSE(outcome.has_value()) << line;
    EXPECT_EQ(outcome.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(outcome.error().message(), HasSubstr("live at version 1 as a%20file"));
    EXPECT_EQ(*outcome.error().FindFact("field"), Error::FactValue("path"));
  }
  ASSERT_FALSE(Try(base, {Add("other"), Add("a file")}).has_value());
  // A database looks again under the lock.
  if (GetParam() != "folder") {
    EXPECT_FALSE(Try(empty, {Add("a file")}).has_value());
  }
  EXPECT_EQ(Paths(), (std::set<std::string>{"a%20file", "first"}));
  ExpectCommitted(Do(base, {Remove("a%20file"), Add("new")}), 2);
}

TEST_P(CommitTest, AppTransaction_IsCommittedOnce) {
  CommitOptions options;
  options.app_transaction = AppTransaction{.app_id = "app", .version = 7, .last_updated = {}};
  const CommitBase base = Base();
  ExpectCommitted(Do(base, {Add("a")}, options), 1);
  EXPECT_TRUE(Do(base, {Add("a2")}, options).is_skipped);
  EXPECT_TRUE(Do(Base(), {Add("a3")}, options).is_skipped);
  options.app_transaction->version = 8;
  ExpectCommitted(Do(Base(), {Add("b")}, options), 2);
  EXPECT_THAT(Paths(), ElementsAre("a", "b", "first"));
}

TEST_P(CommitTest, CommitIdThatIsThere_IsDone) {
  CommitOptions options;
  options.commit_id = "8f14e45f-ceea-467f-9575-0f6c1d2e3a4b";
  const CommitBase base = Base();
  ExpectCommitted(Do(base, {Add("a")}, options), 1);
  ExpectCommitted(Do(base, {Add("other")}), 2);
  if (GetParam() == "folder") options.is_exact = true;
  ExpectCommitted(Do(base, {Add("a")}, options), 1);
  EXPECT_THAT(Paths(), ElementsAre("a", "first", "other"));
}

TEST_P(CommitTest, CommitMadeAgainAfterItRemovedFiles_IsFound) {
  CommitOptions options;
  options.commit_id = "again";
  ExpectCommitted(Do(Base(), {Remove("first"), Add("a")}, options), 1);
  ExpectCommitted(Do(Base(), {Remove("first"), Add("a")}, options), 1);
  EXPECT_EQ(log_->LoadLatestVersion().value_or(Version(-1)), Version(1));
}

TEST_P(CommitTest, CommitOfAClientThatDied_IsTakenOver) {
  if (GetParam() == "folder") return;  // there the file decides, and nobody is fenced
  ProposedCommit lost;
  lost.commit_id = "lost";
  const auto settled = log_->Settle(lost, "an attempt of the client that died");
  ASSERT_TRUE(settled.has_value()) << settled.error().message();
  ASSERT_EQ(settled->kind, ProposalAnswer::Kind::kLost);
  CommitOptions options;
  options.commit_id = "lost";
  const auto outcome = Do(Base(), {Add("a")}, options);
  ExpectCommitted(outcome, 1);
  EXPECT_EQ(outcome.attempts, 2);
  ExpectCommitted(Do(Base(), {Add("a")}, options), 1);
  EXPECT_THAT(Paths(), ElementsAre("a", "first"));
}

TEST_P(CommitTest, OtherPartitionColumns_NeedAllFilesRemoved) {
  const std::string metadata =
      R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
      R"("schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"p\",\"type\":\"string\",)"
      R"(\"nullable\":true,\"metadata\":{}},{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,)"
      R"(\"metadata\":{}}]}","partitionColumns":["p"],"configuration":{}}})";
  const CommitBase base = Base();
  const auto refused = Try(base, {metadata});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("first"));
  // Whatever its isolation, it depends on all files.
  ExpectCommitted(Do(base, {Add("a")}), 1);
  CommitOptions options;
  options.isolation = IsolationLevel::kSnapshotIsolation;
  ExpectConflict(Do(base, {metadata, Remove("first")}, options), "ConcurrentAppend");
  ExpectCommitted(Do(Base(), {metadata, Remove("first"), Remove("a")}, options), 2);
  EXPECT_TRUE(Paths().empty());
}

TEST_P(CommitTest, PropertySetMeanwhile_IsAConflictForWhoSetsOneToo) {
  const std::string metadata =
      R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
      R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
      R"("configuration":{"k":"v"}}})";
  const CommitBase base = Base();
  ExpectCommitted(Do(base, {metadata}), 1);
  ExpectConflict(Do(base, {metadata}), "MetadataChanged");
  ExpectConflict(Do(base, {Add("a")}), "MetadataChanged");
  ExpectCommitted(Do(Base(), {Add("a")}), 2);
}

TEST_P(CommitTest, ManyWritersAtOnce_AllComeIn) {
  constexpr int kWriters = 6;
  constexpr int kCommits = 8;
  const CommitBase base = Base();
  std::latch start(kWriters);
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      start.arrive_and_wait();
      for (int i = 0; i < kCommits; ++i) {
        const auto outcome = Do(base, {Add(fmt::format("w{}-{}", writer, i))});
        EXPECT_EQ(outcome.kind, Kind::kCommitted);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(log_->LoadLatestVersion().value_or(Version(-1)), Version(kWriters * kCommits));
  EXPECT_EQ(Paths().size(), 1U + kWriters * kCommits);
}

// ---- writers ------------------------------------------------------------------------------------

class TableWriterTest : public CommitTest {
 protected:
  TableWriter Open() const {
    auto writer = TableWriter::Open(
        uri_.empty() ? (folder_.path() / fmt::format("table{}", tables_ - 1)).native() : uri_);
    EXPECT_TRUE(writer.has_value()) << writer.error().message();
    return *std::move(writer);
  }
  static Result<CommitReport> Append(const TableWriter& writer, const std::string& path,
                                     TransactionOptions options = {}) {
    options.reads = ReadScope::kNothing;
    auto transaction = writer.Begin(options);
    if (!transaction) return Fail(std::move(transaction).error());
    auto added = transaction->AddLine(Add(path), 1);
    if (!added) return Fail(std::move(added).error());
    return transaction->Commit();
  }
};

INSTANTIATE_TEST_SUITE_P(Places, TableWriterTest, ::testing::ValuesIn(Places()),
                         [](const auto& kind) { return kind.param; });

TEST_P(TableWriterTest, AppendsOfThreads_AreAVersionEach) {
  constexpr int kThreads = 12;
  constexpr int kCommits = 5;
  const TableWriter writer = Open();
  std::mutex mutex;
  std::set<Version> versions;
  std::latch start(kThreads);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      start.arrive_and_wait();
      for (int i = 0; i < kCommits; ++i) {
        const auto report = Append(writer, fmt::format("t{}-{}", thread, i));
        ASSERT_TRUE(report.has_value()) << report.error().message();
        EXPECT_EQ(report->outcome, CommitReport::Outcome::kCommitted);
        const std::lock_guard lock(mutex);
        versions.insert(report->version);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(versions.size(), static_cast<std::size_t>(kThreads * kCommits));
  EXPECT_EQ(*versions.rbegin(), Version(kThreads * kCommits));
  EXPECT_EQ(Paths().size(), 1U + kThreads * kCommits);
}

// What a commitInfo among the actions says of the commit stays unless the caller says otherwise.
TEST_P(TableWriterTest, GivenCommitInfo_IsWhatHistoryShows) {
  const TableWriter writer = Open();
  const auto commit = [&](const TransactionOptions& options) -> CommitInfo {
    auto transaction = writer.Begin(options);
    if (!transaction) return {};
    const std::string_view info =
        R"({"commitInfo":{"operation":"MERGE","operationParameters":{"predicate":"a = b"},)"
        R"("engineInfo":"mine","readVersion":77,"isBlindAppend":true}})";
    EXPECT_TRUE(transaction->AddLine(info, 1).has_value());
    EXPECT_TRUE(transaction->Commit().has_value());
    const auto history = log_->LoadHistory({});
    return history && !history->empty() ? history->front().commit_info.value_or(CommitInfo())
                                        : CommitInfo();
  };
  const CommitInfo given = commit({});
  EXPECT_EQ(given.operation, "MERGE");
  EXPECT_EQ(given.operation_parameters, R"({"predicate":"a = b"})");
  EXPECT_EQ(given.engine_info, "mine");
  EXPECT_EQ(given.read_version, 0);  // what the writer alone knows
  TransactionOptions options;
  options.operation = "OPTIMIZE";
  options.operation_parameters = R"({"z":"1"})";
  const CommitInfo said = commit(options);
  EXPECT_EQ(said.operation, "OPTIMIZE");
  EXPECT_EQ(said.operation_parameters, R"({"z":"1"})");
}

TEST_P(TableWriterTest, OneThatIsWrong_DoesNotKeepOthersBack) {
  constexpr int kThreads = 8;
  const TableWriter writer = Open();
  ASSERT_TRUE(Append(writer, "warm").has_value());
  std::latch start(kThreads);
  std::atomic<int> done = 0;
  std::atomic<int> skipped = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      TransactionOptions options;
      // All make the same progress; one of them is enough.
      options.app_transaction = AppTransaction{
          .app_id = thread % 2 == 0 ? "even" : "odd", .version = 1, .last_updated = {}};
      start.arrive_and_wait();
      const auto report = Append(writer, fmt::format("t{}", thread), options);
      ASSERT_TRUE(report.has_value()) << report.error().message();
      ++(report->is_skipped ? skipped : done);
    });
  }
  threads.clear();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(skipped, kThreads - 2);
  EXPECT_EQ(Paths().size(), 4U);
}

// A writer that is behind reads the table anew, and then what it comes after is in what it read.
TEST_P(TableWriterTest, OneThatIsBehind_DoesNotRepeatProgressOfAnother) {
  const TableWriter behind = Open();
  ASSERT_TRUE(Append(behind, "warm").has_value());
  const TableWriter other = Open();
  TransactionOptions options;
  options.app_transaction = AppTransaction{.app_id = "stream", .version = 7, .last_updated = {}};
  const auto first = Append(other, "a", options);
  ASSERT_TRUE(first.has_value()) << first.error().message();
  EXPECT_FALSE(first->is_skipped);
  const auto again = Append(behind, "b", options);
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_TRUE(again->is_skipped);
  EXPECT_EQ(again->version, first->version);
  EXPECT_EQ(Paths().size(), 3U);
}

// Two processes at the same commit, of which neither finds it when it begins.
TEST_P(TableWriterTest, OneThatIsBehind_FindsItsOwnCommit) {
  const TableWriter behind = Open();
  ASSERT_TRUE(Append(behind, "warm").has_value());
  const TableWriter other = Open();
  std::set<Version> versions;
  std::mutex mutex;
  for (int round = 0; round < 20; ++round) {
    TransactionOptions options;
    options.commit_id = fmt::format("round-{}", round);
    std::latch start(2);
    const auto commit = [&](const TableWriter& writer) {
      start.arrive_and_wait();
      const auto report = Append(writer, fmt::format("r{}", round), options);
      ASSERT_TRUE(report.has_value()) << report.error().message();
      EXPECT_EQ(report->outcome, CommitReport::Outcome::kCommitted);
      const std::lock_guard lock(mutex);
      versions.insert(report->version);
    };
    std::jthread thread([&] { commit(other); });
    commit(behind);
  }
  EXPECT_EQ(versions.size(), 20U);
  EXPECT_EQ(Paths().size(), 22U);
}

TEST_P(TableWriterTest, TableThatChangedMeanwhile_IsReadAgain) {
  const TableWriter writer = Open();
  ASSERT_TRUE(Append(writer, "a").has_value());
  const std::string metadata =
      R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
      R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
      R"("configuration":{"k":"v"}}})";
  ExpectCommitted(Do(Base(), {metadata}), 2);
  for (int i = 3; i < 6; ++i) {
    const auto report = Append(writer, fmt::format("f{}", i));
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(report->outcome, CommitReport::Outcome::kCommitted);
    EXPECT_EQ(report->version, Version(i));
  }
  // What it may not write is refused, and so is what no longer fits.
  const std::string append_only =
      R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
      R"("schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"p\",\"type\":\"string\",)"
      R"(\"nullable\":true,\"metadata\":{}},{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,)"
      R"(\"metadata\":{}}]}","partitionColumns":["p"],"configuration":{}}})";
  std::vector<std::string> lines = {append_only};
  for (const std::string& path : Paths()) lines.push_back(Remove(path));
  ExpectCommitted(Do(Base(), lines), 6);
  const auto refused = Append(writer, "g");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument) << refused.error().message();
}

}  // namespace
}  // namespace deltalakedb::testing
