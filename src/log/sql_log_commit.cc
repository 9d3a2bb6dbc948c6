// SqlLog as writers see it.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/try.h"
#include "log/commit_rows.h"
#include "log/sql_bodies.h"
#include "log/sql_log.h"
#include "protocol/features.h"
#include "protocol/paths.h"
#include "store/commit_unit.h"
#include "store/metadata_store.h"

namespace deltalakedb::log {

namespace {

using store::CommitRefusal;
using store::MetadataStore;
using Kind = ProposalAnswer::Kind;

constexpr std::int64_t kMicrosecondsPerMs = 1000;
// How far a commit's own time may be ahead of the database's clock.
constexpr std::int64_t kClockSkewMsMax = 60'000;
// How long a proposal may be under way. Fences are kept for much longer.
constexpr std::int64_t kProposalUsMax = 120'000'000;

std::int64_t SteadyUs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

ProposalAnswer Answer(Kind kind) {
  ProposalAnswer answer;
  answer.kind = kind;
  return answer;
}

}  // namespace

std::string SqlLog::table_root() const {
  return protocol::CanonicalRootOfLocation(table_.location);
}

// Of what it says nothing is worse than a clock that stands still while a machine sleeps; then
// commits are refused as too late, and it is measured again.
Result<std::int64_t> SqlLog::MeasureClock(store::Connection& connection) const {
  DELTALAKEDB_ASSIGN(const std::int64_t now_us, MetadataStore(connection).LoadClock());
  clock_offset_us_ = now_us - SteadyUs();
  return now_us;
}

Result<std::int64_t> SqlLog::EstimateClockUs() const {
  const std::int64_t offset_us = clock_offset_us_;
  if (offset_us != kNotMeasured) return SteadyUs() + offset_us;
  return database_->Retry([&]() -> Result<std::int64_t> {
    DELTALAKEDB_ASSIGN(const auto connection, database_->Acquire());
    return MeasureClock(*connection);
  });
}

Result<Timestamp> SqlLog::LoadClock() const {
  clock_offset_us_ = kNotMeasured;
  return EstimateClock();
}

Result<Timestamp> SqlLog::EstimateClock() const {
  DELTALAKEDB_ASSIGN(const std::int64_t now_us, EstimateClockUs());
  return Timestamp(now_us / kMicrosecondsPerMs);
}

Result<std::optional<ProposalAnswer>> SqlLog::FindCommit(std::string_view commit_id) const {
  return database_->Retry([&]() -> Result<std::optional<ProposalAnswer>> {
    DELTALAKEDB_ASSIGN(const auto connection, database_->Acquire());
    DELTALAKEDB_ASSIGN(const auto found,
                       MetadataStore(*connection).FindCommit(table_.table_id, commit_id));
    if (!found) return std::nullopt;
    return ProposalAnswer{Kind::kThere, found->version, found->timestamp};
  });
}

Result<CommitBase> SqlLog::LoadCommitBase(TableVersion which) const {
  return database_->Read([&](store::Connection& connection) -> Result<CommitBase> {
    DELTALAKEDB_ASSIGN(StoredVersion stored, LoadVersion(connection, which));
    DELTALAKEDB_TRY(protocol::CheckReadable(stored.state.protocol));
    MetadataStore store(connection);
    if (clock_offset_us_ == kNotMeasured) DELTALAKEDB_TRY(MeasureClock(connection));
    DELTALAKEDB_ASSIGN(const auto table, store.FindTable(table_.table_id));
    if (!table) return Fail(ErrorCode::kNotFound, "the table is no longer in the catalog");
    // Of an older version it does not matter which: it is another than the latest where either was
    // changed since, and then the commit has to look at what changed.
    const auto known = [&](Version newest) {
      return newest <= stored.row.version ? newest : Version(-1);
    };
    return CommitBase{std::move(stored.state), known(table->metadata_version),
                      known(table->protocol_version)};
  });
}

Result<std::string> SqlLog::LoadCommitText(Version version) const {
  return database_->Read([&](store::Connection& connection) -> Result<std::string> {
    MetadataStore store(connection);
    DELTALAKEDB_ASSIGN(const auto stored,
                       OpenStoredText(store, table_.table_id, {version, store::Origin::kCommit}));
    if (!stored) {
      return Fail(
          Error(ErrorCode::kNotFound,
                fmt::format("the commit of version {} is not in the catalog", version.value()))
              .With("version", version.value()));
    }
    std::string text;
    for (;;) {
      DELTALAKEDB_ASSIGN(const auto chunk, stored->chunks->Next());
      if (!chunk) return text;
      text += chunk->text;
    }
  });
}

Result<ProposalAnswer> SqlLog::Propose(const ProposedCommit& proposed) const {
  ChunkOptions options;
  options.table = table_.table_id;
  options.table_root = table_root();
  DELTALAKEDB_ASSIGN(const CommitRows rows, CommitRows::Make(proposed.body, options));
  store::TableCommit commit;
  commit.table_id = table_.table_id;
  commit.expected = proposed.after;
  commit.metadata_version = proposed.metadata_version;
  commit.protocol_version = proposed.protocol_version;
  commit.timestamp = proposed.timestamp;
  commit.is_in_commit = proposed.is_in_commit;
  commit.clock_skew_ms_max = kClockSkewMsMax;
  commit.commit_id = proposed.commit_id;
  commit.attempt_id = proposed.attempt_id;
  commit.app_transaction = proposed.app_transaction;
  rows.FillIn(commit);
  DELTALAKEDB_ASSIGN(const std::int64_t now_us, EstimateClockUs());
  commit.deadline_us = now_us + kProposalUsMax;
  DELTALAKEDB_ASSIGN(const store::CommitAnswer answer,
                     AppendQueue::Takes(commit) ? appends_.Run(commit) : appends_.RunAlone(commit));
  if (answer.kind == store::CommitAnswer::Kind::kUnknown) return Answer(Kind::kUnknown);
  if (answer.kind == store::CommitAnswer::Kind::kDone) {
    return ProposalAnswer{Kind::kCommitted, answer.version, answer.timestamp};
  }
  switch (answer.refusal) {
    case CommitRefusal::kNoTable:
      return Fail(Error(ErrorCode::kNotFound,
                        fmt::format("the table {} is no longer in the catalog", table_.name))
                      .With("table", table_.name));
    case CommitRefusal::kShared:
      return Fail(Error(ErrorCode::kConflict,
                        fmt::format("the table {} is in shared mode by now, where its log files "
                                    "decide: open it again",
                                    table_.name))
                      .With("table", table_.name)
                      .With("conflict", "TableMode"));
    case CommitRefusal::kVersion:
    case CommitRefusal::kMetadata:
      return Answer(Kind::kLost);
    case CommitRefusal::kDeadline:
      clock_offset_us_ = kNotMeasured;
      return Answer(Kind::kLost);
    case CommitRefusal::kTimestamp:
    case CommitRefusal::kClockSkew:
      return Answer(Kind::kTime);
    case CommitRefusal::kNotLive:
    case CommitRefusal::kOtherVector:
      return Answer(Kind::kFiles);
    case CommitRefusal::kAppTransaction:
      return Answer(Kind::kSuperfluous);
    case CommitRefusal::kFenced:
      return Answer(Kind::kFenced);
    case CommitRefusal::kCommitId:
      break;
  }
  DELTALAKEDB_ASSIGN(const auto found, FindCommit(proposed.commit_id));
  return found.value_or(Answer(Kind::kLost));
}

Result<ProposalAnswer> SqlLog::Settle(const ProposedCommit& commit,
                                      std::string_view attempt_id) const {
  return database_->Retry([&]() -> Result<ProposalAnswer> {
    DELTALAKEDB_ASSIGN(const auto connection, database_->Acquire());
    DELTALAKEDB_ASSIGN(const auto found, store::SettleCommit(*connection, table_.table_id,
                                                             commit.commit_id, attempt_id));
    if (!found) return Answer(Kind::kLost);
    return ProposalAnswer{Kind::kThere, found->version, found->timestamp};
  });
}

}  // namespace deltalakedb::log
