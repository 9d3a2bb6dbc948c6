// The live files and the tombstones of a file-based snapshot: the base's that no later commit
// names, then those of the commits.
#pragma once

#include <memory>
#include <optional>

#include "deltalakedb/file_stream.h"
#include "deltalakedb/result.h"
#include "log/base_checkpoint.h"
#include "log/commit_scan.h"
#include "log/log_folder.h"
#include "log/tombstone_stream.h"

namespace deltalakedb::log {

// Everything that a snapshot knows about where its files are. Immutable.
struct FileSources {
  std::shared_ptr<const LogFolder> folder;
  LogSegment segment;
  std::optional<BaseCheckpoint> base;
  CommitScan scan;
};

// Streams the live files, unordered.
std::unique_ptr<FileStream> StreamFiles(std::shared_ptr<const FileSources> sources,
                                        storage::CheckpointColumns columns);

// Streams the removes that name a file last, unordered.
std::unique_ptr<TombstoneStream> StreamTombstones(std::shared_ptr<const FileSources> sources);

// Reads all that the base says of files, and keeps nothing: whether it can be streamed to its end.
// Errors: those of the streams.
Result<void> ReadBaseThrough(const std::shared_ptr<const FileSources>& sources);

// Counts the base's files that are still live.
Result<FileTotals> CountBaseFiles(const std::shared_ptr<const FileSources>& sources);

}  // namespace deltalakedb::log
