// Input: lines with the storage type, the offset (empty for none), sizeInBytes and cardinality; the
// rest is pathOrInlineDv.
#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "check.h"
#include "protocol/deletion_vector.h"

namespace {

using deltalakedb::DeletionVector;
using deltalakedb::ErrorCode;
using namespace deltalakedb::protocol;

template <typename Number>
Number ReadNumber(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

DeletionVector MakeDescriptor(std::string_view text) {
  DeletionVector descriptor;
  descriptor.storage_type = deltalakedb::fuzz::TakeLine(text);
  const std::string_view offset = deltalakedb::fuzz::TakeLine(text);
  if (!offset.empty()) descriptor.offset = ReadNumber<std::int32_t>(offset);
  descriptor.size_in_bytes = ReadNumber<std::int32_t>(deltalakedb::fuzz::TakeLine(text));
  descriptor.cardinality = ReadNumber<std::int64_t>(deltalakedb::fuzz::TakeLine(text));
  descriptor.path_or_inline_dv = text;
  return descriptor;
}

void CheckZ85(std::string_view text) {
  const std::string encoded = EncodeZ85(text);
  FUZZ_CHECK(encoded.size() == (text.size() + 3) / 4 * 5);
  const auto decoded = DecodeZ85(encoded);
  FUZZ_CHECK(decoded.has_value());
  FUZZ_CHECK(decoded->starts_with(text) && decoded->size() - text.size() < 4);
  // A text that is Z85 is the only one for its bytes.
  if (const auto bytes = DecodeZ85(text)) FUZZ_CHECK(EncodeZ85(*bytes) == text);
}

struct PlaceChecker {
  const DeletionVector& descriptor;

  void operator()(const RelativeVectorFile& file) const {
    FUZZ_CHECK(descriptor.storage_type == "u");
    FUZZ_CHECK(file.offset == descriptor.offset.value_or(0) && file.offset >= 0);
    FUZZ_CHECK(file.path.ends_with(".bin") && !file.path.starts_with('/'));
    FUZZ_CHECK(std::ranges::count(file.path, '/') <= 1 && !file.path.starts_with("../"));
  }
  void operator()(const AbsoluteVectorFile& file) const {
    FUZZ_CHECK(descriptor.storage_type == "p");
    FUZZ_CHECK(file.offset == descriptor.offset.value_or(0) && file.offset >= 0);
    FUZZ_CHECK(file.uri == descriptor.path_or_inline_dv && !file.uri.empty());
  }
  void operator()(const InlineVector& vector) const {
    FUZZ_CHECK(descriptor.storage_type == "i");
    FUZZ_CHECK(vector.bytes.size() == static_cast<std::size_t>(descriptor.size_in_bytes));
    FUZZ_CHECK(EncodeZ85(vector.bytes).size() == descriptor.path_or_inline_dv.size());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const DeletionVector descriptor = MakeDescriptor(deltalakedb::fuzz::AsText(data, size));
  CheckZ85(descriptor.path_or_inline_dv);
  FUZZ_CHECK(descriptor.UniqueId().starts_with(std::string(descriptor.storage_type) +
                                               std::string(descriptor.path_or_inline_dv)));
  const auto place = ResolveDeletionVector(descriptor);
  if (place) {
    FUZZ_CHECK(descriptor.cardinality >= 0 && descriptor.size_in_bytes >= 0);
    std::visit(PlaceChecker{descriptor}, *place);
  } else {
    const ErrorCode code = place.error().code();
    FUZZ_CHECK(code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported);
    FUZZ_CHECK(place.error().FindFact("storageType") != nullptr);
  }
  return 0;
}
