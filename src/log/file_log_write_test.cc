// FileLog as it writes: commits by put-if-absent, and checkpoints that read as the commits do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/temp_folder.h"
#include "log/checkpoint_file.h"
#include "log/file_log.h"
#include "log/log_files.h"
#include "log/model_log_internal.h"
#include "protocol/action_writer.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using storage::FileOperation;
using storage::PutResult;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Timestamp kNow(1'800'000'000'000);

class FileLogWriteTest : public testing::Test {
 protected:
  std::unique_ptr<FileLog> Log() const { return FileLog::At(files_, kTable, sink_); }

  // Commits these lines by the log itself.
  void Commit(std::int64_t version, const std::vector<std::string>& lines) const {
    EXPECT_EQ(Log()->PutCommit(Version(version), Lines(lines)), PutResult::kWritten);
  }
  void Create(std::vector<std::string> lines = {}, const std::string& configuration = "") const {
    lines.insert(lines.begin(), {ProtocolLine(), MetadataLine(configuration)});
    Commit(0, lines);
  }

  static std::string CheckpointPath(std::int64_t version) {
    return kFolder + "/" + ClassicCheckpointName(Version(version));
  }

  // Every file that is live at a version, as JSON; and the rest of the state.
  std::vector<std::string> Describe(std::int64_t version) const {
    std::vector<std::string> lines;
    const auto snapshot = Log()->LoadSnapshot(TableVersion::At(Version(version)));
    EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
    if (!snapshot) return lines;
    const auto files = (*snapshot)->OpenFiles({.order = FileOrder::kByPath});
    for (auto batch = *(*files)->Next(); batch; batch = *(*files)->Next()) {
      for (AddFile add : batch->files()) {
        add.data_change = false;  // as every checkpoint has it
        lines.push_back(Text(add, protocol::WriteAdd));
      }
    }
    lines.push_back(Text((*snapshot)->protocol(), protocol::WriteProtocol));
    lines.push_back(Text((*snapshot)->metadata(), protocol::WriteMetadata));
    for (const auto& [app, transaction] : (*snapshot)->app_transactions()) {
      lines.push_back(Text(transaction, protocol::WriteAppTransaction));
    }
    for (const auto& [domain, configuration] : (*snapshot)->domain_metadata()) {
      lines.push_back(domain + "=" + configuration);
    }
    return lines;
  }

  template <typename Action>
  static std::string Text(const Action& action,
                          void (*write)(const Action&, protocol::JsonWriter&)) {
    rapidjson::StringBuffer buffer;
    protocol::JsonWriter writer(buffer);
    write(action, writer);
    return {buffer.GetString(), buffer.GetSize()};
  }

  std::vector<std::string> Tombstones(std::int64_t version) const {
    std::vector<std::string> paths;
    const auto checkpoint = storage::ParquetCheckpoint::Open(*files_.Open(CheckpointPath(version)));
    const auto removes = (*checkpoint)->OpenRemoves();
    for (auto decoder = *(*removes)->Next(); decoder; decoder = *(*removes)->Next()) {
      const auto batch = (*decoder)();
      for (const RemoveFile& remove : batch->files) paths.emplace_back(remove.path);
    }
    return paths;
  }

  mutable storage::MemoryFileSystem files_;
  mutable ListSink sink_;
};

// ---- commits ------------------------------------------------------------------------------------

TEST_F(FileLogWriteTest, Commits_AreTheirBodiesByteForByte) {
  const std::string body = Lines({ProtocolLine(), MetadataLine(), AddLine("f0")}) + " \n";
  EXPECT_EQ(Log()->PutCommit(Version(0), body), PutResult::kWritten);
  EXPECT_EQ(files_.Content(CommitPath(0)), body);
  Commit(1, {AddLine("f1")});
  EXPECT_EQ(Log()->LoadLatestVersion(), Version(1));
}

TEST_F(FileLogWriteTest, VersionThatIsTaken_IsLeftAlone) {
  Create();
  EXPECT_EQ(Log()->PutCommit(Version(0), "{}\n"), PutResult::kExists);
  EXPECT_THAT(files_.Content(CommitPath(0)), HasSubstr("metaData"));
}

TEST_F(FileLogWriteTest, VersionAfterAGap_IsNotFoundAndNotWritten) {
  Create();
  for (const std::int64_t version : {2, 3}) {
    const auto put = Log()->PutCommit(Version(version), "{}\n");
    ASSERT_FALSE(put.has_value());
    EXPECT_EQ(put.error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(*put.error().FindFact("version"), Error::FactValue(version - 1));
  }
  EXPECT_EQ(Log()->LoadLatestVersion(), Version(0));
  EXPECT_EQ(Log()->PutCommit(Version(-1), "").error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(FileLogWriteTest, FirstVersionOfSomeThatAreNotThere_IsNotFound) {
  EXPECT_EQ(Log()->PutCommit(Version(1), "{}\n").error().code(), ErrorCode::kNotFound);
}

TEST_F(FileLogWriteTest, CheckpointStandsForTheVersionBefore) {
  Create({AddLine("f0")});
  Commit(1, {AddLine("f1")});
  ASSERT_TRUE(Log()->WriteCheckpoint(Version(1), kNow).has_value());
  files_.Drop(CommitPath(0));
  files_.Drop(CommitPath(1));
  Commit(2, {AddLine("f2")});
  EXPECT_EQ(Describe(2).size(), 5U);
}

TEST_F(FileLogWriteTest, StoreThatDoesNotAnswer_IsItsError) {
  Create();
  files_.SetFault([](FileOperation operation, const std::string&) -> std::optional<Error> {
    if (operation != FileOperation::kPut) return std::nullopt;
    return Error(ErrorCode::kUnavailable, "no answer").With("store", "s3://x");
  });
  EXPECT_EQ(Log()->PutCommit(Version(1), "{}\n").error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Log()->WriteCheckpoint(Version(0), kNow).error().code(), ErrorCode::kUnavailable);
}

TEST(FileLogOnDiskTest, LogBegunOnTheDisk_IsReadAsAnyOther) {
  const base::TempFolder folder;
  const std::string table = folder.path() / "new table";
  const auto log = FileLog::At(storage::LocalFileSystem(), table, NullLogSink());
  ASSERT_EQ(log->PutCommit(Version(0), Lines({ProtocolLine(), MetadataLine(), AddLine("f0")})),
            PutResult::kWritten);
  ASSERT_EQ(log->PutCommit(Version(1), Lines({RemoveLine("f0"), AddLine("f1", 7)})),
            PutResult::kWritten);
  ASSERT_TRUE(log->WriteCheckpoint(Version(1), kNow).has_value());
  std::filesystem::remove(table + "/_delta_log/" + CommitName(Version(0)));
  const auto snapshot = log->LoadSnapshot(TableVersion::Latest());
  ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
  EXPECT_EQ((*snapshot)->LoadTotals()->size_in_bytes, 7);
}

// ---- checkpoints --------------------------------------------------------------------------------

TEST_F(FileLogWriteTest, Checkpoint_ReadsAsTheCommitsThatItReplaces) {
  Create({AddLine("f0", 5), TxnLine("app", 3), DomainLine("d", "one", false)});
  Commit(1, {CommitInfoLine(), AddLine("f1"), RemoveLine("f0"), TxnLine("app", 1),
             DomainLine("d", "two", true), DomainLine("e", "three", false)});
  Commit(2, {AddLine("f0", 6)});
  const auto expected = Describe(2);
  const auto written = Log()->WriteCheckpoint(Version(2), kNow);
  ASSERT_TRUE(written.has_value()) << written.error().message();
  EXPECT_EQ(written->result, PutResult::kWritten);
  EXPECT_EQ(written->size.num_adds, 2);
  EXPECT_EQ(written->size.num_actions, 2 + 2 + 1 + 1);  // and app transaction, and domain
  EXPECT_EQ(written->size.size_in_bytes, std::ssize(files_.Content(CheckpointPath(2))));
  EXPECT_EQ(files_.Content(kFolder + "/_last_checkpoint"),
            storage::LastCheckpointText(Version(2), written->size));
  for (const int version : {0, 1, 2}) files_.Drop(CommitPath(version));
  EXPECT_EQ(Describe(2), expected);
}

TEST_F(FileLogWriteTest, CheckpointThatIsThere_IsLeftAlone) {
  Create({AddLine("f0")});
  ASSERT_EQ(Log()->WriteCheckpoint(Version(0), kNow)->result, PutResult::kWritten);
  const std::string content = files_.Content(CheckpointPath(0));
  EXPECT_EQ(Log()->WriteCheckpoint(Version(0), kNow)->result, PutResult::kExists);
  EXPECT_TRUE(files_.Content(CheckpointPath(0)) == content);
}

TEST_F(FileLogWriteTest, CheckpointOfAVersionWithoutACommit_IsNotFound) {
  Create();
  EXPECT_EQ(Log()->WriteCheckpoint(Version(1), kNow).error().code(), ErrorCode::kNotFound);
}

TEST_F(FileLogWriteTest, OlderCheckpoint_LeavesTheHintAsItIs) {
  Create({AddLine("f0")});
  Commit(1, {AddLine("f1")});
  const auto hint = [&] { return files_.Content(kFolder + "/_last_checkpoint"); };
  ASSERT_TRUE(Log()->WriteCheckpoint(Version(1), kNow).has_value());
  const std::string newest = hint();
  ASSERT_TRUE(Log()->WriteCheckpoint(Version(0), kNow).has_value());
  EXPECT_EQ(hint(), newest);
  for (const std::string damaged : {"", "{", "[]", R"({"version":"9"})"}) {
    files_.Write(kFolder + "/_last_checkpoint", damaged);
    files_.Drop(CheckpointPath(1));
    ASSERT_TRUE(Log()->WriteCheckpoint(Version(1), kNow).has_value());
    EXPECT_EQ(hint(), newest);
  }
}

std::string RemovedAt(const std::string& path, std::optional<std::int64_t> ms) {
  const std::string time = ms ? R"(,"deletionTimestamp":)" + std::to_string(*ms) : "";
  return R"({"remove":{"path":")" + path + R"(","dataChange":true)" + time + "}}";
}

TEST_F(FileLogWriteTest, ExpiredTombstones_AreLeftOut) {
  constexpr std::int64_t kWeek = 7 * 24 * 3'600'000LL;
  Create();
  Commit(1, {RemovedAt("kept", kNow.ms() - kWeek + 1), RemovedAt("gone", kNow.ms() - kWeek),
             RemovedAt("undated", std::nullopt)});
  ASSERT_TRUE(Log()->WriteCheckpoint(Version(1), kNow).has_value());
  EXPECT_THAT(Tombstones(1), UnorderedElementsAre("kept"));
}

TEST_F(FileLogWriteTest, RetentionOfTombstones_IsTheTables) {
  const std::vector<std::string> lines = {RemovedAt("day", kNow.ms() - 24 * 3'600'000LL),
                                          RemovedAt("hour", kNow.ms() - 3'600'000),
                                          RemovedAt("undated", std::nullopt)};
  const auto left = [&](const std::string& duration) {
    const std::string property = R"("delta.deletedFileRetentionDuration":")" + duration + R"(")";
    files_.Drop(CheckpointPath(0));
    files_.Drop(CommitPath(0));
    std::vector<std::string> all = {ProtocolLine(), MetadataLine(property)};
    all.insert(all.end(), lines.begin(), lines.end());
    Commit(0, all);
    EXPECT_TRUE(Log()->WriteCheckpoint(Version(0), kNow).has_value());
    return Tombstones(0);
  };
  EXPECT_THAT(left("interval 2 hours"), UnorderedElementsAre("hour"));
  EXPECT_THAT(left("interval 0 days"), IsEmpty());
  // What cannot be understood, or reaches before 1970, keeps all.
  EXPECT_THAT(left("interval 1 month"), UnorderedElementsAre("day", "hour", "undated"));
  EXPECT_THAT(left("interval 5000 weeks"), UnorderedElementsAre("day", "hour", "undated"));
}

TEST_F(FileLogWriteTest, DamagedBase_IsReplacedByItsCommits) {
  Create({AddLine("f0")});
  Commit(1, {AddLine("f1")});
  Commit(2, {AddLine("f2")});
  files_.Write(CheckpointPath(1), "no parquet");
  ASSERT_TRUE(Log()->WriteCheckpoint(Version(2), kNow).has_value());
  for (const int version : {0, 1}) files_.Drop(CommitPath(version));
  EXPECT_EQ(Describe(2).size(), 3U + 2U);
}

TEST_F(FileLogWriteTest, ReaderFeatureThatIsNotKnown_IsUnsupported) {
  Commit(0, {R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["x-y"],)"
             R"("writerFeatures":["x-y"]}})",
             MetadataLine()});
  EXPECT_EQ(Log()->WriteCheckpoint(Version(0), kNow).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Log()->ListFolder().value()->listing.checkpoints.size(), 0U);
}

// Random logs: whatever is committed, a checkpoint of any version reads as the commits before it.
TEST_F(FileLogWriteTest, RandomLogs_ReadTheSameFromTheirCheckpoints) {
  const char* const given = std::getenv("DELTALAKEDB_SEED");
  const std::uint64_t seed = given == nullptr ? std::random_device{}() : std::stoull(given);
  SCOPED_TRACE("DELTALAKEDB_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr int kLogs = 20;
  constexpr int kVersions = 8;
  for (int log = 0; log < kLogs; ++log) {
    files_ = storage::MemoryFileSystem();
    Create({AddLine("f0")});
    for (int version = 1; version < kVersions; ++version) {
      std::map<std::string, std::string> lines;  // one for each file
      for (std::uint64_t i = random() % 6; i > 0; --i) {
        const std::string path = "f" + std::to_string(random() % 8);
        lines[path] = random() % 3 == 0 ? RemoveLine(path)
                                        : AddLine(path, static_cast<std::int64_t>(random() % 99));
      }
      std::vector<std::string> actions = {CommitInfoLine()};
      for (auto& [path, line] : lines) actions.push_back(std::move(line));
      Commit(version, actions);
    }
    std::vector<std::vector<std::string>> expected;
    for (int version = 0; version < kVersions; ++version) expected.push_back(Describe(version));
    const int at = static_cast<int>(random() % kVersions);
    ASSERT_TRUE(Log()->WriteCheckpoint(Version(at), Timestamp(0)).has_value());
    for (int version = 0; version <= at; ++version) files_.Drop(CommitPath(version));
    for (int version = at; version < kVersions; ++version) {
      EXPECT_EQ(Describe(version), expected[static_cast<std::size_t>(version)]) << version;
    }
  }
}

}  // namespace
}  // namespace deltalakedb::log
