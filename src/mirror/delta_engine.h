// The engine `delta`: a `_delta_log` beside the data or elsewhere, which Spark, Trino, Polars,
// delta-rs and DuckDB read.
#pragma once

#include <memory>

#include "deltalakedb/mirror_engine.h"

namespace deltalakedb::mirror {

std::unique_ptr<MirrorEngine> MakeDeltaEngine();

}  // namespace deltalakedb::mirror
