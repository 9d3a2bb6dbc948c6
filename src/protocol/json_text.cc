#include "protocol/json_text.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace deltalakedb::protocol {

namespace {

// Bytes that stand for themselves in a string.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t i = 0x20; i < plain.size(); ++i) plain[i] = i != '"' && i != '\\';
  return plain;
}();

// Takes one piece of the text after another; each Take answers false where it finds another one.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  void SkipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' ||
                              rest_.front() == '\r' || rest_.front() == '\n')) {
      rest_.remove_prefix(1);
    }
  }

  bool Take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // A member's name with its colon, and the space around both.
  bool TakeKey() {
    SkipSpace();
    if (!TakeString()) return false;
    SkipSpace();
    return Take(':');
  }

  // A value that holds no others.
  bool TakeScalar() {
    if (rest_.starts_with('"')) return TakeString();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return true;
    }
    return TakeNumber();
  }

 private:
  bool TakeString() {
    if (!Take('"')) return false;
    for (;;) {
      std::size_t plain = 0;
      while (plain < rest_.size() && kPlain[static_cast<unsigned char>(rest_[plain])]) ++plain;
      rest_.remove_prefix(plain);
      if (Take('"')) return true;
      if (!Take('\\') || !TakeEscaped()) return false;
    }
  }

  // What follows a backslash.
  bool TakeEscaped() {
    if (rest_.empty()) return false;
    if (!rest_.starts_with('u')) {
      constexpr std::string_view kEscapes = "\"\\/bfnrt";
      const bool is_known = kEscapes.contains(rest_.front());
      rest_.remove_prefix(1);
      return is_known;
    }
    const auto unit = TakeUnit();
    if (!unit || IsLow(*unit)) return false;
    if (!IsHigh(*unit)) return true;
    if (!Take('\\')) return false;
    const auto second = TakeUnit();
    return second && IsLow(*second);
  }

  // `uXXXX`, a UTF-16 code unit.
  std::optional<std::uint32_t> TakeUnit() {
    constexpr std::size_t kDigits = 4;
    if (rest_.size() < 1 + kDigits || !Take('u')) return std::nullopt;
    std::uint32_t unit = 0;
    for (const char c : rest_.substr(0, kDigits)) {
      unit <<= 4U;
      if (IsDigit(c)) {
        unit += static_cast<std::uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        unit += static_cast<std::uint32_t>(c - 'a' + 10);
      } else if (c >= 'A' && c <= 'F') {
        unit += static_cast<std::uint32_t>(c - 'A' + 10);
      } else {
        return std::nullopt;
      }
    }
    rest_.remove_prefix(kDigits);
    return unit;
  }

  bool TakeNumber() {
    Take('-');
    if (!Take('0') && !TakeDigits()) return false;
    if (Take('.') && !TakeDigits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      return TakeDigits();
    }
    return true;
  }

  bool TakeDigits() {
    std::size_t digits = 0;
    while (digits < rest_.size() && IsDigit(rest_[digits])) ++digits;
    rest_.remove_prefix(digits);
    return digits > 0;
  }

  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }
  static bool IsHigh(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
  static bool IsLow(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

  std::string_view rest_;
};

// Goes through one value and all inside it, and tells `visitor` of each value's first and last byte
// and of each member's name. Depths count the brackets around it.
template <typename Visitor>
bool Walk(Scanner& scanner, Visitor& visitor) {
  std::vector<bool> open;  // of each bracket that is not closed yet, whether it opens an object
  const auto take_key = [&] {
    scanner.SkipSpace();
    const std::string_view name = scanner.rest();
    return scanner.TakeKey() && visitor.TakeName(open.size(), name);
  };
  for (;;) {
    scanner.SkipSpace();
    if (!visitor.Begin(open.size(), scanner.rest())) return false;
    bool is_whole = true;
    if (scanner.Take('{')) {
      scanner.SkipSpace();
      if (!scanner.Take('}')) {
        open.push_back(true);
        if (!take_key()) return false;
        is_whole = false;
      }
    } else if (scanner.Take('[')) {
      scanner.SkipSpace();
      if (!scanner.Take(']')) {
        open.push_back(false);
        is_whole = false;
      }
    } else if (!scanner.TakeScalar()) {
      return false;
    }
    // Here one has ended, and maybe those around it.
    while (is_whole) {
      visitor.End(open.size(), scanner.rest());
      scanner.SkipSpace();
      if (open.empty()) return scanner.at_end();
      if (scanner.Take(',')) {
        if (open.back() && !take_key()) return false;
        break;
      }
      if (!scanner.Take(open.back() ? '}' : ']')) return false;
      open.pop_back();
    }
  }
}

struct NoVisitor {
  static bool TakeName(std::size_t /*depth*/, std::string_view /*rest*/) { return true; }
  static bool Begin(std::size_t /*depth*/, std::string_view /*rest*/) { return true; }
  static void End(std::size_t /*depth*/, std::string_view /*rest*/) {}
};

// Finds one member of the outermost object.
class MemberFinder {
 public:
  MemberFinder(std::string_view name, std::size_t depth_max) : name_(name), depth_max_(depth_max) {}

  // `rest` begins with the name's quote.
  bool TakeName(std::size_t depth, std::string_view rest) {
    if (depth != 1) return true;
    const std::size_t end = rest.find_first_of("\"\\", 1);
    if (rest[end] == '\\') return false;
    if (rest.substr(1, end - 1) != name_) return true;
    is_next_ = !found_.member;
    return is_next_;
  }
  bool Begin(std::size_t depth, std::string_view rest) {
    if (depth == 0) return rest.starts_with('{');
    if (is_next_ && depth == 1) start_ = rest;
    const bool nests = rest.starts_with('{') || rest.starts_with('[');
    return !nests || depth < depth_max_;
  }
  void End(std::size_t depth, std::string_view rest) {
    if (!is_next_ || depth != 1) return;
    found_.member = start_.substr(0, start_.size() - rest.size());
    is_next_ = false;
  }
  const ObjectGlance& found() const { return found_; }

 private:
  std::string_view name_;
  std::size_t depth_max_;
  ObjectGlance found_;
  std::string_view start_;  // of the value on, where it is_next_
  bool is_next_ = false;
};

}  // namespace

bool IsJson(std::string_view text) {
  Scanner scanner(text);
  NoVisitor visitor;
  return Walk(scanner, visitor);
}

std::optional<ObjectGlance> GlanceAtObject(std::string_view text, std::string_view name,
                                           std::size_t depth_max) {
  Scanner scanner(text);
  MemberFinder finder(name, depth_max);
  if (!Walk(scanner, finder)) return std::nullopt;
  return finder.found();
}

}  // namespace deltalakedb::protocol
