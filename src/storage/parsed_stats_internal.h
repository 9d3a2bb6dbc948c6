// Statistics of a checkpoint that holds them as a struct only (PROTOCOL.md, Checkpoints,
// stats_parsed), as the JSON text that a commit would carry.
#pragma once

#include <arrow/array.h>

#include <string>

namespace deltalakedb::storage {

// Appends the JSON of `row` of a stats_parsed array. Null values are left out; binary ones have no
// JSON form and are left out too (PROTOCOL.md, Statistics).
void AppendStatsJson(const arrow::Array& stats_parsed, std::int64_t row, std::string& out);

}  // namespace deltalakedb::storage
