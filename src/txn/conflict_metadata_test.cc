// Winners that change protocol or metadata.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "txn/conflict_test_internal.h"

namespace deltalakedb::txn {
namespace {

using namespace testing_conflict;

TEST_F(ConflictTest, ProtocolOfTheWinner_PassesOnlyWhereNothingIsAsked) {
  struct Case {
    Protocol before, after;
    std::string features;  // of the conflict; "" for none
  };
  const Protocol plain = Features({"appendOnly"});
  for (const Case& of : std::vector<Case>{
           {Versions(1, 2), Versions(1, 2), ""},
           {Versions(1, 2), Features({"appendOnly", "invariants"}), ""},
           {Versions(1, 2), Features({"appendOnly", "invariants"}, {"deletionVectors"}), ""},
           {plain, Features({"appendOnly"}, {"v2Checkpoint", "vacuumProtocolCheck"}), ""},
           {plain, Features({"appendOnly", "domainMetadata", "rowTracking", "inCommitTimestamp"}),
            ""},
           {plain, Features({"appendOnly"}, {"columnMapping"}), ""},
           {plain, Features({"appendOnly", "checkConstraints"}), "checkConstraints"},
           {plain, Features({"appendOnly", "generatedColumns"}, {"deletionVectors"}),
            "generatedColumns"},
           {Versions(1, 2), Versions(1, 3), "checkConstraints"},
           // Dropped.
           {Features({"appendOnly"}, {"deletionVectors"}), plain, "deletionVectors"},
           {Versions(1, 2), Features({"invariants"}), "appendOnly"},
           // Not for us.
           {plain, Features({"appendOnly", "icebergCompatV3", "columnMapping"}), "icebergCompatV3"},
           {plain, Features({"appendOnly"}, {"catalogManaged"}), "catalogManaged"},
           {plain, Features({"appendOnly"}, {"unheardOf"}), "unheardOf"},
       }) {
    state_.protocol = of.before;
    CommitSummary winner = Winner({Add("b")});
    winner.protocol = of.after;
    const auto checked = Check(Stage({Add("a")}), winner);
    EXPECT_EQ(Verdict(checked), of.features.empty() ? "" : "ProtocolChanged") << of.features;
    if (!checked) {
      EXPECT_EQ(Fact(checked, "features"), of.features) << checked.error().message();
    } else {
      EXPECT_EQ(checked->protocol->writer_features, of.after.writer_features);
    }
  }
}

TEST_F(ConflictTest, TwoProtocols_ConflictEvenWhenTheyAreEqual) {
  const std::string protocol = R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})";
  EXPECT_EQ(Verdict({protocol}, {protocol}), "ProtocolChanged");
  EXPECT_EQ(Verdict({protocol}, {Add("a")}), "");
  EXPECT_EQ(Verdict({Add("a")}, {protocol}), "");
}

TEST_F(ConflictTest, MetadataOfTheWinner_PassesOnlyAsEnablement) {
  using Configuration = std::map<std::string, std::string>;
  const Protocol all = Features({"rowTracking", "domainMetadata", "inCommitTimestamp"},
                                {"columnMapping", "deletionVectors", "v2Checkpoint"});
  const Protocol none = Features({"appendOnly"});
  const Configuration tracking = {
      {"delta.enableRowTracking", "true"},
      {"delta.rowTracking.materializedRowIdColumnName", "_i"},
      {"delta.rowTracking.materializedRowCommitVersionColumnName", "_v"}};
  struct Case {
    Protocol protocol;
    Configuration before, after;
    bool passes;
  };
  for (const Case& of : std::vector<Case>{
           {all, {}, {}, true},
           {all, {{"k", "v"}}, {{"k", "v"}}, true},
           {all, {}, tracking, true},
           {none, {}, tracking, false},
           {all, tracking, {{"delta.enableRowTracking", "false"}}, false},
           {all, {}, {{"delta.enableRowTracking", "false"}}, false},
           {all, {}, {{"delta.rowTracking.materializedRowIdColumnName", "_i"}}, false},
           {all, {}, {{"delta.enableDeletionVectors", "true"}}, true},
           {none, {}, {{"delta.enableDeletionVectors", "true"}}, false},
           {all, {}, {{"delta.enableDeletionVectors", "false"}}, false},
           {all, {}, {{"delta.checkpointPolicy", "v2"}}, true},
           {all, {}, {{"delta.checkpointPolicy", "classic"}}, false},
           {all,
            {},
            {{"delta.enableInCommitTimestamps", "true"},
             {"delta.inCommitTimestampEnablementVersion", "5"},
             {"delta.inCommitTimestampEnablementTimestamp", "7"}},
            true},
           {all, {}, {{"delta.inCommitTimestampEnablementVersion", "5"}}, false},
           {none, {}, {{"delta.enableInCommitTimestamps", "true"}}, false},
           {all, {}, {{"io.unitycatalog.tableId", "u"}}, true},
           {all, {}, {{"delta.appendOnly", "true"}}, false},
           {all, {}, {{"anything", "x"}}, false},
           {all, {{"k", "v"}}, {{"k", "w"}}, false},
           {all, {{"k", "v"}}, {}, false},
           {all, {{"k", "v"}}, {{"delta.enableDeletionVectors", "true"}}, false},
           {all, {}, {{"delta.enableDeletionVectors", "true"}, {"k", "v"}}, false},
       }) {
    state_.protocol = of.protocol;
    state_.metadata.configuration = of.before;
    CommitSummary winner = Winner({});
    winner.metadata = state_.metadata;
    winner.metadata->configuration = of.after;
    const auto checked = Check(Stage({Add("a")}), winner);
    const std::string last = of.after.empty() ? "" : of.after.begin()->first;
    EXPECT_EQ(Verdict(checked), of.passes ? "" : "MetadataChanged") << last;
    if (checked) {
      EXPECT_EQ(checked->metadata->configuration, of.after);
      EXPECT_EQ(checked->row_tracking_not_preserved, of.after == tracking);
    }
    // Never where both change it.
    StagedActions mine;
    ASSERT_TRUE(mine.Append(state_.metadata));
    EXPECT_EQ(Verdict(Check(mine, winner)), "MetadataChanged") << last;
  }
}

TEST_F(ConflictTest, OtherPartsOfMetadata_Conflict) {
  const std::vector<std::function<void(Metadata&)>> changes = {
      [](Metadata& metadata) { metadata.name = "n"; },
      [](Metadata& metadata) { metadata.description = "d"; },
      [](Metadata& metadata) { metadata.partition_columns = {"day"}; },
      [](Metadata& metadata) { metadata.created_time = 1; },
      [](Metadata& metadata) { metadata.id = "j"; },
      [](Metadata& metadata) { metadata.unknown_fields = {{"x", "1"}}; },
      [](Metadata& metadata) { metadata.format_options = {{"x", "1"}}; },
      [](Metadata& metadata) { metadata.schema_string = R"({"type":"struct","fields":[]})"; },
  };
  for (const auto& change : changes) {
    CommitSummary winner = Winner({});
    winner.metadata = state_.metadata;
    change(*winner.metadata);
    EXPECT_EQ(Verdict(Check(Stage({Add("a")}), winner)), "MetadataChanged");
  }
}

TEST_F(ConflictTest, ColumnMappingTurnedOnByName_PassesWhereNamesStay) {
  const auto schema = [](std::string_view metadata) {
    return R"({"type":"struct","fields":[{"name":"day","type":"string","nullable":true,)"
           R"("metadata":{)" +
           std::string(metadata) + "}}]}";
  };
  const std::string mapped =
      R"("delta.columnMapping.id":1,"delta.columnMapping.physicalName":"day")";
  struct Case {
    std::string mode;
    std::string schema;
    bool passes;
  };
  for (const Case& of : std::vector<Case>{
           {"name", schema(mapped), true},
           {"id", schema(mapped), false},
           {"name",
            schema(R"("delta.columnMapping.id":1,)"
                   R"("delta.columnMapping.physicalName":"col-1")"),
            false},
           {"name", schema(mapped + R"(,"comment":"c")"), false},
           {"name", schema(""), false},
           {"none", schema(mapped), false},
       }) {
    state_.protocol = Features({}, {"columnMapping"});
    CommitSummary winner = Winner({});
    winner.metadata = state_.metadata;
    winner.metadata->schema_string = of.schema;
    winner.metadata->configuration = {{"delta.columnMapping.mode", of.mode},
                                      {"delta.columnMapping.maxColumnId", "1"}};
    EXPECT_EQ(Verdict(Check(Stage({Add("a")}), winner)), of.passes ? "" : "MetadataChanged")
        << of.mode << of.schema;
  }
}

TEST_F(ConflictTest, IdentityMarks_PassUnlessTheCommitChangesMetadataToo) {
  const auto schema = [](std::string_view mark) {
    return R"({"type":"struct","fields":[{"name":"day","type":"long","nullable":true,"metadata":)"
           R"({"delta.identity.step":1)" +
           std::string(mark) + "}}]}";
  };
  state_.protocol = Versions(1, 6);
  state_.metadata.schema_string = schema("");
  CommitSummary winner = Winner({Add("b")});
  winner.metadata = state_.metadata;
  winner.metadata->schema_string = schema(R"(,"delta.identity.highWaterMark":9)");
  const auto passed = Check(Stage({Add("a")}), winner);
  EXPECT_EQ(Verdict(passed), "");
  EXPECT_EQ(passed->metadata->schema_string, winner.metadata->schema_string);
  StagedActions mine;
  ASSERT_TRUE(mine.Append(state_.metadata));
  EXPECT_EQ(Verdict(Check(mine, winner)), "MetadataChanged");
}

}  // namespace
}  // namespace deltalakedb::txn
