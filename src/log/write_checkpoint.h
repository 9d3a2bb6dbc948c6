// Writing the checkpoint of a version, of whichever kind its table asks for (PROTOCOL.md,
// Checkpoints and Table properties).
//
// V2 where `delta.checkpointPolicy` is `v2` and the protocol has v2Checkpoint: sidecars in
// `_sidecars`, which are durable before the top file that names them gets its name. Classic
// otherwise. Statistics are texts but where delta.checkpoint.writeStatsAsJson is false; and typed
// columns but where delta.checkpoint.writeStatsAsStruct is false, as Spark has it.
//
// The files of a V2 checkpoint are named after the table, the version and their own content: who
// writes the same rows finds the same files there, and who writes others (a tombstone expired, an
// order changed) writes a checkpoint beside, never half of each.
//
// Thread-safety: free functions; what they are given belongs to the caller.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "deltalakedb/file_stream.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "log/log_folder.h"
#include "log/tombstone_stream.h"
#include "storage/checkpoint_writer.h"
#include "storage/file_system.h"

namespace deltalakedb::log {

// A sidecar ends when it has so many actions, as Spark's do, or about so many bytes.
inline constexpr std::int64_t kSidecarActionsMax = 50'000;
inline constexpr std::int64_t kSidecarBytesMax = 64 * 1024 * 1024;

// Tombstones of this moment and before have expired for a table with that metaData. Of a retention
// that nobody can read all are kept.
Timestamp TombstoneExpiry(const Metadata& metadata, Timestamp now);

// What a checkpoint is made of. The streams are read once, to their ends.
struct CheckpointInput {
  const TableState& state;
  FileStream& adds;             // all live files, with their stats
  TombstoneStream& tombstones;  // the expired ones may be among them
  Timestamp now;                // decides which tombstones have expired
};

struct PutCheckpoint {
  // kExists: one of that name is there, which was left alone. It is of the same version, and a V2
  // one has the same content.
  storage::PutResult result = storage::PutResult::kExists;
  Version version;
  storage::CheckpointSize size;  // all files of it together
  std::string name;              // of the file that readers find it by, in `_delta_log`
};

// Writes the checkpoint of `input` into the log's folder, unless it is there, and
// `_last_checkpoint` unless that is of a later version. The commit of the version has to be there
// already. Tombstones that have expired are left out; app transactions never are, as
// implementations disagree on their age (PROTOCOL.md, Reconciliation). `options` is for the
// checkpoint's files. Memory: a row group, and of a V2 checkpoint a sidecar or the top file.
// Errors: those of the streams and of writing, after which sidecars may be left that nothing names,
// which log clean-up removes.
Result<PutCheckpoint> WriteCheckpoint(const storage::FileSystem& file_system,
                                      const std::string& log_path, const CheckpointInput& input,
                                      const storage::PutOptions& options);

// The same of a version as a log's folder has it, once more where the checkpoint that it is made
// from proves damaged only then. The commit of the version has to be in the listing.
// Errors: as FileLog::LoadSnapshot; those of writing.
Result<PutCheckpoint> WriteCheckpointOfLog(const std::shared_ptr<const LogFolder>& folder,
                                           Version version, Timestamp now);

}  // namespace deltalakedb::log
