#include "store/commit_unit.h"

#include <utility>

#include "base/try.h"
#include "store/commit_unit_internal.h"

namespace deltalakedb::store {

std::int64_t CountOf(Relation relation, std::span<const Value> rows) {
  return static_cast<std::int64_t>(rows.size() / InfoOf(relation).columns);
}

VersionRow KnownRow(const TableCommit& commit) {
  VersionRow row;
  row.times.raw_timestamp = commit.timestamp;
  row.times.timestamp_source = commit.is_in_commit ? kTimeInCommit : kTimeOfOurs;
  row.commit_id = commit.commit_id;
  if (commit.transaction_id) row.transaction_id = std::string(*commit.transaction_id);
  row.index.num_added = CountOf(Relation::kAddFiles, commit.adds);
  row.index.num_removed = CountOf(Relation::kRemoveFiles, commit.removes);
  row.index.num_cdc = CountOf(Relation::kCdcFiles, commit.cdc);
  row.index.commit_info = commit.commit_info;
  row.index.operation = commit.operation;
  row.body_hash = std::string(commit.body_hash);
  row.body_bytes = commit.body_bytes;
  row.body_parts = static_cast<std::int64_t>(commit.body_parts.size());
  row.row_hash = HashOfKnown(commit.table_id, row);
  return row;
}

namespace {

Result<std::optional<MetadataStore::CommittedAt>> SettleLocked(MetadataStore& store,
                                                               const TableId& table,
                                                               std::string_view commit_id,
                                                               std::string_view attempt_id) {
  DELTALAKEDB_ASSIGN(const bool is_there, store.LockTable(table));
  if (!is_there) return Fail(ErrorCode::kNotFound, "the table is no longer in the catalog");
  DELTALAKEDB_ASSIGN(const auto found, store.FindCommit(table, commit_id));
  if (!found) DELTALAKEDB_TRY(store.SetFence(table, commit_id, attempt_id));
  return found;
}

}  // namespace

Result<std::optional<MetadataStore::CommittedAt>> SettleCommit(Connection& connection,
                                                               const TableId& table,
                                                               std::string_view commit_id,
                                                               std::string_view attempt_id) {
  DELTALAKEDB_TRY(connection.Begin(TransactionMode::kWrite));
  MetadataStore store(connection);
  auto settled = SettleLocked(store, table, commit_id, attempt_id);
  if (!settled) {
    connection.Rollback();
    return settled;
  }
  DELTALAKEDB_TRY(connection.Commit());
  return settled;
}

Result<CommitAnswer> RunCommit(Connection& connection, const TableCommit& commit) {
  DELTALAKEDB_ASSIGN(const UnitAnswer unit, RunCommits(connection, std::span(&commit, 1)));
  if (unit.kind == CommitAnswer::Kind::kDone) return unit.tables.front();
  CommitAnswer answer;
  answer.kind = unit.kind;
  answer.refusal = unit.refusal;
  return answer;
}

Result<UnitAnswer> RunCommits(Connection& connection, std::span<const TableCommit> tables,
                              std::span<const ReadTable> read) {
  return connection.runs_units() ? RunInRoundTrip(connection, tables, read)
                                 : RunStepByStep(connection, tables, read);
}

Result<std::vector<CommitAnswer>> RunAppends(Connection& connection,
                                             std::span<const TableCommit* const> commits) {
  return connection.runs_units() ? AppendInRoundTrip(connection, commits)
                                 : AppendStepByStep(connection, commits);
}

}  // namespace deltalakedb::store
