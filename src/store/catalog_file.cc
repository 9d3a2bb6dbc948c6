#include "store/catalog_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/try.h"
#include "store/duckdb/duckdb_connection.h"

namespace deltalakedb::store {

Result<CreatedDatabase> CreatedDatabase::Open(const Uri& uri, int connections_min) {
  struct stat status = {};
  const EmbeddedParts* const parts = uri.embedded();
  const bool is_new =
      parts != nullptr && !parts->in_memory() && ::stat(parts->path.c_str(), &status) != 0;
  CreatedDatabase created(is_new ? parts->path : std::string());
  created.kind_ = uri.kind();
  DELTALAKEDB_ASSIGN(created.database_,
                     Database::Open(uri, DatabaseMode::kCreate, connections_min));
  if (is_new && ::stat(parts->path.c_str(), &status) == 0) created.inode_ = status.st_ino;
  return created;
}

CreatedDatabase::~CreatedDatabase() {
  database_.reset();
  if (path_.empty() || inode_ == 0) return;
  struct stat status = {};
  if (kind_ == UriKind::kDuckDb) {  // whose empty files are not short
    RemoveEmptyDuckDb(path_, inode_);
    return;
  }
  if (::stat(path_.c_str(), &status) != 0) return;
  if (status.st_ino == inode_ && status.st_size == 0) ::unlink(path_.c_str());
}

Result<void> CreatedDatabase::CheckStillThere() const {
  if (path_.empty()) return {};
  struct stat status = {};
  if (::stat(path_.c_str(), &status) == 0 && status.st_ino == inode_) return {};
  return Fail(Error(ErrorCode::kBusy, "the database " + path_ +
                                          " was removed or replaced by another process while it "
                                          "was being made: try again")
                  .With("database", path_));
}

void CreatedDatabase::Keep(Connection& connection) {
  path_.clear();
  // Somebody who reads already can keep this from happening, but what was committed stays.
  [[maybe_unused]] const auto prepared = connection.PrepareForSharing();
}

}  // namespace deltalakedb::store
