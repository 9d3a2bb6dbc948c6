// Commits where a question costs a round trip: all statements of a unit go out together.
#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "base/try.h"
#include "store/commit_unit_internal.h"

namespace deltalakedb::store {

namespace {

using Rows = std::span<const Value>;

Value BlobValue(std::optional<std::string_view> bytes) {
  return bytes ? Value(Blob{*bytes}) : Value();
}

// A boolean as PostgreSQL reads it where it cannot see its type.
std::string_view FlagText(bool flag) { return flag ? "true" : "false"; }

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
       ToValue(commit.commit_info), ToValue(commit.operation), Blob{commit.body_hash},
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

// What an SQLSTATE of ours says.
std::optional<CommitRefusal> RefusalOf(std::string_view state) {
  static const std::map<std::string, CommitRefusal, std::less<>> refusals = {
      {"DLV01", CommitRefusal::kVersion},     {"DLV02", CommitRefusal::kMetadata},
      {"DLV03", CommitRefusal::kDeadline},    {"DLV04", CommitRefusal::kTimestamp},
      {"DLV05", CommitRefusal::kClockSkew},   {"DLC01", CommitRefusal::kNotLive},
      {"DLC02", CommitRefusal::kOtherVector}, {"DLC03", CommitRefusal::kAppTransaction},
      {"DLC04", CommitRefusal::kFenced},      {"DLC05", CommitRefusal::kCommitId},
      {"DLV06", CommitRefusal::kNoTable},
  };
  const auto found = refusals.find(state);
  return found == refusals.end() ? std::nullopt : std::optional(found->second);
}

std::optional<CommitRefusal> RefusalOf(const Error& error) {
  const auto* const fact = error.FindFact("sqlState");
  const auto* const state = fact == nullptr ? nullptr : std::get_if<std::string>(fact);
  return state == nullptr ? std::nullopt : RefusalOf(*state);
}

// The steps of a unit, and which of its tables each is about.
class Unit {
 public:
  Unit(std::span<const TableCommit> tables, std::span<const ReadTable> read);

  Result<UnitAnswer> Run(Connection& connection) const;

 private:
  void Put(UnitStep step, std::optional<std::size_t> table) {
    steps_.push_back(std::move(step));
    tables_of_.push_back(table);
  }
  const TableId& IdOf(std::size_t index) const {
    return index < tables_.size() ? tables_[index].table_id
                                  : read_[index - tables_.size()].table_id;
  }

  std::span<const TableCommit> tables_;
  std::span<const ReadTable> read_;
  std::vector<VersionRow> known_;  // by table; the steps point into them
  std::vector<UnitStep> steps_;
  std::vector<std::optional<std::size_t>> tables_of_;
  std::vector<std::size_t> version_steps_;  // by table
};

Unit::Unit(std::span<const TableCommit> tables, std::span<const ReadTable> read)
    : tables_(tables), read_(read), version_steps_(tables.size()) {
  const std::size_t count = tables.size() + read.size();
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t index) { return IdOf(index).bytes(); });
  known_.reserve(tables.size());
  for (const TableCommit& table : tables) known_.push_back(KnownRow(table));
  for (const std::size_t index : order) {
    if (index < tables.size()) {
      Put(AdvanceStep(tables[index], known_[index]), index);
    } else {
      Put({StatementId::kCommitRead,
           {ToValue(IdOf(index)), ToValue(read[index - tables.size()].version)},
           {}},
          index);
    }
  }
  if (count > 1) {
    UnitRows locked{2, {}};
    for (const std::size_t index : order) {
      locked.values.insert(locked.values.end(),
                           {ToValue(IdOf(index)), ToValue(index < tables.size())});
    }
    UnitStep step{StatementId::kCommitMoment, {}, {}};
    step.rows.push_back(std::move(locked));
    Put(std::move(step), std::nullopt);
  }
  for (std::size_t index = 0; index < tables.size(); ++index) {
    version_steps_[index] = steps_.size();
    Put(VersionStep(tables[index], known_[index]), index);
    for (UnitStep& step : RowSteps(tables[index])) Put(std::move(step), index);
  }
}

Result<UnitAnswer> Unit::Run(Connection& connection) const {
  auto ran = connection.RunUnit(steps_);
  UnitAnswer answer;
  if (!ran) {
    const auto refusal = RefusalOf(ran.error());
    if (!refusal) return Fail(std::move(ran).error());
    answer.kind = CommitAnswer::Kind::kRefused;
    answer.refusal = *refusal;
    const auto* const fact = ran.error().FindFact("step");
    const auto* const step = fact == nullptr ? nullptr : std::get_if<std::int64_t>(fact);
    if (step != nullptr) answer.refused = tables_of_[static_cast<std::size_t>(*step)];
    return answer;
  }
  if (!ran->has_value()) {
    answer.kind = CommitAnswer::Kind::kUnknown;
    return answer;
  }
  for (const std::size_t step : version_steps_) {
    Cursor& row = *(**ran)[step];
    DELTALAKEDB_ASSIGN(const bool has_row, row.Next());
    if (!has_row) {
      // Of several tables, the moment's step would have raised. Every later step takes its version
      // from the table's row, so without it none wrote anything.
      answer.kind = CommitAnswer::Kind::kRefused;
      answer.refusal = CommitRefusal::kNoTable;
      answer.refused = 0;
      return answer;
    }
    CommitAnswer& table = answer.tables.emplace_back();
    table.version = Version(row.Int(0));
    table.timestamp = Timestamp(row.Int(1));
    table.ratified_at_us = row.Int(2);
    table.num_files = row.Int(3);
    table.size_in_bytes = row.Int(4);
  }
  return answer;
}

// ---- appends of several writers -----------------------------------------------------------------

// As commit_appends.sql takes them; points into `known`.
UnitStep AppendsStep(std::span<const TableCommit* const> commits,
                     std::span<const VersionRow> known) {
  constexpr std::size_t kMemberColumns = 17;
  constexpr std::size_t kAddColumns = 18;         // the commit's number, and from path_key on
  constexpr std::size_t kTransactionColumns = 4;  // likewise
  constexpr std::size_t kPathKeyColumn = 4;
  constexpr std::size_t kAppIdColumn = 2;
  UnitRows members{kMemberColumns, {}};
  UnitRows adds{kAddColumns, {}};
  UnitRows transactions{kTransactionColumns, {}};
  const auto take = [](UnitRows& into, std::int64_t number, Relation relation, Rows rows,
                       std::size_t first) {
    const std::size_t columns = InfoOf(relation).columns;
    for (std::size_t at = 0; at < rows.size(); at += columns) {
      into.values.emplace_back(number);
      const auto part = rows.subspan(at + first, into.columns - 1);
      into.values.insert(into.values.end(), part.begin(), part.end());
    }
  };
  std::int64_t number = 0;
  for (const TableCommit* const commit : commits) {
    ++number;
    const VersionRow& row = known[static_cast<std::size_t>(number - 1)];
    const auto& app = commit->app_transaction;
    members.values.insert(
        members.values.end(),
        {commit->commit_id, BlobValue(commit->transaction_id), commit->attempt_id,
         ToValue(commit->metadata_version), ToValue(commit->protocol_version),
         ToValue(commit->deadline_us), ToValue(commit->timestamp), row.index.num_added,
         commit->added_bytes, ToValue(commit->commit_info), ToValue(commit->operation),
         Blob{commit->body_hash}, commit->body_bytes, Blob{row.row_hash}, Blob{commit->body},
         app ? Value(app->first) : Value(), app ? Value(app->second) : Value()});
    take(adds, number, Relation::kAddFiles, commit->adds, kPathKeyColumn);
    take(transactions, number, Relation::kTxnActions, commit->app_transactions, kAppIdColumn);
  }
  UnitStep step{StatementId::kCommitAppends, {ToValue(commits.front()->table_id)}, {}};
  step.rows.push_back(std::move(members));
  step.rows.push_back(std::move(adds));
  step.rows.push_back(std::move(transactions));
  return step;
}

}  // namespace

Result<UnitAnswer> RunInRoundTrip(Connection& connection, std::span<const TableCommit> tables,
                                  std::span<const ReadTable> read) {
  return Unit(tables, read).Run(connection);
}

Result<std::vector<CommitAnswer>> AppendInRoundTrip(Connection& connection,
                                                    std::span<const TableCommit* const> commits) {
  std::vector<VersionRow> known;
  known.reserve(commits.size());
  for (const TableCommit* const commit : commits) known.push_back(KnownRow(*commit));
  const std::array steps = {
      UnitStep{StatementId::kCommitLock, {ToValue(commits.front()->table_id)}, {}},
      AppendsStep(commits, known)};
  DELTALAKEDB_ASSIGN(auto ran, connection.RunUnit(steps));
  std::vector<CommitAnswer> answers(commits.size());
  if (!ran) {
    for (CommitAnswer& answer : answers) answer.kind = CommitAnswer::Kind::kUnknown;
    return answers;
  }
  // Without the table there is no row for any of them.
  for (CommitAnswer& answer : answers) {
    answer.kind = CommitAnswer::Kind::kRefused;
    answer.refusal = CommitRefusal::kNoTable;
  }
  Cursor& row = *(*ran)[1];
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, row.Next());
    if (!has_row) return answers;
    CommitAnswer& answer = answers[static_cast<std::size_t>(row.Int(0) - 1)];
    if (!row.IsNull(1)) {
      const auto refusal = RefusalOf(row.Text(1));
      if (!refusal) return Fail(ErrorCode::kInternal, "a refusal of a commit that is none");
      answer.refusal = *refusal;
      continue;
    }
    answer.kind = CommitAnswer::Kind::kDone;
    answer.version = Version(row.Int(2));
    answer.timestamp = Timestamp(row.Int(3));
    answer.ratified_at_us = row.Int(4);
    answer.num_files = row.Int(5);
    answer.size_in_bytes = row.Int(6);
  }
}

}  // namespace deltalakedb::store
