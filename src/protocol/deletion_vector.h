// Deletion vector descriptors: what they say and where their bitmap is (PROTOCOL.md, Deletion
// vectors). Reading the bitmap is not done here.
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"

namespace deltalakedb::protocol {

// A file below the table's root: its plain path, not URI-encoded, such as
// `ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin`.
struct RelativeVectorFile {
  std::string path;
  std::int32_t offset = 0;  // bytes into the file; where the vector's length stands
};

// A file anywhere: its absolute URI or path as the log has it, URI-encoded.
struct AbsoluteVectorFile {
  std::string uri;
  std::int32_t offset = 0;
};

// The bitmap itself, in the descriptor.
struct InlineVector {
  std::string bytes;
};

using VectorPlace = std::variant<RelativeVectorFile, AbsoluteVectorFile, InlineVector>;

// Checks the descriptor and says where its bitmap is.
// Errors: Corrupt (a text that is no such place, an inline vector whose length is not sizeInBytes
// or that has an offset, a negative number), Unsupported (storage type `r` of the preview feature
// adaptiveMetadata). The fact storageType is there always.
Result<VectorPlace> ResolveDeletionVector(const DeletionVector& descriptor);

// Z85 (ZeroMQ RFC 32): five characters for four bytes, big-endian.
// Errors: Corrupt (a length that is no multiple of five, a character outside of the alphabet, five
// characters beyond 2^32 - 1).
Result<std::string> DecodeZ85(std::string_view text);
// The last four bytes are filled up with zeros; DecodeZ85 gives these too.
std::string EncodeZ85(std::string_view bytes);

}  // namespace deltalakedb::protocol
