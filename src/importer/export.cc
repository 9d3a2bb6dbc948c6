// ExportTable: what is at the destination is looked at first, then what is missing is written in
// order, so that readers find an older version of the table at any moment.
#include "deltalakedb/export.h"

#include <fmt/format.h>

#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "importer/export_source.h"
#include "importer/log_publisher.h"
#include "log/commit_times.h"
#include "protocol/features.h"
#include "storage/table_folder.h"

namespace deltalakedb {

namespace {

using importer::ExportSource;
using importer::LogPublisher;
using storage::FileSystem;

// Writes what is missing, and tells the report what that was.
Result<void> Publish(const ExportSource& source, LogPublisher& publisher, ExportReport& report) {
  if (source.has_base()) {
    DELTALAKEDB_ASSIGN(report.checkpoint_written, publisher.PutBase());
  }
  const VersionRange& versions = source.versions();
  for (Version version = versions.first; version <= versions.last; version = version.next()) {
    auto written = publisher.PutCommit(version);
    if (!written) {
      return Fail(std::move(written).error().In(
          fmt::format("exporting version {} of {}", version.value(), source.table())));
    }
    report.commits += *written ? 1 : 0;
  }
  DELTALAKEDB_ASSIGN(report.last_checkpoint_written, publisher.PutHint());
  return {};
}

// What readers of the exported log get else than those of the table.
Result<std::optional<std::string>> FindTimeWarning(const ExportSource& source,
                                                   const FileSystem& file_system) {
  if (file_system.keeps_times()) return std::optional<std::string>();
  DELTALAKEDB_ASSIGN(const auto in_commit, log::FindInCommitTimestamps(source.metadata()));
  if (in_commit && in_commit->since <= source.versions().first) return std::optional<std::string>();
  return std::optional(
      fmt::format("an object store gives files the time of their writing, so the versions of {} "
                  "without in-commit "
                  "timestamps seem as old as their export to whoever asks by time",
                  source.table()));
}

}  // namespace

Result<ExportReport> ExportTable(std::string_view uri, std::string_view destination,
                                 const ExportOptions& options) {
  LogSink& sink = SinkOrNull(options.log_sink);
  DELTALAKEDB_ASSIGN(const Uri source_uri, Uri::Parse(uri));
  DELTALAKEDB_ASSIGN(const Uri destination_uri, Uri::Parse(destination));
  DELTALAKEDB_ASSIGN(const storage::TableFolder folder,
                     importer::FindLogDestination(destination_uri));
  DELTALAKEDB_ASSIGN(const auto source, ExportSource::Open(source_uri, sink));
  if (source->base_protocol()) {
    // What the program does not know of a state would be lost in a checkpoint.
    auto readable = protocol::CheckReadable(*source->base_protocol());
    if (!readable) {
      return Fail(std::move(readable).error().In(
          fmt::format("{} begins with the state of version {}", source->table(),
                      source->versions().first.value())));
    }
  }
  ExportReport report;
  report.table = source->table();
  report.from_version = source->versions().first;
  report.to_version = source->versions().last;
  if (source->has_base()) report.checkpoint = report.from_version;
  report.destination = folder.location;
  DELTALAKEDB_ASSIGN(const auto warning, FindTimeWarning(*source, *folder.file_system));
  if (warning) {
    sink.Write(LogLevel::kWarning, *warning);
    report.warnings.push_back(*warning);
  }
  LogPublisher publisher(*source, *folder.file_system, folder.path + "/_delta_log",
                         {.absolute_paths = options.absolute_paths});
  DELTALAKEDB_TRY(publisher.CheckDestination());
  DELTALAKEDB_TRY(Publish(*source, publisher, report));
  return report;
}

}  // namespace deltalakedb
