#include "mirror/log_cleanup_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace deltalakedb::mirror {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Properties = std::map<std::string, std::string>;

constexpr std::int64_t kDayMs = 24LL * 60 * 60 * 1000;
// Noon of a day.
constexpr Timestamp kNow(20'000 * kDayMs + kDayMs / 2);
constexpr std::string_view kEnabled = "delta.enableExpiredLogCleanup";
constexpr std::string_view kRetention = "delta.logRetentionDuration";

Timestamp DaysBefore(std::int64_t days) { return Timestamp((20'000 - days) * kDayMs); }

// ---- whether, and up to when
// ---------------------------------------------------------------------

std::optional<Timestamp> CutoffOf(const Properties& properties, bool is_imported = false,
                                  std::vector<std::string> features = {}) {
  Protocol protocol;
  protocol.min_reader_version = 1;
  protocol.min_writer_version = features.empty() ? 2 : 7;
  if (!features.empty()) protocol.writer_features = std::move(features);
  Metadata metadata;
  metadata.schema_string = R"({"type":"struct","fields":[]})";
  for (const auto& [name, value] : properties) metadata.configuration[name] = value;
  return FindCleanupCutoff({.protocol = protocol, .metadata = metadata, .is_imported = is_imported},
                           kNow);
}

TEST(LogCleanupPlanTest, Cutoff_IsMidnightBeforeTheRetentionsEnd) {
  EXPECT_EQ(CutoffOf({}), DaysBefore(30));
  EXPECT_EQ(CutoffOf({{std::string(kRetention), "interval 1 day"}}), DaysBefore(1));
  EXPECT_EQ(CutoffOf({{std::string(kRetention), "interval 13 hours"}}), DaysBefore(1));
  EXPECT_EQ(CutoffOf({{std::string(kRetention), "interval 12 hours"}}), DaysBefore(0));
  EXPECT_EQ(CutoffOf({{std::string(kRetention), "interval 0 days"}}), DaysBefore(0));
}

TEST(LogCleanupPlanTest, RetentionThatNobodyCanRead_KeepsEverything) {
  EXPECT_EQ(CutoffOf({{std::string(kRetention), "interval 1 month"}}), std::nullopt);
  EXPECT_EQ(CutoffOf({{std::string(kRetention), "interval 99999999 days"}}), std::nullopt);
}

TEST(LogCleanupPlanTest, Property_TurnsItOff) {
  EXPECT_EQ(CutoffOf({{std::string(kEnabled), "false"}}), std::nullopt);
  EXPECT_EQ(CutoffOf({{std::string(kEnabled), "yes"}}), std::nullopt);
  EXPECT_EQ(CutoffOf({{std::string(kEnabled), "True"}}), DaysBefore(30));
}

TEST(LogCleanupPlanTest, ImportedTable_HasToSayTrue) {
  EXPECT_EQ(CutoffOf({}, true), std::nullopt);
  EXPECT_EQ(CutoffOf({{std::string(kEnabled), "false"}}, true), std::nullopt);
  EXPECT_EQ(CutoffOf({{std::string(kEnabled), "true"}}, true), DaysBefore(30));
}

TEST(LogCleanupPlanTest, ProtectedCheckpointsAndUnknownFeatures_KeepEverything) {
  EXPECT_EQ(CutoffOf({{"delta.requireCheckpointProtectionBeforeVersion", "5"}}), std::nullopt);
  EXPECT_EQ(CutoffOf({}, false, {"appendOnly"}), DaysBefore(30));
  EXPECT_EQ(CutoffOf({}, false, {"checkpointProtection"}), std::nullopt);
  EXPECT_EQ(CutoffOf({}, false, {"featureOfTheFuture"}), std::nullopt);
}

// ---- from which version on
// -----------------------------------------------------------------------

std::string Commit(int version) { return fmt::format("{:020}.json", version); }
std::string Checkpoint(int version) { return fmt::format("{:020}.checkpoint.parquet", version); }
std::string Part(int version, int part, int parts) {
  return fmt::format("{:020}.checkpoint.{:010}.{:010}.parquet", version, part, parts);
}

std::vector<storage::FileInfo> FilesOf(const std::vector<std::string>& names) {
  std::vector<storage::FileInfo> files;
  for (const std::string& name : names) files.emplace_back(name, 0, Timestamp(0));
  return files;
}

std::vector<storage::FileInfo> CommitsAnd(int first, int last, std::vector<std::string> names) {
  for (int version = first; version <= last; ++version) names.push_back(Commit(version));
  return FilesOf(names);
}

// Version v is of the time v, and the last version is 9.
std::optional<Version> StartOf(const std::vector<storage::FileInfo>& files, std::int64_t cutoff) {
  const auto found = FindCutoffCheckpoint(
      log::ArrangeListing(files), Version(9), Timestamp(cutoff),
      [](Version version) -> Result<Timestamp> { return Timestamp(version.value()); });
  EXPECT_TRUE(found.has_value());
  return found.value_or(std::nullopt);
}

TEST(LogCleanupPlanTest, Checkpoint_IsTheNewestNotLaterThanTheCutoff) {
  const auto files = CommitsAnd(0, 9, {Checkpoint(2), Checkpoint(4), Checkpoint(8)});
  EXPECT_EQ(StartOf(files, 1), std::nullopt);
  EXPECT_EQ(StartOf(files, 2), Version(2));
  EXPECT_EQ(StartOf(files, 7), Version(4));
  EXPECT_EQ(StartOf(files, 100), Version(8));
  EXPECT_EQ(StartOf(CommitsAnd(0, 9, {}), 100), std::nullopt);
}

TEST(LogCleanupPlanTest, CheckpointThatLacksAPart_IsNone) {
  EXPECT_EQ(StartOf(CommitsAnd(0, 9, {Checkpoint(2), Part(4, 1, 2)}), 5), Version(2));
  EXPECT_EQ(StartOf(CommitsAnd(0, 9, {Checkpoint(2), Part(4, 1, 2), Part(4, 2, 2)}), 5),
            Version(4));
}

TEST(LogCleanupPlanTest, CheckpointBelowAGap_IsNone) {
  auto files = CommitsAnd(0, 2, {Checkpoint(2), Checkpoint(5)});
  for (const auto& file : CommitsAnd(4, 9, {})) files.push_back(file);
  EXPECT_EQ(StartOf(files, 3), std::nullopt);
  EXPECT_EQ(StartOf(files, 5), Version(5));
  // Its own commit has to be there, too, as in-commit timestamps are in no checkpoint.
  EXPECT_EQ(StartOf(CommitsAnd(6, 9, {Checkpoint(5)}), 100), std::nullopt);
  EXPECT_EQ(StartOf(CommitsAnd(0, 8, {Checkpoint(5)}), 100), std::nullopt);
}

TEST(LogCleanupPlanTest, TimeThatCannotBeFound_IsTheError) {
  const auto found = FindCutoffCheckpoint(
      log::ArrangeListing(CommitsAnd(0, 9, {Checkpoint(2)})), Version(9), Timestamp(5),
      [](Version) -> Result<Timestamp> { return Fail(ErrorCode::kUnavailable, "gone"); });
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code(), ErrorCode::kUnavailable);
}

// ---- which files, in which order
// -----------------------------------------------------------------

TEST(LogCleanupPlanTest, Plan_IsFromTheOldestUpCommitsBeforeCheckpoints) {
  const auto names = PlanCleanup(
      CommitsAnd(0, 3,
                 {Checkpoint(1), Part(1, 2, 2), Part(1, 1, 2), Checkpoint(2), Checkpoint(3),
                  "00000000000000000001.crc", "00000000000000000002.crc"}),
      Version(2));
  EXPECT_THAT(names, ElementsAre(Commit(0), "00000000000000000001.crc", Commit(1), Part(1, 1, 2),
                                 Part(1, 2, 2), Checkpoint(1)));
}

TEST(LogCleanupPlanTest, PartsWithoutTheOthers_GoToo) {
  EXPECT_THAT(PlanCleanup(FilesOf({Part(1, 1, 3), Part(5, 1, 3)}), Version(4)),
              ElementsAre(Part(1, 1, 3)));
}

TEST(LogCleanupPlanTest, Compactions_GoThatBeginAtTheCheckpointOrBefore) {
  const auto compaction = [](int first, int last) {
    return fmt::format("{:020}.{:020}.compacted.json", first, last);
  };
  EXPECT_THAT(
      PlanCleanup(FilesOf({compaction(0, 3), compaction(4, 9), compaction(5, 9)}), Version(4)),
      ElementsAre(compaction(0, 3), compaction(4, 9)));
}

TEST(LogCleanupPlanTest, OtherFiles_AreLeftAlone) {
  EXPECT_THAT(
      PlanCleanup(FilesOf({"_last_checkpoint", "1.json", "notes.txt", Commit(4),
                           ".00000000000000000001.json.tmp", "00000000000000000001.json.bak"}),
                  Version(4)),
      IsEmpty());
}

}  // namespace
}  // namespace deltalakedb::mirror
