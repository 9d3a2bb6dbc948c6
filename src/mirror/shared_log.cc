#include "mirror/shared_log.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/retry.h"
#include "base/try.h"
#include "deltalakedb/uri.h"
#include "mirror/engines.h"
#include "mirror/sync.h"
#include "storage/table_folder.h"
#include "store/metadata_store.h"
#include "store/mirror_store.h"

namespace deltalakedb::mirror {

namespace {

using Kind = ProposalAnswer::Kind;

// For what the catalog still has to publish when a table has just become shared.
constexpr std::chrono::milliseconds kPublishWaitMax(30'000);
// While other processes take in the same commits.
constexpr base::RetryPolicy kPauses{.retries = 8,
                                    .first_pause = std::chrono::milliseconds(5),
                                    .pause_max = std::chrono::milliseconds(500)};

bool MayPass(const Error& error) {
  return error.code() == ErrorCode::kBusy || error.code() == ErrorCode::kUnavailable;
}

}  // namespace

Result<std::unique_ptr<SharedLog>> SharedLog::Open(std::string_view uri,
                                                   std::shared_ptr<store::Database> database,
                                                   const store::TableRow& table, LogSink& sink) {
  std::unique_ptr<SharedLog> log(new SharedLog(uri, std::move(database), table, sink));
  DELTALAKEDB_ASSIGN(log->catalog_, log::SqlLog::Open(log->database_, table.table_id));
  DELTALAKEDB_ASSIGN(const Uri location, Uri::Parse(table.location));
  DELTALAKEDB_ASSIGN(auto folder, storage::FindTableFolder(location));
  log->files_ = log::FileLog::At(*folder.file_system, std::move(folder.path), sink);
  DELTALAKEDB_TRY(log->CheckInStep());
  return log;
}

// What the catalog decided before the table was shared has to be in the log as it decided it.
Result<void> SharedLog::CheckInStep() const {
  DELTALAKEDB_ASSIGN(const auto mirror, database_->Read([&](store::Connection& connection) {
    return store::MirrorStore(connection).Find({table_.table_id, kDeltaEngine});
  }));
  const bool is_in_step = mirror && mirror->next_state == store::kMirrorPending &&
                          mirror->published >= mirror->current_version;
  return is_in_step ? Result<void>() : Publish();
}

Result<void> SharedLog::Publish() const {
  DELTALAKEDB_ASSIGN(const MirrorRun run, Publisher(database_, sink_)
                                              .Run(table_.table_id, std::string(kDeltaEngine),
                                                   std::nullopt, kPublishWaitMax));
  return run.error ? Fail(*run.error) : Result<void>();
}

Result<void> SharedLog::TakeInNew() const {
  return base::Retry(kPauses, MayPass, [&]() -> Result<void> {
    DELTALAKEDB_ASSIGN(const auto row, database_->Read([&](store::Connection& connection) {
      return store::MetadataStore(connection).FindTable(table_.table_id);
    }));
    if (!row) return Fail(ErrorCode::kNotFound, "the table is no longer in the catalog");
    DELTALAKEDB_ASSIGN(const bool has_more, HasMore(*row));
    if (!has_more) return {};
    const auto taken = TakeIn(uri_, *row, Verification::kNone, sink_);
    if (taken) return {};
    // Which also finds out about a divergence, and notes it.
    if (taken.error().code() == ErrorCode::kConflict) DELTALAKEDB_TRY(Publish());
    return Fail(taken.error());
  });
}

Result<void> SharedLog::TakeInNew(TableVersion which) const {
  return which.version() == nullptr ? TakeInNew() : Result<void>();
}

Result<Version> SharedLog::LoadLatestVersion() const {
  DELTALAKEDB_TRY(TakeInNew());
  return catalog_->LoadLatestVersion();
}

Result<std::shared_ptr<const Snapshot>> SharedLog::LoadSnapshot(TableVersion which) const {
  DELTALAKEDB_TRY(TakeInNew(which));
  return catalog_->LoadSnapshot(which);
}

Result<TableState> SharedLog::LoadState(TableVersion which) const {
  DELTALAKEDB_TRY(TakeInNew(which));
  return catalog_->LoadState(which);
}

Result<std::vector<HistoryEntry>> SharedLog::LoadHistory(const HistoryOptions& options) const {
  DELTALAKEDB_TRY(TakeInNew());
  return catalog_->LoadHistory(options);
}

Result<CommitBase> SharedLog::LoadCommitBase(TableVersion which) const {
  DELTALAKEDB_TRY(TakeInNew(which));
  return catalog_->LoadCommitBase(which);
}

Result<std::string> SharedLog::LoadCommitText(Version version) const {
  return catalog_->LoadCommitText(version);
}

Result<ProposalAnswer> SharedLog::Propose(const ProposedCommit& commit) const {
  auto answer = files_->Propose(commit);
  if (!answer && answer.error().code() == ErrorCode::kNotFound) {
    DELTALAKEDB_TRY(Publish());
    answer = files_->Propose(commit);
  }
  if (!answer || answer->kind == Kind::kUnknown) return answer;
  auto taken = TakeInNew();
  if (taken) return answer;
  if (answer->kind == Kind::kLost) return Fail(std::move(taken).error());
  // The file is the decision: whoever asks for the newest version next takes it in.
  sink_.Write(LogLevel::kWarning,
              fmt::format("version {} of table {} is committed, and the catalog has not taken it "
                          "in yet: {}",
                          answer->version.value(), table_.name, taken.error().message()));
  return answer;
}

// Nothing can keep a request that is under way from being done, so the same text is put again: then
// it does not matter which of the two is in time.
Result<ProposalAnswer> SharedLog::Settle(const ProposedCommit& commit,
                                         std::string_view /*attempt_id*/) const {
  DELTALAKEDB_ASSIGN(ProposalAnswer answer, Propose(commit));
  if (answer.kind == Kind::kCommitted) answer.kind = Kind::kThere;
  return answer;
}

Result<std::optional<ProposalAnswer>> SharedLog::FindCommit(std::string_view commit_id) const {
  DELTALAKEDB_TRY(TakeInNew());
  return catalog_->FindCommit(commit_id);
}

}  // namespace deltalakedb::mirror
