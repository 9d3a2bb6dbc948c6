#include "importer/source_table.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "storage/file_system.h"

namespace deltalakedb::importer {

Result<SourceTable> OpenSource(std::string_view uri, LogSink& sink) {
  DELTALAKEDB_ASSIGN(const Uri parsed, Uri::Parse(uri));
  if (parsed.is_database()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the source has to be a file-based table, a path for instance",
                            parsed.ToString()));
  }
  const FileParts* const file = parsed.file();
  if (file == nullptr) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{}: this version of the program reads tables on the local disk only",
                            parsed.ToString()));
  }
  SourceTable source;
  DELTALAKEDB_ASSIGN(source.location, storage::AbsolutePath(file->path));
  std::error_code failure;  // what cannot be followed is left as it is; opening it says why
  const auto real = std::filesystem::canonical(source.location, failure);
  source.real_location = failure ? source.location : real.string();
  DELTALAKEDB_ASSIGN(source.log,
                     log::FileLog::Open(storage::LocalFileSystem(), source.location, sink));
  return source;
}

}  // namespace deltalakedb::importer
