#include "txn/rebase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "deltalakedb/schema.h"

namespace deltalakedb::txn {
namespace {

using protocol::StagedActions;
using testing::ElementsAre;
using testing::Pair;

constexpr std::int64_t kNone = -100;

struct Given {
  std::string path;
  std::int64_t rows;  // kNone for no stats
  std::int64_t base_row_id = kNone;
  std::int64_t version = kNone;
};

StagedActions Stage(const std::vector<Given>& files) {
  StagedActions staged;
  for (const Given& file : files) {
    const std::string stats = R"({"numRecords":)" + std::to_string(file.rows) + "}";
    AddFile add;
    add.path = file.path;
    if (file.rows != kNone) add.stats = stats;
    if (file.base_row_id != kNone) add.base_row_id = file.base_row_id;
    if (file.version != kNone) add.default_row_commit_version = file.version;
    EXPECT_TRUE(staged.Append(add));
  }
  return staged;
}

// Base row id and version of each add.
std::vector<std::pair<std::int64_t, std::int64_t>> Ids(const StagedActions& staged) {
  std::vector<std::pair<std::int64_t, std::int64_t>> ids;
  for (const auto& add : staged.adds()) {
    ids.emplace_back(add.action.base_row_id.value_or(kNone),
                     add.action.default_row_commit_version.value_or(kNone));
  }
  return ids;
}

Result<void> AssignIds(StagedActions& staged, const RowIdOptions& options) {
  return AssignRowIds(staged, options, "file:/t");
}

TEST(RowIdsTest, FreshFiles_GetIdsBehindTheMark) {
  StagedActions staged = Stage({{"a", 3}, {"b", 0}, {"c", 5}});
  const auto assigned = AssignIds(staged, {.read_high_water_mark = 9,
                                           .read_version = Version(4),
                                           .high_water_mark = 9,
                                           .version = Version(5)});
  ASSERT_TRUE(assigned.has_value());
  EXPECT_THAT(Ids(staged), ElementsAre(Pair(10, 5), Pair(13, 5), Pair(13, 5)));
  ASSERT_TRUE(staged.own_domain().has_value());
  EXPECT_EQ(staged.own_domain()->domain, "delta.rowTracking");
  EXPECT_EQ(staged.own_domain()->configuration, R"({"rowIdHighWaterMark":17})");
  EXPECT_FALSE(staged.own_domain()->removed);
}

TEST(RowIdsTest, FirstFilesOfATable_StartAtZero) {
  StagedActions staged = Stage({{"a", 3}, {"b", 2}});
  ASSERT_TRUE(AssignIds(staged, {}));
  EXPECT_THAT(Ids(staged), ElementsAre(Pair(0, 0), Pair(3, 0)));
  EXPECT_EQ(staged.own_domain()->configuration, R"({"rowIdHighWaterMark":4})");
}

TEST(RowIdsTest, FilesThatHadIds_KeepThem) {
  // The last says so of an id that nobody has given yet.
  StagedActions staged = Stage({{"a", 3, 2, 1}, {"b", kNone, 5, 4}, {"c", 1, 9}, {"d", 4, 10, 1}});
  ASSERT_TRUE(AssignIds(staged, {.read_high_water_mark = 9,
                                 .read_version = Version(4),
                                 .high_water_mark = 9,
                                 .version = Version(5)}));
  EXPECT_THAT(Ids(staged), ElementsAre(Pair(2, 1), Pair(5, 4), Pair(9, 5), Pair(10, 5)));
  EXPECT_EQ(staged.own_domain()->configuration, R"({"rowIdHighWaterMark":13})");
}

TEST(RowIdsTest, CommitWithoutFreshFiles_HasNoDomain) {
  StagedActions staged = Stage({{"a", 3, 2, 1}});
  staged.SetOwnDomain(DomainMetadata{"delta.rowTracking", "{}", false});
  ASSERT_TRUE(AssignIds(staged, {.read_high_water_mark = 9,
                                 .read_version = Version(4),
                                 .high_water_mark = 9,
                                 .version = Version(5)}));
  EXPECT_FALSE(staged.own_domain().has_value());
}

TEST(RowIdsTest, AssigningAgain_GivesWhatAFirstTimeWould) {
  const std::vector<Given> files = {{"a", 3}, {"b", 7, 4, 2}, {"c", 1, 5}, {"d", 2}};
  StagedActions again = Stage(files);
  RowIdOptions options{.read_high_water_mark = 9,
                       .read_version = Version(4),
                       .high_water_mark = 9,
                       .version = Version(5)};
  ASSERT_TRUE(AssignIds(again, options));
  options.high_water_mark = 20;
  options.version = Version(7);
  ASSERT_TRUE(AssignIds(again, options));
  StagedActions first = Stage(files);
  ASSERT_TRUE(AssignIds(first, options));
  EXPECT_EQ(Ids(again), Ids(first));
  EXPECT_THAT(Ids(first), ElementsAre(Pair(21, 7), Pair(4, 2), Pair(5, 7), Pair(24, 7)));
  EXPECT_EQ(again.own_domain()->configuration, first.own_domain()->configuration);
}

TEST(RowIdsTest, IdsOfABackfill_AreTakenOver) {
  StagedActions staged = Stage({{"a%20b", 3}, {"c", 1}});
  RemoveFile remove;
  remove.path = "file:///t/r";
  ASSERT_TRUE(staged.Append(remove));
  const BackfilledRowIds backfilled = {{"a b", {40, 6}}, {"r", {50, 6}}};
  ASSERT_TRUE(AssignIds(staged, {.read_high_water_mark = -1,
                                 .read_version = Version(5),
                                 .high_water_mark = 99,
                                 .version = Version(7),
                                 .backfilled = &backfilled}));
  EXPECT_THAT(Ids(staged), ElementsAre(Pair(40, 6), Pair(100, 7)));
  EXPECT_EQ(staged.removes()[0].action.base_row_id, 50);
  EXPECT_EQ(staged.removes()[0].action.default_row_commit_version, 6);
}

TEST(RowIdsTest, FileWithoutNumRecords_IsNamedAndNothingChanges) {
  for (const std::string stats :
       {"", "{}", R"({"numRecords":-1})", R"({"numRecords":"3"})", R"({"numRecords":1.5})", "x"}) {
    StagedActions staged = Stage({{"a", 3}});
    AddFile add;
    add.path = "second";
    if (!stats.empty()) add.stats = stats;
    ASSERT_TRUE(staged.Append(add));
    const auto refused = AssignIds(staged, {});
    ASSERT_FALSE(refused.has_value()) << stats;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(*refused.error().FindFact("path"), Error::FactValue("second"));
    EXPECT_EQ(*refused.error().FindFact("field"), Error::FactValue("stats"));
    EXPECT_THAT(Ids(staged), ElementsAre(Pair(kNone, kNone), Pair(kNone, kNone)));
    EXPECT_FALSE(staged.own_domain().has_value());
  }
}

TEST(RowIdsTest, MarkAtTheEnd_IsReachedAndNotPassed) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  StagedActions fits = Stage({{"a", 2}});
  ASSERT_TRUE(AssignIds(fits, {.high_water_mark = kMax - 3}));
  EXPECT_EQ(fits.own_domain()->configuration, RowTrackingConfiguration(kMax - 1));
  StagedActions beyond = Stage({{"a", 3}});
  const auto refused = AssignIds(beyond, {.high_water_mark = kMax - 3});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kLimitExceeded);
}

TEST(RowIdsTest, Mark_IsReadFromTheDomain) {
  EXPECT_EQ(ParseRowIdHighWaterMark(R"({"rowIdHighWaterMark":12})"), 12);
  EXPECT_EQ(ParseRowIdHighWaterMark(R"({"x":{},"rowIdHighWaterMark":-1})"), -1);
  EXPECT_EQ(ParseRowIdHighWaterMark(RowTrackingConfiguration(7)), 7);
  for (const std::string_view wrong :
       {"", "{}", "[]", R"({"rowIdHighWaterMark":"1"})", R"({"rowIdHighWaterMark":1.5})",
        R"({"rowIdHighWaterMark":-2})"}) {
    const auto mark = ParseRowIdHighWaterMark(wrong);
    ASSERT_FALSE(mark.has_value()) << wrong;
    EXPECT_EQ(mark.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(*mark.error().FindFact("domain"), Error::FactValue("delta.rowTracking"));
  }
}

TEST(InCommitTimestampTest, Next_IsNowOrBehindThePrevious) {
  EXPECT_EQ(NextInCommitTimestamp(Timestamp(100), Timestamp(50)), Timestamp(100));
  EXPECT_EQ(NextInCommitTimestamp(Timestamp(51), Timestamp(50)), Timestamp(51));
  EXPECT_EQ(NextInCommitTimestamp(Timestamp(50), Timestamp(50)), Timestamp(51));
  EXPECT_EQ(NextInCommitTimestamp(Timestamp(1), Timestamp(50)), Timestamp(51));
}

TEST(InCommitTimestampTest, Enablement_IsNotedUnlessItIsTheFirstVersion) {
  Metadata off, on;
  on.configuration["delta.enableInCommitTimestamps"] = "true";
  EXPECT_TRUE(EnablesInCommitTimestamps(&off, on));
  EXPECT_TRUE(EnablesInCommitTimestamps(nullptr, on));
  EXPECT_FALSE(EnablesInCommitTimestamps(&on, on));
  EXPECT_FALSE(EnablesInCommitTimestamps(&off, off));
  EXPECT_FALSE(EnablesInCommitTimestamps(nullptr, off));

  NoteInCommitTimestampEnablement(on, Version(0), Timestamp(5));
  EXPECT_EQ(on.configuration.size(), 1U);
  NoteInCommitTimestampEnablement(on, Version(3), Timestamp(5));
  NoteInCommitTimestampEnablement(on, Version(4), Timestamp(6));
  EXPECT_EQ(on.configuration.at("delta.inCommitTimestampEnablementVersion"), "4");
  EXPECT_EQ(on.configuration.at("delta.inCommitTimestampEnablementTimestamp"), "6");
}

std::string IdentitySchema(std::string_view marks, std::string_view type = "long") {
  return R"( {"type":"struct", "fields":[{"name":"id","type":")" + std::string(type) +
         R"(","nullable":true,"metadata":{"delta.identity.start":1, "delta.identity.step":2)" +
         std::string(marks) +
         R"(}},{"name":"b","type":"long","nullable":true,"metadata":{"comment":"é\u00e9"}}]})";
}
std::string Mark(std::int64_t mark) {
  return R"(,"delta.identity.highWaterMark":)" + std::to_string(mark);
}

TEST(IdentityTest, MetadataThatDifferInMarksOnly_AreToldFromOthers) {
  Metadata before;
  before.id = "i";
  before.schema_string = IdentitySchema("");
  Metadata after = before;
  EXPECT_EQ(DifferOnlyInIdentity(before, after), true);
  after.schema_string = IdentitySchema(Mark(7));
  EXPECT_EQ(DifferOnlyInIdentity(before, after), true);
  EXPECT_EQ(DifferOnlyInIdentity(after, before), true);
  after.schema_string = IdentitySchema(Mark(7), "integer");
  EXPECT_EQ(DifferOnlyInIdentity(before, after), false);
  after.schema_string = IdentitySchema(R"(,"comment":"x")");
  EXPECT_EQ(DifferOnlyInIdentity(before, after), false);
  after.schema_string = IdentitySchema(Mark(7));
  after.configuration["x"] = "y";
  EXPECT_EQ(DifferOnlyInIdentity(before, after), false);
  after.configuration.clear();
  after.description = "d";
  EXPECT_EQ(DifferOnlyInIdentity(before, after), false);
  after.description.reset();
  after.schema_string = "broken";
  const auto broken = DifferOnlyInIdentity(before, after);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), ErrorCode::kCorrupt);
}

TEST(IdentityTest, MergedMarks_AreTheFurtherOnesAndTheRestIsOurs) {
  EXPECT_EQ(MergeIdentityHighWaterMarks(IdentitySchema(Mark(7)), IdentitySchema(Mark(9))),
            IdentitySchema(Mark(9)));
  EXPECT_EQ(MergeIdentityHighWaterMarks(IdentitySchema(Mark(9)), IdentitySchema(Mark(7))),
            IdentitySchema(Mark(9)));
  EXPECT_EQ(MergeIdentityHighWaterMarks(IdentitySchema(Mark(9)), IdentitySchema("")),
            IdentitySchema(Mark(9)));
  const auto added = MergeIdentityHighWaterMarks(IdentitySchema(""), IdentitySchema(Mark(9)));
  ASSERT_TRUE(added.has_value());
  EXPECT_EQ(*Schema::Parse(*added)->fields()[0].FindMetadata("delta.identity.highWaterMark"), "9");
  EXPECT_THAT(*added, testing::EndsWith(IdentitySchema("").substr(
                          IdentitySchema("").find(R"("delta.identity.start")"))));

  const auto down = [](std::int64_t mark) {
    return R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":)"
           R"({"delta.identity.step":-1)" +
           Mark(mark) + "}}]}";
  };
  EXPECT_EQ(MergeIdentityHighWaterMarks(down(-7), down(-9)), down(-9));
  EXPECT_EQ(MergeIdentityHighWaterMarks(down(-9), down(-7)), down(-9));
}

TEST(TypeChangesTest, ChangesOfTheVersion_MoveAndOthersStay) {
  const auto schema = [](int first, int second) {
    return R"({"type":"struct","fields":[{"name":"a","type":{"type":"array","elementType":)"
           R"({"type":"struct","fields":[{"name":"x","type":"long","nullable":true,"metadata":)"
           R"({"delta.typeChanges":[{"tableVersion":)" +
           std::to_string(first) + R"(,"fromType":"short"}, {"tableVersion": )" +
           std::to_string(second) +
           R"(}]}}]},"containsNull":true},"nullable":true,"metadata":{"tableVersion":5}}]})";
  };
  EXPECT_EQ(MoveTypeChanges(schema(2, 5), Version(5), Version(16)), schema(2, 16));
  EXPECT_EQ(MoveTypeChanges(schema(5, 5), Version(5), Version(6)), schema(6, 6));
  EXPECT_EQ(MoveTypeChanges(schema(2, 3), Version(5), Version(6)), schema(2, 3));
  EXPECT_EQ(MoveTypeChanges("no schema", Version(5), Version(6)), "no schema");
}

}  // namespace
}  // namespace deltalakedb::txn
