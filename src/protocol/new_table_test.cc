#include "protocol/new_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "deltalakedb/schema.h"
#include "protocol/table_rules.h"

namespace deltalakedb::protocol {
namespace {

using Properties = std::map<std::string, std::string>;
using Names = std::vector<std::string>;

std::string FieldJson(const std::string& name, const std::string& type,
                      const std::string& metadata = "{}") {
  const std::string quoted = type.starts_with('{') ? type : '"' + type + '"';
  return R"({"name":")" + name + R"(","type":)" + quoted + R"(,"nullable":true,"metadata":)" +
         metadata + "}";
}

std::string SchemaOf(const std::vector<std::string>& fields) {
  std::string json = R"({"type":"struct","fields":[)";
  for (const std::string& field : fields) {
    if (!json.ends_with('[')) json += ',';
    json += field;
  }
  return json + "]}";
}

const std::string& Plain() {
  static const std::string json =
      SchemaOf({FieldJson("id", "long"), FieldJson("day", "date"), FieldJson("note", "string")});
  return json;
}

MakeUuid Counting() {
  return [n = 0]() mutable { return std::to_string(++n); };
}

Result<TableDefinition> Define(const std::string& schema, const Properties& properties = {},
                               const Names& partition_columns = {}) {
  return DefineTable({schema, partition_columns, properties, std::nullopt, std::nullopt},
                     Counting());
}

TableDefinition Defined(const Properties& properties, const std::string& schema = Plain()) {
  auto table = Define(schema, properties);
  EXPECT_TRUE(table) << table.error().message();
  return table ? *table : TableDefinition{};
}

// "1,2" or "3,7 r:a w:a,b", features sorted.
std::string Text(const Protocol& protocol) {
  std::string text = std::to_string(protocol.min_reader_version) + ',' +
                     std::to_string(protocol.min_writer_version);
  const auto list = [&](std::string_view name, const std::optional<Names>& features) {
    if (!features) return;
    Names sorted = *features;
    std::ranges::sort(sorted);
    text.append(" ").append(name).append(":");
    for (const std::string& feature : sorted) {
      if (!text.ends_with(':')) text += ',';
      text += feature;
    }
  };
  list("r", protocol.reader_features);
  list("w", protocol.writer_features);
  return text;
}

std::string FactOf(const Error& error, std::string_view name) {
  const auto* const fact = error.FindFact(name);
  return fact == nullptr ? "" : std::get<std::string>(*fact);
}

struct ProtocolCase {
  Properties properties;
  std::string protocol;
};

TEST(DefineTable, Properties_NeedTheLowestProtocolThatHasThem) {
  const std::vector<ProtocolCase> cases = {
      {{}, "1,2"},
      {{{"owner", "me"}, {"delta.logRetentionDuration", "interval 7 days"}}, "1,2"},
      {{{"delta.appendOnly", "true"}}, "1,2"},
      {{{"delta.constraints.positive", "id > 0"}}, "1,3"},
      {{{"delta.enableChangeDataFeed", "true"}}, "1,4"},
      {{{"delta.enableChangeDataFeed", "false"}}, "1,2"},
      {{{"delta.columnMapping.mode", "name"}}, "2,5"},
      {{{"delta.columnMapping.mode", "id"}}, "2,5"},
      {{{"delta.enableDeletionVectors", "true"}},
       "3,7 r:deletionVectors w:appendOnly,deletionVectors,invariants"},
      {{{"delta.enableRowTracking", "true"}},
       "1,7 w:appendOnly,domainMetadata,invariants,rowTracking"},
      {{{"delta.enableInCommitTimestamps", "TRUE"}},
       "1,7 w:appendOnly,inCommitTimestamp,invariants"},
      {{{"delta.checkpointPolicy", "v2"}},
       "3,7 r:v2Checkpoint w:appendOnly,invariants,v2Checkpoint"},
      {{{"delta.checkpointPolicy", "classic"}}, "1,2"},
      {{{"delta.enableTypeWidening", "true"}},
       "3,7 r:typeWidening w:appendOnly,invariants,typeWidening"},
      {{{"delta.columnMapping.mode", "name"}, {"delta.enableDeletionVectors", "true"}},
       "3,7 r:columnMapping,deletionVectors "
       "w:appendOnly,columnMapping,deletionVectors,invariants"},
      {{{"delta.columnMapping.mode", "name"}, {"delta.enableInCommitTimestamps", "true"}},
       "2,7 w:appendOnly,columnMapping,inCommitTimestamp,invariants"},
      {{{"delta.enableChangeDataFeed", "true"}, {"delta.enableRowTracking", "true"}},
       "1,7 w:appendOnly,changeDataFeed,domainMetadata,invariants,rowTracking"},
      {{{"delta.feature.domainMetadata", "supported"}},
       "1,7 w:appendOnly,domainMetadata,invariants"},
      {{{"delta.feature.rowTracking", "supported"}},
       "1,7 w:appendOnly,domainMetadata,invariants,rowTracking"},
      {{{"delta.feature.timestampNtz", "supported"}},
       "3,7 r:timestampNtz w:appendOnly,invariants,timestampNtz"},
      {{{"delta.feature.appendOnly", "supported"}}, "1,2"},
      {{{"delta.minWriterVersion", "5"}}, "1,5"},
      {{{"delta.minReaderVersion", "2"}, {"delta.minWriterVersion", "5"}}, "2,5"},
      {{{"delta.minReaderVersion", "1"}, {"delta.minWriterVersion", "1"}}, "1,2"},
      {{{"delta.minWriterVersion", "7"}}, "1,7 w:appendOnly,invariants"},
      {{{"delta.minReaderVersion", "3"}, {"delta.minWriterVersion", "7"}},
       "3,7 r: w:appendOnly,invariants"},
      {{{"delta.minWriterVersion", "4"}, {"delta.enableDeletionVectors", "true"}},
       "3,7 r:deletionVectors "
       "w:appendOnly,changeDataFeed,checkConstraints,deletionVectors,generatedColumns,invariants"},
  };
  for (const auto& [properties, protocol] : cases) {
    EXPECT_EQ(Text(Defined(properties).protocol), protocol)
        << (properties.empty() ? "" : properties.begin()->first);
  }
}

TEST(DefineTable, Schema_NeedsTheLowestProtocolThatHasItsTypes) {
  const std::string identity =
      R"({"delta.identity.start":1,"delta.identity.step":1,"delta.identity.allowExplicitInsert":false})";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {FieldJson("t", "timestamp_ntz"), "3,7 r:timestampNtz w:appendOnly,invariants,timestampNtz"},
      {FieldJson("t", R"({"type":"array","elementType":"timestamp_ntz","containsNull":true})"),
       "3,7 r:timestampNtz w:appendOnly,invariants,timestampNtz"},
      {FieldJson("v", "variant"), "3,7 r:variantType w:appendOnly,invariants,variantType"},
      {FieldJson("c", "long", R"({"delta.invariants":"{}"})"), "1,2"},
      {FieldJson("c", "long", R"({"delta.generationExpression":"id"})"), "1,4"},
      {FieldJson("c", "long", identity), "1,6"},
      {FieldJson("c", "long", R"({"CURRENT_DEFAULT":"1"})"),
       "1,7 w:allowColumnDefaults,appendOnly,invariants"},
      {FieldJson("c", "void"), "1,2"},
  };
  for (const auto& [field, protocol] : cases) {
    const std::string schema = SchemaOf({FieldJson("id", "long"), field});
    EXPECT_EQ(Text(Defined({}, schema).protocol), protocol) << field;
  }
}

TEST(DefineTable, PropertiesAboutTheProtocol_AreNotStored) {
  const auto table = Defined({{"delta.feature.deletionVectors", "supported"},
                              {"delta.minReaderVersion", "3"},
                              {"delta.minWriterVersion", "7"},
                              {"delta.APPENDONLY", "true"},
                              {"owner", "me"}});
  EXPECT_EQ(table.metadata.configuration,
            (Properties{{"delta.appendOnly", "true"}, {"owner", "me"}}));
}

TEST(DefineTable, ColumnMapping_GivesEveryFieldAnIdAndAName) {
  const std::string nested = R"({"type":"struct","fields":[)" + FieldJson("b c", "long") + "]}";
  const auto table =
      Defined({{"delta.columnMapping.mode", "name"}},
              SchemaOf({FieldJson("a", nested, R"({"comment":"x"})"), FieldJson("d;e", "long")}));
  const auto schema = Schema::Parse(*table.metadata.schema_string);
  ASSERT_TRUE(schema);
  const Field& outer = schema->fields()[0];
  const Field& inner = outer.type().fields()[0];
  const Field& last = schema->fields()[1];
  EXPECT_EQ(outer.column_mapping_id(), 1);
  EXPECT_EQ(outer.physical_name(), "col-1");
  EXPECT_EQ(outer.comment(), "x");
  EXPECT_EQ(inner.name(), "b c");
  EXPECT_EQ(inner.column_mapping_id(), 2);
  EXPECT_EQ(inner.physical_name(), "col-2");
  EXPECT_EQ(last.column_mapping_id(), 3);
  EXPECT_EQ(table.metadata.configuration.at("delta.columnMapping.maxColumnId"), "3");
}

TEST(DefineTable, IdsThatTheSchemaBrings_AreKept) {
  const std::string known =
      R"({"delta.columnMapping.id":7,"delta.columnMapping.physicalName":"p"})";
  const auto table = Defined({{"delta.columnMapping.mode", "id"}},
                             SchemaOf({FieldJson("a", "long"), FieldJson("b", "long", known)}));
  const auto schema = Schema::Parse(*table.metadata.schema_string);
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->fields()[0].column_mapping_id(), 8);
  EXPECT_EQ(schema->fields()[1].column_mapping_id(), 7);
  EXPECT_EQ(schema->fields()[1].physical_name(), "p");
  EXPECT_EQ(table.metadata.configuration.at("delta.columnMapping.maxColumnId"), "8");
  const auto twice =
      Define(SchemaOf({FieldJson("a", "long", known), FieldJson("b", "long", known)}),
             {{"delta.columnMapping.mode", "id"}});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(FactOf(twice.error(), "column"), "b");
}

TEST(DefineTable, RowTracking_NamesTheColumnsOfRowIds) {
  const auto table = Defined({{"delta.enableRowTracking", "true"}});
  EXPECT_EQ(table.metadata.configuration.at(std::string(kMaterializedRowIdColumn)),
            "_row-id-col-1");
  EXPECT_EQ(table.metadata.configuration.at(std::string(kMaterializedRowCommitVersionColumn)),
            "_row-commit-version-col-2");
}

TEST(DefineTable, PartitionColumns_StayInTheirOrderAndTakeTheSchemasSpelling) {
  const auto table = Define(Plain(), {}, {"NOTE", "day"});
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(table->metadata.partition_columns, (Names{"note", "day"}));
}

TEST(DefineTable, SchemaText_IsOneLine) {
  std::string spaced = Plain();
  std::ranges::replace(spaced, ',', '\n');
  std::string text;
  for (const char c : spaced) text += c == '\n' ? std::string(",\n  ") : std::string(1, c);
  EXPECT_EQ(Defined({}, text).metadata.schema_string, Plain());
}

struct BadTable {
  std::string schema;
  Properties properties;
  Names partition_columns;
  ErrorCode code;
  std::string fact;
  std::string value;
};

TEST(DefineTable, WhatIsWrong_IsNamed) {
  constexpr auto kInvalid = ErrorCode::kInvalidArgument;
  constexpr auto kUnsupported = ErrorCode::kUnsupported;
  const std::string array_of_void = R"({"type":"array","elementType":"void","containsNull":true})";
  const std::string two_of_a_name = SchemaOf({FieldJson("Id", "long"), FieldJson("iD", "long")});
  const std::string spaced = SchemaOf({FieldJson("a b", "long")});
  const auto property = [](const std::string& key, const std::string& value) {
    return Properties{{key, value}};
  };
  const std::vector<BadTable> cases = {
      {R"({"type":"long"})", {}, {}, kInvalid, "column", ""},
      {"[]", {}, {}, kInvalid, "", ""},
      {"not JSON", {}, {}, kInvalid, "", ""},
      {two_of_a_name, {}, {}, kInvalid, "column", ""},
      {spaced, {}, {}, kInvalid, "column", "a b"},
      {SchemaOf({FieldJson("", "long")}), {}, {}, kInvalid, "column", ""},
      {SchemaOf({FieldJson("a", "geometry")}), {}, {}, kInvalid, "column", "a"},
      {SchemaOf({FieldJson("a", "decimal(39,1)")}), {}, {}, kInvalid, "column", "a"},
      {SchemaOf({FieldJson("a", array_of_void)}), {}, {}, kInvalid, "column", "a"},
      {SchemaOf({FieldJson("a", "long", R"({"delta.identity.start":1})")}),
       {},
       {},
       kInvalid,
       "column",
       "a"},
      {SchemaOf({FieldJson("a", "long", R"({"__COLLATIONS":{}})")}),
       {},
       {},
       kUnsupported,
       "features",
       "collations"},
      {Plain(), {}, {"none"}, kInvalid, "column", "none"},
      {Plain(), {}, {"day", "DAY"}, kInvalid, "column", "DAY"},
      {Plain(), {}, {"id", "day", "note"}, kInvalid, "column", "note"},
      {SchemaOf({FieldJson("a", array_of_void.substr(0, 0) +
                                    R"({"type":"array","elementType":"long","containsNull":true})"),
                 FieldJson("b", "long")}),
       {},
       {"a"},
       kInvalid,
       "column",
       "a"},
      {SchemaOf({FieldJson("_change_type", "string"), FieldJson("b", "long")}),
       property("delta.enableChangeDataFeed", "true"),
       {},
       kInvalid,
       "column",
       "_change_type"},
      {Plain(), property("delta.appendOnly", "yes"), {}, kInvalid, "property", "delta.appendOnly"},
      {Plain(), property("delta.noSuch", "1"), {}, kInvalid, "property", "delta.noSuch"},
      {Plain(),
       property("delta.logRetentionDuration", "1 month"),
       {},
       kInvalid,
       "property",
       "delta.logRetentionDuration"},
      {Plain(),
       property("delta.checkpointInterval", "0"),
       {},
       kInvalid,
       "property",
       "delta.checkpointInterval"},
      {Plain(),
       property("delta.dataSkippingNumIndexedCols", "-2"),
       {},
       kInvalid,
       "property",
       "delta.dataSkippingNumIndexedCols"},
      {Plain(),
       property("delta.targetFileSize", "big"),
       {},
       kInvalid,
       "property",
       "delta.targetFileSize"},
      {Plain(),
       property("delta.columnMapping.mode", "names"),
       {},
       kInvalid,
       "property",
       "delta.columnMapping.mode"},
      {Plain(),
       property("delta.columnMapping.maxColumnId", "9"),
       {},
       kInvalid,
       "property",
       "delta.columnMapping.maxColumnId"},
      {Plain(),
       property("delta.isolationLevel", "none"),
       {},
       kInvalid,
       "property",
       "delta.isolationLevel"},
      {Plain(),
       property("delta.constraints.", "id > 0"),
       {},
       kInvalid,
       "property",
       "delta.constraints."},
      {Plain(),
       property("delta.feature.deletionVectors", "yes"),
       {},
       kInvalid,
       "property",
       "delta.feature.deletionVectors"},
      {Plain(),
       property("delta.minWriterVersion", "two"),
       {},
       kInvalid,
       "property",
       "delta.minWriterVersion"},
      {Plain(), property("", "x"), {}, kInvalid, "property", ""},
      {Plain(),
       property("delta.minWriterVersion", "8"),
       {},
       kUnsupported,
       "field",
       "minWriterVersion"},
      {Plain(),
       property("delta.feature.ofTomorrow", "supported"),
       {},
       kUnsupported,
       "features",
       "ofTomorrow"},
      {Plain(),
       property("delta.feature.catalogManaged", "supported"),
       {},
       kUnsupported,
       "features",
       "catalogManaged"},
      {Plain(),
       property("delta.feature.icebergCompatV2", "supported"),
       {},
       kUnsupported,
       "features",
       "icebergCompatV2"},
      {Plain(),
       property("delta.enableIcebergCompatV1", "true"),
       {},
       kUnsupported,
       "property",
       "delta.enableIcebergCompatV1"},
      {Plain(),
       {{"delta.appendOnly", "true"}, {"delta.appendonly", "true"}},
       {},
       kInvalid,
       "property",
       "delta.appendOnly"},
      {Plain(),
       {{"delta.enableRowTracking", "true"}, {"delta.rowTrackingSuspended", "true"}},
       {},
       kInvalid,
       "property",
       "delta.rowTrackingSuspended"},
  };
  for (const BadTable& bad : cases) {
    const std::string what =
        bad.schema + (bad.properties.empty() ? "" : bad.properties.begin()->first);
    const auto table = Define(bad.schema, bad.properties, bad.partition_columns);
    ASSERT_FALSE(table) << what;
    EXPECT_EQ(table.error().code(), bad.code) << what << table.error().message();
    if (bad.fact.empty()) continue;
    ASSERT_NE(table.error().FindFact(bad.fact), nullptr) << what << table.error().message();
    EXPECT_EQ(FactOf(table.error(), bad.fact), bad.value) << what;
  }
}

TableDefinition Existing(const Properties& properties = {}) {
  TableDefinition table = Defined(properties);
  table.metadata.id = "the id";
  return table;
}

PropertyChange Changed(const TableDefinition& table, const Properties& properties) {
  auto change = ChangeProperties(table, properties);
  EXPECT_TRUE(change) << change.error().message();
  return change ? *change : PropertyChange{};
}

TEST(ChangeProperties, WhatIsThereAlready_IsNoChange) {
  const auto table = Existing({{"owner", "me"}, {"delta.enableDeletionVectors", "true"}});
  for (const Properties& properties :
       {Properties{{"owner", "me"}}, Properties{{"delta.feature.deletionVectors", "supported"}},
        Properties{{"delta.minWriterVersion", "2"}},
        Properties{{"delta.enableDeletionVectors", "true"}}}) {
    const auto change = Changed(table, properties);
    EXPECT_FALSE(change.metadata) << properties.begin()->first;
    EXPECT_FALSE(change.protocol) << properties.begin()->first;
  }
}

TEST(ChangeProperties, OtherPropertiesAndFields_Stay) {
  const auto table = Existing({{"owner", "me"}, {"delta.appendOnly", "true"}});
  const auto change = Changed(table, {{"delta.appendOnly", "false"}, {"new", ""}});
  ASSERT_TRUE(change.metadata);
  EXPECT_EQ(change.metadata->configuration,
            (Properties{{"owner", "me"}, {"delta.appendOnly", "false"}, {"new", ""}}));
  EXPECT_EQ(change.metadata->id, "the id");
  EXPECT_EQ(change.metadata->schema_string, table.metadata.schema_string);
  EXPECT_FALSE(change.protocol);
}

TEST(ChangeProperties, Protocol_IsRaisedAndKeepsWhatItsVersionsImplied) {
  const std::vector<std::pair<std::pair<Properties, Properties>, std::string>> cases = {
      {{{}, {{"delta.enableChangeDataFeed", "true"}}}, "1,4"},
      {{{{"delta.enableChangeDataFeed", "true"}}, {{"delta.enableDeletionVectors", "true"}}},
       "3,7 r:deletionVectors "
       "w:appendOnly,changeDataFeed,checkConstraints,deletionVectors,generatedColumns,invariants"},
      {{{{"delta.columnMapping.mode", "name"}}, {{"delta.checkpointPolicy", "v2"}}},
       "3,7 r:columnMapping,v2Checkpoint w:appendOnly,changeDataFeed,checkConstraints,"
       "columnMapping,generatedColumns,invariants,v2Checkpoint"},
      {{{{"delta.enableDeletionVectors", "true"}}, {{"delta.enableChangeDataFeed", "true"}}},
       "3,7 r:deletionVectors w:appendOnly,changeDataFeed,deletionVectors,invariants"},
      {{{{"delta.enableInCommitTimestamps", "true"}}, {{"delta.columnMapping.mode", "name"}}},
       "2,7 w:appendOnly,columnMapping,inCommitTimestamp,invariants"},
      {{{}, {{"delta.feature.rowTracking", "supported"}}},
       "1,7 w:appendOnly,domainMetadata,invariants,rowTracking"},
  };
  for (const auto& [change, protocol] : cases) {
    const auto made = Changed(Existing(change.first), change.second);
    ASSERT_TRUE(made.protocol) << protocol;
    EXPECT_EQ(Text(*made.protocol), protocol);
  }
}

TEST(ChangeProperties, ColumnMapping_NamesColumnsAsTheFilesDo) {
  const auto change = Changed(Existing(), {{"delta.columnMapping.mode", "name"}});
  ASSERT_TRUE(change.metadata && change.protocol);
  const auto schema = Schema::Parse(*change.metadata->schema_string);
  ASSERT_TRUE(schema);
  std::set<std::int32_t> ids;
  for (const Field& field : schema->fields()) {
    EXPECT_EQ(field.physical_name(), field.name());
    ids.insert(field.column_mapping_id().value_or(0));
  }
  EXPECT_EQ(ids, (std::set<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(change.metadata->configuration.at("delta.columnMapping.maxColumnId"), "3");
  EXPECT_EQ(Text(*change.protocol), "2,5");
}

TEST(ChangeProperties, WhatEveryRowWouldHaveToBeLookedAtFor_IsRefusedByName) {
  const auto tracking = ChangeProperties(Existing(), {{"delta.enableRowTracking", "true"}});
  ASSERT_FALSE(tracking);
  EXPECT_EQ(tracking.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(FactOf(tracking.error(), "features"), "rowTracking");
  const auto constraint = ChangeProperties(Existing(), {{"delta.constraints.c", "id > 0"}});
  ASSERT_FALSE(constraint);
  EXPECT_EQ(constraint.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(FactOf(constraint.error(), "property"), "delta.constraints.c");
}

TEST(ChangeProperties, ColumnMappingThatIsTakenBack_IsInvalid) {
  const auto table = Existing({{"delta.columnMapping.mode", "name"}});
  for (const char* const mode : {"none", "id"}) {
    const auto change = ChangeProperties(table, {{"delta.columnMapping.mode", mode}});
    ASSERT_FALSE(change);
    EXPECT_EQ(change.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(FactOf(change.error(), "field"), "configuration");
  }
}

TEST(ChangeProperties, NeedsOfAnOlderWriter_AreLeftAsTheyAre) {
  auto table = Existing();
  table.metadata.configuration["delta.enableDeletionVectors"] = "true";  // without the feature
  const auto change = Changed(table, {{"owner", "me"}});
  EXPECT_TRUE(change.metadata);
  EXPECT_FALSE(change.protocol);
}

}  // namespace
}  // namespace deltalakedb::protocol
