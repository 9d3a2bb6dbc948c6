#include "txn/commit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "base/retry.h"
#include "base/try.h"
#include "protocol/action_shape.h"
#include "protocol/table_rules.h"
#include "txn/live_check.h"
#include "txn/rebase.h"

namespace deltalakedb::txn {

namespace {

using AnswerKind = ProposalAnswer::Kind;
using protocol::TableRules;
using OutcomeKind = CommitOutcome::Kind;

constexpr std::string_view kIsolationProperty = "delta.isolationLevel";

// Between attempts: short at first, since who was first is done already.
constexpr base::RetryPolicy kPauses{.first_pause = std::chrono::milliseconds(2),
                                    .pause_max = std::chrono::milliseconds(500)};

class CommitRun {
 public:
  CommitRun(const TransactionLog& log, std::shared_ptr<const CommitBase> read,
            protocol::StagedActions& staged, CommitOptions options)
      : log_(log),
        read_(std::move(read)),
        staged_(staged),
        options_(std::move(options)),
        root_(log.table_root()) {}

  Result<CommitOutcome> Run();

 private:
  // An outcome ends the run; none goes on to the next attempt.
  using Ended = std::optional<CommitOutcome>;

  Result<Ended> Prepare();
  Result<Ended> Begin();
  Result<Ended> StandOnRead();
  Result<void> MakeFits();
  Result<void> CheckMisfit();
  Result<void> MakeBody();
  Result<Ended> Attempt();
  Result<Ended> Take(const ProposalAnswer& answer);
  Result<Ended> GoBehindWinners();
  Result<Ended> GoBehind(Version version);
  Result<Ended> AskAfter();
  Result<void> ExplainFiles();

  bool UsesInCommitTimestamp() const { return rules_->has_in_commit_timestamps; }
  // Whether it does not matter which version it comes after.
  bool TakesAnyVersion() const {
    return log_.takes_any_version() && !options_.is_exact && info_.is_blind_append &&
           !rules_->assigns_row_ids && !UsesInCommitTimestamp() && !staged_.metadata() &&
           !staged_.protocol() && staged_.domain_metadata().empty() && !staged_.own_domain();
  }
  CommitOutcome Made(OutcomeKind kind, Version version, Timestamp timestamp) const {
    CommitOutcome outcome;
    outcome.kind = kind;
    outcome.version = version;
    outcome.timestamp = timestamp;
    outcome.commit_id = options_.commit_id;
    outcome.attempts = attempts_;
    return outcome;
  }
  CommitOutcome Conflicted(Error error) const {
    CommitOutcome outcome = Made(OutcomeKind::kConflicted, rebase_.version, rebase_.timestamp);
    outcome.error = std::move(error);
    return outcome;
  }
  CommitOutcome Skipped(Version version, Timestamp timestamp) const {
    CommitOutcome outcome = Made(OutcomeKind::kCommitted, version, timestamp);
    outcome.is_skipped = true;
    return outcome;
  }

  const TransactionLog& log_;
  std::shared_ptr<const CommitBase> read_;
  protocol::StagedActions& staged_;
  CommitOptions options_;
  std::string root_;

  // As of the version that the commit comes after: protocol and metaData may be later than the
  // rest.
  const TableState* state_ = nullptr;
  std::optional<TableState> changed_state_;
  std::shared_ptr<const TableRules> rules_;
  Rebase rebase_;
  Version metadata_version_;
  Version protocol_version_;

  std::int64_t read_high_water_mark_ = -1;
  IsolationLevel isolation_ = kDefaultIsolationLevel;
  protocol::CommitInfoFields info_;
  std::optional<protocol::CommitBody> body_;
  bool has_named_id_ = false;   // the commit's id is the caller's
  bool has_new_rules_ = false;  // since the body was made
  Version schema_version_;      // that the staged schema counts on to be
  ProposedCommit proposed_;     // the last attempt
  std::string text_;            // its body
  std::string attempt_id_ = TableId::MakeRandom().ToString();
  int attempts_ = 0;
  int times_fenced_ = 0;
};

// What has to hold for the actions with the protocol and metaData of state_.
Result<void> CommitRun::MakeFits() {
  if (options_.base_rules && state_ == &read_->state) {
    rules_ = options_.base_rules;
  } else {
    DELTALAKEDB_ASSIGN(auto rules, TableRules::Make(state_->protocol, state_->metadata));
    rules_ = std::make_shared<const TableRules>(std::move(rules));
  }
  DELTALAKEDB_TRY(protocol::CheckAgainst(staged_, *state_, *rules_));
  return CheckMisfit();
}

// Files that the commit's own metaData does not fit must not stay.
Result<void> CommitRun::CheckMisfit() {
  if (!staged_.metadata()) return {};
  const auto misfit =
      protocol::FindMisfit(state_->metadata, staged_.metadata()->action,
                           staged_.protocol() ? staged_.protocol()->action : state_->protocol);
  if (!misfit) return {};
  options_.reads.whole_table = true;
  options_.isolation = IsolationLevel::kSerializable;
  DELTALAKEDB_ASSIGN(const auto snapshot,
                     log_.LoadSnapshot(TableVersion::At(read_->state.version)));
  return CheckNoneStays(staged_, *snapshot, root_, *misfit);
}

Result<CommitRun::Ended> CommitRun::Begin() {
  if (options_.commit_id.empty()) {
    options_.commit_id = TableId::MakeRandom().ToString();
  } else {
    // Whoever names a commit may make it again: what was right then may not be so by now.
    DELTALAKEDB_ASSIGN(const auto found, log_.FindCommit(options_.commit_id));
    if (found) return Ended(Made(OutcomeKind::kCommitted, found->version, found->timestamp));
    has_named_id_ = true;
  }
  if (options_.app_transaction) DELTALAKEDB_TRY(staged_.Append(*options_.app_transaction));
  DELTALAKEDB_TRY(protocol::CheckShape(staged_, root_));
  for (const auto& transaction : staged_.app_transactions()) {
    options_.reads.app_ids.insert(transaction.action.app_id);
  }
  return Ended();
}

Result<CommitRun::Ended> CommitRun::StandOnRead() {
  state_ = &read_->state;
  if (const auto& app = options_.app_transaction) {
    const auto done = state_->app_transactions.find(app->app_id);
    if (done != state_->app_transactions.end() && done->second.version >= app->version) {
      return Ended(Skipped(state_->version, state_->timestamp));
    }
  }
  metadata_version_ = read_->metadata_version;
  protocol_version_ = read_->protocol_version;
  schema_version_ = state_->version.next();
  DELTALAKEDB_TRY(MakeFits());
  DELTALAKEDB_ASSIGN(rebase_, StandOn(*state_));
  read_high_water_mark_ = rebase_.row_id_high_water_mark;
  IsolationLevel asked = kDefaultIsolationLevel;
  const auto property = state_->metadata.configuration.find(std::string(kIsolationProperty));
  if (options_.isolation) {
    asked = *options_.isolation;
  } else if (property != state_->metadata.configuration.end()) {
    DELTALAKEDB_ASSIGN(asked, ParseIsolationLevel(property->second));
  }
  isolation_ = EffectiveIsolation(staged_, asked);
  info_ = options_.info;
  info_.isolation_level = isolation_;
  info_.is_blind_append = IsBlindAppend(staged_, options_.reads);
  info_.read_version = state_->version;
  info_.txn_id = options_.commit_id;
  body_.reset();
  // A database looks at the files when it holds the table's lock, and a folder cannot.
  if (!log_.takes_any_version()) DELTALAKEDB_TRY(ExplainFiles());
  return Ended();
}

Result<CommitRun::Ended> CommitRun::Prepare() {
  DELTALAKEDB_ASSIGN(auto ended, Begin());
  return ended ? ended : StandOnRead();
}

Result<void> CommitRun::ExplainFiles() {
  if (staged_.removes().empty() && staged_.adds().empty()) return {};
  DELTALAKEDB_ASSIGN(const auto snapshot, log_.LoadSnapshot(TableVersion::At(rebase_.version)));
  return CheckLiveFiles(staged_, *snapshot, root_);
}

Result<void> CommitRun::MakeBody() {
  DELTALAKEDB_ASSIGN(const Timestamp now, log_.EstimateClock());
  info_.timestamp = std::max(now, Timestamp(rebase_.timestamp.ms() + 1));
  const bool enables = staged_.metadata() &&
                       EnablesInCommitTimestamps(&state_->metadata, staged_.metadata()->action);
  info_.in_commit_timestamp.reset();
  if (UsesInCommitTimestamp() || enables) {
    info_.in_commit_timestamp = NextInCommitTimestamp(now, rebase_.timestamp);
    info_.timestamp = *info_.in_commit_timestamp;
  }
  if (enables) {
    NoteInCommitTimestampEnablement(staged_.mutable_metadata()->action, rebase_.version.next(),
                                    *info_.in_commit_timestamp);
  }
  if (rebase_.row_tracking_not_preserved) info_.tags["delta.rowTracking.preserved"] = "false";
  if (rules_->assigns_row_ids) {
    DELTALAKEDB_TRY(AssignRowIds(staged_,
                                 {.read_high_water_mark = read_high_water_mark_,
                                  .read_version = read_->state.version,
                                  .high_water_mark = rebase_.row_id_high_water_mark,
                                  .version = rebase_.version.next(),
                                  .backfilled = &rebase_.backfilled},
                                 root_));
  }
  const bool moves_schema = staged_.metadata() && schema_version_ != rebase_.version.next();
  if (moves_schema) {
    auto& schema = staged_.mutable_metadata()->action.schema_string;
    if (schema) {
      DELTALAKEDB_ASSIGN(schema, MoveTypeChanges(*schema, schema_version_, rebase_.version.next()));
    }
    schema_version_ = rebase_.version.next();
  }
  const bool moves_files = rules_->assigns_row_ids || has_new_rules_;
  if (!body_) {
    DELTALAKEDB_ASSIGN(body_, protocol::CommitBody::Make(staged_, info_));
  } else {
    DELTALAKEDB_TRY(body_->RewriteCommitInfo(staged_, info_));
    if (moves_files || enables || moves_schema)
      DELTALAKEDB_TRY(body_->RewriteTableActions(staged_));
    if (moves_files) DELTALAKEDB_TRY(body_->RewriteFiles(staged_));
  }
  has_new_rules_ = false;
  return {};
}

Result<CommitRun::Ended> CommitRun::Attempt() {
  ++attempts_;
  DELTALAKEDB_TRY(MakeBody());
  text_ = body_->Text();
  proposed_ = {};
  proposed_.body = text_;
  if (!TakesAnyVersion()) proposed_.after = rebase_.version;
  proposed_.metadata_version = metadata_version_;
  proposed_.protocol_version = protocol_version_;
  proposed_.timestamp = info_.timestamp;
  proposed_.is_in_commit = info_.in_commit_timestamp.has_value();
  proposed_.commit_id = options_.commit_id;
  proposed_.attempt_id = attempt_id_;
  if (const auto& app = options_.app_transaction) {
    proposed_.app_transaction = {std::string_view(app->app_id), app->version};
  }
  DELTALAKEDB_ASSIGN(const ProposalAnswer answer, log_.Propose(proposed_));
  return Take(answer);
}

Result<CommitRun::Ended> CommitRun::Take(const ProposalAnswer& answer) {
  switch (answer.kind) {
    case AnswerKind::kCommitted:
    case AnswerKind::kThere:
      return Ended(Made(OutcomeKind::kCommitted, answer.version, answer.timestamp));
    case AnswerKind::kLost:
      return GoBehindWinners();
    case AnswerKind::kSuperfluous: {
      DELTALAKEDB_ASSIGN(const TableState latest, log_.LoadState(TableVersion::Latest()));
      return Ended(Skipped(latest.version, latest.timestamp));
    }
    case AnswerKind::kFiles:
      DELTALAKEDB_TRY(ExplainFiles());
      return GoBehindWinners();  // somebody was first after all
    case AnswerKind::kTime:
      DELTALAKEDB_TRY(log_.LoadClock());
      return GoBehindWinners();
    case AnswerKind::kFenced:
      // Somebody asked after this commit and may have made it, or may be about to: a client that
      // died, or one that is at it now. Only one attempt of all can become a version.
      if (++times_fenced_ <= kSettleAttemptsMax) return AskAfter();
      return Ended(Conflicted(
          Error(ErrorCode::kConflict,
                fmt::format("other processes are making the commit {} too", options_.commit_id))
              .With("conflict", "Fenced")
              .With("commitId", options_.commit_id)));
    case AnswerKind::kUnknown:
      return AskAfter();
  }
  return Fail(ErrorCode::kInternal, "an answer that is none");
}

Result<CommitRun::Ended> CommitRun::AskAfter() {
  const std::string next_attempt = TableId::MakeRandom().ToString();
  std::optional<Error> error;
  for (int ask = 1; ask <= kSettleAttemptsMax; ++ask) {
    if (ask > 1) std::this_thread::sleep_for(base::PauseBefore(ask - 1, {}));
    auto settled = log_.Settle(proposed_, next_attempt);
    if (settled && settled->kind != AnswerKind::kUnknown) {
      attempt_id_ = next_attempt;  // the old one cannot happen any more
      return Take(*settled);
    }
    if (!settled) error = std::move(settled).error();
  }
  CommitOutcome outcome = Made(OutcomeKind::kInDoubt, rebase_.version, rebase_.timestamp);
  outcome.error = std::move(error);
  return Ended(std::move(outcome));
}

Result<CommitRun::Ended> CommitRun::GoBehindWinners() {
  if (std::exchange(options_.may_stand_anywhere, false)) {
    DELTALAKEDB_ASSIGN(CommitBase latest, log_.LoadCommitBase(TableVersion::Latest()));
    read_ = std::make_shared<const CommitBase>(std::move(latest));
    options_.base_rules = nullptr;
    // Versions up to here are not looked at one by one, and this very commit may be among them.
    if (has_named_id_) {
      DELTALAKEDB_ASSIGN(const auto found, log_.FindCommit(options_.commit_id));
      if (found) return Ended(Made(OutcomeKind::kCommitted, found->version, found->timestamp));
    }
    return StandOnRead();
  }
  DELTALAKEDB_ASSIGN(const Version latest, log_.LoadLatestVersion());
  if (options_.is_exact && latest > rebase_.version) {
    // It may be this very commit, of a process that died.
    DELTALAKEDB_ASSIGN(auto ended, GoBehind(rebase_.version.next()));
    if (ended && ended->kind == OutcomeKind::kCommitted) return ended;
    return Ended(Conflicted(Error(ErrorCode::kConflict,
                                  fmt::format("version {} was to be made, and the table is at "
                                              "version {} already; look at what others did, and "
                                              "commit to that",
                                              read_->state.version.next().value(), latest.value()))
                                .With("conflict", "VersionTaken")
                                .With("expectedVersion", read_->state.version.value())
                                .With("actualVersion", latest.value())));
  }
  while (rebase_.version < latest) {
    DELTALAKEDB_ASSIGN(auto ended, GoBehind(rebase_.version.next()));
    if (ended) return ended;
  }
  return Ended();
}

Result<CommitRun::Ended> CommitRun::GoBehind(Version version) {
  DELTALAKEDB_ASSIGN(const std::string text, log_.LoadCommitText(version));
  DELTALAKEDB_ASSIGN(CommitSummary winner, SummarizeCommit(version, text, root_));
  if (!winner.commit_info || !winner.commit_info->in_commit_timestamp) {
    DELTALAKEDB_ASSIGN(const TableState at, log_.LoadState(TableVersion::At(version)));
    winner.timestamp = at.timestamp;
  }
  if (winner.commit_info && winner.commit_info->txn_id == options_.commit_id) {
    return Ended(Made(OutcomeKind::kCommitted, version, winner.timestamp));
  }
  if (const auto& app = options_.app_transaction) {
    for (const AppTransaction& done : winner.app_transactions) {
      if (done.app_id != app->app_id || done.version < app->version) continue;
      return Ended(Skipped(version, winner.timestamp));
    }
  }
  auto rebased = CheckConflicts(
      {staged_, options_.reads, rebase_, isolation_, info_.operation, root_}, winner);
  if (!rebased) {
    if (rebased.error().code() != ErrorCode::kConflict) return Fail(std::move(rebased).error());
    return Ended(Conflicted(std::move(rebased).error()));
  }
  rebase_ = *std::move(rebased);
  if (winner.metadata) metadata_version_ = version;
  if (winner.protocol) protocol_version_ = version;
  if (winner.metadata || winner.protocol) {
    if (!changed_state_) changed_state_ = *state_;
    changed_state_->protocol = *rebase_.protocol;
    changed_state_->metadata = *rebase_.metadata;
    state_ = &*changed_state_;
    has_new_rules_ = true;
    DELTALAKEDB_TRY(MakeFits());
  }
  return Ended();
}

Result<CommitOutcome> CommitRun::Run() {
  DELTALAKEDB_ASSIGN(auto ended, Prepare());
  while (!ended) {
    if (attempts_ >= options_.attempts_max) {
      return Conflicted(Error(ErrorCode::kConflict,
                              fmt::format("others were first {} times; try again later", attempts_))
                            .With("conflict", "TooManyAttempts"));
    }
    if (attempts_ > 0) std::this_thread::sleep_for(base::PauseBefore(attempts_, kPauses));
    DELTALAKEDB_ASSIGN(ended, Attempt());
  }
  return *std::move(ended);
}

}  // namespace

Result<CommitOutcome> Commit(const TransactionLog& log, std::shared_ptr<const CommitBase> base,
                             protocol::StagedActions& staged, CommitOptions options) {
  return CommitRun(log, std::move(base), staged, std::move(options)).Run();
}

}  // namespace deltalakedb::txn
