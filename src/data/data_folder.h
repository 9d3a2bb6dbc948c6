// The data files and deletion vectors of a table, wherever they are.
//
// Thread-safety: a folder may be used from several threads at once.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::data {

// The file system of a path as DataFolder::PathOf has it. Errors: those of OpenObjectStore.
Result<const storage::FileSystem*> FileSystemOf(const std::string& path);

class DataFolder {
 public:
  // `location` as catalogs keep it.
  explicit DataFolder(std::string_view location);
  // `root` as TransactionLog::table_root has it (protocol/paths.h).
  static DataFolder OfRoot(std::string root) { return DataFolder(Root{std::move(root)}); }

  // The folder itself: an absolute path or a decoded URI, without a slash at its end.
  std::string path() const;

  // The file that an action names: an absolute path or a URI, decoded.
  std::string PathOf(std::string_view path) const;

  // The deleted rows of a file, ascending.
  // Errors: those of ResolveDeletionVector, DecodeBitmap and file systems.
  Result<std::vector<std::int64_t>> LoadDeletedRows(const DeletionVector& vector) const;

  // As storage::HasZonelessTimestamps, of the file of that path as PathOf has it. False also for a
  // file that is not there or is no Parquet file: reading the view will tell.
  // Errors: Permission, Io, Unavailable.
  static Result<bool> HasZonelessTimestamps(const std::string& path,
                                            const std::set<std::string>& columns);

 private:
  struct Root {
    std::string text;
  };
  explicit DataFolder(Root root) : root_(std::move(root.text)) {}

  std::string root_;  // as protocol::CanonicalRootOfLocation
};

}  // namespace deltalakedb::data
