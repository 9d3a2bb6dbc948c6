#include "store/drivers.h"

#include <fmt/format.h>

#include <chrono>

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

}  // namespace

Result<std::unique_ptr<Connection>> OpenConnection(const Uri& uri, DatabaseMode mode) {
  switch (uri.kind()) {
    case UriKind::kPostgres:
      return OpenPostgres(uri);
    case UriKind::kSqlite:
      return OpenSqliteOf(uri, mode);
    default:
      return Fail(
          ErrorCode::kUnsupported,
          fmt::format("{}: this version of the program knows PostgreSQL and SQLite databases only",
                      uri.ToString()));
  }
}

}  // namespace deltalakedb::store
