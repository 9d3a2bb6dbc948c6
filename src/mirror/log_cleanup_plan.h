// Which files of a mirror's log are no longer needed (PROTOCOL.md, Log compaction and cleanup).
// Pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/log_files.h"
#include "storage/file_system.h"

namespace deltalakedb::mirror {

struct CleanupTable {
  const Protocol& protocol;
  const Metadata& metadata;
  // Its history was not made by the catalog, so that it has to say that it may go.
  bool is_imported = false;
};

// What was committed at this moment or before may go: midnight UTC before the end of
// `delta.logRetentionDuration`. Nullopt where nothing may: `delta.enableExpiredLogCleanup` is not
// true (for an imported table: not set to true), the retention cannot be understood, checkpoints
// are protected, or a feature is not known that could forbid it.
std::optional<Timestamp> FindCleanupCutoff(const CleanupTable& table, Timestamp now);

// When a version was committed, by the rules of time travel: never before the one below it.
using FindTime = std::function<Result<Timestamp>(Version)>;

// The checkpoint that history is to begin with: the newest complete one that is not later than
// `cutoff`, whose commit is there, and all commits after it up to `published`. Nullopt where there
// is none. Errors: those of `find_time`.
Result<std::optional<Version>> FindCutoffCheckpoint(const log::LogListing& listing,
                                                    Version published, Timestamp cutoff,
                                                    const FindTime& find_time);

// The names of those files that belong before it, in the order in which they have to go: from the
// oldest version up, so that what is left never has a gap above its first checkpoint, and of a
// version its commit before its checkpoint.
std::vector<std::string> PlanCleanup(const std::vector<storage::FileInfo>& files,
                                     Version checkpoint);

}  // namespace deltalakedb::mirror
