// The SQLite driver.
//
// Writes through a WAL with synchronous=FULL, so that a commit is on disk when it is answered.
// SQLite has one writer at a time: BEGIN IMMEDIATE waits for its turn, up to a limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "deltalakedb/result.h"
#include "store/connection.h"

namespace deltalakedb::store {

// How long a statement waits for a lock that somebody else holds.
inline constexpr std::chrono::milliseconds kSqliteBusyWaitMax{10'000};
// Pages that one connection keeps in memory.
inline constexpr int kSqliteCacheKib = 64 * 1024;

struct SqliteOptions {
  std::string path;         // or ":memory:"
  bool may_create = false;  // the file, when there is none
  bool may_write = true;    // false: a database that cannot be written will do
  std::chrono::milliseconds busy_wait_max = kSqliteBusyWaitMax;
  std::chrono::milliseconds statement_timeout{0};  // for each answer or row; 0: none
};

// Whether an extended result code is of a failure that passes by itself and was not waited for: the
// recovery of a database after a crash, or a view of it that another process made old.
bool IsTransientSqliteCode(std::int64_t extended);

// Errors: NotFound (no such file), Permission, Corrupt (not an SQLite database), Busy, Io.
Result<std::unique_ptr<Connection>> OpenSqlite(const SqliteOptions& options);

}  // namespace deltalakedb::store
