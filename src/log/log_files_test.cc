#include "log/log_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace deltalakedb::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LogListing List(std::initializer_list<std::string> names) {
  std::vector<storage::FileInfo> files;
  for (const std::string& name : names) files.emplace_back(name, 1, Timestamp(0));
  return ArrangeListing(std::move(files));
}

std::string Commit(int version) { return CommitName(Version(version)); }
std::string Checkpoint(int version, const std::string& rest) {
  const std::string commit = Commit(version);
  return commit.substr(0, 20) + ".checkpoint" + rest;
}
std::string Part(int version, int part, int parts) {
  const auto padded = [](int number) {
    const std::string digits = std::to_string(number);
    return std::string(10 - digits.size(), '0') + digits;
  };
  return Checkpoint(version, "." + padded(part) + "." + padded(parts) + ".parquet");
}
std::string Compaction(int first, int last) {
  return Commit(first).substr(0, 20) + "." + Commit(last).substr(0, 20) + ".compacted.json";
}

std::vector<std::string> Names(const LogSegment& segment) {
  std::vector<std::string> names;
  for (const LogSegment::Piece& piece : segment.pieces) names.push_back(piece.file.name);
  return names;
}

TEST(ArrangeListing, NamesOfOtherKinds_ArePassedOver) {
  const LogListing listing = List({
      "_last_checkpoint",
      "0.json",
      "00000000000000000001.json.tmp",
      ".00000000000000000001.json.crc",
      "0000000000000000000x.json",
      "000000000000000000001.json",
      "99999999999999999999.json",
      "00000000000000000001.checkpoint",
      "00000000000000000001.checkpoint.parquet.tmp",
      "00000000000000000001.checkpoint..parquet",
      "00000000000000000001.checkpoint.1.2.parquet",
      "00000000000000000001.checkpoint.0000000003.0000000002.parquet",
      "00000000000000000001.checkpoint.0000000000.0000000002.parquet",
      "00000000000000000002.00000000000000000002.compacted.json",
  });
  EXPECT_TRUE(listing.IsEmpty());
  EXPECT_THAT(listing.incomplete_checkpoints, IsEmpty());
  EXPECT_THAT(listing.compactions, IsEmpty());
}

TEST(ArrangeListing, ChecksumsAlone_AreNoLog) {
  EXPECT_TRUE(List({"00000000000000000000.crc"}).IsEmpty());
}

TEST(ArrangeListing, PartsThatAreNotAllThere_AreIncomplete) {
  const LogListing listing = List({Part(3, 1, 3), Part(3, 3, 3), Part(5, 1, 2), Part(5, 2, 2)});
  ASSERT_EQ(listing.checkpoints.size(), 1U);
  EXPECT_EQ(listing.checkpoints[0].version, Version(5));
  EXPECT_EQ(listing.checkpoints[0].files.size(), 2U);
  ASSERT_EQ(listing.incomplete_checkpoints.size(), 1U);
  EXPECT_EQ(listing.incomplete_checkpoints[0].parts_found, 2);
  EXPECT_EQ(listing.incomplete_checkpoints[0].parts_expected, 3);
  EXPECT_EQ(listing.Latest(), Version(5));
}

TEST(ArrangeListing, CheckpointsOfOneVersion_AreOrderedByPreference) {
  const std::string low = Checkpoint(4, ".3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json");
  const std::string high = Checkpoint(4, ".80a083e8-7026-4e79-81be-64bd76c43a11.parquet");
  const LogListing listing = List({high, Part(4, 1, 1), Checkpoint(4, ".parquet"), low,
                                   Part(4, 1, 2), Part(4, 2, 2), Checkpoint(3, ".x.json")});
  std::vector<std::string> names;
  for (const CheckpointFiles& checkpoint : listing.checkpoints) {
    names.push_back(checkpoint.files.front().name);
  }
  EXPECT_THAT(names, ElementsAre(Checkpoint(3, ".x.json"), Checkpoint(4, ".parquet"), Part(4, 1, 1),
                                 Part(4, 1, 2), low, high));
}

TEST(ArrangeListing, CheckpointWithoutItsCommit_CanBeTheLatest) {
  EXPECT_EQ(List({Commit(1), Checkpoint(2, ".parquet")}).Latest(), Version(2));
  EXPECT_EQ(List({Commit(1), Part(9, 1, 2)}).Latest(), Version(1)) << "an incomplete one cannot";
}

TEST(PlanSegment, CommitsFromZero_AreTakenInOrder) {
  const LogListing listing = List({Commit(2), Commit(0), Commit(1), Commit(3)});
  const auto segment = PlanSegment(listing, std::nullopt, Version(2));
  ASSERT_TRUE(segment);
  EXPECT_THAT(Names(*segment), ElementsAre(Commit(0), Commit(1), Commit(2)));
}

TEST(PlanSegment, Base_IsContinuedAfterItsVersion) {
  const LogListing listing = List({Commit(1), Commit(2), Checkpoint(1, ".parquet")});
  const auto segment = PlanSegment(listing, listing.checkpoints.front(), Version(2));
  ASSERT_TRUE(segment);
  EXPECT_THAT(Names(*segment), ElementsAre(Commit(2)));
}

TEST(PlanSegment, Gap_IsNamed) {
  const auto segment = PlanSegment(List({Commit(0), Commit(2)}), std::nullopt, Version(2));
  ASSERT_FALSE(segment);
  EXPECT_EQ(segment.error().commit, Version(1));
}

TEST(PlanSegment, CommitsThatAreThere_ArePreferredToTheirCompaction) {
  const LogListing listing = List({Commit(0), Commit(1), Commit(2), Compaction(0, 2)});
  const auto segment = PlanSegment(listing, std::nullopt, Version(2));
  ASSERT_TRUE(segment);
  EXPECT_THAT(Names(*segment), ElementsAre(Commit(0), Commit(1), Commit(2)));
}

TEST(PlanSegment, Compaction_BridgesMissingCommitsAsFarAsItMay) {
  const LogListing listing =
      List({Commit(0), Commit(4), Compaction(1, 2), Compaction(1, 3), Compaction(1, 5)});
  const auto segment = PlanSegment(listing, std::nullopt, Version(4));
  ASSERT_TRUE(segment);
  EXPECT_THAT(Names(*segment), ElementsAre(Commit(0), Compaction(1, 3), Commit(4)));
  const auto earlier = PlanSegment(listing, std::nullopt, Version(1));
  ASSERT_FALSE(earlier) << "no compaction ends at version 1";
}

TEST(PlanSegment, CompactionOfACommitThatIsThere_BridgesTheGapAfterIt) {
  const LogListing listing = List({Commit(0), Commit(1), Commit(4), Compaction(1, 3)});
  const auto segment = PlanSegment(listing, std::nullopt, Version(4));
  ASSERT_TRUE(segment);
  EXPECT_THAT(Names(*segment), ElementsAre(Commit(0), Compaction(1, 3), Commit(4)));
}

TEST(PlanSegment, CompactionThatReachesFurthest_GivesWayWhereItEndsInAGap) {
  const LogListing listing =
      List({Commit(0), Compaction(1, 5), Compaction(1, 3), Compaction(4, 6), Commit(7)});
  const auto segment = PlanSegment(listing, std::nullopt, Version(7));
  ASSERT_TRUE(segment);
  EXPECT_THAT(Names(*segment),
              ElementsAre(Commit(0), Compaction(1, 3), Compaction(4, 6), Commit(7)));
}

// Arithmetic on versions must not overflow, whatever names there are.
TEST(ArrangeListing, GreatestVersions_AreTakenAsFarAsOneCanFollow) {
  const LogListing listing = List({"09223372036854775807.json", "09223372036854775808.json",
                                   "09223372036854775807.checkpoint.parquet",
                                   "09223372036854775805.09223372036854775807.compacted.json"});
  EXPECT_TRUE(listing.IsEmpty());
  EXPECT_THAT(listing.compactions, IsEmpty());
  const LogListing last = List({"09223372036854775806.json"});
  ASSERT_EQ(last.Latest().value(), 9223372036854775806);
  EXPECT_EQ(PlanSegment(last, std::nullopt, last.Latest()).error().commit, Version(0));
}

TEST(PlanSegment, LongLogs_AreNotSearchedOverAndOver) {
  std::vector<storage::FileInfo> files;
  constexpr int kVersions = 20'000;
  for (int v = 0; v < kVersions; v += 2) {
    files.emplace_back(Compaction(v, v + 1), 1, Timestamp(0));
    files.emplace_back(Commit(v), 1, Timestamp(0));
  }
  const LogListing listing = ArrangeListing(std::move(files));
  const auto segment = PlanSegment(listing, std::nullopt, Version(kVersions - 1));
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->pieces.size(), kVersions / 2U);
}

}  // namespace
}  // namespace deltalakedb::log
