// The files of a table as a DuckDB mirror looks at them.
//
// Thread-safety: a folder may be used from several threads at once.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"

namespace deltalakedb::mirror {

class DataFolder {
 public:
  // `location` as catalogs keep it.
  explicit DataFolder(std::string_view location);

  // The file that an action names, as DuckDB names it: an absolute path or a URI, decoded.
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
  std::string root_;  // as protocol::CanonicalRootOfLocation
};

}  // namespace deltalakedb::mirror
