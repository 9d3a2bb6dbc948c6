#include "protocol/action_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltalakedb::protocol {
namespace {

constexpr std::string_view kRoot = "file:/data/t";
constexpr std::string_view kSchema =
    R"({\"type\":\"struct\",\"fields\":[)"
    R"({\"name\":\"a\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},)"
    R"({\"name\":\"l\",\"type\":{\"type\":\"array\",\"elementType\":\"long\",)"
    R"(\"containsNull\":true},\"nullable\":true,\"metadata\":{}}]})";

std::string Fact(const Error& error, std::string_view name) {
  const Error::FactValue* const fact = error.FindFact(name);
  if (fact == nullptr) return "";
  const auto* const text = std::get_if<std::string>(fact);
  return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(*fact));
}

std::string Add(std::string_view path, std::string_view more = "") {
  return R"({"add":{"path":")" + std::string(path) +
         R"(","partitionValues":{},"size":1,"modificationTime":2,"dataChange":true)" +
         std::string(more) + "}}";
}
std::string Remove(std::string_view path, std::string_view more = "") {
  return R"({"remove":{"path":")" + std::string(path) + R"(","dataChange":true)" +
         std::string(more) + "}}";
}
// A deletion vector in a file of its own, with the statistics that it needs.
std::string Vector(int number) {
  return R"(,"stats":"{\"numRecords\":9}","deletionVector":{"storageType":"p",)"
         R"("pathOrInlineDv":"file:/v/)" +
         std::to_string(number) + R"(","offset":1,"sizeInBytes":2,"cardinality":3})";
}
std::string Metadata(std::string_view schema, std::string_view partition_columns,
                     std::string_view provider = "parquet") {
  return R"({"metaData":{"id":"i","format":{"provider":")" + std::string(provider) +
         R"(","options":{}},"schemaString":")" + std::string(schema) + R"(","partitionColumns":)" +
         std::string(partition_columns) + R"(,"configuration":{}}})";
}

Result<void> Check(const std::vector<std::string>& lines) {
  StagedActions staged;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto taken = staged.Take(lines[i], static_cast<std::int64_t>(i) + 1);
    EXPECT_TRUE(taken.has_value()) << taken.error().message();
  }
  return CheckShape(staged, std::string(kRoot));
}

TEST(ActionShapeTest, ProperCommits_AreTaken) {
  const std::vector<std::vector<std::string>> commits = {
      {},
      {Add("a"), Add("b"), Remove("c")},
      {Add("a", Vector(2)), Remove("a", Vector(1))},
      {Add("a", Vector(1)), Remove("a")},
      {Add("a"), Remove("a", Vector(1))},
      {Add("a", R"(,"stats":"{}")")},
      {Metadata(kSchema, R"(["a"])")},
      {R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})"},
      {R"({"txn":{"appId":"a","version":1}})", R"({"txn":{"appId":"b","version":1}})"},
      {R"({"domainMetadata":{"domain":"a","configuration":"","removed":false}})",
       R"({"domainMetadata":{"domain":"b","configuration":"","removed":true}})"},
      {R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}})"},
      {R"({"commitInfo":{}})", R"({"anything":{}})"},
  };
  for (const auto& commit : commits) {
    const auto checked = Check(commit);
    EXPECT_TRUE(checked.has_value()) << checked.error().message();
  }
}

struct WrongCommit {
  std::vector<std::string> lines;
  std::string action;
  std::string field;
  std::string line;
};

TEST(ActionShapeTest, WrongCommit_IsNamedByActionFieldAndLine) {
  const std::vector<WrongCommit> commits = {
      {{Add("")}, "add", "path", "1"},
      {{Remove("")}, "remove", "path", "1"},
      {{Remove("a", R"(,"size":-1)")}, "remove", "size", "1"},
      {{Remove("a", R"(,"extendedFileMetadata":true,"size":1)")}, "remove", "partitionValues", "1"},
      {{Remove("a", R"(,"extendedFileMetadata":true,"partitionValues":{})")},
       "remove",
       "size",
       "1"},
      {{Add("a", R"(,"baseRowId":-1)")}, "add", "baseRowId", "1"},
      {{Add("a", R"(,"defaultRowCommitVersion":-1)")}, "add", "defaultRowCommitVersion", "1"},
      {{R"({"cdc":{"path":"","partitionValues":{},"size":1,"dataChange":false}})"},
       "cdc",
       "path",
       "1"},
      {{R"({"cdc":{"path":"c","partitionValues":{},"size":-1,"dataChange":false}})"},
       "cdc",
       "size",
       "1"},
      {{R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":true}})"},
       "cdc",
       "dataChange",
       "1"},
      // The same file, in whatever words.
      {{Add("a b"), Add("x"), Add("a%20b")}, "add", "path", "3"},
      {{Add("a"), Add("file:///data/t/a")}, "add", "path", "2"},
      {{Add("a", Vector(1)), Add("a", Vector(2))}, "add", "path", "2"},
      {{Remove("a"), Remove("/data/t/a")}, "remove", "path", "2"},
      {{Remove("a", Vector(1)), Remove("a", Vector(2))}, "remove", "path", "2"},
      {{Add("a"), Remove("a")}, "remove", "path", "2"},
      {{Remove("a"), Add("a")}, "remove", "path", "1"},
      {{Add("a", Vector(1)), Remove("a", Vector(1))}, "remove", "path", "2"},
      // Vectors and statistics.
      {{Add("a", R"(,"deletionVector":{"storageType":"p","pathOrInlineDv":"file:/v",)"
                 R"("offset":1,"sizeInBytes":2,"cardinality":3})")},
       "add",
       "stats",
       "1"},
      {{Add("a", R"(,"stats":"{\"numRecords\":null}","deletionVector":{"storageType":"p",)"
                 R"("pathOrInlineDv":"file:/v","offset":1,"sizeInBytes":2,"cardinality":3})")},
       "add",
       "stats",
       "1"},
      {{Add("a", R"(,"deletionVector":{"storageType":"u","pathOrInlineDv":"short",)"
                 R"("offset":1,"sizeInBytes":2,"cardinality":3})")},
       "add",
       "deletionVector",
       "1"},
      {{Remove("a", R"(,"deletionVector":{"storageType":"p","pathOrInlineDv":"file:/v",)"
                    R"("offset":1,"sizeInBytes":-2,"cardinality":3})")},
       "remove",
       "deletionVector",
       "1"},
      {{Add("a", R"(,"stats":"[]")")}, "add", "stats", "1"},
      {{Add("a", R"(,"stats":"{\"numRecords\":NaN}")")}, "add", "stats", "1"},
      {{Add("a", R"(,"stats":"{\"numRecords\":-1}")")}, "add", "stats", "1"},
      {{Add("a", R"(,"stats":"{\"numRecords\":1.5}")")}, "add", "stats", "1"},
      // The table.
      {{Metadata(R"(\"long\")", "[]")}, "metaData", "schemaString", "1"},
      {{Metadata("", "[]")}, "metaData", "schemaString", "1"},
      {{Metadata(R"({\"type\":\"array\",\"elementType\":\"long\",\"containsNull\":true})", "[]")},
       "metaData",
       "schemaString",
       "1"},
      {{Metadata(R"({\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\"},)"
                 R"({\"name\":\"A\",\"type\":\"long\"}]})",
                 "[]")},
       "metaData",
       "schemaString",
       "1"},
      {{Metadata(kSchema, R"(["b"])")}, "metaData", "partitionColumns", "1"},
      {{Metadata(kSchema, R"(["a","A"])")}, "metaData", "partitionColumns", "1"},
      {{Metadata(kSchema, R"(["l"])")}, "metaData", "partitionColumns", "1"},
      {{Metadata(kSchema, "[]", "orc")}, "metaData", "format.provider", "1"},
      {{R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[]}})"},
       "protocol",
       "writerFeatures",
       "1"},
      // Keys.
      {{R"({"txn":{"appId":"","version":1}})"}, "txn", "appId", "1"},
      {{R"({"txn":{"appId":"a","version":1}})", R"({"txn":{"appId":"a","version":2}})"},
       "txn",
       "appId",
       "2"},
      {{R"({"domainMetadata":{"domain":"","configuration":"","removed":false}})"},
       "domainMetadata",
       "domain",
       "1"},
      {{R"({"domainMetadata":{"domain":"d","configuration":"","removed":false}})",
        R"({"domainMetadata":{"domain":"d","configuration":"","removed":true}})"},
       "domainMetadata",
       "domain",
       "2"},
      {{R"({"domainMetadata":{"domain":"delta.rowTracking","configuration":"{}",)"
        R"("removed":false}})"},
       "domainMetadata",
       "domain",
       "1"},
      {{R"({"domainMetadata":{"domain":"delta.mine","configuration":"{}","removed":true}})"},
       "domainMetadata",
       "domain",
       "1"},
  };
  for (const WrongCommit& commit : commits) {
    const auto checked = Check(commit.lines);
    ASSERT_FALSE(checked.has_value()) << commit.lines.back();
    EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument) << checked.error().message();
    EXPECT_EQ(Fact(checked.error(), "action"), commit.action) << checked.error().message();
    EXPECT_EQ(Fact(checked.error(), "field"), commit.field) << checked.error().message();
    EXPECT_EQ(Fact(checked.error(), "line"), commit.line) << checked.error().message();
  }
}

TEST(ActionShapeTest, TypedActions_AreNamedWithoutALine) {
  StagedActions staged;
  AddFile add;
  add.path = "a";
  add.size = -5;
  ASSERT_TRUE(staged.Append(add));
  const auto checked = CheckShape(staged, "");
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().FindFact("line"), nullptr);
  EXPECT_EQ(Fact(checked.error(), "path"), "a");
  EXPECT_EQ(checked.error().message(), "add of a: its size is -5");
  EXPECT_FALSE(CheckMetadataShape({}).has_value());
  EXPECT_FALSE(CheckProtocolShape({}).has_value());
}

TEST(ActionShapeTest, VectorOfAPreviewKind_IsUnsupported) {
  const auto checked =
      Check({Add("a", R"(,"deletionVector":{"storageType":"r","pathOrInlineDv":"x",)"
                      R"("sizeInBytes":2,"cardinality":3})")});
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Fact(checked.error(), "field"), "deletionVector");
}

TEST(ActionShapeTest, OwnDomain_IsNotTheUsers) {
  StagedActions staged;
  staged.SetOwnDomain(DomainMetadata{"delta.rowTracking", R"({"rowIdHighWaterMark":1})", false});
  EXPECT_TRUE(CheckShape(staged, "").has_value());
}

}  // namespace
}  // namespace deltalakedb::protocol
