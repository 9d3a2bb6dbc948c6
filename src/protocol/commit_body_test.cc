#include "protocol/commit_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/json_text.h"

namespace deltalakedb::protocol {
namespace {

using testing::HasSubstr;

CommitInfoFields Info() {
  CommitInfoFields info;
  info.timestamp = Timestamp(1'700'000'000'000);
  info.operation = "WRITE";
  info.operation_parameters = R"({"mode":"Append","partitionBy":"[]"})";
  info.read_version = Version(4);
  info.is_blind_append = true;
  info.engine_info = "deltalakedb";
  info.txn_id = "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d";
  return info;
}

void Take(StagedActions& staged, std::string_view line) {
  const auto taken = staged.Take(line, 1);
  ASSERT_TRUE(taken.has_value()) << taken.error().message();
}

TEST(CommitBodyTest, CommitInfo_HasSparksFieldsInItsOrder) {
  CommitInfoFields info = Info();
  EXPECT_EQ(WriteCommitInfo(info),
            R"({"commitInfo":{"timestamp":1700000000000,"operation":"WRITE",)"
            R"("operationParameters":{"mode":"Append","partitionBy":"[]"},"readVersion":4,)"
            R"("isolationLevel":"Serializable","isBlindAppend":true,"engineInfo":"deltalakedb",)"
            R"("txnId":"0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d"}})"
            "\n");
  info.in_commit_timestamp = Timestamp(1'700'000'000'001);
  info.isolation_level = IsolationLevel::kSnapshotIsolation;
  info.read_version.reset();
  info.is_blind_append = false;
  info.operation_metrics = " {\"numFiles\":\"1\",\n \"x\":\"2\"}\n";
  info.user_metadata = "a \"note\"";
  info.tags = {{"delta.rowTracking.preserved", "false"}};
  EXPECT_EQ(WriteCommitInfo(info),
            R"({"commitInfo":{"inCommitTimestamp":1700000000001,"timestamp":1700000000000,)"
            R"("operation":"WRITE","operationParameters":{"mode":"Append","partitionBy":"[]"},)"
            R"("isolationLevel":"SnapshotIsolation","isBlindAppend":false,)"
            R"("operationMetrics":{"numFiles":"1",  "x":"2"},"userMetadata":"a \"note\"",)"
            R"("tags":{"delta.rowTracking.preserved":"false"},"engineInfo":"deltalakedb",)"
            R"("txnId":"0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d"}})"
            "\n");
}

TEST(CommitBodyTest, OwnFields_ComeBehindAndDoNotReplaceOurs) {
  const auto line = WriteCommitInfo(
      Info(),
      R"({"operation":"EVIL","clusterId":"c\u00e9","userMetadata":"mine","job":{"id": 1.50}})");
  ASSERT_TRUE(line.has_value());
  EXPECT_THAT(*line, HasSubstr(R"("operation":"WRITE")"));
  EXPECT_THAT(*line, testing::Not(HasSubstr("EVIL")));
  EXPECT_TRUE(line->ends_with(R"(,"clusterId":"c\u00e9","userMetadata":"mine","job":{"id": 1.50}}})"
                              "\n"))
      << *line;
}

TEST(CommitBodyTest, OwnFieldsThatOnlyTheWriterKnows_AreLeftOut) {
  CommitInfoFields info = Info();
  info.read_version.reset();
  const auto line = WriteCommitInfo(
      info, R"({"inCommitTimestamp":1,"readVersion":2,"version":3,"txnId":"x","last":4})");
  ASSERT_TRUE(line.has_value());
  EXPECT_TRUE(line->ends_with(R"("txnId":"0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d","last":4}})"
                              "\n"))
      << *line;
  for (const std::string_view name : {"inCommitTimestamp", "readVersion", "version"}) {
    EXPECT_THAT(*line, testing::Not(HasSubstr("\"" + std::string(name) + "\"")));
  }
}

TEST(CommitBodyTest, Tags_AreOursAndThoseOfTheUserBehind) {
  constexpr std::string_view kOwn = R"({"tags":{"mine":"1","ours":"2","n":null}})";
  CommitInfoFields info = Info();
  EXPECT_THAT(*WriteCommitInfo(info, kOwn),
              HasSubstr(R"("tags":{"mine":"1","ours":"2","n":null})"));
  info.tags = {{"ours", "3"}};
  EXPECT_THAT(*WriteCommitInfo(info, kOwn),
              HasSubstr(R"("tags":{"ours":"3","mine":"1","n":null})"));
  EXPECT_THAT(*WriteCommitInfo(info, R"({"tags":5})"), HasSubstr(R"("tags":{"ours":"3"})"));
}

TEST(CommitBodyTest, WrongCommitInfo_IsRefusedByField) {
  const auto refused_field = [](const CommitInfoFields& info) {
    const auto line = WriteCommitInfo(info);
    EXPECT_FALSE(line.has_value());
    if (line) return std::string();
    EXPECT_EQ(line.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(*line.error().FindFact("action"), Error::FactValue("commitInfo"));
    return std::get<std::string>(*line.error().FindFact("field"));
  };
  CommitInfoFields info = Info();
  info.operation = "\xFF";
  EXPECT_EQ(refused_field(info), "operation");
  info = Info();
  info.operation_parameters = "[]";
  EXPECT_EQ(refused_field(info), "operationParameters");
  info.operation_parameters = "";
  EXPECT_EQ(refused_field(info), "operationParameters");
  info = Info();
  info.operation_metrics = R"({"a":})";
  EXPECT_EQ(refused_field(info), "operationMetrics");
  info = Info();
  info.tags = {{"\xC0", ""}};
  EXPECT_EQ(refused_field(info), "tags");
  EXPECT_FALSE(WriteCommitInfo(Info(), "[]").has_value());
}

TEST(CommitBodyTest, Actions_ComeInTheOrderOfKinds) {
  StagedActions staged;
  Take(staged, R"({"future":1})");
  Take(staged, R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}})");
  Take(staged, R"({"add":{"path":"a2","partitionValues":{},"size":1,"modificationTime":2,)"
               R"("dataChange":true}})");
  Take(staged, R"({"remove":{"path":"r","dataChange":true}})");
  Take(staged, R"({"add":{"path":"a1","partitionValues":{},"size":1,"modificationTime":2,)"
               R"("dataChange":true}})");
  Take(staged, R"({"txn":{"appId":"t","version":1}})");
  Take(staged, R"({"domainMetadata":{"domain":"d","configuration":"","removed":false}})");
  Take(staged, R"({"metaData":{"id":"i","format":{"provider":"parquet"},"schemaString":"{}",)"
               R"("partitionColumns":[],"configuration":{}}})");
  Take(staged, R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})");
  Take(staged, R"({"commitInfo":{"x":1}})");
  staged.SetOwnDomain(DomainMetadata{"delta.rowTracking", R"({"rowIdHighWaterMark":1})", false});
  const auto body = CommitBody::Make(staged, Info());
  ASSERT_TRUE(body.has_value());
  EXPECT_THAT(std::string(body->commit_info()), HasSubstr(R"("x":1}})"));
  EXPECT_EQ(body->table_actions(),
            R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"i","format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":[],"configuration":{}}}
{"domainMetadata":{"domain":"delta.rowTracking","configuration":"{\"rowIdHighWaterMark\":1}","removed":false}}
{"domainMetadata":{"domain":"d","configuration":"","removed":false}}
{"txn":{"appId":"t","version":1}}
)");
  EXPECT_EQ(body->files(),
            R"({"remove":{"path":"r","dataChange":true}}
{"add":{"path":"a2","partitionValues":{},"size":1,"modificationTime":2,"dataChange":true}}
{"add":{"path":"a1","partitionValues":{},"size":1,"modificationTime":2,"dataChange":true}}
{"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}}
{"future":1}
)");
  EXPECT_EQ(body->Text(), std::string(body->commit_info()) + std::string(body->table_actions()) +
                              std::string(body->files()));
  EXPECT_EQ(body->size_bytes(), body->Text().size());
}

TEST(CommitBodyTest, RewrittenPart_LeavesTheOthersAsTheyAre) {
  StagedActions staged;
  Take(staged, R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,)"
               R"("dataChange":true}})");
  auto body = CommitBody::Make(staged, Info());
  ASSERT_TRUE(body.has_value());
  const std::string files(body->files());
  CommitInfoFields info = Info();
  info.read_version = Version(9);
  ASSERT_TRUE(body->RewriteCommitInfo(staged, info));
  EXPECT_EQ(body->commit_info(), *WriteCommitInfo(info));
  EXPECT_EQ(body->files(), files);

  staged.mutable_adds()[0].action.base_row_id = 5;
  ASSERT_TRUE(body->RewriteFiles(staged));
  EXPECT_THAT(std::string(body->files()), HasSubstr(R"("baseRowId":5)"));
  staged.SetOwnDomain(DomainMetadata{"delta.rowTracking", "", false});
  ASSERT_TRUE(body->RewriteTableActions(staged));
  EXPECT_THAT(std::string(body->table_actions()), HasSubstr("delta.rowTracking"));
  EXPECT_EQ(body->commit_info(), *WriteCommitInfo(info));
}

TEST(CommitBodyTest, TextAtTheLimit_IsWrittenAndOnePastRefused) {
  StagedActions staged;
  Take(staged, R"({"txn":{"appId":"t","version":1}})");
  Take(staged, R"({"remove":{"path":"r","dataChange":true}})");
  const auto body = CommitBody::Make(staged, Info());
  ASSERT_TRUE(body.has_value());
  auto fits = CommitBody::Make(staged, Info(), body->size_bytes());
  ASSERT_TRUE(fits.has_value());
  const auto refused = CommitBody::Make(staged, Info(), body->size_bytes() - 1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kLimitExceeded);

  // A rewrite beyond the limit leaves the body as it was.
  CommitInfoFields longer = Info();
  longer.user_metadata = "more";
  EXPECT_FALSE(fits->RewriteCommitInfo(staged, longer).has_value());
  EXPECT_EQ(fits->Text(), body->Text());
}

}  // namespace
}  // namespace deltalakedb::protocol
