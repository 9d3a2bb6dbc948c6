// The first pass over the commits of a segment: replays everything but files, and finds out which
// add of which line is live and which remove a tombstone, so that a later pass parses those lines
// and no others.
#pragma once

#include <tsl/robin_set.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/file_stream.h"
#include "deltalakedb/result.h"
#include "log/log_folder.h"
#include "log/log_state.h"
#include "protocol/file_key.h"

namespace deltalakedb::log {

using FileKeySet = tsl::robin_set<protocol::FileKey, protocol::FileKeyHash>;

// Which lines of one piece of a segment count in the state of its version.
struct LiveLines {
  std::vector<bool> is_live;       // by line number: holds a live add
  std::vector<bool> is_tombstone;  // by line number: holds the remove that names its file last
  std::int64_t num_live = 0;
  std::int64_t num_tombstones = 0;
};

struct CommitScan {
  std::vector<LiveLines> live;  // by piece of the segment
  FileTotals totals;            // of the live adds in the pieces
  // Every file that the pieces add or remove: what the base says of these no longer counts.
  // Left empty when there is no base.
  FileKeySet named;
  std::optional<CommitInfo> last_commit_info;  // of the segment's version, if its commit has one
};

// Adds to the size of `totals`. Errors: Corrupt, when the sum is beyond 63 bits.
Result<void> AddSize(std::int64_t size_bytes, FileTotals& totals);

// Scans the pieces of a segment and applies their actions to `state`.
// Errors: Corrupt (with file and line), LimitExceeded, Io, NotFound.
Result<CommitScan> ScanCommits(const LogFolder& folder, const LogSegment& segment, LogState& state);

}  // namespace deltalakedb::log
