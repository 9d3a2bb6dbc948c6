#include "base/time_text.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/try.h"

namespace deltalakedb::base {
namespace {

constexpr std::size_t kFractionDigitsMax = 9;
constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr std::int64_t kMsPerSecond = 1'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::unexpected<Error> Wrong(std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}; a time is written like 2024-01-02T03:04:05Z", what));
}

// A field of a date or time: its name for messages, how many digits and which values it has.
struct Field {
  std::string_view name;
  std::size_t digits;
  int lowest;
  int highest;
};

// Takes text from the front, piece by piece.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  bool TakeChar(char lower, char upper) {
    if (rest_.empty() || (rest_.front() != lower && rest_.front() != upper)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeChar(char c) { return TakeChar(c, c); }

  Result<int> TakeNumber(const Field& field) {
    int value = 0;
    for (std::size_t i = 0; i < field.digits; ++i) {
      if (i >= rest_.size() || !IsDigit(rest_[i])) {
        return Wrong(fmt::format("the {} needs {} digits", field.name, field.digits));
      }
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(field.digits);
    if (value < field.lowest || value > field.highest) {
      return Wrong(fmt::format("the {} {} is not in {}..{}", field.name, value, field.lowest,
                               field.highest));
    }
    return value;
  }

 private:
  std::string_view rest_;
};

Result<std::chrono::year_month_day> TakeDate(Scanner& scanner) {
  DELTALAKEDB_ASSIGN(const int year, scanner.TakeNumber({"year", 4, 0, 9999}));
  if (!scanner.TakeChar('-')) return Wrong("a '-' is missing after the year");
  DELTALAKEDB_ASSIGN(const int month, scanner.TakeNumber({"month", 2, 1, 12}));
  if (!scanner.TakeChar('-')) return Wrong("a '-' is missing after the month");
  DELTALAKEDB_ASSIGN(const int day, scanner.TakeNumber({"day", 2, 1, 31}));
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) {
    return Wrong(fmt::format("there is no day {:02} in {:04}-{:02}", day, year, month));
  }
  return date;
}

// The fraction of a second in nanoseconds, 0 when there is none.
Result<std::int64_t> TakeFraction(Scanner& scanner) {
  if (!scanner.TakeChar('.')) return 0;
  std::size_t digits = 0;
  std::int64_t nanoseconds = 0;
  while (digits < scanner.rest().size() && IsDigit(scanner.rest()[digits])) {
    nanoseconds = nanoseconds * 10 + (scanner.rest()[digits] - '0');
    if (++digits > kFractionDigitsMax) {
      return Wrong("the fraction of a second has more than nine digits");
    }
  }
  if (digits == 0) return Wrong("the fraction of a second has no digits");
  for (std::size_t i = 0; i < digits; ++i) scanner.TakeChar(scanner.rest().front());
  for (std::size_t i = digits; i < kFractionDigitsMax; ++i) nanoseconds *= 10;
  return nanoseconds;
}

// Seconds east of UTC.
Result<int> TakeOffset(Scanner& scanner) {
  if (scanner.TakeChar('z', 'Z')) return 0;
  const bool west = scanner.TakeChar('-');
  if (!west && !scanner.TakeChar('+')) {
    return Wrong("the time has to end in Z or in an offset like +02:00");
  }
  DELTALAKEDB_ASSIGN(const int hours, scanner.TakeNumber({"offset's hour", 2, 0, 23}));
  if (!scanner.TakeChar(':')) return Wrong("a ':' is missing in the offset");
  DELTALAKEDB_ASSIGN(const int minutes, scanner.TakeNumber({"offset's minute", 2, 0, 59}));
  const int seconds = (hours * 60 + minutes) * 60;
  return west ? -seconds : seconds;
}

// Leap seconds end a June or a December, so the second after one begins a July or a January.
bool FollowsPossibleLeapSecond(std::int64_t unix_seconds) {
  if (unix_seconds % kSecondsPerDay != 0) return false;
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(unix_seconds / kSecondsPerDay))};
  return date.day() == std::chrono::day(1) &&
         (date.month() == std::chrono::January || date.month() == std::chrono::July);
}

}  // namespace

Result<Timestamp> ParseRfc3339(std::string_view text, Rounding rounding) {
  Scanner scanner(text);
  DELTALAKEDB_ASSIGN(const auto date, TakeDate(scanner));
  if (!scanner.TakeChar('t', 'T')) return Wrong("a 'T' is missing after the date");
  DELTALAKEDB_ASSIGN(const int hour, scanner.TakeNumber({"hour", 2, 0, 23}));
  if (!scanner.TakeChar(':')) return Wrong("a ':' is missing after the hour");
  DELTALAKEDB_ASSIGN(const int minute, scanner.TakeNumber({"minute", 2, 0, 59}));
  if (!scanner.TakeChar(':')) return Wrong("a ':' is missing after the minute");
  DELTALAKEDB_ASSIGN(const int second, scanner.TakeNumber({"second", 2, 0, 60}));
  DELTALAKEDB_ASSIGN(const std::int64_t nanoseconds, TakeFraction(scanner));
  DELTALAKEDB_ASSIGN(const int offset_seconds, TakeOffset(scanner));
  if (!scanner.at_end()) return Wrong("something follows after the time");

  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t unix_seconds =
      days * kSecondsPerDay + (hour * 60 + minute) * 60 + second - offset_seconds;
  if (second == 60 && !FollowsPossibleLeapSecond(unix_seconds)) {
    return Wrong("the second 60 exists only where a leap second can be");
  }
  const bool round_up = rounding == Rounding::kUp && nanoseconds % kNanosecondsPerMs != 0;
  return Timestamp(unix_seconds * kMsPerSecond + nanoseconds / kNanosecondsPerMs +
                   (round_up ? 1 : 0));
}

std::string FormatRfc3339(Timestamp moment) {
  constexpr std::int64_t kFirstMs = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
  constexpr std::int64_t kLastMs = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z
  if (moment.ms() < kFirstMs || moment.ms() > kLastMs) {
    return fmt::format("{} ms since 1970", moment.ms());
  }
  const std::chrono::sys_time<std::chrono::milliseconds> time{
      std::chrono::milliseconds(moment.ms())};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace deltalakedb::base
