#include "protocol/json_document.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltalakedb::protocol {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;

std::string Nested(std::size_t depth) {
  return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

TEST(JsonDocument, MembersInOrder_HaveVerbatimTexts) {
  const auto document = JsonDocument::ParseObject(
      " {\"n\" : 1.50E+2 , \"big\":123456789012345678901234567890,\"o\": { \"x\" : [ 1 , {} ] } ,"
      "\"\\u0065\":[],\"t\":true,\"z\":null} \n",
      kBytesMax);
  ASSERT_TRUE(document) << document.error().message();
  std::vector<std::string> seen;
  document->root().ForEachMember([&](std::string_view name, JsonValue value) {
    seen.push_back(std::string(name) + "=" + std::string(value.text()));
    return true;
  });
  const std::vector<std::string> expected = {"n=1.50E+2",
                                             "big=123456789012345678901234567890",
                                             "o={ \"x\" : [ 1 , {} ] }",
                                             "e=[]",
                                             "t=true",
                                             "z=null"};
  EXPECT_EQ(seen, expected);
}

TEST(JsonDocument, Values_AreReadAsTheirKindOnly) {
  const auto document = JsonDocument::ParseObject(
      R"({"a":["x\n\u00e9é","7",7,-9223372036854775808,1.0,false]})", kBytesMax);
  ASSERT_TRUE(document) << document.error().message();
  std::vector<JsonValue> values;
  document->root().ForEachMember([&](std::string_view, JsonValue array) {
    return array.ForEachElement([&](JsonValue value) {
      values.push_back(value);
      return true;
    });
  });
  ASSERT_EQ(values.size(), 6U);
  EXPECT_EQ(values[0].AsString(), "x\néé");
  EXPECT_EQ(values[1].AsString(), "7");
  EXPECT_EQ(values[1].AsInt64(), std::nullopt);
  EXPECT_EQ(values[2].AsInt64(), 7);
  EXPECT_EQ(values[2].AsString(), std::nullopt);
  EXPECT_EQ(values[3].AsInt64(), INT64_MIN);
  EXPECT_EQ(values[4].AsInt64(), std::nullopt);
  EXPECT_EQ(values[4].kind(), JsonKind::kNumber);
  EXPECT_EQ(values[5].AsBool(), false);
}

TEST(JsonDocument, VisitorThatStops_IsNotCalledAgain) {
  const auto document = JsonDocument::ParseObject(R"({"a":1,"b":2})", kBytesMax);
  ASSERT_TRUE(document);
  int calls = 0;
  EXPECT_FALSE(document->root().ForEachMember([&](std::string_view, JsonValue) {
    ++calls;
    return false;
  }));
  EXPECT_EQ(calls, 1);
}

TEST(JsonDocument, MovedDocument_KeepsItsStrings) {
  auto document = JsonDocument::ParseObject(R"({"\u0061":"b"})", kBytesMax);
  ASSERT_TRUE(document);
  const JsonDocument moved = std::move(*document);
  moved.root().ForEachMember([&](std::string_view name, JsonValue value) {
    EXPECT_EQ(name, "a");
    EXPECT_EQ(value.AsString(), "b");
    return true;
  });
}

TEST(JsonDocument, MalformedText_IsCorrupt) {
  const char* const texts[] = {
      "",
      " ",
      "[]",
      "1",
      "\"a\"",
      "null",
      "{",
      "}",
      "{}x",
      "{} {}",
      R"({"a"})",
      R"({"a":})",
      R"({"a":1,})",
      R"({"a":01})",
      R"({"a":1.})",
      R"({"a":+1})",
      R"({"a":-})",
      R"({"a":1e})",
      R"({"a":tru})",
      R"({"a":truely})",
      R"({"a":nul})",
      R"({"a":nan})",
      R"({"a":[1,]})",
      R"({"a":[1})",
      R"({"a":1]})",
      R"({"a":"\x"})",
      R"({"a":"\ud800"})",
      "{\"a\":\"\x01\"}",
      "{\"a\":\"\xff\"}",
      R"({a:1})",
      R"({"a":1 2})",
      R"({"a":[1 2]})",
      R"({"a":{}}})",
      "{'a':1}",
      R"({"a":1 "b":2})",
  };
  for (const char* const text : texts) {
    const auto document = JsonDocument::ParseObject(text, kBytesMax);
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().code(), ErrorCode::kCorrupt) << text;
    EXPECT_NE(document.error().FindFact("byteOffset"), nullptr) << text;
  }
}

TEST(JsonDocument, ByteOrderMarkInFront_IsSkipped) {
  const auto document = JsonDocument::ParseObject("\xef\xbb\xbf {\"a\":[1]}", kBytesMax);
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ(document->root().text(), R"({"a":[1]})");
}

TEST(JsonDocument, TextAtTheLimits_IsTaken) {
  EXPECT_TRUE(JsonDocument::ParseObject(Nested(kJsonDepthMax), kBytesMax));
  EXPECT_TRUE(JsonDocument::ParseObject("{}", 2));
}

TEST(JsonDocument, TextBeyondTheLimits_IsLimitExceeded) {
  const auto deep = JsonDocument::ParseObject(Nested(kJsonDepthMax + 1), kBytesMax);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code(), ErrorCode::kLimitExceeded);
  const auto longer = JsonDocument::ParseObject("{ }", 2);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code(), ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace deltalakedb::protocol
