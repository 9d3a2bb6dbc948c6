// Text from outside as part of an error message: bounded, and without control characters that could
// steer a terminal. Pure function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace deltalakedb::protocol {

// Bytes of foreign text that a message shows.
inline constexpr std::size_t kExcerptBytesMax = 80;

// The beginning of `text`, cut between two UTF-8 characters and marked with "…" when it is longer.
inline std::string Excerpt(std::string_view text) {
  std::size_t length = text.size();
  if (length > kExcerptBytesMax) {
    length = kExcerptBytesMax;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  }
  std::string result(text.substr(0, length));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  if (length < text.size()) result += "…";
  return result;
}

}  // namespace deltalakedb::protocol
