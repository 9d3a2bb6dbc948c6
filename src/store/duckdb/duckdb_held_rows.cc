#include "store/duckdb/duckdb_held_rows.h"

#include <algorithm>

#include "base/try.h"

namespace deltalakedb::store {

namespace {

std::size_t SizeOf(const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return text->size();
  if (const auto* blob = std::get_if<Blob>(&value)) return blob->bytes.size();
  return sizeof(std::int64_t);
}

}  // namespace

Result<bool> DuckDbHeldRows::Append(std::size_t columns, std::span<const Value> parameters) {
  const std::size_t values_max = chunk_.rows_max() * columns;
  for (std::size_t begin = 0; begin < parameters.size(); begin += values_max) {
    const auto some = parameters.subspan(begin, std::min(values_max, parameters.size() - begin));
    DELTALAKEDB_ASSIGN(const duckdb_data_chunk chunk, chunk_.Fill(some));
    rows_ += some.size() / columns;
    for (const Value& value : some) bytes_ += SizeOf(value);
    if (DuckDb().append_data_chunk(appender_.get(), chunk) != DuckDBSuccess) return false;
  }
  return true;
}

}  // namespace deltalakedb::store
