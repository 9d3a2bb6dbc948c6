// Rows on their way into a table, held back so that many of them go in at once.
//
// Thread-safety: as the connection. What is not flushed is gone with it.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "deltalakedb/result.h"
#include "store/duckdb/duckdb_api.h"
#include "store/duckdb/duckdb_values.h"
#include "store/value.h"

namespace deltalakedb::store {

// Rows are held back up to so many, or so many bytes of them: enough for DuckDB to take them fast,
// and a quarter of what it stores together.
inline constexpr std::size_t kDuckDbHeldRowsMax = 30'720;
inline constexpr std::size_t kDuckDbHeldBytesMax = std::size_t{16} * 1024 * 1024;

class DuckDbHeldRows {
 public:
  DuckDbHeldRows(DuckDbAppender appender, std::vector<duckdb_type> types)
      : appender_(std::move(appender)), chunk_(std::move(types)) {}
  DuckDbHeldRows(DuckDbHeldRows&&) = default;
  DuckDbHeldRows& operator=(DuckDbHeldRows&&) = delete;
  // Closing an appender would put in what it still holds.
  ~DuckDbHeldRows() {
    if (appender_ != nullptr) DuckDb().appender_clear(appender_.get());
  }

  // `columns` values per row, which are copied. False when DuckDB does not take them: the appender
  // has the error. Errors: as BindDuckDbValue.
  Result<bool> Append(std::size_t columns, std::span<const Value> parameters);
  // False likewise.
  bool Flush() {
    rows_ = bytes_ = 0;
    return DuckDb().appender_flush(appender_.get()) == DuckDBSuccess;
  }
  bool is_empty() const { return rows_ == 0; }
  bool is_full() const { return rows_ >= kDuckDbHeldRowsMax || bytes_ >= kDuckDbHeldBytesMax; }
  duckdb_appender appender() const { return appender_.get(); }

 private:
  DuckDbAppender appender_;
  DuckDbChunkWriter chunk_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace deltalakedb::store
