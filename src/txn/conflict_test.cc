#include "txn/conflict.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>
#include <vector>

#include "txn/conflict_test_internal.h"

namespace deltalakedb::txn {
namespace {

using namespace testing_conflict;

TEST_F(ConflictTest, BlindAppends_NeverConflict) {
  for (const IsolationLevel level : {kSerializable, kWriteSerializable, kSnapshotIsolation}) {
    isolation_ = level;
    EXPECT_EQ(Verdict({Add("a")}, {kBlind, Add("b")}), "");
    EXPECT_EQ(Verdict({Add("a")}, {kNotBlind, Add("b"), Remove("c")}), "");
    EXPECT_EQ(Verdict({Add("a")}, {Add("a")}), "");
    EXPECT_EQ(Verdict({Add("a"), Txn("mine")}, {kBlind, Add("b"), Txn("other")}), "");
  }
}

TEST_F(ConflictTest, AddedFiles_CountByIsolationLevel) {
  struct Case {
    IsolationLevel level;
    Lines mine;
    std::string winner_info;
    std::string verdict;
  };
  const std::string metadata =
      R"({"metaData":{"id":"i","format":{"provider":"parquet"},"schemaString":"{}",)"
      R"("partitionColumns":[],"configuration":{}}})";
  const Lines rewrite = {Add("new"), Remove("old")};
  const Lines with_metadata = {Add("new"), Remove("old"), metadata};
  const Lines compaction = {Moved("new"), Remove("old", /*data_change=*/false)};
  const std::string silent = R"({"commitInfo":{"operation":"WRITE"}})";
  reads_.whole_table = true;
  for (const Case& of : std::vector<Case>{
           {kSerializable, rewrite, kBlind, "ConcurrentAppend"},
           {kSerializable, rewrite, kNotBlind, "ConcurrentAppend"},
           {kWriteSerializable, rewrite, kBlind, ""},
           {kWriteSerializable, rewrite, kNotBlind, "ConcurrentAppend"},
           // One that does not say so is no blind append.
           {kWriteSerializable, rewrite, silent, "ConcurrentAppend"},
           {kWriteSerializable, with_metadata, kBlind, "ConcurrentAppend"},
           {kSnapshotIsolation, rewrite, kBlind, ""},
           {kSnapshotIsolation, rewrite, kNotBlind, ""},
           {kSnapshotIsolation, with_metadata, kNotBlind, ""},
           // What changes no data only needs a snapshot.
           {kSerializable, compaction, kBlind, ""},
           {kSerializable, compaction, kNotBlind, ""},
           {kWriteSerializable, compaction, kNotBlind, ""},
       }) {
    isolation_ = of.level;
    const auto checked = Check(of.mine, {of.winner_info, Add("x%20y")});
    EXPECT_EQ(Verdict(checked), of.verdict)
        << IsolationLevelName(of.level) << of.mine.back() << of.winner_info;
    if (!checked) {
      EXPECT_EQ(Fact(checked, "file"), "x y");
    }
  }
}

TEST_F(ConflictTest, OtherActionsOfACompaction_TakeTheSnapshotAway) {
  reads_.whole_table = true;
  EXPECT_EQ(Verdict({Moved("new"), Txn("app")}, {kBlind, Add("x")}), "ConcurrentAppend");
  EXPECT_EQ(EffectiveIsolation(Stage({Moved("a"), Remove("b", false)}), kSerializable),
            kSnapshotIsolation);
  EXPECT_EQ(EffectiveIsolation(Stage({Moved("a"), Remove("b")}), kSerializable), kSerializable);
  EXPECT_EQ(EffectiveIsolation(Stage({Moved("a"), Add("b")}), kWriteSerializable),
            kWriteSerializable);
  EXPECT_EQ(EffectiveIsolation(Stage({Moved("a"), Domain("d")}), kSerializable), kSerializable);
  EXPECT_EQ(EffectiveIsolation(Stage({R"({"protocol":{"minReaderVersion":1,)"
                                      R"("minWriterVersion":2}})"}),
                               kSerializable),
            kSerializable);
  EXPECT_EQ(EffectiveIsolation(Stage({Moved("a"), R"({"future":1})"}), kSerializable),
            kSerializable);
  // Row ids are no reason.
  StagedActions tracked = Stage({Moved("a"), kBlind});
  tracked.SetOwnDomain(DomainMetadata{"delta.rowTracking", "{}", false});
  EXPECT_EQ(EffectiveIsolation(tracked, kSerializable), kSnapshotIsolation);
}

TEST_F(ConflictTest, PredicateOnPartitions_MeetsOnlyMatchingFiles) {
  const auto monday = [](const WinnerFile::PartitionValues& values) {
    const auto day = values.find("day");
    return day != values.end() && day->second == "monday";
  };
  reads_.may_match = monday;
  // Without partitions, looking for something is reading all of it.
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Add("x", "sunday")}), "ConcurrentAppend");
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Remove("x", true, "sunday")}),
            "ConcurrentDeleteRead");
  state_.metadata = Table({"day"});
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Add("x", "sunday")}), "");
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Add("x", "monday")}), "ConcurrentAppend");
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Remove("x", true, "sunday")}), "");
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Remove("x", true, "monday")}),
            "ConcurrentDeleteRead");
  // A remove that does not say where the file was could have been anywhere.
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Remove("x")}), "ConcurrentDeleteRead");
  isolation_ = kSnapshotIsolation;
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Add("x", "monday")}), "");
  EXPECT_EQ(Verdict({Add("n"), Remove("o")}, {kNotBlind, Remove("x", true, "monday")}),
            "ConcurrentDeleteRead");
}

TEST_F(ConflictTest, RemovedFiles_CountForWhoReadThem) {
  struct Case {
    bool whole_table;
    std::unordered_set<std::string> files;
    Lines winner;
    std::string verdict;
  };
  for (const IsolationLevel level : {kSerializable, kWriteSerializable, kSnapshotIsolation}) {
    isolation_ = level;
    for (const Case& of : std::vector<Case>{
             {true, {}, {Remove("x")}, "ConcurrentDeleteRead"},
             // Spark does not ask whether the removal changes data, nor do we.
             {true, {}, {Remove("x", /*data_change=*/false)}, "ConcurrentDeleteRead"},
             {true, {}, {kBlind}, ""},
             {false, {"x", "y"}, {Remove("z")}, ""},
             {false, {"x", "y"}, {Remove("z"), Remove("y", false)}, "ConcurrentDeleteRead"},
             {false, {"a b"}, {Remove("file:///t/a%20b")}, "ConcurrentDeleteRead"},
             {false, {}, {Remove("x")}, ""},
         }) {
      reads_.whole_table = of.whole_table;
      reads_.files = of.files;
      const auto checked = Check({Add("n")}, of.winner);
      EXPECT_EQ(Verdict(checked), of.verdict) << IsolationLevelName(level) << of.winner.back();
    }
  }
}

TEST_F(ConflictTest, FileThatBothRemove_ConflictsWhateverItsVector) {
  const std::string vector = R"({"remove":{"path":"a%20b","dataChange":true,"deletionVector":)"
                             R"({"storageType":"p","pathOrInlineDv":"file:/v","offset":1,)"
                             R"("sizeInBytes":2,"cardinality":3}}})";
  for (const IsolationLevel level : {kSerializable, kWriteSerializable, kSnapshotIsolation}) {
    isolation_ = level;
    const auto checked = Check({Remove("other"), Remove("a b", false)}, {vector});
    EXPECT_EQ(Verdict(checked), "ConcurrentDeleteDelete");
    EXPECT_EQ(Fact(checked, "file"), "a b");
    EXPECT_EQ(Verdict({Remove("a")}, {Remove("b"), Add("a")}), "");
    EXPECT_EQ(Verdict({Add("a")}, {Remove("a")}), "");
  }
}

TEST_F(ConflictTest, AppTransaction_ConflictsOnlyWhereItWasRead) {
  EXPECT_EQ(Verdict({Add("a"), Txn("app")}, {Add("b"), Txn("app")}), "");
  reads_.app_ids = {"app"};
  const auto checked = Check({Add("a"), Txn("app")}, {Add("b"), Txn("other"), Txn("app")});
  EXPECT_EQ(Verdict(checked), "ConcurrentTransaction");
  EXPECT_EQ(Fact(checked, "appId"), "app");
  EXPECT_EQ(Verdict({Add("a")}, {Add("b"), Txn("other")}), "");
}

TEST_F(ConflictTest, Domain_ConflictsWhereBothChangeIt) {
  state_.protocol = Features({"domainMetadata"});
  const auto checked = Check({Domain("d"), Domain("e")}, {Domain("x"), Domain("e")});
  EXPECT_EQ(Verdict(checked), "ConcurrentTransaction");
  EXPECT_EQ(Fact(checked, "domain"), "e");
  EXPECT_EQ(Verdict({Domain("d")}, {Domain("D")}), "");
  EXPECT_EQ(Verdict({Add("a")}, {Domain("D")}), "");
}

TEST_F(ConflictTest, RowTrackingDomain_IsResolvedToTheWinnersMark) {
  state_.protocol = Features({"domainMetadata", "rowTracking"});
  state_.domain_metadata["delta.rowTracking"] = R"({"rowIdHighWaterMark":10})";
  StagedActions mine = Stage({Add("a")});
  mine.SetOwnDomain(DomainMetadata{"delta.rowTracking", R"({"rowIdHighWaterMark":11})", false});
  auto rebase = Check(mine, Winner({Domain("delta.rowTracking", R"({"rowIdHighWaterMark":25})")}));
  EXPECT_EQ(Verdict(rebase), "");
  EXPECT_EQ(rebase->row_id_high_water_mark, 25);
  // Even where the contender has the domain among its own actions.
  EXPECT_EQ(Verdict({Domain("delta.rowTracking", R"({"rowIdHighWaterMark":11})")},
                    {Domain("delta.rowTracking", R"({"rowIdHighWaterMark":25})")}),
            "");
  // A winner without fresh rows says nothing; ids never go back.
  rebase = Check(mine, Winner({Add("b")}));
  EXPECT_EQ(rebase->row_id_high_water_mark, 10);
  rebase = Check(mine, Winner({Domain("delta.rowTracking", R"({"rowIdHighWaterMark":3})")}));
  EXPECT_EQ(rebase->row_id_high_water_mark, 10);
  const auto broken = Check(mine, Winner({Domain("delta.rowTracking", "{}")}));
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), ErrorCode::kCorrupt);
}

TEST_F(ConflictTest, Steps_ComeInSparksOrder) {
  state_.protocol = Features({"domainMetadata"});
  reads_.whole_table = true;
  reads_.app_ids = {"app"};
  StagedActions mine = Stage({Add("n"), Remove("o"), Domain("d")});
  CommitSummary winner = Winner({kNotBlind, Add("x"), Remove("o"), Domain("d"), Txn("app")});
  winner.protocol = Features({"domainMetadata", "checkConstraints"});
  winner.metadata = state_.metadata;
  winner.metadata->name = "new";
  EXPECT_EQ(Verdict(Check(mine, winner)), "ProtocolChanged");
  winner.protocol.reset();
  EXPECT_EQ(Verdict(Check(mine, winner)), "MetadataChanged");
  winner.metadata.reset();
  auto checked = Check(mine, winner);
  EXPECT_EQ(Verdict(checked), "ConcurrentTransaction");
  EXPECT_EQ(Fact(checked, "domain"), "d");
  winner.domain_metadata.clear();
  checked = Check(mine, winner);
  EXPECT_EQ(Fact(checked, "appId"), "app");
  winner.app_transactions.clear();
  EXPECT_EQ(Verdict(Check(mine, winner)), "ConcurrentAppend");
  winner.adds.clear();
  EXPECT_EQ(Verdict(Check(mine, winner)), "ConcurrentDeleteRead");
  reads_.whole_table = false;
  EXPECT_EQ(Verdict(Check(mine, winner)), "ConcurrentDeleteDelete");
  winner.removes.clear();
  EXPECT_EQ(Verdict(Check(mine, winner)), "");
}

TEST_F(ConflictTest, Timestamp_GoesToTheLatestSoFar) {
  auto rebase = Check({Add("a")}, {R"({"commitInfo":{"inCommitTimestamp":2000}})"});
  EXPECT_EQ(rebase->timestamp, Timestamp(2000));
  rebase = Check({Add("a")}, {R"({"commitInfo":{"inCommitTimestamp":20}})"});
  EXPECT_EQ(rebase->timestamp, Timestamp(1000));
  CommitSummary winner = Winner({});
  winner.timestamp = Timestamp(1500);
  rebase = Check(Stage({Add("a")}), winner);
  EXPECT_EQ(rebase->timestamp, Timestamp(1500));
}

TEST_F(ConflictTest, BackfillOfRowIds_IsTakenOverAndMeetsNoReader) {
  state_.protocol = Features({"rowTracking", "domainMetadata"});
  reads_.whole_table = true;
  const std::string ids = R"(,"baseRowId":7,"defaultRowCommitVersion":5)";
  const Lines backfill = {Info("ROW TRACKING BACKFILL", false), Add("a%20b", "", ids),
                          Add("z", "", ids)};
  const auto rebase = Check({Add("n"), Remove("a b")}, backfill);
  EXPECT_EQ(Verdict(rebase), "");
  ASSERT_EQ(rebase->backfilled.size(), 1U);
  EXPECT_EQ(rebase->backfilled.at("a b").base_row_id, 7);
  EXPECT_EQ(rebase->backfilled.at("a b").default_row_commit_version, 5);
}

TEST_F(ConflictTest, OwnBackfill_ConflictsWithFilesThatChanged) {
  state_.protocol = Features({"rowTracking", "domainMetadata"});
  operation_ = "ROW TRACKING BACKFILL";
  EXPECT_EQ(Verdict({Moved("a")}, {Add("b")}), "");
  EXPECT_EQ(Verdict({Moved("a")}, {Add("a")}), "ConcurrentAppend");
  EXPECT_EQ(Verdict({Moved("a")}, {Remove("a")}), "ConcurrentDeleteRead");
  EXPECT_EQ(Verdict({Moved("a")}, {Remove("b")}), "");
  operation_ = "ROW TRACKING UNBACKFILL";
  EXPECT_EQ(Verdict({Moved("a")}, {Add("b")}), "ConcurrentAppend");
  EXPECT_EQ(Verdict({Moved("a")}, {Remove("b")}), "");
}

TEST_F(ConflictTest, Winner_HasToBeTheNextVersion) {
  CommitSummary winner = Winner({Add("b")});
  winner.version = Version(6);
  const auto checked = Check(Stage({Add("a")}), winner);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), ErrorCode::kInternal);
}

TEST_F(ConflictTest, SeveralWinners_AddUp) {
  state_.protocol = Features({"domainMetadata", "rowTracking"});
  const StagedActions mine = Stage({Add("a")});
  auto base = StandOn(state_);
  ASSERT_TRUE(base.has_value());
  EXPECT_EQ(base->row_id_high_water_mark, -1);
  for (const std::int64_t version : {5, 6, 7}) {
    CommitSummary winner = Winner(
        {Domain("delta.rowTracking", R"({"rowIdHighWaterMark":)" + std::to_string(version) + "}")});
    winner.version = Version(version);
    if (version == 6) winner.metadata = Table();
    if (version == 6) winner.metadata->configuration["io.unitycatalog.tableId"] = "u";
    base = CheckConflicts({mine, reads_, *base, isolation_, operation_, kRoot}, winner);
    ASSERT_TRUE(base.has_value());
    EXPECT_EQ(base->version, Version(version));
    EXPECT_EQ(base->row_id_high_water_mark, version);
  }
  EXPECT_EQ(base->metadata->configuration.size(), 1U);
}

TEST_F(ConflictTest, BlindAppend_OnlyAddsAndDependsOnNothing) {
  EXPECT_TRUE(IsBlindAppend(Stage({Add("a"), Txn("app")}), {}));
  EXPECT_TRUE(IsBlindAppend(Stage({Moved("a")}), {}));
  EXPECT_FALSE(IsBlindAppend(Stage({Add("a"), Remove("b")}), {}));
  EXPECT_FALSE(IsBlindAppend(
      Stage({R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}})"}), {}));
  TransactionReads reads;
  reads.app_ids = {"app"};
  EXPECT_TRUE(IsBlindAppend(Stage({Add("a")}), reads));
  reads.files = {"f"};
  EXPECT_FALSE(IsBlindAppend(Stage({Add("a")}), reads));
  reads.files.clear();
  reads.whole_table = true;
  EXPECT_FALSE(IsBlindAppend(Stage({Add("a")}), reads));
  reads.whole_table = false;
  reads.may_match = [](const auto&) { return false; };
  EXPECT_FALSE(IsBlindAppend(Stage({Add("a")}), reads));
}

TEST_F(ConflictTest, Needs_AreWhatTheRulesLookAt) {
  const auto needs = [&](const Lines& mine) {
    const StagedActions staged = Stage(mine);
    const auto base = StandOn(state_);
    const SummaryNeeds of = NeedsOf({staged, reads_, *base, isolation_, operation_, kRoot});
    return std::string(of.adds ? "adds " : "") + (of.removes ? "removes" : "");
  };
  EXPECT_EQ(needs({Add("a")}), "");
  EXPECT_EQ(needs({Add("a"), Remove("b")}), "removes");
  reads_.whole_table = true;
  EXPECT_EQ(needs({Add("a")}), "adds removes");
  EXPECT_EQ(needs({Moved("a")}), "removes");
  isolation_ = kSnapshotIsolation;
  EXPECT_EQ(needs({Add("a")}), "removes");
  isolation_ = kSerializable;
  reads_.whole_table = false;
  reads_.files = {"x"};
  EXPECT_EQ(needs({Add("a")}), "removes");
  reads_.files.clear();
  state_.protocol = Features({"rowTracking", "domainMetadata"});
  EXPECT_EQ(needs({Add("a")}), "adds ");
  EXPECT_EQ(needs({Txn("a")}), "");
}

TEST_F(ConflictTest, Summary_HasWhatTheBodySays) {
  const CommitSummary summary = Winner(
      {R"({"commitInfo":{"operation":"MERGE","isBlindAppend":false,"inCommitTimestamp":77}})",
       R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})", "",
       R"({"metaData":{"id":"x","schemaString":"{}"}})", Txn("app"), Domain("d"),
       Add("/t/a%20b", "monday", R"(,"baseRowId":3,"defaultRowCommitVersion":4)"),
       Remove("r", false), R"({"future":{}})"});
  EXPECT_EQ(summary.version, Version(5));
  EXPECT_EQ(summary.timestamp, Timestamp(77));
  EXPECT_EQ(summary.commit_info->operation, "MERGE");
  EXPECT_EQ(summary.protocol->min_writer_version, 2);
  EXPECT_EQ(summary.metadata->id, "x");
  EXPECT_EQ(summary.app_transactions.at(0).app_id, "app");
  EXPECT_EQ(summary.domain_metadata.at(0).domain, "d");
  ASSERT_EQ(summary.adds.size(), 1U);
  EXPECT_EQ(summary.adds[0].path, "a b");
  EXPECT_EQ(summary.adds[0].partition_values->at("day"), "monday");
  EXPECT_TRUE(summary.adds[0].data_change);
  EXPECT_EQ(summary.adds[0].base_row_id, 3);
  EXPECT_EQ(summary.adds[0].default_row_commit_version, 4);
  ASSERT_EQ(summary.removes.size(), 1U);
  EXPECT_FALSE(summary.removes[0].data_change);
  EXPECT_FALSE(summary.removes[0].partition_values.has_value());

  const auto broken = SummarizeCommit(Version(1), "{\"a\":1}\n{\"add\":1}\n", kRoot);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Fact(Result<Rebase>(Fail(broken.error())), "line"), "2");
}

}  // namespace
}  // namespace deltalakedb::txn
