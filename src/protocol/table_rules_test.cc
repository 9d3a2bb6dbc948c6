#include "protocol/table_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace deltalakedb::protocol {
namespace {

using Names = std::vector<std::string>;

std::string Fact(const Error& error, std::string_view name) {
  const Error::FactValue* const fact = error.FindFact(name);
  if (fact == nullptr) return "";
  const auto* const text = std::get_if<std::string>(fact);
  return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(*fact));
}

std::string Column(std::string_view name, std::string_view type, std::string_view metadata = "") {
  return R"({"name":")" + std::string(name) + R"(","type":)" + std::string(type) +
         R"(,"nullable":true,"metadata":{)" + std::string(metadata) + "}}";
}
std::string Mapped(std::string_view name, int id, std::string_view physical) {
  return Column(name, "\"long\"",
                R"("delta.columnMapping.id":)" + std::to_string(id) +
                    R"(,"delta.columnMapping.physicalName":")" + std::string(physical) + "\"");
}
std::string Schema(const Names& columns) {
  std::string text = R"({"type":"struct","fields":[)";
  for (const std::string& column : columns) {
    if (text.back() == '}') text += ',';
    text += column;
  }
  return text + "]}";
}

Metadata TableOf(const Names& columns, Names partition_columns = {}) {
  Metadata metadata;
  metadata.id = "the id";
  metadata.format_provider = "parquet";
  metadata.schema_string = Schema(columns);
  metadata.partition_columns = std::move(partition_columns);
  return metadata;
}
Metadata Plain() { return TableOf({Column("a", "\"long\"")}); }

Protocol Versions(std::int32_t reader, std::int32_t writer) {
  return {reader, writer, std::nullopt, std::nullopt, {}};
}
// With these writer features, and those of readers among them.
Protocol Features(Names writer_features, Names reader_features = {}) {
  for (const std::string& feature : reader_features) writer_features.push_back(feature);
  return {3, 7, std::move(reader_features), std::move(writer_features), {}};
}

TableState State(Protocol protocol, Metadata metadata) {
  TableState state;
  state.version = Version(4);
  state.protocol = std::move(protocol);
  state.metadata = std::move(metadata);
  return state;
}

std::string Add(std::string_view values, std::string_view more = "") {
  return R"({"add":{"path":"f","partitionValues":{)" + std::string(values) +
         R"(},"size":1,"modificationTime":2,"dataChange":true)" + std::string(more) + "}}";
}

StagedActions Stage(const Names& lines) {
  StagedActions staged;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto taken = staged.Take(lines[i], static_cast<std::int64_t>(i) + 1);
    EXPECT_TRUE(taken.has_value()) << taken.error().message();
  }
  return staged;
}

// "" where the commit is taken, else the field that it is refused for.
std::string Verdict(const Result<void>& checked) {
  if (checked) return "";
  EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument) << checked.error().message();
  return Fact(checked.error(), "action") + "." + Fact(checked.error(), "field");
}
std::string Verdict(const Names& lines, const TableState& state) {
  return Verdict(CheckAgainst(Stage(lines), &state));
}
std::string VerdictOnMetadata(const TableState& state, Metadata metadata,
                              std::optional<Protocol> protocol = std::nullopt) {
  StagedActions staged;
  EXPECT_TRUE(staged.Append(std::move(metadata)));
  if (protocol) {
    EXPECT_TRUE(staged.Append(*std::move(protocol)));
  }
  return Verdict(CheckAgainst(staged, &state));
}

TEST(TableRulesTest, PartitionValues_AreExactlyThoseOfTheTable) {
  const TableState state =
      State(Versions(1, 2),
            TableOf({Column("d", "\"date\""), Column("n", "\"integer\""), Column("x", "\"long\"")},
                    {"d", "n"}));
  struct Case {
    std::string values;
    std::string verdict;
  };
  for (const Case& of :
       std::vector<Case>{{R"("d":"2024-01-02","n":"7")", ""},
                         {R"("n":"-7","d":null)", ""},
                         {R"("n":"","d":"")", ""},
                         {R"("d":"2024-01-02")", "add.partitionValues"},
                         {"", "add.partitionValues"},
                         {R"("d":"2024-01-02","n":"7","x":"1")", "add.partitionValues"},
                         {R"("d":"2024-01-02","N":"7")", "add.partitionValues"},
                         {R"("d":"2024-01-32","n":"7")", "add.partitionValues"},
                         {R"("d":"02.01.2024","n":"7")", "add.partitionValues"},
                         {R"("d":"2024-01-02","n":"7.0")", "add.partitionValues"},
                         {R"("d":"2024-01-02","n":"3000000000")", "add.partitionValues"}}) {
    EXPECT_EQ(Verdict({Add(of.values)}, state), of.verdict) << of.values;
  }
  // Values of a remove are what they were.
  EXPECT_EQ(
      Verdict({R"({"remove":{"path":"r","dataChange":true,"partitionValues":{"q":"x"}}})"}, state),
      "");
  // A typed add can name a column twice.
  StagedActions staged;
  const std::array twice{StringMapEntry{"d", std::nullopt}, StringMapEntry{"n", "1"},
                         StringMapEntry{"n", "1"}};
  AddFile add;
  add.path = "f";
  add.partition_values = twice;
  ASSERT_TRUE(staged.Append(add));
  EXPECT_EQ(Verdict(CheckAgainst(staged, &state)), "add.partitionValues");
}

TEST(TableRulesTest, WrongPartitionValue_NamesFileLineColumnAndText) {
  const TableState state = State(Versions(1, 2), TableOf({Column("n", "\"integer\"")}, {"n"}));
  const auto checked = CheckAgainst(Stage({Add(R"("n":"x")")}), &state);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(Fact(checked.error(), "path"), "f");
  EXPECT_EQ(Fact(checked.error(), "line"), "1");
  EXPECT_EQ(Fact(checked.error(), "column"), "n");
  EXPECT_EQ(Fact(checked.error(), "text"), "x");
}

TEST(TableRulesTest, PartitionValuesOfAMappedTable_HavePhysicalNames) {
  Metadata metadata = TableOf({Mapped("n", 1, "col-1")}, {"n"});
  metadata.configuration = {{"delta.columnMapping.mode", "name"},
                            {"delta.columnMapping.maxColumnId", "1"}};
  const TableState state = State(Versions(2, 5), metadata);
  EXPECT_EQ(Verdict({Add(R"("col-1":"1")")}, state), "");
  EXPECT_EQ(Verdict({Add(R"("n":"1")")}, state), "add.partitionValues");
}

TEST(TableRulesTest, PartitionValues_FollowTheCommitsOwnMetadata) {
  const TableState state = State(Versions(1, 2), Plain());
  StagedActions staged = Stage({Add(R"("a":"1")")});
  ASSERT_TRUE(staged.Append(TableOf({Column("a", "\"long\"")}, {"a"})));
  EXPECT_EQ(Verdict(CheckAgainst(staged, &state)), "");
  EXPECT_EQ(Verdict({Add(R"("a":"1")")}, state), "add.partitionValues");
}

TEST(TableRulesTest, FeaturesThatFilesUse_HaveToBeThere) {
  const std::string vector =
      R"(,"deletionVector":{"storageType":"p","pathOrInlineDv":"file:/v","offset":1,)"
      R"("sizeInBytes":2,"cardinality":3})";
  const std::string remove = R"({"remove":{"path":"r","dataChange":true)" + vector + "}}";
  const std::string cdc =
      R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}})";
  const std::string domain =
      R"({"domainMetadata":{"domain":"d","configuration":"","removed":false}})";
  const TableState old = State(Versions(1, 3), Plain());
  EXPECT_EQ(Verdict({Add("", vector)}, old), "add.deletionVector");
  EXPECT_EQ(Verdict({remove}, old), "remove.deletionVector");
  EXPECT_EQ(Verdict({cdc}, old), "cdc.");
  EXPECT_EQ(Verdict({domain}, old), "domainMetadata.");
  const TableState all =
      State(Features({"changeDataFeed", "domainMetadata"}, {"deletionVectors"}), Plain());
  EXPECT_EQ(Verdict({Add("", vector), remove, cdc, domain}, all), "");
  EXPECT_EQ(Verdict({cdc}, State(Versions(1, 4), Plain())), "");
}

TEST(TableRulesTest, AppendOnlyTable_LosesNoData) {
  Metadata metadata = Plain();
  metadata.configuration["delta.appendOnly"] = "TRUE";
  const TableState state = State(Versions(1, 2), metadata);
  const std::string remove = R"({"remove":{"path":"r","dataChange":true}})";
  EXPECT_EQ(Verdict({remove}, state), "remove.dataChange");
  EXPECT_EQ(Verdict({Add("")}, state), "");
  EXPECT_EQ(Verdict({R"({"remove":{"path":"r","dataChange":false}})"}, state), "");
  EXPECT_EQ(Verdict({remove}, State(Versions(1, 2), Plain())), "");
  // Nor in the commit that lifts the rule, nor in the one that makes it.
  StagedActions lifting = Stage({remove});
  ASSERT_TRUE(lifting.Append(Plain()));
  EXPECT_EQ(Verdict(CheckAgainst(lifting, &state)), "remove.dataChange");
  const TableState free = State(Versions(1, 2), Plain());
  StagedActions making = Stage({remove});
  ASSERT_TRUE(making.Append(metadata));
  EXPECT_EQ(Verdict(CheckAgainst(making, &free)), "remove.dataChange");
}

TEST(TableRulesTest, NewTable_NeedsProtocolAndMetadata) {
  StagedActions staged;
  EXPECT_EQ(Verdict(CheckAgainst(staged, nullptr)), "protocol.");
  ASSERT_TRUE(staged.Append(Versions(1, 2)));
  EXPECT_EQ(Verdict(CheckAgainst(staged, nullptr)), "metaData.");
  ASSERT_TRUE(staged.Append(Plain()));
  EXPECT_EQ(Verdict(CheckAgainst(staged, nullptr)), "");
}

TEST(TableRulesTest, TableThatCannotBeWritten_IsUnsupported) {
  const TableState state = State(Features({"icebergCompatV2", "columnMapping"}), Plain());
  const auto checked = CheckAgainst(Stage({Add("")}), &state);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Fact(checked.error(), "features"), "icebergCompatV2");
  const auto rules = TableRules::Make(state.protocol, state.metadata);
  ASSERT_TRUE(rules.has_value());
  EXPECT_FALSE(CheckAgainst(Stage({Add("")}), state, *rules).has_value());
}

TEST(TableRulesTest, Protocol_IsNeverLowered) {
  const TableState state = State(Versions(1, 3), Plain());
  EXPECT_EQ(Verdict({R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})"}, state),
            "protocol.minWriterVersion");
  EXPECT_EQ(Verdict({R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,)"
                     R"("writerFeatures":["invariants","appendOnly"]}})"},
                    state),
            "protocol.writerFeatures");
  EXPECT_EQ(Verdict({R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,)"
                     R"("writerFeatures":["invariants","appendOnly","checkConstraints"]}})"},
                    state),
            "");
}

TEST(TableRulesTest, Id_CannotChange) {
  const TableState state = State(Versions(1, 2), Plain());
  Metadata other = Plain();
  other.id = "another";
  EXPECT_EQ(VerdictOnMetadata(state, other), "metaData.id");
  EXPECT_EQ(VerdictOnMetadata(state, Plain()), "");
  // Some real logs have none.
  Metadata none = Plain();
  none.id.reset();
  EXPECT_EQ(VerdictOnMetadata(State(Versions(1, 2), none), other), "");
}

TEST(TableRulesTest, WhatMetadataActivates_HasToBeInTheProtocol) {
  struct Case {
    std::string name;
    std::function<void(Metadata&)> change;
    std::string field;
    Protocol protocol;  // that has it
  };
  const auto property = [](const std::string& key, const std::string& value) {
    return [=](Metadata& metadata) { metadata.configuration[key] = value; };
  };
  const auto column = [](const std::string& type, const std::string& metadata_of_it) {
    return [=](Metadata& metadata) {
      metadata.schema_string = Schema({Column("a", "\"long\""), Column("b", type, metadata_of_it)});
    };
  };
  const std::vector<Case> cases = {
      {"appendOnly", property("delta.appendOnly", "true"), "configuration", Versions(1, 2)},
      {"checkConstraints", property("delta.constraints.c", "a > 0"), "configuration",
       Versions(1, 3)},
      {"changeDataFeed", property("delta.enableChangeDataFeed", "true"), "configuration",
       Versions(1, 4)},
      {"deletionVectors", property("delta.enableDeletionVectors", "true"), "configuration",
       Features({}, {"deletionVectors"})},
      {"inCommitTimestamp", property("delta.enableInCommitTimestamps", "true"), "configuration",
       Features({"inCommitTimestamp"})},
      {"typeWidening", property("delta.enableTypeWidening", "true"), "configuration",
       Features({}, {"typeWidening-preview"})},
      {"v2Checkpoint", property("delta.checkpointPolicy", "v2"), "configuration",
       Features({}, {"v2Checkpoint"})},
      {"invariants", column("\"long\"", R"("delta.invariants":"{}")"), "schemaString",
       Versions(1, 2)},
      {"generatedColumns", column("\"long\"", R"("delta.generationExpression":"a")"),
       "schemaString", Versions(1, 4)},
      {"identityColumns", column("\"long\"", R"("delta.identity.start":1)"), "schemaString",
       Versions(1, 6)},
      {"allowColumnDefaults", column("\"long\"", R"("CURRENT_DEFAULT":"1")"), "schemaString",
       Features({"allowColumnDefaults"})},
      {"timestampNtz", column("\"timestamp_ntz\"", ""), "schemaString",
       Features({}, {"timestampNtz"})},
      {"timestampNtz",
       column(R"({"type":"array","elementType":"timestamp_ntz","containsNull":true})", ""),
       "schemaString", Features({}, {"timestampWithoutTimezone"})},
      {"variantType",
       column(R"({"type":"struct","fields":[)" + Column("v", "\"variant\"") + "]}", ""),
       "schemaString", Features({}, {"variantType"})},
  };
  for (const Case& of : cases) {
    Metadata metadata = Plain();
    of.change(metadata);
    const TableState state = State(Versions(1, 1), Plain());
    StagedActions staged;
    ASSERT_TRUE(staged.Append(metadata));
    const auto checked = CheckAgainst(staged, &state);
    ASSERT_FALSE(checked.has_value()) << of.name;
    EXPECT_EQ(Fact(checked.error(), "features"), of.name) << checked.error().message();
    EXPECT_EQ(Fact(checked.error(), "field"), of.field) << checked.error().message();
    // With the upgrade in the same commit, or before; and where somebody did it wrong before.
    EXPECT_EQ(VerdictOnMetadata(state, metadata, of.protocol), "") << of.name;
    EXPECT_EQ(VerdictOnMetadata(State(of.protocol, Plain()), metadata), "") << of.name;
    EXPECT_EQ(VerdictOnMetadata(State(Versions(1, 1), metadata), metadata), "") << of.name;
  }
}

TEST(TableRulesTest, ColumnMapping_FollowsItsRules) {
  const auto mapped = [](const Names& columns, std::string mode, std::string max_id) {
    Metadata metadata = TableOf(columns);
    metadata.configuration = {{"delta.columnMapping.mode", std::move(mode)},
                              {"delta.columnMapping.maxColumnId", std::move(max_id)}};
    return metadata;
  };
  const Protocol protocol = Versions(2, 5);
  const TableState none = State(protocol, Plain());
  const TableState by_name = State(protocol, mapped({Mapped("a", 1, "a")}, "name", "3"));
  struct Case {
    const TableState& state;
    Metadata metadata;
    std::string verdict;
  };
  const std::vector<Case> cases = {
      {none, mapped({Mapped("a", 1, "a")}, "name", "1"), ""},
      {none, mapped({Mapped("a", 1, "a"), Mapped("b", 2, "col-2")}, "name", "9"), ""},
      {none, mapped({Mapped("a", 1, "col-1")}, "name", "1"), "metaData.schemaString"},
      {none, mapped({Mapped("a", 1, "a")}, "id", "1"), "metaData.configuration"},
      {none, mapped({Mapped("a", 1, "a")}, "Name", "1"), "metaData.configuration"},
      {none, mapped({Column("a", "\"long\"")}, "name", "1"), "metaData.schemaString"},
      {none, mapped({Mapped("a", 1, "")}, "name", "1"), "metaData.schemaString"},
      {none, mapped({Mapped("a", 1, "a"), Mapped("b", 1, "b")}, "name", "1"),
       "metaData.schemaString"},
      {none, mapped({Mapped("a", 2, "a")}, "name", "1"), "metaData.configuration"},
      {none, mapped({Mapped("a", 1, "a")}, "name", "x"), "metaData.configuration"},
      {by_name, mapped({Mapped("renamed", 1, "a")}, "name", "3"), ""},
      {by_name, mapped({Mapped("a", 1, "a"), Mapped("b", 4, "col-4")}, "name", "4"), ""},
      {by_name, mapped({Mapped("a", 1, "other")}, "name", "3"), "metaData.schemaString"},
      {by_name, mapped({Mapped("a", 1, "a")}, "name", "2"), "metaData.configuration"},
      {by_name, mapped({Mapped("a", 1, "a")}, "id", "3"), "metaData.configuration"},
      {by_name, Plain(), "metaData.configuration"},
  };
  for (const Case& of : cases) {
    EXPECT_EQ(VerdictOnMetadata(of.state, of.metadata), of.verdict)
        << *of.metadata.schema_string << of.metadata.configuration.begin()->second;
  }
  StagedActions created;
  ASSERT_TRUE(created.Append(mapped({Mapped("a", 1, "col-1")}, "id", "1")));
  ASSERT_TRUE(created.Append(protocol));
  EXPECT_EQ(Verdict(CheckAgainst(created, nullptr)), "");
}

TEST(TableRulesTest, RowTracking_IsEnabledWhenTheTableIsMade) {
  Metadata tracked = Plain();
  tracked.configuration = {
      {"delta.enableRowTracking", "true"},
      {"delta.rowTracking.materializedRowIdColumnName", "_id"},
      {"delta.rowTracking.materializedRowCommitVersionColumnName", "_version"}};
  const Protocol protocol = Features({"rowTracking", "domainMetadata"});
  StagedActions created;
  ASSERT_TRUE(created.Append(tracked));
  ASSERT_TRUE(created.Append(protocol));
  EXPECT_EQ(Verdict(CheckAgainst(created, nullptr)), "");
  EXPECT_EQ(VerdictOnMetadata(State(protocol, tracked), tracked), "");

  const TableState before = State(protocol, Plain());
  StagedActions enabling;
  ASSERT_TRUE(enabling.Append(tracked));
  const auto refused = CheckAgainst(enabling, &before);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Fact(refused.error(), "features"), "rowTracking");

  tracked.configuration.erase("delta.rowTracking.materializedRowIdColumnName");
  StagedActions nameless;
  ASSERT_TRUE(nameless.Append(tracked));
  ASSERT_TRUE(nameless.Append(protocol));
  EXPECT_EQ(Verdict(CheckAgainst(nameless, nullptr)), "metaData.configuration");
}

TEST(TableRulesTest, ClusteredTable_HasNoPartitions) {
  const TableState state = State(Features({"clustering", "domainMetadata"}), Plain());
  EXPECT_EQ(VerdictOnMetadata(state, TableOf({Column("a", "\"long\"")}, {"a"})),
            "metaData.partitionColumns");
}

TEST(TableRulesTest, IsolationLevelOfATable_HasToBeOne) {
  const TableState state = State(Versions(1, 2), Plain());
  Metadata metadata = Plain();
  metadata.configuration["delta.isolationLevel"] = "writeSerializable";
  EXPECT_EQ(VerdictOnMetadata(state, metadata), "");
  metadata.configuration["delta.isolationLevel"] = "strict";
  EXPECT_EQ(VerdictOnMetadata(state, metadata), "metaData.configuration");
  EXPECT_EQ(VerdictOnMetadata(State(Versions(1, 2), metadata), metadata), "");
}

TEST(TableRulesTest, Rules_SayWhatTheTableAsks) {
  Metadata metadata = Plain();
  metadata.configuration = {{"delta.enableInCommitTimestamps", "true"}};
  auto rules =
      TableRules::Make(Features({"rowTracking", "domainMetadata", "inCommitTimestamp"}), metadata);
  ASSERT_TRUE(rules.has_value());
  EXPECT_TRUE(rules->assigns_row_ids);
  EXPECT_TRUE(rules->has_in_commit_timestamps);
  EXPECT_FALSE(rules->is_append_only);
  metadata.configuration = {{"delta.rowTrackingSuspended", "true"}};
  rules =
      TableRules::Make(Features({"rowTracking", "domainMetadata", "inCommitTimestamp"}), metadata);
  EXPECT_FALSE(rules->assigns_row_ids);
  EXPECT_FALSE(rules->has_in_commit_timestamps);

  const auto broken = TableRules::Make(Versions(1, 2), TableOf({}, {"gone"}));
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), ErrorCode::kCorrupt);
}

bool IsMisfit(const Metadata& before, const Metadata& after) {
  return FindMisfit(before, after, Features({"typeWidening"})).has_value();
}

TEST(TableRulesTest, TypeOfAColumn_ChangesForFilesUnlessItWidens) {
  const auto change = [](std::string_view from, std::string_view to, std::string_view noted = "",
                         bool is_enabled = true) {
    Metadata before = TableOf({Column("a", from), Column("b", "\"long\"")});
    Metadata after = TableOf({Column("b", "\"long\""), Column("a", to, noted)});
    if (is_enabled) after.configuration["delta.enableTypeWidening"] = "true";
    return IsMisfit(before, after);
  };
  const auto noted = [](std::string_view from, std::string_view to) {
    return R"("delta.typeChanges":[{"fromType":")" + std::string(from) + R"(","toType":")" +
           std::string(to) + R"("}])";
  };
  EXPECT_FALSE(change(R"("integer")", R"("integer")"));
  EXPECT_FALSE(change(R"("void")", R"("string")"));
  EXPECT_FALSE(change(R"("integer")", R"("long")", noted("integer", "long")));
  EXPECT_TRUE(change(R"("integer")", R"("long")", noted("integer", "long"), /*is_enabled=*/false));
  EXPECT_TRUE(change(R"("integer")", R"("long")"));  // nobody would know what the files have
  EXPECT_TRUE(change(R"("integer")", R"("long")", noted("short", "long")));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"byte", "short"},
                                                        {"short", "double"},
                                                        {"float", "double"},
                                                        {"date", "timestamp_ntz"},
                                                        {"decimal(4,2)", "decimal(6,3)"},
                                                        {"integer", "decimal(12,2)"},
                                                        {"long", "decimal(20,0)"}}) {
    EXPECT_FALSE(change('"' + from + '"', '"' + to + '"', noted(from, to))) << from << " " << to;
    EXPECT_TRUE(change('"' + to + '"', '"' + from + '"', noted(to, from))) << to << " " << from;
  }
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"long", "string"},
                                                        {"long", "double"},
                                                        {"decimal(4,2)", "decimal(5,4)"},
                                                        {"integer", "decimal(11,2)"},
                                                        {"string", "binary"},
                                                        {"date", "timestamp"}}) {
    EXPECT_TRUE(change('"' + from + '"', '"' + to + '"', noted(from, to))) << from << " " << to;
  }
  const std::string list = R"({"type":"array","elementType":"integer","containsNull":true})";
  const std::string longs = R"({"type":"array","elementType":"long","containsNull":true})";
  EXPECT_FALSE(change(list, list));
  EXPECT_TRUE(change(list, longs));
  EXPECT_TRUE(change(list, R"("integer")"));
}

TEST(TableRulesTest, NewColumn_FitsFilesUnlessItMayNotBeNull) {
  const std::string must = R"({"name":"b","type":"long","nullable":false,"metadata":{}})";
  EXPECT_FALSE(IsMisfit(Plain(), TableOf({Column("a", "\"long\""), Column("b", "\"long\"")})));
  EXPECT_TRUE(IsMisfit(Plain(), TableOf({Column("a", "\"long\""), must})));
  // A renamed column is known by its id.
  Metadata mapped = TableOf({Mapped("a", 1, "x")});
  mapped.configuration["delta.columnMapping.mode"] = "name";
  Metadata renamed = TableOf({Mapped("c", 1, "x")});
  renamed.configuration = mapped.configuration;
  EXPECT_FALSE(IsMisfit(mapped, renamed));
}

// A column that counts up by one, `mark` as JSON.
std::string Identity(std::string_view mark, std::string_view more = "") {
  std::string metadata = R"("delta.identity.start":1,"delta.identity.step":1)" + std::string(more);
  if (!mark.empty()) metadata += R"(,"delta.identity.highWaterMark":)" + std::string(mark);
  return Column("i", "\"long\"", metadata);
}

TEST(TableRulesTest, IdentityMark_NeverGoesBack) {
  const TableState state = State(Versions(1, 6), TableOf({Identity("100")}));
  EXPECT_EQ(VerdictOnMetadata(state, TableOf({Identity("100")})), "");
  EXPECT_EQ(VerdictOnMetadata(state, TableOf({Identity("101")})), "");
  EXPECT_EQ(VerdictOnMetadata(state, TableOf({Column("i", "\"long\"")})), "");
  for (const std::string mark : {"99", "", "\"x\""}) {
    EXPECT_EQ(VerdictOnMetadata(state, TableOf({Identity(mark)})), "metaData.schemaString") << mark;
  }
}

TEST(TableRulesTest, IdentityValues_StayWithinTheMark) {
  const auto add = [](std::string_view max) {
    return Add(
        "", R"(,"stats":"{\"numRecords\":1,\"maxValues\":{\"i\":)" + std::string(max) + R"(}}")");
  };
  const TableState state = State(Versions(1, 6), TableOf({Identity("100")}));
  EXPECT_EQ(Verdict({add("100")}, state), "");
  EXPECT_EQ(Verdict({add("101")}, state), "add.stats");
  EXPECT_EQ(Verdict({add("1")}, State(Versions(1, 6), TableOf({Identity("")}))), "add.stats");
  const std::string anybody = R"(,"delta.identity.allowExplicitInsert":true)";
  EXPECT_EQ(Verdict({add("101")}, State(Versions(1, 6), TableOf({Identity("100", anybody)}))), "");
}

TEST(TableRulesTest, Properties_AreCheckedWhereTheyAreSet) {
  const TableState state = State(Versions(1, 2), Plain());
  Metadata metadata = Plain();
  metadata.configuration["delta.appendOnly"] = "banana";
  EXPECT_EQ(VerdictOnMetadata(state, metadata), "metaData.configuration");
  EXPECT_EQ(VerdictOnMetadata(State(Versions(1, 2), metadata), metadata), "");
  metadata.configuration = {{"delta.newerThanUs", "x"}, {"own", "y"}};
  EXPECT_EQ(VerdictOnMetadata(state, metadata), "");
}

TEST(TableRulesTest, Partitioning_ChangesByNameTypeAndOrder) {
  const Names columns = {Column("a", "\"long\""), Column("b", "\"string\"")};
  const Metadata by_a = TableOf(columns, {"a"});
  EXPECT_FALSE(IsMisfit(by_a, by_a));
  EXPECT_FALSE(IsMisfit(by_a, TableOf({columns[1], columns[0]}, {"a"})));
  EXPECT_TRUE(IsMisfit(by_a, TableOf(columns, {"a", "b"})));
  EXPECT_TRUE(IsMisfit(TableOf(columns, {"b", "a"}), TableOf(columns, {"a", "b"})));
  EXPECT_TRUE(IsMisfit(by_a, TableOf(columns)));
  EXPECT_TRUE(IsMisfit(by_a, TableOf({Column("a", "\"string\"")}, {"a"})));
  EXPECT_FALSE(IsMisfit(Plain(), TableOf(columns)));
}

}  // namespace
}  // namespace deltalakedb::protocol
