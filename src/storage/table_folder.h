// Where the folder of a file-based table is.
#pragma once

#include <string>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "storage/file_system.h"

namespace deltalakedb::storage {

struct TableFolder {
  const FileSystem* file_system = nullptr;  // lives as long as the program
  std::string path;                         // as the file system takes it
  // For a catalog: an absolute path without `.` and `..`, or the canonical URI on an object store;
  // no slash at its end.
  std::string location;
};

// `uri` names a file-based table. Whether anything is there is not looked at.
// Errors: those of AbsolutePath and OpenObjectStore.
Result<TableFolder> FindTableFolder(const Uri& uri);

}  // namespace deltalakedb::storage
