#include "log/file_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "log/line_chunks.h"
#include "log/model_log_internal.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using storage::FileOperation;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileLogTest : public testing::Test {
 protected:
  void Commit(std::int64_t version, const std::vector<std::string>& lines,
              Timestamp modified = Timestamp(0)) {
    files_.Write(CommitPath(version), Lines(lines), modified);
  }
  void Create(std::vector<std::string> lines = {}) {
    lines.insert(lines.begin(), {ProtocolLine(), MetadataLine()});
    Commit(0, lines);
  }
  // Versions 0 to `latest`, each with one file more: f0, f1, …
  void Grow(std::int64_t latest) {
    Create({AddLine("f0")});
    for (std::int64_t v = 1; v <= latest; ++v) {
      Commit(v, {CommitInfoLine(), AddLine("f" + std::to_string(v))}, Timestamp(1000 * v));
    }
  }

  std::unique_ptr<FileLog> Open() {
    auto log = FileLog::Open(files_, kTable, sink_);
    EXPECT_TRUE(log.has_value()) << log.error().message();
    return *std::move(log);
  }
  Result<std::shared_ptr<const Snapshot>> Load(TableVersion which = TableVersion::Latest()) {
    return Open()->LoadSnapshot(which);
  }
  std::shared_ptr<const Snapshot> Loaded(TableVersion which = TableVersion::Latest()) {
    auto snapshot = Load(which);
    EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
    return *std::move(snapshot);
  }
  // The error of loading a version that must not load.
  Error Refusal(TableVersion which = TableVersion::Latest()) {
    const auto snapshot = Load(which);
    EXPECT_FALSE(snapshot.has_value());
    return snapshot ? Error(ErrorCode::kInternal, "loaded") : snapshot.error();
  }
  static TableVersion At(std::int64_t version) { return TableVersion::At(Version(version)); }

  storage::MemoryFileSystem files_;
  ListSink sink_;
};

std::int64_t Number(const Error& error, const char* fact) {
  const auto* const value = error.FindFact(fact);
  return value == nullptr ? -1 : std::get<std::int64_t>(*value);
}

// ---- what is no table ---------------------------------------------------------------------------

TEST_F(FileLogTest, FolderWithoutALog_IsNotFound) {
  EXPECT_EQ(FileLog::Open(files_, kTable, sink_).error().code(), ErrorCode::kNotFound);
  files_.Write(std::string(kTable) + "/data.parquet", "x");
  EXPECT_EQ(FileLog::Open(files_, kTable, sink_).error().code(), ErrorCode::kNotFound);
  files_.Write(kFolder + "/00000000000000000000.crc", "{}");
  files_.Write(kFolder + "/_last_checkpoint", "{}");
  files_.Write(kFolder + "/0.json", "{}");
  files_.Write(kFolder + "/_staged_commits/" + CommitName(Version(0)), "{}");
  const auto log = FileLog::Open(files_, kTable, sink_);
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(log.error().message(), HasSubstr(kTable));
  EXPECT_EQ(*log.error().FindFact("table"), Error::FactValue(kTable));
}

TEST_F(FileLogTest, FolderThatCannotBeListed_GivesThatError) {
  Grow(1);
  const auto log = Open();
  for (const ErrorCode code : {ErrorCode::kPermission, ErrorCode::kIo}) {
    files_.SetFault([&](FileOperation, const std::string&) { return Error(code, "no"); });
    EXPECT_EQ(FileLog::Open(files_, kTable, sink_).error().code(), code);
    EXPECT_EQ(log->LoadLatestVersion().error().code(), code);
    EXPECT_EQ(log->LoadSnapshot(TableVersion::Latest()).error().code(), code);
    EXPECT_EQ(log->LoadHistory({}).error().code(), code);
  }
}

TEST_F(FileLogTest, LastCheckpointHint_IsIgnored) {
  Grow(3);
  for (const char* const hint : {R"({"version":99,"size":1})", "not JSON", ""}) {
    files_.Write(kFolder + "/_last_checkpoint", hint);
    EXPECT_EQ(Loaded()->version(), Version(3));
  }
  EXPECT_THAT(sink_.warnings(), IsEmpty());
}

// ---- versions -----------------------------------------------------------------------------------

TEST_F(FileLogTest, VersionsThatDoNotExist_AreAnsweredWithTheRange) {
  Grow(3);
  const Error later = Refusal(At(4));
  EXPECT_EQ(later.code(), ErrorCode::kNotFound);
  EXPECT_EQ(Number(later, "version"), 4);
  EXPECT_EQ(Number(later, "earliestVersion"), 0);
  EXPECT_EQ(Number(later, "latestVersion"), 3);
  EXPECT_THAT(later.message(), HasSubstr("versions 0 to 3"));
  EXPECT_EQ(Refusal(At(9'223'372'036'854'775'807)).code(), ErrorCode::kNotFound);
  EXPECT_EQ(Refusal(At(-1)).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Refusal(At(std::numeric_limits<std::int64_t>::min())).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(FileLogTest, CommitOfAnother_IsSeenByTheNextCall) {
  Grow(1);
  const auto log = Open();
  EXPECT_EQ(log->LoadLatestVersion(), Version(1));
  Commit(2, {AddLine("f2")});
  EXPECT_EQ(log->LoadLatestVersion(), Version(2));
  EXPECT_EQ((*log->LoadSnapshot(TableVersion::Latest()))->version(), Version(2));
}

TEST_F(FileLogTest, GapBelowTheLatestVersion_IsCorruptAndNamed) {
  Grow(6);
  files_.Drop(CommitPath(3));
  const Error error = Refusal();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.message(), HasSubstr(CommitName(Version(3))));
  EXPECT_EQ(Number(error, "missingVersion"), 3);
  EXPECT_EQ(Refusal(At(5)).code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Loaded(At(2))->version(), Version(2)) << "what is below the gap can be read by number";
}

TEST_F(FileLogTest, FailureWhileTheRangeIsLookedUp_IsPassedOn) {
  Grow(6);
  files_.Write(CheckpointPath(4), Lines({ProtocolLine(), MetadataLine(), AddLine("x"),
                                         R"({"checkpointMetadata":{"version":4}})"}));
  for (std::int64_t v = 0; v <= 4; ++v) files_.Drop(CommitPath(v));
  EXPECT_EQ(Refusal(At(2)).code(), ErrorCode::kNotFound);
  EXPECT_EQ(Number(Refusal(At(2)), "earliestVersion"), 4);
  const auto log = Open();
  files_.SetFault([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
    if (operation != FileOperation::kOpen || path != CheckpointPath(4)) return std::nullopt;
    return Error(ErrorCode::kPermission, "no");
  });
  EXPECT_EQ(log->LoadSnapshot(At(2)).error().code(), ErrorCode::kPermission);
  EXPECT_EQ(log->LoadSnapshot(At(9)).error().code(), ErrorCode::kPermission);
}

TEST_F(FileLogTest, VersionAfterOneThatIsBroken_IsNotFound) {
  Grow(6);
  files_.Drop(CommitPath(3));
  const Error later = Refusal(At(7));
  EXPECT_EQ(later.code(), ErrorCode::kNotFound);
  EXPECT_EQ(Number(later, "version"), 7);
  EXPECT_EQ(Number(later, "latestVersion"), 6);
  EXPECT_EQ(later.FindFact("earliestVersion"), nullptr) << "no range ends with the latest";
  EXPECT_THAT(later.message(), HasSubstr("is 6"));
}

// A gap near the top is found without going through the whole log for each checkpoint below it.
TEST_F(FileLogTest, GapInALongLogWithManyCheckpoints_IsFoundAtOnce) {
  constexpr std::int64_t kVersions = 3'000;
  for (std::int64_t v = 0; v < kVersions; ++v) {
    if (v == kVersions - 2) continue;
    files_.Write(CommitPath(v), "");
    files_.Write(CheckpointPath(v), "");
    if (v > kVersions - 5) files_.Drop(CheckpointPath(v));
  }
  const Error error = Refusal();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Number(error, "missingVersion"), kVersions - 2);
  EXPECT_EQ(files_.Count(FileOperation::kOpen), 0U);
}

// ---- state --------------------------------------------------------------------------------------

TEST_F(FileLogTest, LogWithoutProtocolOrMetadata_IsCorrupt) {
  Commit(0, {MetadataLine(), AddLine("a")});
  EXPECT_EQ(Refusal().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(Refusal().message(), HasSubstr("no protocol"));
  Commit(0, {ProtocolLine(), AddLine("a")});
  EXPECT_EQ(Refusal().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(Refusal().message(), HasSubstr("no metaData"));
  EXPECT_EQ(Number(Refusal(), "version"), 0);
  Commit(0, {});
  EXPECT_EQ(Refusal().code(), ErrorCode::kCorrupt);
}

TEST_F(FileLogTest, ProtocolThatCannotBeRead_StopsTheVersionsThatHaveIt) {
  Grow(2);
  Commit(3, {ProtocolLine(4, 7)});
  EXPECT_EQ(Refusal().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Number(Refusal(), "version"), 3);
  EXPECT_EQ(Loaded(At(2))->version(), Version(2));
  Commit(4, {ProtocolLine(1, 2)});
  EXPECT_EQ(Loaded()->version(), Version(4));
  // It is said before anything else that may follow from it.
  files_.Write(CommitPath(0), Lines({ProtocolLine(4, 7)}));
  EXPECT_EQ(Refusal(At(0)).code(), ErrorCode::kUnsupported);
}

TEST_F(FileLogTest, BrokenCommit_IsNamedWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"add":{"path":"a","si)", "JSON"},
      {"[]", "one object per line"},
      {R"([{"add":{}}])", "one object per line"},
      {R"({"add":{"path":"a"}})", "add.size"},
      {"garbage", "JSON"},
      {"{\"x\":\"\xff\"}", "UTF-8"},
      {R"({"txn":{"appId":"a","version":1},"remove":{"path":"a"}})", "two actions"},
  };
  for (const auto& [line, message] : cases) {
    Grow(2);
    files_.Write(CommitPath(1), Lines({CommitInfoLine(), "", AddLine("a")}) + line);
    const Error error = Refusal();
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << line;
    EXPECT_THAT(error.message(), HasSubstr(message));
    EXPECT_THAT(error.message(), HasSubstr(CommitPath(1)));
    EXPECT_EQ(*error.FindFact("file"), Error::FactValue(CommitPath(1)));
    EXPECT_EQ(Number(error, "line"), 4);
    EXPECT_EQ(Loaded(At(0))->version(), Version(0));
    const auto history = Open()->LoadHistory({});
    ASSERT_FALSE(history.has_value());
    EXPECT_EQ(history.error().code(), ErrorCode::kCorrupt);
  }
}

// A commit that is corrupt for one command is so for every other.
TEST_F(FileLogTest, CommitWhoseFilesCannotBeRead_IsRefusedWhenTheSnapshotIsLoaded) {
  for (const char* const field :
       {R"("partitionValues":[])", R"("partitionValues":{"p":1})", R"("partitionValues":{"a" "b"})",
        R"("tags":"t")", R"("stats":{})", R"("stats":nul)"}) {
    Create({R"({"add":{"path":"a","size":1,"modificationTime":1,"dataChange":true,)" +
            std::string(field) + "}}"});
    EXPECT_EQ(Refusal().code(), ErrorCode::kCorrupt) << field;
  }
}

// Only a base can be replaced by others; a broken commit must not be blamed on it.
TEST_F(FileLogTest, CommitThatBreaksWhileItIsStreamed_IsNotBlamedOnTheCheckpoint) {
  Grow(4);
  files_.Write(CheckpointPath(2),
               Lines({ProtocolLine(), MetadataLine(), AddLine("f0"), AddLine("f1"), AddLine("f2"),
                      R"({"checkpointMetadata":{"version":2}})"}));
  files_.Write(
      CommitPath(4),
      R"({"add":{"path":"a","size":1,"modificationTime":1,"dataChange":true,"stats":"\q"}})");
  const auto snapshot = Loaded();
  for (const FileOrder order : {FileOrder::kNone, FileOrder::kByPath}) {
    auto stream = snapshot->OpenFiles({.order = order, .with_stats = true});
    std::optional<Error> error;
    if (!stream) error = stream.error();
    while (!error) {
      const auto batch = (*stream)->Next();
      ASSERT_TRUE(!batch || *batch) << "the end without an error";
      if (!batch) error = batch.error();
    }
    EXPECT_EQ(error->code(), ErrorCode::kCorrupt);
    EXPECT_THAT(error->message(), HasSubstr(CommitPath(4)));
  }
  EXPECT_THAT(sink_.warnings(), IsEmpty());
}

// ---- times --------------------------------------------------------------------------------------

class FileLogTimesTest : public FileLogTest {
 protected:
  static std::string InCommit(std::int64_t ms) {
    return CommitInfoLine(R"("inCommitTimestamp":)" + std::to_string(ms));
  }
  static std::string Enabled(bool is_enabled) {
    return MetadataLine(std::string(R"("delta.enableInCommitTimestamps":)") +
                        (is_enabled ? R"("true")" : R"("false")"));
  }
  // Versions 0 to 3 with in-commit timestamps 100, 200, …, and file times 1, 2, …; given up in
  // version 4.
  void GiveUpInCommitTimestamps() {
    for (std::int64_t v = 0; v < 4; ++v) {
      Commit(v, {InCommit(100 * (v + 1)), AddLine("f" + std::to_string(v))}, Timestamp(v + 1));
    }
    Commit(0, {InCommit(100), ProtocolLine(), Enabled(true)}, Timestamp(1));
    Commit(4, {CommitInfoLine(), Enabled(false)}, Timestamp(5));
  }
};

TEST_F(FileLogTimesTest, InCommitTimestampsGivenUpLater_CountNowhere) {
  GiveUpInCommitTimestamps();
  const auto history = Open()->LoadHistory({});
  ASSERT_EQ(history->size(), 5U);
  for (const HistoryEntry& entry : *history) {
    const std::int64_t version = entry.version.value();
    EXPECT_EQ(entry.timestamp, Timestamp(version + 1));
    EXPECT_EQ(Loaded(At(version))->timestamp(), entry.timestamp);
    EXPECT_EQ(Loaded(TableVersion::AsOf(entry.timestamp))->version(), entry.version);
    EXPECT_EQ(Loaded(TableVersion::AsOf(entry.timestamp))->timestamp(), entry.timestamp);
  }
}

TEST_F(FileLogTimesTest, LatestVersionThatIsBroken_LeavesTheTimesThatItsForerunnersTell) {
  GiveUpInCommitTimestamps();
  files_.Write(CommitPath(4), "broken");
  EXPECT_EQ(Loaded(At(2))->timestamp(), Timestamp(300));
  files_.Write(CommitPath(4), Lines({Enabled(false)}));
  files_.Drop(CommitPath(3));
  EXPECT_EQ(Loaded(At(2))->timestamp(), Timestamp(300));
  EXPECT_THAT(sink_.warnings(), IsEmpty());
}

TEST_F(FileLogTimesTest, DamagedCheckpointAboveTheVersion_IsNotWarnedOf) {
  GiveUpInCommitTimestamps();
  files_.Write(CheckpointPath(4), "broken");
  EXPECT_EQ(Loaded(At(2))->timestamp(), Timestamp(3));
  EXPECT_THAT(sink_.warnings(), IsEmpty());
}

TEST_F(FileLogTimesTest, VersionWithoutInCommitTimestamps_IsLoadedWithoutLookingFurther) {
  Grow(3);
  files_.Write(CommitPath(3), "broken");
  const std::size_t before = files_.Count(FileOperation::kOpen);
  EXPECT_EQ(Loaded(At(1))->timestamp(), Timestamp(1000));
  EXPECT_EQ(files_.Count(FileOperation::kOpen) - before, 2U);
}

// ---- files --------------------------------------------------------------------------------------

TEST_F(FileLogTest, CheckpointWhoseFilesCannotBeRead_IsReplacedWhenTheyAreStreamed) {
  Grow(4);
  files_.Write(
      CheckpointPath(2),
      Lines(
          {ProtocolLine(), MetadataLine(),
           R"({"add":{"path":"f0","size":1,"modificationTime":1,"dataChange":true,"stats":"\q"}})",
           AddLine("f1"), AddLine("f2"), R"({"checkpointMetadata":{"version":2}})"}));
  for (const FileOrder order : {FileOrder::kNone, FileOrder::kByPath}) {
    ListSink sink;
    const auto log = FileLog::Open(files_, kTable, sink);
    const auto snapshot = *(*log)->LoadSnapshot(TableVersion::Latest());
    EXPECT_THAT(sink.warnings(), IsEmpty());
    auto stream = *snapshot->OpenFiles({.order = order, .with_stats = true});
    std::vector<std::string> paths;
    while (true) {
      const auto batch = stream->Next();
      ASSERT_TRUE(batch.has_value()) << batch.error().message();
      if (!*batch) break;
      for (const AddFile& add : (*batch)->files()) paths.emplace_back(add.path);
    }
    std::ranges::sort(paths);
    EXPECT_THAT(paths, ElementsAre("f0", "f1", "f2", "f3", "f4"));
    EXPECT_THAT(sink.warnings(), ElementsAre(HasSubstr(CheckpointPath(2))));
  }
}

TEST_F(FileLogTest, CommitOfManyChunks_IsReadWhole) {
  const std::string stats(600, 's');
  std::vector<std::string> lines;
  constexpr int kFiles = 12'000;
  for (int i = 0; i < kFiles; ++i) {
    lines.push_back(R"({"add":{"path":"f)" + std::to_string(i) +
                    R"(","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,)"
                    R"("stats":")" +
                    stats + R"("}})");
  }
  lines.insert(lines.begin() + 5'000, TxnLine("middle", 3));
  lines.push_back(CommitInfoLine(R"("txnId":"last")"));
  Create();
  Commit(1, lines);
  ASSERT_GT(files_.Content(CommitPath(1)).size(), 2 * kChunkBytes);
  Commit(2, {RemoveLine("f0"), RemoveLine("f" + std::to_string(kFiles - 1))});
  const auto snapshot = Loaded();
  EXPECT_EQ(snapshot->app_transactions().at("middle").version, 3);
  EXPECT_EQ(snapshot->LoadTotals()->num_files, kFiles - 2);
  const auto facts = DescribeFiles(*snapshot, FileOrder::kByPath);
  EXPECT_EQ(facts->size(), kFiles - 2U);
  const auto history = Open()->LoadHistory({});
  ASSERT_EQ(history->size(), 3U);
  EXPECT_EQ((*history)[1].num_added, kFiles);
  EXPECT_EQ((*history)[1].commit_id, "last");
}

TEST_F(FileLogTest, SizesThatAddUpTooFar_AreCorrupt) {
  constexpr std::int64_t kHuge = 9'000'000'000'000'000'000;
  Create({AddLine("a", kHuge)});
  EXPECT_EQ(Loaded()->LoadTotals()->size_in_bytes, kHuge);
  files_.Write(CheckpointPath(0),
               Lines({ProtocolLine(), MetadataLine(), AddLine("x", kHuge), AddLine("y", kHuge),
                      R"({"checkpointMetadata":{"version":0}})"}));
  EXPECT_EQ(Loaded()->LoadTotals().error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(sink_.warnings(), IsEmpty()) << "the checkpoint can be read";
  files_.Drop(CheckpointPath(0));
  Commit(1, {AddLine("b", kHuge)});
  const auto snapshot = Load();
  const auto totals = snapshot ? (*snapshot)->LoadTotals() : Fail(snapshot.error());
  ASSERT_FALSE(totals.has_value());
  EXPECT_EQ(totals.error().code(), ErrorCode::kCorrupt);
}

TEST_F(FileLogTest, SnapshotAndStreams_OutliveTheLog) {
  Grow(5);
  auto log = Open();
  auto snapshot = *log->LoadSnapshot(TableVersion::Latest());
  log.reset();
  auto stream = *snapshot->OpenFiles({});
  snapshot.reset();
  const auto batch = stream->Next();
  ASSERT_TRUE(batch.has_value() && batch->has_value());
  stream.reset();
  EXPECT_FALSE((*batch)->files().empty());
  EXPECT_THAT(std::string((*batch)->files().front().path), HasSubstr("f"));
}

TEST_F(FileLogTest, StreamThatIsDroppedMidway_DoesNoHarm) {
  Grow(60);
  const auto snapshot = Loaded();
  for (int taken = 0; taken < 5; ++taken) {
    auto stream = *snapshot->OpenFiles({});
    for (int i = 0; i < taken; ++i) ASSERT_TRUE(stream->Next().has_value());
  }
}

TEST_F(FileLogTest, OneLog_CanBeUsedByManyThreads) {
  ModelLog model(5);
  for (int v = 0; v < 12; ++v) model.Commit(files_);
  model.Checkpoint(files_, 6);
  const auto log = Open();
  const auto shared = *log->LoadSnapshot(TableVersion::Latest());
  const auto expected = model.StateAt(11).Describe();
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 4; ++round) {
          const auto own = log->LoadSnapshot(TableVersion::Latest());
          if (Describe(**own) == expected) ++right;
          if (Describe(*shared) == expected) ++right;
          if (log->LoadHistory({})->size() == 12) ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 3 * 4 * 3);
}

// ---- history ------------------------------------------------------------------------------------

TEST_F(FileLogTest, History_TellsWhatEachCommitDid) {
  Create({AddLine("a"), AddLine("b")});
  Commit(1,
         {CommitInfoLine(R"("txnId":"t1","operationParameters":{"mode":"Append"})"),
          RemoveLine("a"), RemoveLine("b"), AddLine("c")},
         Timestamp(5));
  Commit(2, {});
  const auto history = Open()->LoadHistory({});
  ASSERT_TRUE(history.has_value());
  ASSERT_EQ(history->size(), 3U);
  EXPECT_EQ((*history)[0].version, Version(2));
  EXPECT_FALSE((*history)[0].commit_info);
  EXPECT_EQ((*history)[0].num_added + (*history)[0].num_removed, 0);
  const HistoryEntry& entry = (*history)[1];
  EXPECT_EQ(entry.version, Version(1));
  EXPECT_EQ(entry.timestamp, Timestamp(5));
  EXPECT_EQ(entry.commit_id, "t1");
  EXPECT_EQ(entry.commit_info->operation_parameters, R"({"mode":"Append"})");
  EXPECT_EQ(entry.num_added, 1);
  EXPECT_EQ(entry.num_removed, 2);
  EXPECT_EQ((*history)[2].num_added, 2);
}

TEST_F(FileLogTest, HistoryOptions_LimitWhatIsGivenAndRead) {
  Create({});
  for (std::int64_t v = 1; v <= 300; ++v) {
    Commit(v, {v % 2 == 0 ? CommitInfoLine() : R"({"commitInfo":{"operation":"DELETE"}})"},
           Timestamp(v * 10));
  }
  const auto log = Open();
  const auto versions = [&](const std::function<void(HistoryOptions&)>& choose) {
    HistoryOptions options;
    choose(options);
    std::vector<std::int64_t> numbers;
    const auto history = log->LoadHistory(options);
    for (const HistoryEntry& entry : *history) {
      numbers.push_back(entry.version.value());
    }
    return numbers;
  };
  EXPECT_THAT(versions([](auto& o) { o.limit = 2; }), ElementsAre(300, 299));
  EXPECT_THAT(versions([](auto& o) {
                o.operation = "DELETE";
                o.limit = 2;
              }),
              ElementsAre(299, 297));
  EXPECT_THAT(versions([](auto& o) { o.since = Timestamp(2980); }), ElementsAre(300, 299, 298));
  EXPECT_THAT(versions([](auto& o) { o.until = Timestamp(19); }), ElementsAre(1, 0));
  EXPECT_THAT(versions([](auto& o) {
                o.since = Timestamp(15);
                o.until = Timestamp(30);
                o.operation = "WRITE";
              }),
              ElementsAre(2));
  EXPECT_THAT(versions([](auto& o) { o.operation = "NOTHING"; }), IsEmpty());
  EXPECT_THAT(versions([](auto& o) { o.limit = 0; }), IsEmpty());
  // Reading on beside the reader is allowed, reading everything is not.
  const std::size_t before = files_.Count(FileOperation::kOpen);
  EXPECT_THAT(versions([](auto& o) {
                o.since = Timestamp(10);
                o.until = Timestamp(15);
              }),
              ElementsAre(1));
  const std::size_t snapshot_opens = 301;
  EXPECT_LE(files_.Count(FileOperation::kOpen) - before, snapshot_opens + 2);
}

}  // namespace
}  // namespace deltalakedb::log
