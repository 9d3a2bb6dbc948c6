// Files in the order of their paths, in bounded memory: sorted runs, compressed into an unnamed
// temporary file when there is more than one, then merged.
#pragma once

#include <cstddef>
#include <memory>

#include "deltalakedb/file_stream.h"
#include "deltalakedb/result.h"

namespace deltalakedb::log {

// How much is sorted in memory at a time. Unit: bytes of the files' texts.
inline constexpr std::size_t kSortRunBytes = 48 * 1024 * 1024;

// Reads `files` to its end and gives them out as FileOrder::kByPath says. `run_bytes` is a
// parameter for tests. Errors: those of `files`; Io (no room for the temporary file), Permission.
Result<std::unique_ptr<FileStream>> SortByPath(FileStream& files,
                                               std::size_t run_bytes = kSortRunBytes);

}  // namespace deltalakedb::log
