#include "log/stored_tombstones.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "base/try.h"
#include "log/sql_log_files.h"
#include "protocol/arena.h"
#include "store/metadata_store.h"

namespace deltalakedb::log {

namespace {

constexpr std::size_t kBatchFiles = 512;

// The columns of list_tombstones.
enum Column {
  kPath,
  kDeletionTimestamp,
  kDataChange,
  kExtendedFileMetadata,
  kPartitionValues,
  kSize,
  kStats,
  kTags,
  kDvStorageType,
  kDvPathOrInline,
  kDvOffset,
  kDvSizeInBytes,
  kDvCardinality,
  kBaseRowId,
  kDefaultRowCommitVersion,
};

Result<RemoveFile> ReadStoredRemove(const store::Cursor& row, StoredMaps& maps) {
  protocol::Arena& arena = maps.arena();
  RemoveFile remove;
  remove.path = arena.Copy(row.Text(kPath));
  remove.deletion_timestamp = row.OptionalInt(kDeletionTimestamp);
  remove.data_change = row.Int(kDataChange) != 0;
  if (!row.IsNull(kExtendedFileMetadata)) {
    remove.extended_file_metadata = row.Int(kExtendedFileMetadata) != 0;
  }
  if (!row.IsNull(kPartitionValues)) {
    DELTALAKEDB_ASSIGN(remove.partition_values.emplace(), maps.Read(row.Text(kPartitionValues)));
  }
  remove.size = row.OptionalInt(kSize);
  if (!row.IsNull(kStats)) remove.stats = arena.Copy(row.Text(kStats));
  if (!row.IsNull(kTags)) {
    DELTALAKEDB_ASSIGN(remove.tags.emplace(), maps.Read(row.Text(kTags)));
  }
  if (!row.IsNull(kDvStorageType)) {
    DeletionVector& vector = remove.deletion_vector.emplace();
    vector.storage_type = arena.Copy(row.Text(kDvStorageType));
    vector.path_or_inline_dv = arena.Copy(row.Text(kDvPathOrInline));
    if (!row.IsNull(kDvOffset)) vector.offset = static_cast<std::int32_t>(row.Int(kDvOffset));
    vector.size_in_bytes = static_cast<std::int32_t>(row.Int(kDvSizeInBytes));
    vector.cardinality = row.Int(kDvCardinality);
  }
  remove.base_row_id = row.OptionalInt(kBaseRowId);
  remove.default_row_commit_version = row.OptionalInt(kDefaultRowCommitVersion);
  return remove;
}

class StoredTombstoneStream final : public TombstoneStream {
 public:
  StoredTombstoneStream(store::ConnectionLease connection, std::unique_ptr<store::Cursor> rows)
      : connection_(std::move(connection)), rows_(std::move(rows)) {}

  Result<std::optional<storage::RemoveBatch>> Next() override {
    auto arena = std::make_shared<protocol::Arena>();
    StoredMaps maps(*arena);
    storage::RemoveBatch batch;
    while (batch.files.size() < kBatchFiles) {
      DELTALAKEDB_ASSIGN(const bool has_row, rows_->Next());
      if (!has_row) break;
      DELTALAKEDB_ASSIGN(batch.files.emplace_back(), ReadStoredRemove(*rows_, maps));
    }
    if (batch.files.empty()) return std::optional<storage::RemoveBatch>();
    batch.owners.push_back(std::move(arena));
    return std::optional(std::move(batch));
  }

 private:
  store::ConnectionLease connection_;  // outlives its cursor
  std::unique_ptr<store::Cursor> rows_;
};

}  // namespace

Result<std::unique_ptr<TombstoneStream>> StreamStoredTombstones(
    const StoredTombstones& tombstones) {
  const auto open = [&]() -> Result<std::unique_ptr<TombstoneStream>> {
    DELTALAKEDB_ASSIGN(auto connection, tombstones.database->Acquire());
    DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kRead));
    DELTALAKEDB_ASSIGN(auto rows, store::MetadataStore(*connection)
                                      .ListTombstones(tombstones.table, tombstones.version,
                                                      tombstones.expiry, tombstones.base_version));
    return std::make_unique<StoredTombstoneStream>(std::move(connection), std::move(rows));
  };
  return tombstones.database->Retry(open);
}

}  // namespace deltalakedb::log
