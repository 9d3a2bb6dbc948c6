#include "storage/table_folder.h"

#include <utility>

#include "base/try.h"
#include "storage/object_store.h"

namespace deltalakedb::storage {

Result<TableFolder> FindTableFolder(const Uri& uri) {
  TableFolder folder;
  if (const FileParts* file = uri.file()) {
    folder.file_system = &LocalFileSystem();
    DELTALAKEDB_ASSIGN(folder.path, AbsolutePath(file->path));
    folder.location = folder.path;
    return folder;
  }
  DELTALAKEDB_ASSIGN(folder.file_system, OpenObjectStore(uri));
  folder.path = ObjectStoreRoot(uri);
  if (const std::string& key = uri.object_store()->key; !key.empty()) folder.path += "/" + key;
  folder.location = uri.ToString();
  while (folder.location.ends_with('/')) folder.location.pop_back();
  return folder;
}

}  // namespace deltalakedb::storage
