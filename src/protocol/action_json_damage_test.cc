// Lines that are no actions, or broken ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "protocol/action_json.h"
#include "protocol/parsed_lines_internal.h"

namespace deltalakedb::protocol {
namespace {

using namespace testing_lines;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(DamagedActionTest, TruncatedAtEveryByte_IsCorrupt) {
  const std::vector<std::string> whole = {
      std::string(kFullAdd),
      R"({"remove":{"path":"a","partitionValues":{"k":"v"},"tags":{"t":null},"stats":"{}"}})",
      R"({"cdc":{"path":"a","partitionValues":{},"size":1,"dataChange":false}})",
      R"({"metaData":{"id":"i","format":{"provider":"parquet","options":{}},"schemaString":"{}",)"
      R"("partitionColumns":["p"],"configuration":{"k":"v"},"x":[1]}})",
      R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["a"]}})",
      R"({"txn":{"appId":"a","version":12,"lastUpdated":13}})",
      R"({"domainMetadata":{"domain":"d","configuration":"{}","removed":false}})",
      R"({"commitInfo":{"timestamp":12,"operationParameters":{"a":[1]},"isBlindAppend":true}})",
      R"({"checkpointMetadata":{"version":1,"tags":{}}})",
      R"({"sidecar":{"path":"a","sizeInBytes":1,"modificationTime":2}})",
      R"({"unknown":{"deep":[{"er":true}]}})",
  };
  for (const std::string& line : whole) {
    Lines lines;
    for (const FileDetail detail : kEveryDetail) {
      ASSERT_TRUE(lines.Parse(line, detail).has_value()) << line;
      for (std::size_t length = 0; length < line.size(); ++length) {
        const auto action = lines.Parse(line.substr(0, length), detail);
        ASSERT_FALSE(action.has_value()) << line.substr(0, length);
        EXPECT_EQ(action.error().code(), ErrorCode::kCorrupt);
        EXPECT_FALSE(action.error().message().empty());
      }
    }
    // Neither does a parser carry anything over from a broken line.
    EXPECT_EQ(lines.Get<AddFile>(kMinimalAdd).path, "a");
  }
}

TEST(DamagedActionTest, MissingRequiredFields_AreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"add":{"size":1,"modificationTime":2,"dataChange":true}})", "add.path"},
      {R"({"add":{"path":null,"size":1,"modificationTime":2,"dataChange":true}})", "add.path"},
      {R"({"add":{"path":"a","modificationTime":2,"dataChange":true}})", "add.size"},
      {R"({"add":{"path":"a","size":1,"dataChange":true}})", "add.modificationTime"},
      {R"({"add":{"path":"a","size":1,"modificationTime":2}})", "add.dataChange"},
      {R"({"add":{"path":"a","size":1,"modificationTime":2,"dataChange":true,"deletionVector":{}}})",
       "deletionVector.storageType"},
      {R"({"remove":{"path":"a","deletionVector":{"storageType":"u"}}})",
       "deletionVector.pathOrInlineDv"},
      {R"({"remove":{}})", "remove.path"},
      {R"({"cdc":{"size":1}})", "cdc.path"},
      {R"({"protocol":{"minWriterVersion":1}})", "protocol.minReaderVersion"},
      {R"({"protocol":{"readerVersion":1,"writerVersion":2}})", "protocol.minReaderVersion"},
      {R"({"protocol":{"minReaderVersion":1}})", "protocol.minWriterVersion"},
      {R"({"txn":{"version":1}})", "txn.appId"},
      {R"({"txn":{"appId":"a"}})", "txn.version"},
      {R"({"domainMetadata":{"configuration":""}})", "domainMetadata.domain"},
      {R"({"checkpointMetadata":{}})", "checkpointMetadata.version"},
      {R"({"sidecar":{}})", "sidecar.path"},
  };
  for (const auto& [line, field] : cases) EXPECT_THAT(Refusal(line), HasSubstr(field)) << line;
}

// Wrong types are wrong even where the detail asked for leaves the field out: a table must not be
// fine for one command and corrupt for the next.
TEST(DamagedActionTest, FieldsOfWrongTypes_AreCorruptWhateverTheDetail) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"add":[]})", "add"},
      {R"({"add":"a"})", "add"},
      {R"({"add":{"path":1}})", "path"},
      {R"({"add":{"path":"a","size":"1"}})", "size"},
      {R"({"add":{"path":"a","size":1.5}})", "size"},
      {R"({"add":{"path":"a","size":9223372036854775808}})", "size"},
      {R"({"add":{"path":"a","modificationTime":true}})", "modificationTime"},
      {R"({"add":{"path":"a","dataChange":"true"}})", "dataChange"},
      {R"({"add":{"path":"a","stats":{}}})", "stats"},
      {R"({"add":{"path":"a","stats":7}})", "stats"},
      {R"({"add":{"path":"a","partitionValues":[]}})", "partitionValues"},
      {R"({"add":{"path":"a","partitionValues":"p"}})", "partitionValues"},
      {R"({"add":{"path":"a","partitionValues":{"p":1}}})", "p"},
      {R"({"add":{"path":"a","tags":[]}})", "tags"},
      {R"({"add":{"path":"a","tags":{"t":{}}}})", "t"},
      {R"({"add":{"path":"a","deletionVector":"u"}})", "deletionVector"},
      {R"({"add":{"path":"a","deletionVector":{"offset":2147483648}}})", "offset"},
      {R"({"add":{"path":"a","baseRowId":"1"}})", "baseRowId"},
      {R"({"remove":{"path":"a","deletionTimestamp":"1"}})", "deletionTimestamp"},
      {R"({"remove":{"path":"a","partitionValues":[]}})", "partitionValues"},
      {R"({"remove":{"path":"a","stats":[]}})", "stats"},
      {R"({"remove":{"path":"a","tags":1}})", "tags"},
      {R"({"remove":{"path":"a","size":false}})", "size"},
      {R"({"cdc":{"path":"a","partitionValues":1}})", "partitionValues"},
      {R"({"metaData":{"id":1}})", "id"},
      {R"({"metaData":{"format":"parquet"}})", "format"},
      {R"({"metaData":{"schemaString":{}}})", "schemaString"},
      {R"({"metaData":{"partitionColumns":"p"}})", "partitionColumns"},
      {R"({"metaData":{"partitionColumns":[1]}})", "partitionColumns"},
      {R"({"metaData":{"configuration":{"k":true}}})", "k"},
      {R"({"protocol":{"minReaderVersion":"1"}})", "minReaderVersion"},
      {R"({"protocol":{"minReaderVersion":4294967297}})", "minReaderVersion"},
      {R"({"protocol":{"readerFeatures":"a"}})", "readerFeatures"},
      {R"({"txn":{"appId":1}})", "appId"},
      {R"({"domainMetadata":{"domain":"d","removed":1}})", "removed"},
      {R"({"commitInfo":[]})", "commitInfo"},
      {R"({"checkpointMetadata":{"version":"1"}})", "version"},
      {R"({"sidecar":{"path":[]}})", "path"},
  };
  for (const auto& [line, field] : cases) {
    for (const FileDetail detail : kEveryDetail) {
      EXPECT_THAT(Refusal(line, detail), HasSubstr(field)) << line;
    }
  }
}

TEST(DamagedActionTest, InvalidJsonInsideSkippedFields_IsCorruptWhateverTheDetail) {
  const char* const values[] = {
      R"("stats":nul)",
      R"("stats":"a" "b")",
      R"("partitionValues":{"a" "b"})",
      R"("partitionValues":{"a":"b" "c":"d"})",
      R"("partitionValues":{"a":tru})",
      R"("partitionValues":{a:"b"})",
      R"("tags":{"a":"b",})",
      R"("tags":{,})",
      R"("tags":{"a":1 2})",
      R"("x":[1,,2])",
      R"("x":{"a":01})",
      R"("x":[1}])",
      R"("x":+1)",
      R"("x":.5)",
      R"("x":NaN)",
      R"("x":'a')",
      R"("x":[1 2])",
      R"("x":12a)",
  };
  for (const char* const value : values) {
    for (const FileDetail detail : kEveryDetail) {
      const std::string line =
          R"({"add":{"path":"a","size":1,"modificationTime":2,"dataChange":true,)" +
          std::string(value) + "}}";
      EXPECT_NE(Refusal(line, detail), "taken") << line;
    }
  }
  for (const char* const value : {R"("stats":"\q")", R"("stats":"\u12")", R"("tags":{"a":"\x"})"}) {
    EXPECT_NE(Refusal(R"({"add":{"path":"a","size":1,"modificationTime":2,"dataChange":true,)" +
                      std::string(value) + "}}"),
              "taken");
  }
}

TEST(DamagedActionTest, TwoActionsInOneLine_AreCorrupt) {
  const std::string txn = R"("txn":{"appId":"a","version":1})";
  EXPECT_THAT(Refusal("{" + txn + R"(,"remove":{"path":"a"}})"), HasSubstr("two actions"));
  EXPECT_THAT(Refusal("{" + txn + "," + txn + "}"), HasSubstr("two actions"));
  EXPECT_THAT(Refusal("{" + txn + "}{" + txn + "}"), HasSubstr("follows"));
  EXPECT_NE(Refusal("{" + txn + "} x"), "taken");
  EXPECT_NE(Refusal("{" + txn + "}}"), "taken");
  EXPECT_NE(Refusal("{" + txn + "},"), "taken");
}

TEST(DamagedActionTest, OtherThanAnObject_IsCorrupt) {
  for (const char* const line : {"[]", R"([{"txn":{"appId":"a","version":1}}])", "7", "\"add\"",
                                 "null", "true", "x", ",", "}"}) {
    EXPECT_NE(Refusal(line), "taken") << line;
  }
  EXPECT_NE(Refusal(std::string(3, '\0')), "taken");
  EXPECT_THAT(Refusal("[]"), HasSubstr("one object per line"));
}

TEST(DamagedActionTest, FieldGivenTwice_LastOneWins) {
  Lines lines;
  const auto add = lines.Get<AddFile>(
      R"({"add":{"path":"a","path":"b","size":1,"size":2,"modificationTime":2,"dataChange":true,)"
      R"("tags":{"x":"1"},"tags":{"y":"2"}}})");
  EXPECT_EQ(add.path, "b");
  EXPECT_EQ(add.size, 2);
  ASSERT_EQ(add.tags->size(), 1U);
  EXPECT_EQ((*add.tags)[0].key, "y");
  const auto metadata = lines.Get<Metadata>(
      R"({"metaData":{"configuration":{"a":"1"},"configuration":{"b":"1","b":"2"},)"
      R"("partitionColumns":["p"],"partitionColumns":[]}})");
  EXPECT_THAT(metadata.configuration, ElementsAre(Pair("b", "2")));
  EXPECT_THAT(metadata.partition_columns, IsEmpty());
}

TEST(DamagedActionTest, DepthBombs_AreRefusedOrTakenButNeverOverflow) {
  constexpr std::size_t kDepth = 50'000;
  for (const FileDetail detail : kEveryDetail) {
    for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
      std::string opened;
      std::string closed;
      for (std::size_t i = 0; i < kDepth; ++i) {
        opened += open;
        closed += close;
      }
      Lines lines;
      // Unknown and known places; unclosed, and closed around a number.
      for (const std::string& value : {opened, opened + "1" + closed}) {
        for (const char* const start : {"{\"new\":", "{\"commitInfo\":{\"x\":", "{\"add\":{\"x\":",
                                        "{\"add\":{\"stats\":", "{\"metaData\":{\"x\":", ""}) {
          const std::string text = start + value;
          const auto open_braces = std::count(start, start + std::strlen(start), '{');
          const auto action =
              lines.Parse(text + std::string(static_cast<std::size_t>(open_braces), '}'), detail);
          if (!action) {
            EXPECT_EQ(action.error().code(), ErrorCode::kCorrupt);
          }
        }
      }
    }
  }
}

TEST(DamagedActionTest, LineAboveTheLimit_IsRefused) {
  ActionParser parser;
  Arena arena;
  // Never looked at, so it need not exist.
  const char start = '{';
  const auto action =
      parser.Parse(std::string_view(&start, kActionLineBytesMax + 1), FileDetail::kAll, arena);
  ASSERT_FALSE(action.has_value());
  EXPECT_EQ(action.error().code(), ErrorCode::kLimitExceeded);
}

// Less detail may skip, but never judges otherwise than all of it does (but for escapes, of which
// these lines have none).
TEST(DamagedActionTest, DamagedLines_AreJudgedAlikeByEveryDetail) {
  std::mt19937 random(20240102);
  const std::string alphabet = R"({}[]":,truefalsn0123456789.-eE u"}{,:)";
  std::string full(kFullAdd);
  std::erase(full, '\\');
  full.replace(full.find("\"{\"numRecords\":3}\""), 18, "\"'numRecords':3\"");
  Lines lines;
  for (int round = 0; round < 8'000; ++round) {
    std::string line = round % 3 == 0 ? std::string(kMinimalAdd) : full;
    for (unsigned edits = 1 + random() % 2; edits > 0; --edits) {
      const std::size_t at = random() % line.size();
      switch (random() % 3) {
        case 0:
          line[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          line.erase(at, 1);
          break;
        default:
          line.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
      }
    }
    const bool taken = lines.Parse(line, FileDetail::kAll).has_value();
    ASSERT_EQ(lines.Parse(line, FileDetail::kWithoutStats).has_value(), taken) << line;
    ASSERT_EQ(lines.Parse(line, FileDetail::kIdentity).has_value(), taken) << line;
  }
}

}  // namespace
}  // namespace deltalakedb::protocol
