#include "store/commit_unit.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/try.h"
#include "deltalakedb/file_stream.h"

namespace deltalakedb::store {

namespace {

using Rows = std::span<const Value>;

Value TextValue(const std::optional<std::string>& text) {
  return text ? Value(std::string_view(*text)) : Value();
}

Value BlobValue(std::optional<std::string_view> bytes) {
  return bytes ? Value(Blob{*bytes}) : Value();
}

// A boolean as PostgreSQL reads it where it cannot see its type.
std::string_view FlagText(bool flag) { return flag ? "true" : "false"; }

std::int64_t CountOf(Relation relation, Rows rows) {
  return static_cast<std::int64_t>(rows.size() / InfoOf(relation).columns);
}

// The version's row as far as its writer knows it.
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
  return row;
}

CommitAnswer Refused(CommitRefusal refusal) {
  CommitAnswer answer;
  answer.kind = CommitAnswer::Kind::kRefused;
  answer.refusal = refusal;
  return answer;
}

// ---- in one round trip --------------------------------------------------------------------------

// The columns of a relation's rows from `first` to before `last`.
UnitRows ColumnsOf(Relation relation, Rows rows, std::size_t first, std::size_t last) {
  const std::size_t columns = InfoOf(relation).columns;
  UnitRows found{last - first, {}};
  found.values.reserve(rows.size() / columns * found.columns);
  for (std::size_t at = 0; at < rows.size(); at += columns) {
    const auto part = rows.subspan(at + first, found.columns);
    found.values.insert(found.values.end(), part.begin(), part.end());
  }
  return found;
}

UnitStep AdvanceStep(const TableCommit& commit, const VersionRow& known) {
  return {StatementId::kCommitAdvance,
          {ToValue(commit.table_id), ToValue(commit.expected), ToValue(commit.metadata_version),
           ToValue(commit.protocol_version), FlagText(commit.sets_metadata),
           FlagText(commit.sets_protocol), ToValue(commit.timestamp),
           std::string_view(known.times.timestamp_source), commit.clock_skew_ms_max,
           ToValue(commit.deadline_us)},
          {}};
}

UnitStep VersionStep(const TableCommit& commit, const VersionRow& known) {
  UnitRows ending{4, {}};
  for (const EndingFile& file : commit.ending) {
    ending.values.insert(ending.values.end(), {Blob{file.path_key}, file.dv_id, ToValue(file.path),
                                               ToValue(file.must_be_live)});
  }
  const auto& app = commit.app_transaction;
  UnitStep step{
      StatementId::kCommitVersion,
      {ToValue(commit.table_id), commit.commit_id, BlobValue(commit.transaction_id),
       std::string_view(known.times.timestamp_source), ToValue(commit.timestamp),
       known.index.num_added, known.index.num_removed, known.index.num_cdc, commit.added_bytes,
       TextValue(commit.commit_info), TextValue(commit.operation), Blob{commit.body_hash},
       commit.body_bytes, known.body_parts, Blob{known.row_hash},
       commit.body_parts.empty() ? Value(Blob{commit.body}) : Value(),
       app ? Value(app->first) : Value(), app ? Value(app->second) : Value(), commit.attempt_id},
      {}};
  step.rows.push_back(std::move(ending));
  // From path_key to before ended_version.
  step.rows.push_back(ColumnsOf(Relation::kAddFiles, commit.adds, 4, 21));
  return step;
}

// What only some commits have: each relation's columns that its statement takes.
std::vector<UnitStep> RowSteps(const TableCommit& commit) {
  struct Part {
    StatementId statement;
    Relation relation;
    Rows rows;
    std::size_t first;
  };
  const std::initializer_list<Part> parts = {
      {StatementId::kCommitRemoves, Relation::kRemoveFiles, commit.removes, 4},
      {StatementId::kCommitCdc, Relation::kCdcFiles, commit.cdc, 3},
      {StatementId::kCommitMetadata, Relation::kMetadataUpdates, commit.metadata, 2},
      {StatementId::kCommitProtocol, Relation::kProtocolUpdates, commit.protocol, 2},
      {StatementId::kCommitTxns, Relation::kTxnActions, commit.app_transactions, 2},
      {StatementId::kCommitDomains, Relation::kDomainMetadata, commit.domains, 2},
  };
  std::vector<UnitStep> steps;
  for (const Part& part : parts) {
    if (part.rows.empty()) continue;
    UnitStep& step = steps.emplace_back(part.statement, std::vector{ToValue(commit.table_id)});
    step.rows.push_back(
        ColumnsOf(part.relation, part.rows, part.first, InfoOf(part.relation).columns));
  }
  if (!commit.body_parts.empty()) {
    UnitStep& step =
        steps.emplace_back(StatementId::kCommitBodyParts, std::vector{ToValue(commit.table_id)});
    UnitRows& rows = step.rows.emplace_back(3);
    for (const BodyPart& part : commit.body_parts) {
      rows.values.insert(rows.values.end(), {part.part, part.text_bytes, Blob{part.compressed}});
    }
  }
  return steps;
}

// What dl_raise says.
std::optional<CommitRefusal> RefusalOf(const Error& error) {
  static const std::map<std::string, CommitRefusal, std::less<>> refusals = {
      {"DLV01", CommitRefusal::kVersion},     {"DLV02", CommitRefusal::kMetadata},
      {"DLV03", CommitRefusal::kDeadline},    {"DLV04", CommitRefusal::kTimestamp},
      {"DLV05", CommitRefusal::kClockSkew},   {"DLC01", CommitRefusal::kNotLive},
      {"DLC02", CommitRefusal::kOtherVector}, {"DLC03", CommitRefusal::kAppTransaction},
      {"DLC04", CommitRefusal::kFenced},      {"DLC05", CommitRefusal::kCommitId},
  };
  const auto* const fact = error.FindFact("sqlState");
  const auto* const state = fact == nullptr ? nullptr : std::get_if<std::string>(fact);
  if (state == nullptr) return std::nullopt;
  const auto found = refusals.find(*state);
  return found == refusals.end() ? std::nullopt : std::optional(found->second);
}

Result<CommitAnswer> RunAsUnit(Connection& connection, const TableCommit& commit) {
  VersionRow known = KnownRow(commit);
  known.row_hash = HashOfKnown(commit.table_id, known);
  std::vector<UnitStep> steps = {AdvanceStep(commit, known), VersionStep(commit, known)};
  for (UnitStep& step : RowSteps(commit)) steps.push_back(std::move(step));
  auto ran = connection.RunUnit(steps);
  if (!ran) {
    if (const auto refusal = RefusalOf(ran.error())) return Refused(*refusal);
    return Fail(std::move(ran).error());
  }
  CommitAnswer answer;
  if (!ran->has_value()) {
    answer.kind = CommitAnswer::Kind::kUnknown;
    return answer;
  }
  Cursor& row = *(**ran)[1];
  DELTALAKEDB_ASSIGN(const bool has_row, row.Next());
  // Every later step takes its version from the table's row, so without it none wrote anything.
  if (!has_row) return Refused(CommitRefusal::kNoTable);
  answer.version = Version(row.Int(0));
  answer.timestamp = Timestamp(row.Int(1));
  answer.ratified_at_us = row.Int(2);
  answer.num_files = row.Int(3);
  answer.size_in_bytes = row.Int(4);
  return answer;
}

// ---- step by step -------------------------------------------------------------------------------

// Within the caller's write transaction, which holds the lock of the whole database.
class StepByStep {
 public:
  StepByStep(Connection& connection, const TableCommit& commit)
      : store_(connection), commit_(commit) {}

  Result<CommitAnswer> Run();

 private:
  // What does not fit, before anything is written.
  Result<std::optional<CommitRefusal>> Check();
  std::optional<CommitRefusal> CheckTimes() const;
  // Ends files; what does not fit.
  Result<std::optional<CommitRefusal>> EndFiles();
  Result<bool> HasOtherVector(const EndingFile& file);
  Result<void> PutRows(Relation relation, Rows rows, std::int64_t last_id);

  MetadataStore store_;
  const TableCommit& commit_;
  TableRow table_;
  Version version_;
  std::int64_t now_us_ = 0;
  FileTotals ended_;
};

std::optional<CommitRefusal> StepByStep::CheckTimes() const {
  if (commit_.deadline_us && *commit_.deadline_us < now_us_) return CommitRefusal::kDeadline;
  if (!commit_.is_in_commit) return std::nullopt;
  constexpr std::int64_t kMicrosecondsPerMs = 1000;
  const std::int64_t last_ms = table_.last_commit_timestamp.ms();
  if (commit_.timestamp.ms() <= last_ms) return CommitRefusal::kTimestamp;
  const std::int64_t latest_ms =
      std::max(last_ms + 1, now_us_ / kMicrosecondsPerMs + commit_.clock_skew_ms_max);
  return commit_.timestamp.ms() > latest_ms ? std::optional(CommitRefusal::kClockSkew)
                                            : std::nullopt;
}

Result<std::optional<CommitRefusal>> StepByStep::Check() {
  DELTALAKEDB_ASSIGN(auto table, store_.FindTable(commit_.table_id));
  if (!table) return CommitRefusal::kNoTable;
  table_ = *std::move(table);
  version_ = table_.current_version.next();
  if (commit_.expected && *commit_.expected != table_.current_version) {
    return CommitRefusal::kVersion;
  }
  if (!commit_.expected && (commit_.metadata_version != table_.metadata_version ||
                            commit_.protocol_version != table_.protocol_version)) {
    return CommitRefusal::kMetadata;
  }
  DELTALAKEDB_ASSIGN(now_us_, store_.LoadClock());
  if (const auto refusal = CheckTimes()) return refusal;
  if (const auto& app = commit_.app_transaction) {
    DELTALAKEDB_ASSIGN(const auto stored, store_.FindAppVersion(commit_.table_id, app->first));
    if (stored && *stored >= app->second) return CommitRefusal::kAppTransaction;
  }
  DELTALAKEDB_ASSIGN(const auto fence, store_.FindFence(commit_.table_id, commit_.commit_id));
  if (fence && *fence != commit_.attempt_id) return CommitRefusal::kFenced;
  DELTALAKEDB_ASSIGN(const bool is_there, store_.HasCommitId(commit_.table_id, commit_.commit_id));
  return is_there ? std::optional(CommitRefusal::kCommitId) : std::nullopt;
}

Result<bool> StepByStep::HasOtherVector(const EndingFile& file) {
  DELTALAKEDB_ASSIGN(const auto vectors, store_.ListLiveVectors(commit_.table_id, file.path_key));
  return std::ranges::any_of(vectors, [&](const std::string& dv_id) {
    return dv_id != file.dv_id &&
           std::ranges::none_of(commit_.ending, [&](const EndingFile& other) {
             return other.path_key == file.path_key && other.dv_id == dv_id;
           });
  });
}

Result<std::optional<CommitRefusal>> StepByStep::EndFiles() {
  std::vector<FileName> names;
  for (const EndingFile& file : commit_.ending) {
    if (!file.must_be_live) {
      DELTALAKEDB_ASSIGN(const bool has_other, HasOtherVector(file));
      if (has_other) return CommitRefusal::kOtherVector;
    }
    names.push_back({file.path_key, file.dv_id, file.path.value_or(std::string_view())});
  }
  std::vector<bool> was_live(names.size());
  DELTALAKEDB_TRY(store_.EndFiles(commit_.table_id, version_, names,
                                  [&](std::size_t index, const EndedFile& file) -> Result<void> {
                                    was_live[index] = !commit_.ending[index].path ||
                                                      *commit_.ending[index].path == file.path;
                                    ++ended_.num_files;
                                    ended_.size_in_bytes += file.size_bytes;
                                    return {};
                                  }));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (commit_.ending[i].must_be_live && !was_live[i]) return CommitRefusal::kNotLive;
  }
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

Result<CommitAnswer> StepByStep::Run() {
  DELTALAKEDB_ASSIGN(auto refusal, Check());
  if (!refusal) {
    DELTALAKEDB_ASSIGN(refusal, EndFiles());
  }
  if (refusal) return Refused(*refusal);
  DELTALAKEDB_ASSIGN(const VersionRow before,
                     store_.LoadVersion(commit_.table_id, table_.current_version));
  VersionRow row = KnownRow(commit_);
  row.row_hash = HashOfKnown(commit_.table_id, row);
  row.version = version_;
  constexpr std::int64_t kMicrosecondsPerMs = 1000;
  row.times.timestamp = commit_.is_in_commit
                            ? commit_.timestamp
                            : Timestamp(std::max(now_us_ / kMicrosecondsPerMs,
                                                 table_.last_commit_timestamp.ms() + 1));
  row.times.ratified_at_us = std::max(now_us_, table_.last_ratified_at_us + 1);
  VersionIndex& index = row.index;
  index.num_files = before.index.num_files + index.num_added - ended_.num_files;
  index.size_in_bytes = before.index.size_in_bytes + commit_.added_bytes - ended_.size_in_bytes;
  index.last_add_id = before.index.last_add_id + index.num_added;
  index.last_remove_id = before.index.last_remove_id + index.num_removed;
  index.last_cdc_id = before.index.last_cdc_id + index.num_cdc;
  DELTALAKEDB_TRY(PutRows(Relation::kAddFiles, commit_.adds, before.index.last_add_id));
  DELTALAKEDB_TRY(PutRows(Relation::kRemoveFiles, commit_.removes, before.index.last_remove_id));
  DELTALAKEDB_TRY(PutRows(Relation::kCdcFiles, commit_.cdc, before.index.last_cdc_id));
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
  const Version from = std::exchange(table_.current_version, version_);
  if (commit_.sets_metadata) table_.metadata_version = version_;
  if (commit_.sets_protocol) table_.protocol_version = version_;
  table_.last_commit_timestamp = row.times.timestamp;
  table_.last_ratified_at_us = row.times.ratified_at_us;
  DELTALAKEDB_TRY(store_.AdvanceTable(table_, from));
  CommitAnswer answer;
  answer.version = version_;
  answer.timestamp = row.times.timestamp;
  answer.ratified_at_us = row.times.ratified_at_us;
  answer.num_files = index.num_files;
  answer.size_in_bytes = index.size_in_bytes;
  return answer;
}

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
  if (connection.runs_units()) return RunAsUnit(connection, commit);
  DELTALAKEDB_TRY(connection.Begin(TransactionMode::kWrite));
  auto answer = StepByStep(connection, commit).Run();
  if (!answer || answer->kind != CommitAnswer::Kind::kDone) {
    connection.Rollback();
    return answer;
  }
  DELTALAKEDB_TRY(connection.Commit());
  return answer;
}

}  // namespace deltalakedb::store
