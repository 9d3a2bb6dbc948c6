#include "mirror/sync.h"

#include <fmt/format.h>

#include <string_view>
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
  if (report) return report;
  const Error& error = report.error();
  const bool is_cleaned_up =
      error.code() == ErrorCode::kCorrupt && error.FindFact("missingVersion") != nullptr;
  if (error.code() != ErrorCode::kAlreadyExists && !is_cleaned_up) return report;
  // Less what an import advises.
  const std::string& message = error.message();
  const std::size_t advice = message.rfind(is_cleaned_up ? ": --force" : "; --force");
  Error conflict(ErrorCode::kConflict,
                 fmt::format("{}; `deltalakedb mirror repair` has the ways out",
                             std::string_view(message).substr(0, advice)));
  for (const Error::Fact& fact : error.facts()) conflict.AddFact(fact.first, fact.second);
  return Fail(std::move(conflict));
}

Result<bool> HasMore(const store::TableRow& table) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(table.location));
  DELTALAKEDB_ASSIGN(const auto folder, storage::FindTableFolder(uri));
  const std::string log_path = folder.path + "/_delta_log";
  const auto has_commit = [&](Version version) -> Result<bool> {
    const auto file =
        folder.file_system->Open(fmt::format("{}/{}", log_path, log::CommitName(version)));
    if (file) return true;
    return file.error().code() == ErrorCode::kNotFound ? Result<bool>(false) : Fail(file.error());
  };
  DELTALAKEDB_ASSIGN(const bool has_next, has_commit(table.current_version.next()));
  if (has_next) return true;
  DELTALAKEDB_ASSIGN(const bool has_current, has_commit(table.current_version));
  if (has_current) return false;
  // Another engine may have gone on and have removed both.
  auto files = folder.file_system->List(log_path);
  if (!files && files.error().code() == ErrorCode::kNotFound) return false;
  if (!files) return Fail(std::move(files).error());
  const log::LogListing listing = log::ArrangeListing(*std::move(files));
  return !listing.IsEmpty() && listing.Latest() > table.current_version;
}

}  // namespace deltalakedb::mirror
