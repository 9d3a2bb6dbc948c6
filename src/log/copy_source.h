// What a file-based log offers to a log that copies it: the one contiguous run of versions that the
// other can hold, whose commit files are all there (DESIGN, What a database holds).
//
// Thread-safety: a CopySource is immutable; streams belong to one thread at a time. Ownership: it
// keeps the listing; the file system and the sink of the listing outlive it and its streams.
//
//   DELTALAKEDB_ASSIGN(const auto folder, file_log.ListFolder());
//   DELTALAKEDB_ASSIGN(const auto source, CopySource::Plan(folder, {}));
//   if (source.has_base()) { DELTALAKEDB_ASSIGN(auto base, source.OpenBase()); … }
//   for (const CopySource::Commit& commit : source.commits()) …
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/action_lines.h"
#include "log/commit_times.h"
#include "log/file_log_stream.h"
#include "log/line_chunks.h"
#include "log/log_folder.h"
#include "log/log_state.h"

namespace deltalakedb::log {

struct CopyRange {
  std::optional<Version> up_to;  // none: up to the latest
  // The base is the last version itself, its state reconciled from whatever the log has; version 0
  // is its commit where that is there.
  bool latest_only = false;
  // What the copier has already, for continuing a copy: when every commit after `version` is there,
  // these are the run, and no base is looked for. `metadata` is that of `version`.
  struct Copied {
    Version version;
    Metadata metadata;
  };
  std::optional<Copied> after;
};

class CopySource {
 public:
  struct Commit {
    Version version;
    LinesFile file;
  };

  // Finds the run: from the lowest base, which is version 0 or a version with a readable
  // checkpoint, whose every later commit file is there, to the last version wanted. Where there is
  // no such base but the last version can be read all the same, as through a compaction, the base
  // is the lowest version that can be rebuilt and is followed by commit files alone. A checkpoint
  // is read through before it is chosen; one that is damaged is none, and the sink hears of it.
  // Whether this program can read the table's features is not asked.
  // Errors: NotFound (`up_to` is not available: facts version, latestVersion and, where known,
  // earliestVersion), InvalidArgument (a negative one), Corrupt (no base, as when the latest
  // version is read; no metaData), Unavailable with the fact `file` (the log changed meanwhile:
  // list anew), Io, Permission.
  static Result<CopySource> Plan(std::shared_ptr<const LogFolder> folder, const CopyRange& range);

  const LogFolder& folder() const { return *folder_; }
  // Empty (`last` before `first`) when there is nothing after CopyRange::after.
  VersionRange versions() const { return versions_; }
  // Whether the run starts with a state. False: it starts with a commit, that of version 0 or the
  // one following CopyRange::after.
  bool has_base() const { return base_ != nullptr; }
  // The commit files of the run in order. The first is that of the base version when has_base() and
  // that file still exists.
  const std::vector<Commit>& commits() const { return commits_; }

  // The state of the base version, which has a protocol and a metaData. Only with a base.
  const LogState& base_state() const { return *base_state_; }
  // The base's reconciled state as JSON lines, one action each: protocol, metaData, txn by
  // application id, domainMetadata by domain (none removed), add in the order of the log, remove
  // (tombstones). In chunks of whole lines of about kChunkBytes; memory is bounded. The same source
  // gives the same text each time. Only with a base.
  // Errors, also of the stream: Corrupt, Io, Permission, Unavailable (the log changed meanwhile).
  Result<std::unique_ptr<LineChunkStream>> OpenBase() const;

  // When a version of the run was committed, by the log's latest metadata as every reader of the
  // log sees it. `info` is its commitInfo when that has been read already. Errors as
  // CommitTimes::Find.
  Result<CommitTime> FindTime(Version version, const CommitInfo* info = nullptr) const {
    return times_.FindDetailed(version, info);
  }

 private:
  // Without a base; `known` is what the run continues. Null: it starts with version 0.
  static Result<CopySource> Make(std::shared_ptr<const LogFolder> folder, VersionRange versions,
                                 const CopyRange::Copied* known);

  CopySource(std::shared_ptr<const LogFolder> folder, VersionRange versions, CommitTimes times)
      : folder_(std::move(folder)), versions_(versions), times_(std::move(times)) {}

  std::shared_ptr<const LogFolder> folder_;
  VersionRange versions_;
  CommitTimes times_;
  std::vector<Commit> commits_;
  std::shared_ptr<const FileSources> base_;
  std::shared_ptr<const LogState> base_state_;
};

}  // namespace deltalakedb::log
