// Parquet files of a checkpoint: classic, a part of several, the top file of a V2 one, a sidecar
// (PROTOCOL.md, Checkpoints).
//
// Thread-safety: const members may be used from several threads; a stream belongs to one at a time,
// the decoders it gives out to any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/file_stream.h"
#include "deltalakedb/result.h"
#include "protocol/action_json.h"
#include "storage/file_system.h"

namespace deltalakedb::storage {

// All of a checkpoint but its file actions.
struct CheckpointState {
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::vector<AppTransaction> app_transactions;
  std::vector<DomainMetadata> domain_metadata;
  std::optional<protocol::CheckpointMetadata> checkpoint_metadata;
  std::vector<protocol::Sidecar> sidecars;
};

// Which columns of `add` are read.
enum class CheckpointColumns {
  kSize,      // size alone: enough to count
  kIdentity,  // path, deletion vector and size
  kWithoutStats,
  kAll,
};

// Tombstones and the memory their views point into, as FileBatch for adds.
struct RemoveBatch {
  std::vector<RemoveFile> files;
  std::vector<std::shared_ptr<const void>> owners;
};

class ParquetCheckpoint {
 public:
  // Rows decoded at a time. Unit: rows. Bounds the memory of a stream.
  static constexpr std::int64_t kBatchRows = 4 * 1024;

  // Turns decoded columns into file actions. Does no I/O.
  template <typename Batch>
  using Decoder = std::function<Result<Batch>()>;

  template <typename Batch>
  class RowStream {
   public:
    virtual ~RowStream() = default;
    // The decoder of the next rows; nullopt at the end. Errors: Corrupt, Io.
    virtual Result<std::optional<Decoder<Batch>>> Next() = 0;
  };
  using AddStream = RowStream<FileBatch>;
  using RemoveStream = RowStream<RemoveBatch>;

  virtual ~ParquetCheckpoint() = default;

  // Reads the file's footer. Errors: Corrupt (not Parquet, or not a checkpoint's columns), Io.
  static Result<std::shared_ptr<const ParquetCheckpoint>> Open(
      std::shared_ptr<const InputFile> file);

  // Reads everything but file actions. Errors: Corrupt, Io.
  virtual Result<CheckpointState> LoadState() const = 0;

  // The live files; tombstones are left out. Errors: Corrupt, Io.
  virtual Result<std::unique_ptr<AddStream>> OpenAdds(CheckpointColumns columns) const = 0;

  // The tombstones with all their fields. Errors: Corrupt, Io.
  virtual Result<std::unique_ptr<RemoveStream>> OpenRemoves() const = 0;
};

}  // namespace deltalakedb::storage
