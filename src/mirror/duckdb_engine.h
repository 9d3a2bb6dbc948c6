// The engine `duckdb`: a DuckDB file with a view of the table (docs/mirror-duckdb.md).
#pragma once

#include <memory>

#include "deltalakedb/mirror_engine.h"

namespace deltalakedb::mirror {

inline constexpr const char* kDuckdbEngine = "duckdb";
// The file in the table's folder that is the mirror where no other place is named.
inline constexpr const char* kDuckdbFileName = "_deltalakedb.duckdb";

std::unique_ptr<MirrorEngine> MakeDuckdbEngine();

}  // namespace deltalakedb::mirror
