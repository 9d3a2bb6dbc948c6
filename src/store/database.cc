#include "store/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace deltalakedb::store {

ConnectionLease::ConnectionLease(std::shared_ptr<Database> database,
                                 std::unique_ptr<Connection> connection)
    : database_(std::move(database)), connection_(std::move(connection)) {}

ConnectionLease::ConnectionLease(ConnectionLease&&) noexcept = default;

ConnectionLease::~ConnectionLease() {
  if (connection_ == nullptr) return;
  connection_->Rollback();
  database_->Return(std::move(connection_));
}

Database::Database(const Uri& uri, DatabaseMode mode, int connections_min)
    : uri_(uri),
      mode_(mode),
      name_(uri.ToString()),
      connections_max_(
          std::max(connections_min, uri.options()->pool_size.value_or(kPoolSizeDefault))) {
  // Each connection to a database in memory would see one of its own.
  if (uri.embedded() != nullptr && uri.embedded()->in_memory()) connections_max_ = 1;
}

Result<std::shared_ptr<Database>> Database::Open(const Uri& uri, DatabaseMode mode,
                                                 int connections_min) {
  std::shared_ptr<Database> database(new Database(uri, mode, connections_min));
  DELTALAKEDB_TRY(database->Acquire());  // errors of opening come now rather than later
  return database;
}

Result<ConnectionLease> Database::Acquire() {
  {
    std::unique_lock lock(mutex_);
    const auto is_possible = [&] { return !idle_.empty() || connections_ < connections_max_; };
    if (!returned_.wait_for(lock, kPoolWaitMax, is_possible)) {
      return Fail(Error(ErrorCode::kBusy,
                        fmt::format("{}: all {} connections were in use for {} seconds; the URI's "
                                    "option pool_size allows more",
                                    name_, connections_max_, kPoolWaitMax.count()))
                      .With("database", name_));
    }
    if (!idle_.empty()) {
      ConnectionLease lease(shared_from_this(), std::move(idle_.back()));
      idle_.pop_back();
      return lease;
    }
    ++connections_;
  }
  auto connection = OpenConnection(uri_, mode_);
  if (connection) return ConnectionLease(shared_from_this(), *std::move(connection));
  {
    const std::lock_guard lock(mutex_);
    --connections_;
  }
  returned_.notify_one();
  return Fail(std::move(connection).error());
}

void Database::Return(std::unique_ptr<Connection> connection) noexcept {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

}  // namespace deltalakedb::store
