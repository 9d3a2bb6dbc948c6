// An open DuckDB file, which all connections of the process to it share: DuckDB keeps other
// processes out of a file, and nothing keeps one process from opening it twice and spoiling it.
//
// Thread-safety: all of it may be used from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "deltalakedb/result.h"
#include "store/duckdb/duckdb_api.h"
#include "store/duckdb/duckdb_connection.h"

namespace deltalakedb::store {

class DuckDbInstance {
 public:
  // Opens the file, waiting while another process has it, or shares what is open already. Errors:
  // those of OpenDuckDb.
  static Result<std::shared_ptr<DuckDbInstance>> Open(const DuckDbOptions& options);

  // Only for Open. `slot` is null for a database in memory.
  struct Slot;
  DuckDbInstance(std::shared_ptr<Slot> slot, const DuckDbOptions& options);
  DuckDbInstance(const DuckDbInstance&) = delete;
  DuckDbInstance& operator=(const DuckDbInstance&) = delete;
  // The last one closes the file.
  ~DuckDbInstance();

  Result<DuckDbConnectionHandle> Connect() const;
  bool is_read_only() const;

  // The right to write, which one connection of the process has at a time: DuckDB does not let
  // writers wait for each other. Errors: Busy (not in time).
  Result<void> LockForWriting(std::chrono::milliseconds wait_max);
  void UnlockForWriting() noexcept;

 private:
  std::shared_ptr<Slot> slot_;
  std::string path_;  // as it was given
};

}  // namespace deltalakedb::store
