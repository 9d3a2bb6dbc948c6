// Bringing a DuckDB mirror up to date.
//
// Thread-safety: may run for several tables at once, in one file also.
#pragma once

#include <string>

#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"
#include "mirror/duckdb/table_feed.h"

namespace deltalakedb::mirror {

// Versions, and actions of files, that one transaction of the mirror takes in at most. A single
// commit may have more actions.
inline constexpr std::int64_t kVersionsPerStep = 1'000;
inline constexpr std::size_t kActionsPerStep = 100'000;

// As MirrorEngine::Publish: the file at `place` is brought to the feed's last version, wherever it
// is; each step is one transaction. `note` is called after each.
// Errors: Conflict (the file is not the mirror's, its name for the view is somebody else's, or the
// version that it has is not the catalog's), Unsupported (what a view cannot show), Busy (another
// process has the file), those of the feed and of the table's files.
Result<void> PublishToDuckDb(const TableFeed& feed, const std::string& place,
                             const MirrorProgress& progress, const MirrorEngine::Note& note);

}  // namespace deltalakedb::mirror
