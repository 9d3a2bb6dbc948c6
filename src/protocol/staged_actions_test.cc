#include "protocol/staged_actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "protocol/commit_body.h"

namespace deltalakedb::protocol {
namespace {

using testing::HasSubstr;

constexpr std::string_view kAdd =
    R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,"dataChange":true}})";
constexpr std::string_view kMetadata =
    R"({"metaData":{"id":"i","format":{"provider":"parquet","options":{}},"schemaString":"{}",)"
    R"("partitionColumns":[],"configuration":{}}})";

std::string Fact(const Error& error, std::string_view name) {
  const Error::FactValue* const fact = error.FindFact(name);
  if (fact == nullptr) return "no such fact";
  const auto* const text = std::get_if<std::string>(fact);
  return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(*fact));
}

// The error about a line that has to be refused.
Error Refusal(std::string_view line) {
  StagedActions staged;
  auto taken = staged.Take(line, 7);
  if (taken) {
    ADD_FAILURE() << "taken: " << line;
    return Error(ErrorCode::kInternal, "taken");
  }
  EXPECT_TRUE(staged.empty());
  return taken.error();
}

std::string TextOf(const StagedActions& staged) {
  auto body = CommitBody::Make(staged, {});
  EXPECT_TRUE(body.has_value()) << body.error().message();
  if (!body) return "";
  return std::string(body->table_actions()) + std::string(body->files());
}

struct WrongLine {
  std::string line;
  std::string action;
  std::string field;
};

TEST(StagedActionsTest, WrongLine_IsNamedByActionAndField) {
  const std::vector<WrongLine> lines = {
      {R"({"add":{"partitionValues":{},"size":1,"modificationTime":2,"dataChange":true}})", "add",
       "path"},
      {R"({"add":{"path":"a","size":1,"modificationTime":2,"dataChange":true}})", "add",
       "partitionValues"},
      {R"({"add":{"path":"a","partitionValues":null,"size":1,"modificationTime":2,)"
       R"("dataChange":true}})",
       "add", "partitionValues"},
      {R"({"add":{"path":"a","partitionValues":{},"modificationTime":2,"dataChange":true}})", "add",
       "size"},
      {R"({"add":{"path":"a","partitionValues":{},"size":1,"dataChange":true}})", "add",
       "modificationTime"},
      {R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2}})", "add",
       "dataChange"},
      {R"({"add":{"path":1,"partitionValues":{},"size":1,"modificationTime":2,"dataChange":true}})",
       "add", "path"},
      {R"({"add":{"path":"a","partitionValues":{"p":1},"size":1,"modificationTime":2,)"
       R"("dataChange":true}})",
       "add", "partitionValues.p"},
      {R"({"add":{"path":"a","partitionValues":{},"size":"1","modificationTime":2,)"
       R"("dataChange":true}})",
       "add", "size"},
      {R"({"add":{"path":"a","partitionValues":{},"size":-1,"modificationTime":2,)"
       R"("dataChange":true}})",
       "add", "size"},
      {R"({"add":{"path":"a","partitionValues":{},"size":1.0,"modificationTime":2,)"
       R"("dataChange":true}})",
       "add", "size"},
      {R"({"add":{"path":"a","path":"b","partitionValues":{},"size":1,"modificationTime":2,)"
       R"("dataChange":true}})",
       "add", "path"},
      {R"({"add":{"path":"a","partitionValues":{"p":"1","p":"2"},"size":1,"modificationTime":2,)"
       R"("dataChange":true}})",
       "add", "partitionValues.p"},
      {R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,)"
       R"("dataChange":true,"deletionVector":{"storageType":"u","pathOrInlineDv":"x",)"
       R"("offset":"1","sizeInBytes":1,"cardinality":1}}})",
       "add", "deletionVector.offset"},
      {R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,)"
       R"("dataChange":true,"deletionVector":{"storageType":"u","pathOrInlineDv":"x",)"
       R"("sizeInBytes":1}}})",
       "add", "deletionVector.cardinality"},
      {R"({"add":[]})", "add", ""},
      {R"({"remove":{"path":"a"}})", "remove", "dataChange"},
      {R"({"remove":{"dataChange":true}})", "remove", "path"},
      {R"({"cdc":{"path":"a","partitionValues":{},"dataChange":false}})", "cdc", "size"},
      {R"({"cdc":{"path":"a","size":1,"dataChange":false}})", "cdc", "partitionValues"},
      {R"({"cdc":{"path":"a","partitionValues":{},"size":1}})", "cdc", "dataChange"},
      {R"({"metaData":{"format":{"provider":"parquet"},"schemaString":"{}",)"
       R"("partitionColumns":[],"configuration":{}}})",
       "metaData", "id"},
      {R"({"metaData":{"id":"i","format":{},"schemaString":"{}",)"
       R"("partitionColumns":[],"configuration":{}}})",
       "metaData", "format.provider"},
      {R"({"metaData":{"id":"i","schemaString":"{}","partitionColumns":[],"configuration":{}}})",
       "metaData", "format"},
      {R"({"metaData":{"id":"i","format":{"provider":"parquet"},)"
       R"("partitionColumns":[],"configuration":{}}})",
       "metaData", "schemaString"},
      {R"({"metaData":{"id":"i","format":{"provider":"parquet"},"schemaString":"{}",)"
       R"("configuration":{}}})",
       "metaData", "partitionColumns"},
      {R"({"metaData":{"id":"i","format":{"provider":"parquet"},"schemaString":"{}",)"
       R"("partitionColumns":[]}})",
       "metaData", "configuration"},
      {R"({"metaData":{"id":"i","format":{"provider":"parquet"},"schemaString":"{}",)"
       R"("partitionColumns":[1],"configuration":{}}})",
       "metaData", "partitionColumns"},
      {R"({"metaData":{"id":"i","format":{"provider":"parquet"},"schemaString":"{}",)"
       R"("partitionColumns":[],"configuration":{"k":null}}})",
       "metaData", "configuration.k"},
      {R"({"protocol":{"minWriterVersion":2}})", "protocol", "minReaderVersion"},
      {R"({"protocol":{"minReaderVersion":1}})", "protocol", "minWriterVersion"},
      {R"({"protocol":{"minReaderVersion":99999999999,"minWriterVersion":2}})", "protocol",
       "minReaderVersion"},
      {R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":"x"}})",
       "protocol", "readerFeatures"},
      {R"({"txn":{"version":1}})", "txn", "appId"},
      {R"({"txn":{"appId":"a"}})", "txn", "version"},
      {R"({"domainMetadata":{"domain":"d","removed":false}})", "domainMetadata", "configuration"},
      {R"({"domainMetadata":{"domain":"d","configuration":""}})", "domainMetadata", "removed"},
      {R"({"domainMetadata":{"domain":"d","configuration":{},"removed":false}})", "domainMetadata",
       "configuration"},
      {R"({"commitInfo":[]})", "commitInfo", ""},
      {R"({"commitInfo":"x"})", "commitInfo", ""},
      {R"({"commitInfo":{"a":1,"a":2}})", "commitInfo", "a"},
      {R"({"checkpointMetadata":{"version":1}})", "checkpointMetadata", ""},
      {R"({"sidecar":{"path":"x","sizeInBytes":1}})", "sidecar", ""},
  };
  for (const WrongLine& wrong : lines) {
    const Error error = Refusal(wrong.line);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << wrong.line;
    EXPECT_EQ(Fact(error, "action"), wrong.action) << wrong.line;
    EXPECT_EQ(Fact(error, "field"), wrong.field) << wrong.line;
    EXPECT_EQ(Fact(error, "line"), "7") << wrong.line;
    EXPECT_THAT(error.message(), HasSubstr("line 7: ")) << wrong.line;
  }
}

TEST(StagedActionsTest, LineThatIsNoAction_IsRefused) {
  for (const std::string_view line :
       {"[]", "1", "x", "{}", R"({"add":null})", R"({"txn":{"appId":"a","version":1},"b":1})",
        R"({"b":1,"txn":{"appId":"a","version":1}})", R"({"txn":{"appId":"a","version":1}} {})",
        "{\"b\":\"\xFF\"}", R"({"b":1,"b":2})", R"({"b":tru})"}) {
    const Error error = Refusal(line);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << line;
    EXPECT_EQ(Fact(error, "line"), "7") << line;
  }
}

TEST(StagedActionsTest, SecondOfAKindThatIsOnce_IsRefused) {
  for (const std::string_view line :
       {kMetadata, std::string_view(R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})"),
        std::string_view(R"({"commitInfo":{}})")}) {
    StagedActions staged;
    ASSERT_TRUE(staged.Take(line, 1).has_value()) << line;
    const auto second = staged.Take(line, 2);
    ASSERT_FALSE(second.has_value()) << line;
    EXPECT_EQ(second.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(Fact(second.error(), "line"), "2");
  }
  StagedActions staged;
  ASSERT_TRUE(staged.Append(Protocol{1, 2, {}, {}, {}}).has_value());
  EXPECT_FALSE(staged.Append(Protocol{1, 2, {}, {}, {}}).has_value());
  ASSERT_TRUE(staged.Append(Metadata()).has_value());
  EXPECT_FALSE(staged.Append(Metadata()).has_value());
  ASSERT_TRUE(staged.AppendCommitInfo("{}").has_value());
  EXPECT_FALSE(staged.AppendCommitInfo("{}").has_value());
}

TEST(StagedActionsTest, UnknownFields_ComeOutVerbatimBehindTheKnownOnes) {
  const std::vector<std::string> lines = {
      R"({"metaData":{"id":"i","format":{"provider":"parquet","options":{},"f":1e2},)"
      R"("schemaString":"{}","partitionColumns":[],"configuration":{},"new":{"a": [1.50]}}})",
      R"({"domainMetadata":{"domain":"d","configuration":"","removed":true,"since":1}})",
      R"({"txn":{"appId":"a","version":1,"x":"\u00e9"}})",
      R"({"remove":{"path":"r","dataChange":true,"backReference":{"manifest":"m","pos":1}}})",
      R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,)"
      R"("dataChange":true,"deletionVector":{"storageType":"p","pathOrInlineDv":"x",)"
      R"("sizeInBytes":1,"cardinality":1,"maxRowIndex":9},"z":0.10,"a":[]}})",
      R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false,"q":true}})",
      R"({"futureAction":{"a":1.0}})",
  };
  StagedActions staged;
  std::string all;
  for (const std::string& line : lines) {
    const auto taken = staged.Take(line, 1);
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    all += line + "\n";
  }
  EXPECT_EQ(TextOf(staged), all);
  EXPECT_EQ(staged.size(), lines.size());
}

TEST(StagedActionsTest, LineBreaksBetweenTokens_DoNotReachTheText) {
  StagedActions staged;
  ASSERT_TRUE(staged.Take("{\"txn\":{\"appId\":\"a\\n\",\"version\":1,\"x\":[1,\n\r2]}}\r", 1));
  ASSERT_TRUE(staged.Take(" {\"future\":\n1} ", 1));
  Metadata metadata;
  metadata.unknown_fields = {{"u", "{\n}"}};
  ASSERT_TRUE(staged.Append(std::move(metadata)));
  EXPECT_EQ(TextOf(staged), R"({"metaData":{"partitionColumns":[],"configuration":{},"u":{ }}})"
                            "\n"
                            R"({"txn":{"appId":"a\n","version":1,"x":[1,  2]}})"
                            "\n"
                            R"({"future": 1})"
                            "\n");
}

TEST(StagedActionsTest, TypedActions_KeepTheirTextsWhenTheCallersAreGone) {
  StagedActions staged;
  {
    const std::string path = "day=1/a%20b", key = "day", value = "1", stats = "{}", id = "u123";
    const std::array values{StringMapEntry{key, value}, StringMapEntry{"n", std::nullopt}};
    AddFile add;
    add.path = path;
    add.partition_values = values;
    add.stats = stats;
    add.tags = values;
    add.deletion_vector = DeletionVector{"u", id, 1, 2, 3};
    add.clustering_provider = value;
    ASSERT_TRUE(staged.Append(add).has_value());
    RemoveFile remove;
    remove.path = path;
    remove.partition_values = values;
    remove.deletion_vector = DeletionVector{"p", id, std::nullopt, 2, 3};
    ASSERT_TRUE(staged.Append(remove).has_value());
    CdcFile cdc;
    cdc.path = path;
    cdc.partition_values = values;
    ASSERT_TRUE(staged.Append(cdc).has_value());
  }
  const StagedActions moved = std::move(staged);
  EXPECT_EQ(TextOf(moved),
            R"({"remove":{"path":"day=1/a%20b","dataChange":false,)"
            R"("partitionValues":{"day":"1","n":null},"deletionVector":{"storageType":"p",)"
            R"("pathOrInlineDv":"u123","sizeInBytes":2,"cardinality":3}}})"
            "\n"
            R"({"add":{"path":"day=1/a%20b","partitionValues":{"day":"1","n":null},"size":0,)"
            R"("modificationTime":0,"dataChange":false,"stats":"{}",)"
            R"("tags":{"day":"1","n":null},"deletionVector":{"storageType":"u",)"
            R"("pathOrInlineDv":"u123","offset":1,"sizeInBytes":2,"cardinality":3},)"
            R"("clusteringProvider":"1"}})"
            "\n"
            R"({"cdc":{"path":"day=1/a%20b","partitionValues":{"day":"1","n":null},"size":0,)"
            R"("dataChange":false}})"
            "\n");
}

TEST(StagedActionsTest, TypedTextThatIsNotUtf8_IsRefusedByField) {
  StagedActions staged;
  AddFile add;
  add.path = "a\xC3";
  auto refused = staged.Append(add);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Fact(refused.error(), "action"), "add");
  EXPECT_EQ(Fact(refused.error(), "field"), "path");

  refused = staged.Append(DomainMetadata{"d", "\xFF", false});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(Fact(refused.error(), "field"), "configuration");

  Metadata metadata;
  metadata.unknown_fields = {{"u", "{"}};
  refused = staged.Append(metadata);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(Fact(refused.error(), "field"), "u");
  EXPECT_TRUE(staged.empty());
}

TEST(StagedActionsTest, CommitInfoThatIsNoObject_IsRefused) {
  StagedActions staged;
  for (const std::string_view json : {"", "1", "[]", "null", "{},\"add\":{}", "{}} {", "{\"a\"}"}) {
    EXPECT_FALSE(staged.AppendCommitInfo(json).has_value()) << json;
  }
  EXPECT_TRUE(staged.AppendCommitInfo(R"({"operation":"X"})").has_value());
  EXPECT_EQ(staged.commit_info()->action.operation, "X");
}

TEST(StagedActionsTest, Limits_HoldAtTheLimitAndRefuseOnePast) {
  const std::string line(kAdd);
  const auto refused_limit = [](const Result<void>& result) {
    EXPECT_FALSE(result.has_value());
    if (result) return std::string();
    EXPECT_EQ(result.error().code(), ErrorCode::kLimitExceeded);
    return Fact(result.error(), "limit");
  };
  StagedActions two({.actions_max = 2});
  EXPECT_TRUE(two.Take(line, 1));
  EXPECT_TRUE(two.Append(AppTransaction{"a", 1, {}}));
  EXPECT_EQ(refused_limit(two.Take(line, 3)), "actions");
  EXPECT_EQ(refused_limit(two.Append(AppTransaction{"b", 1, {}})), "actions");
  EXPECT_EQ(two.size(), 2U);

  StagedActions narrow({.line_bytes_max = line.size()});
  EXPECT_TRUE(narrow.Take(line, 1));
  const auto longer = narrow.Take(line + " ", 2);
  EXPECT_EQ(refused_limit(longer), "action bytes");
  EXPECT_EQ(Fact(longer.error(), "line"), "2");

  StagedActions small({.bytes_max = 2 * line.size()});
  EXPECT_TRUE(small.Take(line, 1));
  EXPECT_TRUE(small.Take(line, 2));
  EXPECT_EQ(refused_limit(small.Take("{}", 3)), "commit bytes");

  // A line that is refused does not use up the room of others.
  StagedActions again({.bytes_max = line.size()});
  EXPECT_FALSE(again.Take(R"({"add":{}})", 1));
  EXPECT_TRUE(again.Take(line, 2));
}

TEST(StagedActionsTest, ObjectWithManyFields_IsTakenUpToTheLimit) {
  const auto line = [](std::size_t fields) {
    std::string text = R"({"txn":{"appId":"a","version":1)";
    for (std::size_t i = 2; i < fields; ++i) text += ",\"f" + std::to_string(i) + "\":0";
    return text + "}}";
  };
  StagedActions staged;
  EXPECT_TRUE(staged.Take(line(kFieldsPerObjectMax), 1));
  const auto refused = staged.Take(line(kFieldsPerObjectMax + 1), 1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kLimitExceeded);
}

TEST(StagedActionsTest, BlankLines_ArePassedOver) {
  StagedActions staged;
  for (const std::string_view line : {"", " ", "\t\r"}) EXPECT_TRUE(staged.Take(line, 1));
  EXPECT_TRUE(staged.empty());
}

TEST(StagedActionsTest, NullFields_AreAbsent) {
  StagedActions staged;
  ASSERT_TRUE(staged.Take(R"({"remove":{"path":"r","dataChange":true,"size":null,"tags":null,)"
                          R"("deletionVector":null,"unknown":null}})",
                          1));
  EXPECT_EQ(TextOf(staged), "{\"remove\":{\"path\":\"r\",\"dataChange\":true}}\n");
}

}  // namespace
}  // namespace deltalakedb::protocol
