// Whole numbers as properties, and the metadata of columns, have them: text.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace deltalakedb::protocol {

// Nullopt where the text is anything but a number that fits, in digits behind at most a minus.
template <typename Int = std::int64_t>
std::optional<Int> ParseInt(std::string_view text) {
  Int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole ? std::optional(value) : std::nullopt;
}

}  // namespace deltalakedb::protocol
