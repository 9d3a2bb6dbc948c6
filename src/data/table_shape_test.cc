#include "data/table_shape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data/test_files_internal.h"

namespace deltalakedb::data {
namespace {

using namespace testing_files;

const char* const kMode = "delta.columnMapping.mode";

std::vector<std::string> PhysicalNames(const TableShape& shape) {
  std::vector<std::string> names;
  for (const auto& column : shape.columns()) names.push_back(column.physical_name);
  return names;
}

TEST(TableShapeTest, TableWithoutMapping_HasTheNamesOfItsSchema) {
  // Spark leaves ids and names behind where a table's mapping was given up.
  const auto shape = ShapeOf(TableOf({MappedJson("a", "long", 1, "x"), FieldJson("b", "string")},
                                     {"B"}, {{kMode, "None"}}));
  EXPECT_EQ(shape->mapping(), ColumnMapping::kNone);
  EXPECT_EQ(PhysicalNames(*shape), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(shape->partition_columns(), std::vector<int>{1});
  EXPECT_FALSE(shape->columns()[0].is_partition);
  EXPECT_TRUE(shape->columns()[1].is_partition);
  EXPECT_EQ(shape->columns()[1].field, &shape->schema().fields()[1]);
  EXPECT_EQ(shape->arrow_schema()->field_names(), (std::vector<std::string>{"a", "b"}));
}

TEST(TableShapeTest, MappedTable_HasPhysicalNamesAtEveryDepth) {
  const auto metadata =
      TableOf({MappedJson("s", StructJson({MappedJson("inner", "long", 2, "col-2")}), 1, "col-1"),
               MappedJson("p", "date", 3, "col-3")},
              {"p"}, {{kMode, "NAME"}});
  const auto shape = ShapeOf(metadata);
  EXPECT_EQ(shape->mapping(), ColumnMapping::kName);
  EXPECT_EQ(PhysicalNames(*shape), (std::vector<std::string>{"col-1", "col-3"}));
  EXPECT_EQ(shape->PhysicalName(shape->schema().fields()[0].type().fields()[0]), "col-2");
  EXPECT_EQ(shape->partition_columns(), std::vector<int>{1});
}

TEST(TableShapeTest, ColumnByName_IsFoundInAnyCase) {
  const auto shape = ShapeOf(TableOf({FieldJson("Id", "long"), FieldJson("name", "string")}));
  EXPECT_EQ(shape->FindColumn("Id"), 0);
  EXPECT_EQ(shape->FindColumn("NAME"), 1);
  EXPECT_EQ(shape->FindColumn("nam"), std::nullopt);
}

TEST(TableShapeTest, ColumnsThatCannotBeToldInFiles_AreCorrupt) {
  const std::string nameless = FieldJson("x", "long", R"({"delta.columnMapping.id":2})");
  const std::string idless =
      FieldJson("x", "long", R"({"delta.columnMapping.physicalName":"col-2"})");
  const struct {
    Metadata metadata;
    const char* column;
  } cases[] = {
      {TableOf({FieldJson("a", "long")}, {"b"}), "b"},
      {TableOf({nameless}, {}, {{kMode, "name"}}), "x"},
      {TableOf({idless}, {}, {{kMode, "id"}}), "x"},
      {TableOf({MappedJson("l", ArrayJson(StructJson({nameless})), 1, "col-1")}, {},
               {{kMode, "id"}}),
       "l.element.x"},
      {TableOf({MappedJson("m", MapJson(StructJson({nameless})), 1, "col-1")}, {},
               {{kMode, "name"}}),
       "m.value.x"},
      {TableOf({FieldJson("a", "long")}, {}, {{kMode, "index"}}), ""},
  };
  for (const auto& each : cases) {
    const auto shape = TableShape::Make(each.metadata);
    ASSERT_FALSE(shape.has_value()) << *each.metadata.schema_string;
    EXPECT_EQ(shape.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(FactOf(shape.error(), "column"), each.column);
  }
  // An id is not asked for where names are what counts.
  EXPECT_TRUE(TableShape::Make(TableOf({idless}, {}, {{kMode, "name"}})).has_value());
}

TEST(TableShapeTest, MetadataWithoutSchema_IsCorrupt) {
  const auto shape = TableShape::Make(Metadata{});
  ASSERT_FALSE(shape.has_value());
  EXPECT_EQ(shape.error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace deltalakedb::data
