#include "formats/value_text.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <iterator>

#include "base/try.h"

namespace deltalakedb::formats {

namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr int kYearMax = 9999;

template <typename ArrayType>
auto ValueOf(const arrow::Array& array, std::int64_t row) {
  return static_cast<const ArrayType&>(array).Value(row);
}

template <typename... Values>
void Append(std::string& out, fmt::format_string<Values...> form, Values&&... values) {
  fmt::format_to(std::back_inserter(out), form, std::forward<Values>(values)...);
}

// Years that have more than four digits, or none before year 0, have a sign as ISO 8601 asks.
void AppendDay(std::int64_t days, std::string& out) {
  // Days beyond what the calendar of the library counts are shifted by whole cycles of it.
  constexpr std::int64_t kCycleDays = 146'097;
  constexpr std::int64_t kCycleYears = 400;
  const std::int64_t cycles =
      days >= 0 ? days / kCycleDays : -((kCycleDays - 1 - days) / kCycleDays);
  const std::chrono::year_month_day day(
      std::chrono::sys_days(std::chrono::days(days - cycles * kCycleDays)));
  const std::int64_t year = static_cast<int>(day.year()) + cycles * kCycleYears;
  if (year < 0) {
    Append(out, "-{:04}", -year);
  } else {
    if (year > kYearMax) out.push_back('+');
    Append(out, "{:04}", year);
  }
  Append(out, "-{:02}-{:02}", static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

void AppendMoment(const arrow::Array& array, std::int64_t row, std::string& out) {
  const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
  const std::int64_t micros = ValueOf<arrow::TimestampArray>(array, row);
  std::int64_t seconds = micros / kMicrosPerSecond;
  std::int64_t fraction = micros % kMicrosPerSecond;
  if (fraction < 0) {
    fraction += kMicrosPerSecond;
    --seconds;
  }
  std::int64_t days = seconds / kSecondsPerDay;
  std::int64_t rest = seconds % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  AppendDay(days, out);
  Append(out, "T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
  if (fraction != 0) Append(out, ".{:06}", fraction);
  if (!type.timezone().empty()) out.push_back('Z');
}

// All digits of the scale, never an exponent.
void AppendDecimal(const arrow::Array& array, std::int64_t row, std::string& out) {
  const auto& type = static_cast<const arrow::Decimal128Type&>(*array.type());
  const auto& decimals = static_cast<const arrow::Decimal128Array&>(array);
  std::string digits = arrow::Decimal128(decimals.GetValue(row)).ToIntegerString();
  if (digits.starts_with('-')) {
    out.push_back('-');
    digits.erase(0, 1);
  }
  const auto scale = static_cast<std::size_t>(type.scale());
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  out.append(digits, 0, digits.size() - scale);
  if (scale == 0) return;
  out.push_back('.');
  out.append(digits, digits.size() - scale);
}

template <typename Float>
void AppendFloat(Float value, std::string& out) {
  if (std::isfinite(value)) {
    Append(out, "{}", value);
  } else {
    out += std::isnan(value) ? "NaN" : (value > 0 ? "Infinity" : "-Infinity");
  }
}

void AppendHexadecimal(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) Append(out, "{:02x}", static_cast<unsigned char>(byte));
}

// A value that is neither text, bytes nor nested, as both formats have it.
void AppendPlain(const arrow::Array& array, std::int64_t row, std::string& out) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      out += ValueOf<arrow::BooleanArray>(array, row) ? "true" : "false";
      return;
    case arrow::Type::INT8:
      return Append(out, "{}", static_cast<int>(ValueOf<arrow::Int8Array>(array, row)));
    case arrow::Type::INT16:
      return Append(out, "{}", ValueOf<arrow::Int16Array>(array, row));
    case arrow::Type::INT32:
      return Append(out, "{}", ValueOf<arrow::Int32Array>(array, row));
    case arrow::Type::INT64:
      return Append(out, "{}", ValueOf<arrow::Int64Array>(array, row));
    case arrow::Type::UINT8:
      return Append(out, "{}", static_cast<unsigned>(ValueOf<arrow::UInt8Array>(array, row)));
    case arrow::Type::UINT16:
      return Append(out, "{}", ValueOf<arrow::UInt16Array>(array, row));
    case arrow::Type::UINT32:
      return Append(out, "{}", ValueOf<arrow::UInt32Array>(array, row));
    case arrow::Type::UINT64:
      return Append(out, "{}", ValueOf<arrow::UInt64Array>(array, row));
    case arrow::Type::FLOAT:
      return AppendFloat(ValueOf<arrow::FloatArray>(array, row), out);
    case arrow::Type::DOUBLE:
      return AppendFloat(ValueOf<arrow::DoubleArray>(array, row), out);
    case arrow::Type::DECIMAL128:
      return AppendDecimal(array, row, out);
    case arrow::Type::DATE32:
      return AppendDay(ValueOf<arrow::Date32Array>(array, row), out);
    case arrow::Type::TIMESTAMP:
      return AppendMoment(array, row, out);
    default:
      return;
  }
}

bool IsText(arrow::Type::type id) {
  return id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING;
}
bool IsBytes(arrow::Type::type id) {
  return id == arrow::Type::BINARY || id == arrow::Type::LARGE_BINARY;
}
bool IsList(arrow::Type::type id) {
  return id == arrow::Type::LIST || id == arrow::Type::LARGE_LIST;
}
bool IsNested(arrow::Type::type id) {
  return id == arrow::Type::STRUCT || id == arrow::Type::MAP || IsList(id);
}

std::string_view BytesOf(const arrow::Array& array, std::int64_t row) {
  const bool is_large =
      array.type_id() == arrow::Type::LARGE_STRING || array.type_id() == arrow::Type::LARGE_BINARY;
  return is_large ? static_cast<const arrow::LargeBinaryArray&>(array).GetView(row)
                  : static_cast<const arrow::BinaryArray&>(array).GetView(row);
}

// Whether JSON has a number for it.
bool IsJsonNumber(const arrow::Array& array, std::int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::FLOAT:
      return std::isfinite(ValueOf<arrow::FloatArray>(array, row));
    case arrow::Type::DOUBLE:
      return std::isfinite(ValueOf<arrow::DoubleArray>(array, row));
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
      return false;
    default:
      return true;
  }
}

void AppendStruct(const arrow::StructArray& array, std::int64_t row, std::string& out) {
  out.push_back('{');
  for (int i = 0; i < array.num_fields(); ++i) {
    if (i > 0) out.push_back(',');
    AppendJsonText(array.struct_type()->field(i)->name(), out);
    out.push_back(':');
    AppendJsonValue(*array.field(i), row, out);
  }
  out.push_back('}');
}

template <typename ListArray>
void AppendList(const arrow::Array& array, std::int64_t row, std::string& out) {
  const auto& lists = static_cast<const ListArray&>(array);
  out.push_back('[');
  const std::int64_t start = lists.value_offset(row);
  const std::int64_t end = start + lists.value_length(row);
  for (std::int64_t i = start; i < end; ++i) {
    if (i > start) out.push_back(',');
    AppendJsonValue(*lists.values(), i, out);
  }
  out.push_back(']');
}

// An object where the keys are texts or have them, else an array of {"key", "value"}.
void AppendMap(const arrow::MapArray& array, std::int64_t row, std::string& out) {
  const arrow::Array& keys = *array.keys();
  const bool is_object = !IsNested(keys.type_id()) && !IsBytes(keys.type_id());
  out.push_back(is_object ? '{' : '[');
  const std::int64_t start = array.value_offset(row);
  const std::int64_t end = start + array.value_length(row);
  for (std::int64_t i = start; i < end; ++i) {
    if (i > start) out.push_back(',');
    if (!is_object) {
      out += "{\"key\":";
      AppendJsonValue(keys, i, out);
      out += ",\"value\":";
      AppendJsonValue(*array.items(), i, out);
      out.push_back('}');
      continue;
    }
    if (IsText(keys.type_id())) {
      AppendJsonText(BytesOf(keys, i), out);
    } else {
      out.push_back('"');
      AppendPlain(keys, i, out);
      out.push_back('"');
    }
    out.push_back(':');
    AppendJsonValue(*array.items(), i, out);
  }
  out.push_back(is_object ? '}' : ']');
}

}  // namespace

Result<void> CheckPrintableType(const arrow::DataType& type) {
  bool is_known = arrow::is_integer(type.id()) || IsText(type.id()) || IsBytes(type.id()) ||
                  IsNested(type.id());
  switch (type.id()) {
    case arrow::Type::NA:
    case arrow::Type::BOOL:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DATE32:
      is_known = true;
      break;
    case arrow::Type::DECIMAL128:
      is_known = static_cast<const arrow::Decimal128Type&>(type).scale() >= 0;
      break;
    case arrow::Type::TIMESTAMP:
      is_known = static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::MICRO;
      break;
    default:
      break;
  }
  if (!is_known) {
    return Fail(
        Error(ErrorCode::kUnsupported,
              fmt::format("values of type {} have no text: take parquet or arrow", type.ToString()))
            .With("type", type.ToString()));
  }
  for (const auto& field : type.fields()) DELTALAKEDB_TRY(CheckPrintableType(*field->type()));
  return {};
}

void AppendCsvText(std::string_view text, std::string& out) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

void AppendJsonText(std::string_view text, std::string& out) {
  out.push_back('"');
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_control = static_cast<unsigned char>(c) < 0x20;
    if (!is_control && c != '"' && c != '\\') continue;
    out += text.substr(done, i - done);
    done = i + 1;
    if (c == '\n') {
      out += "\\n";
    } else if (is_control) {
      Append(out, "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back('\\');
      out.push_back(c);
    }
  }
  out += text.substr(done);
  out.push_back('"');
}

void AppendCsvField(const arrow::Array& array, std::int64_t row, std::string& out) {
  if (array.IsNull(row)) return;
  const arrow::Type::type id = array.type_id();
  if (IsText(id)) {
    AppendCsvText(BytesOf(array, row), out);
  } else if (IsBytes(id)) {
    const std::string_view bytes = BytesOf(array, row);
    if (bytes.empty()) out += "\"\"";
    AppendHexadecimal(bytes, out);
  } else if (IsNested(id)) {
    std::string json;
    AppendJsonValue(array, row, json);
    AppendCsvText(json, out);
  } else {
    AppendPlain(array, row, out);
  }
}

void AppendJsonValue(const arrow::Array& array, std::int64_t row, std::string& out) {
  if (array.IsNull(row)) {
    out += "null";
    return;
  }
  const arrow::Type::type id = array.type_id();
  if (IsText(id)) return AppendJsonText(BytesOf(array, row), out);
  if (IsBytes(id)) return AppendJsonText(arrow::util::base64_encode(BytesOf(array, row)), out);
  if (id == arrow::Type::STRUCT) {
    return AppendStruct(static_cast<const arrow::StructArray&>(array), row, out);
  }
  if (id == arrow::Type::LIST) return AppendList<arrow::ListArray>(array, row, out);
  if (id == arrow::Type::LARGE_LIST) return AppendList<arrow::LargeListArray>(array, row, out);
  if (id == arrow::Type::MAP) {
    return AppendMap(static_cast<const arrow::MapArray&>(array), row, out);
  }
  const bool needs_quotes = !IsJsonNumber(array, row);
  if (needs_quotes) out.push_back('"');
  AppendPlain(array, row, out);
  if (needs_quotes) out.push_back('"');
}

}  // namespace deltalakedb::formats
