// The removed files of a version that a checkpoint keeps, out of a catalog.
#pragma once

#include <memory>
#include <optional>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/tombstone_stream.h"
#include "store/database.h"

namespace deltalakedb::log {

struct StoredTombstones {
  std::shared_ptr<store::Database> database;
  TableId table;
  std::optional<Version> base_version;  // as store::TableRow has it
  Version version;
  // Those that were deleted at this moment or before have expired.
  Timestamp expiry;
};

// Streams them unordered, in a read transaction that lasts as long as the stream.
// Errors, also of the stream: Corrupt, those of the database.
Result<std::unique_ptr<TombstoneStream>> StreamStoredTombstones(const StoredTombstones& tombstones);

}  // namespace deltalakedb::log
