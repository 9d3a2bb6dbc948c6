// Checkpoints out of the catalog: no log is replayed.
#pragma once

#include <optional>
#include <string>

#include "deltalakedb/ids.h"
#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::mirror {

// The newest version that is published and that `delta.checkpointInterval` makes a checkpoint due
// for, unless there is one (PROTOCOL.md, Checkpoints). After a backlog the older ones are left out:
// readers need but one.
std::optional<Version> FindDueCheckpoint(const MirrorSource& source,
                                         const MirrorProgress& progress);

// Writes it where it is absent, and `_last_checkpoint` unless that is of a later version. Nothing
// where the program does not know a feature that readers of the table need.
// Errors: those of the catalog and of writing.
Result<void> WriteTableCheckpoint(const MirrorSource& source,
                                  const storage::FileSystem& file_system,
                                  const std::string& log_path, Version version,
                                  bool absolute_paths);

}  // namespace deltalakedb::mirror
