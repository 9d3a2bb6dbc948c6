// The bitmaps of deletion vectors: which rows of a file are deleted (PROTOCOL.md, Deletion
// vectors).
//
// Where they are is told by protocol/deletion_vector.h. Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"

namespace deltalakedb::protocol {

// In a file a bitmap has its length in front, big-endian, and a checksum behind.
inline constexpr std::size_t kBitmapLengthBytes = 4;
inline constexpr std::size_t kBitmapChecksumBytes = 4;

// Takes the bitmap out of what stands at a descriptor's offset: length, bitmap, checksum.
// `size_in_bytes` is that of the descriptor. Errors: Corrupt (another length, a wrong checksum, too
// few bytes).
Result<std::string_view> TakeStoredBitmap(std::string_view stored, std::int32_t size_in_bytes);

// The positions of the deleted rows, from 0, ascending. `cardinality` is how many there are.
// Errors: Corrupt (no such bitmap, or of another number of rows).
Result<std::vector<std::int64_t>> DecodeBitmap(std::string_view bytes, std::int64_t cardinality);

// The bitmap of those positions, which DecodeBitmap reads back. Each container is an array, a plain
// bitmap or runs, whichever is smallest. Errors: InvalidArgument (positions that do not ascend, a
// negative one).
Result<std::string> EncodeBitmap(std::span<const std::int64_t> rows);

// A bitmap as files have it, which TakeStoredBitmap takes: length, bitmap, checksum.
std::string StoredBitmap(std::string_view bitmap);

}  // namespace deltalakedb::protocol
