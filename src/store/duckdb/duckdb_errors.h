// What an error of DuckDB means to us, by its type.
#pragma once

#include <string>
#include <string_view>

#include "deltalakedb/error.h"
#include "store/duckdb/duckdb_api.h"

namespace deltalakedb::store {

// `what` says what was done, `words` is DuckDB's message, for people only.
Error DuckDbError(const std::string& path, std::string_view what, duckdb_error_type type,
                  std::string_view words);

// The same of a COMMIT by a connection that held the instance's lock for writing.
Error DuckDbCommitError(const std::string& path, duckdb_error_type type, std::string_view words);

// Whether nothing works any more until the file is closed and opened again.
bool IsFatalDuckDbError(duckdb_error_type type);

}  // namespace deltalakedb::store
