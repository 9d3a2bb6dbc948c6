// SyncTable and RepairMirror.
#include <fmt/format.h>

#include <utility>

#include "base/try.h"
#include "deltalakedb/mirror.h"
#include "mirror/delta_engine.h"
#include "mirror/engines.h"
#include "mirror/open_table.h"
#include "mirror/publisher.h"
#include "mirror/sync.h"
#include "store/metadata_store.h"
#include "store/mirror_store.h"

namespace deltalakedb {

namespace {

using mirror::InWrite;
using mirror::OpenTable;
using store::DatabaseMode;
using store::MirrorRow;
using store::MirrorStore;

Result<std::optional<MirrorRow>> FindDeltaMirror(const OpenTable& table) {
  return table.catalog.database->Read([&](store::Connection& connection) {
    return MirrorStore(connection).Find({table.row.table_id, mirror::kDeltaEngine});
  });
}

Result<MirrorRun> Publish(const OpenTable& table, const std::string& engine, LogSink* sink) {
  return mirror::Publisher(table.catalog.database, SinkOrNull(sink))
      .Run(table.row.table_id, engine, std::nullopt, mirror::kRunWaitMax);
}

std::unexpected<Error> NotDiverged(const OpenTable& table, const std::string& engine) {
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("the {} mirror of table {} has not diverged: there is nothing to "
                                "repair",
                                engine, table.row.name))
                  .With("table", table.row.name));
}

std::unexpected<Error> NoDeltaMirror(const OpenTable& table) {
  return Fail(Error(ErrorCode::kNotFound,
                    fmt::format("table {} has no delta mirror; `deltalakedb mirror add` makes one",
                                table.row.name))
                  .With("table", table.row.name));
}

// A log that is there already would be another one.
Result<void> CheckHasNoLog(const std::string& place) {
  DELTALAKEDB_ASSIGN(const bool has_log, mirror::HasLogAt(place));
  if (!has_log) return {};
  return Fail(Error(ErrorCode::kAlreadyExists,
                    fmt::format("{} has a log already: name another place", place))
                  .With("place", place));
}

Result<RepairReport> KeepDatabase(const OpenTable& table, const RepairOptions& options) {
  DELTALAKEDB_ASSIGN(
      const MirrorEngine* const engine,
      mirror::FindEngine(options.engine.value_or(std::string(mirror::kDeltaEngine))));
  if (!options.to) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "what the mirror has stays as it is: name with --to the place where it begins anew");
  }
  DELTALAKEDB_ASSIGN(const std::string place, engine->FindPlace(table.row.location, options.to));
  const std::string name(engine->name());
  if (name == mirror::kDeltaEngine) DELTALAKEDB_TRY(CheckHasNoLog(place));
  auto moved = InWrite(*table.catalog.database, [&](store::Connection& connection) -> Result<void> {
    MirrorStore store(connection);
    const store::MirrorKey key{table.row.table_id, name};
    DELTALAKEDB_ASSIGN(const auto there, store.Find(key));
    if (!there) {
      return Fail(Error(ErrorCode::kNotFound,
                        fmt::format("table {} has no {} mirror", table.row.name, name))
                      .With("table", table.row.name));
    }
    if (there->place == place) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is where the mirror is: name another place", place));
    }
    if (there->next_state != store::kMirrorDiverged) return NotDiverged(table, name);
    DELTALAKEDB_ASSIGN(const std::int64_t now_us, store::MetadataStore(connection).LoadClock());
    // Its files stay at the table's location, which the new place is not.
    const bool is_absolute = name == mirror::kDeltaEngine && place != table.row.location;
    DELTALAKEDB_TRY(store.Move(key, place, is_absolute, now_us));
    return store.SetMode(table.row.table_id, store::kModeExclusive);
  });
  if (!moved) return Fail(std::move(moved).error());
  DELTALAKEDB_ASSIGN(const MirrorRun run, Publish(table, name, options.log_sink));
  if (run.error) return Fail(*run.error);
  return RepairReport{run.table, place, std::nullopt, run.published, run.version};
}

Result<RepairReport> KeepFiles(std::string_view uri, const OpenTable& table,
                               const RepairOptions& options) {
  if (options.to || options.engine) {
    return Fail(ErrorCode::kInvalidArgument,
                "the files at the table's location are kept, so that there is nothing to name");
  }
  DELTALAKEDB_ASSIGN(const auto before, FindDeltaMirror(table));
  if (!before) return NoDeltaMirror(table);
  if (before->place != table.row.location) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("table {} has no delta mirror at its location {}, whose files "
                                  "could be kept",
                                  table.row.name, table.row.location))
                    .With("table", table.row.name));
  }
  if (before->next_state != store::kMirrorDiverged) return NotDiverged(table, before->engine);
  ImportOptions import;
  import.force = import.yes = true;
  import.log_sink = options.log_sink;
  DELTALAKEDB_ASSIGN(const ImportReport report, ImportTable(table.row.location, uri, import));
  if (!report.differences.empty()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("the table was left as it is, since its import "
                                                 "does not verify: {}",
                                                 report.differences.front().message));
  }
  DELTALAKEDB_ASSIGN(const OpenTable now, mirror::OpenTableOf(uri, DatabaseMode::kWrite));
  DELTALAKEDB_ASSIGN(const auto there, FindDeltaMirror(now));
  RepairReport repaired{now.row.name, now.row.location, report.replaced_table, std::nullopt,
                        now.row.current_version};
  if (!there) return repaired;
  DELTALAKEDB_ASSIGN(const MirrorRun run, Publish(now, there->engine, options.log_sink));
  if (run.error) return Fail(*run.error);
  repaired.published = run.published;
  repaired.place = run.place;
  return repaired;
}

}  // namespace

Result<ImportReport> SyncTable(std::string_view table_uri, LogSink* log_sink) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kWrite));
  DELTALAKEDB_ASSIGN(const auto there, FindDeltaMirror(table));
  if (!there) return NoDeltaMirror(table);
  if (there->place != table.row.location) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("table {} has no delta mirror at its location {}: only there are "
                                  "other engines' commits taken in",
                                  table.row.name, table.row.location))
                    .With("table", table.row.name));
  }
  auto report = mirror::TakeIn(table_uri, table.row, Verification::kFull, SinkOrNull(log_sink));
  if (!report && report.error().code() != ErrorCode::kConflict) return report;
  // Which also finds out about a divergence, and notes it.
  DELTALAKEDB_ASSIGN(const MirrorRun run, Publish(table, there->engine, log_sink));
  if (!report) return report;
  if (run.error) return Fail(*run.error);
  return report;
}

Result<RepairReport> RepairMirror(std::string_view table_uri, const RepairOptions& options) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kWrite));
  return options.keep == RepairKeep::kDatabase ? KeepDatabase(table, options)
                                               : KeepFiles(table_uri, table, options);
}

}  // namespace deltalakedb
