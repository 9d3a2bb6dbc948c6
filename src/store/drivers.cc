#include "store/drivers.h"

#include <chrono>

#include "store/duckdb/duckdb_connection.h"
#include "store/postgres/postgres_connection.h"
#include "store/sqlite/sqlite_connection.h"

namespace deltalakedb::store {

namespace {

Result<std::unique_ptr<Connection>> OpenSqliteOf(const Uri& uri, DatabaseMode mode) {
  SqliteOptions options;
  options.path = uri.embedded()->path;
  options.may_create = mode == DatabaseMode::kCreate;
  options.may_write = mode != DatabaseMode::kRead;
  options.statement_timeout =
      std::chrono::milliseconds(uri.options()->statement_timeout_ms.value_or(0));
  return OpenSqlite(options);
}

// Every file that DuckDB opens it can write, if the system lets it.
Result<std::unique_ptr<Connection>> OpenDuckDbOf(const Uri& uri, DatabaseMode mode) {
  DuckDbOptions options;
  options.path = uri.embedded()->path;
  options.may_create = mode == DatabaseMode::kCreate;
  options.statement_timeout =
      std::chrono::milliseconds(uri.options()->statement_timeout_ms.value_or(0));
  return OpenDuckDb(options);
}

}  // namespace

Result<std::unique_ptr<Connection>> OpenConnection(const Uri& uri, DatabaseMode mode) {
  switch (uri.kind()) {
    case UriKind::kPostgres:
      return OpenPostgres(uri);
    case UriKind::kSqlite:
      return OpenSqliteOf(uri, mode);
    case UriKind::kDuckDb:
      return OpenDuckDbOf(uri, mode);
    default:
      return Fail(ErrorCode::kInvalidArgument, uri.ToString() + " is no database");
  }
}

}  // namespace deltalakedb::store
