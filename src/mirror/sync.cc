#include "mirror/sync.h"

#include <fmt/format.h>

#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "log/log_files.h"
#include "storage/table_folder.h"

namespace deltalakedb::mirror {

Result<ImportReport> TakeIn(std::string_view uri, const store::TableRow& table,
                            Verification verification, LogSink& sink) {
  ImportOptions options;
  options.verification = verification;
  options.log_sink = &sink;
  auto report = ImportTable(table.location, uri, options);
  if (report || report.error().code() != ErrorCode::kAlreadyExists) return report;
  const Error& error = report.error();
  Error conflict(ErrorCode::kConflict,
                 fmt::format("{}; `deltalakedb mirror repair` has the ways out", error.message()));
  for (const Error::Fact& fact : error.facts()) conflict.AddFact(fact.first, fact.second);
  return Fail(std::move(conflict));
}

Result<bool> HasMore(const store::TableRow& table) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(table.location));
  DELTALAKEDB_ASSIGN(const auto folder, storage::FindTableFolder(uri));
  const auto file = folder.file_system->Open(
      fmt::format("{}/_delta_log/{}", folder.path, log::CommitName(table.current_version.next())));
  if (file) return true;
  return file.error().code() == ErrorCode::kNotFound ? Result<bool>(false) : Fail(file.error());
}

}  // namespace deltalakedb::mirror
