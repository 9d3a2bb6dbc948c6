// What differs between a `_delta_log` that mirrors a table and the catalog.
#pragma once

#include <vector>

#include "deltalakedb/import.h"
#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"

namespace deltalakedb::mirror {

// Compares every commit that is published byte for byte, and the state that readers get from the
// mirror's newest version with the catalog's: what its checkpoints say. Commits that log clean-up
// has taken away, with all before them, are no difference.
// Errors: those of reading both.
Result<std::vector<Difference>> VerifyDeltaMirror(const MirrorSource& source,
                                                  const MirrorPlace& place,
                                                  const MirrorProgress& progress);

}  // namespace deltalakedb::mirror
