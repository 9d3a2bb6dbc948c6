#include <arrow/util/utf8.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data/row_check_internal.h"
#include "data/test_rows_internal.h"

namespace deltalakedb::data {
namespace {

using testing_files::ArrayOf;
using testing_files::FieldJson;
using testing_files::RowsOf;
using testing_files::ShapeOf;
using testing_files::StructJson;
using testing_files::TableOf;

std::string NotNull(std::string field) {
  constexpr std::string_view kNullable = R"("nullable":true)";
  return field.replace(field.rfind(kNullable), kNullable.size(), R"("nullable":false)");
}

// The column that is refused; empty where none is.
std::string RefusedOf(const std::string& field, const std::string& rows) {
  const Metadata table = TableOf({field});
  const auto shape = ShapeOf(table);
  // Arrays of types that allow every null.
  const auto nullable = arrow::schema({shape->arrow_schema()->field(0)->WithNullable(true)});
  const auto checked = CheckValues(shape->schema().fields()[0], *RowsOf(nullable, rows)->column(0));
  if (checked) return {};
  EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument);
  return std::get<std::string>(*checked.error().FindFact("column"));
}

TEST(RowCheckTest, NullWhereTheSchemaHasNone_IsRefusedByItsPath) {
  const std::string plain = NotNull(FieldJson("a", "long"));
  EXPECT_EQ(RefusedOf(plain, R"([{"a":1}])"), "");
  EXPECT_EQ(RefusedOf(plain, R"([{"a":1},{}])"), "a");
  const std::string in_struct = FieldJson("s", StructJson({NotNull(FieldJson("b", "long"))}));
  EXPECT_EQ(RefusedOf(in_struct, R"([{"s":{"b":1}},{"s":{"b":null}}])"), "s.b");
  EXPECT_EQ(RefusedOf(NotNull(FieldJson("v", "void")), R"([{"v":null}])"), "v");
}

TEST(RowCheckTest, FieldsOfANullStruct_DoNotCount) {
  const std::string inner = StructJson({NotNull(FieldJson("b", "long"))});
  EXPECT_EQ(RefusedOf(FieldJson("s", inner), R"([{"s":null},{"s":{"b":1}}])"), "");
  const std::string outer = FieldJson("o", StructJson({FieldJson("s", inner)}));
  EXPECT_EQ(RefusedOf(outer, R"([{"o":null},{"o":{"s":null}},{"o":{"s":{"b":1}}}])"), "");
  EXPECT_EQ(RefusedOf(outer, R"([{"o":null},{"o":{"s":{}}}])"), "o.s.b");
}

TEST(RowCheckTest, ElementsAndEntries_AreLookedAt) {
  const std::string array =
      FieldJson("l", R"({"type":"array","elementType":"long","containsNull":false})");
  EXPECT_EQ(RefusedOf(array, R"([{"l":[1,2]},{"l":null},{"l":[]}])"), "");
  EXPECT_EQ(RefusedOf(array, R"([{"l":null},{"l":[1,null]}])"), "l.element");
  const std::string map = FieldJson(
      "m", R"({"type":"map","keyType":"string","valueType":"long","valueContainsNull":false})");
  EXPECT_EQ(RefusedOf(map, R"([{"m":[["k",1]]},{"m":null}])"), "");
  EXPECT_EQ(RefusedOf(map, R"([{"m":[["k",1],["j",null]]}])"), "m.value");
  const std::string structs = FieldJson("l", R"({"type":"array","elementType":)" +
                                                 StructJson({NotNull(FieldJson("b", "long"))}) +
                                                 R"(,"containsNull":true})");
  EXPECT_EQ(RefusedOf(structs, R"([{"l":[null,{"b":1}]}])"), "");
  EXPECT_EQ(RefusedOf(structs, R"([{"l":null},{"l":[null,{"b":null}]}])"), "l.element.b");
}

TEST(RowCheckTest, SlicesOfRows_AreCheckedForThemselves) {
  const Metadata table =
      TableOf({FieldJson("l", R"({"type":"array","elementType":"long","containsNull":false})")});
  const auto shape = ShapeOf(table);
  const Field& column = shape->schema().fields()[0];
  const auto values = ArrayOf(arrow::list(arrow::int64()), "[[null],[1,2],null,[3],[null]]");
  EXPECT_TRUE(CheckValues(column, *values->Slice(1, 3)));
  EXPECT_FALSE(CheckValues(column, *values->Slice(1, 4)));
  EXPECT_FALSE(CheckValues(column, *values->Slice(0, 2)));
}

std::shared_ptr<arrow::Array> Texts(const std::vector<std::string>& texts) {
  arrow::StringBuilder builder;
  EXPECT_TRUE(builder.AppendValues(texts).ok());
  return builder.Finish().ValueOrDie();
}

TEST(RowCheckTest, TextsThatAreNoUtf8_AreRefused) {
  arrow::util::InitializeUTF8();
  const auto shape = ShapeOf(TableOf({FieldJson("s", "string")}));
  const Field& column = shape->schema().fields()[0];
  EXPECT_TRUE(CheckValues(column, *Texts({"", "é", "日本", "a", ""})));
  EXPECT_FALSE(CheckValues(column, *Texts({"a", "\xFF"})));
  // Together these are one character.
  EXPECT_FALSE(CheckValues(column, *Texts({"\xC3", "\xA9"})));
  EXPECT_TRUE(CheckValues(column, *Texts({"\xC3", "ok"})->Slice(1)));
}

TEST(RowCheckTest, RowsOfAnotherLayout_AreRefusedByColumn) {
  const auto wanted = arrow::schema(
      {arrow::field("a", arrow::int64(), false),
       arrow::field("l", arrow::list(arrow::field("element", arrow::utf8(), false)))});
  const auto named_otherwise = arrow::schema(
      {arrow::field("x", arrow::int64()), arrow::field("y", arrow::list(arrow::utf8()))});
  EXPECT_TRUE(CheckLayout(*named_otherwise, *wanted));
  const auto refused = [&](const arrow::FieldVector& fields) {
    const auto checked = CheckLayout(*arrow::schema(fields), *wanted);
    return checked ? std::string() : std::get<std::string>(*checked.error().FindFact("column"));
  };
  EXPECT_EQ(refused({wanted->field(0)}), "l");
  EXPECT_EQ(refused({wanted->field(0), arrow::field("l", arrow::list(arrow::large_utf8()))}), "l");
  EXPECT_EQ(refused({arrow::field("a", arrow::int32()), wanted->field(1)}), "a");
  EXPECT_EQ(refused({wanted->field(0), wanted->field(1), arrow::field("b", arrow::int64())}), "b");
}

}  // namespace
}  // namespace deltalakedb::data
