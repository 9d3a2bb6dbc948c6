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

std::vector<std::int64_t> Range(std::int64_t first, std::int64_t end, std::int64_t step) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = first; row < end; row += step) rows.push_back(row);
  return rows;
}

TEST(DeletionBitmapTest, EncodedRows_AreTheBytesOfTheFormat) {
  EXPECT_EQ(EncodeBitmap(std::vector<std::int64_t>{3, 4, 7, 11, 18, 29}),
            Whole(0, Rows({3, 4, 7, 11, 18, 29})));
  const std::int64_t base = (std::int64_t{5} << 32) + (std::int64_t{2} << 16);
  EXPECT_EQ(EncodeBitmap(Range(base + 1, base + 9, 1)), Whole(5, Runs({1, 7}, 8)));
  EXPECT_EQ(EncodeBitmap({}), Little(std::uint32_t{1681511377}) + Little(std::uint64_t{0}));
}

TEST(DeletionBitmapTest, EncodedRowsOfEveryKind_AreReadBack) {
  std::vector<std::int64_t> mixed;
  const auto add = [&mixed](const std::vector<std::int64_t>& rows) {
    mixed.insert(mixed.end(), rows.begin(), rows.end());
  };
  add(Range(0, 10, 3));             // an array
  add(Range(65'536, 131'072, 2));   // a plain bitmap
  add(Range(131'072, 196'608, 1));  // a run over a whole container
  add(Range(200'000, 208'192, 2));  // an array at its limit
  add(Range(300'000, 308'194, 2));  // a bitmap above it
  add(Range(std::int64_t{7} << 32, (std::int64_t{7} << 32) + 5, 1));
  mixed.push_back((std::int64_t{1} << 62) + 1);
  for (const auto& rows : {mixed, Range(0, 1'000'000, 1), Range(0, 1'000'000, 7),
                           Range(65'535, 65'537, 1), Range(0, 400'000, 65'536)}) {
    const auto bytes = EncodeBitmap(rows);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(DecodeBitmap(*bytes, std::ssize(rows)), rows);
    const std::string stored = StoredBitmap(*bytes);
    EXPECT_EQ(TakeStoredBitmap(stored, static_cast<std::int32_t>(bytes->size())), *bytes);
  }
}

TEST(DeletionBitmapTest, OffsetsOfContainers_PointAtThem) {
  // Four containers, one of runs: cookie, flags, keys, then offsets from the cookie on.
  std::vector<std::int64_t> rows = Range(0, 100, 1);
  for (const std::int64_t key : {1, 2, 3}) rows.push_back(key << 16 | 7);
  const auto bytes = EncodeBitmap(rows);
  ASSERT_TRUE(bytes);
  constexpr std::size_t kBitmapAt = 4 + 8 + 4;
  constexpr std::size_t kOffsetsAt = kBitmapAt + 4 + 1 + (4 * 4);
  constexpr std::uint32_t kFirst = 4 + 1 + (4 * 4) + (4 * 4);
  EXPECT_EQ(bytes->substr(kOffsetsAt, 16),
            Little(kFirst) + Little(kFirst + 6) + Little(kFirst + 8) + Little(kFirst + 10));
  EXPECT_EQ(bytes->size(), kBitmapAt + kFirst + 12);
}

TEST(DeletionBitmapTest, RowsThatAreNoAscendingPositions_AreRefused) {
  for (const std::vector<std::int64_t>& rows : {std::vector<std::int64_t>{4, 3}, {4, 4}, {-1, 4}}) {
    const auto bytes = EncodeBitmap(rows);
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace deltalakedb::protocol
