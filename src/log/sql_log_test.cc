// Logs in a catalog answer as the logs that they were copied from.
#include "log/sql_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "log/stored_copy_internal.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using testing::ElementsAre;
using testing::IsEmpty;

class SqlLogTest : public testing::Test {
 protected:
  void Commit(std::int64_t version, const std::vector<std::string>& lines,
              std::int64_t file_ms = 0) {
    files_.Write(CommitPath(version), Lines(lines),
                 Timestamp(file_ms == 0 ? 1000 + version : file_ms));
  }
  void Create(std::vector<std::string> lines = {}) {
    lines.insert(lines.begin(), {ProtocolLine(), MetadataLine()});
    Commit(0, lines);
  }
  void Copy() {
    const auto copied = copy_.Copy(files_);
    ASSERT_TRUE(copied.has_value()) << copied.error().message();
  }
  std::unique_ptr<FileLog> OpenFolder() {
    auto log = FileLog::Open(files_, kTable, NullLogSink());
    EXPECT_TRUE(log.has_value()) << log.error().message();
    return *std::move(log);
  }

  // The live files of a version, "file path|vector|size" each; those of the folder are the same.
  std::vector<std::string> FilesAt(std::int64_t version) {
    const auto snapshot = copy_.Open()->LoadSnapshot(TableVersion::At(Version(version)));
    if (!snapshot) return {snapshot.error().message()};
    auto files = *DescribeFiles(**snapshot, FileOrder::kByPath);
    const auto other = OpenFolder()->LoadSnapshot(TableVersion::At(Version(version)));
    EXPECT_TRUE(other.has_value()) << other.error().message();
    if (other) {
      EXPECT_EQ(files, *DescribeFiles(**other, FileOrder::kByPath));
    }
    const auto totals = (*snapshot)->LoadTotals();
    EXPECT_EQ(totals->num_files, std::ssize(files));
    return files;
  }

  storage::MemoryFileSystem files_;
  StoredCopy copy_;
};

TEST_F(SqlLogTest, FileAddedTwiceByOneCommit_IsThereOnceAndTheLastWins) {
  Create({AddLine("a", 1), AddLine("b", 5), AddLine("a", 2)});
  Copy();
  EXPECT_THAT(FilesAt(0), ElementsAre("file a||2", "file b||5"));
}

TEST_F(SqlLogTest, FileAddedAndRemovedByOneCommit_GoesByTheirOrder) {
  Create({AddLine("a", 1), RemoveLine("a"), RemoveLine("b"), AddLine("b", 2)});
  Commit(1, {AddLine("a", 3), RemoveLine("b")});
  Copy();
  EXPECT_THAT(FilesAt(0), ElementsAre("file b||2"));
  EXPECT_THAT(FilesAt(1), ElementsAre("file a||3"));
}

TEST_F(SqlLogTest, DeletionVectors_MakeFilesOfOnePathDistinct) {
  Create({AddLine("a", 1)});
  Commit(1, {RemoveLine("a"), AddLine("a", 1, "v1")});
  Commit(2, {RemoveLine("a", "v2")});
  Commit(3, {RemoveLine("a", "v1"), AddLine("a", 1)});
  Copy();
  EXPECT_THAT(FilesAt(0), ElementsAre("file a||1"));
  EXPECT_THAT(FilesAt(1), ElementsAre("file a|v1|1"));
  EXPECT_THAT(FilesAt(2), ElementsAre("file a|v1|1"));
  EXPECT_THAT(FilesAt(3), ElementsAre("file a||1"));
}

TEST_F(SqlLogTest, FileAddedAgain_ReplacesTheOlderFromThatVersionOn) {
  Create({AddLine("a", 1)});
  Commit(1, {AddLine("a", 2)});
  Commit(2, {AddLine("%61", 3)});
  Copy();
  for (int version = 0; version <= 2; ++version) {
    EXPECT_THAT(FilesAt(version), ElementsAre(fmt::format("file a||{}", version + 1)));
  }
}

TEST_F(SqlLogTest, BaseAndCommitOfOneVersion_NeverMix) {
  // The commit says less than the state, and calls the file another size.
  Commit(3, {CommitInfoLine(), AddLine("b", 99), RemoveLine("x"), TxnLine("app", 3)});
  files_.Write(CheckpointPath(3), Lines({ProtocolLine(), MetadataLine(R"("key":"1")"),
                                         AddLine("a", 1), AddLine("b", 2), TxnLine("app", 3),
                                         R"({"checkpointMetadata":{"version":3}})"}));
  Commit(4, {CommitInfoLine(), RemoveLine("b"), AddLine("c", 4)});
  Copy();
  EXPECT_THAT(FilesAt(3), ElementsAre("file a||1", "file b||2"));
  EXPECT_THAT(FilesAt(4), ElementsAre("file a||1", "file c||4"));
  const auto history = copy_.Open()->LoadHistory({});
  ASSERT_TRUE(history.has_value());
  ASSERT_EQ(history->size(), 2U);
  EXPECT_EQ(history->at(1).num_added, 1);
  EXPECT_EQ(history->at(1).num_removed, 1);
  const auto older = copy_.Open()->LoadSnapshot(TableVersion::At(Version(2)));
  ASSERT_FALSE(older.has_value());
  EXPECT_EQ(older.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(*older.error().FindFact("earliestVersion"), Error::FactValue(std::int64_t{3}));
  EXPECT_EQ(*older.error().FindFact("latestVersion"), Error::FactValue(std::int64_t{4}));
}

TEST_F(SqlLogTest, CommitOfSeveralChunks_GivesTheSameFiles) {
  // Lines that overrule each other stand in different chunks.
  std::vector<std::string> lines = {AddLine("first", 1), RemoveLine("gone"), AddLine("dead", 1)};
  const std::string padding(20'000, 'x');
  for (int i = 0; i < 600; ++i) lines.push_back(AddLine(padding + std::to_string(i), i));
  lines.insert(lines.end(), {AddLine("first", 2), RemoveLine("dead"), AddLine("gone", 7)});
  Create({AddLine("gone", 3)});
  Commit(1, lines);
  Commit(2, {RemoveLine(padding + "599"), AddLine("gone", 8)});
  ASSERT_GT(files_.Content(CommitPath(1)).size(), 2 * kChunkBytes);
  Copy();
  EXPECT_EQ(FilesAt(1).size(), 602U);
  EXPECT_EQ(FilesAt(2).size(), 601U);
  EXPECT_THAT(FilesAt(1), testing::IsSupersetOf({"file first||2", "file gone||7"}));
  EXPECT_THAT(FilesAt(2), testing::IsSupersetOf({"file first||2", "file gone||8"}));
}

TEST_F(SqlLogTest, StateSaidTwiceByOneCommit_IsTheLast) {
  Create({TxnLine("app", 1), TxnLine("app", 2), DomainLine("d", "one", false),
          DomainLine("d", "two", false), MetadataLine(R"("key":"new")")});
  Commit(1, {DomainLine("d", "x", true), TxnLine("other", 5)});
  Copy();
  const auto log = copy_.Open();
  const auto first = *log->LoadSnapshot(TableVersion::At(Version(0)));
  EXPECT_EQ(first->app_transactions().at("app").version, 2);
  EXPECT_EQ(first->domain_metadata().at("d"), "two");
  EXPECT_EQ(first->metadata().configuration.at("key"), "new");
  const auto second = *log->LoadSnapshot(TableVersion::Latest());
  EXPECT_EQ(second->app_transactions().size(), 2U);
  EXPECT_THAT(second->domain_metadata(), IsEmpty());
}

TEST_F(SqlLogTest, HeldSnapshot_StreamsTheSameFilesWhileCopyingGoesOn) {
  Create({AddLine("a", 1), AddLine("b", 2)});
  Copy();
  const auto held = *copy_.Open()->LoadSnapshot(TableVersion::Latest());
  const auto before = *DescribeFiles(*held, FileOrder::kByPath);
  auto stream = *held->OpenFiles({});
  Commit(1, {RemoveLine("a"), AddLine("b", 3), AddLine("c", 4)});
  Copy();
  EXPECT_EQ(*DescribeFiles(*held, FileOrder::kByPath), before);
  std::int64_t count = 0;
  for (auto batch = stream->Next(); *batch; batch = stream->Next()) {
    count += std::ssize((*batch)->files());
  }
  EXPECT_EQ(count, 2);
  EXPECT_THAT(FilesAt(1), ElementsAre("file b||3", "file c||4"));
}

TEST_F(SqlLogTest, MissingTable_IsNotFound) {
  const auto log = SqlLog::Open(copy_.database(), "t");
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), ErrorCode::kNotFound);
}

// What a moment means; -1 for none.
std::int64_t VersionAsOf(const TransactionLog& log, std::int64_t ms) {
  const auto snapshot = log.LoadSnapshot(TableVersion::AsOf(Timestamp(ms)));
  if (snapshot) return (*snapshot)->version().value();
  EXPECT_EQ(snapshot.error().code(), ErrorCode::kNotFound) << snapshot.error().message();
  return -1;
}

TEST_F(SqlLogTest, RandomTimes_MeanTheSameVersionsAsInTheFolder) {
  for (const std::uint32_t seed : Seeds(4)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](std::int64_t bound) {
      return static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(bound));
    };
    files_ = storage::MemoryFileSystem();
    StoredCopy copy;
    const std::int64_t latest = 4 + below(12);
    // In-commit timestamps from one version on, or never. Their writer keeps them increasing, also
    // beyond the times of the files before (PROTOCOL.md, In-commit timestamps).
    const std::int64_t enabled = 1 + below(2 * latest);
    std::int64_t in_commit_ms = 3000;
    for (std::int64_t version = 0; version <= latest; ++version) {
      std::vector<std::string> lines = {AddLine(fmt::format("f{}", version))};
      if (version == 0) lines.insert(lines.begin(), {ProtocolLine(), MetadataLine()});
      if (version >= enabled) in_commit_ms += 1 + below(50);
      if (version == enabled) {
        lines.push_back(
            MetadataLine(fmt::format(R"("delta.enableInCommitTimestamps":"true",)"
                                     R"("delta.inCommitTimestampEnablementVersion":"{}",)"
                                     R"("delta.inCommitTimestampEnablementTimestamp":"{}")",
                                     version, in_commit_ms)));
      }
      lines.insert(
          lines.begin(),
          CommitInfoLine(version >= enabled ? fmt::format(R"("inCommitTimestamp":{})", in_commit_ms)
                                            : std::string()));
      Commit(version, lines, 1000 + below(500));
    }
    const auto copied = copy.Copy(files_);
    ASSERT_TRUE(copied.has_value()) << copied.error().message();
    const auto folder = OpenFolder();
    const auto stored = copy.Open();
    for (std::int64_t ms = 990; ms < 1540; ms += 1 + below(20)) {
      EXPECT_EQ(VersionAsOf(*stored, ms), VersionAsOf(*folder, ms)) << ms;
    }
    for (std::int64_t ms = 2990; ms <= in_commit_ms + 10; ms += 1 + below(20)) {
      EXPECT_EQ(VersionAsOf(*stored, ms), VersionAsOf(*folder, ms)) << ms;
    }
    const auto expected = *folder->LoadHistory({});
    const auto actual = *stored->LoadHistory({});
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_EQ(actual[i].timestamp, expected[i].timestamp) << i;
    }
  }
}

// Random logs, copied in random steps, against the model and the folder.
TEST(SqlLogModelTest, RandomLogs_AreTheSameInACatalogAtEveryVersion) {
  int bases = 0;
  for (const std::uint32_t seed : Seeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    storage::MemoryFileSystem files;
    StoredCopy copy;
    ModelLog model(seed);
    for (auto n = 1 + model.Below(8); n > 0; --n) model.Commit(files);
    std::int64_t first = 0;
    if (model.Below(3) == 0) {  // history starts with a checkpoint
      first = model.Below(model.latest() + 1);
      model.Checkpoint(files, first);
      const bool has_commit = model.Below(2) == 0;
      for (std::int64_t v = 0; v < first + (has_commit ? 0 : 1); ++v) files.Drop(CommitPath(v));
      if (first == 0 && has_commit) first = 0;
      ++bases;
    }
    for (auto steps = 1 + model.Below(4); steps > 0; --steps) {
      const auto copied = copy.Copy(files);
      ASSERT_TRUE(copied.has_value()) << copied.error().message();
      const auto log = copy.Open();
      EXPECT_EQ(log->LoadLatestVersion()->value(), model.latest());
      for (std::int64_t v = first; v <= model.latest(); ++v) {
        SCOPED_TRACE("version " + std::to_string(v));
        const auto snapshot = log->LoadSnapshot(TableVersion::At(Version(v)));
        ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
        const auto described = Describe(**snapshot);
        ASSERT_TRUE(described.has_value()) << described.error().message();
        EXPECT_EQ(*described, model.StateAt(v).Describe());
      }
      for (auto n = model.Below(5); n > 0; --n) model.Commit(files);
    }
  }
  if (Seeds().size() > 1) {
    EXPECT_GT(bases, 5);
  }
}

}  // namespace
}  // namespace deltalakedb::log
