#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/parsed_columns_internal.h"
#include "storage/parsed_stats_internal.h"

namespace deltalakedb::storage {
namespace {

using protocol::ParsedColumns;
using protocol::StatsField;

DataType Simple(TypeKind kind) { return DataType::Simple(kind); }

// The array that the texts make; nullopt is a file without statistics.
std::shared_ptr<arrow::Array> StatsArray(const ParsedColumns& columns,
                                         const std::vector<std::optional<std::string>>& texts) {
  const auto builder = arrow::MakeBuilder(StatsParsedType(columns)).ValueOrDie();
  StatsParsedAppender appender(columns, static_cast<arrow::StructBuilder&>(*builder));
  for (const auto& text : texts) EXPECT_TRUE(appender.Append(text).ok());
  auto array = builder->Finish().ValueOrDie();
  EXPECT_TRUE(array->ValidateFull().ok());
  return array;
}

// The text of a file's statistics when it comes back out of its typed columns.
std::string Back(const ParsedColumns& columns, const std::string& text) {
  const auto array = StatsArray(columns, {text});
  if (array->IsNull(0)) return "null";
  std::string out;
  AppendStatsJson(*array, 0, out);
  return out;
}

ParsedColumns OneColumn(const DataType& type) {
  return {.stats = {StatsField{"x", type, {}}}, .with_tight_bounds = false, .partitions = {}};
}

// What becomes of one bound, JSON, of a column of this type; "" where it is null.
std::string Bound(const DataType& type, const std::string& json) {
  const std::string text =
      Back(OneColumn(type), R"({"minValues":{"x":)" + json + R"(},"maxValues":{}})");
  const std::string before = R"({"minValues":{"x":)";
  if (text == R"({"minValues":{},"maxValues":{}})") return "";
  EXPECT_TRUE(text.starts_with(before)) << text;
  return text.substr(before.size(), text.find('}') - before.size());
}

TEST(ParsedColumnsWriteTest, BoundsOfEveryType_ComeBackAsTheyWere) {
  const struct {
    DataType type;
    std::vector<std::string> values;
  } cases[] = {
      {Simple(TypeKind::kLong), {"9223372036854775807", "-9223372036854775808", "0"}},
      {Simple(TypeKind::kInteger), {"2147483647", "-2147483648"}},
      {Simple(TypeKind::kShort), {"32767", "-32768"}},
      {Simple(TypeKind::kByte), {"127", "-128"}},
      {Simple(TypeKind::kFloat), {"0.1", "16777216", R"("NaN")", R"("-Infinity")"}},
      {Simple(TypeKind::kDouble), {"0.1", "-1.5e-300", R"("NaN")", R"("Infinity")"}},
      {DataType::Decimal(5, 2), {"123.45", "-0.01", "0.00"}},
      {DataType::Decimal(38, 0), {"-99999999999999999999999999999999999999"}},
      {Simple(TypeKind::kBoolean), {"true", "false"}},
      {Simple(TypeKind::kDate), {R"("0001-01-01")", R"("1969-12-31")", R"("9999-12-31")"}},
      {Simple(TypeKind::kTimestamp),
       {R"("1969-12-31T23:59:59.999Z")", R"("2024-02-29T00:00:00.000Z")"}},
      {Simple(TypeKind::kTimestampNtz), {R"("2024-02-29T00:00:00.001")"}},
      {Simple(TypeKind::kString),
       {R"("")", R"("a\"b\\é")", R"("2024-01-01")",
        // The last characters that writers put behind a text that they cut off.
        "\"cut\x7F\"", "\"cut\U0010FFFF\""}},
  };
  for (const auto& [type, values] : cases) {
    for (const std::string& value : values) {
      EXPECT_EQ(Bound(type, value), value) << type.ToText();
    }
  }
}

TEST(ParsedColumnsWriteTest, ValuesThatAreNoneOfTheType_AreNull) {
  const struct {
    DataType type;
    std::vector<std::string> values;
  } cases[] = {
      {Simple(TypeKind::kLong), {"9223372036854775808", "1.5", R"("1")", "true", "[1]", "{}"}},
      {Simple(TypeKind::kInteger), {"2147483648"}},
      {Simple(TypeKind::kShort), {"32768", "-32769"}},
      {Simple(TypeKind::kByte), {"128"}},
      {Simple(TypeKind::kFloat), {"1e39", R"("nope")", "1.2.3"}},
      {Simple(TypeKind::kDouble), {"1e400", R"("1")"}},
      {DataType::Decimal(5, 2), {"123.456", "1234.5", R"("1.00")"}},
      {Simple(TypeKind::kBoolean), {"1", R"("true")"}},
      {Simple(TypeKind::kDate), {R"("2024-02-30")", R"("+10000-01-01")", R"("")", "1"}},
      // Without a zone it is no moment, with one no time of a wall clock.
      {Simple(TypeKind::kTimestamp), {R"("2024-01-01T00:00:00.000")", R"("2024-01-01")"}},
      {Simple(TypeKind::kTimestampNtz), {R"("2024-01-01T00:00:00.000Z")"}},
      {Simple(TypeKind::kString), {"1", "null", R"(["a"])"}},
  };
  for (const auto& [type, values] : cases) {
    for (const std::string& value : values) {
      EXPECT_EQ(Bound(type, value), "") << type.ToText() << " " << value;
    }
  }
}

TEST(ParsedColumnsWriteTest, TimestampsOfOtherZones_AreTheirMoments) {
  EXPECT_EQ(Bound(Simple(TypeKind::kTimestamp), R"("2024-01-01T01:00:00.123+02:00")"),
            R"("2023-12-31T23:00:00.123Z")");
}

// A column of each kind, structs of structs among them.
ParsedColumns Nested() {
  return {.stats = {{"id", Simple(TypeKind::kLong), {}},
                    {"s",
                     std::nullopt,
                     {{"x", Simple(TypeKind::kString), {}},
                      {"t", std::nullopt, {{"bin", Simple(TypeKind::kBinary), {}}}}}},
                    {"v", Simple(TypeKind::kVariant), {}}},
          .with_tight_bounds = true,
          .partitions = {}};
}

TEST(ParsedColumnsWriteTest, Types_AreThoseThatSparkWrites) {
  const auto bounds =
      arrow::struct_({arrow::field("id", arrow::int64()),
                      arrow::field("s", arrow::struct_({arrow::field("x", arrow::utf8())}))});
  const auto counts = arrow::struct_(
      {arrow::field("id", arrow::int64()),
       arrow::field("s", arrow::struct_({arrow::field("x", arrow::int64()),
                                         arrow::field("t", arrow::struct_({arrow::field(
                                                               "bin", arrow::int64())}))})),
       arrow::field("v", arrow::int64())});
  const auto expected = arrow::struct_(
      {arrow::field("numRecords", arrow::int64()), arrow::field("tightBounds", arrow::boolean()),
       arrow::field("minValues", bounds), arrow::field("maxValues", bounds),
       arrow::field("nullCount", counts)});
  EXPECT_TRUE(StatsParsedType(Nested())->Equals(*expected))
      << StatsParsedType(Nested())->ToString();
  EXPECT_TRUE(StatsParsedType(ParsedColumns{})
                  ->Equals(*arrow::struct_({arrow::field("numRecords", arrow::int64())})));
  EXPECT_TRUE(
      StatsParsedType(OneColumn(Simple(TypeKind::kBinary)))
          ->Equals(*arrow::struct_(
              {arrow::field("numRecords", arrow::int64()),
               arrow::field("nullCount", arrow::struct_({arrow::field("x", arrow::int64())}))})));
}

TEST(ParsedColumnsWriteTest, WholeStatistics_ComeBackAsTheyWere) {
  for (
      const std::string text :
      {R"({"numRecords":3,"tightBounds":false,"minValues":{"id":-1,"s":{"x":"a"}},)"
       R"("maxValues":{"id":5,"s":{"x":"b"}},"nullCount":{"id":0,"s":{"x":1,"t":{"bin":2}},"v":3}})",
       R"({"numRecords":3,"minValues":{"s":{}},"nullCount":{"s":{"t":{}}}})", R"({"numRecords":0})",
       R"({})"}) {
    EXPECT_EQ(Back(Nested(), text), text);
  }
}

TEST(ParsedColumnsWriteTest, OrderAndWhatIsUnknown_DoNotMatter) {
  EXPECT_EQ(
      Back(Nested(),
           " {\"nullCount\" : {\"v\":1,\"zz\":[1,{\"id\":2}],\"id\":0} , \"more\":{\"a\":null},\n"
           R"("maxValues":{"v":"x","s":{"x":"b","x2":1},"id":7},"minValues":null,)"
           R"("numRecords":1} )"),
      R"({"numRecords":1,"maxValues":{"id":7,"s":{"x":"b"}},"nullCount":{"id":0,"v":1}})");
  EXPECT_EQ(Back(OneColumn(Simple(TypeKind::kLong)), R"({"minValues":{"\u0078":3}})"),
            R"({"minValues":{"x":3}})");
}

TEST(ParsedColumnsWriteTest, TextsThatAreNoObject_AreNullAndLeaveTheOthersAlone) {
  const std::string good = R"({"numRecords":1,"minValues":{"id":1}})";
  for (const std::string bad :
       {"", " ", "null", "[]", "1", "{", R"({"numRecords":1,"minValues":{"id":1)",
        R"({"numRecords":1,"minValues":{"id":1}}x)", R"({"numRecords" 1})", "{\"numRecords\":\xFF}",
        R"({"numRecords":1,"minValues":{"s":{"x":"\ud800"}}})", R"({"numRecords":1,})"}) {
    const auto array = StatsArray(Nested(), {good, bad, std::nullopt, good});
    EXPECT_FALSE(array->IsNull(0));
    EXPECT_TRUE(array->IsNull(1)) << bad;
    EXPECT_TRUE(array->IsNull(2));
    EXPECT_TRUE(array->Slice(0, 1)->Equals(*array->Slice(3, 1))) << bad;
  }
}

TEST(ParsedColumnsWriteTest, TextsThatBreakOff_AreNull) {
  const std::string text =
      R"({"numRecords":12,"tightBounds":true,"minValues":{"id":-1,"s":{"x":"a\u00e9\"b"}},)"
      R"("unknown":[{"a":1.5}],"nullCount":{"s":{"t":{"bin":null}}}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_TRUE(StatsArray(Nested(), {text.substr(0, size)})->IsNull(0)) << text.substr(0, size);
  }
  EXPECT_FALSE(StatsArray(Nested(), {text})->IsNull(0));
}

TEST(ParsedColumnsWriteTest, LongTextsAfterShortOnes_AreRead) {
  const auto text = [](std::size_t size) {
    return R"({"minValues":{"s":{"x":")" + std::string(size, 'a') + R"("}}})";
  };
  for (const std::size_t size : {1UZ, 100'000UZ, 10UZ, 3'000'000UZ}) {
    EXPECT_EQ(Back(Nested(), text(size)), text(size));
  }
}

// ---- partition values ---------------------------------------------------------------------------

std::string PartitionRow(const ParsedColumns& columns, const std::vector<StringMapEntry>& values) {
  const auto builder = arrow::MakeBuilder(PartitionValuesParsedType(columns)).ValueOrDie();
  PartitionValuesAppender appender(columns, static_cast<arrow::StructBuilder&>(*builder));
  EXPECT_TRUE(appender.Append(values).ok());
  const auto array = builder->Finish().ValueOrDie();
  EXPECT_TRUE(array->ValidateFull().ok());
  return array->GetScalar(0).ValueOrDie()->ToString();
}

TEST(ParsedColumnsWriteTest, PartitionValues_HaveTheirTypes) {
  const ParsedColumns columns = {.stats = {},
                                 .with_tight_bounds = false,
                                 .partitions = {{"i", Simple(TypeKind::kInteger)},
                                                {"d", Simple(TypeKind::kDate)},
                                                {"n", DataType::Decimal(4, 1)},
                                                {"t", Simple(TypeKind::kTimestamp)},
                                                {"s", Simple(TypeKind::kString)},
                                                {"b", Simple(TypeKind::kBinary)}}};
  EXPECT_EQ(
      PartitionRow(columns, {{"s", "x"},
                             {"i", "-7"},
                             {"d", "1970-01-02"},
                             {"n", "1E1"},
                             {"t", "1970-01-01T00:00:01.000002Z"},
                             {"b", "\x01"}}),
      "{i:int32 = -7, d:date32[day] = 1970-01-02, n:decimal128(4, 1) = 10.0, "
      "t:timestamp[us, tz=UTC] = 1970-01-01 00:00:01.000002Z, s:string = x, b:binary = \x01}");
  EXPECT_EQ(PartitionRow(columns, {{"i", std::nullopt},
                                   {"d", ""},
                                   {"n", std::nullopt},
                                   {"t", std::nullopt},
                                   {"s", ""},
                                   {"b", std::nullopt}}),
            "{i:int32 = null, d:date32[day] = null, n:decimal128(4, 1) = null, "
            "t:timestamp[us, tz=UTC] = null, s:string = null, b:binary = null}");
}

TEST(ParsedColumnsWriteTest, PartitionValuesThatAreNone_AreUnknownNotNull) {
  const ParsedColumns columns = {
      .stats = {},
      .with_tight_bounds = false,
      .partitions = {{"i", Simple(TypeKind::kInteger)}, {"t", Simple(TypeKind::kTimestamp)}}};
  const StringMapEntry time = {"t", "2024-01-01T00:00:00Z"};
  EXPECT_NE(PartitionRow(columns, {{"i", "1"}, time}), "null");
  EXPECT_EQ(PartitionRow(columns, {{"i", "x"}, time}), "null");
  EXPECT_EQ(PartitionRow(columns, {time}), "null");
  // Its writer's own zone, which nobody knows.
  EXPECT_EQ(PartitionRow(columns, {{"i", "1"}, {"t", "2024-01-01 00:00:00"}}), "null");
}

TEST(ParsedColumnsWriteTest, TablesWithoutPartitions_HaveNoColumnOfThem) {
  EXPECT_EQ(PartitionValuesParsedType(ParsedColumns{}), nullptr);
}

}  // namespace
}  // namespace deltalakedb::storage
