// What writing a checkpoint takes beside its state: its name, a checkpoint out of JSON lines, and
// `_last_checkpoint` (PROTOCOL.md, Checkpoints).
//
// Thread-safety: free functions; what they are given belongs to the caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/line_chunks.h"
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

// The version that `_last_checkpoint` speaks of; nullopt where there is none that can be
// understood. Errors: those of reading it.
Result<std::optional<Version>> FindLastCheckpoint(const storage::FileSystem& file_system,
                                                  const std::string& log_path);

// Writes `_last_checkpoint` into the log's folder unless the one that is there is of a later
// version. Errors: those of reading and writing.
Result<void> PutLastCheckpoint(const storage::FileSystem& file_system, const std::string& log_path,
                               Version version, const storage::CheckpointSize& size);

}  // namespace deltalakedb::log
