#include "data/arrow_types.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data/test_files_internal.h"

namespace deltalakedb::data {
namespace {

using namespace testing_files;
using arrow::field;

std::shared_ptr<arrow::Schema> ArrowOf(const std::string& json) {
  const auto schema = Schema::Parse(json);
  EXPECT_TRUE(schema.has_value());
  auto made = ArrowSchemaOf(*schema);
  EXPECT_TRUE(made.has_value()) << made.error().message();
  return *made;
}

TEST(ArrowTypesTest, EveryDeltaType_HasItsArrowType) {
  const struct {
    const char* delta;
    Type arrow;
  } cases[] = {
      {"string", arrow::utf8()},
      {"long", arrow::int64()},
      {"integer", arrow::int32()},
      {"short", arrow::int16()},
      {"byte", arrow::int8()},
      {"float", arrow::float32()},
      {"double", arrow::float64()},
      {"decimal(38,10)", arrow::decimal128(38, 10)},
      {"boolean", arrow::boolean()},
      {"binary", arrow::binary()},
      {"date", arrow::date32()},
      {"timestamp", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")},
      {"timestamp_ntz", arrow::timestamp(arrow::TimeUnit::MICRO)},
      {"void", arrow::null()},
      {"variant", arrow::struct_({field("metadata", arrow::binary(), false),
                                  field("value", arrow::binary(), false)})},
  };
  for (const auto& each : cases) {
    const auto schema = ArrowOf(StructJson({FieldJson("c", each.delta)}));
    EXPECT_TRUE(schema->field(0)->type()->Equals(*each.arrow)) << each.delta;
    EXPECT_TRUE(schema->field(0)->nullable());
  }
}

TEST(ArrowTypesTest, NestedTypes_KeepNamesAndWhatMayBeNull) {
  const auto schema = ArrowOf(
      R"({"type":"struct","fields":[{"name":"s","nullable":false,"metadata":{},"type":
        {"type":"struct","fields":[
          {"name":"l","nullable":true,"metadata":{},"type":
            {"type":"array","elementType":"long","containsNull":false}},
          {"name":"m","nullable":true,"metadata":{},"type":
            {"type":"map","keyType":"string","valueType":"date","valueContainsNull":true}}]}}]})");
  EXPECT_EQ(schema->ToString(),
            "s: struct<l: list<element: int64 not null>, m: map<string, date32[day]>> not null");
}

TEST(ArrowTypesTest, TypeThatIsNotKnown_IsUnsupportedWithItsColumn) {
  const auto schema = Schema::Parse(StructJson({FieldJson("when", "interval year")}));
  ASSERT_TRUE(schema.has_value());
  const auto made = ArrowSchemaOf(*schema);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(FactOf(made.error(), "type"), "interval year");
  EXPECT_EQ(FactOf(made.error(), "column"), "when");
}

TEST(ArrowTypesTest, ArrowTypesOfEveryKind_BecomeDeltaTypes) {
  const struct {
    Type arrow;
    const char* delta;
  } cases[] = {
      {arrow::null(), "void"},
      {arrow::boolean(), "boolean"},
      {arrow::int8(), "byte"},
      {arrow::uint8(), "short"},
      {arrow::int16(), "short"},
      {arrow::uint16(), "integer"},
      {arrow::int32(), "integer"},
      {arrow::uint32(), "long"},
      {arrow::int64(), "long"},
      {arrow::uint64(), "decimal(20,0)"},
      {arrow::float16(), "float"},
      {arrow::float32(), "float"},
      {arrow::float64(), "double"},
      {arrow::smallest_decimal(5, 2), "decimal(5,2)"},
      {arrow::decimal128(38, 38), "decimal(38,38)"},
      {arrow::decimal256(30, 3), "decimal(30,3)"},
      {arrow::decimal128(3, -2), "decimal(5,0)"},
      {arrow::decimal128(2, 4), "decimal(4,4)"},
      {arrow::utf8(), "string"},
      {arrow::large_utf8(), "string"},
      {arrow::utf8_view(), "string"},
      {arrow::binary(), "binary"},
      {arrow::large_binary(), "binary"},
      {arrow::binary_view(), "binary"},
      {arrow::fixed_size_binary(16), "binary"},
      {arrow::date32(), "date"},
      {arrow::date64(), "date"},
      {arrow::timestamp(arrow::TimeUnit::NANO), "timestamp_ntz"},
      {arrow::timestamp(arrow::TimeUnit::SECOND, "Europe/Paris"), "timestamp"},
      {arrow::dictionary(arrow::int8(), arrow::utf8()), "string"},
      {arrow::run_end_encoded(arrow::int32(), arrow::int64()), "long"},
      {arrow::list(arrow::int64()), "array<long>"},
      {arrow::large_list(arrow::int8()), "array<byte>"},
      {arrow::fixed_size_list(arrow::int8(), 3), "array<byte>"},
      {arrow::list_view(arrow::utf8()), "array<string>"},
      {arrow::map(arrow::utf8(), arrow::list(arrow::date32())), "map<string,array<date>>"},
      {arrow::struct_({field("a", arrow::int64()), field("b \"c\"", arrow::utf8())}),
       "struct<a:long,`b \"c\"`:string>"},
  };
  for (const auto& each : cases) {
    const auto json = DeltaSchemaOf(*arrow::schema({field("c", each.arrow)}));
    ASSERT_TRUE(json.has_value()) << json.error().message();
    const auto schema = Schema::Parse(*json);
    ASSERT_TRUE(schema.has_value()) << *json;
    EXPECT_EQ(schema->fields().front().type().ToText(), each.delta);
  }
}

TEST(ArrowTypesTest, NullabilityOfAnArrowSchema_IsTheTables) {
  const auto json = DeltaSchemaOf(
      *arrow::schema({field("a", arrow::list(field("x", arrow::int64(), false)), false),
                      field("b", arrow::map(arrow::utf8(), field("v", arrow::int64(), false)))}));
  EXPECT_EQ(json,
            R"({"type":"struct","fields":[{"name":"a","type":{"type":"array","elementType":"long",)"
            R"("containsNull":false},"nullable":false,"metadata":{}},{"name":"b","type":)"
            R"({"type":"map","keyType":"string","valueType":"long","valueContainsNull":false},)"
            R"("nullable":true,"metadata":{}}]})");
}

TEST(ArrowTypesTest, ArrowTypeWithoutDeltaType_IsUnsupportedWithItsPath) {
  const Type types[] = {arrow::time64(arrow::TimeUnit::MICRO),
                        arrow::duration(arrow::TimeUnit::MICRO), arrow::decimal256(39, 0),
                        arrow::month_interval()};
  for (const Type& type : types) {
    const auto json = DeltaSchemaOf(
        *arrow::schema({field("s", arrow::struct_({field("x", arrow::list(type))}))}));
    ASSERT_FALSE(json.has_value()) << type->ToString();
    EXPECT_EQ(json.error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(FactOf(json.error(), "column"), "s.x.element");
    EXPECT_EQ(FactOf(json.error(), "type"), type->ToString());
  }
}

TEST(ArrowTypesTest, SchemasThatNoTextCanHold_AreUnsupported) {
  Type deep = arrow::int8();
  for (std::size_t i = 0; i <= kSchemaDepthMax; ++i) deep = arrow::list(deep);
  const auto nested = DeltaSchemaOf(*arrow::schema({field("deep", deep)}));
  ASSERT_FALSE(nested.has_value());
  EXPECT_EQ(nested.error().code(), ErrorCode::kUnsupported);
  const auto named = DeltaSchemaOf(*arrow::schema({field("a\xFF", arrow::int8())}));
  ASSERT_FALSE(named.has_value());
  EXPECT_EQ(named.error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace deltalakedb::data
