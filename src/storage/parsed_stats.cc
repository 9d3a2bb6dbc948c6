#include <arrow/array.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <cmath>

#include "storage/arrow_columns_internal.h"
#include "storage/parsed_stats_internal.h"

namespace deltalakedb::storage {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void WriteText(Writer& writer, std::string_view text) {
  // rapidjson takes a null pointer for a mistake, even when there is nothing to read.
  writer.String(text.empty() ? "" : text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void WriteDate(Writer& writer, std::int64_t days) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  WriteText(writer,
            fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day())));
}

std::int64_t UnitsPerSecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1'000;
    case arrow::TimeUnit::MICRO:
      return 1'000'000;
    case arrow::TimeUnit::NANO:
      return 1'000'000'000;
  }
  return 1;
}

// Truncated to milliseconds, as in commits (PROTOCOL.md, Statistics).
void WriteTimestamp(Writer& writer, std::int64_t value, const arrow::TimestampType& type) {
  const std::int64_t units = UnitsPerSecond(type.unit());
  std::int64_t second = value / units;
  std::int64_t fraction = value % units;
  if (fraction < 0) {
    fraction += units;
    --second;
  }
  const std::int64_t ms = units >= 1000 ? fraction / (units / 1000) : 0;
  const std::chrono::sys_seconds moment{std::chrono::seconds{second}};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{moment - day};
  WriteText(writer, fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}",
                                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                static_cast<unsigned>(date.day()), time.hours().count(),
                                time.minutes().count(), time.seconds().count(), ms,
                                type.timezone().empty() ? "" : "Z"));
}

void WriteDouble(Writer& writer, double value) {
  if (std::isnan(value)) {
    WriteText(writer, "NaN");
  } else if (std::isinf(value)) {
    WriteText(writer, value > 0 ? "Infinity" : "-Infinity");
  } else {
    writer.Double(value);
  }
}

// The years 0000 to 9999, beyond which neither dates nor timestamps have a text.
constexpr std::int64_t kDayMin = -719'528;
constexpr std::int64_t kDayMax = 2'932'896;
constexpr std::int64_t kSecondsPerDay = 86'400;

template <typename T>
const T& As(const arrow::Array& array) {
  return static_cast<const T&>(array);
}

bool IsDay(std::int64_t days) { return days >= kDayMin && days <= kDayMax; }

bool IsMoment(std::int64_t value, arrow::TimeUnit::type unit) {
  const std::int64_t units_per_day = UnitsPerSecond(unit) * kSecondsPerDay;
  // Towards the past, so that the last moment before a day does not count as that day's.
  return IsDay(value / units_per_day - (value % units_per_day < 0 ? 1 : 0));
}

// Whether a value can be said in JSON. A bound that cannot is left out, which costs a reader
// nothing but the chance to skip the file.
bool HasJsonForm(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return false;
  switch (array.type_id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::STRUCT:
      return true;
    case arrow::Type::STRING:
      return IsUtf8(As<arrow::StringArray>(array).GetView(row));
    case arrow::Type::LARGE_STRING:
      return IsUtf8(As<arrow::LargeStringArray>(array).GetView(row));
    case arrow::Type::DATE32:
      return IsDay(As<arrow::Date32Array>(array).Value(row));
    case arrow::Type::TIMESTAMP:
      return IsMoment(As<arrow::TimestampArray>(array).Value(row),
                      static_cast<const arrow::TimestampType&>(*array.type()).unit());
    default:
      return false;
  }
}

void WriteValue(Writer& writer, const arrow::Array& array, std::int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      writer.Bool(As<arrow::BooleanArray>(array).Value(row));
      break;
    case arrow::Type::INT8:
      writer.Int(As<arrow::Int8Array>(array).Value(row));
      break;
    case arrow::Type::INT16:
      writer.Int(As<arrow::Int16Array>(array).Value(row));
      break;
    case arrow::Type::INT32:
      writer.Int(As<arrow::Int32Array>(array).Value(row));
      break;
    case arrow::Type::INT64:
      writer.Int64(As<arrow::Int64Array>(array).Value(row));
      break;
    case arrow::Type::FLOAT: {
      const float value = As<arrow::FloatArray>(array).Value(row);
      if (!std::isfinite(value)) {
        WriteDouble(writer, static_cast<double>(value));
      } else {
        // The shortest text that reads back as this float, not as the double nearest to it.
        const std::string text = fmt::format("{}", value);
        writer.RawValue(text.data(), text.size(), rapidjson::kNumberType);
      }
      break;
    }
    case arrow::Type::DOUBLE:
      WriteDouble(writer, As<arrow::DoubleArray>(array).Value(row));
      break;
    case arrow::Type::STRING:
      WriteText(writer, As<arrow::StringArray>(array).GetView(row));
      break;
    case arrow::Type::LARGE_STRING:
      WriteText(writer, As<arrow::LargeStringArray>(array).GetView(row));
      break;
    case arrow::Type::DATE32:
      WriteDate(writer, As<arrow::Date32Array>(array).Value(row));
      break;
    case arrow::Type::TIMESTAMP:
      WriteTimestamp(writer, As<arrow::TimestampArray>(array).Value(row),
                     static_cast<const arrow::TimestampType&>(*array.type()));
      break;
    case arrow::Type::DECIMAL128: {
      const std::string text = As<arrow::Decimal128Array>(array).FormatValue(row);
      writer.RawValue(text.data(), text.size(), rapidjson::kNumberType);
      break;
    }
    case arrow::Type::STRUCT: {
      const auto& fields = As<arrow::StructArray>(array);
      writer.StartObject();
      for (int i = 0; i < fields.num_fields(); ++i) {
        const arrow::Array& child = *fields.field(i);
        if (!HasJsonForm(child, row)) continue;
        const std::string& name = fields.struct_type()->field(i)->name();
        writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
        WriteValue(writer, child, row);
      }
      writer.EndObject();
      break;
    }
    default:
      writer.Null();
      break;
  }
}

}  // namespace

void AppendStatsJson(const arrow::Array& stats_parsed, std::int64_t row, std::string& out) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  WriteValue(writer, stats_parsed, row);
  out.append(buffer.GetString(), buffer.GetSize());
}

}  // namespace deltalakedb::storage
