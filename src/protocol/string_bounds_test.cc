#include "protocol/string_bounds.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace deltalakedb::protocol {
namespace {

constexpr std::string_view kMax = "\xF4\x8F\xBF\xBF";  // U+10FFFF

std::string Times(std::size_t count, std::string_view text) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(StringBoundsTest, TextUpToTheLength_IsItsOwnBound) {
  for (const std::string& text : {std::string(), std::string("abc"), Times(32, "é")}) {
    EXPECT_EQ(LowerBound(text, 32), text);
    EXPECT_EQ(UpperBound(text, 32), text);
  }
}

TEST(StringBoundsTest, LongerText_IsCutAndGoneBeyond) {
  EXPECT_EQ(LowerBound(Times(40, "a"), 32), Times(32, "a"));
  EXPECT_EQ(UpperBound(Times(40, "a"), 32), Times(32, "a") + "\x7F");
  EXPECT_EQ(UpperBound(Times(33, "é"), 32), Times(32, "é").append(kMax));
  // What is cut off is the last of ASCII itself.
  EXPECT_EQ(UpperBound(Times(32, "a") + "\x7F", 32), Times(32, "a").append(kMax));
}

// Recorded from Delta Spark 4.4.0.
TEST(StringBoundsTest, CharactersOfTwoUnits_AreNotCutInHalf) {
  EXPECT_EQ(LowerBound(Times(31, "a") + "😀😀z", 32), Times(31, "a") + "😀");
  EXPECT_EQ(UpperBound(Times(70, "😀"), 32), Times(16, "😀").append(kMax));
  EXPECT_EQ(LowerBound(Times(31, "a") + "😀", 32), Times(31, "a") + "😀");
}

TEST(StringBoundsTest, LastCharacterOfAll_IsPassedUpToTwiceTheLength) {
  EXPECT_EQ(UpperBound("ab" + Times(1, kMax) + "c", 2), "ab" + Times(1, kMax) + "\x7F");
  EXPECT_EQ(UpperBound("ab" + Times(1, kMax), 2), "ab" + Times(1, kMax));
  EXPECT_EQ(UpperBound("ab" + Times(2, kMax) + "c", 2), std::nullopt);
}

TEST(StringBoundsTest, NoLength_LeavesNoBoundButThatOfTheEmptyText) {
  EXPECT_EQ(LowerBound("a", 0), std::nullopt);
  EXPECT_EQ(UpperBound("a", 0), std::nullopt);
  EXPECT_EQ(UpperBound("", 0), "");
}

}  // namespace
}  // namespace deltalakedb::protocol
