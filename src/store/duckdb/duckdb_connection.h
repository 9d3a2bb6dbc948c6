// The DuckDB driver.
//
// A DuckDB file is open in one process at a time, and all connections of a process share it; one
// that cannot be written, or whose folder cannot, is opened for reading, by any number of
// processes. Readers see the database as it was when their transaction began; writers take turns.
//
// Rows that are inserted may be held back until something reads their table or the transaction is
// committed, so that many of them go in at once; an error of theirs comes then.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "deltalakedb/result.h"
#include "store/connection.h"

namespace deltalakedb::store {

// How long to wait for another process that has the file, or another writer of this one.
inline constexpr std::chrono::milliseconds kDuckDbBusyWaitMax{10'000};
// Threads that one open file has for its statements.
inline constexpr unsigned kDuckDbThreadsMax = 4;

struct DuckDbOptions {
  std::string path;         // or ":memory:"
  bool may_create = false;  // the file, when there is none
  std::chrono::milliseconds busy_wait_max = kDuckDbBusyWaitMax;
  std::chrono::milliseconds statement_timeout{0};  // for each answer; 0: none
  Dialect dialect = Dialect::kDuckdb;              // kMirror: the file is no catalog
};

// Errors: NotFound (no such file), Permission, Corrupt (not a DuckDB database, or a damaged one),
// Unsupported (written by a newer DuckDB, encrypted, or there is no DuckDB library), Busy (another
// process has it), InvalidArgument (a name that DuckDB does not take), Io.
Result<std::unique_ptr<Connection>> OpenDuckDb(const DuckDbOptions& options);

// Removes a file that holds no tables and that nobody has open, if it is still that of `inode`.
void RemoveEmptyDuckDb(const std::string& path, std::uint64_t inode) noexcept;

}  // namespace deltalakedb::store
