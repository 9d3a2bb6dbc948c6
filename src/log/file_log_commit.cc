// FileLog as writers see it: the file of a version decides who has committed it.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/try.h"
#include "log/file_log.h"
#include "log/log_files.h"
#include "protocol/commit_body.h"
#include "protocol/features.h"
#include "protocol/paths.h"

namespace deltalakedb::log {

namespace {

using Kind = ProposalAnswer::Kind;

// So many commits are read when a commit that was given an id looks whether it is there: whoever
// makes one again does so soon.
constexpr std::int64_t kCommitIdsMax = 100;

ProposalAnswer Answer(Kind kind, const ProposedCommit& commit) {
  return {kind, commit.after ? commit.after->next() : Version(0), commit.timestamp};
}

}  // namespace

std::string FileLog::table_root() const { return protocol::CanonicalRoot(table_path_); }

Result<Timestamp> FileLog::LoadClock() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return Timestamp(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

Result<Timestamp> FileLog::EstimateClock() const { return LoadClock(); }

Result<std::optional<ProposalAnswer>> FileLog::FindCommit(std::string_view commit_id) const {
  HistoryOptions options;
  options.limit = kCommitIdsMax;
  DELTALAKEDB_ASSIGN(const auto history, LoadHistory(options));
  for (const HistoryEntry& entry : history) {
    if (entry.commit_id != commit_id) continue;
    return ProposalAnswer{Kind::kThere, entry.version, entry.timestamp};
  }
  return std::nullopt;
}

Result<CommitBase> FileLog::LoadCommitBase(TableVersion which) const {
  DELTALAKEDB_ASSIGN(TableState state, LoadState(which));
  DELTALAKEDB_TRY(protocol::CheckReadable(state.protocol));
  const Version version = state.version;
  return CommitBase{std::move(state), version, version};
}

Result<std::string> FileLog::LoadCommitText(Version version) const {
  DELTALAKEDB_ASSIGN(const auto file, file_system_.Open(fmt::format("{}/_delta_log/{}", table_path_,
                                                                    CommitName(version))));
  if (file->size_bytes() > static_cast<std::int64_t>(protocol::kCommitBodyBytesMax)) {
    return Fail(Error(ErrorCode::kLimitExceeded,
                      fmt::format("{} has {} bytes, and {} are taken", file->path(),
                                  file->size_bytes(), protocol::kCommitBodyBytesMax))
                    .With("file", file->path()));
  }
  std::string text(static_cast<std::size_t>(file->size_bytes()), '\0');
  DELTALAKEDB_ASSIGN(const std::size_t read, file->ReadAt(0, text));
  text.resize(read);
  return text;
}

Result<ProposalAnswer> FileLog::Propose(const ProposedCommit& commit) const {
  const Version version = commit.after ? commit.after->next() : Version(0);
  const auto put = PutCommit(version, commit.body);
  if (!put) {
    // Only a server's answer can be lost.
    if (put.error().code() == ErrorCode::kUnavailable) return Answer(Kind::kUnknown, commit);
    return Fail(put.error());
  }
  if (*put == storage::PutResult::kWritten) return Answer(Kind::kCommitted, commit);
  DELTALAKEDB_ASSIGN(const std::string there, LoadCommitText(version));
  return Answer(there == commit.body ? Kind::kThere : Kind::kLost, commit);
}

// Nothing can keep a request that is under way from being done, so the same text is put again: then
// it does not matter which of the two is in time.
Result<ProposalAnswer> FileLog::Settle(const ProposedCommit& commit,
                                       std::string_view /*attempt_id*/) const {
  DELTALAKEDB_ASSIGN(ProposalAnswer answer, Propose(commit));
  if (answer.kind == Kind::kCommitted) answer.kind = Kind::kThere;
  return answer;
}

}  // namespace deltalakedb::log
