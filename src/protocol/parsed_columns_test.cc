#include "protocol/parsed_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace deltalakedb::protocol {
namespace {

using testing::ElementsAre;

// A field of a schema's JSON; `type` is JSON.
std::string FieldJson(const std::string& name, const std::string& type,
                      const std::string& physical = "") {
  const std::string metadata =
      physical.empty() ? "" : R"("delta.columnMapping.physicalName":")" + physical + R"(")";
  return R"({"name":")" + name + R"(","type":)" + type + R"(,"nullable":true,"metadata":{)" +
         metadata + "}}";
}

std::string StructJson(const std::vector<std::string>& fields) {
  std::string text = R"({"type":"struct","fields":[)";
  for (const std::string& field : fields) text += (text.ends_with('[') ? "" : ",") + field;
  return text + "]}";
}

Metadata Table(const std::vector<std::string>& fields,
               std::map<std::string, std::string> configuration = {},
               std::vector<std::string> partitions = {}) {
  Metadata metadata;
  metadata.schema_string = StructJson(fields);
  metadata.configuration = std::move(configuration);
  metadata.partition_columns = std::move(partitions);
  return metadata;
}

// "a,b{c:decimal(3,1)}"
std::string Text(const std::vector<StatsField>& fields) {
  std::string text;
  for (const StatsField& field : fields) {
    text += (text.empty() ? "" : ",") + field.name;
    text += field.type ? ":" + field.type->ToText() : "{" + Text(field.fields) + "}";
  }
  return text;
}

std::string Stats(const Metadata& metadata) {
  const auto columns = FindParsedColumns(Protocol{}, metadata);
  return columns ? Text(columns->stats) : "none";
}

const std::vector<std::string> kNested = {
    FieldJson("id", R"("long")"),
    FieldJson("s", StructJson({FieldJson("x", R"("string")"),
                               FieldJson("t", StructJson({FieldJson("y", R"("date")")}))})),
    FieldJson("list", R"({"type":"array","elementType":"long","containsNull":true})"),
    FieldJson("p", R"("integer")"), FieldJson("z", R"x("decimal(3,1)")x")};

TEST(ParsedColumnsTest, LeavesOfTheSchema_KeepTheirStructs) {
  EXPECT_EQ(Stats(Table(kNested)),
            "id:long,s{x:string,t{y:date}},list:array<long>,p:integer,z:decimal(3,1)");
}

TEST(ParsedColumnsTest, PartitionColumns_HaveNoStatistics) {
  const auto columns = FindParsedColumns(Protocol{}, Table(kNested, {}, {"P", "id"}));
  ASSERT_TRUE(columns.has_value());
  EXPECT_EQ(Text(columns->stats), "s{x:string,t{y:date}},list:array<long>,z:decimal(3,1)");
  ASSERT_EQ(columns->partitions.size(), 2U);
  EXPECT_EQ(columns->partitions[0].name, "p");
  EXPECT_EQ(columns->partitions[0].type.kind(), TypeKind::kInteger);
  EXPECT_EQ(columns->partitions[1].name, "id");
}

TEST(ParsedColumnsTest, NumberOfIndexedColumns_CountsLeaves) {
  const std::string name = "delta.dataSkippingNumIndexedCols";
  EXPECT_EQ(Stats(Table(kNested, {{name, "2"}})), "id:long,s{x:string}");
  EXPECT_EQ(Stats(Table(kNested, {{name, "0"}})), "");
  std::vector<std::string> wide;
  for (int i = 0; i < 40; ++i) wide.push_back(FieldJson("c" + std::to_string(i), R"("long")"));
  const auto count = [&](const std::string& value) {
    return FindParsedColumns(Protocol{}, Table(wide, {{name, value}}))->stats.size();
  };
  EXPECT_EQ(count("-1"), 40U);
  EXPECT_EQ(count("33"), 33U);
  EXPECT_EQ(count("many"), 32U);
  EXPECT_EQ(FindParsedColumns(Protocol{}, Table(wide))->stats.size(), 32U);
}

TEST(ParsedColumnsTest, NamedColumns_CountInsteadOfTheNumber) {
  const auto stats = [](const std::string& names) {
    return Stats(Table(kNested, {{"delta.dataSkippingStatsColumns", names},
                                 {"delta.dataSkippingNumIndexedCols", "1"}}));
  };
  EXPECT_EQ(stats("z, S.T"), "s{t{y:date}},z:decimal(3,1)");
  EXPECT_EQ(stats("s"), "s{x:string,t{y:date}}");
  EXPECT_EQ(stats("`id`,nothing"), "id:long");
  EXPECT_EQ(stats(""), "");
  EXPECT_EQ(stats("a b`"), "id:long");  // no list of names
}

TEST(ParsedColumnsTest, ColumnNames_MayBeQuoted) {
  EXPECT_THAT(*ParseColumnNames(" a , b.c,`d.e``,`. f "),
              ElementsAre(ElementsAre("a"), ElementsAre("b", "c"), ElementsAre("d.e`,", "f")));
  for (const char* const text : {"a,", ",a", "a..b", "`a", "``", "`a`b", "a`b`"}) {
    EXPECT_FALSE(ParseColumnNames(text).has_value()) << text;
  }
}

TEST(ParsedColumnsTest, MappedColumns_HavePhysicalNames) {
  const std::vector<std::string> fields = {
      FieldJson("a", StructJson({FieldJson("b", R"("long")", "phys-b")}), "phys-a"),
      FieldJson("p", R"("date")", "phys-p")};
  for (const char* const mode : {"name", "id"}) {
    const auto columns =
        FindParsedColumns(Protocol{}, Table(fields, {{"delta.columnMapping.mode", mode}}, {"p"}));
    ASSERT_TRUE(columns.has_value());
    EXPECT_EQ(Text(columns->stats), "phys-a{phys-b:long}");
    EXPECT_EQ(columns->partitions.at(0).name, "phys-p");
  }
  EXPECT_EQ(Stats(Table(fields, {{"delta.columnMapping.mode", "none"}})), "a{b:long},p:date");
}

TEST(ParsedColumnsTest, PartitionsWithoutTypedValues_AreLeftOut) {
  const std::vector<std::string> fields = {FieldJson("a", R"("interval day")"),
                                           FieldJson("b", R"("binary")")};
  EXPECT_TRUE(FindParsedColumns(Protocol{}, Table(fields, {}, {"b", "a"}))->partitions.empty());
  EXPECT_TRUE(FindParsedColumns(Protocol{}, Table(fields, {}, {"b", "c"}))->partitions.empty());
  EXPECT_EQ(FindParsedColumns(Protocol{}, Table(fields, {}, {"b"}))->partitions.size(), 1U);
}

TEST(ParsedColumnsTest, TightBounds_BelongToTablesWithDeletionVectors) {
  Protocol protocol;
  protocol.min_reader_version = 3;
  protocol.min_writer_version = 7;
  protocol.reader_features = protocol.writer_features = {"deletionVectors"};
  EXPECT_TRUE(FindParsedColumns(protocol, Table({}))->with_tight_bounds);
  EXPECT_FALSE(FindParsedColumns(Protocol{}, Table({}))->with_tight_bounds);
}

TEST(ParsedColumnsTest, WhatCannotBeTyped_HasNoTypedColumns) {
  EXPECT_FALSE(FindParsedColumns(Protocol{}, Metadata{}).has_value());
  const Metadata twins = Table({FieldJson("a", R"("long")", "x"), FieldJson("b", R"("long")", "x")},
                               {{"delta.columnMapping.mode", "name"}});
  EXPECT_FALSE(FindParsedColumns(Protocol{}, twins).has_value());
  std::vector<std::string> wide;
  for (std::size_t i = 0; i <= kParsedStatsLeavesMax; ++i) {
    wide.push_back(FieldJson("c" + std::to_string(i), R"("long")"));
  }
  const std::string all = "delta.dataSkippingNumIndexedCols";
  EXPECT_FALSE(FindParsedColumns(Protocol{}, Table(wide, {{all, "-1"}})).has_value());
  wide.pop_back();
  EXPECT_TRUE(FindParsedColumns(Protocol{}, Table(wide, {{all, "-1"}})).has_value());
}

}  // namespace
}  // namespace deltalakedb::protocol
