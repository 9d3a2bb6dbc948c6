// Log clean-up of a mirror: files that no reader needs any more, as the table's properties say
// (PROTOCOL.md, Log compaction and cleanup). The catalog keeps every version.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "deltalakedb/ids.h"
#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"
#include "log/log_files.h"
#include "storage/file_system.h"

namespace deltalakedb::mirror {

// Of one run, so that publishing does not wait for long; the rest goes after later checkpoints.
inline constexpr std::size_t kCleanupFilesMax = 1000;

struct LogCleanup {
  const storage::FileSystem& file_system;
  std::string log_path;
  Version published;
  bool absolute_paths = false;
  Timestamp now;
  std::size_t files_max = kCleanupFilesMax;
  // Called before each removal; its error ends the run.
  std::function<Result<void>()> note;
};

// Removes what is older than the table wants kept, once the checkpoint that readers are to begin
// with was read and found to be the catalog's. How many files went. A run that was killed is
// finished by the next one. Nothing goes that the catalog does not have: a log that begins before
// the catalog's first version stays as it is.
// Errors: Corrupt (the checkpoint is not the catalog's state: nothing is removed), those of the
// catalog and the file system, after which some files may be gone.
Result<std::size_t> CleanUpLog(const MirrorSource& source, const LogCleanup& cleanup);

// Where history begins in a log that was cleaned up, of a table that wants it so: its first
// checkpoint, so that publishing anew leaves out what is before. Nullopt where all is to be
// published. Errors: those of the catalog.
Result<std::optional<Version>> FindCleanedUpStart(const MirrorSource& source,
                                                  const log::LogListing& listing);

}  // namespace deltalakedb::mirror
