#include "deltalakedb/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "importer/compare_source.h"
#include "importer/same_commits.h"
#include "importer/source_replay.h"
#include "importer/source_table.h"
#include "log/action_lines.h"
#include "log/body_index.h"
#include "log/copy_bodies.h"
#include "log/copy_source.h"
#include "log/sql_log.h"
#include "log/sql_log_writer.h"
#include "protocol/features.h"
#include "store/catalog_file.h"
#include "store/metadata_store.h"
#include "store/migrations.h"
#include "store/mirror_store.h"

namespace deltalakedb {

namespace {

using importer::SourceTable;
using log::CopySource;
using store::MetadataStore;
using store::TableRow;

// How often an import starts over when the source's log changes under it, as log clean-up does.
constexpr int kAttemptsMax = 5;

// What a table that another replaced has among its properties.
constexpr std::string_view kReplacedByProperty = "deltalakedb.replacedBy";

// Passes warnings on and keeps them for the report.
class WarningSink final : public LogSink {
 public:
  explicit WarningSink(LogSink* next) : next_(next) {}

  void Write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    if (level == LogLevel::kWarning && std::ranges::find(warnings_, message) == warnings_.end()) {
      warnings_.emplace_back(message);
      if (next_ != nullptr) next_->Write(level, message);
    }
  }
  std::vector<std::string> Take() {
    const std::lock_guard lock(mutex_);
    return std::move(warnings_);
  }

 private:
  LogSink* next_;
  std::mutex mutex_;
  std::vector<std::string> warnings_;
};

struct Target {
  Uri uri;
  std::string table;
};

Result<Target> ParseTarget(std::string_view text, const std::optional<std::string>& name) {
  DELTALAKEDB_ASSIGN(Uri uri, Uri::Parse(text));
  if (!uri.is_database()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the target has to be a catalog or a table in one, as "
                            "deltasql://sqlite/meta.db?table=orders",
                            uri.ToString()));
  }
  if (name && uri.table() && *name != *uri.table()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the target names the table {}, the option another one, {}: leave one "
                            "of them out",
                            *uri.table(), *name));
  }
  if (name && !uri.table()) {
    DELTALAKEDB_ASSIGN(uri, uri.WithTable(*name));
  }
  if (!uri.table()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a catalog: give the table's name as well", uri.ToString()));
  }
  std::string table = *uri.table();
  return Target{std::move(uri), std::move(table)};
}

bool IsReplaced(const TableRow& table) {
  const auto properties = nlohmann::json::parse(table.properties, nullptr, false);
  return properties.is_object() && properties.contains(kReplacedByProperty);
}

// One attempt to import.
class Import {
 public:
  Import(const SourceTable& source, const Target& target, const ImportOptions& options)
      : source_(source), target_(target), options_(options) {}

  Result<ImportReport> Run();

 private:
  // What the catalog has of the table, if anything.
  struct Present {
    std::optional<TableRow> table;
    std::optional<Metadata> metadata;  // at its current version
  };

  Result<void> LockNames(MetadataStore& store) const;
  Result<Present> FindPresent(store::Connection& connection) const;
  Result<void> CheckSameHistory(MetadataStore& store, const TableRow& table,
                                const log::LogFolder& folder) const;
  static Error OtherCommit(const TableRow& table, const log::LogFolder& folder, Version version,
                           std::string_view advice);
  Result<void> CheckMayReplace(MetadataStore& store, const TableRow& table,
                               const CopySource& source) const;
  Result<CopySource> Plan(const Present& present);
  Result<void> CheckFeatures(const CopySource& source) const;
  Result<void> CheckProtocol(const Protocol& protocol) const;

  std::unexpected<Error> InTarget(Error error) const {
    return Fail(store::InDatabase(std::move(error), target_.uri.ToString()));
  }
  Result<ImportReport> Preview();
  Result<ImportReport> TakeIn(store::CreatedDatabase& created, store::Connection& connection);
  Result<TableRow> PrepareTable(store::Connection& connection, const CopySource& source,
                                const Present& present);
  Result<void> SetAside(MetadataStore& store, const TableRow& old, const TableRow& replacement);
  Result<void> Copy(store::Connection& connection, const CopySource& source, const TableRow& table,
                    const Present& present);
  Result<void> Verify(store::Connection& connection, const CopySource& source,
                      const Present& present);
  // The version whose state the run continues; none when it starts by itself.
  std::optional<Version> VersionBefore(const Present& present) const {
    return IsIncremental(present) ? std::optional(present.table->current_version) : std::nullopt;
  }
  bool IsIncremental(const Present& present) const { return present.table && !options_.force; }

  const SourceTable& source_;
  const Target& target_;
  const ImportOptions& options_;
  ImportReport report_;
};

// ---- what is there already ----------------------------------------------------------------------

// Another import of the same table, or of the same place under another name, goes first or waits.
Result<void> Import::LockNames(MetadataStore& store) const {
  DELTALAKEDB_TRY(store.LockName("location " + source_.location));
  return store.LockName("table " + target_.table);
}

Result<Import::Present> Import::FindPresent(store::Connection& connection) const {
  MetadataStore store(connection);
  Present present;
  DELTALAKEDB_ASSIGN(present.table, store.FindTable(target_.table));
  if (present.table && present.table->location != source_.location) {
    return Fail(Error(ErrorCode::kAlreadyExists,
                      fmt::format("the catalog has another table {}, of {}: import {} under "
                                  "another name",
                                  target_.table, present.table->location, source_.location))
                    .With("table", target_.table)
                    .With("location", present.table->location));
  }
  if (present.table && IsReplaced(*present.table)) {
    return Fail(Error(ErrorCode::kAlreadyExists,
                      fmt::format("table {} was set aside for another that has its name now, and "
                                  "takes nothing in",
                                  target_.table))
                    .With("table", target_.table));
  }
  if (!present.table) {
    DELTALAKEDB_ASSIGN(auto others, store.ListTablesAt(source_.location));
    if (source_.real_location != source_.location) {
      DELTALAKEDB_ASSIGN(const auto real, store.ListTablesAt(source_.real_location));
      others.insert(others.end(), real.begin(), real.end());
    }
    for (const TableRow& other : others) {
      if (IsReplaced(other)) continue;
      return Fail(
          Error(ErrorCode::kAlreadyExists, fmt::format("the catalog has {} already, as table {}",
                                                       source_.location, other.name))
              .With("table", other.name)
              .With("location", source_.location));
    }
    return present;
  }
  DELTALAKEDB_ASSIGN(present.metadata, log::LoadStoredMetadata(connection, present.table->table_id,
                                                               present.table->current_version));
  return present;
}

// The newest commit that both have must be the same.
Result<void> Import::CheckSameHistory(MetadataStore& store, const TableRow& table,
                                      const log::LogFolder& folder) const {
  const auto& commits = folder.listing.commits;
  auto common = commits.upper_bound(table.current_version);
  if (common == commits.begin()) return {};
  --common;
  DELTALAKEDB_ASSIGN(const auto other, importer::FindOtherCommit(store, table, folder,
                                                                 {common->first, common->first}));
  if (!other) return {};
  return Fail(OtherCommit(table, folder, *other, "--force and --yes together import afresh"));
}

Error Import::OtherCommit(const TableRow& table, const log::LogFolder& folder, Version version,
                          std::string_view advice) {
  return Error(ErrorCode::kAlreadyExists,
               fmt::format("version {} of table {} in the catalog is another commit than {}: the "
                           "two have gone different ways; {}",
                           version.value(), table.name,
                           folder.PathOf(folder.listing.commits.at(version).name), advice))
      .With("table", table.name)
      .With("version", version.value());
}

// Whether the source has all that the catalog has of the table.
Result<void> Import::CheckMayReplace(MetadataStore& store, const TableRow& table,
                                     const CopySource& source) const {
  const Version source_first = source.versions().first;
  const Version source_latest = source.folder().listing.Latest();
  if (options_.yes) return {};
  if (table.earliest_version < source_first && !options_.latest_only) {
    return Fail(Error(ErrorCode::kAlreadyExists,
                      fmt::format("the catalog has table {} from version {} on, the source only "
                                  "from {} on: give --yes as well if the older versions may be "
                                  "set aside",
                                  table.name, table.earliest_version.value(), source_first.value()))
                    .With("table", table.name)
                    .With("version", table.earliest_version.value()));
  }
  if (table.current_version > source_latest) {
    return Fail(Error(ErrorCode::kAlreadyExists,
                      fmt::format("the catalog has version {} of table {}, the source only {}: "
                                  "give --yes as well if these versions may be set aside",
                                  table.current_version.value(), table.name, source_latest.value()))
                    .With("table", table.name)
                    .With("version", table.current_version.value()));
  }
  // A commit with another text is one that the source lacks.
  DELTALAKEDB_ASSIGN(const auto other,
                     importer::FindOtherCommit(store, table, source.folder(),
                                               {table.earliest_version, table.current_version}));
  if (!other) return {};
  return Fail(OtherCommit(table, source.folder(), *other,
                          "give --yes as well if the catalog's versions may be set aside"));
}

Result<CopySource> Import::Plan(const Present& present) {
  DELTALAKEDB_ASSIGN(auto folder, source_.log->ListFolder());
  log::CopyRange range{options_.up_to_version, options_.latest_only, std::nullopt};
  if (IsIncremental(present)) {
    range.latest_only = false;
    range.after = {present.table->current_version, *present.metadata};
    // What is wanted may be there already, even of a source that has less than the catalog.
    const Version latest = folder->listing.Latest();
    if (!range.up_to || *range.up_to <= latest) {
      range.up_to = std::max(range.up_to.value_or(latest), present.table->current_version);
      if (*range.up_to > latest) range.up_to = std::nullopt;
    }
  }
  return CopySource::Plan(std::move(folder), range);
}

// ---- whether the source can be held -------------------------------------------------------------

Result<void> Import::CheckProtocol(const Protocol& protocol) const {
  return options_.metadata_only ? protocol::CheckManagedByFiles(protocol)
                                : protocol::CheckReadable(protocol);
}

Result<void> Import::CheckFeatures(const CopySource& source) const {
  if (options_.metadata_only) {
    return source.has_base() ? CheckProtocol(*source.base_state().protocol) : Result<void>();
  }
  DELTALAKEDB_TRY(source_.log->LoadSnapshot(TableVersion::At(source.versions().last)));
  return {};
}

// ---- taking in ----------------------------------------------------------------------------------

// What a table is called once another has its name.
std::string ReplacedName(const TableRow& old) {
  constexpr std::size_t kIdDigits = 8;
  const std::string ending = ".replaced-" + old.table_id.ToString().substr(0, kIdDigits);
  std::string name = old.name;
  if (name.size() + ending.size() > kTableNameBytesMax) {
    name.resize(kTableNameBytesMax - ending.size());
    // A character is not cut in two (RFC 3629: the bytes that continue one begin with 10).
    while (!name.empty() && (static_cast<unsigned char>(old.name[name.size()]) & 0xC0) == 0x80) {
      name.pop_back();
    }
  }
  return name + ending;
}

Result<void> Import::SetAside(MetadataStore& store, const TableRow& old,
                              const TableRow& replacement) {
  auto properties = nlohmann::json::parse(old.properties, nullptr, false);
  if (!properties.is_object()) properties = nlohmann::json::object();
  properties[std::string(kReplacedByProperty)] = replacement.table_id.ToString();
  report_.replaced_table = ReplacedName(old);
  return store.RenameTable(old.table_id, *report_.replaced_table, properties.dump());
}

Result<TableRow> Import::PrepareTable(store::Connection& connection, const CopySource& source,
                                      const Present& present) {
  MetadataStore store(connection);
  if (IsIncremental(present)) return *present.table;
  TableRow table;
  table.table_id = TableId::MakeRandom();
  table.name = target_.table;
  table.location = source_.location;
  table.earliest_version = source.versions().first;
  table.current_version = Version(source.versions().first.value() - 1);
  if (source.has_base()) table.base_version = source.versions().first;
  table.metadata_version = table.protocol_version = source.versions().first;
  table.mode = store::kModeExclusive;
  table.properties = "{}";
  if (present.table) {
    table.mode = present.table->mode;
    table.properties = present.table->properties;
    DELTALAKEDB_TRY(SetAside(store, *present.table, table));
  }
  DELTALAKEDB_TRY(store.InsertTable(table));
  if (present.table) {
    DELTALAKEDB_TRY(store::MirrorStore(connection).Carry(present.table->table_id, table.table_id));
  }
  return table;
}

Result<void> Import::Copy(store::Connection& connection, const CopySource& source,
                          const TableRow& table, const Present& present) {
  MetadataStore store(connection);
  log::IndexOptions index = log::OptionsFromStart(table);
  index.chunk.compress = true;
  if (IsIncremental(present)) {
    DELTALAKEDB_ASSIGN(auto row, store.LoadVersion(table.table_id, table.current_version));
    index.start = std::move(row.index);
    index.start.num_added = index.start.num_removed = index.start.num_cdc = 0;
    index.start.commit_info.reset();
    index.start.operation.reset();
    index.has_start = true;
  }
  DELTALAKEDB_ASSIGN(const std::int64_t now_us, store.LoadClock());
  log::SqlLogWriter writer(store, {.table = table,
                                   .table_root = index.chunk.table_root,
                                   .find_time =
                                       [&source](Version version, const CommitInfo* info) {
                                         return source.FindTime(version, info);
                                       },
                                   .now_us = now_us,
                                   .is_first_copy = !IsIncremental(present)});
  log::CopyBodies bodies(source, index.chunk);
  DELTALAKEDB_ASSIGN(const log::IndexResult result, log::IndexBodies(bodies, writer, index));
  TableRow advanced = writer.table();
  advanced.metadata_version = result.metadata_version.value_or(table.metadata_version);
  advanced.protocol_version = result.protocol_version.value_or(table.protocol_version);
  DELTALAKEDB_TRY(store.AdvanceTable(advanced, table.current_version));
  DELTALAKEDB_ASSIGN(const Protocol protocol,
                     log::LoadStoredProtocol(connection, table.table_id, advanced.current_version));
  DELTALAKEDB_TRY(CheckProtocol(protocol));
  DELTALAKEDB_TRY(log::LoadStoredMetadata(connection, table.table_id, advanced.current_version));
  report_.table_id = table.table_id;
  report_.from_version = source.versions().first;
  report_.to_version = advanced.current_version;
  report_.commits = writer.commits();
  report_.adds = writer.adds();
  report_.removes = writer.removes();
  report_.num_files = writer.num_files();
  return {};
}

Result<void> Import::Verify(store::Connection& connection, const CopySource& source,
                            const Present& present) {
  if (options_.verification == Verification::kNone) return {};
  DELTALAKEDB_ASSIGN(const auto table, MetadataStore(connection).FindTable(target_.table));
  const auto replay =
      importer::ReplayRun(*source_.log, source,
                          {.before = VersionBefore(present),
                           .catalog_base = table->base_version,
                           .with_content = options_.verification == Verification::kFull});
  if (!replay) {
    // A state that cannot be read cannot be replayed either; commits alone can.
    const bool is_unreadable = replay.error().code() == ErrorCode::kUnsupported;
    return is_unreadable && options_.metadata_only ? Result<void>() : Fail(replay.error());
  }
  importer::Differences differences;
  DELTALAKEDB_TRY(importer::CompareWithSource(
      connection, *table, {*replay, *source_.log, options_.verification == Verification::kFull},
      differences));
  report_.verified = differences.is_empty();
  report_.differences = std::move(differences).Take();
  return {};
}

Result<ImportReport> Import::TakeIn(store::CreatedDatabase& created,
                                    store::Connection& connection) {
  MetadataStore store(connection);
  const auto has_catalog = store::HasCatalog(connection);
  if (!has_catalog) return InTarget(has_catalog.error());
  if (!*has_catalog) {
    if (auto made = store::ApplyMigrations(connection); !made) return InTarget(made.error());
  }
  DELTALAKEDB_TRY(LockNames(store));
  DELTALAKEDB_ASSIGN(const Present present, FindPresent(connection));
  DELTALAKEDB_ASSIGN(const CopySource source, Plan(present));
  if (IsIncremental(present)) {
    DELTALAKEDB_TRY(CheckSameHistory(store, *present.table, source.folder()));
    if (source.has_base() || source.versions().first > present.table->current_version.next()) {
      return Fail(Error(ErrorCode::kCorrupt,
                        fmt::format("the catalog has table {} up to version {}, and {} no longer "
                                    "has all commits after it: --force imports afresh",
                                    present.table->name, present.table->current_version.value(),
                                    source.folder().path))
                      .With("missingVersion", present.table->current_version.next().value()));
    }
    if (source.versions().last < source.versions().first) {
      DELTALAKEDB_ASSIGN(const auto row, store.LoadVersion(present.table->table_id,
                                                           present.table->current_version));
      report_.table_id = present.table->table_id;
      report_.to_version = present.table->current_version;
      report_.num_files = row.index.num_files;
      if (const Version latest = source.folder().listing.Latest();
          latest < present.table->current_version) {
        source.folder().sink->Write(
            LogLevel::kWarning,
            fmt::format("{} has versions up to {} only, the catalog up to {}", source_.location,
                        latest.value(), present.table->current_version.value()));
      }
      return report_;
    }
  } else {
    if (present.table) {
      DELTALAKEDB_TRY(CheckMayReplace(store, *present.table, source));
    }
    DELTALAKEDB_TRY(CheckFeatures(source));
  }
  DELTALAKEDB_ASSIGN(const TableRow table, PrepareTable(connection, source, present));
  DELTALAKEDB_TRY(Copy(connection, source, table, present));
  DELTALAKEDB_TRY(Verify(connection, source, present));
  if (!report_.differences.empty()) return report_;
  DELTALAKEDB_TRY(created.CheckStillThere());
  DELTALAKEDB_TRY(connection.Commit());
  if (!*has_catalog) created.Keep(connection);
  return report_;
}

// Everything but the writing: the replay counts what would come in.
Result<ImportReport> Import::Preview() {
  report_.dry_run = true;
  Present present;
  auto database = store::Database::Open(target_.uri, store::DatabaseMode::kRead);
  std::optional<store::ConnectionLease> lease;  // in a transaction
  if (database) {
    DELTALAKEDB_ASSIGN(auto connection, (*database)->Acquire());
    DELTALAKEDB_TRY(lease.emplace(std::move(connection))->Begin(store::TransactionMode::kRead));
    const auto has_catalog = store::HasCatalog(**lease);
    if (!has_catalog) return InTarget(has_catalog.error());
    if (*has_catalog) {
      DELTALAKEDB_ASSIGN(present, FindPresent(**lease));
      if (IsIncremental(present)) {
        MetadataStore store(**lease);
        DELTALAKEDB_ASSIGN(const auto folder, source_.log->ListFolder());
        DELTALAKEDB_TRY(CheckSameHistory(store, *present.table, *folder));
      }
    }
  } else if (database.error().code() != ErrorCode::kNotFound ||
             target_.uri.kind() == UriKind::kPostgres) {  // where importing makes no database
    return Fail(std::move(database).error());
  }
  DELTALAKEDB_ASSIGN(const CopySource source, Plan(present));
  report_.to_version = source.versions().last;
  if (source.versions().last < source.versions().first) return report_;
  if (present.table && options_.force) {
    MetadataStore store(**lease);
    DELTALAKEDB_TRY(CheckMayReplace(store, *present.table, source));
    report_.replaced_table = ReplacedName(*present.table);
  }
  lease.reset();
  DELTALAKEDB_TRY(CheckFeatures(source));
  DELTALAKEDB_ASSIGN(const auto replay, importer::ReplayRun(*source_.log, source,
                                                            {.before = VersionBefore(present),
                                                             .catalog_base = std::nullopt,
                                                             .with_content = false}));
  report_.from_version = source.versions().first;
  report_.commits = static_cast<std::int64_t>(replay.versions.size());
  for (const auto& version : replay.versions) {
    report_.adds += version.adds;
    report_.removes += version.removes;
  }
  report_.num_files = replay.versions.back().totals.num_files;
  return report_;
}

Result<ImportReport> Import::Run() {
  report_.table = target_.table;
  if (options_.dry_run) return Preview();
  DELTALAKEDB_ASSIGN(auto created, store::CreatedDatabase::Open(target_.uri));
  DELTALAKEDB_ASSIGN(const auto connection, created.database()->Acquire());
  DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kWrite));
  auto report = TakeIn(created, *connection);
  connection->Rollback();
  return report;
}

}  // namespace

Result<ImportReport> ImportTable(std::string_view source_uri, std::string_view target_uri,
                                 const ImportOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  DELTALAKEDB_ASSIGN(const Target target, ParseTarget(target_uri, options.name));
  WarningSink warnings(options.log_sink);
  DELTALAKEDB_ASSIGN(const SourceTable source, importer::OpenSource(source_uri, warnings));
  for (int attempt = 1;; ++attempt) {
    auto report = Import(source, target, options).Run();
    const bool has_changed = !report && log::HasLogChanged(report.error());
    if (has_changed && attempt < kAttemptsMax) continue;
    if (!report) return report;
    report->warnings = warnings.Take();
    report->seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return report;
  }
}

}  // namespace deltalakedb
