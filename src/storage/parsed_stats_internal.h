// Statistics of a checkpoint that holds them as a struct only (PROTOCOL.md, Checkpoints,
// stats_parsed), as the JSON text that a commit would carry.
#pragma once

#include <arrow/array.h>

#include <string>

namespace deltalakedb::storage {

// Appends the JSON of `row` of a stats_parsed array. Null values are left out, as are those without
// a form in JSON: binary ones (PROTOCOL.md, Statistics), texts that are not UTF-8, and moments
// outside of the years 0000 to 9999.
void AppendStatsJson(const arrow::Array& stats_parsed, std::int64_t row, std::string& out);

}  // namespace deltalakedb::storage
