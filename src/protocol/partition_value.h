// What the text of a partition value means (PROTOCOL.md, Partition values and schema).
//
// Writers spell one value in several ways: `2024-01-02 03:04:05` and `2024-01-02T03:04:05.000000Z`,
// `1E2` and `100.00`. For pruning and grouping the typed value counts; what the log says stays as
// it is in the output. Pure functions and plain values, safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::protocol {

__extension__ using Int128 = __int128;

// Days since 1970-01-01 in the proleptic Gregorian calendar, years 0001 to 9999.
struct PartitionDate {
  std::int32_t days = 0;
  friend bool operator==(PartitionDate, PartitionDate) = default;
};

// Microseconds since 1970-01-01T00:00:00, in UTC for a timestamp, on a wall clock for a
// timestamp_ntz. Years 0001 to 9999.
struct PartitionTimestamp {
  std::int64_t micros = 0;
  // A timestamp whose text names no zone. Its writer meant its own local one, which the log does
  // not tell; UTC is assumed, and two values that differ only in this are equal.
  bool zone_assumed = false;
  friend bool operator==(PartitionTimestamp a, PartitionTimestamp b) {
    return a.micros == b.micros;
  }
};

// unscaled * 10^-scale, the scale being the type's.
struct PartitionDecimal {
  Int128 unscaled = 0;
  int scale = 0;
  friend bool operator==(PartitionDecimal, PartitionDecimal) = default;
};

// A column that a table is partitioned by.
struct PartitionColumn {
  std::string_view name;  // for messages
  const DataType& type;
};

class PartitionValue {
 public:
  // Null; boolean; byte, short, integer and long; float; double; decimal; date; timestamp and
  // timestamp_ntz; string and binary.
  using Value = std::variant<std::monostate, bool, std::int64_t, float, double, PartitionDecimal,
                             PartitionDate, PartitionTimestamp, std::string>;

  // Reads the text that a file's partitionValues hold. Null and "" are null, for strings too.
  //   numbers    decimal digits with an optional sign; floats also as Java writes them, `1.0E10`,
  //              `NaN`, `Infinity` in any case, rounded to the nearest; a decimal may have an
  //              exponent, and must fit precision and scale without rounding
  //   boolean    `true` or `false` in any case
  //   date       `YYYY-MM-DD`
  //   timestamp  `YYYY-MM-DD HH:MM:SS[.f…]`, or with `T`; then nothing (see zone_assumed), `Z` or
  //   an
  //              offset `+HH:MM`. Fractions end at the microsecond: later digits must be 0
  //   timestamp_ntz  the same without zone
  //   binary     the bytes of the text as they are
  // Errors, with the facts column, type and text: Corrupt (no such value), Unsupported (a column of
  // this type cannot be read as a partition column).
  static Result<PartitionValue> Parse(const PartitionColumn& column,
                                      std::optional<std::string_view> text);

  // The value of a row, `value` being of the column's kind; an empty string is null, as it is in a
  // log. Errors, with the facts column and type: InvalidArgument (a date or time outside of the
  // years 0001 to 9999, which has no text), Unsupported (as Parse).
  static Result<PartitionValue> Of(const PartitionColumn& column, Value value);

  TypeKind kind() const { return kind_; }
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const Value& value() const { return value_; }

  // The one text for this value, which Parse reads back to an equal value; nullopt for null.
  // Two values of one column are equal exactly when these texts are. Fit for writing to a log:
  //   floats as Java's Double.toString with the fewest digits that tell them apart; decimals with
  //   all digits of the scale; timestamps `YYYY-MM-DDTHH:MM:SS.ffffffZ`; timestamps without zone
  //   `YYYY-MM-DD HH:MM:SS.ffffff`. There is one NaN, and -0.0 is 0.0, as for SQL's `=`.
  std::optional<std::string> NormalText() const;

  // Equal values of one type.
  friend bool operator==(const PartitionValue& a, const PartitionValue& b);

 private:
  PartitionValue(TypeKind kind, Value value) : kind_(kind), value_(std::move(value)) {}

  TypeKind kind_;
  Value value_;
};

}  // namespace deltalakedb::protocol
