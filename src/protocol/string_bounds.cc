#include "protocol/string_bounds.h"

namespace deltalakedb::protocol {
namespace {

// What is put behind a text that was cut: the last character of ASCII where that is enough.
constexpr char kAsciiMax = '\x7F';
constexpr std::string_view kCharacterMax = "\xF4\x8F\xBF\xBF";  // U+10FFFF

// Bytes of the character whose first byte this is.
std::size_t CharacterBytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

// A place between two characters.
struct Place {
  std::size_t units = 0;
  std::size_t bytes = 0;

  void Step(std::string_view text) {
    const std::size_t character = CharacterBytes(text[bytes]);
    units += character == 4 ? 2 : 1;
    bytes += character;
  }
};

// The first place that is not before `units`, or the end.
Place PlaceAt(std::string_view text, std::size_t units) {
  Place place;
  while (place.units < units && place.bytes < text.size()) place.Step(text);
  return place;
}

}  // namespace

std::optional<std::string> LowerBound(std::string_view text, std::size_t prefix_length) {
  const Place cut = PlaceAt(text, prefix_length);
  if (cut.bytes >= text.size()) return std::string(text);
  if (cut.bytes == 0) return std::nullopt;
  return std::string(text.substr(0, cut.bytes));
}

std::optional<std::string> UpperBound(std::string_view text, std::size_t prefix_length) {
  Place cut = PlaceAt(text, prefix_length);
  if (cut.bytes >= text.size()) return std::string(text);
  if (cut.bytes == 0) return std::nullopt;
  for (; cut.units <= 2 * prefix_length; cut.Step(text)) {
    if (cut.bytes >= text.size()) return std::string(text);
    if (text.substr(cut.bytes).starts_with(kCharacterMax)) continue;
    std::string bound(text.substr(0, cut.bytes));
    const auto dropped = static_cast<unsigned char>(text[cut.bytes]);
    if (dropped < static_cast<unsigned char>(kAsciiMax)) return bound + kAsciiMax;
    return bound.append(kCharacterMax);
  }
  return std::nullopt;
}

}  // namespace deltalakedb::protocol
