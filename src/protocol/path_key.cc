#include "protocol/path_key.h"

#include "protocol/paths.h"

namespace deltalakedb::protocol {

Hash128 PathKey(std::string_view path, std::string_view table_root, std::string& scratch) {
  scratch.clear();
  AppendCanonicalPath(path, table_root, scratch);
  return HashOf(scratch);
}

}  // namespace deltalakedb::protocol
