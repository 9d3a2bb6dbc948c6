// What is known of the values of a column among some rows: those of a file or of a row group. For
// deciding which rows a condition may hold for without reading them.
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/partition_value.h"

namespace deltalakedb::protocol {

struct ColumnFacts {
  // No value is below or above, nulls and NaN apart; never null itself. Of the column's own kind of
  // value. Absent: not known. They need not be values that occur.
  std::optional<PartitionValue::Value> min;
  std::optional<PartitionValue::Value> max;
  // Absent: not known.
  std::optional<std::int64_t> null_count;
  std::optional<std::int64_t> num_rows;
  // Floats: whether NaN may be among the values, which counts as larger than any other (as for
  // DuckDB and Spark).
  bool may_have_nan = true;
};

}  // namespace deltalakedb::protocol
