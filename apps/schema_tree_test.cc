#include "apps/schema_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace deltalakedb::cli {
namespace {

std::string Tree(std::string_view json) {
  const Result<Schema> schema = Schema::Parse(json);
  EXPECT_TRUE(schema.has_value()) << schema.error().message();
  return schema ? FormatSchemaTree(*schema, TitleStyle{}) : "";
}

TEST(SchemaTreeTest, NestedColumns_AreIndentedBelowTheirParent) {
  EXPECT_EQ(Tree(R"json({"type":"struct","fields":[
      {"name":"id","type":"long","nullable":false,"metadata":{"comment":"who\nit is"}},
      {"name":"price","type":"decimal(10,2)","nullable":true,"metadata":{}},
      {"name":"tags","nullable":true,"metadata":{},"type":
        {"type":"map","keyType":"string","valueContainsNull":true,"valueType":
          {"type":"array","containsNull":false,"elementType":
            {"type":"struct","fields":[
              {"name":"x","type":"double","nullable":true,"metadata":{}}]}}}}]})json"),
            "COLUMN       TYPE           NULLABLE  COMMENT\n"
            "id           long           no        who\\nit is\n"
            "price        decimal(10,2)  yes\n"
            "tags         map            yes\n"
            "  key        string\n"
            "  value      array          yes\n"
            "    element  struct         no\n"
            "      x      double         yes\n");
}

TEST(SchemaTreeTest, SchemaWithoutColumns_HasTitlesOnly) {
  EXPECT_EQ(Tree(R"({"type":"struct","fields":[]})"), "COLUMN  TYPE  NULLABLE  COMMENT\n");
}

TEST(SchemaTreeTest, UnknownTypeThatSteersATerminal_IsEscaped) {
  EXPECT_EQ(Tree(R"({"type":"struct","fields":[{"name":"\u001b[31m","type":"new\u001btype"}]})"),
            "COLUMN      TYPE           NULLABLE  COMMENT\n"
            "\\u001B[31m  new\\u001Btype  yes\n");
}

}  // namespace
}  // namespace deltalakedb::cli
