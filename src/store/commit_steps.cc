// Commits where the program and the database are one process, and a writer has all of it.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "deltalakedb/file_stream.h"
#include "store/commit_unit_internal.h"
#include "store/metadata_store.h"

namespace deltalakedb::store {

namespace {

using Rows = std::span<const Value>;

// One table's part, within the caller's write transaction, which holds the lock of the whole
// database.
class StepByStep {
 public:
  StepByStep(Connection& connection, const TableCommit& commit)
      : store_(connection), commit_(commit) {}

  // What does not fit, before anything is written. `now_us` is the transaction's moment, which the
  // first table that is there sets.
  Result<std::optional<CommitRefusal>> Check(std::optional<std::int64_t>& now_us);
  // After the last commit, and not before the clock.
  std::int64_t ratified_at_us_min() const {
    return std::max(now_us_, head_.table.last_ratified_at_us + 1);
  }
  // Nothing was written where it refuses.
  Result<CommitAnswer> Write(std::int64_t ratified_at_us);

 private:
  std::optional<CommitRefusal> CheckTimes() const;
  Result<std::vector<MetadataStore::LiveFile>> TakeLive();
  // Ends files; what does not fit.
  Result<std::optional<CommitRefusal>> EndFiles();
  Result<VersionIndex> TotalsBefore();
  Result<void> PutRows(Relation relation, Rows rows, std::int64_t last_id);

  MetadataStore store_;
  const TableCommit& commit_;
  MetadataStore::CommitHead head_;
  Version version_;
  std::int64_t now_us_ = 0;
  FileTotals ended_;
};

CommitAnswer Refused(CommitRefusal refusal) {
  CommitAnswer answer;
  answer.kind = CommitAnswer::Kind::kRefused;
  answer.refusal = refusal;
  return answer;
}

std::optional<CommitRefusal> StepByStep::CheckTimes() const {
  if (commit_.deadline_us && *commit_.deadline_us < now_us_) return CommitRefusal::kDeadline;
  if (!commit_.is_in_commit) return std::nullopt;
  constexpr std::int64_t kMicrosecondsPerMs = 1000;
  const std::int64_t last_ms = head_.table.last_commit_timestamp.ms();
  if (commit_.timestamp.ms() <= last_ms) return CommitRefusal::kTimestamp;
  const std::int64_t latest_ms =
      std::max(last_ms + 1, now_us_ / kMicrosecondsPerMs + commit_.clock_skew_ms_max);
  return commit_.timestamp.ms() > latest_ms ? std::optional(CommitRefusal::kClockSkew)
                                            : std::nullopt;
}

Result<std::optional<CommitRefusal>> StepByStep::Check(std::optional<std::int64_t>& now_us) {
  MetadataStore::CommitNames names;
  names.commit_id = commit_.commit_id;
  if (commit_.app_transaction) names.app_id = commit_.app_transaction->first;
  if (commit_.ending.size() == 1) names.path_key = commit_.ending.front().path_key;
  DELTALAKEDB_ASSIGN(auto head, store_.FindCommitHead(commit_.table_id, names));
  if (!head) return CommitRefusal::kNoTable;
  head_ = *std::move(head);
  if (!now_us) now_us = head_.now_us;
  now_us_ = *now_us;
  const TableRow& table = head_.table;
  version_ = table.current_version.next();
  if (table.mode != kModeExclusive) return CommitRefusal::kShared;
  if (commit_.expected && *commit_.expected != table.current_version) {
    return CommitRefusal::kVersion;
  }
  if (!commit_.expected && (commit_.metadata_version != table.metadata_version ||
                            commit_.protocol_version != table.protocol_version)) {
    return CommitRefusal::kMetadata;
  }
  if (const auto refusal = CheckTimes()) return refusal;
  if (head_.app_version && *head_.app_version >= commit_.app_transaction->second) {
    return CommitRefusal::kAppTransaction;
  }
  if (head_.fence && *head_.fence != commit_.attempt_id) return CommitRefusal::kFenced;
  return head_.has_commit ? std::optional(CommitRefusal::kCommitId) : std::nullopt;
}

// The live files with the paths of those that end.
Result<std::vector<MetadataStore::LiveFile>> StepByStep::TakeLive() {
  if (head_.live) return *std::exchange(head_.live, std::nullopt);
  std::vector<std::string_view> path_keys;
  path_keys.reserve(commit_.ending.size());
  for (const EndingFile& file : commit_.ending) path_keys.push_back(file.path_key);
  return store_.ListLiveByPath(commit_.table_id, path_keys);
}

Result<std::optional<CommitRefusal>> StepByStep::EndFiles() {
  std::set<std::pair<std::string_view, std::string_view>> named;
  for (const EndingFile& file : commit_.ending) named.emplace(file.path_key, file.dv_id);
  DELTALAKEDB_ASSIGN(const auto live, TakeLive());
  std::vector<bool> is_live(commit_.ending.size());
  std::vector<std::int64_t> ended;
  bool has_other = false;
  for (const MetadataStore::LiveFile& file : live) {
    const EndingFile& name = commit_.ending[file.index];
    if (file.dv_id != name.dv_id) {
      has_other |= !name.must_be_live && !named.contains({name.path_key, file.dv_id});
      continue;
    }
    if (name.path != file.path) {
      has_other |= !name.must_be_live;
      continue;
    }
    is_live[file.index] = true;
    ended.push_back(file.file_id);
    ++ended_.num_files;
    ended_.size_in_bytes += file.size_bytes;
  }
  for (std::size_t i = 0; i < is_live.size(); ++i) {
    if (commit_.ending[i].must_be_live && !is_live[i]) return CommitRefusal::kNotLive;
  }
  if (has_other) return CommitRefusal::kOtherVector;
  DELTALAKEDB_TRY(store_.EndFilesById(version_, ended));
  return std::optional<CommitRefusal>();
}

Result<void> StepByStep::PutRows(Relation relation, Rows rows, std::int64_t last_id) {
  constexpr std::size_t kVersionBehindId = 2;
  constexpr std::size_t kVersionInFront = 1;
  const bool has_id = relation == Relation::kAddFiles || relation == Relation::kRemoveFiles ||
                      relation == Relation::kCdcFiles;
  std::vector<Value> values(rows.begin(), rows.end());
  const std::size_t columns = InfoOf(relation).columns;
  for (std::size_t at = 0; at < values.size(); at += columns) {
    if (has_id) values[at] = ++last_id;
    values[at + (has_id ? kVersionBehindId : kVersionInFront)] = ToValue(version_);
  }
  return store_.InsertRows(relation, values);
}

// What the version before adds up to.
Result<VersionIndex> StepByStep::TotalsBefore() {
  if (head_.totals) return *head_.totals;
  DELTALAKEDB_ASSIGN(const VersionRow row,  // which is an error
                     store_.LoadVersion(commit_.table_id, head_.table.current_version));
  return row.index;
}

Result<CommitAnswer> StepByStep::Write(std::int64_t ratified_at_us) {
  DELTALAKEDB_ASSIGN(const auto refusal, EndFiles());
  if (refusal) return Refused(*refusal);
  DELTALAKEDB_ASSIGN(const VersionIndex before, TotalsBefore());
  TableRow& table = head_.table;
  VersionRow row = KnownRow(commit_);
  row.version = version_;
  constexpr std::int64_t kMicrosecondsPerMs = 1000;
  row.times.timestamp =
      commit_.is_in_commit
          ? commit_.timestamp
          : Timestamp(std::max(now_us_ / kMicrosecondsPerMs, table.last_commit_timestamp.ms() + 1));
  row.times.ratified_at_us = ratified_at_us;
  VersionIndex& index = row.index;
  index.num_files = before.num_files + index.num_added - ended_.num_files;
  index.size_in_bytes = before.size_in_bytes + commit_.added_bytes - ended_.size_in_bytes;
  index.last_add_id = before.last_add_id + index.num_added;
  index.last_remove_id = before.last_remove_id + index.num_removed;
  index.last_cdc_id = before.last_cdc_id + index.num_cdc;
  DELTALAKEDB_TRY(PutRows(Relation::kAddFiles, commit_.adds, before.last_add_id));
  DELTALAKEDB_TRY(PutRows(Relation::kRemoveFiles, commit_.removes, before.last_remove_id));
  DELTALAKEDB_TRY(PutRows(Relation::kCdcFiles, commit_.cdc, before.last_cdc_id));
  DELTALAKEDB_TRY(PutRows(Relation::kMetadataUpdates, commit_.metadata, 0));
  DELTALAKEDB_TRY(PutRows(Relation::kProtocolUpdates, commit_.protocol, 0));
  DELTALAKEDB_TRY(PutRows(Relation::kTxnActions, commit_.app_transactions, 0));
  DELTALAKEDB_TRY(PutRows(Relation::kDomainMetadata, commit_.domains, 0));
  for (const BodyPart& part : commit_.body_parts) {
    DELTALAKEDB_TRY(store_.InsertBodyPart(commit_.table_id, version_, Origin::kCommit, part));
  }
  const bool has_parts = !commit_.body_parts.empty();
  DELTALAKEDB_TRY(store_.InsertVersion(commit_.table_id, row,
                                       has_parts ? std::nullopt : std::optional(commit_.body)));
  const Version from = std::exchange(table.current_version, version_);
  if (commit_.sets_metadata) table.metadata_version = version_;
  if (commit_.sets_protocol) table.protocol_version = version_;
  table.last_commit_timestamp = row.times.timestamp;
  table.last_ratified_at_us = row.times.ratified_at_us;
  DELTALAKEDB_TRY(store_.AdvanceTable(table, from));
  CommitAnswer answer;
  answer.version = version_;
  answer.timestamp = row.times.timestamp;
  answer.ratified_at_us = row.times.ratified_at_us;
  answer.num_files = index.num_files;
  answer.size_in_bytes = index.size_in_bytes;
  return answer;
}

// The unit within its transaction.
Result<UnitAnswer> RunAll(Connection& connection, std::span<const TableCommit> tables,
                          std::span<const ReadTable> read) {
  UnitAnswer unit;
  const auto refuse = [&](CommitRefusal refusal, std::size_t table) {
    unit.kind = CommitAnswer::Kind::kRefused;
    unit.refusal = refusal;
    unit.refused = table;
    return unit;
  };
  MetadataStore store(connection);
  std::optional<std::int64_t> now_us;
  std::vector<std::unique_ptr<StepByStep>> parts;
  std::int64_t ratified_at_us = 0;
  for (const TableCommit& table : tables) {
    StepByStep& part = *parts.emplace_back(std::make_unique<StepByStep>(connection, table));
    DELTALAKEDB_ASSIGN(const auto refusal, part.Check(now_us));
    if (refusal) return refuse(*refusal, parts.size() - 1);
    ratified_at_us = std::max(ratified_at_us, part.ratified_at_us_min());
  }
  for (std::size_t i = 0; i < read.size(); ++i) {
    DELTALAKEDB_ASSIGN(const auto table, store.FindTable(read[i].table_id));
    if (!table) return refuse(CommitRefusal::kNoTable, tables.size() + i);
    if (table->current_version != read[i].version) {
      return refuse(CommitRefusal::kVersion, tables.size() + i);
    }
    ratified_at_us = std::max(ratified_at_us, table->last_ratified_at_us + 1);
  }
  for (const auto& part : parts) {
    DELTALAKEDB_ASSIGN(const CommitAnswer answer, part->Write(ratified_at_us));
    if (answer.kind == CommitAnswer::Kind::kRefused) {
      return refuse(answer.refusal, unit.tables.size());
    }
    unit.tables.push_back(answer);
  }
  return unit;
}

Result<std::vector<CommitAnswer>> AppendAll(Connection& connection,
                                            std::span<const TableCommit* const> commits) {
  std::optional<std::int64_t> now_us;
  std::vector<CommitAnswer> answers;
  for (const TableCommit* const commit : commits) {
    StepByStep part(connection, *commit);
    DELTALAKEDB_ASSIGN(const auto refusal, part.Check(now_us));
    if (refusal) {
      answers.push_back(Refused(*refusal));
      continue;
    }
    DELTALAKEDB_ASSIGN(answers.emplace_back(), part.Write(part.ratified_at_us_min()));
  }
  return answers;
}

}  // namespace

Result<UnitAnswer> RunStepByStep(Connection& connection, std::span<const TableCommit> tables,
                                 std::span<const ReadTable> read) {
  DELTALAKEDB_TRY(connection.Begin(TransactionMode::kWrite));
  auto unit = RunAll(connection, tables, read);
  if (!unit || unit->kind != CommitAnswer::Kind::kDone) {
    connection.Rollback();
    return unit;
  }
  DELTALAKEDB_TRY(connection.Commit());
  return unit;
}

Result<std::vector<CommitAnswer>> AppendStepByStep(Connection& connection,
                                                   std::span<const TableCommit* const> commits) {
  DELTALAKEDB_TRY(connection.Begin(TransactionMode::kWrite));
  auto answers = AppendAll(connection, commits);
  if (!answers) {
    connection.Rollback();
    return answers;
  }
  DELTALAKEDB_TRY(connection.Commit());
  return answers;
}

}  // namespace deltalakedb::store
