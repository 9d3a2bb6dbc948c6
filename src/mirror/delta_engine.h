// The engine `delta`: a `_delta_log` beside the data or elsewhere, which Spark, Trino, Polars,
// delta-rs and DuckDB read.
#pragma once

#include <memory>
#include <string>

#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"

namespace deltalakedb::mirror {

std::unique_ptr<MirrorEngine> MakeDeltaEngine();

// Whether there is a log in a table's folder, which only one that was imported has at first.
// Errors: InvalidArgument (no such place), those of the file system.
Result<bool> HasLogAt(const std::string& place);

}  // namespace deltalakedb::mirror
