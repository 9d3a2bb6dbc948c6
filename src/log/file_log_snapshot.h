// Rebuilding a version of a file-based log: choosing a base, falling back when it is damaged.
#pragma once

#include <memory>
#include <optional>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "log/log_folder.h"

namespace deltalakedb::log {

// The snapshot at `version`, which must not be negative. `latest` is the table's latest metadata
// where the caller has it already; else it is looked up where it decides the snapshot's timestamp.
// Errors: NotFound (later than the latest, or its log is gone: facts version, latestVersion and,
// where the latest version itself can be rebuilt, earliestVersion), Unsupported, Corrupt, Io,
// Permission.
Result<std::shared_ptr<const Snapshot>> RebuildSnapshot(
    const std::shared_ptr<const LogFolder>& folder, Version version,
    const Metadata* latest = nullptr);

// The contiguous run of versions that ends with the latest: from the lowest base, which is 0 or a
// version with a readable checkpoint, whose every later commit is there.
// Errors: Corrupt (the latest version itself cannot be rebuilt), Io, Permission.
Result<VersionRange> FindAvailableRange(const LogFolder& folder);

}  // namespace deltalakedb::log
