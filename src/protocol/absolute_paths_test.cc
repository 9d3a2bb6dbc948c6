#include "protocol/absolute_paths.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace deltalakedb::protocol {
namespace {

constexpr std::string_view kRoot = "file:///data/a%20b";

std::string Edited(std::string_view record) {
  const auto edited = WithAbsolutePaths(record, kRoot);
  EXPECT_TRUE(edited.has_value()) << edited.error().message();
  return edited.value_or("");
}

TEST(AbsolutePathsTest, RelativePathOfAFileAction_GoesBelowTheTable) {
  EXPECT_EQ(Edited(R"({"add":{"path":"p=1/a%20b","size":1}})"),
            R"({"add":{"path":"file:///data/a%20b/p=1/a%20b","size":1}})");
  EXPECT_EQ(Edited(R"({"remove":{"size":1,"path":"x"}})"),
            R"({"remove":{"size":1,"path":"file:///data/a%20b/x"}})");
  EXPECT_EQ(Edited(R"({"cdc":{"path":"_change_data/x"}})"),
            R"({"cdc":{"path":"file:///data/a%20b/_change_data/x"}})");
}

TEST(AbsolutePathsTest, AllElse_StaysAsItIsByteForByte) {
  EXPECT_EQ(
      Edited(R"( { "x-new" : 1e2,  "add" :{"u":{"path":"no"}, "path" :"\u0061\"b" ,"z":[ ]} } )"),
      R"( { "x-new" : 1e2,  "add" :{"u":{"path":"no"}, "path" :"file:///data/a%20b/a\"b" ,"z":[ ]} } )");
  for (const std::string_view record :
       {R"({"add":{"path":"/abs/x"}})", R"({"add":{"path":"s3://b/x"}})",
        R"({"add":{"path":"file:/x"}})", R"({"metaData":{"path":"x"}})", R"({"txn":{}})",
        R"({"commitInfo":{"add":{"path":"x"}}})", R"({"add":null})", R"({"add":{}})"}) {
    EXPECT_EQ(Edited(record), record);
  }
}

TEST(AbsolutePathsTest, RelativeVector_BecomesAnAbsoluteOne) {
  EXPECT_EQ(
      Edited(R"({"add":{"path":"f","deletionVector":{"storageType":"u","pathOrInlineDv":)"
             R"("ab^-aqEH.-t@S}K{vb[*k^","offset":4,"sizeInBytes":40,"cardinality":6}}})"),
      R"({"add":{"path":"file:///data/a%20b/f","deletionVector":{"storageType":"p","pathOrInlineDv":)"
      R"("file:///data/a%20b/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",)"
      R"("offset":4,"sizeInBytes":40,"cardinality":6}}})");
  const std::string_view others =
      R"({"add":{"path":"/f","deletionVector":{"storageType":"i","pathOrInlineDv":"x"}}})";
  EXPECT_EQ(Edited(others), others);
}

TEST(AbsolutePathsTest, WhatIsNoAction_IsCorrupt) {
  for (const std::string_view record :
       {"", "[]", "{", R"({"add":{"path":1}})",
        R"({"add":{"path":"x","deletionVector":{"storageType":"u","pathOrInlineDv":"short"}}})",
        R"({"add":{"path":"x","deletionVector":{"storageType":"u"}}})"}) {
    const auto edited = WithAbsolutePaths(record, kRoot);
    ASSERT_FALSE(edited.has_value()) << record;
    EXPECT_EQ(edited.error().code(), ErrorCode::kCorrupt);
  }
}

TEST(AbsolutePathsTest, Location_IsAUri) {
  EXPECT_EQ(UriOfLocation("/data/a b%"), "file:///data/a%20b%25");
  EXPECT_EQ(UriOfLocation("/"), "file://");
  EXPECT_EQ(UriOfLocation("s3://bucket/a%20b/"), "s3://bucket/a%20b");
}

TEST(AbsolutePathsTest, Paths_AreRelativeWithoutASchemeOrSlash) {
  EXPECT_TRUE(IsRelativePath("a/b:c"));
  EXPECT_TRUE(IsRelativePath("1:c"));
  EXPECT_TRUE(IsRelativePath(":c"));
  EXPECT_TRUE(IsRelativePath("p=2024-01-01 10:00/x"));
  EXPECT_FALSE(IsRelativePath("/a"));
  EXPECT_FALSE(IsRelativePath("s3a://b/x"));
}

}  // namespace
}  // namespace deltalakedb::protocol
