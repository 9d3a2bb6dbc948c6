// The engines by name.
#pragma once

#include <string>
#include <string_view>

#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"

namespace deltalakedb::mirror {

inline constexpr std::string_view kDeltaEngine = "delta";

// The engine that a name or alias stands for, which lives as long as the program.
// Errors: InvalidArgument (there is none; the message lists those there are).
Result<const MirrorEngine*> FindEngine(std::string_view name);

}  // namespace deltalakedb::mirror
