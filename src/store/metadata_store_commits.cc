// The part of MetadataStore that commits and those who ask after them use.
#include "base/try.h"
#include "store/metadata_store.h"

namespace deltalakedb::store {

Result<std::vector<MetadataStore::LiveFile>> MetadataStore::ListLiveByPath(
    const TableId& table, std::span<const std::string_view> path_keys) {
  DELTALAKEDB_TRY(FlushEnds());
  std::vector<LiveFile> files;
  const auto take = [&](Cursor& row, std::size_t index) {
    files.push_back(
        {index, row.Int(0), std::string(row.Text(1)), row.Int(2), std::string(row.Text(3))});
  };
  if (connection_.dialect() == Dialect::kDuckdb) {
    constexpr std::size_t kColumns = 2;
    constexpr int kNumberColumn = 4;
    if (path_keys.empty()) return files;
    std::vector<Value> values;
    values.reserve(path_keys.size() * kColumns);
    for (const std::string_view key : path_keys) {
      values.insert(values.end(), {ToValue(table), Blob{key}});
    }
    DELTALAKEDB_ASSIGN(const auto rows,
                       connection_.QueryLists(StatementId::kListLiveByPath, kColumns, values));
    for (;;) {
      DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
      if (!has_row) return files;
      take(*rows, static_cast<std::size_t>(rows->Int(kNumberColumn)));
    }
  }
  for (std::size_t i = 0; i < path_keys.size(); ++i) {
    DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kListLiveByPath,
                                                          {ToValue(table), Blob{path_keys[i]}}));
    for (;;) {
      DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
      if (!has_row) break;
      take(*rows, i);
    }
  }
  return files;
}

Result<void> MetadataStore::EndFilesById(Version version, std::span<const std::int64_t> file_ids) {
  if (file_ids.empty()) return {};
  std::vector<Value> values;
  values.reserve(2 * file_ids.size());
  for (const std::int64_t file_id : file_ids) {
    values.insert(values.end(), {file_id, ToValue(version)});
  }
  return connection_.ExecuteMany(StatementId::kEndFilesById, 2, values);
}

// DuckDB plans a statement each time that it runs, and one that joins all of this longer than those
// by themselves.
Result<std::optional<MetadataStore::CommitHead>> MetadataStore::FindCommitHeadByParts(
    const TableId& table, const CommitNames& names) {
  CommitHead head;
  DELTALAKEDB_ASSIGN(auto row, FindTable(table));
  if (!row) return std::optional<CommitHead>();
  head.table = *std::move(row);
  DELTALAKEDB_ASSIGN(head.now_us, LoadClock());
  if (names.app_id) {
    DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kFindAppVersion,
                                                          {ToValue(table), *names.app_id}));
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (has_row) head.app_version = rows->Int(0);
  }
  DELTALAKEDB_ASSIGN(const auto fence,
                     connection_.Query(StatementId::kFindFence, {ToValue(table), names.commit_id}));
  DELTALAKEDB_ASSIGN(const bool has_fence, fence->Next());
  if (has_fence) head.fence = std::string(fence->Text(0));
  DELTALAKEDB_ASSIGN(head.has_commit, HasCommitId(table, names.commit_id));
  DELTALAKEDB_ASSIGN(auto version, FindVersion(table, head.table.current_version));
  if (version) head.totals = std::move(version->index);
  return head;
}

Result<std::optional<MetadataStore::CommittedAt>> MetadataStore::FindCommit(
    const TableId& table, std::string_view commit_id) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kFindCommitVersion,
                                                        {ToValue(table), commit_id}));
  DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
  if (!has_row) return std::optional<CommittedAt>();
  return CommittedAt{Version(rows->Int(0)), Timestamp(rows->Int(1))};
}

Result<void> MetadataStore::SetFence(const TableId& table, std::string_view commit_id,
                                     std::string_view attempt_id) {
  DELTALAKEDB_ASSIGN(const std::int64_t now_us, LoadClock());
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kDeleteFence, {ToValue(table), commit_id}));
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kInsertFence,
                                      {ToValue(table), commit_id, attempt_id, now_us}));
  return {};
}

}  // namespace deltalakedb::store
