#include "protocol/deletion_vector.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "base/try.h"
#include "protocol/excerpt.h"

namespace deltalakedb::protocol {
namespace {

constexpr std::string_view kZ85Alphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::uint32_t kZ85Base = kZ85Alphabet.size();
constexpr std::size_t kZ85Chars = 5;    // that say
constexpr std::size_t kZ85Bytes = 4;    // so many bytes
constexpr std::size_t kUuidChars = 20;  // Z85 of 16 bytes

constexpr std::uint8_t kNoDigit = 0xFF;
constexpr std::array<std::uint8_t, 256> kZ85Digits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kZ85Alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kZ85Alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}();
static_assert(kZ85Base == 85);

std::unexpected<Error> Wrong(std::string message) {
  return Fail(ErrorCode::kCorrupt, std::move(message));
}

// 8-4-4-4-12 hexadecimal digits.
std::string UuidText(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(bytes[i]));
  }
  return text;
}

// The folder in front of the file is one that its writer made up, so it may not lead elsewhere.
bool IsFolderName(std::string_view name) {
  return name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

// RFC 3986, section 3.1: a letter, then letters, digits, `+`, `-` or `.`, up to a colon.
bool HasScheme(std::string_view uri) {
  const std::string_view scheme = uri.substr(0, uri.find(':'));
  if (scheme.size() == uri.size() || scheme.empty()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (const char c : scheme) {
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return false;
  }
  return is_letter(scheme.front());
}

Result<VectorPlace> ResolveRelative(const DeletionVector& descriptor) {
  const std::string_view text = descriptor.path_or_inline_dv;
  if (text.size() < kUuidChars) {
    return Wrong(
        fmt::format(R"(its pathOrInlineDv "{}" is shorter than the {} characters of an id)",
                    Excerpt(text), kUuidChars));
  }
  const std::string_view prefix = text.substr(0, text.size() - kUuidChars);
  if (!IsFolderName(prefix)) {
    return Wrong(fmt::format(R"(its pathOrInlineDv begins with "{}", which is no folder's name)",
                             Excerpt(prefix)));
  }
  DELTALAKEDB_ASSIGN(const std::string uuid, DecodeZ85(text.substr(prefix.size())));
  return RelativeVectorFile{.path = fmt::format("{}{}deletion_vector_{}.bin", prefix,
                                                prefix.empty() ? "" : "/", UuidText(uuid)),
                            .offset = descriptor.offset.value_or(0)};
}

Result<VectorPlace> ResolveAbsolute(const DeletionVector& descriptor) {
  const std::string_view uri = descriptor.path_or_inline_dv;
  if (!uri.starts_with('/') && !HasScheme(uri)) {
    return Wrong(fmt::format(R"(its pathOrInlineDv "{}" is no absolute path)", Excerpt(uri)));
  }
  return AbsoluteVectorFile{.uri = std::string(uri), .offset = descriptor.offset.value_or(0)};
}

Result<VectorPlace> ResolveInline(const DeletionVector& descriptor) {
  if (descriptor.offset) return Wrong("it is inline and has an offset");
  DELTALAKEDB_ASSIGN(std::string bytes, DecodeZ85(descriptor.path_or_inline_dv));
  const auto size = static_cast<std::size_t>(descriptor.size_in_bytes);
  if (bytes.size() < size || bytes.size() - size >= kZ85Bytes) {
    return Wrong(
        fmt::format("its sizeInBytes is {}, but its text holds {} bytes", size, bytes.size()));
  }
  bytes.resize(size);
  return InlineVector{std::move(bytes)};
}

Result<VectorPlace> Resolve(const DeletionVector& descriptor) {
  if (descriptor.size_in_bytes < 0) return Wrong("its sizeInBytes is negative");
  if (descriptor.cardinality < 0) return Wrong("its cardinality is negative");
  if (descriptor.offset.value_or(0) < 0) return Wrong("its offset is negative");
  if (descriptor.storage_type == "u") return ResolveRelative(descriptor);
  if (descriptor.storage_type == "p") return ResolveAbsolute(descriptor);
  if (descriptor.storage_type == "i") return ResolveInline(descriptor);
  if (descriptor.storage_type == "r") {
    return Fail(ErrorCode::kUnsupported, "its storage type r belongs to adaptiveMetadata");
  }
  return Wrong(
      fmt::format(R"(its storage type "{}" is none of u, p, i)", Excerpt(descriptor.storage_type)));
}

}  // namespace

Result<VectorPlace> ResolveDeletionVector(const DeletionVector& descriptor) {
  Result<VectorPlace> place = Resolve(descriptor);
  if (!place) {
    return Fail(std::move(place)
                    .error()
                    .With("storageType", Excerpt(descriptor.storage_type))
                    .In("the deletion vector"));
  }
  return place;
}

Result<std::string> DecodeZ85(std::string_view text) {
  if (text.size() % kZ85Chars != 0) {
    return Wrong(fmt::format("its Z85 text has {} characters, not a multiple of {}", text.size(),
                             kZ85Chars));
  }
  std::string bytes;
  bytes.reserve(text.size() / kZ85Chars * kZ85Bytes);
  for (std::size_t i = 0; i < text.size(); i += kZ85Chars) {
    std::uint64_t word = 0;
    for (const char c : text.substr(i, kZ85Chars)) {
      const std::uint8_t digit = kZ85Digits[static_cast<unsigned char>(c)];
      if (digit == kNoDigit) {
        return Wrong(
            fmt::format("its Z85 text has a character with code {}, which Z85 does not use",
                        static_cast<unsigned char>(c)));
      }
      word = word * kZ85Base + digit;
    }
    if (word > std::numeric_limits<std::uint32_t>::max()) {
      return Wrong(fmt::format(R"(the characters "{}" of its Z85 text say more than 32 bits)",
                               text.substr(i, kZ85Chars)));
    }
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((word >> shift) & 0xFF);
  }
  return bytes;
}

std::string EncodeZ85(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + kZ85Bytes - 1) / kZ85Bytes * kZ85Chars);
  for (std::size_t i = 0; i < bytes.size(); i += kZ85Bytes) {
    std::uint32_t word = 0;
    for (std::size_t k = i; k < i + kZ85Bytes; ++k) {
      word = word << 8 | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U);
    }
    std::array<char, kZ85Chars> chars;
    for (std::size_t k = kZ85Chars; k-- > 0; word /= kZ85Base) {
      chars[k] = kZ85Alphabet[word % kZ85Base];
    }
    text.append(chars.data(), chars.size());
  }
  return text;
}

}  // namespace deltalakedb::protocol

namespace deltalakedb {

std::string DeletionVector::UniqueId() const {
  std::string id;
  id.reserve(storage_type.size() + path_or_inline_dv.size() + 12);
  id += storage_type;
  id += path_or_inline_dv;
  if (offset) fmt::format_to(std::back_inserter(id), "@{}", *offset);
  return id;
}

}  // namespace deltalakedb
