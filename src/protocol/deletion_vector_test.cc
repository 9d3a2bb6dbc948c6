#include "protocol/deletion_vector.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltalakedb::protocol {
namespace {

constexpr std::string_view kUuidZ85 = "m9JzgVlI!?Oy<+3x+y^b";

DeletionVector Descriptor(std::string_view type, std::string_view text) {
  return {.storage_type = type,
          .path_or_inline_dv = text,
          .offset = std::nullopt,
          .size_in_bytes = 34,
          .cardinality = 2};
}

template <typename Place>
Place Resolved(const DeletionVector& descriptor) {
  const Result<VectorPlace> place = ResolveDeletionVector(descriptor);
  EXPECT_TRUE(place) << place.error().message();
  return std::get<Place>(*place);
}

ErrorCode FailureOf(const DeletionVector& descriptor) {
  const Result<VectorPlace> place = ResolveDeletionVector(descriptor);
  if (place) return ErrorCode::kInternal;
  EXPECT_NE(place.error().FindFact("storageType"), nullptr);
  return place.error().code();
}

TEST(Z85, ReferenceVector_IsDecodedAndEncoded) {
  // ZeroMQ RFC 32, Test case.
  const std::string bytes = "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B";
  EXPECT_EQ(EncodeZ85(bytes), "HelloWorld");
  EXPECT_EQ(DecodeZ85("HelloWorld").value(), bytes);
}

TEST(Z85, LengthsThatAreNoMultipleOfFour_ArePaddedWithZeros) {
  EXPECT_EQ(EncodeZ85(""), "");
  EXPECT_EQ(EncodeZ85(std::string(1, '\0')), "00000");
  for (std::size_t size = 0; size < 20; ++size) {
    const std::string bytes(size, '\xAB');
    std::string padded = bytes;
    while (padded.size() % 4 != 0) padded += '\0';
    EXPECT_EQ(DecodeZ85(EncodeZ85(bytes)).value(), padded);
  }
}

TEST(Z85, LargestWord_IsTakenAndOneMoreRefused) {
  EXPECT_EQ(DecodeZ85("%nSc0").value(), "\xFF\xFF\xFF\xFF");
  for (const std::string_view text :
       {"%nSc1", "#####", "0000", "000000", "0000\"", "0000 ", "0000é"}) {
    const Result<std::string> bytes = DecodeZ85(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code(), ErrorCode::kCorrupt);
  }
}

TEST(DeletionVector, RelativeVector_IsAFileOfTheTable) {
  // PROTOCOL.md of delta-io/delta, Deletion Vector Format, has this pair.
  DeletionVector descriptor = Descriptor("u", "ab^-aqEH.-t@S}K{vb[*k^");
  descriptor.offset = 4;
  const auto file = Resolved<RelativeVectorFile>(descriptor);
  EXPECT_EQ(file.path, "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
  EXPECT_EQ(file.offset, 4);
  EXPECT_EQ(Resolved<RelativeVectorFile>(Descriptor("u", "^-aqEH.-t@S}K{vb[*k^")).path,
            "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
}

TEST(DeletionVector, AbsentOffset_IsZero) {
  EXPECT_EQ(Resolved<RelativeVectorFile>(Descriptor("u", kUuidZ85)).offset, 0);
  EXPECT_EQ(Resolved<AbsoluteVectorFile>(Descriptor("p", "/a.bin")).offset, 0);
}

TEST(DeletionVector, AbsoluteVector_StaysAsWritten) {
  for (const std::string_view uri : {"s3://mytable/deletion_vector_d2.bin", "file:/a%20b.bin",
                                     "/a.bin", "abfss://c@a.dfs.core.windows.net/t/x.bin"}) {
    DeletionVector descriptor = Descriptor("p", uri);
    descriptor.offset = 1;
    EXPECT_EQ(Resolved<AbsoluteVectorFile>(descriptor).uri, uri);
    EXPECT_EQ(Resolved<AbsoluteVectorFile>(descriptor).offset, 1);
  }
}

TEST(DeletionVector, InlineVector_IsCutToItsSize) {
  for (std::size_t size = 0; size <= 8; ++size) {
    const std::string bytes = std::string("\x01\x02\x03\x04\x05\x06\x07\x08").substr(0, size);
    const std::string text = EncodeZ85(bytes);
    DeletionVector descriptor = Descriptor("i", text);
    descriptor.size_in_bytes = static_cast<std::int32_t>(size);
    EXPECT_EQ(Resolved<InlineVector>(descriptor).bytes, bytes);
  }
}

TEST(DeletionVector, InlineVectorOfAnotherSize_IsCorrupt) {
  for (const std::int32_t size : {0, 4, 9, 100}) {
    DeletionVector descriptor = Descriptor("i", "HelloWorld");
    descriptor.size_in_bytes = size;
    EXPECT_EQ(FailureOf(descriptor), ErrorCode::kCorrupt) << size;
  }
}

TEST(DeletionVector, InlineVectorWithOffset_IsCorrupt) {
  DeletionVector descriptor = Descriptor("i", "HelloWorld");
  descriptor.size_in_bytes = 8;
  descriptor.offset = 0;
  EXPECT_EQ(FailureOf(descriptor), ErrorCode::kCorrupt);
}

TEST(DeletionVector, TextThatIsNoPlace_IsCorrupt) {
  const std::string id(kUuidZ85);
  for (const std::string& text :
       {std::string(), id.substr(1), "../" + id, ".." + id, "a/b" + id, "/" + id, "." + id,
        id.substr(1) + " ", id.substr(5) + "#####", std::string(1, '\0') + id}) {
    EXPECT_EQ(FailureOf(Descriptor("u", text)), ErrorCode::kCorrupt) << text;
  }
  for (const std::string_view text : {"", "a.bin", "a/b:c", ":x", "1s://a", "dir/file.bin"}) {
    EXPECT_EQ(FailureOf(Descriptor("p", text)), ErrorCode::kCorrupt) << text;
  }
}

TEST(DeletionVector, NegativeNumbers_AreCorrupt) {
  DeletionVector size = Descriptor("u", kUuidZ85);
  size.size_in_bytes = -1;
  EXPECT_EQ(FailureOf(size), ErrorCode::kCorrupt);
  DeletionVector cardinality = Descriptor("u", kUuidZ85);
  cardinality.cardinality = -1;
  EXPECT_EQ(FailureOf(cardinality), ErrorCode::kCorrupt);
  DeletionVector offset = Descriptor("u", kUuidZ85);
  offset.offset = -1;
  EXPECT_EQ(FailureOf(offset), ErrorCode::kCorrupt);
}

TEST(DeletionVector, UnknownStorageType_IsRefused) {
  EXPECT_EQ(FailureOf(Descriptor("", kUuidZ85)), ErrorCode::kCorrupt);
  EXPECT_EQ(FailureOf(Descriptor("U", kUuidZ85)), ErrorCode::kCorrupt);
  EXPECT_EQ(FailureOf(Descriptor("uu", kUuidZ85)), ErrorCode::kCorrupt);
  EXPECT_EQ(FailureOf(Descriptor("r", "deletion_vector.bin")), ErrorCode::kUnsupported);
}

TEST(DeletionVector, UniqueId_HasTheOffsetOnlyWhereThereIsOne) {
  DeletionVector descriptor = Descriptor("u", kUuidZ85);
  EXPECT_EQ(descriptor.UniqueId(), "u" + std::string(kUuidZ85));
  descriptor.offset = 0;
  EXPECT_EQ(descriptor.UniqueId(), "u" + std::string(kUuidZ85) + "@0");
  descriptor.offset = 85;
  EXPECT_EQ(descriptor.UniqueId(), "u" + std::string(kUuidZ85) + "@85");
}

}  // namespace
}  // namespace deltalakedb::protocol
