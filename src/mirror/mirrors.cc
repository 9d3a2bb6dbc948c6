// What users ask of mirrors (deltalakedb/mirror.h).
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "deltalakedb/mirror.h"
#include "deltalakedb/uri.h"
#include "mirror/delta_engine.h"
#include "mirror/engines.h"
#include "mirror/mirror_source.h"
#include "mirror/open_table.h"
#include "mirror/publisher.h"
#include "store/metadata_store.h"
#include "store/mirror_store.h"

namespace deltalakedb {

namespace {

using mirror::InWrite;
using mirror::OpenTable;
using store::DatabaseMode;
using store::MirrorRow;
using store::MirrorStore;

std::unexpected<Error> NoMirror(const OpenTable& table, const std::optional<std::string>& engine) {
  return Fail(Error(ErrorCode::kNotFound,
                    fmt::format("table {} has no {}mirror; `deltalakedb mirror add` makes one",
                                table.row.name, engine ? *engine + " " : ""))
                  .With("table", table.row.name));
}

// The mirrors that are meant, never none.
Result<std::vector<MirrorRow>> FindMirrors(const OpenTable& table,
                                           const std::optional<std::string>& engine) {
  std::optional<std::string> name;
  if (engine) {
    DELTALAKEDB_ASSIGN(const MirrorEngine* const found, mirror::FindEngine(*engine));
    name = found->name();
  }
  DELTALAKEDB_ASSIGN(auto rows, table.catalog.database->Read([&](store::Connection& connection) {
    return MirrorStore(connection).ListOf(table.row.table_id);
  }));
  if (name) std::erase_if(rows, [&](const MirrorRow& row) { return row.engine != *name; });
  if (rows.empty()) return NoMirror(table, name);
  return rows;
}

// Whether two local places are one, links followed.
bool IsSamePlace(const std::string& left, const std::string& right) {
  if (!left.starts_with('/') || !right.starts_with('/')) return left == right;
  std::error_code failure;  // what cannot be followed is another place
  const auto real = std::filesystem::weakly_canonical(left, failure);
  if (failure) return false;
  const auto other = std::filesystem::weakly_canonical(right, failure);
  return !failure && real == other;
}

// What a new mirror will be, by what is known without the database.
Result<MirrorRow> PlanMirror(const OpenTable& table, const NewMirror& wanted) {
  DELTALAKEDB_ASSIGN(const MirrorEngine* const engine, mirror::FindEngine(wanted.engine));
  MirrorRow row;
  row.table_id = table.row.table_id;
  row.engine = engine->name();
  DELTALAKEDB_ASSIGN(row.place, engine->FindPlace(table.row.location, wanted.to));
  if (IsSamePlace(row.place, table.row.location)) row.place = table.row.location;
  if (row.place.find("/_delta_log") != std::string::npos) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("{} is within a log: name a place beside it", row.place))
                    .With("place", row.place));
  }
  row.absolute_paths = wanted.absolute_paths;
  row.alert_versions = wanted.alert.versions;
  row.alert_seconds = wanted.alert.seconds;
  if (wanted.absolute_paths && (row.engine != mirror::kDeltaEngine || !wanted.to)) {
    return Fail(ErrorCode::kInvalidArgument,
                "absolute paths are for a delta mirror elsewhere than at the table's location");
  }
  const bool is_own = row.engine == mirror::kDeltaEngine && row.place == table.row.location;
  if (is_own && wanted.absolute_paths) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} is the table's own location, where paths are relative to it", row.place));
  }
  if (wanted.mode == TableMode::kShared && !is_own) {
    return Fail(ErrorCode::kInvalidArgument,
                "only a delta mirror at the table's location can be shared: elsewhere relative "
                "paths mean other files");
  }
  return row;
}

Result<bool> NeedsMode(const OpenTable& table, const MirrorRow& row, const NewMirror& wanted) {
  if (wanted.mode || row.engine != mirror::kDeltaEngine || row.place != table.row.location) {
    return false;
  }
  return mirror::HasLogAt(table.row.location);
}

Result<bool> Insert(store::Connection& connection, const OpenTable& table, MirrorRow row,
                    const NewMirror& wanted, bool needs_mode) {
  MirrorStore store(connection);
  DELTALAKEDB_ASSIGN(const auto there, store.Find(row.key()));
  if (there) {
    if (there->place != row.place || there->absolute_paths != row.absolute_paths) {
      return Fail(Error(ErrorCode::kAlreadyExists,
                        fmt::format("table {} has a {} mirror already, at {}: remove that first",
                                    table.row.name, row.engine, there->place))
                      .With("table", table.row.name)
                      .With("place", there->place));
    }
    if (there->next_state == store::kMirrorDiverged && wanted.mode == TableMode::kShared) {
      return Fail(Error(ErrorCode::kConflict,
                        fmt::format("the mirror has diverged, so that the table cannot be shared: "
                                    "{}",
                                    there->last_error.value_or("repair it first")))
                      .With("table", table.row.name));
    }
    const bool has_alert = wanted.alert.versions || wanted.alert.seconds;
    if (has_alert) DELTALAKEDB_TRY(store.SetAlert(row));
    if (wanted.mode) {
      DELTALAKEDB_TRY(store.SetMode(row.table_id, TableModeName(*wanted.mode)));
    }
    return false;
  }
  if (needs_mode) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("{} has a log already, as where table {} was imported "
                                  "from there: say with --mode whether other engines still write "
                                  "to it (shared) or only the catalog from now on (exclusive)",
                                  row.place, table.row.name))
                    .With("table", table.row.name)
                    .With("location", row.place));
  }
  DELTALAKEDB_ASSIGN(row.added_at_us, store::MetadataStore(connection).LoadClock());
  DELTALAKEDB_TRY(store.Insert(row));
  if (wanted.mode) DELTALAKEDB_TRY(store.SetMode(row.table_id, TableModeName(*wanted.mode)));
  return true;
}

}  // namespace

std::string_view TableModeName(TableMode mode) {
  return mode == TableMode::kShared ? store::kModeShared : store::kModeExclusive;
}

Result<TableMode> ParseTableMode(std::string_view name) {
  if (name == store::kModeExclusive) return TableMode::kExclusive;
  if (name == store::kModeShared) return TableMode::kShared;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no mode: there are exclusive and shared", name));
}

std::string_view MirrorStateName(MirrorState state) {
  switch (state) {
    case MirrorState::kPending:
      return store::kMirrorPending;
    case MirrorState::kFailed:
      return store::kMirrorFailed;
    case MirrorState::kDiverged:
      break;
  }
  return store::kMirrorDiverged;
}

std::string_view MirrorVersionStateName(MirrorVersion::State state) {
  switch (state) {
    case MirrorVersion::State::kPending:
      return "PENDING";
    case MirrorVersion::State::kSuccess:
      return "SUCCESS";
    case MirrorVersion::State::kFailed:
      break;
  }
  return "FAILED";
}

Result<bool> AddMirror(std::string_view table_uri, const NewMirror& wanted) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kWrite));
  DELTALAKEDB_ASSIGN(const MirrorRow row, PlanMirror(table, wanted));
  DELTALAKEDB_ASSIGN(const bool needs_mode, NeedsMode(table, row, wanted));
  auto added = InWrite(*table.catalog.database, [&](store::Connection& connection) {
    return Insert(connection, table, row, wanted, needs_mode);
  });
  if (!added) return table.catalog.Fail(std::move(added).error());
  return added;
}

Result<std::vector<MirrorInfo>> RemoveMirror(std::string_view table_uri,
                                             const std::optional<std::string>& engine) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kWrite));
  DELTALAKEDB_ASSIGN(const auto rows, FindMirrors(table, engine));
  using Removed = std::vector<MirrorInfo>;
  return InWrite(*table.catalog.database, [&](store::Connection& connection) -> Result<Removed> {
    DELTALAKEDB_ASSIGN(const std::int64_t now_us, store::MetadataStore(connection).LoadClock());
    MirrorStore store(connection);
    Removed removed;
    for (const MirrorRow& row : rows) {
      removed.push_back(mirror::InfoOf(row, now_us));
      DELTALAKEDB_TRY(store.Delete(row.key()));
      // Nobody publishes at the table's location any more, so that nothing can be shared there.
      const bool is_shared = row.engine == mirror::kDeltaEngine && row.mode == store::kModeShared;
      if (is_shared) DELTALAKEDB_TRY(store.SetMode(row.table_id, store::kModeExclusive));
    }
    return removed;
  });
}

Result<std::vector<MirrorInfo>> ListMirrors(std::string_view uri) {
  DELTALAKEDB_ASSIGN(const Uri parsed, Uri::Parse(uri));
  std::optional<TableId> table;
  DELTALAKEDB_ASSIGN(const auto catalog, mirror::OpenCatalogOf(uri, DatabaseMode::kRead));
  if (!parsed.is_catalog()) {
    DELTALAKEDB_ASSIGN(const OpenTable open, mirror::OpenTableOf(uri, DatabaseMode::kRead));
    table = open.row.table_id;
  }
  return catalog.database->Read(
      [&](store::Connection& connection) -> Result<std::vector<MirrorInfo>> {
        DELTALAKEDB_ASSIGN(const std::int64_t now_us, store::MetadataStore(connection).LoadClock());
        MirrorStore store(connection);
        DELTALAKEDB_ASSIGN(const auto rows, table ? store.ListOf(*table) : store.List());
        std::vector<MirrorInfo> mirrors;
        for (const MirrorRow& row : rows) mirrors.push_back(mirror::InfoOf(row, now_us));
        return mirrors;
      });
}

Result<std::vector<MirrorVersion>> ListMirrorVersions(std::string_view table_uri,
                                                      std::int64_t limit) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kRead));
  const Version first(std::max<std::int64_t>(0, table.row.current_version.value() - limit + 1));
  DELTALAKEDB_ASSIGN(const auto rows,
                     table.catalog.database->Read([&](store::Connection& connection) {
                       return MirrorStore(connection).ListVersions(table.row.table_id, first);
                     }));
  std::vector<MirrorVersion> versions;
  for (const store::MirrorVersionRow& row : rows) {
    const auto state = row.state == "SUCCESS"  ? MirrorVersion::State::kSuccess
                       : row.state == "FAILED" ? MirrorVersion::State::kFailed
                                               : MirrorVersion::State::kPending;
    versions.push_back({row.engine, row.version, state, row.attempts, row.error});
  }
  return versions;
}

Result<std::vector<MirrorFailure>> ListMirrorFailures(std::string_view table_uri) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kRead));
  DELTALAKEDB_TRY(FindMirrors(table, std::nullopt));
  DELTALAKEDB_ASSIGN(const auto rows,
                     table.catalog.database->Read([&](store::Connection& connection) {
                       return MirrorStore(connection).ListFailures(table.row.table_id);
                     }));
  constexpr std::int64_t kMicrosecondsPerMs = 1000;
  std::vector<MirrorFailure> failures;
  for (const store::MirrorFailureRow& row : rows) {
    failures.push_back({row.engine, Timestamp(row.failed_at_us / kMicrosecondsPerMs), row.version,
                        row.error_code, row.error});
  }
  return failures;
}

Result<std::vector<MirrorRun>> RunMirrors(std::string_view table_uri, const RunOptions& options) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kWrite));
  DELTALAKEDB_ASSIGN(const auto rows, FindMirrors(table, options.engine));
  const mirror::Publisher publisher(table.catalog.database, SinkOrNull(options.log_sink));
  std::vector<MirrorRun> runs;
  for (const MirrorRow& row : rows) {
    auto run = publisher.Run(row.table_id, row.engine, std::nullopt, mirror::kRunWaitMax);
    if (!run) return table.catalog.Fail(std::move(run).error());
    runs.push_back(*std::move(run));
  }
  return runs;
}

Result<std::vector<MirrorVerification>> VerifyMirrors(std::string_view table_uri,
                                                      const RunOptions& options) {
  DELTALAKEDB_ASSIGN(const OpenTable table, mirror::OpenTableOf(table_uri, DatabaseMode::kRead));
  DELTALAKEDB_ASSIGN(const auto rows, FindMirrors(table, options.engine));
  std::vector<MirrorVerification> verifications;
  for (const MirrorRow& row : rows) {
    DELTALAKEDB_ASSIGN(const MirrorEngine* const engine, mirror::FindEngine(row.engine));
    DELTALAKEDB_ASSIGN(const auto impl,
                       MirrorSource::Impl::Open(table.catalog.database, row.table_id));
    const MirrorSource source(*impl, SinkOrNull(options.log_sink));
    auto differences =
        engine->Verify(source, {row.place, row.absolute_paths}, {row.published, row.checkpoint});
    if (!differences) return Fail(std::move(differences).error());
    if (row.next_state == store::kMirrorDiverged) {
      const Version next = row.published ? row.published->next() : row.earliest_version;
      differences->push_back({"mirror", next, row.last_error.value_or("the mirror has diverged")});
    }
    verifications.push_back(
        {row.table_name, row.engine, row.place, row.published, *std::move(differences)});
  }
  return verifications;
}

}  // namespace deltalakedb
