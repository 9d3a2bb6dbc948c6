#include "store/metadata_store.h"

#include <fmt/format.h>

#include "base/try.h"
#include "protocol/hash128.h"

namespace deltalakedb::store {

namespace {

std::optional<std::string> OwnedOptionalBytes(const Cursor& row, int column) {
  return row.IsNull(column) ? std::nullopt : std::optional(std::string(row.Bytes(column)));
}

Value OptionalBlob(const std::optional<std::string>& bytes) {
  return bytes ? Value(Blob{*bytes}) : Value();
}

// The columns of find_table_by_name, in its order.
Result<TableRow> ReadTable(const Cursor& row) {
  const auto id = TableId::FromBytes(row.Bytes(0));
  if (!id) return Fail(ErrorCode::kCorrupt, "dl_tables has a table_id that is not 16 bytes");
  TableRow table;
  table.table_id = *id;
  table.name = row.OwnedText(1);
  table.location = row.OwnedText(2);
  table.current_version = Version(row.Int(3));
  table.earliest_version = Version(row.Int(4));
  if (!row.IsNull(5)) table.base_version = Version(row.Int(5));
  table.base_body_hash = OwnedOptionalBytes(row, 6);
  table.metadata_version = Version(row.Int(7));
  table.protocol_version = Version(row.Int(8));
  table.last_commit_timestamp = Timestamp(row.Int(9));
  table.last_ratified_at_us = row.Int(10);
  table.mode = row.OwnedText(11);
  table.properties = row.OwnedText(12);
  table.first_file_id = row.Int(13);
  if (row.column_count() > 14) table.num_files = row.OptionalInt(14);
  return table;
}

// The columns of find_version, in its order.
VersionRow ReadVersion(const Cursor& row) {
  VersionRow version;
  version.version = Version(row.Int(0));
  version.times = {Timestamp(row.Int(1)), Timestamp(row.Int(2)), row.OwnedText(3), row.Int(4)};
  version.commit_id = row.OwnedText(5);
  version.transaction_id = OwnedOptionalBytes(row, 6);
  version.index = {row.Int(7),
                   row.Int(8),
                   row.Int(9),
                   row.Int(10),
                   row.Int(11),
                   row.Int(12),
                   row.Int(13),
                   row.Int(14),
                   row.OwnedOptionalText(15),
                   row.OwnedOptionalText(16)};
  version.body_hash = OwnedOptionalBytes(row, 17);
  version.body_bytes = row.OptionalInt(18);
  version.body_parts = row.Int(19);
  version.row_hash = std::string(row.Bytes(20));
  return version;
}

Result<std::vector<TableRow>> ReadTables(Cursor& rows) {
  std::vector<TableRow> tables;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows.Next());
    if (!has_row) return tables;
    DELTALAKEDB_ASSIGN(tables.emplace_back(), ReadTable(rows));
  }
}

// Whether what all other rows are found by can be right.
Result<void> CheckTable(const TableRow& table) {
  const bool is_run = table.earliest_version == table.base_version.value_or(Version(0)) &&
                      table.base_body_hash.has_value() == table.base_version.has_value() &&
                      table.earliest_version.value() >= 0 &&
                      table.current_version >= table.earliest_version;
  const bool is_range = table.first_file_id >= 0 && table.first_file_id % kFileIdsPerTable == 0;
  if (is_run && is_range) return {};
  return Fail(Error(ErrorCode::kCorrupt,
                    fmt::format("the row of table {} in dl_tables cannot be right: {} contradict "
                                "each other; import the table afresh",
                                table.name, is_run ? "its file ids" : "its versions"))
                  .With("table", table.name));
}

Result<std::optional<TableRow>> ReadTableIfAny(Cursor& rows) {
  DELTALAKEDB_ASSIGN(auto tables, ReadTables(rows));
  if (tables.empty()) return std::optional<TableRow>();
  if (tables.size() > 1) {
    return Fail(Error(ErrorCode::kCorrupt, fmt::format("dl_tables has {} rows of table {}",
                                                       tables.size(), tables.front().name))
                    .With("table", tables.front().name));
  }
  DELTALAKEDB_TRY(CheckTable(tables.front()));
  return std::optional(std::move(tables.front()));
}

ProtocolRow ReadProtocolHalf(const Cursor& row) {
  return {row.Int(1), row.OwnedOptionalText(2), row.OwnedOptionalText(3)};
}

// Values that follow each other without a doubt where one ends.
void Update(protocol::Hash128Builder& hash, std::int64_t value) {
  hash.Update({reinterpret_cast<const char*>(&value), sizeof(value)});
}

void Update(protocol::Hash128Builder& hash, const std::optional<std::string>& text) {
  Update(hash, text ? static_cast<std::int64_t>(text->size()) : -1);
  if (text) hash.Update(*text);
}

}  // namespace

std::string RowHash(const TableId& table, const VersionRow& row) {
  protocol::Hash128Builder hash;
  hash.Update(table.bytes());
  for (const std::int64_t value :
       {row.version.value(), row.times.timestamp.ms(), row.times.raw_timestamp.ms(),
        row.times.ratified_at_us, row.index.num_added, row.index.num_removed, row.index.num_cdc,
        row.index.num_files, row.index.size_in_bytes, row.index.last_add_id,
        row.index.last_remove_id, row.index.last_cdc_id, row.body_bytes.value_or(-1),
        row.body_parts}) {
    Update(hash, value);
  }
  for (const auto& text :
       {std::optional(row.times.timestamp_source), std::optional(row.commit_id), row.transaction_id,
        row.index.commit_info, row.index.operation, row.body_hash}) {
    Update(hash, text);
  }
  return std::string(hash.Finish().view());
}

std::string HashOfKnown(const TableId& table, const VersionRow& row) {
  VersionRow known;
  known.version = Version(-1);
  known.times.raw_timestamp = row.times.raw_timestamp;
  known.times.timestamp_source = row.times.timestamp_source;
  known.commit_id = row.commit_id;
  known.transaction_id = row.transaction_id;
  known.index.num_added = row.index.num_added;
  known.index.num_removed = row.index.num_removed;
  known.index.num_cdc = row.index.num_cdc;
  known.index.commit_info = row.index.commit_info;
  known.index.operation = row.index.operation;
  known.body_hash = row.body_hash;
  known.body_bytes = row.body_bytes;
  known.body_parts = row.body_parts;
  return RowHash(table, known);
}

Result<std::optional<TableRow>> MetadataStore::FindTable(std::string_view name) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kFindTableByName, {name}));
  return ReadTableIfAny(*rows);
}

Result<std::optional<TableRow>> MetadataStore::FindTable(const TableId& table) {
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Query(StatementId::kFindTableById, {ToValue(table)}));
  return ReadTableIfAny(*rows);
}

Result<std::optional<Version>> MetadataStore::FindCurrentVersion(const TableId& table) {
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Query(StatementId::kFindCurrentVersion, {ToValue(table)}));
  DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
  return has_row ? std::optional(Version(rows->Int(0))) : std::nullopt;
}

Result<std::vector<TableRow>> MetadataStore::ListTables() {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kListTables, {}));
  return ReadTables(*rows);
}

Result<std::vector<TableRow>> MetadataStore::ListTablesAt(std::string_view location) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kListTablesAt, {location}));
  return ReadTables(*rows);
}

Result<void> MetadataStore::InsertTable(TableRow& row) {
  DELTALAKEDB_ASSIGN(row.first_file_id, LoadInt(StatementId::kFindNextFirstFileId, {}));
  DELTALAKEDB_TRY(connection_.Execute(
      StatementId::kInsertTable,
      {ToValue(row.table_id), row.name, row.location, ToValue(row.current_version),
       ToValue(row.earliest_version), ToValue(row.base_version), OptionalBlob(row.base_body_hash),
       ToValue(row.metadata_version), ToValue(row.protocol_version),
       ToValue(row.last_commit_timestamp), row.last_ratified_at_us, row.mode, row.properties,
       row.first_file_id}));
  return {};
}

Result<void> MetadataStore::AdvanceTable(const TableRow& row, Version from) {
  DELTALAKEDB_TRY(FlushEnds());
  DELTALAKEDB_ASSIGN(
      const std::int64_t moved,
      connection_.Execute(StatementId::kAdvanceTable,
                          {ToValue(row.table_id), ToValue(from), ToValue(row.current_version),
                           ToValue(row.metadata_version), ToValue(row.protocol_version),
                           ToValue(row.last_commit_timestamp), row.last_ratified_at_us,
                           OptionalBlob(row.base_body_hash)}));
  if (moved == 1) return {};
  return Fail(Error(ErrorCode::kCorrupt,
                    fmt::format("the row of table {} in dl_tables is not at version {}", row.name,
                                from.value()))
                  .With("table", row.name));
}

Result<void> MetadataStore::RenameTable(const TableId& table, std::string_view name,
                                        std::string_view properties) {
  DELTALAKEDB_TRY(
      connection_.Execute(StatementId::kRenameTable, {ToValue(table), name, properties}));
  return {};
}

Result<void> MetadataStore::DeleteTable(const TableId& table) {
  DELTALAKEDB_TRY(LockTable(table));
  const Dialect dialect = connection_.dialect();
  // Whose rows the foreign keys do not take along.
  if (dialect != Dialect::kSqlite) {
    for (const RelationInfo& relation : kRelations) {
      DELTALAKEDB_TRY(connection_.Execute(relation.clear, {ToValue(table)}));
    }
    DELTALAKEDB_TRY(connection_.Execute(StatementId::kDeleteVersions, {ToValue(table)}));
  }
  if (dialect == Dialect::kDuckdb) {
    for (const StatementId statement :
         {StatementId::kDeleteBodyParts, StatementId::kDeleteFileSegments,
          StatementId::kDeleteMirrors, StatementId::kDeleteMirrorFailures,
          StatementId::kDeleteFences}) {
      DELTALAKEDB_TRY(connection_.Execute(statement, {ToValue(table)}));
    }
  }
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kDeleteTable, {ToValue(table)}));
  return {};
}

Result<std::optional<VersionRow>> MetadataStore::FindVersion(const TableId& table,
                                                             Version version) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kFindVersion,
                                                        {ToValue(table), ToValue(version)}));
  DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
  return has_row ? std::optional(ReadVersion(*rows)) : std::nullopt;
}

Result<VersionRow> MetadataStore::LoadVersion(const TableId& table, Version version) {
  DELTALAKEDB_ASSIGN(auto row, FindVersion(table, version));
  if (row) return *std::move(row);
  return Fail(
      Error(ErrorCode::kCorrupt, fmt::format("the catalog lacks the row of version {} of table {}",
                                             version.value(), table.ToString()))
          .With("version", version.value()));
}

Result<void> MetadataStore::ForEachVersion(const TableId& table,
                                           const std::function<Result<void>(VersionRow)>& visit) {
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Stream(StatementId::kListVersions, {ToValue(table)}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return {};
    DELTALAKEDB_TRY(visit(ReadVersion(*rows)));
  }
}

Result<std::vector<HistoryRow>> MetadataStore::ListHistory(const TableId& table,
                                                           const HistoryFilter& filter) {
  const Value operation = filter.operation ? Value(*filter.operation) : Value();
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Query(StatementId::kListHistory,
                                       {ToValue(table), ToValue(filter.since),
                                        ToValue(filter.until), operation, ToValue(filter.limit)}));
  std::vector<HistoryRow> history;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return history;
    history.push_back({Version(rows->Int(0)), Timestamp(rows->Int(1)), rows->OwnedText(2),
                       OwnedOptionalBytes(*rows, 3), rows->Int(4), rows->Int(5),
                       rows->OwnedOptionalText(6)});
  }
}

Result<bool> MetadataStore::HasCommitId(const TableId& table, std::string_view commit_id) {
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Query(StatementId::kFindCommitId, {ToValue(table), commit_id}));
  return rows->Next();
}

Result<void> MetadataStore::InsertVersion(const TableId& table, VersionRow& row,
                                          std::optional<std::string_view> compressed) {
  if (row.row_hash.empty()) row.row_hash = RowHash(table, row);
  const VersionIndex& index = row.index;
  const Value commit_info = ToValue(index.commit_info);
  const Value operation = ToValue(index.operation);
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kInsertVersion,
                                      {ToValue(table),
                                       ToValue(row.version),
                                       ToValue(row.times.timestamp),
                                       ToValue(row.times.raw_timestamp),
                                       row.times.timestamp_source,
                                       row.times.ratified_at_us,
                                       row.commit_id,
                                       OptionalBlob(row.transaction_id),
                                       index.num_added,
                                       index.num_removed,
                                       index.num_cdc,
                                       index.num_files,
                                       index.size_in_bytes,
                                       index.last_add_id,
                                       index.last_remove_id,
                                       index.last_cdc_id,
                                       commit_info,
                                       operation,
                                       OptionalBlob(row.body_hash),
                                       ToValue(row.body_bytes),
                                       row.body_parts,
                                       Blob{row.row_hash},
                                       compressed ? Value(Blob{*compressed}) : Value()}));
  return {};
}

Result<void> MetadataStore::UpdateVersionIndex(const TableId& table, Version version,
                                               const VersionIndex& index) {
  const Value commit_info = ToValue(index.commit_info);
  const Value operation = ToValue(index.operation);
  DELTALAKEDB_TRY(
      connection_.Execute(StatementId::kUpdateVersionIndex,
                          {ToValue(table), ToValue(version), index.num_added, index.num_removed,
                           index.num_cdc, index.num_files, index.size_in_bytes, index.last_add_id,
                           index.last_remove_id, index.last_cdc_id, commit_info, operation}));
  return {};
}

Result<std::optional<StoredBody>> MetadataStore::FindBody(const TableId& table, Version version) {
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Query(StatementId::kFindBody, {ToValue(table), ToValue(version)}));
  DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
  if (!has_row) return std::optional<StoredBody>();
  return StoredBody{OwnedOptionalBytes(*rows, 0), rows->OptionalInt(1).value_or(0), rows->Int(2),
                    OwnedOptionalBytes(*rows, 3)};
}

Result<std::unique_ptr<Cursor>> MetadataStore::ListBodyParts(const TableId& table, Version version,
                                                             Origin origin) {
  return connection_.Stream(StatementId::kListBodyParts,
                            {ToValue(table), ToValue(version), static_cast<std::int64_t>(origin)});
}

Result<void> MetadataStore::InsertBodyPart(const TableId& table, Version version, Origin origin,
                                           const BodyPart& part) {
  DELTALAKEDB_TRY(
      connection_.Execute(StatementId::kInsertBodyPart,
                          {ToValue(table), ToValue(version), static_cast<std::int64_t>(origin),
                           part.part, part.text_bytes, Blob{part.compressed}}));
  return {};
}

Result<std::int64_t> MetadataStore::CountBodyParts(const TableId& table) {
  const Value id = ToValue(table);
  return LoadInt(StatementId::kCountBodyParts, {&id, 1});
}

Result<std::vector<std::pair<std::string, std::string>>> MetadataStore::LoadTexts(
    StatementId statement, const TableId& table, Version version) {
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Query(statement, {ToValue(table), ToValue(version)}));
  std::vector<std::pair<std::string, std::string>> texts;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return texts;
    texts.emplace_back(rows->Text(0), rows->Text(1));
  }
}

Result<ProtocolRows> MetadataStore::LoadProtocol(const TableId& table, Version version) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kLoadProtocol,
                                                        {ToValue(table), ToValue(version)}));
  ProtocolRows protocol;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return protocol;
    (rows->Text(0) == "reader" ? protocol.reader : protocol.writer) = ReadProtocolHalf(*rows);
  }
}

Result<std::vector<AppTransaction>> MetadataStore::LoadAppTransactions(const TableId& table,
                                                                       Version version) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kLoadAppTransactions,
                                                        {ToValue(table), ToValue(version)}));
  std::vector<AppTransaction> transactions;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return transactions;
    transactions.push_back({rows->OwnedText(0), rows->Int(1), rows->OptionalInt(2)});
  }
}

Result<void> MetadataStore::InsertRows(Relation relation, std::span<const Value> values) {
  if (values.empty()) return {};
  const RelationInfo& info = InfoOf(relation);
  if (live_files_ && relation == Relation::kAddFiles) live_files_->Insert(values);
  return connection_.ExecuteMany(info.insert, info.columns, values);
}

Result<void> MetadataStore::FlushEnds() {
  return live_files_ ? live_files_->Flush() : Result<void>();
}

Result<std::unique_ptr<Cursor>> MetadataStore::ListRows(Relation relation, const TableId& table) {
  DELTALAKEDB_TRY(FlushEnds());
  return connection_.Stream(InfoOf(relation).list, {ToValue(table)});
}

Result<std::int64_t> MetadataStore::CountRows(Relation relation, const TableId& table) {
  const Value id = ToValue(table);
  return LoadInt(InfoOf(relation).count, {&id, 1});
}

Result<void> MetadataStore::ClearRows(Relation relation, const TableId& table) {
  if (live_files_) {
    DELTALAKEDB_TRY(FlushEnds());
    live_files_->Forget();
  }
  DELTALAKEDB_TRY(connection_.Execute(InfoOf(relation).clear, {ToValue(table)}));
  return {};
}

Result<void> MetadataStore::EndFiles(const TableId& table, Version version,
                                     std::span<const FileName> files, const VisitEnded& visit) {
  if (connection_.dialect() == Dialect::kDuckdb) {
    if (!live_files_) live_files_ = std::make_unique<LiveFiles>(connection_);
    return live_files_->End(table, version, files, visit);
  }
  constexpr std::size_t kColumns = 4;
  std::vector<Value> values;
  values.reserve(files.size() * kColumns);
  for (const FileName& file : files) {
    values.insert(values.end(),
                  {ToValue(table), Blob{file.path_key}, file.dv_id, ToValue(version)});
  }
  if (values.empty()) return {};
  return connection_.QueryMany(StatementId::kEndFile, kColumns, values,
                               [&](std::size_t index, const Cursor* row) -> Result<void> {
                                 if (row == nullptr) return {};
                                 return visit(index, {row->OwnedText(0), row->Int(1)});
                               });
}

Result<std::unique_ptr<Cursor>> MetadataStore::ScanLiveFiles(const TableId& table, Version version,
                                                             bool with_stats) {
  DELTALAKEDB_TRY(FlushEnds());
  return connection_.StreamAlone(
      with_stats ? StatementId::kScanLiveFiles : StatementId::kScanLiveFilesWithoutStats,
      {ToValue(table), ToValue(version)});
}

Result<std::unique_ptr<Cursor>> MetadataStore::ListTombstones(const TableId& table, Version version,
                                                              Timestamp expiry,
                                                              std::optional<Version> base_version) {
  return connection_.Stream(StatementId::kListTombstones,
                            {ToValue(table), ToValue(version), ToValue(expiry),
                             ToValue(base_version.value_or(Version(-1)))});
}

Result<std::unique_ptr<Cursor>> MetadataStore::FindLiveFile(const TableId& table,
                                                            std::string_view path_key,
                                                            Version version) {
  DELTALAKEDB_TRY(FlushEnds());
  return connection_.Query(StatementId::kFindLiveFile,
                           {ToValue(table), Blob{path_key}, ToValue(version)});
}

Result<std::unique_ptr<Cursor>> MetadataStore::FindWrongIntervals(const TableId& table) {
  DELTALAKEDB_TRY(FlushEnds());
  return connection_.Query(StatementId::kFindWrongIntervals, {ToValue(table)});
}

Result<std::optional<MetadataStore::CommitHead>> MetadataStore::FindCommitHead(
    const TableId& table, const CommitNames& names) {
  if (connection_.dialect() == Dialect::kDuckdb) return FindCommitHeadByParts(table, names);
  const Value path_key = names.path_key ? Value(Blob{*names.path_key}) : Value();
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kFindCommitHead,
                                                        {ToValue(table), names.commit_id,
                                                         ToValue(names.app_id), path_key}));
  DELTALAKEDB_ASSIGN(bool has_row, rows->Next());
  if (!has_row) return std::optional<CommitHead>();
  CommitHead head;
  DELTALAKEDB_ASSIGN(head.table, ReadTable(*rows));
  DELTALAKEDB_TRY(CheckTable(head.table));
  if (!rows->IsNull(14)) {
    VersionIndex& totals = head.totals.emplace();
    totals.num_files = rows->Int(14);
    totals.size_in_bytes = rows->Int(15);
    totals.last_add_id = rows->Int(16);
    totals.last_remove_id = rows->Int(17);
    totals.last_cdc_id = rows->Int(18);
  }
  head.now_us = rows->Int(19);
  head.app_version = rows->OptionalInt(20);
  head.fence = rows->OwnedOptionalText(21);
  head.has_commit = rows->Int(22) != 0;
  if (!names.path_key) return head;
  head.live.emplace();
  while (has_row && !rows->IsNull(23)) {
    head.live->push_back(
        {0, rows->Int(23), rows->OwnedText(24), rows->Int(25), rows->OwnedText(26)});
    DELTALAKEDB_ASSIGN(has_row, rows->Next());
  }
  return head;
}

Result<bool> MetadataStore::LockTable(const TableId& table) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kLockTable, {ToValue(table)}));
  return rows->Next();
}

Result<void> MetadataStore::LockName(std::string_view name) {
  DELTALAKEDB_TRY(connection_.Query(StatementId::kLockName, {name}));
  return {};
}

Result<std::int64_t> MetadataStore::LoadClock() { return LoadInt(StatementId::kFindClock, {}); }

Result<std::int64_t> MetadataStore::LoadInt(StatementId statement,
                                            std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(statement, parameters));
  DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
  if (has_row) return rows->Int(0);
  return Fail(ErrorCode::kInternal,
              fmt::format("the statement {} gave no row", StatementName(statement)));
}

}  // namespace deltalakedb::store
