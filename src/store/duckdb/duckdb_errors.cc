#include "store/duckdb/duckdb_errors.h"

#include <fmt/format.h>

namespace deltalakedb::store {

namespace {

ErrorCode CodeFor(duckdb_error_type type) {
  switch (type) {
    case DUCKDB_ERROR_TRANSACTION:
      return ErrorCode::kBusy;
    case DUCKDB_ERROR_PERMISSION:
      return ErrorCode::kPermission;
    case DUCKDB_ERROR_IO:
      return ErrorCode::kIo;
    case DUCKDB_ERROR_SERIALIZATION:
    // Our statements fit the schema, and our rows its columns: another one made or changed these.
    case DUCKDB_ERROR_CATALOG:
    case DUCKDB_ERROR_BINDER:
    case DUCKDB_ERROR_CONSTRAINT:
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_MISMATCH_TYPE:
    case DUCKDB_ERROR_OUT_OF_RANGE:
    case DUCKDB_ERROR_DEPENDENCY:
      return ErrorCode::kCorrupt;
    case DUCKDB_ERROR_OUT_OF_MEMORY:
    case DUCKDB_ERROR_CONNECTION:
    case DUCKDB_ERROR_FATAL:
      return ErrorCode::kUnavailable;
    case DUCKDB_ERROR_OBJECT_SIZE:
      return ErrorCode::kLimitExceeded;
    case DUCKDB_ERROR_INTERRUPT:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kInternal;
  }
}

// What to do about it, where DuckDB's own words leave that open.
std::string_view AdviceFor(duckdb_error_type type) {
  switch (type) {
    case DUCKDB_ERROR_TRANSACTION:
      return "; somebody else wrote to it meanwhile: try again";
    case DUCKDB_ERROR_IO:
      return "; nothing was changed: make room if the disk is full, and if the file is damaged "
             "restore it from a backup, or import the tables again";
    case DUCKDB_ERROR_CATALOG:
    case DUCKDB_ERROR_BINDER:
      return "; the catalog's tables are not as this program makes them, or belong to another one";
    case DUCKDB_ERROR_CONSTRAINT:
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_MISMATCH_TYPE:
    case DUCKDB_ERROR_OUT_OF_RANGE:
      return "; rows of the catalog contradict each other: `deltalakedb verify` tells more";
    case DUCKDB_ERROR_SERIALIZATION:
      return "; restore it from a backup, or import the tables again";
    case DUCKDB_ERROR_FATAL:
      return "; open it again to go on with what was committed";
    default:
      return "";
  }
}

}  // namespace

Error DuckDbError(const std::string& path, std::string_view what, duckdb_error_type type,
                  std::string_view words) {
  return Error(CodeFor(type),
               fmt::format("DuckDB database {}: {} ({}){}", path, words, what, AdviceFor(type)))
      .With("database", path)
      .With("duckdbErrorType", std::int64_t{type});
}

Error DuckDbCommitError(const std::string& path, duckdb_error_type type, std::string_view words) {
  const auto make = [&](ErrorCode code, std::string_view advice) {
    return Error(code, fmt::format("DuckDB database {}: {} (COMMIT); {}", path, words, advice))
        .With("database", path)
        .With("duckdbErrorType", std::int64_t{type});
  };
  // DuckDB gives failures of COMMIT this type, whatever the cause was. Who holds the lock is the
  // only one that writes, in this process and in all others, and no table of the catalog has a
  // constraint that waits for the end: what remains is that the files could not be written.
  if (type == DUCKDB_ERROR_TRANSACTION) {
    return make(ErrorCode::kIo, "make room on the disk: nothing was changed");
  }
  // A checkpoint that belongs to the commit failed, before the commit was durable or after that.
  if (IsFatalDuckDbError(type)) {
    return make(ErrorCode::kInDoubt,
                "open it again to see whether it was committed, once there is room on the disk");
  }
  return DuckDbError(path, "COMMIT", type, words);
}

bool IsFatalDuckDbError(duckdb_error_type type) {
  return type == DUCKDB_ERROR_FATAL || type == DUCKDB_ERROR_CONNECTION;
}

}  // namespace deltalakedb::store
