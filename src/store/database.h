// A database that holds a catalog: its connections, and the schema in it.
//
// Thread-safety: a Database may be used from several threads; each takes connections of its own.
// Ownership: a lease gives its connection back; it keeps the database alive.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/retry.h"
#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "store/connection.h"
#include "store/drivers.h"
#include "store/transient.h"

namespace deltalakedb::store {

// Connections of one Database, unless the URI's option pool_size says otherwise.
inline constexpr int kPoolSizeDefault = 8;

struct PoolLimits {
  // How long to wait for a connection when all are in use.
  std::chrono::milliseconds wait_max{10'000};
  // One that was unused for longer, or is older, is closed when a connection is asked for or comes
  // back next.
  std::chrono::milliseconds idle_max{300'000};
  std::chrono::milliseconds lifetime_max{3'600'000};
};

// Since the Database was opened; the last two as it is now.
struct PoolCounters {
  std::int64_t opened = 0;
  std::int64_t failed = 0;     // to open
  std::int64_t reused = 0;     // taken from those that were idle
  std::int64_t waited = 0;     // asked for while all were in use
  std::int64_t timed_out = 0;  // of those that waited
  std::int64_t closed_idle = 0;
  std::int64_t closed_old = 0;
  std::int64_t closed_lost = 0;  // the server had hung up, or the state was unknown
  std::int64_t retried = 0;      // reads that were made again
  int in_use = 0;
  int idle = 0;
};

// Says where an error was, unless it does already: the fact `database`, and the name before the
// message.
Error InDatabase(Error error, const std::string& name);
// NotFound, of a table that a catalog does not have.
Error NoSuchTable(const Uri& table);

class Database;

// A connection for as long as it is needed.
class ConnectionLease {
 public:
  ConnectionLease(ConnectionLease&&) noexcept = default;
  ConnectionLease& operator=(ConnectionLease&&) = delete;
  // A transaction that is still open is rolled back.
  ~ConnectionLease();

  Connection& operator*() const { return *pooled_.connection; }
  Connection* operator->() const { return pooled_.connection.get(); }

 private:
  friend class Database;
  using Clock = std::chrono::steady_clock;
  struct Pooled {
    std::unique_ptr<Connection> connection;
    Clock::time_point opened_at;
    Clock::time_point idle_since;
  };
  ConnectionLease(std::shared_ptr<Database> database, Pooled pooled)
      : database_(std::move(database)), pooled_(std::move(pooled)) {}

  std::shared_ptr<Database> database_;
  Pooled pooled_;
};

class Database : public std::enable_shared_from_this<Database> {
 public:
  // Opens the database of a deltasql:// URI, of a catalog or of a table in it. The schema is not
  // looked at: see CheckSchema in store/migrations.h.
  // Errors: Unsupported (a kind of database that this build does not know), those of Connection.
  // `connections_min` is what the caller cannot do without, whatever the URI's pool_size.
  static Result<std::shared_ptr<Database>> Open(const Uri& uri, DatabaseMode mode,
                                                int connections_min = 1,
                                                const PoolLimits& limits = {});

  // A free connection, or a new one, or the next that comes back. Errors: Busy (none came back in
  // time), those of opening one.
  Result<ConnectionLease> Acquire();

  // work(connection) in a read transaction, on another connection again where it failed for a
  // reason that passes (see IsTransient), as often as the URI's option retries says.
  template <typename Work>
  std::invoke_result_t<Work, Connection&> Read(Work work) {
    return Retry([&]() -> std::invoke_result_t<Work, Connection&> {
      auto lease = Acquire();
      if (!lease) return Fail(std::move(lease).error());
      if (auto begun = (*lease)->Begin(TransactionMode::kRead); !begun) {
        return Fail(std::move(begun).error());
      }
      return work(**lease);
    });
  }
  // The same for an attempt() that takes its connection itself.
  template <typename Attempt>
  std::invoke_result_t<Attempt> Retry(Attempt attempt) {
    bool is_first = true;
    return base::Retry(retry_, IsTransient, [&] {
      if (!std::exchange(is_first, false)) CountRetry();
      return attempt();
    });
  }

  PoolCounters counters() const;
  // Safe to print.
  const std::string& name() const { return name_; }

 private:
  friend class ConnectionLease;
  using Clock = std::chrono::steady_clock;
  using Pooled = ConnectionLease::Pooled;
  Database(const Uri& uri, DatabaseMode mode, int connections_min, const PoolLimits& limits);

  Result<ConnectionLease> OpenAnother();
  // Takes those out of idle_ that are past their limits; the caller destroys them unlocked.
  std::vector<Pooled> TakeExpired();
  void Return(Pooled pooled) noexcept;
  void CountRetry();

  Uri uri_;
  DatabaseMode mode_;
  std::string name_;
  int connections_max_;
  PoolLimits limits_;
  base::RetryPolicy retry_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable returned_;
  std::vector<Pooled> idle_;  // the one that came back last at the end
  int connections_ = 0;       // idle or leased
  PoolCounters counters_;
};

}  // namespace deltalakedb::store
