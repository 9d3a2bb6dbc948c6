// Comparing a DuckDB mirror with the catalog.
#pragma once

#include <string>
#include <vector>

#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"
#include "mirror/duckdb/table_feed.h"

namespace deltalakedb::mirror {

// As MirrorEngine::Verify; at most kDifferencesMax.
Result<std::vector<Difference>> VerifyDuckDb(const TableFeed& feed, const std::string& place,
                                             const MirrorProgress& progress);

}  // namespace deltalakedb::mirror
