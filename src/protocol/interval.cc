#include "protocol/interval.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace deltalakedb::protocol {

namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
// Each may end with an s. Unit: ms.
constexpr auto kUnits =
    std::to_array<std::pair<std::string_view, std::int64_t>>({{"week", 7 * kDay},
                                                              {"day", kDay},
                                                              {"hour", kHour},
                                                              {"minute", kMinute},
                                                              {"second", kSecond},
                                                              {"millisecond", 1}});

std::optional<std::int64_t> FindUnit(std::string_view word) {
  if (word.ends_with('s')) word.remove_suffix(1);
  for (const auto& [name, ms] : kUnits) {
    if (name == word) return ms;
  }
  return std::nullopt;
}

// Takes the first word off a text.
std::string_view TakeWord(std::string_view& text) {
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kSpace));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseInterval(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string_view rest = lower;
  std::string_view word = TakeWord(rest);
  if (word == "interval") word = TakeWord(rest);
  if (word.empty()) return std::nullopt;
  std::int64_t total = 0;
  for (; !word.empty(); word = TakeWord(rest)) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
    if (error != std::errc() || end != word.data() + word.size() || count < 0) return std::nullopt;
    const auto unit = FindUnit(TakeWord(rest));
    std::int64_t part = 0;
    if (!unit || __builtin_mul_overflow(count, *unit, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return std::nullopt;
    }
  }
  return std::chrono::milliseconds(total);
}

}  // namespace deltalakedb::protocol
