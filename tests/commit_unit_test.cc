// What a commit does to a table's rows, and what it refuses, on every database.
#include "store/commit_unit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "deltalakedb/table.h"
#include "tests/commit_unit_fixture.h"

namespace deltalakedb::testing {
namespace {

using store::CommitAnswer;
using store::CommitRefusal;
using store::TableCommit;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CommitUnitTest : public CommitUnitFixture {};

INSTANTIATE_TEST_SUITE_P(Databases, CommitUnitTest, ::testing::ValuesIn(TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(CommitUnitTest, BlindAppends_TakeTheNextVersionWhateverItIs) {
  ExpectDone(Commit(Add("a")), 1, 2, 110);
  ExpectDone(Commit(Add("b", 20) + Add("c", 30)), 2, 4, 160);
  EXPECT_THAT(Paths(), ElementsAre("a", "b", "c", "first"));
}

TEST_P(CommitUnitTest, VersionThatWasRead_HasToBeTheLatest) {
  ExpectDone(Commit(Add("a"), Version(0)), 1, 2, 110);
  ExpectRefused(Commit(Add("b"), Version(0)), CommitRefusal::kVersion);
  ExpectDone(Commit(Add("b"), Version(1)), 2, 3, 120);
  EXPECT_THAT(Paths(), ElementsAre("a", "b", "first"));
}

TEST_P(CommitUnitTest, RemovedFile_EndsAndHasToBeLive) {
  ExpectDone(Commit(Remove("first") + Add("a"), Version(0)), 1, 1, 10);
  ExpectRefused(Commit(Remove("first"), Version(1)), CommitRefusal::kNotLive);
  ExpectRefused(Commit(Remove("none") + Add("b"), Version(1)), CommitRefusal::kNotLive);
  EXPECT_THAT(Paths(), ElementsAre("a"));
  ExpectDone(Commit(Remove("a"), Version(1)), 2, 0, 0);
  EXPECT_THAT(Paths(), IsEmpty());
}

TEST_P(CommitUnitTest, FileAddedAgain_ReplacesItself) {
  ExpectDone(Commit(Add("first", 7)), 1, 1, 7);
  ExpectDone(Commit(Add("first", 8) + Add("a")), 2, 2, 18);
  EXPECT_THAT(Paths(), ElementsAre("a", "first"));
}

TEST_P(CommitUnitTest, FileWithAnotherVector_NeedsItsRemove) {
  ExpectRefused(Commit(Add("first", 100, Vector("v1"))), CommitRefusal::kOtherVector);
  ExpectDone(Commit(Remove("first") + Add("first", 100, Vector("v1")), Version(0)), 1, 1, 100);
  ExpectRefused(Commit(Add("first")), CommitRefusal::kOtherVector);
  ExpectDone(Commit(Remove("first", Vector("v1")) + Add("first", 100, Vector("v2")), Version(1)), 2,
             1, 100);
}

TEST_P(CommitUnitTest, EveryKindOfAction_HasItsRows) {
  const std::string text =
      R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],)"
      R"("writerFeatures":["deletionVectors","domainMetadata"]}})"
      "\n"
      R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
      R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
      R"("configuration":{"k":"v"}}})"
      "\n"
      R"({"domainMetadata":{"domain":"d","configuration":"c","removed":false}})"
      "\n"
      R"({"txn":{"appId":"app","version":7,"lastUpdated":9}})"
      "\n"
      R"({"cdc":{"path":"_change_data/x","partitionValues":{"p":null},"size":5,"dataChange":false}})"
      "\n"
      R"({"something":{"new":1}})"
      "\n";
  ExpectDone(Commit(text + Remove("first") + Add("a"), Version(0)), 1, 1, 10);
  const auto state = DeltaTable::Open(uri_)->LoadState();
  ASSERT_TRUE(state.has_value()) << state.error().message();
  EXPECT_EQ(state->metadata.configuration.at("k"), "v");
  EXPECT_EQ(state->protocol.writer_features->size(), 2U);
  EXPECT_EQ(state->app_transactions.at("app").version, 7);
  EXPECT_EQ(state->domain_metadata.at("d"), "c");
  // Whoever read version 0 has to look again.
  ExpectRefused(Commit(Add("b")), CommitRefusal::kMetadata);
}

TEST_P(CommitUnitTest, AppTransaction_IsDoneOnce) {
  const std::string text = R"({"txn":{"appId":"app","version":7}})"
                           "\n";
  const auto with_app = [](TableCommit& commit) { commit.app_transaction = {"app", 7}; };
  ExpectDone(Commit(text + Add("a"), std::nullopt, with_app), 1, 2, 110);
  ExpectRefused(Commit(text + Add("b"), std::nullopt, with_app), CommitRefusal::kAppTransaction);
  EXPECT_THAT(Paths(), ElementsAre("a", "first"));
}

TEST_P(CommitUnitTest, CommitId_IsThereOnce) {
  const auto same = [](TableCommit& commit) { commit.commit_id = "the same"; };
  ExpectDone(Commit(Add("a"), std::nullopt, same), 1, 2, 110);
  ExpectRefused(Commit(Add("b"), std::nullopt, same), CommitRefusal::kCommitId);
}

TEST_P(CommitUnitTest, RemoveMadeAgain_IsFoundByItsIdAlthoughTheFileIsGone) {
  const auto same = [](TableCommit& commit) { commit.commit_id = "the same"; };
  ExpectDone(Commit(Remove("first"), Version(0), same), 1, 0, 0);
  ExpectRefused(Commit(Remove("first"), Version(1), same), CommitRefusal::kCommitId);
}

TEST_P(CommitUnitTest, Deadline_IsByTheDatabasesClock) {
  const auto now = *store::MetadataStore(*connection_).LoadClock();
  ExpectRefused(
      Commit(Add("a"), std::nullopt, [&](TableCommit& commit) { commit.deadline_us = now - 1; }),
      CommitRefusal::kDeadline);
  ExpectDone(Commit(Add("a"), std::nullopt,
                    [&](TableCommit& commit) { commit.deadline_us = now + 600'000'000; }),
             1, 2, 110);
}

TEST_P(CommitUnitTest, InCommitTimestamp_IncreasesAndDoesNotRunAhead) {
  const std::int64_t now = *store::MetadataStore(*connection_).LoadClock() / 1000;
  const auto at = [&](std::int64_t ms) {
    return [ms](TableCommit& commit) {
      commit.is_in_commit = true;
      commit.timestamp = Timestamp(ms);
      commit.clock_skew_ms_max = 1'000;
    };
  };
  ExpectRefused(Commit(Add("a"), Version(0), at(0)), CommitRefusal::kTimestamp);
  ExpectRefused(Commit(Add("a"), Version(0), at(now + 600'000)), CommitRefusal::kClockSkew);
  const auto answer = Commit(Add("a"), Version(0), at(now));
  ExpectDone(answer, 1, 2, 110);
  EXPECT_EQ(answer.timestamp, Timestamp(now));
  ExpectRefused(Commit(Add("b"), Version(1), at(now)), CommitRefusal::kTimestamp);
}

TEST_P(CommitUnitTest, SettledCommit_IsThereOrCanOnlyHappenByTheNewAttempt) {
  const auto as = [](std::string_view attempt) {
    return [attempt](TableCommit& commit) {
      commit.commit_id = "lost";
      commit.attempt_id = attempt;
    };
  };
  const auto settle = [&](std::string_view attempt) {
    const auto settled = store::SettleCommit(*connection_, table_.table_id, "lost", attempt);
    EXPECT_TRUE(settled.has_value()) << settled.error().message();
    return settled.value_or(std::nullopt);
  };
  EXPECT_FALSE(settle("second").has_value());
  ExpectRefused(Commit(Add("a"), std::nullopt, as("first")), CommitRefusal::kFenced);
  // Another one settles it again.
  EXPECT_FALSE(settle("third").has_value());
  ExpectRefused(Commit(Add("a"), std::nullopt, as("second")), CommitRefusal::kFenced);
  ExpectDone(Commit(Add("a"), std::nullopt, as("third")), 1, 2, 110);
  const auto found = settle("fourth");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->version, Version(1));
  ExpectRefused(Commit(Add("b"), std::nullopt, as("fourth")), CommitRefusal::kFenced);
  EXPECT_THAT(Paths(), ElementsAre("a", "first"));
}

// More than go as lists (docs/writing.md), and a text of several parts.
TEST_P(CommitUnitTest, LargeCommit_IsLikeASmallOne) {
  constexpr int kFiles = 2'500;
  const auto name = [](int i) { return fmt::format("{:0>2000}", i); };
  std::string adds;
  std::string removes;
  std::int64_t bytes = 0;
  for (int i = 0; i < kFiles; ++i) {
    adds += Add(name(i), i);
    bytes += i;
    if (i % 10 != 0) removes += Remove(name(i));
  }
  ExpectDone(Commit(adds), 1, kFiles + 1, bytes + 100);
  ExpectRefused(Commit(adds, Version(0)), CommitRefusal::kVersion);
  ExpectRefused(Commit(removes + Remove("none"), Version(1)), CommitRefusal::kNotLive);
  ExpectRefused(Commit(adds + Add("first", 1, Vector("v"))), CommitRefusal::kOtherVector);
  ExpectDone(Commit(adds), 2, kFiles + 1, bytes + 100);  // each replaces itself
  ExpectDone(Commit(removes + Add("last", 7), Version(2)), 3, (kFiles / 10) + 2, 311'357);
  EXPECT_EQ(Paths().size(), (kFiles / 10) + 2U);
  if (database_->quirks().dialect != store::Dialect::kPostgres) return;
  EXPECT_THAT(database_->Column("SELECT count(*) FROM dl_staged_add_files "
                                "UNION ALL SELECT count(*) FROM dl_staged_remove_files"),
              ElementsAre("0", "0"));
}

// As after a crash of the server, which empties relations that are not logged.
TEST_P(CommitUnitTest, LargeCommitWhoseStagedFilesAreGone_IsNotMade) {
  if (database_->quirks().dialect != store::Dialect::kPostgres) return;  // it alone stages
  std::string adds;
  for (int i = 0; i < 2'500; ++i) adds += Add(std::to_string(i));
  database_->Sql(
      "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "DELETE FROM dl_staged_add_files WHERE number % 10 = 0; RETURN NULL; END $$");
  database_->Sql("CREATE TRIGGER lose AFTER INSERT ON dl_staged_add_files EXECUTE FUNCTION lose()");
  const auto written = Write(adds, std::nullopt);
  const auto answer = store::RunCommit(*connection_, written->commit);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable) << answer.error().message();
  EXPECT_THAT(Paths(), ElementsAre("first"));
  EXPECT_THAT(database_->Column("SELECT count(*) FROM dl_staged_add_files"), ElementsAre("0"));
  database_->Sql("DROP TRIGGER lose ON dl_staged_add_files");
  ExpectDone(Commit(adds), 1, 2'501, 25'100);
}

TEST_P(CommitUnitTest, DroppedTable_IsGone) {
  store::TableRow other = table_;
  const auto commit = [&](TableCommit& c) { c.table_id = TableId::MakeRandom(); };
  ExpectRefused(Commit(Add("a"), std::nullopt, commit), CommitRefusal::kNoTable);
}

TEST_P(CommitUnitTest, TimesIncrease) {
  CommitAnswer before;
  for (int i = 0; i < 20; ++i) {
    const CommitAnswer answer = Commit(Add(fmt::format("f{}", i)));
    ASSERT_EQ(answer.kind, CommitAnswer::Kind::kDone);
    if (i > 0) {
      EXPECT_GT(answer.timestamp, before.timestamp);
      EXPECT_GT(answer.ratified_at_us, before.ratified_at_us);
    }
    before = answer;
  }
}

}  // namespace
}  // namespace deltalakedb::testing
