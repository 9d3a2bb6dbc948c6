// Bounds of texts that are cut for statistics (PROTOCOL.md, Statistics): nothing of a file is below
// the one or above the other, in the order of their bytes.
//
// Lengths are counted as Spark does it, in UTF-16 units: two for a character beyond U+FFFF, which
// is never cut in half. Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deltalakedb::protocol {

// delta.dataSkippingStringPrefixLength where it is not set.
inline constexpr std::size_t kStringPrefixLengthDefault = 32;

// `text`, which is UTF-8, if it is no longer than `prefix_length`, else its beginning; nullopt
// where nothing would be left of it.
std::optional<std::string> LowerBound(std::string_view text, std::size_t prefix_length);
// The same with a character behind it that is above the one that was cut off. The beginning is up
// to twice as long where that takes it; nullopt where even that does not help.
std::optional<std::string> UpperBound(std::string_view text, std::size_t prefix_length);

}  // namespace deltalakedb::protocol
