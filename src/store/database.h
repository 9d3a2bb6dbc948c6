// A database that holds a catalog: its connections, and the schema in it.
//
// Thread-safety: a Database may be used from several threads; each takes connections of its own.
// Ownership: a lease gives its connection back; it keeps the database alive.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "store/connection.h"
#include "store/drivers.h"

namespace deltalakedb::store {

// Connections of one Database, unless the URI's option pool_size says otherwise.
inline constexpr int kPoolSizeDefault = 8;
// How long to wait for one of them.
inline constexpr std::chrono::seconds kPoolWaitMax{10};

class Database;

// A connection for as long as it is needed.
class ConnectionLease {
 public:
  ConnectionLease(std::shared_ptr<Database> database, std::unique_ptr<Connection> connection);
  ConnectionLease(ConnectionLease&&) noexcept;
  ConnectionLease& operator=(ConnectionLease&&) = delete;
  // A transaction that is still open is rolled back.
  ~ConnectionLease();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }

 private:
  std::shared_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

class Database : public std::enable_shared_from_this<Database> {
 public:
  // Opens the database of a deltasql:// URI, of a catalog or of a table in it. The schema is not
  // looked at: see CheckSchema in store/migrations.h.
  // Errors: Unsupported (a kind of database that this build does not know), those of Connection.
  // `connections_min` is what the caller cannot do without, whatever the URI's pool_size.
  static Result<std::shared_ptr<Database>> Open(const Uri& uri, DatabaseMode mode,
                                                int connections_min = 1);

  // A free connection, or a new one, or the next that comes back. Errors: Busy (none came back in
  // time), those of opening one.
  Result<ConnectionLease> Acquire();

  // Safe to print.
  const std::string& name() const { return name_; }

 private:
  friend class ConnectionLease;
  Database(const Uri& uri, DatabaseMode mode, int connections_min);

  void Return(std::unique_ptr<Connection> connection) noexcept;

  Uri uri_;
  DatabaseMode mode_;
  std::string name_;
  int connections_max_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_, as is the one below
  int connections_ = 0;                            // idle or leased
};

}  // namespace deltalakedb::store
