// The file-based table that is imported or compared with.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "log/file_log.h"

namespace deltalakedb::importer {

struct SourceTable {
  std::string location;       // as a catalog keeps it (storage/table_folder.h)
  std::string real_location;  // the same with links followed
  std::unique_ptr<log::FileLog> log;
};

// Errors: InvalidArgument (not a URI, or one of a catalog's table), NotFound, Permission, Io,
// Unavailable (an object store that does not answer).
Result<SourceTable> OpenSource(std::string_view uri, LogSink& sink);

}  // namespace deltalakedb::importer
