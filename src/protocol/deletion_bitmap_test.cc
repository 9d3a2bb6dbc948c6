#include "protocol/deletion_bitmap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

namespace deltalakedb::protocol {
namespace {

using ::testing::ElementsAre;

template <std::unsigned_integral T>
std::string Little(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  return bytes;
}

std::string Shorts(const std::vector<std::uint16_t>& values) {
  std::string bytes;
  for (const std::uint16_t value : values) bytes += Little(value);
  return bytes;
}

// Magic, and one 32-bit bitmap under `key`.
std::string Whole(std::uint32_t key, const std::string& bitmap) {
  return Little(std::uint32_t{1681511377}) + Little(std::uint64_t{1}) + Little(key) + bitmap;
}

// One container of rows.
std::string Rows(const std::vector<std::uint16_t>& rows) {
  return Little(std::uint32_t{12346}) + Little(std::uint32_t{1}) +
         Shorts({0, static_cast<std::uint16_t>(rows.size() - 1)}) + Little(std::uint32_t{16}) +
         Shorts(rows);
}

// One container of runs, which has no offsets.
std::string Runs(const std::vector<std::uint16_t>& first_and_more, std::uint16_t rows) {
  return Little(std::uint32_t{12347}) + '\x01' +
         Shorts({2, static_cast<std::uint16_t>(rows - 1),
                 static_cast<std::uint16_t>(first_and_more.size() / 2)}) +
         Shorts(first_and_more);
}

TEST(DeletionBitmapTest, Rows_AreThosePositions) {
  const auto rows = DecodeBitmap(Whole(0, Rows({3, 4, 7, 11, 18, 29})), 6);
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, ElementsAre(3, 4, 7, 11, 18, 29));
}

TEST(DeletionBitmapTest, KeysOfBothLevels_AreTheBitsAbove) {
  const auto rows = DecodeBitmap(Whole(5, Runs({1, 2, 10, 0}, 4)), 4);
  ASSERT_TRUE(rows);
  const std::int64_t base = (std::int64_t{5} << 32) + (std::int64_t{2} << 16);
  EXPECT_THAT(*rows, ElementsAre(base + 1, base + 2, base + 3, base + 10));
}

TEST(DeletionBitmapTest, NoBitmaps_IsNoRow) {
  const auto rows = DecodeBitmap(Little(std::uint32_t{1681511377}) + Little(std::uint64_t{0}), 0);
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
}

TEST(DeletionBitmapTest, ManyRows_AreABitmap) {
  std::string bits(8192, '\0');
  for (std::size_t i = 0; i < 5000; ++i)
    bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << (i % 8));
  const auto rows = DecodeBitmap(Whole(0, Little(std::uint32_t{12346}) + Little(std::uint32_t{1}) +
                                              Shorts({0, 4999}) + Little(std::uint32_t{16}) + bits),
                                 5000);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 5000U);
  EXPECT_EQ(rows->front(), 0);
  EXPECT_EQ(rows->back(), 4999);
}

TEST(DeletionBitmapTest, EveryCutAndAnyOtherCount_IsCorrupt) {
  for (const std::string& whole : {Whole(0, Rows({3, 4, 7})), Whole(1, Runs({0, 2}, 3))}) {
    ASSERT_TRUE(DecodeBitmap(whole, 3));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(DecodeBitmap(whole.substr(0, size), 3)) << size;
    }
    for (const auto& wrong : {DecodeBitmap(whole, 2), DecodeBitmap(whole, 4),
                              DecodeBitmap(whole + '\0', 3), DecodeBitmap('x' + whole, 3)}) {
      ASSERT_FALSE(wrong);
      EXPECT_EQ(wrong.error().code(), ErrorCode::kCorrupt);
    }
  }
}

TEST(DeletionBitmapTest, RowsThatDoNotAscendOrLeaveTheirContainer_AreCorrupt) {
  EXPECT_FALSE(DecodeBitmap(Whole(0, Rows({4, 3})), 2));
  EXPECT_FALSE(DecodeBitmap(Whole(0, Rows({4, 4})), 2));
  EXPECT_FALSE(DecodeBitmap(Whole(0, Runs({65535, 1}, 2)), 2));
  EXPECT_FALSE(DecodeBitmap(Whole(0x80000000U, Rows({1})), 1));
}

TEST(DeletionBitmapTest, StoredBitmap_IsCheckedByLengthAndSum) {
  // The CRC-32 of "123456789" is the check value that every description of it names.
  const std::string stored = std::string("\0\0\0\x09", 4) + "123456789" + "\xCB\xF4\x39\x26";
  const std::string longer = stored + "more";
  const auto taken = TakeStoredBitmap(longer, 9);
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, "123456789");
  EXPECT_FALSE(TakeStoredBitmap(stored, 8));
  EXPECT_FALSE(TakeStoredBitmap(stored.substr(0, stored.size() - 1), 9));
  std::string damaged = stored;
  damaged[6] = 'x';
  EXPECT_FALSE(TakeStoredBitmap(damaged, 9));
}

}  // namespace
}  // namespace deltalakedb::protocol
