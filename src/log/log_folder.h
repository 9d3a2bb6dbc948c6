// The `_delta_log` folder of one table as it was listed at one moment.
#pragma once

#include <memory>
#include <string>

#include "deltalakedb/log_sink.h"
#include "log/log_files.h"
#include "storage/file_system.h"

namespace deltalakedb::log {

// Immutable once listed. `file_system` and `sink` outlive it.
struct LogFolder {
  const storage::FileSystem* file_system = nullptr;
  LogSink* sink = nullptr;
  std::string path;        // of the folder itself, as `file_system` takes it
  std::string table_root;  // canonical, for file identities (protocol/paths.h)
  LogListing listing;

  std::string PathOf(const std::string& name) const { return path + "/" + name; }
};

}  // namespace deltalakedb::log
