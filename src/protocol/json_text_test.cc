#include "protocol/json_text.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "protocol/json_document.h"

namespace deltalakedb::protocol {
namespace {

TEST(JsonTextTest, JsonValues_AreJson) {
  for (const char* const text :
       {"null", "true", "false", "0", "-0", "1.5", "-12e+3", "1E-2", "1e999", "\"\"",
        R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00")", "\"\u00e9\x7f\"", "[]", "[ ]", "{}", "{ }",
        R"([1, [2, {"a": [ ]}], "x"])", R"({"": null, "a b" : {"c":[]}})", " \t\r\n1 \t\r\n"}) {
    EXPECT_TRUE(IsJson(text)) << text;
  }
  EXPECT_TRUE(IsJson(std::string(100'000, '9')));
}

TEST(JsonTextTest, AnythingElse_IsNot) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv,
                          " "sv,
                          "nul"sv,
                          "nulll"sv,
                          "True"sv,
                          "NaN"sv,
                          "01"sv,
                          "-"sv,
                          "+1"sv,
                          ".5"sv,
                          "1."sv,
                          "1e"sv,
                          "1e+"sv,
                          "0x1"sv,
                          "1 2"sv,
                          "\""sv,
                          "'a'"sv,
                          "\"\\\""sv,
                          "\"\\x\""sv,
                          "\"\\u12\""sv,
                          "\"\\u12g4\""sv,
                          "\"\\ud83d\""sv,
                          "\"\\ud83dx\""sv,
                          "\"\\ud83d\\n\""sv,
                          "\"\\ud83d\\ud83d\""sv,
                          "\"\\ude00\""sv,
                          "\"\n\""sv,
                          "\"\0\""sv,
                          "1\0"sv,
                          "[1\0]"sv,
                          "["sv,
                          "]"sv,
                          "[1"sv,
                          "[1,"sv,
                          "[1,]"sv,
                          "[,1]"sv,
                          "[1 2]"sv,
                          "[1}"sv,
                          "{"sv,
                          "}"sv,
                          "{1:2}"sv,
                          "{a:1}"sv,
                          "{\"a\"}"sv,
                          "{\"a\":}"sv,
                          "{\"a\":1,}"sv,
                          "{\"a\" 1}"sv,
                          "{\"a\":1]"sv,
                          "{\"a\":1}}"sv,
                          "[[]"sv,
                          "{}{}"sv,
                          "\xEF\xBB\xBF{}"sv}) {
    EXPECT_FALSE(IsJson(text)) << text;
  }
}

TEST(JsonTextTest, DeepNesting_NeedsNoStack) {
  constexpr std::size_t kDepth = 1'000'000;
  const std::string open(kDepth, '[');
  EXPECT_FALSE(IsJson(open));
  EXPECT_TRUE(IsJson(open + std::string(kDepth, ']')));
}

// Texts of few characters, where the finite numbers that the other parser wants are all there is.
TEST(JsonTextTest, RandomTexts_AreJudgedAsAnotherParserDoes) {
  std::mt19937 random(7);
  const std::string alphabet = R"({}[]:,"\utrefalsn012.-+eE )";
  for (int round = 0; round < 40'000; ++round) {
    std::string text;
    for (std::size_t size = random() % 9; size > 0; --size) {
      text += alphabet[random() % alphabet.size()];
    }
    ASSERT_EQ(IsJson(text), nlohmann::json::accept(text)) << text;
  }
  const std::string whole = R"({"a":[1,-2.5e3,"x\ny",true,{"b":null}],"c\u00e9":{"d":[[],{}]}})";
  for (int round = 0; round < 15'000; ++round) {
    std::string text = whole;
    const std::size_t at = random() % text.size();
    if (random() % 2 == 0) {
      text[at] = alphabet[random() % alphabet.size()];
    } else {
      text.erase(at, 1 + random() % 3);
    }
    ASSERT_EQ(IsJson(text), nlohmann::json::accept(text)) << text;
  }
}

TEST(JsonTextTest, Glance_FindsTheMemberOfTheOutermostObject) {
  const auto member = [](std::string_view text) {
    const auto glance = GlanceAtObject(text, "n", 3);
    EXPECT_TRUE(glance.has_value()) << text;
    return glance ? glance->member : std::nullopt;
  };
  EXPECT_EQ(member(R"( {"a":{"n":1},"b":["n",{"n":2}], "n" : -3.5 , "c":{}} )"), "-3.5");
  EXPECT_EQ(member(R"({"n":{"n":[1, 2]},"m":0})"), R"({"n":[1, 2]})");
  EXPECT_EQ(member(R"({"n":"x\n"})"), R"("x\n")");
  EXPECT_EQ(member(R"({"n":null})"), "null");
  EXPECT_EQ(member(R"({"n":[]})"), "[]");
  EXPECT_EQ(member(R"({"N":1,"nn":2,"":3,"a":"n"})"), std::nullopt);
  EXPECT_EQ(member("{}"), std::nullopt);
}

TEST(JsonTextTest, Glance_LeavesWhatItCannotTellToTheDocument) {
  for (const char* const text :
       {"", "[]", "1", "null", R"([{"n":1}])", R"({"n":1)", R"({"n":01})", R"({"n":1}})",
        R"({"n":1,"n":2})", R"({"\u006e":1})", R"({"a":{"b":{"c":{}}}})", R"({"a":[[[]]]})",
        R"({"a":"\ud83d"})"}) {
    EXPECT_FALSE(GlanceAtObject(text, "n", 3).has_value()) << text;
  }
  EXPECT_TRUE(GlanceAtObject(R"({"a":{"b":{}},"c":[[1]]})", "n", 3).has_value());
}

// What a glance takes is what the document would say.
TEST(JsonTextTest, RandomObjects_AreSeenAsTheDocumentSeesThem) {
  std::mt19937 random(11);
  const std::string alphabet = R"({}[]:,"\utnrelfas013.-+eE )";
  const std::string whole =
      R"({"a":[1,-2.5e3,"x\ny"],"n":17,"b":{"n":null,"d":[[],{}]},"n\u00e9":"\ud83d\ude00"})";
  int seen = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string text = round % 2 == 0 ? whole : R"({"n":1,"b":[{}],"c":"d"})";
    for (std::size_t changes = random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = alphabet[random() % alphabet.size()];
      } else {
        text.erase(at, 1 + random() % 3);
      }
      if (text.empty()) text = "{";
    }
    const auto glance = GlanceAtObject(text, "n", kJsonDepthMax);
    const auto document = JsonDocument::ParseObject(text, text.size());
    if (!glance) continue;
    ++seen;
    ASSERT_TRUE(document.has_value()) << text;
    std::optional<std::string_view> member;
    document->root().ForEachMember([&](std::string_view name, JsonValue value) {
      if (name == "n") member = value.text();
      return true;
    });
    ASSERT_EQ(glance->member, member) << text;
  }
  EXPECT_GT(seen, 1'000);
}

}  // namespace
}  // namespace deltalakedb::protocol
