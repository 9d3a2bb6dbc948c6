// A checkpoint as the base of a snapshot: opened, its state read, its files to be streamed
// (PROTOCOL.md, Checkpoints).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/result.h"
#include "log/log_folder.h"
#include "log/log_state.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::log {

// Where the file actions of a checkpoint are: all of its Parquet files that hold some, and, for a
// V2 checkpoint whose top file is JSON, that file.
struct BaseCheckpoint {
  Version version;
  std::vector<std::shared_ptr<const storage::ParquetCheckpoint>> parquet_files;
  std::optional<storage::FileInfo> json_file;
  std::vector<std::string> sidecars;  // their names in `_sidecars`
};

// Opens every file of a checkpoint, sidecars included, and applies its state to `state`.
// Errors: Corrupt (a file that cannot be understood, a sidecar that is gone), Io, Permission.
Result<BaseCheckpoint> OpenCheckpoint(const LogFolder& folder, const CheckpointFiles& files,
                                      LogState& state);

}  // namespace deltalakedb::log
