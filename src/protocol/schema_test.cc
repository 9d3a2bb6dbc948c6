#include "deltalakedb/schema.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "protocol/excerpt.h"

namespace deltalakedb {
namespace {

std::string WithFields(std::string_view fields) {
  return fmt::format(R"({{"type":"struct","fields":[{}]}})", fields);
}

std::string FieldJson(std::string_view name, std::string_view type) {
  return fmt::format(R"({{"name":"{}","type":{},"nullable":true,"metadata":{{}}}})", name, type);
}

Schema Parsed(std::string_view json) {
  Result<Schema> schema = Schema::Parse(json);
  EXPECT_TRUE(schema) << schema.error().message();
  return *std::move(schema);
}

// The type of a schema's only column, as people read it.
std::string TypeText(std::string_view type) {
  return Parsed(WithFields(FieldJson("c", type))).fields().front().type().ToText();
}

Error FailureOf(std::string_view json) {
  Result<Schema> schema = Schema::Parse(json);
  if (schema) return Error(ErrorCode::kInternal, fmt::format("was accepted: {}", json));
  return std::move(schema).error();
}

std::string FieldFact(const Error& error) {
  const Error::FactValue* const fact = error.FindFact("field");
  return fact == nullptr ? "none" : std::get<std::string>(*fact);
}

std::string NestedArrays(std::size_t depth) {
  std::string type = R"("long")";
  for (std::size_t i = 1; i < depth; ++i) {
    type = fmt::format(R"({{"type":"array","elementType":{},"containsNull":true}})", type);
  }
  return WithFields(FieldJson("a", type));
}

constexpr std::string_view kNested = R"json({"type":"struct","fields":[
  {"name":"id","type":"long","nullable":false,"metadata":{"comment":"the key","n":1.50,"o":{"a" : 1}}},
  {"name":"s","type":{"type":"struct","fields":[
     {"name":"x","type":"integer","nullable":true,"metadata":{}},
     {"name":"list","type":{"type":"array","elementType":{"type":"struct","fields":[
        {"name":"deep","type":"date","nullable":true,"metadata":{}}]},"containsNull":false},
      "nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}},
  {"name":"m","type":{"type":"map","keyType":"string","valueType":{"type":"struct","fields":[
     {"name":"v","type":"decimal(10,2)","nullable":true,"metadata":{}}]},
     "valueContainsNull":true},"nullable":true,"metadata":{}}]})json";

TEST(Schema, EverySimpleType_IsRead) {
  for (const std::string_view name :
       {"string", "long", "integer", "short", "byte", "float", "double", "boolean", "binary",
        "date", "timestamp", "timestamp_ntz", "variant", "void"}) {
    const std::string json = WithFields(FieldJson("c", fmt::format("\"{}\"", name)));
    const Schema schema = Parsed(json);
    EXPECT_EQ(schema.fields().front().type().ToText(), name);
    EXPECT_NE(schema.fields().front().type().kind(), TypeKind::kOther);
    EXPECT_EQ(schema.ToJson(), json);
  }
}

TEST(Schema, NestedTypes_ArePrintedInDeltasNames) {
  EXPECT_EQ(Parsed(kNested).type().ToText(),
            "struct<id:long,s:struct<x:integer,list:array<struct<deep:date>>>,"
            "m:map<string,struct<v:decimal(10,2)>>>");
}

TEST(Schema, NamesThatAreNoIdentifiers_ArePrintedInBackticks) {
  const Schema schema =
      Parsed(WithFields(FieldJson("a.b", R"("long")") + "," + FieldJson("c`d", R"("long")") + "," +
                        FieldJson("é", R"("long")") + "," + FieldJson("", R"("long")")));
  EXPECT_EQ(schema.type().ToText(), "struct<`a.b`:long,`c``d`:long,`é`:long,``:long>");
}

TEST(Schema, NullabilityOfParts_IsKept) {
  const Schema schema = Parsed(kNested);
  EXPECT_FALSE(schema.FindField("id")->nullable());
  EXPECT_TRUE(schema.FindField("s")->nullable());
  const std::array<std::string_view, 2> list = {"s", "list"};
  EXPECT_FALSE(schema.FindField(list)->type().contains_null());
  EXPECT_TRUE(schema.FindField("m")->type().contains_null());
}

TEST(Schema, MetadataOfAField_IsVerbatimAndInOrder) {
  const Field field = *Parsed(kNested).FindField("id");
  ASSERT_EQ(field.metadata().size(), 3U);
  EXPECT_EQ(field.metadata()[0].first, "comment");
  EXPECT_EQ(*field.FindMetadata("comment"), R"("the key")");
  EXPECT_EQ(*field.FindMetadata("n"), "1.50");
  EXPECT_EQ(*field.FindMetadata("o"), R"({"a" : 1})");
  EXPECT_EQ(field.FindMetadata("p"), nullptr);
  EXPECT_EQ(field.comment(), "the key");
  EXPECT_EQ(field.column_mapping_id(), std::nullopt);
  EXPECT_EQ(field.physical_name(), std::nullopt);
}

TEST(Schema, ColumnMapping_IsReadFromMetadata) {
  const Schema schema = Parsed(WithFields(
      R"({"name":"a","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":2147483647,)"
      R"("delta.columnMapping.physicalName":"col-\u0031"}})"));
  EXPECT_EQ(schema.fields().front().column_mapping_id(), 2147483647);
  EXPECT_EQ(schema.fields().front().physical_name(), "col-1");
}

TEST(Schema, MembersInAnyOrderAndUnknownOnes_AreRead) {
  const Schema schema =
      Parsed(R"({"x":[{}],"fields":[{"metadata":{},"nullable":false,"type":{"containsNull":true,)"
             R"("elementType":"byte","type":"array"},"later":null,"name":"a"}],"type":"struct"})");
  EXPECT_EQ(schema.ToJson(),
            R"({"type":"struct","fields":[{"name":"a","type":{"type":"array","elementType":"byte",)"
            R"("containsNull":true},"nullable":false,"metadata":{}}]})");
}

TEST(Schema, AbsentNullableAndMetadata_AreSparksDefaults) {
  const Schema schema = Parsed(WithFields(
      R"({"name":"a","type":"long"},{"name":"b","type":"long","nullable":false,"metadata":null})"));
  EXPECT_TRUE(schema.fields()[0].nullable());
  EXPECT_TRUE(schema.fields()[0].metadata().empty());
  EXPECT_FALSE(schema.fields()[1].nullable());
}

TEST(Schema, TypesOfTomorrow_AreKeptByTheirText) {
  for (const std::string_view name :
       {"interval year to month", "timestamp_nanos", "geometry(4326)", "decimals", "LONG"}) {
    const std::string json = WithFields(FieldJson("c", fmt::format("\"{}\"", name)));
    const Schema schema = Parsed(json);
    EXPECT_EQ(schema.fields().front().type().kind(), TypeKind::kOther);
    EXPECT_EQ(schema.fields().front().type().other_text(), name);
    EXPECT_EQ(schema.fields().front().type().ToText(), name);
    EXPECT_EQ(schema.ToJson(), json);
  }
  const std::string_view udt = R"({"type":"udt","class":"x.Point","sqlType":{"type":"array"}})";
  const std::string json = WithFields(FieldJson("c", udt));
  EXPECT_EQ(Parsed(json).fields().front().type().other_text(), udt);
  EXPECT_EQ(Parsed(json).ToJson(), json);
}

TEST(Schema, OldNamesOfTypes_AreRead) {
  EXPECT_EQ(TypeText(R"("null")"), "void");
  EXPECT_EQ(TypeText(R"("decimal")"), "decimal(10,0)");
  EXPECT_EQ(TypeText(R"json("decimal( 5 , 2 )")json"), "decimal(5,2)");
}

TEST(Schema, DecimalsAtTheirLimits_AreRead) {
  for (const std::string_view type :
       {"decimal(1,0)", "decimal(1,1)", "decimal(38,0)", "decimal(38,38)"}) {
    EXPECT_EQ(TypeText(fmt::format("\"{}\"", type)), type);
  }
}

TEST(Schema, DecimalsBeyondTheirLimits_AreCorrupt) {
  for (const std::string_view type :
       {"decimal(0,0)", "decimal(39,0)", "decimal(5,6)", "decimal(5,-1)", "decimal(5)", "decimal()",
        "decimal(5,2", "decimal(5,2)x", "decimal(99999999999,0)", "decimal(a,b)"}) {
    const Error error = FailureOf(WithFields(FieldJson("c", fmt::format("\"{}\"", type))));
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << type;
    EXPECT_EQ(FieldFact(error), "c");
    EXPECT_NE(error.message().find(type), std::string::npos) << error.message();
  }
}

TEST(Schema, MalformedField_IsCorruptWithItsPath) {
  struct Case {
    std::string json;
    std::string field;
  };
  const std::string in_array =
      R"({"type":"array","containsNull":true,"elementType":{"type":"struct","fields":[)";
  const Case cases[] = {
      {WithFields("1"), ""},
      {WithFields("{}"), ""},
      {WithFields(R"({"name":1,"type":"long"})"), ""},
      {WithFields(R"({"name":"a"})"), "a"},
      {WithFields(R"({"name":"a","type":1})"), "a"},
      {WithFields(R"({"name":"a","type":""})"), "a"},
      {WithFields(R"({"name":"a","type":"{"})"), "a"},
      {WithFields(R"({"name":"a","type":{}})"), "a"},
      {WithFields(R"({"name":"a","type":{"type":"struct"}})"), "a"},
      {WithFields(R"({"name":"a","type":{"type":"struct","fields":{}}})"), "a"},
      {WithFields(R"({"name":"a","type":{"type":"array","containsNull":true}})"), "a.element"},
      {WithFields(R"({"name":"a","type":{"type":"array","elementType":"long"}})"), "a"},
      {WithFields(
           R"({"name":"a","type":{"type":"map","keyType":"long","valueContainsNull":true}})"),
       "a.value"},
      {WithFields(
           R"({"name":"a","type":{"type":"map","valueType":"long","valueContainsNull":true}})"),
       "a.key"},
      {WithFields(R"({"name":"a","type":"long","nullable":"true"})"), "a"},
      {WithFields(R"({"name":"a","type":"long","nullable":null})"), "a"},
      {WithFields(R"({"name":"a","type":"long","metadata":[]})"), "a"},
      {WithFields(R"({"name":"a","type":"long","metadata":{"x":1,"x":2}})"), "a"},
      {WithFields(R"({"name":"a","type":"long","metadata":{"delta.columnMapping.id":"1"}})"), "a"},
      {WithFields(R"({"name":"a","type":"long","metadata":{"delta.columnMapping.id":2147483648}})"),
       "a"},
      {WithFields(
           R"({"name":"a","type":"long","metadata":{"delta.columnMapping.physicalName":1}})"),
       "a"},
      {WithFields(R"({"name":"a","type":"long","type":"long"})"), "a"},
      {WithFields(R"({"name":"a","name":"b","type":"long"})"), "a"},
      {WithFields(FieldJson("a", in_array + R"json({"name":"b.c","type":"decimal(0,0)"}]}})json")),
       "a.element.`b.c`"},
  };
  for (const Case& c : cases) {
    const Error error = FailureOf(c.json);
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << c.json << "\n" << error.message();
    EXPECT_EQ(FieldFact(error), c.field) << c.json;
  }
}

TEST(Schema, TextThatIsNoStruct_IsCorrupt) {
  for (const std::string_view json :
       {"", "{", "[]", "\"long\"", "{}", R"({"type":"array"})", R"({"type":"struct"})",
        R"({"fields":[]})", R"({"type":"struct","fields":[]}x)",
        R"({"type":"struct","type":"struct","fields":[]})"}) {
    EXPECT_EQ(FailureOf(json).code(), ErrorCode::kCorrupt) << json;
  }
}

TEST(Schema, NoFields_IsASchema) { EXPECT_TRUE(Parsed(WithFields("")).fields().empty()); }

TEST(Schema, NamesThatDifferInAsciiCase_AreCorrupt) {
  const std::string twice = FieldJson("Ab", R"("long")") + "," + FieldJson("aB", R"("long")");
  EXPECT_EQ(FailureOf(WithFields(twice)).code(), ErrorCode::kCorrupt);
  const Error nested =
      FailureOf(WithFields(FieldJson("s", R"({"type":"struct","fields":[)" + twice + "]}")));
  EXPECT_EQ(nested.code(), ErrorCode::kCorrupt);
  EXPECT_EQ(FieldFact(nested), "s");
}

TEST(Schema, NamesThatDifferInOtherLettersOrPlaces_AreDistinct) {
  Parsed(WithFields(FieldJson("É", R"("long")") + "," + FieldJson("é", R"("long")")));
  Parsed(WithFields(
      FieldJson("a", R"("long")") + "," +
      FieldJson("s", R"({"type":"struct","fields":[)" + FieldJson("a", R"("long")") + "]}")));
}

TEST(Schema, FieldByName_IsFoundInAnyCase) {
  const Schema schema = Parsed(kNested);
  EXPECT_EQ(schema.FindField("ID")->name(), "id");
  EXPECT_EQ(schema.FindField("x"), nullptr);
  EXPECT_EQ(schema.FindField("id")->type().FindField("x"), nullptr);
}

TEST(Schema, FieldByPath_IsFoundThroughStructsArraysAndMaps) {
  const Schema schema = Parsed(kNested);
  const auto found = [&](std::vector<std::string_view> path) {
    const Field* const field = schema.FindField(path);
    return field == nullptr ? std::string("none") : field->name();
  };
  EXPECT_EQ(found({"id"}), "id");
  EXPECT_EQ(found({"s", "X"}), "x");
  EXPECT_EQ(found({"s", "list", "element", "deep"}), "deep");
  EXPECT_EQ(found({"m", "value", "v"}), "v");
  EXPECT_EQ(found({}), "none");
  EXPECT_EQ(found({"s", "list", "element"}), "none");
  EXPECT_EQ(found({"s", "list", "deep"}), "none");
  EXPECT_EQ(found({"m", "key"}), "none");
  EXPECT_EQ(found({"m", "key", "v"}), "none");
  EXPECT_EQ(found({"m", "v"}), "none");
  EXPECT_EQ(found({"id", "x"}), "none");
  EXPECT_EQ(found({"s", "y"}), "none");
}

TEST(Schema, LeafColumns_LookIntoStructsOnly) {
  std::string names;
  const Schema schema = Parsed(kNested);
  for (const LeafColumn& leaf : schema.LeafColumns()) {
    for (const Field* const field : leaf.path) names += field->name() + ".";
    names += leaf.field().type().ToText() + " ";
  }
  EXPECT_EQ(
      names,
      "id.long s.x.integer s.list.array<struct<deep:date>> m.map<string,struct<v:decimal(10,2)>> ");
}

TEST(Schema, PrintedSchema_ParsesToAnEqualOne) {
  const Schema schema = Parsed(kNested);
  const Schema again = Parsed(schema.ToJson());
  EXPECT_EQ(schema, again);
  EXPECT_EQ(schema.ToJson(), again.ToJson());
  EXPECT_NE(schema, Parsed(WithFields("")));
}

TEST(Schema, ControlCharactersAndQuotesInNames_ArePrintedEscaped) {
  const std::string json = WithFields(FieldJson(R"(a\"\\\u0001\u007f)", R"("long")"));
  const Schema schema = Parsed(json);
  EXPECT_EQ(schema.fields().front().name(), "a\"\\\x01\x7f");
  EXPECT_EQ(Parsed(schema.ToJson()), schema);
}

TEST(Schema, MovedSchema_KeepsItsFieldsInPlace) {
  Schema schema = Parsed(kNested);
  const Field* const field = schema.FindField("m");
  const Schema moved = std::move(schema);
  EXPECT_EQ(moved.FindField("m"), field);
}

TEST(Schema, DepthAtItsLimit_IsReadAndOneMoreRefused) {
  EXPECT_EQ(Parsed(NestedArrays(kSchemaDepthMax)).fields().size(), 1U);
  const Error error = FailureOf(NestedArrays(kSchemaDepthMax + 1));
  EXPECT_EQ(error.code(), ErrorCode::kLimitExceeded);
  EXPECT_EQ(*error.FindFact("limit"), Error::FactValue(std::int64_t{kSchemaDepthMax}));
}

TEST(Schema, NumberOfFieldsAtItsLimit_IsReadAndOneMoreRefused) {
  std::string fields;
  for (std::size_t i = 0; i < kSchemaFieldsMax; ++i) {
    fields += fmt::format(R"({}{{"name":"c{}","type":"long"}})", i == 0 ? "" : ",", i);
  }
  EXPECT_EQ(Parsed(WithFields(fields)).fields().size(), kSchemaFieldsMax);
  fields += R"(,{"name":"one more","type":"long"})";
  EXPECT_EQ(FailureOf(WithFields(fields)).code(), ErrorCode::kLimitExceeded);
}

TEST(Schema, TextAtItsLimit_IsReadAndOneByteMoreRefused) {
  std::string json = WithFields("");
  json.append(kSchemaTextBytesMax - json.size(), ' ');
  EXPECT_TRUE(Parsed(json).fields().empty());
  json += ' ';
  EXPECT_EQ(FailureOf(json).code(), ErrorCode::kLimitExceeded);
}

TEST(Excerpt, ForeignText_IsCutAndCannotSteerATerminal) {
  using protocol::Excerpt;
  using protocol::kExcerptBytesMax;
  EXPECT_EQ(Excerpt("a\x1b[31m\n\x7f"), "a?[31m??");
  EXPECT_EQ(Excerpt(std::string(kExcerptBytesMax, 'a')), std::string(kExcerptBytesMax, 'a'));
  EXPECT_EQ(Excerpt(std::string(kExcerptBytesMax + 1, 'a')),
            std::string(kExcerptBytesMax, 'a') + "…");
  EXPECT_EQ(Excerpt(std::string(kExcerptBytesMax - 1, 'a') + "é"),
            std::string(kExcerptBytesMax - 1, 'a') + "…");
}

}  // namespace
}  // namespace deltalakedb
