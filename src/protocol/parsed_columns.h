// The typed columns that a checkpoint of a table has beside the texts of its files: `stats_parsed`
// and `partitionValues_parsed` (PROTOCOL.md, Checkpoints, Statistics and Column mapping).
//
// Pure functions and plain values, safe from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::protocol {

// Leaf columns with statistics beyond which none of them are typed: each is three columns of a
// checkpoint, and every one of those takes memory while rows are gathered.
inline constexpr std::size_t kParsedStatsLeavesMax = 10'000;

// A column, or a field of one, that files have statistics of.
struct StatsField {
  std::string name;              // physical
  std::optional<DataType> type;  // of a leaf; none for a struct
  std::vector<StatsField> fields;
};

// Whether there are a smallest and a largest value of this type, beside the number of nulls.
bool HasBounds(const DataType& type);

struct PartitionField {
  std::string name;  // physical
  DataType type;
};

struct ParsedColumns {
  std::vector<StatsField> stats;           // in the order of the schema
  bool with_tight_bounds = false;          // where files may have deletion vectors
  std::vector<PartitionField> partitions;  // empty: not partitioned, or by what has no typed value
};

// Those that a table's files have. As Delta Spark: the leaves that
// `delta.dataSkippingStatsColumns` names, otherwise the first `delta.dataSkippingNumIndexedCols`,
// 32 where that is not set; partition columns have none. What a property says that cannot be
// understood does not count.
// Nullopt where the schema cannot be read, two columns have one physical name, or more than
// kParsedStatsLeavesMax leaves have statistics.
std::optional<ParsedColumns> FindParsedColumns(const Protocol& protocol, const Metadata& metadata);

// The names in a list such as "a, b.c, `d.e`.f"; nullopt where it is none.
std::optional<std::vector<std::vector<std::string>>> ParseColumnNames(std::string_view text);

}  // namespace deltalakedb::protocol
