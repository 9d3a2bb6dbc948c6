#include "importer/source_table.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "storage/table_folder.h"

namespace deltalakedb::importer {

Result<SourceTable> OpenSource(std::string_view uri, LogSink& sink) {
  DELTALAKEDB_ASSIGN(const Uri parsed, Uri::Parse(uri));
  if (parsed.is_database()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the source has to be a file-based table, a path for instance",
                            parsed.ToString()));
  }
  DELTALAKEDB_ASSIGN(auto folder, storage::FindTableFolder(parsed));
  SourceTable source;
  source.location = source.real_location = std::move(folder.location);
  if (parsed.file() != nullptr) {
    std::error_code failure;  // what cannot be followed is left as it is; opening it says why
    const auto real = std::filesystem::canonical(source.location, failure);
    if (!failure) source.real_location = real.string();
  }
  DELTALAKEDB_ASSIGN(source.log,
                     log::FileLog::Open(*folder.file_system, std::move(folder.path), sink));
  return source;
}

}  // namespace deltalakedb::importer
