#include "store/mirror_store.h"

#include <array>
#include <utility>

#include "base/try.h"

namespace deltalakedb::store {

namespace {

std::optional<Version> OptionalVersion(const Cursor& row, int column) {
  return row.IsNull(column) ? std::nullopt : std::optional(Version(row.Int(column)));
}

// The columns of list_mirrors, in its order.
Result<MirrorRow> ReadMirror(const Cursor& row) {
  const auto id = TableId::FromBytes(row.Bytes(0));
  if (!id) {
    return deltalakedb::Fail(ErrorCode::kCorrupt,
                             "dl_mirror_status has a table_id that is not 16 bytes");
  }
  MirrorRow mirror;
  mirror.table_id = *id;
  mirror.table_name = row.OwnedText(1);
  mirror.location = row.OwnedText(2);
  mirror.mode = row.OwnedText(3);
  mirror.earliest_version = Version(row.Int(4));
  mirror.current_version = Version(row.Int(5));
  mirror.engine = row.OwnedText(6);
  mirror.place = row.OwnedText(7);
  mirror.absolute_paths = row.Int(8) != 0;
  mirror.published = OptionalVersion(row, 9);
  mirror.checkpoint = OptionalVersion(row, 10);
  mirror.next_state = row.OwnedText(11);
  mirror.attempts = row.Int(12);
  mirror.added_at_us = row.Int(13);
  mirror.last_attempt_at_us = row.OptionalInt(14);
  mirror.last_success_at_us = row.OptionalInt(15);
  mirror.next_attempt_at_us = row.OptionalInt(16);
  mirror.last_error = row.OwnedOptionalText(17);
  mirror.owner = row.OwnedOptionalText(18);
  mirror.lease_until_us = row.OptionalInt(19);
  mirror.alert_versions = row.OptionalInt(20);
  mirror.alert_seconds = row.OptionalInt(21);
  mirror.missing_since_us = row.OptionalInt(22);
  return mirror;
}

}  // namespace

Result<std::vector<MirrorRow>> MirrorStore::Read(StatementId statement,
                                                 std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(statement, parameters));
  std::vector<MirrorRow> mirrors;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return mirrors;
    DELTALAKEDB_ASSIGN(mirrors.emplace_back(), ReadMirror(*rows));
  }
}

Result<std::vector<MirrorRow>> MirrorStore::List() { return Read(StatementId::kListMirrors, {}); }

Result<std::vector<MirrorRow>> MirrorStore::ListOf(const TableId& table) {
  const std::array<Value, 1> parameters = {ToValue(table)};
  return Read(StatementId::kListMirrorsOfTable, parameters);
}

Result<std::optional<MirrorRow>> MirrorStore::Find(const MirrorKey& key) {
  DELTALAKEDB_ASSIGN(auto mirrors, ListOf(key.table_id));
  for (MirrorRow& mirror : mirrors) {
    if (mirror.engine == key.engine) return std::optional(std::move(mirror));
  }
  return std::optional<MirrorRow>();
}

Result<std::vector<MirrorVersionRow>> MirrorStore::ListVersions(const TableId& table,
                                                                Version first) {
  DELTALAKEDB_ASSIGN(const auto rows, connection_.Query(StatementId::kListMirrorVersions,
                                                        {ToValue(table), ToValue(first)}));
  std::vector<MirrorVersionRow> versions;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return versions;
    versions.push_back({rows->OwnedText(0), Version(rows->Int(1)), rows->OwnedText(2), rows->Int(3),
                        rows->OwnedOptionalText(4)});
  }
}

Result<std::vector<MirrorFailureRow>> MirrorStore::ListFailures(const TableId& table) {
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.Query(StatementId::kListMirrorFailures, {ToValue(table)}));
  std::vector<MirrorFailureRow> failures;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return failures;
    failures.push_back({rows->OwnedText(0), rows->Int(1), OptionalVersion(*rows, 2),
                        rows->OwnedText(3), rows->OwnedText(4)});
  }
}

Result<void> MirrorStore::Insert(const MirrorRow& mirror) {
  DELTALAKEDB_TRY(connection_.Execute(
      StatementId::kInsertMirror,
      {ToValue(mirror.table_id), ToValue(std::string_view(mirror.engine)),
       ToValue(std::string_view(mirror.place)), ToValue(mirror.absolute_paths),
       ToValue(kMirrorPending), ToValue(std::int64_t{0}), ToValue(mirror.added_at_us),
       ToValue(mirror.alert_versions), ToValue(mirror.alert_seconds)}));
  return {};
}

Result<void> MirrorStore::Delete(const MirrorKey& key) {
  DELTALAKEDB_ASSIGN(const auto last, connection_.Query(StatementId::kFindLastMirrorFailure,
                                                        {ToValue(key.table_id), key.engine}));
  DELTALAKEDB_TRY(last->Next());
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kDeleteOldMirrorFailures,
                                      {ToValue(key.table_id), key.engine, last->Int(0)}));
  DELTALAKEDB_TRY(
      connection_.Execute(StatementId::kDeleteMirror, {ToValue(key.table_id), key.engine}));
  return {};
}

Result<void> MirrorStore::SetAlert(const MirrorRow& mirror) {
  DELTALAKEDB_TRY(
      connection_.Execute(StatementId::kSetMirrorAlert,
                          {ToValue(mirror.table_id), ToValue(std::string_view(mirror.engine)),
                           ToValue(mirror.alert_versions), ToValue(mirror.alert_seconds)}));
  return {};
}

Result<void> MirrorStore::SetMode(const TableId& table, std::string_view mode) {
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kSetTableMode, {ToValue(table), mode}));
  return {};
}

Result<void> MirrorStore::Move(const MirrorKey& key, std::string_view place, bool absolute_paths,
                               std::int64_t now_us) {
  DELTALAKEDB_TRY(connection_.Execute(
      StatementId::kMoveMirror,
      {ToValue(key.table_id), key.engine, place, ToValue(absolute_paths), now_us}));
  return {};
}

Result<void> MirrorStore::Carry(const TableId& from, const TableId& to) {
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kCarryMirrors, {ToValue(from), ToValue(to)}));
  return {};
}

Result<bool> MirrorStore::TakeLease(const MirrorKey& key, const Lease& lease, std::int64_t now_us,
                                    const std::optional<std::string>& gone) {
  const Value gone_owner = gone ? ToValue(std::string_view(*gone)) : Value();
  DELTALAKEDB_ASSIGN(const std::int64_t taken,
                     connection_.Execute(StatementId::kTakeMirrorLease,
                                         {ToValue(key.table_id), key.engine, lease.owner,
                                          lease.until_us, now_us, gone_owner}));
  return taken == 1;
}

Result<bool> MirrorStore::Advance(const MirrorKey& key, const Lease& lease,
                                  const Progress& progress, std::int64_t now_us) {
  DELTALAKEDB_ASSIGN(const std::int64_t changed,
                     connection_.Execute(StatementId::kAdvanceMirror,
                                         {ToValue(key.table_id), key.engine, lease.owner,
                                          ToValue(progress.published), ToValue(progress.checkpoint),
                                          now_us, lease.until_us}));
  return changed == 1;
}

Result<bool> MirrorStore::Finish(const MirrorKey& key, std::string_view owner,
                                 const Progress& progress, std::int64_t now_us) {
  DELTALAKEDB_ASSIGN(
      const std::int64_t changed,
      connection_.Execute(StatementId::kFinishMirror,
                          {ToValue(key.table_id), key.engine, owner, ToValue(progress.published),
                           ToValue(progress.checkpoint), now_us}));
  return changed == 1;
}

Result<bool> MirrorStore::Fail(const MirrorKey& key, std::string_view owner, const Failure& failure,
                               std::int64_t failures_max) {
  DELTALAKEDB_ASSIGN(
      const std::int64_t changed,
      connection_.Execute(StatementId::kFailMirror,
                          {ToValue(key.table_id), key.engine, owner, failure.next_state,
                           failure.attempts, failure.error, ToValue(failure.next_attempt_at_us)}));
  if (changed != 1) return false;
  DELTALAKEDB_ASSIGN(const auto last, connection_.Query(StatementId::kFindLastMirrorFailure,
                                                        {ToValue(key.table_id), key.engine}));
  DELTALAKEDB_TRY(last->Next());
  const std::int64_t number = last->Int(0) + 1;
  DELTALAKEDB_TRY(
      connection_.Execute(StatementId::kInsertMirrorFailure,
                          {ToValue(key.table_id), key.engine, number, failure.failed_at_us,
                           ToValue(failure.version), failure.error_code, failure.error}));
  DELTALAKEDB_TRY(connection_.Execute(StatementId::kDeleteOldMirrorFailures,
                                      {ToValue(key.table_id), key.engine, number - failures_max}));
  return true;
}

}  // namespace deltalakedb::store
