// The rules of PROTOCOL.md, In-commit timestamps and time travel.
#include "log/commit_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log/model_log_internal.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using testing::ElementsAre;
using testing::HasSubstr;

class CommitTimesTest : public testing::Test {
 protected:
  CommitTimesTest() {
    folder_.file_system = &files_;
    folder_.sink = &sink_;
    folder_.path = kFolder;
  }

  // A commit with this file time, and an in-commit timestamp where one is given.
  void Commit(std::int64_t version, std::int64_t file_ms,
              std::optional<std::int64_t> in_commit_ms = std::nullopt) {
    const std::string fields =
        in_commit_ms ? fmt::format(R"("inCommitTimestamp":{},"timestamp":1)", *in_commit_ms) : "";
    files_.Write(CommitPath(version), Lines({CommitInfoLine(fields), AddLine("a")}),
                 Timestamp(file_ms));
  }
  void Checkpoint(std::int64_t version, std::int64_t file_ms) {
    files_.Write(CheckpointPath(version, ".parquet"), "", Timestamp(file_ms));
  }
  void Configure(const std::string& key, const std::string& value) {
    metadata_.configuration[key] = value;
  }
  void EnableInCommit(std::optional<std::int64_t> since = std::nullopt,
                      std::optional<std::int64_t> since_ms = std::nullopt) {
    Configure("delta.enableInCommitTimestamps", "true");
    if (since) Configure("delta.inCommitTimestampEnablementVersion", std::to_string(*since));
    if (since_ms) {
      Configure("delta.inCommitTimestampEnablementTimestamp", std::to_string(*since_ms));
    }
  }

  CommitTimes Make() {
    folder_.listing = ArrangeListing(*files_.List(kFolder));
    auto times = CommitTimes::Make(folder_, metadata_);
    EXPECT_TRUE(times.has_value()) << times.error().message();
    return *times;
  }
  // The times of versions first..last in ms; -1 for an error.
  std::vector<std::int64_t> Times(std::int64_t first, std::int64_t last) {
    const CommitTimes times = Make();
    std::vector<std::int64_t> found;
    for (std::int64_t v = first; v <= last; ++v) {
      const auto time = times.Find(Version(v));
      found.push_back(time ? time->ms() : -1);
    }
    return found;
  }
  // The version that a moment means; -1 for none.
  std::int64_t At(std::int64_t ms, std::int64_t first, std::int64_t last) {
    const auto found = Make().FindLastUpTo(Timestamp(ms), {Version(first), Version(last)});
    EXPECT_TRUE(found.has_value()) << found.error().message();
    return *found ? (*found)->value() : -1;
  }

  storage::MemoryFileSystem files_;
  ListSink sink_;
  LogFolder folder_;
  Metadata metadata_;
};

// ---- file times ---------------------------------------------------------------------------------

TEST_F(CommitTimesTest, FileTimes_AreMadeToIncrease) {
  for (const auto& [version, ms] :
       std::map<std::int64_t, std::int64_t>{{0, 100}, {1, 100}, {2, 50}, {3, 102}, {4, 200}}) {
    Commit(version, ms);
  }
  EXPECT_THAT(Times(0, 4), ElementsAre(100, 101, 102, 103, 200));
  EXPECT_EQ(At(99, 0, 4), -1);
  EXPECT_EQ(At(100, 0, 4), 0);
  EXPECT_EQ(At(102, 0, 4), 2);
  EXPECT_EQ(At(199, 0, 4), 3);
  EXPECT_EQ(At(10'000, 0, 4), 4);
  EXPECT_TRUE(Make().IsFileTime(Version(4)));
}

TEST_F(CommitTimesTest, TimesBefore1970_AreTimes) {
  Commit(0, -5000);
  Commit(1, -4000);
  EXPECT_EQ(At(-4001, 0, 1), 0);
  EXPECT_EQ(At(-5001, 0, 1), -1);
}

// The commit of a checkpoint's version is gone; the checkpoint may have been written much later
// than the commits after it.
TEST_F(CommitTimesTest, LateCheckpoint_DoesNotMoveTheCommitsAfterIt) {
  Checkpoint(5, 1'000'000);
  Commit(6, 600);
  Commit(7, 700);
  EXPECT_THAT(Times(6, 7), ElementsAre(600, 700));
  const auto base = Times(5, 5);
  EXPECT_LT(base[0], 600);
  EXPECT_EQ(At(650, 5, 7), 6);
  EXPECT_EQ(At(599, 5, 7), 5);
}

TEST_F(CommitTimesTest, CheckpointBesideItsCommit_DoesNotCount) {
  Commit(0, 100);
  Commit(1, 200);
  Checkpoint(1, 10);
  Commit(2, 300);
  EXPECT_THAT(Times(0, 2), ElementsAre(100, 200, 300));
}

TEST_F(CommitTimesTest, CheckpointInstead_GivesItsTime) {
  Checkpoint(5, 500);
  Commit(6, 600);
  EXPECT_THAT(Times(5, 6), ElementsAre(500, 600));
}

TEST_F(CommitTimesTest, VersionThatACompactionStandsFor_IsNoLaterThanTheNextOne) {
  Commit(0, 100);
  Commit(4, 400);
  EXPECT_THAT(Times(3, 4), ElementsAre(400, 400));
  EXPECT_THAT(Times(5, 5), ElementsAre(-1));
}

// ---- in-commit timestamps -----------------------------------------------------------------------

TEST_F(CommitTimesTest, InCommitTimestampsFromTheStart_AreTheTimes) {
  EnableInCommit();
  Commit(0, 9000, 100);
  Commit(1, 8000, 200);
  Commit(2, 7000, 300);
  EXPECT_THAT(Times(0, 2), ElementsAre(100, 200, 300));
  EXPECT_EQ(At(99, 0, 2), -1);
  EXPECT_EQ(At(250, 0, 2), 1);
  EXPECT_EQ(At(300, 0, 2), 2);
  EXPECT_FALSE(Make().IsFileTime(Version(0)));
}

TEST_F(CommitTimesTest, MomentDecidesWhichKindOfTimeIsSearched) {
  // Enabled in version 2 at 250; the files of old commits were copied later.
  EnableInCommit(2, 250);
  Commit(0, 900);
  Commit(1, 1000);
  Commit(2, 5, 250);
  Commit(3, 5, 350);
  EXPECT_THAT(Times(0, 3), ElementsAre(900, 1000, 250, 350));
  EXPECT_EQ(At(250, 0, 3), 2);
  EXPECT_EQ(At(349, 0, 3), 2);
  EXPECT_EQ(At(950, 0, 3), 3);
  EXPECT_EQ(At(249, 0, 3), -1) << "before the enablement only older versions are searched";
}

TEST_F(CommitTimesTest, EnablementTimeThatIsMissing_IsThatOfItsVersion) {
  EnableInCommit(1);
  Commit(0, 100);
  Commit(1, 5, 250);
  Commit(2, 5, 350);
  EXPECT_EQ(At(249, 0, 2), 0);
  EXPECT_EQ(At(250, 0, 2), 1);
}

TEST_F(CommitTimesTest, LogThatBeginsAfterTheEnablement_HasNoOlderVersions) {
  EnableInCommit(2, 250);
  Commit(5, 1, 500);
  Commit(6, 1, 600);
  EXPECT_EQ(At(200, 5, 6), -1);
  EXPECT_EQ(At(499, 5, 6), -1);
  EXPECT_EQ(At(550, 5, 6), 5);
}

TEST_F(CommitTimesTest, InCommitTimestampThatIsMissing_IsCorruptAndNamed) {
  EnableInCommit();
  Commit(0, 100);
  const auto time = Make().Find(Version(0));
  ASSERT_FALSE(time.has_value());
  EXPECT_EQ(time.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(time.error().message(), HasSubstr(CommitPath(0)));
  EXPECT_EQ(*time.error().FindFact("file"), Error::FactValue(CommitPath(0)));
}

TEST_F(CommitTimesTest, CommitInfoThatIsKnownAlready_SavesReadingTheCommit) {
  EnableInCommit();
  Commit(0, 100, 7);
  const CommitTimes times = Make();
  CommitInfo info;
  info.in_commit_timestamp = 7;
  files_.SetFault([](storage::FileOperation, const std::string&) {
    return std::optional(Error(ErrorCode::kIo, "no"));
  });
  EXPECT_EQ(times.Find(Version(0), &info), Timestamp(7));
  EXPECT_EQ(times.Find(Version(0)).error().code(), ErrorCode::kIo);
}

TEST_F(CommitTimesTest, ChecksumStandsInForACommitThatIsGone) {
  EnableInCommit();
  Checkpoint(3, 99);
  files_.Write(kFolder + "/00000000000000000003.crc", R"({"inCommitTimestampOpt":300})");
  Commit(4, 1, 400);
  EXPECT_THAT(Times(3, 4), ElementsAre(300, 400));
  for (const char* const broken :
       {"", "[]", "{}", R"({"inCommitTimestampOpt":"300"})", "{\"a\":"}) {
    files_.Write(kFolder + "/00000000000000000003.crc", broken);
    EXPECT_THAT(Times(3, 4), ElementsAre(99, 400)) << broken;
  }
}

TEST_F(CommitTimesTest, LateCheckpointAmongInCommitTimestamps_LiesBeforeTheNextCommit) {
  EnableInCommit();
  Checkpoint(3, 1'000'000);
  Commit(4, 1, 400);
  Commit(5, 2, 500);
  EXPECT_THAT(Times(3, 5), ElementsAre(399, 400, 500));
  EXPECT_EQ(At(450, 3, 5), 4);
  EXPECT_EQ(At(398, 3, 5), -1);
}

// ---- what times are made from -------------------------------------------------------------------

class CommitTimeSourceTest : public CommitTimesTest {
 protected:
  // "time raw source" of a version.
  std::string Detail(std::int64_t version) {
    constexpr const char* kNames[] = {"in-commit", "file", "checksum", "checkpoint"};
    const CommitTimes times = Make();
    const auto found = times.FindDetailed(Version(version));
    if (!found) return found.error().message();
    EXPECT_EQ(times.Find(Version(version)), found->time);
    return fmt::format("{} {} {}", found->time.ms(), found->raw.ms(),
                       kNames[static_cast<int>(found->source)]);
  }
};

TEST_F(CommitTimeSourceTest, FileTimeThatWasMoved_IsToldAsItWas) {
  Checkpoint(1, 500);
  Commit(2, 100);
  Commit(3, 40);
  Commit(4, 200);
  EXPECT_EQ(Detail(1), "99 500 checkpoint");
  EXPECT_EQ(Detail(2), "100 100 file");
  EXPECT_EQ(Detail(3), "101 40 file");
  EXPECT_EQ(Detail(4), "200 200 file");
  EXPECT_THAT(Detail(5), HasSubstr("not known"));
}

TEST_F(CommitTimeSourceTest, InCommitTimestamp_IsTheRawTimeToo) {
  EnableInCommit(4, 400);
  Commit(3, 900);
  Commit(4, 50, 400);
  Commit(5, 60, 500);
  EXPECT_EQ(Detail(3), "900 900 file");
  EXPECT_EQ(Detail(4), "400 400 in-commit");
  CommitInfo info;
  info.in_commit_timestamp = 501;
  const auto known = Make().FindDetailed(Version(5), &info);
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->raw, Timestamp(501));
  EXPECT_EQ(known->source, TimeSource::kInCommit);
}

TEST_F(CommitTimeSourceTest, BaseWithoutItsCommit_GoesByChecksumOrCheckpoint) {
  EnableInCommit();
  Checkpoint(3, 1000);
  Commit(4, 1, 400);
  EXPECT_EQ(Detail(3), "399 1000 checkpoint");
  files_.Write(kFolder + "/00000000000000000003.crc", R"({"inCommitTimestampOpt":300})");
  EXPECT_EQ(Detail(3), "300 300 checksum");
}

// ---- configuration ------------------------------------------------------------------------------

TEST_F(CommitTimesTest, EnablementIsReadAsSparkReadsIt) {
  EXPECT_FALSE((*FindInCommitTimestamps(metadata_)).has_value());
  for (const char* const value : {"true", "TRUE", "True"}) {
    Configure("delta.enableInCommitTimestamps", value);
    EXPECT_TRUE((*FindInCommitTimestamps(metadata_)).has_value()) << value;
  }
  for (const char* const value : {"false", "", "1", "yes", "truex", "tru"}) {
    Configure("delta.enableInCommitTimestamps", value);
    EXPECT_FALSE((*FindInCommitTimestamps(metadata_)).has_value()) << value;
  }
}

TEST_F(CommitTimesTest, EnablementThatIsNoNumber_IsCorrupt) {
  for (const char* const value : {"", "x", "1x", " 1", "1.0", "9223372036854775808"}) {
    EnableInCommit();
    Configure("delta.inCommitTimestampEnablementVersion", value);
    const auto found = FindInCommitTimestamps(metadata_);
    ASSERT_FALSE(found.has_value()) << value;
    EXPECT_EQ(found.error().code(), ErrorCode::kCorrupt);
    EXPECT_THAT(found.error().message(), HasSubstr("inCommitTimestampEnablementVersion"));
  }
  EnableInCommit(4, -7);
  const auto found = FindInCommitTimestamps(metadata_);
  EXPECT_EQ((*found)->since, Version(4));
  EXPECT_EQ((*found)->since_time, Timestamp(-7));
}

}  // namespace
}  // namespace deltalakedb::log
