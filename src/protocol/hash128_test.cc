#include "protocol/hash128.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace deltalakedb::protocol {
namespace {

std::string Hex(const Hash128& hash) {
  std::string hex;
  for (const char c : hash.view()) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

// `size` letters of the alphabet, over and over.
std::string Letters(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

// What the reference implementation gives (xxhsum -H2), for each of its paths by length.
TEST(Hash128Test, KnownTexts_HaveTheKnownHashes) {
  EXPECT_EQ(Hex(HashOf("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(Hex(HashOf("a")), "a96faf705af16834e6c632b61e964e1f");
  EXPECT_EQ(Hex(HashOf("abc")), "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(Hex(HashOf(Letters(20))), "c27b3c5de29ebd49f8ceb1adbb3ff045");
  EXPECT_EQ(Hex(HashOf(Letters(200))), "f0e244b452ba3d2f0987ab52e1e85b39");
  EXPECT_EQ(Hex(HashOf(Letters(300))), "34de2aad60a7d7ca7f720c1f731c9648");
  EXPECT_EQ(Hex(HashOf(Letters(100'000))), "e785560b9f6575a0f7edd902a697d021");
}

TEST(Hash128Test, TextInPieces_HasTheHashOfTheWhole) {
  const std::string text = Letters(10'000);
  for (const std::size_t piece : {1U, 7U, 256U, 1000U, 9'999U, 20'000U}) {
    Hash128Builder builder;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      builder.Update(std::string_view(text).substr(at, piece));
      builder.Update({});
    }
    EXPECT_EQ(builder.Finish(), HashOf(text)) << piece;
  }
  EXPECT_EQ(Hash128Builder().Finish(), HashOf(""));
}

TEST(Hash128Test, Builder_GoesOnAfterAHashAndAfterAMove) {
  Hash128Builder builder;
  builder.Update("ab");
  EXPECT_EQ(builder.Finish(), HashOf("ab"));
  Hash128Builder moved = std::move(builder);
  moved.Update("c");
  EXPECT_EQ(moved.Finish(), HashOf("abc"));
}

TEST(Hash128Test, Order_IsThatOfTheBytes) {
  EXPECT_LT(HashOf("abc"), HashOf("a"));  // 06… and a9…
  EXPECT_GT(HashOf("a").view(), HashOf("abc").view());
}

}  // namespace
}  // namespace deltalakedb::protocol
