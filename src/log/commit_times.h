// When each version was committed, by the protocol's rules (PROTOCOL.md, In-commit timestamps and
// time travel): in-commit timestamps where they are enabled, else file times made to increase.
//
// Thread-safety: immutable; members read files.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/log_folder.h"

namespace deltalakedb::log {

// Since which version and moment a table keeps in-commit timestamps.
struct InCommitTimestamps {
  Version since;
  std::optional<Timestamp> since_time;  // absent where `since` is 0
};

// Read from a table's configuration; nullopt when they are not enabled.
// Errors: Corrupt (an enablement property that is no number).
Result<std::optional<InCommitTimestamps>> FindInCommitTimestamps(const Metadata& metadata);

// Where the time of a version was found.
enum class TimeSource {
  kInCommit,    // its commit's in-commit timestamp
  kFile,        // a commit file's time
  kChecksum,    // the in-commit timestamp that its checksum repeats; the commit is gone
  kCheckpoint,  // its checkpoint's file time; the commit is gone
};

struct CommitTime {
  Timestamp time;  // by the rules: file times are moved so that they increase
  Timestamp raw;   // as found
  TimeSource source = TimeSource::kFile;
};

// The last version in `range` whose time is `moment` or before; nullopt when there is none.
// `time_of(version)` is a Result<Timestamp>, whose errors are passed on.
template <typename TimeOf>
Result<std::optional<Version>> FindLastUpTo(const std::optional<InCommitTimestamps>& in_commit,
                                            Timestamp moment, VersionRange range, TimeOf time_of) {
  // Which of the two kinds of time is meant goes by the moment alone.
  if (in_commit && in_commit->since > Version(0)) {
    Result<Timestamp> since_time = in_commit->since_time
                                       ? Result<Timestamp>(*in_commit->since_time)
                                       : time_of(std::max(in_commit->since, range.first));
    if (!since_time) return Fail(std::move(since_time).error());
    if (moment >= *since_time) {
      range.first = std::max(range.first, in_commit->since);
    } else {
      range.last = std::min(range.last, Version(in_commit->since.value() - 1));
    }
  }
  // Times increase within the range, so the last one at or before the moment is found by halving.
  std::int64_t low = range.first.value();
  std::int64_t high = range.last.value() + 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    Result<Timestamp> time = time_of(Version(middle));
    if (!time) return Fail(std::move(time).error());
    if (*time <= moment) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == range.first.value()) return std::optional<Version>();
  return std::optional(Version(low - 1));
}

// The error where that finds nothing: which moments there are. `subject` is "the table", or names
// it.
Error NoVersionAsOld(std::string_view subject, Timestamp moment, VersionRange range,
                     Timestamp first, Timestamp last);

class CommitTimes {
 public:
  // `metadata` is the latest one; `folder` outlives this.
  static Result<CommitTimes> Make(const LogFolder& folder, const Metadata& metadata);

  // When `version` was committed. `info` is its commitInfo when it has been read already, else the
  // commit is read where the rules ask for it.
  // Errors: Corrupt (an in-commit timestamp is missing), Io.
  Result<Timestamp> Find(Version version, const CommitInfo* info = nullptr) const;
  // The same with what it was made from.
  Result<CommitTime> FindDetailed(Version version, const CommitInfo* info = nullptr) const;

  // The last version in `range` that was committed at `moment` or before; nullopt when there is
  // none.
  Result<std::optional<Version>> FindLastUpTo(Timestamp moment, VersionRange range) const;

  // File times, for those who can do with an estimate: exact where in-commit timestamps are off.
  bool IsFileTime(Version version) const { return !in_commit_ || version < in_commit_->since; }

 private:
  CommitTimes(const LogFolder& folder, std::optional<InCommitTimestamps> in_commit);

  Result<CommitTime> ReadInCommitTimestamp(Version version) const;

  const LogFolder* folder_;
  std::optional<InCommitTimestamps> in_commit_;
  std::map<Version, CommitTime> file_times_;  // never decreasing; strictly among commits
};

}  // namespace deltalakedb::log
