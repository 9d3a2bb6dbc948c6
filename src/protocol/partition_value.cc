#include "protocol/partition_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "base/try.h"
#include "protocol/excerpt.h"

namespace deltalakedb::protocol {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using Value = PartitionValue::Value;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::size_t kMicrosDigits = 6;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr int kYearMin = 1;
constexpr int kYearMax = 9999;
// Beyond any exponent that a decimal can have unless all its digits are 0.
constexpr int kDecimalExponentMax = 1'000'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool EqualIgnoringCase(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
  });
}

bool TakeChar(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// Takes exactly `count` digits.
bool TakeDigits(std::string_view& text, std::size_t count, int& out) {
  if (text.size() < count) return false;
  out = 0;
  for (const char c : text.substr(0, count)) {
    if (!IsDigit(c)) return false;
    out = out * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return true;
}

std::string_view TakeAllDigits(std::string_view& text) {
  const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

// Takes a sign and answers whether it is a minus.
bool TakeSign(std::string_view& text) {
  if (TakeChar(text, '-')) return true;
  TakeChar(text, '+');
  return false;
}

std::optional<Value> ReadBoolean(std::string_view text) {
  if (EqualIgnoringCase(text, "true")) return true;
  if (EqualIgnoringCase(text, "false")) return false;
  return std::nullopt;
}

template <typename Integer>
std::optional<Value> ReadInteger(std::string_view text) {
  if (text.starts_with("+-")) return std::nullopt;
  TakeChar(text, '+');
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::int64_t{value};
}

template <typename Float>
std::optional<Value> ReadFloat(std::string_view text) {
  const bool negative = TakeSign(text);
  if (EqualIgnoringCase(text, "nan")) return std::numeric_limits<Float>::quiet_NaN();
  Float value = 0;
  if (EqualIgnoringCase(text, "infinity") || EqualIgnoringCase(text, "inf")) {
    value = std::numeric_limits<Float>::infinity();
  } else {
    if (text.empty() || (!IsDigit(text.front()) && text.front() != '.')) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
      return std::nullopt;
    }
  }
  if (value == 0) return Float{0};
  return negative ? -value : value;
}

// The digits of a number without its point and its leading and trailing zeros.
struct DecimalDigits {
  bool negative = false;
  std::string significant;    // empty for 0
  std::int64_t exponent = 0;  // of the last significant digit
};

std::optional<DecimalDigits> ReadDecimalDigits(std::string_view text) {
  DecimalDigits result;
  result.negative = TakeSign(text);
  const std::string_view whole = TakeAllDigits(text);
  std::string_view fraction;
  if (TakeChar(text, '.')) fraction = TakeAllDigits(text);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  int exponent = 0;
  if (TakeChar(text, 'E') || TakeChar(text, 'e')) {
    const bool negative = TakeSign(text);
    if (text.empty() || !IsDigit(text.front())) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc() || exponent > kDecimalExponentMax) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (negative) exponent = -exponent;
  }
  if (!text.empty()) return std::nullopt;
  result.significant = std::string(whole) + std::string(fraction);
  result.exponent = exponent - static_cast<std::int64_t>(fraction.size());
  while (result.significant.ends_with('0')) {
    result.significant.pop_back();
    ++result.exponent;
  }
  result.significant.erase(
      0, std::min(result.significant.find_first_not_of('0'), result.significant.size()));
  return result;
}

std::optional<Value> ReadDecimal(std::string_view text, const DataType& type) {
  const std::optional<DecimalDigits> digits = ReadDecimalDigits(text);
  if (!digits) return std::nullopt;
  PartitionDecimal decimal{.unscaled = 0, .scale = type.scale()};
  if (digits->significant.empty()) return decimal;
  // Zeros between the last significant digit and the last one that the scale has.
  const std::int64_t zeros = digits->exponent + type.scale();
  if (zeros < 0 ||
      static_cast<std::int64_t>(digits->significant.size()) + zeros > type.precision()) {
    return std::nullopt;
  }
  for (const char c : digits->significant) decimal.unscaled = decimal.unscaled * 10 + (c - '0');
  for (std::int64_t i = 0; i < zeros; ++i) decimal.unscaled *= 10;
  if (digits->negative) decimal.unscaled = -decimal.unscaled;
  return decimal;
}

bool TakeDate(std::string_view& text, std::chrono::sys_days& out) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!TakeDigits(text, 4, year) || !TakeChar(text, '-') || !TakeDigits(text, 2, month) ||
      !TakeChar(text, '-') || !TakeDigits(text, 2, day)) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < kYearMin) return false;
  out = date;
  return true;
}

// Takes HH:MM:SS[.f…] as microseconds since midnight.
bool TakeClock(std::string_view& text, std::int64_t& out) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!TakeDigits(text, 2, hour) || !TakeChar(text, ':') || !TakeDigits(text, 2, minute) ||
      !TakeChar(text, ':') || !TakeDigits(text, 2, second)) {
    return false;
  }
  if (hour > 23 || minute > 59 || second > 59) return false;  // Delta knows no leap seconds
  std::int64_t micros = 0;
  if (TakeChar(text, '.')) {
    const std::string_view fraction = TakeAllDigits(text);
    if (fraction.empty()) return false;
    for (std::size_t i = 0; i < std::max(kMicrosDigits, fraction.size()); ++i) {
      const char digit = i < fraction.size() ? fraction[i] : '0';
      if (i < kMicrosDigits) {
        micros = micros * 10 + (digit - '0');
      } else if (digit != '0') {
        return false;
      }
    }
  }
  out = ((hour * 60 + minute) * 60 + second) * kMicrosPerSecond + micros;
  return true;
}

// Takes `Z` or `+HH:MM`, as microseconds east of UTC.
bool TakeOffset(std::string_view& text, std::int64_t& out) {
  out = 0;
  if (TakeChar(text, 'Z')) return true;
  if (!text.starts_with('+') && !text.starts_with('-')) return false;
  const bool west = TakeSign(text);
  int hours = 0;
  int minutes = 0;
  if (!TakeDigits(text, 2, hours) || !TakeChar(text, ':') || !TakeDigits(text, 2, minutes) ||
      hours > 18 || minutes > 59) {  // no zone is farther away (java.time.ZoneOffset)
    return false;
  }
  out = (hours * 60 + minutes) * 60 * kMicrosPerSecond * (west ? -1 : 1);
  return true;
}

std::int64_t MicrosAtYear(int year) {
  const std::chrono::sys_days day{std::chrono::year(year) / std::chrono::January / 1};
  return std::chrono::duration_cast<microseconds>(day.time_since_epoch()).count();
}

std::optional<Value> ReadDate(std::string_view text) {
  std::chrono::sys_days day;
  if (!TakeDate(text, day) || !text.empty()) return std::nullopt;
  return PartitionDate{static_cast<std::int32_t>(day.time_since_epoch().count())};
}

std::optional<Value> ReadTimestamp(std::string_view text, bool with_zone) {
  std::chrono::sys_days day;
  std::int64_t clock = 0;
  if (!TakeDate(text, day) || (!TakeChar(text, ' ') && !TakeChar(text, 'T')) ||
      !TakeClock(text, clock)) {
    return std::nullopt;
  }
  PartitionTimestamp result;
  std::int64_t offset = 0;
  if (text.empty()) {
    result.zone_assumed = with_zone;
  } else if (!with_zone || !TakeOffset(text, offset) || !text.empty()) {
    return std::nullopt;
  }
  result.micros =
      day.time_since_epoch().count() * kSecondsPerDay * kMicrosPerSecond + clock - offset;
  if (result.micros < MicrosAtYear(kYearMin) || result.micros >= MicrosAtYear(kYearMax + 1)) {
    return std::nullopt;
  }
  return result;
}

// The value of a text that is not empty; nullopt when the type has no such value.
std::optional<Value> ReadValue(const DataType& type, std::string_view text) {
  switch (type.kind()) {
    case TypeKind::kString:
    case TypeKind::kBinary:
      return std::string(text);
    case TypeKind::kLong:
      return ReadInteger<std::int64_t>(text);
    case TypeKind::kInteger:
      return ReadInteger<std::int32_t>(text);
    case TypeKind::kShort:
      return ReadInteger<std::int16_t>(text);
    case TypeKind::kByte:
      return ReadInteger<std::int8_t>(text);
    case TypeKind::kFloat:
      return ReadFloat<float>(text);
    case TypeKind::kDouble:
      return ReadFloat<double>(text);
    case TypeKind::kDecimal:
      return ReadDecimal(text, type);
    case TypeKind::kBoolean:
      return ReadBoolean(text);
    case TypeKind::kDate:
      return ReadDate(text);
    case TypeKind::kTimestamp:
      return ReadTimestamp(text, /*with_zone=*/true);
    case TypeKind::kTimestampNtz:
      return ReadTimestamp(text, /*with_zone=*/false);
    default:
      return std::nullopt;
  }
}

// Types that Delta partitions by and this library knows.
bool CanPartitionBy(TypeKind kind) {
  switch (kind) {
    case TypeKind::kStruct:
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kVariant:
    case TypeKind::kVoid:
    case TypeKind::kOther:
      return false;
    default:
      return true;
  }
}

// How a value of the type is written, for messages.
std::string_view ExpectedForm(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBoolean:
      return "true or false";
    case TypeKind::kDate:
      return "a day as YYYY-MM-DD in the years 0001 to 9999";
    case TypeKind::kTimestamp:
      return "a time as YYYY-MM-DDTHH:MM:SS.ffffffZ or YYYY-MM-DD HH:MM:SS.ffffff in the years "
             "0001 to 9999";
    case TypeKind::kTimestampNtz:
      return "a time as YYYY-MM-DD HH:MM:SS.ffffff in the years 0001 to 9999";
    default:
      return "a number that the type can hold";
  }
}

Error Wrong(const PartitionColumn& column, std::string_view text, ErrorCode code) {
  const std::string type = column.type.ToText();
  std::string message =
      code == ErrorCode::kUnsupported
          ? fmt::format(
                "the partition column {} has the type {}, whose values cannot be read as "
                "partition values",
                Excerpt(column.name), Excerpt(type))
          : fmt::format(R"(the partition value "{}" of the column {} with type {} is not {})",
                        Excerpt(text), Excerpt(column.name), Excerpt(type),
                        ExpectedForm(column.type.kind()));
  return Error(code, std::move(message))
      .With("column", std::string(column.name))
      .With("type", type)
      .With("text", Excerpt(text));
}

// Java's Double.toString: plain from 10^-3 up to 10^7, else with an exponent, always with a point.
template <typename Float>
std::string FloatText(Float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return "0.0";
  constexpr int kPlainExponentMin = -3;
  constexpr int kPlainExponentMax = 6;
  std::array<char, 64> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::string sign = TakeSign(text) ? "-" : "";
  const std::size_t mark = text.find('e');
  std::string digits(text.substr(0, 1));
  if (mark > 2) digits += text.substr(2, mark - 2);
  std::string_view exponent_text = text.substr(mark + 1);
  const bool exponent_negative = TakeSign(exponent_text);
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  if (exponent_negative) exponent = -exponent;

  if (exponent < kPlainExponentMin || exponent > kPlainExponentMax) {
    const std::string fraction = digits.size() > 1 ? digits.substr(1) : "0";
    return fmt::format("{}{}.{}E{}", sign, digits[0], fraction, exponent);
  }
  if (exponent < 0) {
    return fmt::format("{}0.{}{}", sign, std::string(static_cast<std::size_t>(-exponent - 1), '0'),
                       digits);
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < whole + 1) digits.append(whole + 1 - digits.size(), '0');
  return fmt::format("{}{}.{}", sign, digits.substr(0, whole), digits.substr(whole));
}

std::string DecimalText(const PartitionDecimal& decimal) {
  std::string reversed;
  Int128 rest = decimal.unscaled < 0 ? -decimal.unscaled : decimal.unscaled;
  const auto scale = static_cast<std::size_t>(decimal.scale);
  while (rest != 0 || reversed.size() <= scale + (scale > 0 ? 1 : 0)) {
    if (scale > 0 && reversed.size() == scale) reversed += '.';
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (decimal.unscaled < 0) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

std::string DateText(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string TimestampText(const PartitionTimestamp& timestamp, bool with_zone) {
  const std::chrono::sys_time<microseconds> time{microseconds(timestamp.micros)};
  const std::chrono::sys_days day = std::chrono::floor<days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}{}{:02}:{:02}:{:02}.{:06}{}", DateText(day), with_zone ? 'T' : ' ',
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count(), with_zone ? "Z" : "");
}

}  // namespace

Result<PartitionValue> PartitionValue::Parse(const PartitionColumn& column,
                                             std::optional<std::string_view> text) {
  const TypeKind kind = column.type.kind();
  if (!text || text->empty()) return PartitionValue(kind, std::monostate());
  if (!CanPartitionBy(kind)) return Fail(Wrong(column, *text, ErrorCode::kUnsupported));
  std::optional<Value> value = ReadValue(column.type, *text);
  if (!value) return Fail(Wrong(column, *text, ErrorCode::kCorrupt));
  return PartitionValue(kind, *std::move(value));
}

Result<PartitionValue> PartitionValue::Of(const PartitionColumn& column, Value value) {
  const TypeKind kind = column.type.kind();
  const auto* const text = std::get_if<std::string>(&value);
  if (text != nullptr && text->empty()) value = std::monostate();
  if (std::holds_alternative<std::monostate>(value)) return PartitionValue(kind, std::move(value));
  if (!CanPartitionBy(kind)) return Fail(Wrong(column, "", ErrorCode::kUnsupported));
  std::int64_t micros = 0;
  if (const auto* const date = std::get_if<PartitionDate>(&value)) {
    micros = std::int64_t{date->days} * kSecondsPerDay * kMicrosPerSecond;
  } else if (const auto* const timestamp = std::get_if<PartitionTimestamp>(&value)) {
    micros = timestamp->micros;
  }
  if (micros < MicrosAtYear(kYearMin) || micros >= MicrosAtYear(kYearMax + 1)) {
    const std::string type = column.type.ToText();
    return Fail(
        Error(ErrorCode::kInvalidArgument, fmt::format("a row's partition column {} is not {}",
                                                       Excerpt(column.name), ExpectedForm(kind)))
            .With("column", std::string(column.name))
            .With("type", type));
  }
  return PartitionValue(kind, std::move(value));
}

std::optional<std::string> PartitionValue::NormalText() const {
  struct Writer {
    TypeKind kind;
    std::optional<std::string> operator()(std::monostate) const { return std::nullopt; }
    std::optional<std::string> operator()(bool value) const { return value ? "true" : "false"; }
    std::optional<std::string> operator()(std::int64_t value) const {
      return fmt::to_string(value);
    }
    std::optional<std::string> operator()(float value) const { return FloatText(value); }
    std::optional<std::string> operator()(double value) const { return FloatText(value); }
    std::optional<std::string> operator()(const PartitionDecimal& value) const {
      return DecimalText(value);
    }
    std::optional<std::string> operator()(PartitionDate value) const {
      return DateText(std::chrono::sys_days(days(value.days)));
    }
    std::optional<std::string> operator()(PartitionTimestamp value) const {
      return TimestampText(value, kind == TypeKind::kTimestamp);
    }
    std::optional<std::string> operator()(const std::string& value) const { return value; }
  };
  return std::visit(Writer{kind_}, value_);
}

bool operator==(const PartitionValue& a, const PartitionValue& b) {
  const auto is_nan = [](const PartitionValue& value) {
    const float* const single = std::get_if<float>(&value.value_);
    const double* const twice = std::get_if<double>(&value.value_);
    return (single != nullptr && std::isnan(*single)) || (twice != nullptr && std::isnan(*twice));
  };
  if (a.kind_ != b.kind_) return false;
  return a.value_ == b.value_ || (is_nan(a) && is_nan(b));
}

}  // namespace deltalakedb::protocol
