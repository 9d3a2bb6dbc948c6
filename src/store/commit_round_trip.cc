// Commits where a question costs a round trip: all statements of a unit go out together.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
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

// Columns of the rows of dl_add_files.
constexpr std::size_t kPathKeyOfAdd = 4;
constexpr std::size_t kDataChangeOfAdd = 10;
constexpr std::size_t kEndedOfAdd = 21;
constexpr std::size_t kPathKeyOfRemove = 4;  // of those of dl_remove_files
// More files of a commit than that are staged first.
constexpr std::size_t kFilesAsListsMax = 2'000;
constexpr std::string_view kSqlStateStagedIsGone = "DLG02";
// What a short commit raises where the general one has to decide.
constexpr std::string_view kSqlStateGoGeneral = "DLG01";
constexpr std::string_view kSqlStateUniqueViolation = "23505";

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

// What commit_version and commit_staged_version have in common.
std::vector<Value> VersionParameters(const TableCommit& commit, const VersionRow& known) {
  const auto& app = commit.app_transaction;
  return {ToValue(commit.table_id),
          commit.commit_id,
          BlobValue(commit.transaction_id),
          std::string_view(known.times.timestamp_source),
          ToValue(commit.timestamp),
          known.index.num_added,
          known.index.num_removed,
          known.index.num_cdc,
          commit.added_bytes,
          ToValue(commit.commit_info),
          ToValue(commit.operation),
          Blob{commit.body_hash},
          commit.body_bytes,
          known.body_parts,
          Blob{known.row_hash},
          commit.body_parts.empty() ? Value(Blob{commit.body}) : Value(),
          app ? Value(app->first) : Value(),
          app ? Value(app->second) : Value(),
          commit.attempt_id};
}

UnitStep VersionStep(const TableCommit& commit, const VersionRow& known) {
  UnitRows ending{4, {}};
  for (const EndingFile& file : commit.ending) {
    ending.values.insert(ending.values.end(),
                         {Blob{file.path_key}, file.dv_id, file.path, ToValue(file.must_be_live)});
  }
  UnitStep step{StatementId::kCommitVersion, VersionParameters(commit, known), {}};
  step.rows.push_back(std::move(ending));
  step.rows.push_back(ColumnsOf(Relation::kAddFiles, commit.adds, kPathKeyOfAdd, kEndedOfAdd));
  return step;
}

// A commit that adds one file and has no other.
bool IsOneAdd(const TableCommit& commit) {
  return commit.ending.size() == 1 && !commit.ending.front().must_be_live &&
         commit.adds.size() == InfoOf(Relation::kAddFiles).columns && commit.cdc.empty() &&
         commit.body_parts.empty();
}

UnitStep OneAddVersionStep(const TableCommit& commit, const VersionRow& known) {
  const auto& app = commit.app_transaction;
  return {StatementId::kCommitAppendVersion,
          {ToValue(commit.table_id), commit.commit_id, BlobValue(commit.transaction_id),
           std::string_view(known.times.timestamp_source), ToValue(commit.timestamp),
           commit.added_bytes, ToValue(commit.commit_info), ToValue(commit.operation),
           Blob{commit.body_hash}, commit.body_bytes, Blob{known.row_hash}, Blob{commit.body},
           app ? Value(app->first) : Value(), app ? Value(app->second) : Value(),
           Blob{commit.ending.front().path_key}},
          {}};
}

UnitStep OneAddFileStep(const TableCommit& commit) {
  UnitStep step{StatementId::kCommitAppendFile, {ToValue(commit.table_id)}, {}};
  const Rows file = commit.adds.subspan(kPathKeyOfAdd, kEndedOfAdd - kPathKeyOfAdd);
  step.parameters.insert(step.parameters.end(), file.begin(), file.end());
  Value& data_change = step.parameters[1 + kDataChangeOfAdd - kPathKeyOfAdd];
  data_change = FlagText(std::get<std::int64_t>(data_change) != 0);
  return step;
}

// Where the files of a large commit wait until it has its table's lock.
struct Staging {
  TableId id = TableId::MakeRandom();

  // Puts them there, in transactions of their own.
  Result<void> Put(Connection& connection, const TableCommit& commit) const;
  // The steps that take them away: the last ones of a commit, and by themselves where there is
  // none.
  std::vector<UnitStep> ClearSteps(const TableCommit& commit) const;
  // Takes them back.
  void Clear(Connection& connection, const TableCommit& commit) const;
};

bool IsLarge(const TableCommit& commit) {
  return static_cast<std::size_t>(CountOf(Relation::kAddFiles, commit.adds) +
                                  CountOf(Relation::kRemoveFiles, commit.removes)) >
         kFilesAsListsMax;
}

Result<void> Staging::Put(Connection& connection, const TableCommit& commit) const {
  const auto put = [&](StatementId insert, Relation relation, Rows rows, std::size_t first,
                       std::size_t last) -> Result<void> {
    if (rows.empty()) return {};
    constexpr std::size_t kOwnColumns = 2;
    const std::size_t columns = InfoOf(relation).columns;
    std::vector<Value> staged;
    staged.reserve(rows.size() / columns * (last - first + kOwnColumns));
    std::int64_t number = 0;
    for (std::size_t at = 0; at < rows.size(); at += columns) {
      staged.insert(staged.end(), {ToValue(id), ++number});
      const auto part = rows.subspan(at + first, last - first);
      staged.insert(staged.end(), part.begin(), part.end());
    }
    return connection.ExecuteMany(insert, last - first + kOwnColumns, staged);
  };
  DELTALAKEDB_TRY(put(StatementId::kInsertStagedAdd, Relation::kAddFiles, commit.adds,
                      kPathKeyOfAdd, kEndedOfAdd));
  return put(StatementId::kInsertStagedRemove, Relation::kRemoveFiles, commit.removes,
             kPathKeyOfRemove, InfoOf(Relation::kRemoveFiles).columns);
}

std::vector<UnitStep> Staging::ClearSteps(const TableCommit& commit) const {
  std::vector<UnitStep> steps;
  if (!commit.adds.empty()) {
    steps.push_back({StatementId::kDeleteStagedAdds, {ToValue(id)}, {}});
  }
  if (!commit.removes.empty()) {
    steps.push_back({StatementId::kDeleteStagedRemoves, {ToValue(id)}, {}});
  }
  return steps;
}

// What cannot be taken back now is swept later.
void Staging::Clear(Connection& connection, const TableCommit& commit) const {
  if (!connection.IsHealthy() || !connection.RunUnit(ClearSteps(commit))) return;
  for (const StatementId statement :
       {StatementId::kSweepStagedAdds, StatementId::kSweepStagedRemoves}) {
    if (!connection.Execute(statement, {})) return;
  }
}

UnitStep StagedVersionStep(const TableCommit& commit, const VersionRow& known,
                           const Staging& staging) {
  UnitStep step{StatementId::kCommitStagedVersion, VersionParameters(commit, known), {}};
  step.parameters.push_back(ToValue(staging.id));
  return step;
}

// What only some commits have: each relation's columns that its statement takes.
std::vector<UnitStep> RowSteps(const TableCommit& commit, const Staging* staging) {
  struct Part {
    StatementId statement;
    Relation relation;
    Rows rows;
    std::size_t first;
  };
  const std::initializer_list<Part> parts = {
      {StatementId::kCommitRemoves, Relation::kRemoveFiles, commit.removes, kPathKeyOfRemove},
      {StatementId::kCommitCdc, Relation::kCdcFiles, commit.cdc, 3},
      {StatementId::kCommitMetadata, Relation::kMetadataUpdates, commit.metadata, 2},
      {StatementId::kCommitProtocol, Relation::kProtocolUpdates, commit.protocol, 2},
      {StatementId::kCommitTxns, Relation::kTxnActions, commit.app_transactions, 2},
      {StatementId::kCommitDomains, Relation::kDomainMetadata, commit.domains, 2},
  };
  std::vector<UnitStep> steps;
  for (const Part& part : parts) {
    if (part.rows.empty()) continue;
    if (staging != nullptr && part.relation == Relation::kRemoveFiles) {
      steps.push_back({StatementId::kCommitStagedRemoves,
                       {ToValue(commit.table_id), ToValue(staging->id)},
                       {}});
      continue;
    }
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
      {"DLV06", CommitRefusal::kNoTable},     {"DLV07", CommitRefusal::kShared},
  };
  const auto found = refusals.find(state);
  return found == refusals.end() ? std::nullopt : std::optional(found->second);
}

// Empty where the server did not fail it.
std::string_view SqlStateOf(const Error& error) {
  const auto* const fact = error.FindFact("sqlState");
  const auto* const state = fact == nullptr ? nullptr : std::get_if<std::string>(fact);
  return state == nullptr ? std::string_view() : std::string_view(*state);
}

// The steps of a unit, and which of its tables each is about.
class Unit {
 public:
  // `is_short`: commits that add one file take the statements that are made for them, which ask for
  // the general ones where something is unusual.
  Unit(std::span<const TableCommit> tables, std::span<const ReadTable> read, bool is_short);
  // Nothing: the general statements have to decide.
  Result<std::optional<UnitAnswer>> Run(Connection& connection) const;

 private:
  // The files of large commits, before the unit runs.
  Result<void> Stage(Connection& connection) const;
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
  bool is_short_;
  std::vector<VersionRow> known_;  // by table; the steps point into them, and into these:
  std::vector<std::unique_ptr<const Staging>> stagings_;  // of large ones
  std::vector<UnitStep> steps_;
  std::vector<std::optional<std::size_t>> tables_of_;
  std::vector<std::size_t> version_steps_;  // by table
};

Unit::Unit(std::span<const TableCommit> tables, std::span<const ReadTable> read, bool is_short)
    : tables_(tables),
      read_(read),
      is_short_(is_short),
      stagings_(tables.size()),
      version_steps_(tables.size()) {
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
    if (is_short && IsOneAdd(tables[index])) {
      Put(OneAddVersionStep(tables[index], known_[index]), index);
      Put(OneAddFileStep(tables[index]), index);
    } else if (IsLarge(tables[index])) {
      stagings_[index] = std::make_unique<const Staging>();
      Put(StagedVersionStep(tables[index], known_[index], *stagings_[index]), index);
    } else {
      Put(VersionStep(tables[index], known_[index]), index);
    }
    for (UnitStep& step : RowSteps(tables[index], stagings_[index].get())) {
      Put(std::move(step), index);
    }
    if (!stagings_[index]) continue;
    for (UnitStep& step : stagings_[index]->ClearSteps(tables[index])) Put(std::move(step), index);
  }
}

Result<void> Unit::Stage(Connection& connection) const {
  for (std::size_t index = 0; index < tables_.size(); ++index) {
    if (stagings_[index]) DELTALAKEDB_TRY(stagings_[index]->Put(connection, tables_[index]));
  }
  return {};
}

Result<std::optional<UnitAnswer>> Unit::Run(Connection& connection) const {
  auto staged = Stage(connection);
  auto ran = staged ? connection.RunUnit(steps_) : Fail(std::move(staged).error());
  if (!ran) {
    // Only a unit that is made takes them away.
    for (std::size_t index = 0; index < tables_.size(); ++index) {
      if (stagings_[index]) stagings_[index]->Clear(connection, tables_[index]);
    }
  }
  UnitAnswer answer;
  if (!ran) {
    const std::string_view state = SqlStateOf(ran.error());
    if (state == kSqlStateGoGeneral || (is_short_ && state == kSqlStateUniqueViolation)) {
      return std::nullopt;
    }
    if (state == kSqlStateStagedIsGone) {
      return Fail(ErrorCode::kUnavailable,
                  "the files of a commit, which waited in the database for their table's lock, are "
                  "gone, as they are when the server has crashed; make the commit again");
    }
    const auto refusal = RefusalOf(state);
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
    take(adds, number, Relation::kAddFiles, commit->adds, kPathKeyOfAdd);
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
  if (std::ranges::any_of(tables, IsOneAdd)) {
    DELTALAKEDB_ASSIGN(auto answer, Unit(tables, read, /*is_short=*/true).Run(connection));
    if (answer) return *std::move(answer);
  }
  DELTALAKEDB_ASSIGN(auto answer, Unit(tables, read, /*is_short=*/false).Run(connection));
  if (answer) return *std::move(answer);
  return Fail(ErrorCode::kInternal, "a commit asked for the general statements, which it has");
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

// In one round trip as well, so that a client that dies over it leaves no lock behind.
Result<std::optional<MetadataStore::CommittedAt>> SettleInRoundTrip(Connection& connection,
                                                                    const TableId& table,
                                                                    std::string_view commit_id,
                                                                    std::string_view attempt_id) {
  const std::array steps = {
      UnitStep{StatementId::kCommitLock, {ToValue(table)}, {}},
      UnitStep{StatementId::kCommitSettle, {ToValue(table), commit_id, attempt_id}, {}}};
  DELTALAKEDB_ASSIGN(auto ran, connection.RunUnit(steps));
  if (!ran) {
    return Fail(ErrorCode::kUnavailable, "the connection was lost while a commit was asked after");
  }
  Cursor& row = *(*ran)[1];
  DELTALAKEDB_ASSIGN(const bool has_row, row.Next());
  if (!has_row) return Fail(TableIsGone());
  if (row.IsNull(0)) return std::nullopt;
  return MetadataStore::CommittedAt{Version(row.Int(0)), Timestamp(row.Int(1))};
}

}  // namespace deltalakedb::store
