#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/try.h"
#include "base/uri_internal.h"

namespace deltalakedb {

Environment ProcessEnvironment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

namespace base {
namespace {

constexpr std::size_t kPlainWordBytesMax = 64;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return IsLetter(c) || c == '_'; }
bool IsNameByte(char c) { return IsNameStart(c) || IsDigit(c); }

std::optional<unsigned> HexValue(char c) {
  if (IsDigit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// The length of the UTF-8 sequence that begins the text, 0 if none does.
std::size_t Utf8SequenceBytes(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  // The second byte's range excludes long forms, surrogates and what lies beyond U+10FFFF.
  unsigned second_min = 0x80;
  unsigned second_max = 0xBF;
  std::size_t size = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    size = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    size = 3;
    if (first == 0xE0) second_min = 0xA0;
    if (first == 0xED) second_max = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    size = 4;
    if (first == 0xF0) second_min = 0x90;
    if (first == 0xF4) second_max = 0x8F;
  } else {
    return 0;
  }
  if (byte(1) < second_min || byte(1) > second_max) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return size;
}

bool IsControlByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// Unicode's control characters: C0, DEL and C1, which is U+0080 to U+009F.
bool HasControlCharacter(std::string_view utf8) {
  if (std::ranges::any_of(utf8, IsControlByte)) return true;
  for (std::size_t i = 0; i + 1 < utf8.size(); ++i) {
    if (utf8[i] == '\xC2' && static_cast<unsigned char>(utf8[i + 1]) < 0xA0) return true;
  }
  return false;
}

// One `$NAME`, `${NAME}` or `$$`. The name is empty for `$$`.
struct Reference {
  std::string_view name;
  std::size_t bytes = 0;
  bool braced = false;
};

Result<Reference> ReadReference(std::string_view text, std::string_view part) {
  if (text.starts_with("$$")) return Reference{"", 2, false};
  const bool braced = text.starts_with("${");
  const std::size_t begin = braced ? 2 : 1;
  std::size_t end = begin;
  if (end < text.size() && IsNameStart(text[end])) {
    while (end < text.size() && IsNameByte(text[end])) ++end;
  }
  if (end > begin && (!braced || (end < text.size() && text[end] == '}'))) {
    return Reference{text.substr(begin, end - begin), end + (braced ? 1 : 0), braced};
  }
  return Fail(UriError(
      part, fmt::format("the {} part of the URI has a '$' that begins no $NAME or ${{NAME}}; write "
                        "$$ or %24 for a dollar",
                        part)));
}

// Says which variable is missing. In `pass$word` the name may be a piece of the password, so it is
// named only where it is plainly a variable's.
Error UnsetVariable(const Reference& reference, std::string_view raw, std::string_view part) {
  if (part == "password" && !reference.braced && reference.bytes != raw.size()) {
    return UriError(part,
                    "the password part of the URI refers to a variable that is not set; write $$ "
                    "or %24 if it has a dollar, or ${NAME} for a variable");
  }
  return UriError(part, fmt::format("the variable {} is not set, and the {} part of the URI needs "
                                    "it; set it, or write $$ or %24 for a dollar",
                                    reference.name, part))
      .With("variable", std::string(reference.name));
}

Result<char> DecodeEscape(std::string_view text, std::string_view part) {
  const auto high = text.size() > 2 ? HexValue(text[1]) : std::nullopt;
  const auto low = text.size() > 2 ? HexValue(text[2]) : std::nullopt;
  if (!high || !low) {
    return Fail(UriError(part, fmt::format("the {} part of the URI has a '%' without two "
                                           "hexadecimal digits after it; write %25 for a percent "
                                           "sign",
                                           part)));
  }
  return static_cast<char>(*high * 16 + *low);
}

}  // namespace

Error UriError(std::string_view part, std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).With("uriPart", std::string(part));
}

std::string PercentEncode(std::string_view text, std::string_view kept) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (IsLetter(c) || IsDigit(c) || std::string_view("-._~").contains(c) || kept.contains(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kHexDigits[byte >> 4U];
      encoded += kHexDigits[byte & 0xFU];
    }
  }
  return encoded;
}

std::pair<std::string_view, std::optional<std::string_view>> CutAtFirst(std::string_view text,
                                                                        char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string AsciiLowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsPlainWord(std::string_view text) {
  return !text.empty() && text.size() <= kPlainWordBytesMax && IsNameStart(text.front()) &&
         std::ranges::all_of(
             text, [](char c) { return IsNameByte(c) || c == '+' || c == '.' || c == '-'; });
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = Utf8SequenceBytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::optional<std::int64_t> ParseNumber(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !IsDigit(text.front()) ||
      value < min || value > max) {
    return std::nullopt;
  }
  return value;
}

Result<ExpandedText> ExpandPart(std::string_view raw, std::string_view part,
                                const Environment& environment) {
  ExpandedText expanded;
  for (std::size_t i = 0; i < raw.size();) {
    if (raw[i] == '$') {
      DELTALAKEDB_ASSIGN(const Reference reference, ReadReference(raw.substr(i), part));
      i += reference.bytes;
      if (reference.name.empty()) {
        expanded.text += '$';
        continue;
      }
      const std::optional<std::string> value = environment(reference.name);
      if (!value) return Fail(UnsetVariable(reference, raw, part));
      expanded.text += *value;
      expanded.has_reference = true;
    } else if (raw[i] == '%') {
      DELTALAKEDB_ASSIGN(const char decoded, DecodeEscape(raw.substr(i), part));
      expanded.text += decoded;
      i += 3;
    } else {
      expanded.text += raw[i++];
    }
    if (expanded.text.size() > kUriBytesMax) {
      return Fail(UriError(part, fmt::format("the {} part of the URI has more than {} bytes once "
                                             "its variables are expanded; shorten it",
                                             part, kUriBytesMax)));
    }
  }
  return expanded;
}

Result<void> CheckText(std::string_view text, std::string_view part, std::size_t bytes_max) {
  std::string_view fault;
  if (text.empty()) {
    fault = "is empty; give it a value, or check the variable it comes from";
  } else if (!IsUtf8(text)) {
    fault = "is not UTF-8; encode it as UTF-8 before percent-encoding it";
  } else if (HasControlCharacter(text)) {
    fault = "has a control character; take it out";
  }
  if (!fault.empty()) return Fail(UriError(part, fmt::format("the URI's {} {}", part, fault)));
  if (text.size() > bytes_max) {
    return Fail(UriError(part, fmt::format("the URI's {} has {} bytes of UTF-8, and {} is the most "
                                           "it may have; shorten it",
                                           part, text.size(), bytes_max)));
  }
  return {};
}

Result<void> CheckPath(std::string_view path, std::string_view part) {
  if (path.empty()) {
    return Fail(UriError(part, fmt::format("the URI's {} is empty; give the path of a file or "
                                           "folder",
                                           part)));
  }
  if (std::ranges::any_of(path, IsControlByte)) {
    return Fail(UriError(part, fmt::format("the URI's {} has a control character; rename the file "
                                           "or folder",
                                           part)));
  }
  if (path.size() > kUriBytesMax) {
    return Fail(UriError(
        part, fmt::format("the URI's {} has more than {} bytes; shorten it", part, kUriBytesMax)));
  }
  return {};
}

bool IsIpv6(std::string_view host) {
  const auto [address, zone] = CutAtFirst(host, '%');
  in6_addr parsed;
  return (!zone || !zone->empty()) &&
         inet_pton(AF_INET6, std::string(address).c_str(), &parsed) == 1;
}

bool LooksLikeCredentials(std::string_view path) {
  if (path.starts_with("./") || path.starts_with("../")) return false;
  if (path.starts_with('/') && !path.starts_with("//")) return false;
  const std::size_t colon = path.find(':');
  if (colon != std::string_view::npos && path.find('@', colon) != std::string_view::npos) {
    return true;
  }
  const std::string lower = AsciiLowerCase(path);
  constexpr std::string_view kKeyword = "password";
  const std::size_t keyword = lower.find(kKeyword);
  if (keyword == std::string::npos) return false;
  const std::size_t next = lower.find_first_not_of(' ', keyword + kKeyword.size());
  return next != std::string::npos && lower[next] == '=';
}

std::string GuardedPath(const std::string& path) {
  const bool needs_guard =
      !path.starts_with('/') && (CutAtFirst(path, '/').first.find(':') != std::string_view::npos ||
                                 LooksLikeCredentials(path));
  return needs_guard ? "./" + path : path;
}

}  // namespace base
}  // namespace deltalakedb
