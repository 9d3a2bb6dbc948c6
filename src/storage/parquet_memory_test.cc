// A checkpoint whose pages claim absurd sizes.
#include "storage/parquet_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/checkpoint_bytes_internal.h"

namespace deltalakedb::storage {
namespace {

using namespace testing_checkpoints;
using testing::HasSubstr;

TEST(ParquetMemoryTest, PieceAboveTheLimit_IsRefusedAndTheRestIsNot) {
  arrow::MemoryPool* const pool = ParquetMemory();
  std::uint8_t* piece = nullptr;
  EXPECT_TRUE(pool->Allocate(kParquetPieceBytesMax + 1, &piece).IsCapacityError());
  ASSERT_TRUE(pool->Allocate(100, &piece).ok());
  EXPECT_TRUE(pool->Reallocate(100, kParquetPieceBytesMax + 1, &piece).IsCapacityError());
  piece[99] = 1;  // still there
  ASSERT_TRUE(pool->Reallocate(100, 200, &piece).ok());
  EXPECT_EQ(piece[99], 1);
  pool->Free(piece, 200);
}

// ---- page headers -------------------------------------------------------------------------------

// Thrift's compact form of a 32-bit number that is not negative.
std::string Number(std::uint32_t value) {
  std::uint64_t rest = std::uint64_t{value} * 2;
  std::string bytes;
  for (; rest >= 0x80; rest >>= 7) bytes += static_cast<char>((rest & 0x7F) | 0x80);
  return bytes + static_cast<char>(rest);
}

std::uint32_t ReadNumber(const std::string& bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(at++));
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return static_cast<std::uint32_t>(value / 2);
  }
}

// The same file with another size, uncompressed, in the header of its first page. `text`, which
// stands in that page, is cut by what the header grows, so that everything else stays in place.
std::string WithPageSize(std::string bytes, std::uint32_t size, const std::string& text) {
  constexpr char kNextField = 0x15;  // an i32, one field on
  std::size_t at = std::string("PAR1").size();
  EXPECT_EQ(bytes.at(at), kNextField);
  at += 2;  // the page's type
  EXPECT_EQ(bytes.at(at++), kNextField);
  const std::size_t start = at;
  ReadNumber(bytes, at);
  const std::size_t uncompressed_end = at;
  EXPECT_EQ(bytes.at(at++), kNextField);
  const std::uint32_t compressed = ReadNumber(bytes, at);
  const std::string wanted = Number(size);
  const std::size_t growth = wanted.size() - (uncompressed_end - start);
  const std::string smaller = Number(static_cast<std::uint32_t>(compressed - growth));
  EXPECT_EQ(smaller.size(), at - uncompressed_end - 1) << "choose another length of text";
  const std::size_t found = bytes.find(text, at);
  EXPECT_NE(found, std::string::npos);
  bytes.erase(found, growth);
  return bytes.replace(start, at - start, wanted + kNextField + smaller);
}

TEST(ParquetMemoryTest, PageThatClaimsToBeHuge_IsCorruptWithoutTheMemory) {
  // Of no use to a compression, so that it is found in the file.
  const std::string path = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
  const std::string whole = OneColumn(
      "add", arrow::struct_({field("path", arrow::utf8()), field("size", arrow::int64())}),
      R"({"path":")" + path + R"(","size":1})");
  const std::string bytes = WithPageSize(whole, 0x7FFF'FFFF, path);
  ASSERT_EQ(bytes.size(), whole.size());
  const auto checkpoint = ParquetCheckpoint::Open(File(bytes));
  ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message();
  const auto stream = (*checkpoint)->OpenAdds(CheckpointColumns::kIdentity);
  ASSERT_TRUE(stream.has_value()) << stream.error().message();
  const auto adds = (*stream)->Next();
  ASSERT_FALSE(adds.has_value());
  EXPECT_EQ(adds.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(adds.error().message(), HasSubstr("bytes of memory at once"));
  EXPECT_EQ(*adds.error().FindFact("file"), Error::FactValue("/log/c.parquet"));
}

}  // namespace
}  // namespace deltalakedb::storage
