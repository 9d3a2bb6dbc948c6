#include "store/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/try.h"

namespace deltalakedb::store {

Error InDatabase(Error error, const std::string& name) {
  if (error.FindFact("database") == nullptr) {
    error.AddContext(name);
    error.AddFact("database", name);
  }
  return error;
}

Error NoSuchTable(const Uri& table) {
  Error error(ErrorCode::kNotFound,
              fmt::format("{}: the catalog has no such table; `deltalakedb tables` lists those it "
                          "has",
                          table.ToString()));
  error.AddFact("table", *table.table());
  return error;
}

ConnectionLease::~ConnectionLease() {
  if (pooled_.connection == nullptr) return;
  pooled_.connection->Rollback();
  database_->Return(std::move(pooled_));
}

Database::Database(const Uri& uri, DatabaseMode mode, int connections_min, const PoolLimits& limits)
    : uri_(uri),
      mode_(mode),
      name_(uri.ToString()),
      connections_max_(
          std::max(connections_min, uri.options()->pool_size.value_or(kPoolSizeDefault))),
      limits_(limits) {
  retry_.retries = uri.options()->retries.value_or(retry_.retries);
  if (uri.embedded() != nullptr && uri.embedded()->in_memory()) {
    // Each connection to a database in memory sees one of its own, which goes with it.
    connections_max_ = 1;
    limits_.idle_max = limits_.lifetime_max = std::chrono::hours(24 * 365);
  }
}

Result<std::shared_ptr<Database>> Database::Open(const Uri& uri, DatabaseMode mode,
                                                 int connections_min, const PoolLimits& limits) {
  std::shared_ptr<Database> database(new Database(uri, mode, connections_min, limits));
  // Errors of opening come now rather than later. A server that is starting is waited for; one that
  // is not there is more likely a mistake in the URI.
  const auto is_passing = [](const Error& error) {
    return IsTransient(error) && !IsNobodyThere(error);
  };
  DELTALAKEDB_TRY(base::Retry(database->retry_, is_passing, [&] { return database->Acquire(); }));
  return database;
}

std::vector<Database::Pooled> Database::TakeExpired() {
  const auto now = Clock::now();
  std::vector<Pooled> expired;
  for (auto each = idle_.begin(); each != idle_.end();) {
    const bool is_old = now - each->opened_at > limits_.lifetime_max;
    const bool is_idle = now - each->idle_since > limits_.idle_max;
    if (!is_old && !is_idle) {
      ++each;
      continue;
    }
    ++(is_old ? counters_.closed_old : counters_.closed_idle);
    expired.push_back(std::move(*each));
    each = idle_.erase(each);
    --connections_;
  }
  return expired;
}

Result<ConnectionLease> Database::Acquire() {
  std::vector<Pooled> closing;  // closed when the lock is gone
  {
    std::unique_lock lock(mutex_);
    closing = TakeExpired();
    const auto is_possible = [&] { return !idle_.empty() || connections_ < connections_max_; };
    if (!is_possible()) ++counters_.waited;
    if (!returned_.wait_for(lock, limits_.wait_max, is_possible)) {
      ++counters_.timed_out;
      return Fail(Error(ErrorCode::kBusy,
                        fmt::format("{}: all {} connections were in use for {} ms; the URI's "
                                    "option pool_size allows more",
                                    name_, connections_max_, limits_.wait_max.count()))
                      .With("database", name_));
    }
    while (!idle_.empty()) {
      Pooled pooled = std::move(idle_.back());
      idle_.pop_back();
      if (pooled.connection->IsHealthy()) {
        ++counters_.reused;
        return ConnectionLease(shared_from_this(), std::move(pooled));
      }
      ++counters_.closed_lost;
      --connections_;
      closing.push_back(std::move(pooled));
    }
    ++connections_;
  }
  return OpenAnother();
}

Result<ConnectionLease> Database::OpenAnother() {
  auto connection = OpenConnection(uri_, mode_);
  const std::unique_lock lock(mutex_);
  if (connection) {
    ++counters_.opened;
    return ConnectionLease(shared_from_this(), {*std::move(connection), Clock::now(), {}});
  }
  ++counters_.failed;
  --connections_;
  returned_.notify_one();
  return Fail(std::move(connection).error());
}

void Database::Return(Pooled pooled) noexcept {
  std::vector<Pooled> closing;
  {
    const std::lock_guard lock(mutex_);
    if (pooled.connection->IsHealthy()) {
      pooled.idle_since = Clock::now();
      idle_.push_back(std::move(pooled));
    } else {
      ++counters_.closed_lost;
      --connections_;
      closing.push_back(std::move(pooled));
    }
    auto expired = TakeExpired();
    std::ranges::move(expired, std::back_inserter(closing));
  }
  returned_.notify_one();
}

void Database::CountRetry() {
  const std::lock_guard lock(mutex_);
  ++counters_.retried;
}

PoolCounters Database::counters() const {
  const std::lock_guard lock(mutex_);
  PoolCounters counters = counters_;
  counters.idle = static_cast<int>(idle_.size());
  counters.in_use = connections_ - counters.idle;
  return counters;
}

}  // namespace deltalakedb::store
