#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "mirror/duckdb/view_text.h"

namespace deltalakedb::mirror {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Schema Parsed(const std::string& fields) {
  auto schema = Schema::Parse(R"({"type":"struct","fields":[)" + fields + "]}");
  EXPECT_TRUE(schema);
  return *std::move(schema);
}

std::string FieldOf(const std::string& name, const std::string& type) {
  return R"({"name":")" + name + R"(","type":)" + type + R"(,"nullable":true,"metadata":{}})";
}

TEST(QuoteTest, Quotes_AreDoubledAndNothingElseChanges) {
  EXPECT_EQ(QuoteName("a"), "\"a\"");
  EXPECT_EQ(QuoteName("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
  EXPECT_EQ(QuoteName("it's \\ $1"), "\"it's \\ $1\"");
  EXPECT_EQ(QuoteText("it's"), "'it''s'");
  EXPECT_EQ(QuoteText("''"), "''''''");
  EXPECT_EQ(QuoteText("\\' \"\n\xC3\xA9"), "'\\'' \"\n\xC3\xA9'");
  EXPECT_EQ(QuoteText(""), "''");
}

TEST(QuoteTest, PathsThatLookLikePatterns_StandForThemselves) {
  EXPECT_EQ(QuotePath("/a/b.parquet"), "'/a/b.parquet'");
  EXPECT_EQ(QuotePath("/a*b?c[d]'"), "'/a[*]b[?]c[[]d]'''");
}

TEST(ViewTextTest, TableWithoutPartitionsAndDeletions_IsReadDirectly) {
  const Schema schema = Parsed(FieldOf("id", "\"long\"") + ',' + FieldOf("a'b", "\"string\""));
  const Metadata metadata;
  const ViewText text = MakeViewText({.table_no = 3,
                                      .name = "or\"ders",
                                      .metadata = metadata,
                                      .schema = schema,
                                      .has_files = {true, false}});
  EXPECT_EQ(text.view,
            "CREATE OR REPLACE VIEW main.\"or\"\"ders\" AS SELECT r.c0 AS \"id\", r.c1 AS "
            "\"a'b\" FROM deltalakedb.scan_3(deltalakedb.paths_3_0(), deltalakedb.paths_3_1()) AS "
            "r");
  EXPECT_THAT(text.scan, AllOf(HasSubstr("MAP {'id': {name: 'c0', type: 'BIGINT'"),
                               HasSubstr("'a''b': {name: 'c1', type: 'VARCHAR'"),
                               HasSubstr("read_parquet(a, "), Not(HasSubstr("UNION"))));
  EXPECT_THAT(text.stub,
              AllOf(HasSubstr("CAST(NULL AS BIGINT) AS c0"), Not(HasSubstr("read_parquet"))));
}

TEST(ViewTextTest, PartitionsAndDeletions_AreJoined) {
  const Schema schema = Parsed(FieldOf("id", "\"long\"") + ',' + FieldOf("day", "\"date\""));
  Metadata metadata;
  metadata.partition_columns = {"day"};
  const ViewText text = MakeViewText({.table_no = 1,
                                      .name = "t",
                                      .metadata = metadata,
                                      .schema = schema,
                                      .has_files = {true, true},
                                      .has_deleted_rows = true});
  EXPECT_THAT(text.view, AllOf(HasSubstr("CAST(f.partition_values['day'] AS DATE) AS \"day\""),
                               HasSubstr("JOIN deltalakedb.files AS f ON f.table_no = 1"),
                               HasSubstr("d.position = r.file_row")));
  EXPECT_THAT(text.scan, AllOf(HasSubstr(" UNION ALL "), HasSubstr("read_parquet(b, "),
                               Not(HasSubstr("'day'"))));
}

TEST(ViewTextTest, TypeThatDuckDbLacks_IsUnsupported) {
  for (const std::string type :
       {"\"variant\"", "\"void\"", "\"interval\"", R"({"type":"struct","fields":[]})",
        R"({"type":"array","elementType":"void","containsNull":true})"}) {
    const auto checked = CheckViewable("t", Parsed(FieldOf("x", type)));
    ASSERT_FALSE(checked) << type;
    EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported);
    EXPECT_NE(checked.error().FindFact("column"), nullptr);
  }
  EXPECT_TRUE(CheckViewable("t", Parsed(FieldOf("x", "\"decimal(38,3)\""))));
}

TEST(PathsTextTest, PathsAndParts_AreLists) {
  EXPECT_EQ(PartText(1, 2, {"/a", "/it's"}),
            "CREATE OR REPLACE MACRO deltalakedb.part_1_2() AS ['/a', '/it''s']");
  EXPECT_EQ(PathsText(1, FileGroup::kZoneless, {2, 5}),
            "CREATE OR REPLACE MACRO deltalakedb.paths_1_1() AS "
            "flatten([deltalakedb.part_1_2(), deltalakedb.part_1_5()])");
  EXPECT_EQ(PathsText(1, FileGroup::kPlain, {}),
            "CREATE OR REPLACE MACRO deltalakedb.paths_1_0() AS CAST([] AS VARCHAR[])");
}

}  // namespace
}  // namespace deltalakedb::mirror
