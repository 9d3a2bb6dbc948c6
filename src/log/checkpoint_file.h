// Checkpoints as a log writes them (PROTOCOL.md, Checkpoints).
//
// Thread-safety: free functions; what they are given belongs to the caller.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/line_chunks.h"
#include "log/log_folder.h"
#include "storage/checkpoint_writer.h"
#include "storage/file_system.h"

namespace deltalakedb::log {

// "00000000000000000012.checkpoint.parquet"
std::string ClassicCheckpointName(Version version);
inline constexpr std::string_view kLastCheckpointName = "_last_checkpoint";

// Puts the actions of JSON lines, one each, as CopySource::OpenBase gives them, into a checkpoint.
// `name` is that of the text, for messages. Actions that no checkpoint has are passed over.
// Errors: Corrupt (a line), those of the stream and the writer.
Result<storage::CheckpointSize> WriteCheckpointOfLines(LineChunkStream& lines,
                                                       const std::string& name,
                                                       storage::OutputFile& file);

// Writes the state of `version` as the log has it into `file`, which `make_file` makes, once more
// where the checkpoint that it is made from proves damaged only then. Tombstones that had expired
// at `now` are left out; app transactions never are, as implementations disagree on their age
// (PROTOCOL.md, Reconciliation). `stats` are kept but where delta.checkpoint.writeStatsAsJson is
// false.
// Errors: as FileLog::LoadSnapshot; those of writing.
struct CheckpointDraft {
  std::unique_ptr<storage::OutputFile> file;  // still to be finished
  storage::CheckpointSize size;
};
using MakeFile = std::function<Result<std::unique_ptr<storage::OutputFile>>()>;
Result<CheckpointDraft> WriteCheckpointOfLog(const std::shared_ptr<const LogFolder>& folder,
                                             Version version, Timestamp now,
                                             const MakeFile& make_file);

// The version that `_last_checkpoint` speaks of; nullopt where there is none that can be
// understood. Errors: those of reading it.
Result<std::optional<Version>> FindLastCheckpoint(const storage::FileSystem& file_system,
                                                  const std::string& log_path);

// Writes `_last_checkpoint` into the log's folder unless the one that is there is of a later
// version. Errors: those of reading and writing.
Result<void> PutLastCheckpoint(const storage::FileSystem& file_system, const std::string& log_path,
                               Version version, const storage::CheckpointSize& size);

}  // namespace deltalakedb::log
