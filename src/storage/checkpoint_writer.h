// Writing the Parquet files of a checkpoint, one action per row (PROTOCOL.md, Checkpoints): a
// checkpoint by the V1 specification, which is one file and which every table may have, or the top
// file and the sidecars of a V2 one.
//
// What a checkpoint has no column for is not in it: unknown fields of protocol and metaData, and
// stats and tags of removes. The same actions in the same order, put in the same pieces, give the
// same bytes from one build.
//
// Thread-safety: a writer belongs to one thread at a time; it encodes on another. Memory: two row
// groups.
//
//   DELTALAKEDB_ASSIGN(auto file, file_system.Create(path, {}));
//   DELTALAKEDB_ASSIGN(auto writer, CheckpointWriter::Make(*file, {}));
//   DELTALAKEDB_TRY(writer->Put(protocol));
//   DELTALAKEDB_TRY(writer->Put(metadata));  // and so on
//   DELTALAKEDB_ASSIGN(const CheckpointSize size, writer->Finish());
//   DELTALAKEDB_ASSIGN(const PutResult result, file->Finish());
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "protocol/parsed_columns.h"
#include "storage/file_system.h"

namespace deltalakedb::storage {

// Which rows a file has.
enum class CheckpointRows : std::uint8_t {
  kAll,    // a whole V1 checkpoint
  kTop,    // of a V2 checkpoint, all but file actions; it has their columns nevertheless
  kFiles,  // a sidecar: file actions only
};

struct CheckpointWriterOptions {
  CheckpointRows rows = CheckpointRows::kAll;
  // Whether `stats` is written as the JSON text that it is (delta.checkpoint.writeStatsAsJson).
  bool with_stats = true;
  // The columns of `stats_parsed` and `partitionValues_parsed`, which outlive the writer; null
  // where they are not written (delta.checkpoint.writeStatsAsStruct).
  const protocol::ParsedColumns* parsed = nullptr;
};

// A sidecar that is in `_sidecars`.
struct WrittenSidecar {
  std::string name;  // without its folder
  std::int64_t size_in_bytes = 0;
  Timestamp modified;
};

// What `_last_checkpoint` says of a checkpoint.
struct CheckpointSize {
  std::int64_t num_actions = 0;
  std::int64_t num_adds = 0;
  std::int64_t size_in_bytes = 0;
};

class CheckpointWriter {
 public:
  // A row group ends when it has so many rows, or texts of so many bytes.
  static constexpr std::int64_t kGroupRowsMax = 64 * 1024;
  static constexpr std::size_t kGroupTextBytesMax = 32 * 1024 * 1024;
  // Or, where statistics are typed, so many values of them.
  static constexpr std::int64_t kGroupCellsMax = 8 * 1024 * 1024;

  using StringMap = std::map<std::string, std::string>;

  virtual ~CheckpointWriter() = default;

  // Writes to `file`, which outlives it. Errors: Io.
  static Result<std::unique_ptr<CheckpointWriter>> Make(OutputFile& file,
                                                        const CheckpointWriterOptions& options);

  // Each puts one row, the file actions with dataChange false. Removed domains are left out.
  // Errors: those of writing; LimitExceeded (a text that Parquet cannot take); Internal (a row that
  // this file has none of).
  virtual Result<void> Put(const Protocol& protocol) = 0;
  virtual Result<void> Put(const Metadata& metadata) = 0;
  virtual Result<void> Put(const AppTransaction& transaction) = 0;
  virtual Result<void> Put(const DomainMetadata& domain) = 0;
  virtual Result<void> Put(const AddFile& add) = 0;
  virtual Result<void> Put(const RemoveFile& remove) = 0;
  // The rows that only the top file of a V2 checkpoint has. Errors: as Put.
  virtual Result<void> PutCheckpointMetadata(Version version, const StringMap& tags) = 0;
  virtual Result<void> PutSidecar(const WrittenSidecar& sidecar) = 0;

  // Writes what is left and the footer. Once at most; the file is still to be finished.
  virtual Result<CheckpointSize> Finish() = 0;
};

// The text of `_last_checkpoint`. It has no checksum: two rules for it are about, and a wrong one
// costs readers seconds (PROTOCOL.md, `_last_checkpoint`).
std::string LastCheckpointText(Version version, const CheckpointSize& size);

}  // namespace deltalakedb::storage
