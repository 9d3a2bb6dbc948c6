// Names of the files in a `_delta_log` folder and what a listing of it offers
// (PROTOCOL.md, Log files and names). Pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/ids.h"
#include "storage/file_system.h"

namespace deltalakedb::log {

// "00000000000000000012.json"
std::string CommitName(Version version);

enum class CheckpointKind { kClassic, kMultiPart, kUuidJson, kUuidParquet };

// A complete checkpoint: all the parts that its names announce are listed.
struct CheckpointFiles {
  Version version;
  CheckpointKind kind = CheckpointKind::kClassic;
  std::vector<storage::FileInfo> files;  // in the order of the parts; one file but for kMultiPart
};

// A set of parts of which some are missing. Readers ignore it, unless nothing else is left to read.
struct IncompleteCheckpoint {
  Version version;
  std::int64_t parts_expected = 0;
  std::int64_t parts_found = 0;
};

// `[first, last]`, both included, reconciled into one file.
struct CompactionFile {
  Version first;
  Version last;
  storage::FileInfo file;
};

// What a folder holds. Files that are none of the protocol's are passed over.
struct LogListing {
  std::map<Version, storage::FileInfo> commits;
  // By version, and within one version from the least to the most preferred: classic, then parts
  // (more are better), then UUID-named (the greatest name).
  std::vector<CheckpointFiles> checkpoints;
  std::vector<IncompleteCheckpoint> incomplete_checkpoints;
  std::vector<CompactionFile> compactions;         // by first version, then by last
  std::map<Version, storage::FileInfo> checksums;  // `.crc`

  // Whether this is a log at all; checksums alone make none.
  bool IsEmpty() const {
    return commits.empty() && checkpoints.empty() && incomplete_checkpoints.empty();
  }
  // The newest version that a commit or checkpoint stands for. The listing must not be empty.
  Version Latest() const;
};

LogListing ArrangeListing(std::vector<storage::FileInfo> files);

// What to read for one version: a base, then commits and compactions in order.
struct LogSegment {
  struct Piece {
    Version first;
    Version last;  // the same as `first` for a commit
    storage::FileInfo file;
  };

  Version version;
  std::optional<CheckpointFiles> base;  // none: everything from version 0 on
  std::vector<Piece> pieces;            // contiguous, up to `version`
};

// A way to rebuild a version was looked for and not found: this commit is missing.
struct MissingCommit {
  Version commit;
};

// The pieces after `base` (or from version 0 on without one) up to `version`. A commit that is
// there is preferred to a compaction that covers it: the commits are authoritative, and compaction
// serves where they are gone.
std::expected<LogSegment, MissingCommit> PlanSegment(const LogListing& listing,
                                                     std::optional<CheckpointFiles> base,
                                                     Version version);

}  // namespace deltalakedb::log
