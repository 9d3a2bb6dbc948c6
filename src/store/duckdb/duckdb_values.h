// Values on their way into and out of DuckDB's vectors.
//
// Thread-safety: as the connection.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"
#include "store/duckdb/duckdb_api.h"
#include "store/value.h"

namespace deltalakedb::store {

// UUIDs are bytes to everybody else.
inline constexpr std::size_t kUuidBytes = 16;

// A chunk of rows that came out.
class DuckDbRows {
 public:
  // `types` are those of the result's columns.
  explicit DuckDbRows(const std::vector<duckdb_type>& types) : columns_(types.size()) {
    for (std::size_t i = 0; i < types.size(); ++i) columns_[i].type = types[i];
  }
  void Take(DuckDbChunk chunk);
  // False at the end of the chunk.
  bool Next() { return ++row_ < rows_; }

  bool IsNull(int column) const {
    const std::uint64_t* const validity = At(column).validity;
    return validity != nullptr && (validity[row_ / 64] >> (row_ % 64) & 1) == 0;
  }
  // Of integers and booleans; 0 for all else, as for null.
  std::int64_t Int(int column) const;
  // Of texts and bytes; a UUID's bytes live until this is called again.
  std::string_view Bytes(int column) const;
  Value Get(int column) const;

 private:
  struct Column {
    duckdb_type type = DUCKDB_TYPE_INVALID;
    void* data = nullptr;
    const std::uint64_t* validity = nullptr;
    mutable std::array<char, kUuidBytes> uuid = {};
  };
  const Column& At(int column) const { return columns_[static_cast<std::size_t>(column)]; }

  DuckDbChunk chunk_;
  std::vector<Column> columns_;
  std::uint64_t row_ = 0;
  std::uint64_t rows_ = 0;
};

// Binds $`index`. Errors: InvalidArgument (a text that is no UTF-8), Internal (a value that does
// not fit the parameter).
Result<void> BindDuckDbValue(duckdb_prepared_statement statement, std::uint64_t index,
                             const Value& value);
// Binds $`index` to the list of a column of `rows`, `columns` values each.
Result<void> BindDuckDbList(duckdb_prepared_statement statement, std::uint64_t index,
                            std::span<const Value> rows, std::size_t columns);

// A chunk of rows that go in, column by column.
class DuckDbChunkWriter {
 public:
  // Columns of these types.
  explicit DuckDbChunkWriter(std::vector<duckdb_type> types);

  std::size_t rows_max() const { return rows_max_; }
  // Fills the chunk with at most rows_max rows of as many values each as there are columns. Texts
  // are referred to, not copied. Errors: as BindDuckDbValue.
  Result<duckdb_data_chunk> Fill(std::span<const Value> values);

 private:
  Result<void> FillColumn(std::size_t column, std::span<const Value> values);

  std::vector<duckdb_type> types_;
  DuckDbChunk chunk_;
  std::size_t rows_max_;
};

}  // namespace deltalakedb::store
