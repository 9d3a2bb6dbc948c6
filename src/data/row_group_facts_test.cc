// What footers say of the rows.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "data/test_files_internal.h"

namespace deltalakedb::data {
namespace {

using namespace testing_files;
using arrow::field;
using arrow::TimeUnit;
using protocol::ColumnFacts;
using protocol::PartitionDate;
using protocol::PartitionDecimal;
using protocol::PartitionTimestamp;
using Value = protocol::PartitionValue::Value;
using Path = std::vector<std::string>;

class RowGroupFactsTest : public testing::Test {
 protected:
  ColumnFacts Facts(const Metadata& metadata, const DataFile& file, const Path& column,
                    int row_group = 0) const {
    const auto reader = DataFileReader::Open(ShapeOf(metadata), metadata, file, {});
    EXPECT_TRUE(reader.has_value()) << reader.error().message();
    return (*reader)->FactsOf(row_group, column);
  }

  ColumnFacts Facts(const Type& there, const std::string& values, const std::string& wanted) const {
    return Facts(TableOf({FieldJson("c", wanted)}),
                 FileAt(folder_.Write({{"c", ArrayOf(there, values)}}, options_)), {"c"});
  }

  TestFolder folder_;
  TestFolder::Options options_;
};

TEST_F(RowGroupFactsTest, BoundsOfEveryKind_AreOfTheTablesKind) {
  const struct {
    Type there;
    std::string values;
    std::string wanted;
    Value min;
    Value max;
  } cases[] = {
      {arrow::int64(), "[3,null,-1]", "long", std::int64_t{-1}, std::int64_t{3}},
      {arrow::int8(), "[3,null,-1]", "long", std::int64_t{-1}, std::int64_t{3}},
      {arrow::uint32(), "[4294967295,1]", "long", std::int64_t{1}, std::int64_t{4294967295}},
      {arrow::int32(), "[3,-1]", "double", -1.0, 3.0},
      {arrow::int32(), "[3,-1]", "decimal(12,2)", PartitionDecimal{-100, 2},
       PartitionDecimal{300, 2}},
      {arrow::float32(), "[1.5,-2]", "float", -2.0F, 1.5F},
      {arrow::float32(), "[1.5,-2]", "double", -2.0, 1.5},
      {arrow::float64(), "[1.5,-2]", "double", -2.0, 1.5},
      {arrow::boolean(), "[true,false]", "boolean", false, true},
      {arrow::date32(), "[5,-5]", "date", PartitionDate{-5}, PartitionDate{5}},
      {arrow::date32(), "[1,-1]", "timestamp_ntz", PartitionTimestamp{-86'400'000'000},
       PartitionTimestamp{86'400'000'000}},
      {arrow::timestamp(TimeUnit::MICRO, "UTC"), "[1,-1]", "timestamp", PartitionTimestamp{-1},
       PartitionTimestamp{1}},
      {arrow::timestamp(TimeUnit::MILLI), "[1,-1]", "timestamp", PartitionTimestamp{-1000},
       PartitionTimestamp{1000}},
      {arrow::timestamp(TimeUnit::NANO), "[1001,-1001]", "timestamp_ntz", PartitionTimestamp{-2},
       PartitionTimestamp{2}},
      {arrow::utf8(), R"(["b","a","é"])", "string", std::string("a"), std::string("é")},
      {arrow::binary(), R"(["b","a"])", "binary", std::string("a"), std::string("b")},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.there->ToString() + " as " + each.wanted);
    const auto facts = Facts(each.there, each.values, each.wanted);
    ASSERT_TRUE(facts.min.has_value());
    ASSERT_TRUE(facts.max.has_value());
    EXPECT_EQ(*facts.min, each.min);
    EXPECT_EQ(*facts.max, each.max);
    EXPECT_TRUE(facts.may_have_nan);
  }
}

TEST_F(RowGroupFactsTest, DecimalsAsIntegers_HaveBoundsAtTheTablesScale) {
  options_.parquet =
      parquet::WriterProperties::Builder().enable_store_decimal_as_integer()->build();
  const auto facts = Facts(arrow::decimal128(9, 2), R"(["-1.50","2.00"])", "decimal(12,4)");
  EXPECT_EQ(facts.min, Value(PartitionDecimal{-15'000, 4}));
  EXPECT_EQ(facts.max, Value(PartitionDecimal{20'000, 4}));
}

TEST_F(RowGroupFactsTest, WhatCannotBeTrusted_IsLeftOut) {
  const struct {
    Type there;
    std::string values;
    std::string wanted;
  } cases[] = {
      {arrow::decimal128(38, 2), R"(["1.50"])", "decimal(38,2)"},  // bytes
      {arrow::int64(), "[5]", "double"},                           // may be rounded
      {arrow::uint64(), "[18446744073709551615]", "decimal(20,0)"},
      {arrow::date32(), "[2147483647]", "date"},
      {arrow::float64(), "[NaN]", "double"},
      {arrow::utf8(), "[null]", "string"},
      {arrow::binary(), "[null]", "string"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.there->ToString() + " as " + each.wanted);
    const auto facts = Facts(each.there, each.values, each.wanted);
    EXPECT_FALSE(facts.min.has_value());
    EXPECT_FALSE(facts.max.has_value());
    EXPECT_EQ(facts.num_rows, 1);
  }
  arrow::StringBuilder cut;
  ASSERT_TRUE(cut.Append("a\xC3").ok());
  const auto half = Facts(TableOf({FieldJson("c", "string")}),
                          FileAt(folder_.Write({{"c", *cut.Finish()}}, options_)), {"c"});
  EXPECT_FALSE(half.min || half.max);
  options_.arrow =
      parquet::ArrowWriterProperties::Builder().enable_deprecated_int96_timestamps()->build();
  EXPECT_FALSE(Facts(arrow::timestamp(TimeUnit::MICRO), "[1]", "timestamp").min.has_value());
  options_.parquet = parquet::WriterProperties::Builder().disable_statistics()->build();
  const auto none = Facts(arrow::int64(), "[1]", "long");
  EXPECT_FALSE(none.min || none.max || none.null_count);
  EXPECT_EQ(none.num_rows, 1);
}

TEST_F(RowGroupFactsTest, EachRowGroup_HasItsOwn) {
  options_.row_group_rows = 2;
  const auto metadata = TableOf({FieldJson("c", "long")});
  const auto file =
      FileAt(folder_.Write({{"c", ArrayOf(arrow::int64(), "[1,2,null,null,5]")}}, options_));
  EXPECT_EQ(Facts(metadata, file, {"c"}, 0).max, Value(std::int64_t{2}));
  EXPECT_EQ(Facts(metadata, file, {"C"}, 0).null_count, 0);
  EXPECT_EQ(Facts(metadata, file, {"c"}, 1).null_count, 2);
  EXPECT_FALSE(Facts(metadata, file, {"c"}, 1).min.has_value());
  EXPECT_EQ(Facts(metadata, file, {"c"}, 2).min, Value(std::int64_t{5}));
  EXPECT_EQ(Facts(metadata, file, {"c"}, 2).num_rows, 1);
}

TEST_F(RowGroupFactsTest, FieldsOfStructs_AreFoundByTheirPath) {
  const auto there = arrow::struct_({field("x", arrow::int64()), field("y", arrow::int64())});
  const auto file =
      FileAt(folder_.Write({{"s", ArrayOf(there, "[[1,7],null,[2,8]]")},
                            {"l", ArrayOf(arrow::list(arrow::int64()), "[[1],[2],null]")}}));
  const auto metadata = TableOf(
      {FieldJson("s", StructJson({FieldJson("y", "long"), FieldJson("new", "long")})),
       FieldJson("l", ArrayJson("long")), FieldJson("gone", StructJson({FieldJson("z", "long")}))});
  const auto y = Facts(metadata, file, {"s", "y"});
  EXPECT_EQ(y.min, Value(std::int64_t{7}));
  EXPECT_EQ(y.max, Value(std::int64_t{8}));
  EXPECT_EQ(y.null_count, 1);
  for (const Path& missing : {Path{"s", "new"}, Path{"gone"}, Path{"gone", "z"}}) {
    const auto facts = Facts(metadata, file, missing);
    EXPECT_EQ(facts.null_count, 3) << missing.back();
    EXPECT_FALSE(facts.may_have_nan);
  }
  for (const Path& unknown :
       {Path{"s"}, Path{"l"}, Path{"l", "element"}, Path{"s", "x"}, Path{"nothing"}, Path{}}) {
    const auto facts = Facts(metadata, file, unknown);
    EXPECT_FALSE(facts.min || facts.max || facts.null_count);
    EXPECT_EQ(facts.num_rows, 3);
  }
}

TEST_F(RowGroupFactsTest, PartitionColumns_AreTheirValue) {
  DataFile file = FileAt(folder_.Write({{"c", ArrayOf(arrow::int64(), "[1,2]")}}));
  const auto metadata = TableOf({FieldJson("c", "long"), FieldJson("d", "date"),
                                 FieldJson("f", "double"), FieldJson("n", "double")},
                                {"d", "f", "n"});
  file.partition_values = {{"d", "1970-01-03"}, {"f", "NaN"}, {"n", std::nullopt}};
  const auto day = Facts(metadata, file, {"d"});
  EXPECT_EQ(day.min, Value(PartitionDate{2}));
  EXPECT_EQ(day.max, Value(PartitionDate{2}));
  EXPECT_EQ(day.null_count, 0);
  EXPECT_EQ(day.num_rows, 2);
  EXPECT_FALSE(day.may_have_nan);
  const auto nan = Facts(metadata, file, {"f"});
  EXPECT_FALSE(nan.min || nan.max);
  EXPECT_TRUE(nan.may_have_nan);
  const auto null = Facts(metadata, file, {"n"});
  EXPECT_FALSE(null.min || null.max);
  EXPECT_EQ(null.null_count, 2);
  EXPECT_FALSE(null.may_have_nan);
}

}  // namespace
}  // namespace deltalakedb::data
