#include "mirror/duckdb/mirror_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/try.h"
#include "store/duckdb/duckdb_connection.h"
#include "store/sql_text.h"

namespace deltalakedb::mirror {

namespace {

using store::StatementId;
using store::ToValue;
using store::Value;

// A publisher comes back later anyway, so it does not wait for a reader that has the file.
constexpr std::chrono::milliseconds kBusyWaitMax{1'000};
// sql/mirror/migrations/0001_initial.
constexpr std::int64_t kOwnTables = 4;
// Rows of `deleted_rows` that go in at once.
constexpr std::size_t kDeletedRowsAtOnce = 100'000;
constexpr std::size_t kFilesAtOnce = 10'000;

Error NotOurs(const std::string& path, std::string_view why) {
  return Error(ErrorCode::kConflict,
               fmt::format("{} cannot be a duckdb mirror: {}; it was left alone, name another file",
                           path, why))
      .With("file", path);
}

template <typename T>
std::optional<std::string> ToText(const T& cursor, int column) {
  const auto text = cursor.OptionalText(column);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

Value TextOf(const std::optional<std::string>& text) {
  return text ? Value(std::string_view(*text)) : Value();
}

}  // namespace

MirroredVersion MirroredVersion::Of(const HistoryEntry& entry) {
  return {.version = entry.version,
          .timestamp = entry.timestamp,
          .operation = entry.commit_info ? entry.commit_info->operation : std::nullopt,
          .commit_id = entry.commit_id,
          .num_added = entry.num_added,
          .num_removed = entry.num_removed};
}

Result<MirrorFile> MirrorFile::Open(const std::string& path, bool may_create) {
  auto connection = store::OpenDuckDb({.path = path,
                                       .may_create = may_create,
                                       .busy_wait_max = kBusyWaitMax,
                                       .dialect = store::Dialect::kMirror});
  if (connection) return MirrorFile(path, *std::move(connection));
  if (connection.error().code() == ErrorCode::kCorrupt) {
    return Fail(NotOurs(path, connection.error().message()));
  }
  return Fail(std::move(connection).error());
}

Result<bool> MirrorFile::CheckOwner() {
  DELTALAKEDB_ASSIGN(const std::int64_t tables, FindNumber(StatementId::kHasMirrorTables));
  if (tables == kOwnTables) return true;
  if (tables != 0) return Fail(NotOurs(path_, "its tables are not as this program makes them"));
  DELTALAKEDB_ASSIGN(const auto other, connection_->Query(StatementId::kFindOtherRelation, {}));
  DELTALAKEDB_ASSIGN(const bool has_other, other->Next());
  if (!has_other) return false;
  return Fail(NotOurs(
      path_, fmt::format("it is somebody's database, which has a table {}", other->Text(0))));
}

Result<void> MirrorFile::Begin() {
  DELTALAKEDB_TRY(connection_->Begin(store::TransactionMode::kWrite));
  auto ready = [&]() -> Result<void> {
    DELTALAKEDB_ASSIGN(const bool has_tables, CheckOwner());
    if (has_tables) return {};
    for (const auto& script : store::MigrationScripts(store::Dialect::kMirror)) {
      DELTALAKEDB_TRY(connection_->RunScript(script.name, script.up));
    }
    return {};
  }();
  if (!ready) connection_->Rollback();
  return ready;
}

Result<void> MirrorFile::BeginReading() {
  DELTALAKEDB_TRY(connection_->Begin(store::TransactionMode::kRead));
  const auto has_tables = CheckOwner();
  if (has_tables && *has_tables) return {};
  connection_->Rollback();
  if (!has_tables) return Fail(has_tables.error());
  return Fail(Error(ErrorCode::kNotFound, fmt::format("{} is empty", path_)).With("file", path_));
}

Result<std::int64_t> MirrorFile::FindNumber(StatementId statement,
                                            std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(const auto row, connection_->Query(statement, parameters));
  DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
  return has_row ? row->Int(0) : 0;
}

// ---- tables and versions ------------------------------------------------------------------------

namespace {

// The columns of find_mirrored_table, if there is a row.
Result<std::optional<MirroredTable>> ReadTable(store::Cursor& row) {
  DELTALAKEDB_ASSIGN(const bool has_row, row.Next());
  if (!has_row) return std::optional<MirroredTable>();
  return MirroredTable{.table_no = row.Int(0),
                       .view_name = std::string(row.Text(1)),
                       .location = std::string(row.Text(2)),
                       .version = Version(row.Int(3)),
                       .timestamp = Timestamp(row.Int(4)),
                       .definition = std::string(row.Text(5))};
}

}  // namespace

Result<std::optional<MirroredTable>> MirrorFile::FindTable(std::string_view table_id) {
  DELTALAKEDB_ASSIGN(const auto row,
                     connection_->Query(StatementId::kFindMirroredTable, {table_id}));
  return ReadTable(*row);
}

Result<std::optional<MirroredTable>> MirrorFile::AdoptTable(std::string_view view_name,
                                                            std::string_view location,
                                                            std::string_view table_id) {
  std::optional<MirroredTable> found;
  {
    DELTALAKEDB_ASSIGN(const auto row, connection_->Query(StatementId::kFindTableBefore,
                                                          {view_name, location, table_id}));
    DELTALAKEDB_ASSIGN(found, ReadTable(*row));
  }
  if (found) {
    DELTALAKEDB_TRY(connection_->Execute(StatementId::kAdoptMirroredTable,
                                         {ToValue(found->table_no), table_id}));
  }
  return found;
}

Result<bool> MirrorFile::IsNameTaken(std::string_view name) {
  DELTALAKEDB_ASSIGN(const auto row, connection_->Query(StatementId::kFindNamedRelation, {name}));
  return row->Next();
}

Result<void> MirrorFile::InsertTable(MirroredTable& table, std::string_view table_id) {
  DELTALAKEDB_ASSIGN(table.table_no, FindNumber(StatementId::kFindNextTableNo));
  DELTALAKEDB_TRY(
      connection_->Execute(StatementId::kInsertMirroredTable,
                           {ToValue(table.table_no), table_id, std::string_view(table.view_name),
                            std::string_view(table.location), ToValue(table.version),
                            ToValue(table.timestamp), std::string_view(table.definition)}));
  return {};
}

Result<void> MirrorFile::UpdateTable(const MirroredTable& table) {
  DELTALAKEDB_TRY(connection_->Execute(
      StatementId::kUpdateMirroredTable,
      {ToValue(table.table_no), std::string_view(table.view_name), std::string_view(table.location),
       ToValue(table.version), ToValue(table.timestamp), std::string_view(table.definition)}));
  return {};
}

Result<void> MirrorFile::InsertVersions(std::int64_t table_no,
                                        std::span<const MirroredVersion> versions) {
  constexpr std::size_t kColumns = 7;
  std::vector<Value> values;
  values.reserve(versions.size() * kColumns);
  for (const MirroredVersion& each : versions) {
    values.insert(values.end(), {ToValue(table_no), ToValue(each.version), ToValue(each.timestamp),
                                 TextOf(each.operation), TextOf(each.commit_id),
                                 ToValue(each.num_added), ToValue(each.num_removed)});
  }
  if (values.empty()) return {};
  return connection_->ExecuteMany(StatementId::kInsertMirroredVersions, kColumns, values);
}

Result<std::vector<MirroredVersion>> MirrorFile::ListVersions(std::int64_t table_no) {
  DELTALAKEDB_ASSIGN(const auto row,
                     connection_->Stream(StatementId::kListMirroredVersions, {ToValue(table_no)}));
  std::vector<MirroredVersion> versions;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
    if (!has_row) return versions;
    versions.push_back({.version = Version(row->Int(0)),
                        .timestamp = Timestamp(row->Int(1)),
                        .operation = ToText(*row, 2),
                        .commit_id = ToText(*row, 3),
                        .num_added = row->Int(4),
                        .num_removed = row->Int(5)});
  }
}

// ---- files --------------------------------------------------------------------------------------

Result<std::vector<LiveFile>> MirrorFile::FindFiles(std::int64_t table_no,
                                                    const std::set<std::string_view>& paths) {
  std::vector<LiveFile> files;
  if (paths.empty()) return files;
  std::vector<Value> values;
  for (const std::string_view path : paths) values.insert(values.end(), {ToValue(table_no), path});
  DELTALAKEDB_ASSIGN(const auto row,
                     connection_->QueryLists(StatementId::kFindFilesByPath, 2, values));
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
    if (!has_row) return files;
    files.push_back({.path = std::string(row->Text(0)),
                     .file_id = row->Int(1),
                     .vector_id = ToText(*row, 2),
                     .part = row->Int(3)});
  }
}

Result<std::vector<FilePart>> MirrorFile::ListParts(std::int64_t table_no) {
  DELTALAKEDB_ASSIGN(const auto row,
                     connection_->Query(StatementId::kListFileParts, {ToValue(table_no)}));
  std::vector<FilePart> parts;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
    if (!has_row) return parts;
    parts.push_back(
        {.part = row->Int(0), .is_zoneless = row->Int(1) != 0, .num_files = row->Int(2)});
  }
}

Result<std::vector<std::string>> MirrorFile::ListPaths(std::int64_t table_no, std::int64_t part) {
  DELTALAKEDB_ASSIGN(const auto row, connection_->Query(StatementId::kListPartPaths,
                                                        {ToValue(table_no), ToValue(part)}));
  std::vector<std::string> paths;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
    if (!has_row) return paths;
    paths.emplace_back(row->Text(0));
  }
}

Result<std::int64_t> MirrorFile::FindNextFileId() {
  return FindNumber(StatementId::kFindNextFileId);
}

Result<void> MirrorFile::InsertFiles(std::int64_t table_no, std::span<const NewFile> files) {
  constexpr std::size_t kColumns = 10;
  for (; !files.empty(); files = files.subspan(std::min(files.size(), kFilesAtOnce))) {
    std::vector<std::optional<std::string>> vector_ids;  // which the values refer to
    const auto some = files.first(std::min(files.size(), kFilesAtOnce));
    vector_ids.reserve(some.size());
    std::vector<Value> values;
    values.reserve(some.size() * kColumns);
    for (const NewFile& each : some) {
      const MirroredFile& file = *each.file;
      vector_ids.push_back(file.VectorId());
      values.insert(values.end(),
                    {ToValue(table_no), ToValue(each.file_id), std::string_view(file.path),
                     ToValue(file.size), ToValue(file.modification_time),
                     std::string_view(file.partition_values), TextOf(vector_ids.back()),
                     ToValue(file.num_deleted()), ToValue(each.is_zoneless), ToValue(each.part)});
    }
    DELTALAKEDB_TRY(connection_->ExecuteMany(StatementId::kInsertFiles, kColumns, values));
  }
  return {};
}

Result<void> MirrorFile::InsertDeletedRows(std::span<const DeletedRow> rows) {
  while (!rows.empty()) {
    const auto some = rows.first(std::min(rows.size(), kDeletedRowsAtOnce));
    rows = rows.subspan(some.size());
    std::vector<Value> values;
    values.reserve(some.size() * 2);
    for (const DeletedRow& row : some) {
      values.insert(values.end(), {ToValue(row.file_id), ToValue(row.position)});
    }
    DELTALAKEDB_TRY(connection_->ExecuteMany(StatementId::kInsertDeletedRows, 2, values));
  }
  return {};
}

Result<void> MirrorFile::DeleteFiles(std::span<const std::int64_t> file_ids) {
  if (file_ids.empty()) return {};
  std::vector<Value> values;
  for (const std::int64_t file_id : file_ids) values.push_back(ToValue(file_id));
  DELTALAKEDB_TRY(connection_->ExecuteMany(StatementId::kDeleteDeletedRows, 1, values));
  return connection_->ExecuteMany(StatementId::kDeleteFiles, 1, values);
}

Result<void> MirrorFile::DeleteAll(std::int64_t table_no) {
  for (const StatementId statement :
       {StatementId::kDeleteAllDeletedRows, StatementId::kDeleteAllFiles,
        StatementId::kDeleteAllVersions}) {
    DELTALAKEDB_TRY(connection_->Execute(statement, {ToValue(table_no)}));
  }
  return {};
}

Result<bool> MirrorFile::HasDeletedRows(std::int64_t table_no) {
  const std::array<Value, 1> parameters = {ToValue(table_no)};
  DELTALAKEDB_ASSIGN(const std::int64_t files,
                     FindNumber(StatementId::kCountFilesWithDeletions, parameters));
  return files > 0;
}

Result<std::vector<ListedFile>> MirrorFile::ListFiles(std::int64_t table_no) {
  DELTALAKEDB_ASSIGN(const auto row,
                     connection_->Stream(StatementId::kListMirroredFiles, {ToValue(table_no)}));
  std::vector<ListedFile> files;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
    if (!has_row) return files;
    files.push_back({.path = std::string(row->Text(0)),
                     .size = row->Int(1),
                     .modification_time = row->Int(2),
                     .partition_values = std::string(row->Text(3)),
                     .vector_id = ToText(*row, 4),
                     .num_deleted = row->Int(5)});
  }
}

Result<std::int64_t> MirrorFile::CountWrongDeletions(std::int64_t table_no) {
  const std::array<Value, 1> parameters = {ToValue(table_no)};
  return FindNumber(StatementId::kCountWrongDeletions, parameters);
}

}  // namespace deltalakedb::mirror
