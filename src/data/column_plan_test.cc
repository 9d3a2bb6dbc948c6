// The types that files may have for those of a table.
#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>

#include <string>
#include <vector>

#include "data/test_files_internal.h"

namespace deltalakedb::data {
namespace {

using namespace testing_files;
using arrow::field;
using arrow::TimeUnit;

// What a file has, and what the table is to make of it.
struct Reading {
  Type there;
  std::string values;
  std::string wanted;  // a Delta type
  std::string expected;
};

class ColumnPlanTest : public testing::Test {
 protected:
  Result<std::shared_ptr<arrow::Table>> Read(const Type& there, const std::string& values,
                                             const std::string& wanted,
                                             bool stores_schema = true) const {
    TestFolder::Options options;
    parquet::ArrowWriterProperties::Builder builder;
    if (stores_schema) builder.store_schema();
    options.arrow = builder.build();
    const std::string path = folder_.Write({{"c", ArrayOf(there, values)}}, options);
    return ReadAll(TableOf({FieldJson("c", wanted)}), FileAt(path));
  }

  void ExpectReads(const std::vector<Reading>& readings) const {
    for (const Reading& each : readings) {
      SCOPED_TRACE(each.there->ToString() + " as " + each.wanted);
      // Each value as a row.
      const auto check = [&](bool stores_schema) {
        const auto rows = Read(each.there, each.values, each.wanted, stores_schema);
        ASSERT_TRUE(rows.has_value()) << rows.error().message();
        const auto expected = ArrayOf((*rows)->schema()->field(0)->type(), each.expected);
        EXPECT_TRUE((*rows)->column(0)->Equals(arrow::ChunkedArray(expected)))
            << (*rows)->ToString();
      };
      check(/*stores_schema=*/true);
      check(/*stores_schema=*/false);
    }
  }

  TestFolder folder_;
};

TEST_F(ColumnPlanTest, EveryTypeAsItIs_ComesBack) {
  ExpectReads({
      {arrow::utf8(), R"(["a",null,"é"])", "string", R"(["a",null,"é"])"},
      {arrow::int64(), "[1,null]", "long", "[1,null]"},
      {arrow::int32(), "[-1,null]", "integer", "[-1,null]"},
      {arrow::int16(), "[-1,null]", "short", "[-1,null]"},
      {arrow::int8(), "[-1,null]", "byte", "[-1,null]"},
      {arrow::float32(), "[1.5,null]", "float", "[1.5,null]"},
      {arrow::float64(), "[1.5,null]", "double", "[1.5,null]"},
      {arrow::decimal128(5, 2), R"(["1.50",null])", "decimal(5,2)", R"(["1.50",null])"},
      {arrow::decimal128(38, 10), R"(["-1.5000000000",null])", "decimal(38,10)",
       R"(["-1.5000000000",null])"},
      {arrow::boolean(), "[true,null]", "boolean", "[true,null]"},
      {arrow::binary(), R"(["ab",null])", "binary", R"(["ab",null])"},
      {arrow::date32(), "[-1,null]", "date", "[-1,null]"},
      {arrow::timestamp(TimeUnit::MICRO, "UTC"), "[-1,null]", "timestamp", "[-1,null]"},
      {arrow::timestamp(TimeUnit::MICRO), "[-1,null]", "timestamp_ntz", "[-1,null]"},
      {arrow::null(), "[null,null]", "void", "[null,null]"},
      {arrow::null(), "[null,null]", "long", "[null,null]"},
  });
}

TEST_F(ColumnPlanTest, NarrowerTypes_AreWidened) {
  ExpectReads({
      {arrow::int8(), "[-128,null]", "short", "[-128,null]"},
      {arrow::int8(), "[-128,null]", "integer", "[-128,null]"},
      {arrow::int16(), "[1]", "long", "[1]"},
      {arrow::int32(), "[-2147483648]", "long", "[-2147483648]"},
      {arrow::float32(), "[1.5]", "double", "[1.5]"},
      {arrow::int8(), "[7]", "double", "[7]"},
      {arrow::int32(), "[-2147483648]", "double", "[-2147483648]"},
      {arrow::int8(), "[7]", "decimal(10,0)", R"(["7"])"},
      {arrow::int32(), "[-2147483648]", "decimal(12,2)", R"(["-2147483648.00"])"},
      {arrow::int64(), "[-9223372036854775808]", "decimal(20,0)", R"(["-9223372036854775808"])"},
      {arrow::decimal128(5, 2), R"(["-999.99"])", "decimal(12,4)", R"(["-999.9900"])"},
      {arrow::decimal128(5, 2), R"(["-999.99"])", "decimal(38,4)", R"(["-999.9900"])"},
      {arrow::date32(), "[-1,0]", "timestamp_ntz", "[-86400000000,0]"},
  });
}

TEST_F(ColumnPlanTest, OtherWritersTypes_AreTheTables) {
  ExpectReads({
      {arrow::timestamp(TimeUnit::MILLI, "UTC"), "[-1]", "timestamp", "[-1000]"},
      {arrow::timestamp(TimeUnit::NANO, "UTC"), "[1999]", "timestamp", "[1]"},
      {arrow::timestamp(TimeUnit::MICRO), "[5]", "timestamp", "[5]"},
      {arrow::timestamp(TimeUnit::MILLI), "[5]", "timestamp", "[5000]"},
      {arrow::timestamp(TimeUnit::MICRO, "Europe/Paris"), "[5]", "timestamp", "[5]"},
      {arrow::timestamp(TimeUnit::NANO, "Europe/Paris"), "[5000]", "timestamp", "[5]"},
      {arrow::timestamp(TimeUnit::MICRO, "UTC"), "[5]", "timestamp_ntz", "[5]"},
      {arrow::timestamp(TimeUnit::SECOND), "[5]", "timestamp_ntz", "[5000000]"},
      {arrow::date64(), "[86400000]", "date", "[1]"},
      {arrow::large_utf8(), R"(["a",null])", "string", R"(["a",null])"},
      {arrow::utf8_view(), R"(["a",null,"a longer text than a view has room for"])", "string",
       R"(["a",null,"a longer text than a view has room for"])"},
      {arrow::binary(), R"(["a"])", "string", R"(["a"])"},
      {arrow::large_binary(), R"(["a"])", "string", R"(["a"])"},
      {arrow::utf8(), R"(["a"])", "binary", R"(["a"])"},
      {arrow::fixed_size_binary(2), R"(["ab",null])", "binary", R"(["ab",null])"},
      {arrow::uint8(), "[255]", "short", "[255]"},
      {arrow::uint32(), "[4294967295]", "long", "[4294967295]"},
      {arrow::uint64(), "[18446744073709551615]", "decimal(20,0)", R"(["18446744073709551615"])"},
      {arrow::int64(), "[5]", "integer", "[5]"},
      {arrow::decimal256(40, 2), R"(["1.50"])", "decimal(5,2)", R"(["1.50"])"},
      {arrow::list(arrow::int32()), "[[1,null],[],null]", ArrayJson("long"), "[[1,null],[],null]"},
      {arrow::large_list(arrow::int64()), "[[1,null],[],null]", ArrayJson("long"),
       "[[1,null],[],null]"},
      {arrow::fixed_size_list(arrow::int64(), 2), "[[1,2],[3,4]]", ArrayJson("long"),
       "[[1,2],[3,4]]"},
  });
}

TEST_F(ColumnPlanTest, Dictionaries_AreReadAsWhatTheyHold) {
  const auto array =
      arrow::json::DictArrayFromJSONString(arrow::dictionary(arrow::int8(), arrow::utf8()),
                                           "[1,0,null]", R"(["a","b"])")
          .ValueOrDie();
  TestFolder::Options options;
  options.arrow = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  const std::string path = folder_.Write({{"c", array}}, options);
  ExpectRows(ReadAll(TableOf({FieldJson("c", "string")}), FileAt(path)), R"([["b"],["a"],[null]])");
}

TEST_F(ColumnPlanTest, Int96_IsAMomentInMicroseconds) {
  TestFolder::Options options;
  options.arrow =
      parquet::ArrowWriterProperties::Builder().enable_deprecated_int96_timestamps()->build();
  // The last moment of the year 9999 does not fit into nanoseconds.
  const std::string path = folder_.Write(
      {{"c", ArrayOf(arrow::timestamp(TimeUnit::MICRO), "[-1,253402300799999999,null]")}}, options);
  for (const char* const type : {"timestamp", "timestamp_ntz"}) {
    ExpectRows(ReadAll(TableOf({FieldJson("c", type)}), FileAt(path)),
               "[[-1],[253402300799999999],[null]]");
  }
}

TEST_F(ColumnPlanTest, DecimalsAsIntegers_AreRead) {
  TestFolder::Options options;
  options.parquet = parquet::WriterProperties::Builder().enable_store_decimal_as_integer()->build();
  for (const int precision : {5, 15}) {
    const std::string path = folder_.Write(
        {{"c", ArrayOf(arrow::decimal128(precision, 2), R"(["-1.50",null])")}}, options);
    ExpectRows(ReadAll(TableOf({FieldJson("c", "decimal(20,3)")}), FileAt(path)),
               R"([["-1.500"],[null]])");
  }
}

TEST_F(ColumnPlanTest, NestedColumns_GrowAndChangeTheirOrder) {
  const auto there = arrow::struct_(
      {field("b", arrow::int32()), field("dropped", arrow::utf8()), field("a", arrow::utf8())});
  const std::string wanted =
      StructJson({FieldJson("a", "string"), FieldJson("new", "date"), FieldJson("b", "long")});
  ExpectReads({
      {there, R"([[1,"x","a"],null,[null,"x",null]])", wanted,
       R"([["a",null,1],null,[null,null,null]])"},
      {arrow::list(there), R"([[[1,"x","a"],null],[],null])", ArrayJson(wanted),
       R"([[["a",null,1],null],[],null])"},
      {arrow::map(arrow::utf8(), there), R"([[["k",[1,"x","a"]],["l",null]],[],null])",
       MapJson(wanted), R"([[["k",["a",null,1]],["l",null]],[],null])"},
      {arrow::struct_({field("s", arrow::struct_({field("l", arrow::list(there))}))}),
       R"([[[[[1,"x","a"]]]],[null],null])",
       StructJson({FieldJson("s", StructJson({FieldJson("l", ArrayJson(wanted))}))}),
       R"([[[[["a",null,1]]]],[null],null])"},
  });
}

TEST_F(ColumnPlanTest, NothingLeftOfANestedColumn_KeepsWhereItIsNull) {
  const auto there = arrow::struct_({field("x", arrow::int64()), field("y", arrow::utf8())});
  const std::string wanted = StructJson({FieldJson("new", "long"), FieldJson("v", "void")});
  ExpectReads({
      {there, R"([[1,"a"],null])", wanted, "[[null,null],null]"},
      {arrow::list(there), R"([[[1,"a"],null],null])", ArrayJson(wanted),
       "[[[null,null],null],null]"},
      {arrow::map(arrow::utf8(), there), R"([[["k",[1,"a"]]],null])", MapJson(wanted),
       R"([[["k",[null,null]]],null])"},
      {arrow::map(arrow::utf8(), arrow::int64()), R"([[["k",1]],null])", MapJson("void"),
       R"([[["k",null]],null])"},
      {arrow::list(arrow::int64()), "[[1,2],null]", ArrayJson("void"), "[[null,null],null]"},
  });
}

TEST_F(ColumnPlanTest, NestedColumnsInManyBatches_AreCutRight) {
  std::string values = "[";
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    if (i > 0) values += ',';
    values += i % 7 == 0 ? "null" : "[[" + n + ",\"a" + n + "\"],null,[" + n + ",null]]";
  }
  values += ']';
  const auto there =
      arrow::list(arrow::struct_({field("b", arrow::int32()), field("a", arrow::utf8())}));
  TestFolder::Options write;
  write.row_group_rows = 400;
  const std::string path = folder_.Write({{"c", ArrayOf(there, values)}}, write);
  const auto metadata = TableOf(
      {FieldJson("c", ArrayJson(StructJson({FieldJson("b", "long"), FieldJson("a", "string")})))});
  ReadOptions options = AllColumns(*ShapeOf(metadata));
  options.batch_rows_max = 33;
  DataFile file = FileAt(path);
  const auto rows = ReadAll(metadata, file, options);
  ASSERT_TRUE(rows.has_value()) << rows.error().message();
  const auto expected = ArrayOf((*rows)->schema()->field(0)->type(), values);
  EXPECT_TRUE((*rows)->column(0)->Equals(arrow::ChunkedArray(expected)));
  for (std::int64_t i = 0; i < 1000; i += 3) file.deleted_rows.push_back(i);
  const auto kept = ReadAll(metadata, file, options);
  ASSERT_TRUE(kept.has_value()) << kept.error().message();
  ASSERT_EQ((*kept)->num_rows(), 666);
  const auto column = arrow::Concatenate((*kept)->column(0)->chunks()).ValueOrDie();
  for (std::int64_t i = 0; i < 666; ++i) {
    const std::int64_t row = i / 2 * 3 + i % 2 + 1;
    ASSERT_TRUE(column->RangeEquals(i, i + 1, row, expected)) << row;
  }
}

TEST_F(ColumnPlanTest, Variants_AreTheirBytes) {
  const auto plain =
      arrow::struct_({field("value", arrow::binary()), field("metadata", arrow::binary())});
  ExpectReads({{plain, R"([["v","m"],null])", "variant", R"([["m","v"],null])"}});
  const auto shredded =
      arrow::struct_({field("metadata", arrow::binary()), field("value", arrow::binary()),
                      field("typed_value", arrow::int64())});
  const auto refused = Read(shredded, R"([["m","v",1]])", "variant");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(FactOf(refused.error(), "column"), "c");
}

TEST_F(ColumnPlanTest, QuiteAnotherType_IsCorruptWithColumnFileAndType) {
  const std::string row = StructJson({FieldJson("x", "long")});
  const struct {
    Type there;
    std::string values;
    std::string wanted;
    std::string column;
    std::string type;
  } cases[] = {
      {arrow::utf8(), R"(["1"])", "long", "c", "string"},
      {arrow::int64(), "[1]", "string", "c", "int64"},
      {arrow::float64(), "[1]", "float", "c", "double"},
      {arrow::float64(), "[1]", "long", "c", "double"},
      {arrow::int64(), "[1]", "boolean", "c", "int64"},
      {arrow::int64(), "[1]", "timestamp", "c", "int64"},
      {arrow::date32(), "[1]", "timestamp", "c", "date32[day]"},
      {arrow::int64(), "[1]", row, "c", "int64"},
      {arrow::int64(), "[1]", "variant", "c", "int64"},
      {arrow::int64(), "[1]", ArrayJson("long"), "c", "int64"},
      {arrow::int64(), "[1]", MapJson("long"), "c", "int64"},
      {arrow::struct_({field("x", arrow::int64())}), "[[1]]", "long", "c", "struct<x: int64>"},
      {arrow::struct_({field("x", arrow::boolean())}), "[[true]]", row, "c.x", "bool"},
      {arrow::list(arrow::boolean()), "[[true]]", ArrayJson("long"), "c.element", "bool"},
      {arrow::map(arrow::utf8(), arrow::boolean()), R"([[["k",true]]])", MapJson("long"), "c.value",
       "bool"},
  };
  for (const auto& each : cases) {
    const auto rows = Read(each.there, each.values, each.wanted);
    ASSERT_FALSE(rows.has_value()) << each.there->ToString() << " as " << each.wanted;
    EXPECT_EQ(rows.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(FactOf(rows.error(), "column"), each.column);
    EXPECT_EQ(FactOf(rows.error(), "file"), folder_.path("data.parquet"));
    EXPECT_EQ(FactOf(rows.error(), "type"), each.type);
  }
}

TEST_F(ColumnPlanTest, ValueThatTheTypeCannotHold_IsCorrupt) {
  const struct {
    Type there;
    std::string values;
    std::string wanted;
  } cases[] = {
      {arrow::int64(), "[3000000000]", "integer"},
      {arrow::decimal128(10, 2), R"(["12345.67"])", "decimal(5,2)"},
      {arrow::decimal128(10, 2), R"(["1.67"])", "decimal(10,1)"},
      {arrow::uint64(), "[18446744073709551615]", "long"},
      {arrow::timestamp(TimeUnit::MILLI), "[9223372036854775807]", "timestamp"},
  };
  for (const auto& each : cases) {
    const auto rows = Read(each.there, each.values, each.wanted);
    ASSERT_FALSE(rows.has_value()) << each.there->ToString() << " as " << each.wanted;
    EXPECT_EQ(rows.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(FactOf(rows.error(), "column"), "c");
    EXPECT_EQ(FactOf(rows.error(), "file"), folder_.path("data.parquet"));
  }
}

// Lists as old writers have them: a repeated field that is the element itself.
TEST_F(ColumnPlanTest, LegacyLists_AreLists) {
  using parquet::Repetition;
  using parquet::schema::GroupNode;
  using parquet::schema::PrimitiveNode;
  const auto list =
      GroupNode::Make("c", Repetition::OPTIONAL,
                      {PrimitiveNode::Make("array", Repetition::REPEATED, parquet::Type::INT32)},
                      parquet::ConvertedType::LIST);
  const auto root =
      std::static_pointer_cast<GroupNode>(GroupNode::Make("schema", Repetition::REQUIRED, {list}));
  const std::string path = folder_.path("legacy.parquet");
  const auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto writer = parquet::ParquetFileWriter::Open(out, root);
  auto* const column = static_cast<parquet::Int32Writer*>(writer->AppendRowGroup()->NextColumn());
  const std::int16_t definitions[] = {2, 2, 1, 0};
  const std::int16_t repetitions[] = {0, 1, 0, 0};
  const std::int32_t values[] = {1, 2};
  column->WriteBatch(4, definitions, repetitions, values);
  writer->Close();
  ASSERT_TRUE(out->Close().ok());
  ExpectRows(ReadAll(TableOf({FieldJson("c", ArrayJson("long"))}), FileAt(path)),
             "[[[1,2]],[[]],[null]]");
}

}  // namespace
}  // namespace deltalakedb::data
