#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/partition_split_internal.h"
#include "data/test_rows_internal.h"

namespace deltalakedb::data {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using testing_files::FieldJson;
using testing_files::RowsOf;
using testing_files::ShapeOf;
using testing_files::TableOf;

PartitionSplit SplitOf(const std::shared_ptr<const TableShape>& shape) {
  auto split = PartitionSplit::Make(shape);
  EXPECT_TRUE(split) << split.error().message();
  return *std::move(split);
}

// The key of the only row.
Result<PartitionKey> KeyOf(const std::string& type, const std::string& row) {
  const auto shape = ShapeOf(TableOf({FieldJson("p", type), FieldJson("x", "long")}, {"p"}));
  auto parts = SplitOf(shape).Split(RowsOf(*shape, "[" + row + "]"));
  if (!parts) return Fail(std::move(parts).error());
  return parts->at(0).key;
}

TEST(PartitionSplitTest, ValuesOfEveryType_HaveTheirNormalText) {
  const auto text = [](const std::string& type, const std::string& value) {
    const auto key = KeyOf(type, R"({"p":)" + value + R"(,"x":1})");
    EXPECT_TRUE(key) << key.error().message();
    return key->at(0).value_or("(null)");
  };
  EXPECT_EQ(text("boolean", "true"), "true");
  EXPECT_EQ(text("byte", "-128"), "-128");
  EXPECT_EQ(text("short", "32767"), "32767");
  EXPECT_EQ(text("integer", "-7"), "-7");
  EXPECT_EQ(text("long", "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(text("float", "1.5"), "1.5");
  EXPECT_EQ(text("double", "1e10"), "1.0E10");
  EXPECT_EQ(text("double", "NaN"), "NaN");
  EXPECT_EQ(text("double", "-Inf"), "-Infinity");
  EXPECT_EQ(text("decimal(10,2)", R"("-0.05")"), "-0.05");
  EXPECT_EQ(text("date", "-1"), "1969-12-31");
  EXPECT_EQ(text("timestamp", "-1"), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(text("timestamp_ntz", "1500000"), "1970-01-01 00:00:01.500000");
  EXPECT_EQ(text("string", R"("a b%/ü😀:=")"), "a b%/ü😀:=");
  EXPECT_EQ(text("string", R"("")"), "(null)");
  EXPECT_EQ(text("binary", R"("\u0001ü")"), "\x01ü");
  EXPECT_EQ(text("long", "null"), "(null)");
}

TEST(PartitionSplitTest, ValuesWithoutAText_AreRefused) {
  for (const auto& [type, value] :
       {std::pair("date", "2932897"), std::pair("timestamp", "-9223372036854775807")}) {
    const auto key = KeyOf(type, std::string(R"({"p":)") + value + "}");
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(key.error().FindFact("column"), nullptr);
  }
  const auto shape = ShapeOf(TableOf({FieldJson("p", "binary"), FieldJson("x", "long")}, {"p"}));
  arrow::BinaryBuilder bytes;
  ASSERT_TRUE(bytes.Append("\xFF\x01").ok());
  const auto x = testing_files::ArrayOf(arrow::int64(), "[1]");
  const auto rows =
      arrow::RecordBatch::Make(shape->arrow_schema(), 1, {bytes.Finish().ValueOrDie(), x});
  const auto parts = SplitOf(shape).Split(rows);
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code(), ErrorCode::kInvalidArgument);
}

TEST(PartitionSplitTest, NullAndEmptyTextWhereNoneMayBe_AreRefused) {
  Metadata table = TableOf({FieldJson("p", "string"), FieldJson("x", "long")}, {"p"});
  table.schema_string->replace(table.schema_string->find("true"), 4, "false");
  const auto shape = ShapeOf(table);
  for (const std::string rows : {R"([{"p":"a"},{"p":""}])", R"([{"p":"a"},{"p":null}])"}) {
    const auto nullable = arrow::schema(
        {shape->arrow_schema()->field(0)->WithNullable(true), shape->arrow_schema()->field(1)});
    EXPECT_FALSE(SplitOf(shape).Split(RowsOf(nullable, rows)));
  }
}

TEST(PartitionSplitTest, RowsOfOnePartition_AreNotCopied) {
  const auto shape = ShapeOf(TableOf({FieldJson("p", "string"), FieldJson("x", "long")}, {"p"}));
  const auto rows = RowsOf(*shape, R"([{"p":"a","x":1},{"p":"a","x":2}])");
  const auto parts = SplitOf(shape).Split(rows);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_EQ(parts->at(0).rows, rows);
  const auto flat = ShapeOf(TableOf({FieldJson("x", "long")}));
  const auto all = SplitOf(flat).Split(RowsOf(*flat, R"([{"x":1},{"x":2}])"));
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->at(0).key.empty());
}

TEST(PartitionSplitTest, RowsOfSeveralColumns_KeepTheirOrderInEachPartition) {
  const auto shape = ShapeOf(TableOf(
      {FieldJson("p", "string"), FieldJson("x", "long"), FieldJson("q", "integer")}, {"q", "p"}));
  const auto rows = RowsOf(*shape, R"([{"p":"z"},{"p":"a","q":1,"x":1},{"p":"b","q":1,"x":2},
      {"p":"a","q":2,"x":3},{"p":"a","q":1,"x":4},{"q":1,"x":5},{"p":"","q":1,"x":6},
      {"p":"b","q":1,"x":7}])");
  const auto parts = SplitOf(shape).Split(rows->Slice(1));
  ASSERT_TRUE(parts);
  std::vector<std::pair<PartitionKey, std::vector<std::int64_t>>> found;
  for (const PartitionRows& part : *parts) {
    auto& xs = found.emplace_back(part.key, std::vector<std::int64_t>()).second;
    const auto& values = static_cast<const arrow::Int64Array&>(*part.rows->column(1));
    for (std::int64_t i = 0; i < values.length(); ++i) xs.push_back(values.Value(i));
  }
  EXPECT_THAT(found, ElementsAre(Pair(PartitionKey{"1", "a"}, ElementsAre(1, 4)),
                                 Pair(PartitionKey{"1", "b"}, ElementsAre(2, 7)),
                                 Pair(PartitionKey{"2", "a"}, ElementsAre(3)),
                                 Pair(PartitionKey{"1", std::nullopt}, ElementsAre(5)),
                                 Pair(PartitionKey{"1", std::nullopt}, ElementsAre(6))));
}

TEST(PartitionSplitTest, ColumnThatNoTableIsPartitionedBy_IsUnsupported) {
  const auto shape = ShapeOf(
      TableOf({FieldJson("p", testing_files::ArrayJson("long")), FieldJson("x", "long")}, {"p"}));
  const auto split = PartitionSplit::Make(shape);
  ASSERT_FALSE(split);
  EXPECT_EQ(split.error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace deltalakedb::data
