#include "log/sql_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/time_text.h"
#include "base/try.h"
#include "deltalakedb/uri.h"
#include "log/commit_times.h"
#include "log/sorted_files.h"
#include "log/sql_log_files.h"
#include "log/stored_tombstones.h"
#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "protocol/features.h"
#include "protocol/paths.h"
#include "storage/file_system.h"
#include "store/metadata_store.h"
#include "store/migrations.h"
#include "store/mirror_store.h"

namespace deltalakedb::log {

namespace {

using store::MetadataStore;
using store::TableRow;

class SqlLogSnapshot final : public Snapshot {
 public:
  SqlLogSnapshot(TableState state, StoredFiles files)
      : Snapshot(std::move(state)), files_(std::move(files)) {}

  Result<std::unique_ptr<FileStream>> OpenFiles(const FileOptions& options) const override {
    DELTALAKEDB_ASSIGN(auto files, StreamStoredFiles(files_, options.with_stats));
    if (options.order == FileOrder::kNone) return files;
    return SortByPath(*files);
  }
  Result<std::optional<FileBatch>> FindFile(std::string_view path) const override {
    return FindStoredFile(files_, path);
  }
  Result<FileTotals> LoadTotals() const override { return files_.totals; }

 private:
  StoredFiles files_;
};

Error NoSuchVersion(const TableRow& table, Version version) {
  return Error(ErrorCode::kNotFound,
               fmt::format("version {} of the table {} is not available; the catalog has versions "
                           "{} to {}",
                           version.value(), table.name, table.earliest_version.value(),
                           table.current_version.value()))
      .With("table", table.name)
      .With("version", version.value())
      .With("earliestVersion", table.earliest_version.value())
      .With("latestVersion", table.current_version.value());
}

// An action out of its JSON text.
template <typename T>
Result<T> ParseAction(std::string text, const TableId& table, Version version) {
  const std::size_t size = text.size();
  text.append(protocol::kLinePaddingBytes, '\0');
  protocol::ActionParser parser;
  protocol::Arena arena;
  auto action = parser.Parse({text.data(), size}, protocol::FileDetail::kIdentity, arena);
  if (action) {
    if (T* const found = std::get_if<T>(&*action)) return std::move(*found);
  }
  std::string problem = action ? "it is another action" : action.error().message();
  return Fail(Error(ErrorCode::kCorrupt,
                    fmt::format("the rows of table {} at version {} make no valid action: {}; "
                                "`deltalakedb verify` tells more",
                                table.ToString(), version.value(), problem))
                  .With("version", version.value()));
}

std::string Finished(const rapidjson::StringBuffer& buffer) {
  return {buffer.GetString(), buffer.GetSize()};
}

Error NoLongerThere(const TableRow& opened) {
  return Error(ErrorCode::kNotFound,
               fmt::format("the table {} is no longer in the catalog", opened.name))
      .With("table", opened.name);
}

Result<TableRow> FindTableById(MetadataStore& store, const TableRow& opened) {
  DELTALAKEDB_ASSIGN(auto table, store.FindTable(opened.table_id));
  if (table) return *std::move(table);
  return Fail(NoLongerThere(opened));
}

Result<Timestamp> TimeOf(MetadataStore& store, const TableRow& table, Version version) {
  DELTALAKEDB_ASSIGN(const auto row, store.LoadVersion(table.table_id, version));
  return row.times.timestamp;
}

// The version that a moment means: as CommitTimes finds it in a file-based log, on the times that
// were settled when the versions came in.
Result<Version> ResolveTimestamp(store::Connection& connection, const TableRow& table,
                                 Timestamp moment) {
  MetadataStore store(connection);
  DELTALAKEDB_ASSIGN(const Metadata latest,
                     LoadStoredMetadata(connection, table.table_id, table.current_version));
  DELTALAKEDB_ASSIGN(const auto in_commit, FindInCommitTimestamps(latest));
  const VersionRange range{table.earliest_version, table.current_version};
  DELTALAKEDB_ASSIGN(const auto found, FindLastUpTo(in_commit, moment, range, [&](Version version) {
                       return TimeOf(store, table, version);
                     }));
  if (found) return *found;
  DELTALAKEDB_ASSIGN(const Timestamp first, TimeOf(store, table, range.first));
  return Fail(
      NoVersionAsOld("the table " + table.name, moment, range, first, table.last_commit_timestamp)
          .With("table", table.name));
}

Result<Version> Resolve(store::Connection& connection, const TableRow& table, TableVersion which) {
  if (const Timestamp* const moment = which.timestamp()) {
    return ResolveTimestamp(connection, table, *moment);
  }
  if (which.version() == nullptr) return table.current_version;
  const Version version = *which.version();
  if (version < Version(0)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no version; versions start at 0", version.value()));
  }
  if (version < table.earliest_version || version > table.current_version) {
    return Fail(NoSuchVersion(table, version));
  }
  return version;
}

Result<HistoryEntry> ToHistoryEntry(const TableRow& table, store::HistoryRow row) {
  HistoryEntry entry;
  entry.version = row.version;
  entry.timestamp = row.timestamp;
  entry.commit_id = std::move(row.commit_id);
  if (row.transaction_id) {
    const auto id = TableId::FromBytes(*row.transaction_id);
    if (id) entry.transaction_id = id->ToString();
  }
  entry.num_added = row.num_added;
  entry.num_removed = row.num_removed;
  if (row.commit_info) {
    DELTALAKEDB_ASSIGN(entry.commit_info,
                       ParseAction<CommitInfo>("{\"commitInfo\":" + *row.commit_info + "}",
                                               table.table_id, row.version));
  }
  return entry;
}

}  // namespace

Result<Metadata> LoadStoredMetadata(store::Connection& connection, const TableId& table,
                                    Version version) {
  DELTALAKEDB_ASSIGN(const auto fields, MetadataStore(connection).LoadMetadata(table, version));
  rapidjson::StringBuffer buffer;
  protocol::JsonWriter writer(buffer);
  writer.StartObject();
  protocol::WriteKey("metaData", writer);
  writer.StartObject();
  for (const auto& [name, json] : fields) {
    protocol::WriteKey(name, writer);
    protocol::WriteRaw(json, writer);
  }
  writer.EndObject();
  writer.EndObject();
  return ParseAction<Metadata>(Finished(buffer), table, version);
}

Result<Protocol> LoadStoredProtocol(store::Connection& connection, const TableId& table,
                                    Version version) {
  DELTALAKEDB_ASSIGN(const auto rows, MetadataStore(connection).LoadProtocol(table, version));
  rapidjson::StringBuffer buffer;
  protocol::JsonWriter writer(buffer);
  writer.StartObject();
  protocol::WriteKey("protocol", writer);
  writer.StartObject();
  const auto write = [&](const std::optional<store::ProtocolRow>& half,
                         std::string_view version_key, std::string_view features_key) {
    if (!half) return;
    protocol::WriteKey(version_key, writer);
    writer.Int64(half->min_version);
    if (!half->features) return;
    protocol::WriteKey(features_key, writer);
    protocol::WriteRaw(*half->features, writer);
  };
  write(rows.reader, "minReaderVersion", "readerFeatures");
  write(rows.writer, "minWriterVersion", "writerFeatures");
  writer.EndObject();
  writer.EndObject();
  std::string text = Finished(buffer);
  if (rows.reader && rows.reader->unknown_fields && rows.reader->unknown_fields->size() > 2) {
    // Their members follow the known ones: {"protocol":{…}} has two braces at its end.
    text.insert(text.size() - 2, "," + rows.reader->unknown_fields->substr(
                                           1, rows.reader->unknown_fields->size() - 2));
  }
  return ParseAction<Protocol>(std::move(text), table, version);
}

Result<TableState> LoadStoredState(store::Connection& connection, const TableId& table,
                                   const store::VersionRow& row) {
  MetadataStore store(connection);
  TableState state;
  state.version = row.version;
  state.timestamp = row.times.timestamp;
  DELTALAKEDB_ASSIGN(state.protocol, LoadStoredProtocol(connection, table, row.version));
  DELTALAKEDB_ASSIGN(state.metadata, LoadStoredMetadata(connection, table, row.version));
  DELTALAKEDB_ASSIGN(auto transactions, store.LoadAppTransactions(table, row.version));
  for (AppTransaction& transaction : transactions) {
    std::string app_id = transaction.app_id;
    state.app_transactions.emplace(std::move(app_id), std::move(transaction));
  }
  DELTALAKEDB_ASSIGN(const auto domains, store.LoadDomainMetadata(table, row.version));
  state.domain_metadata.insert(domains.begin(), domains.end());
  return state;
}

Result<std::unique_ptr<SqlLog>> SqlLog::Open(std::shared_ptr<store::Database> database,
                                             std::string table_name) {
  DELTALAKEDB_ASSIGN(
      auto table, database->Read([&](store::Connection& connection) -> Result<TableRow> {
        if (auto fits = store::CheckSchema(connection); !fits) {
          return Fail(store::InDatabase(std::move(fits).error(), database->name()));
        }
        DELTALAKEDB_ASSIGN(auto found, MetadataStore(connection).FindTable(table_name));
        if (found) return *std::move(found);
        return Fail(Error(ErrorCode::kNotFound,
                          fmt::format("{}: the catalog has no table {}; `deltalakedb tables` lists "
                                      "them",
                                      database->name(), table_name))
                        .With("table", table_name));
      }));
  return std::unique_ptr<SqlLog>(new SqlLog(std::move(database), std::move(table)));
}

Result<std::unique_ptr<SqlLog>> SqlLog::Open(std::shared_ptr<store::Database> database,
                                             const TableId& table) {
  DELTALAKEDB_ASSIGN(
      auto row, database->Read([&](store::Connection& connection) -> Result<TableRow> {
        DELTALAKEDB_ASSIGN(auto found, MetadataStore(connection).FindTable(table));
        if (found) return *std::move(found);
        return Fail(ErrorCode::kNotFound,
                    fmt::format("{}: the table is no longer in the catalog", database->name()));
      }));
  return std::unique_ptr<SqlLog>(new SqlLog(std::move(database), std::move(row)));
}

Result<Version> SqlLog::LoadLatestVersion() const {
  return database_->Retry([&]() -> Result<Version> {
    DELTALAKEDB_ASSIGN(const auto connection, database_->Acquire());
    DELTALAKEDB_ASSIGN(const auto version,
                       MetadataStore(*connection).FindCurrentVersion(table_.table_id));
    if (version) return *version;
    return Fail(NoLongerThere(table_));
  });
}

Result<SqlLog::StoredVersion> SqlLog::LoadVersion(store::Connection& connection,
                                                  TableVersion which) const {
  MetadataStore store(connection);
  DELTALAKEDB_ASSIGN(TableRow table, FindTableById(store, table_));
  DELTALAKEDB_ASSIGN(const Version version, Resolve(connection, table, which));
  DELTALAKEDB_ASSIGN(auto row, store.LoadVersion(table.table_id, version));
  DELTALAKEDB_ASSIGN(auto state, LoadStoredState(connection, table.table_id, row));
  return StoredVersion{std::move(row), std::move(state)};
}

Result<std::shared_ptr<const Snapshot>> SqlLog::LoadSnapshot(TableVersion which) const {
  DELTALAKEDB_ASSIGN(StoredVersion stored, database_->Read([&](store::Connection& connection) {
    return LoadVersion(connection, which);
  }));
  const Version version = stored.row.version;
  if (auto readable = protocol::CheckReadable(stored.state.protocol); !readable) {
    return Fail(std::move(readable).error().With("version", version.value()));
  }
  StoredFiles files{
      database_,       table_.name, protocol::CanonicalRootOfLocation(table_.location),
      table_.table_id, version,     {stored.row.index.num_files, stored.row.index.size_in_bytes}};
  return std::make_shared<SqlLogSnapshot>(std::move(stored.state), std::move(files));
}

Result<TableState> SqlLog::LoadState(TableVersion which) const {
  DELTALAKEDB_ASSIGN(StoredVersion stored, database_->Read([&](store::Connection& connection) {
    return LoadVersion(connection, which);
  }));
  return std::move(stored.state);
}

Result<void> SqlLog::VisitTombstones(Version version, Timestamp expiry,
                                     const TombstoneVisitor& visit) const {
  DELTALAKEDB_ASSIGN(const TableRow table, database_->Read([&](store::Connection& connection) {
    MetadataStore store(connection);
    return FindTableById(store, table_);
  }));
  DELTALAKEDB_ASSIGN(
      const auto tombstones,
      StreamStoredTombstones({database_, table.table_id, table.base_version, version, expiry}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, tombstones->Next());
    if (!batch) return {};
    DELTALAKEDB_TRY(visit(*batch));
  }
}

Result<std::vector<std::string>> SqlLog::ListOtherPlaces() const {
  std::vector<std::string> places;
  DELTALAKEDB_TRY(database_->Read([&](store::Connection& connection) -> Result<void> {
    places.clear();
    DELTALAKEDB_ASSIGN(auto tables, MetadataStore(connection).ListTables());
    for (TableRow& table : tables) {
      if (table.table_id != table_.table_id) places.push_back(std::move(table.location));
    }
    DELTALAKEDB_ASSIGN(auto mirrors, store::MirrorStore(connection).List());
    for (store::MirrorRow& mirror : mirrors) places.push_back(std::move(mirror.place));
    return {};
  }));
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(database_->name()));
  const EmbeddedParts* const file = uri.embedded();
  if (file == nullptr || file->in_memory()) return places;
  DELTALAKEDB_ASSIGN(const std::string path, storage::AbsolutePath(file->path));
  // With what SQLite and DuckDB put beside it.
  for (const std::string_view end : {"", "-wal", "-shm", "-journal", ".wal"}) {
    places.push_back(path + std::string(end));
  }
  return places;
}

Result<std::vector<HistoryEntry>> SqlLog::LoadHistory(const HistoryOptions& options) const {
  const store::HistoryFilter filter{options.since, options.until, options.operation, options.limit};
  return database_->Read([&](store::Connection& connection) -> Result<std::vector<HistoryEntry>> {
    MetadataStore store(connection);
    DELTALAKEDB_ASSIGN(const TableRow table, FindTableById(store, table_));
    DELTALAKEDB_ASSIGN(auto rows, store.ListHistory(table.table_id, filter));
    std::vector<HistoryEntry> history;
    history.reserve(rows.size());
    for (store::HistoryRow& row : rows) {
      DELTALAKEDB_ASSIGN(history.emplace_back(), ToHistoryEntry(table, std::move(row)));
    }
    return history;
  });
}

}  // namespace deltalakedb::log
