// Opening a database to make a catalog in it, such that failing leaves things as they were.
#pragma once

#include <memory>
#include <string>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "store/database.h"

namespace deltalakedb::store {

// A database opened with DatabaseMode::kCreate. Unless Keep is called, its file goes again when it
// was made by this and is still empty.
class CreatedDatabase {
 public:
  // Errors: those of Database::Open.
  static Result<CreatedDatabase> Open(const Uri& uri, int connections_min = 1);

  CreatedDatabase(CreatedDatabase&&) noexcept = default;
  CreatedDatabase& operator=(CreatedDatabase&&) = delete;
  ~CreatedDatabase();

  const std::shared_ptr<Database>& database() const { return database_; }

  // For right before the first transaction is committed. Errors: Busy (another process has put
  // another file there meanwhile).
  Result<void> CheckStillThere() const;
  // The first transaction is committed. Lets writers and readers work side by side from now on,
  // where that is a setting of the database; without it they wait for each other.
  void Keep(Connection& connection);

 private:
  explicit CreatedDatabase(std::string path) : path_(std::move(path)) {}

  std::shared_ptr<Database> database_;
  std::string path_;  // empty when the file was there before, or there is none
  UriKind kind_ = UriKind::kSqlite;
  std::uint64_t inode_ = 0;
};

}  // namespace deltalakedb::store
