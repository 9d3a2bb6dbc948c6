// The tombstones of a version, in batches of bounded size, as FileStream for live files.
//
// Thread-safety: a stream belongs to one thread at a time; batches are values.
#pragma once

#include <optional>

#include "deltalakedb/result.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::log {

class TombstoneStream {
 public:
  virtual ~TombstoneStream() = default;
  // The next batch, never an empty one; nullopt at the end. After an error the stream is done for.
  // Errors: Corrupt, Io, Permission.
  virtual Result<std::optional<storage::RemoveBatch>> Next() = 0;
};

}  // namespace deltalakedb::log
