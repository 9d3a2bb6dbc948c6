#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "protocol/arena.h"
#include "storage/arrow_columns_internal.h"
#include "storage/checkpoint_files_internal.h"
#include "storage/checkpoint_state_internal.h"
#include "storage/parsed_stats_internal.h"

namespace deltalakedb::storage {

namespace {

// A map of a row in the order of the file; `entries` is room to work in.
std::optional<StringMapView> ReadMap(const MapColumn& column, std::int64_t row,
                                     std::vector<StringMapEntry>& entries, protocol::Arena& arena) {
  const auto range = column.at(row);
  if (!range) return std::nullopt;
  entries.clear();
  for (std::int64_t i = range->begin; i < range->end; ++i) {
    entries.emplace_back(column.keys().at(i).value_or(""), column.values().at(i));
  }
  return arena.Copy(entries);
}

// The column `deletionVector` of an action.
class VectorColumns {
 public:
  static Result<VectorColumns> Make(const StructColumn& action) {
    VectorColumns c;
    c.name_ = action.name() + ".deletionVector";
    DELTALAKEDB_ASSIGN(c.vector_, action.Column<StructColumn>("deletionVector"));
    DELTALAKEDB_ASSIGN(c.type_, c.vector_.Column<TextColumn>("storageType"));
    DELTALAKEDB_ASSIGN(c.path_, c.vector_.Column<TextColumn>("pathOrInlineDv"));
    DELTALAKEDB_ASSIGN(c.offset_, c.vector_.Column<IntColumn>("offset"));
    DELTALAKEDB_ASSIGN(c.size_, c.vector_.Column<IntColumn>("sizeInBytes"));
    DELTALAKEDB_ASSIGN(c.cardinality_, c.vector_.Column<IntColumn>("cardinality"));
    return c;
  }

  Result<std::optional<DeletionVector>> Read(std::int64_t row) const {
    if (vector_.is_null(row)) return std::optional<DeletionVector>();
    const auto type = type_.at(row);
    const auto path = path_.at(row);
    // Written as a struct of nulls by some.
    if (!type && !path) return std::optional<DeletionVector>();
    if (!type || !path) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{} lacks its path", name_));
    }
    DeletionVector vector;
    vector.storage_type = *type;
    vector.path_or_inline_dv = *path;
    if (offset_.at(row)) {
      DELTALAKEDB_ASSIGN(vector.offset, RequiredInt32(offset_, row, name_ + ".offset"));
    }
    if (size_.at(row)) {
      DELTALAKEDB_ASSIGN(vector.size_in_bytes, RequiredInt32(size_, row, name_ + ".sizeInBytes"));
    }
    vector.cardinality = cardinality_.at(row).value_or(0);
    return std::optional(vector);
  }

 private:
  std::string name_;
  StructColumn vector_;
  TextColumn type_, path_;
  IntColumn offset_, size_, cardinality_;
};

// The columns of `add` in one batch, and how to make actions of its rows.
class AddColumns {
 public:
  static Result<AddColumns> Make(const arrow::Array* add) {
    AddColumns c;
    DELTALAKEDB_ASSIGN(c.add_, StructColumn::Make(add, "add"));
    DELTALAKEDB_ASSIGN(c.path_, c.add_.Column<TextColumn>("path"));
    DELTALAKEDB_ASSIGN(c.partition_values_, c.add_.Column<MapColumn>("partitionValues"));
    DELTALAKEDB_ASSIGN(c.size_, c.add_.Column<IntColumn>("size"));
    DELTALAKEDB_ASSIGN(c.modification_time_, c.add_.Column<IntColumn>("modificationTime"));
    DELTALAKEDB_ASSIGN(c.data_change_, c.add_.Column<BoolColumn>("dataChange"));
    DELTALAKEDB_ASSIGN(c.stats_, c.add_.Column<TextColumn>("stats"));
    DELTALAKEDB_ASSIGN(c.stats_parsed_, c.add_.Column<StructColumn>("stats_parsed"));
    c.stats_parsed_array_ = c.add_.child("stats_parsed");
    DELTALAKEDB_ASSIGN(c.tags_, c.add_.Column<MapColumn>("tags"));
    DELTALAKEDB_ASSIGN(c.vector_, VectorColumns::Make(c.add_));
    DELTALAKEDB_ASSIGN(c.base_row_id_, c.add_.Column<IntColumn>("baseRowId"));
    DELTALAKEDB_ASSIGN(c.row_commit_version_, c.add_.Column<IntColumn>("defaultRowCommitVersion"));
    DELTALAKEDB_ASSIGN(c.clustering_provider_, c.add_.Column<TextColumn>("clusteringProvider"));
    return c;
  }

  bool IsAdd(std::int64_t row) const { return !add_.is_null(row); }

  Result<AddFile> Read(std::int64_t row, CheckpointColumns columns, protocol::Arena& arena) {
    AddFile add;
    const auto size = size_.at(row);
    if (!size) return Fail(ErrorCode::kCorrupt, "add.size is missing");
    if (*size < 0) return Fail(ErrorCode::kCorrupt, "add.size is negative");
    add.size = *size;
    if (columns == CheckpointColumns::kSize) return add;
    const auto path = path_.at(row);
    if (!path) return Fail(ErrorCode::kCorrupt, "add.path is missing");
    add.path = *path;
    DELTALAKEDB_ASSIGN(add.deletion_vector, vector_.Read(row));
    if (columns == CheckpointColumns::kIdentity) return add;
    add.modification_time = modification_time_.at(row).value_or(0);
    add.data_change = data_change_.at(row).value_or(false);
    add.partition_values =
        ReadMap(partition_values_, row, entries_, arena).value_or(StringMapView{});
    add.tags = ReadMap(tags_, row, entries_, arena);
    add.base_row_id = base_row_id_.at(row);
    add.default_row_commit_version = row_commit_version_.at(row);
    add.clustering_provider = clustering_provider_.at(row);
    if (columns != CheckpointColumns::kAll) return add;
    add.stats = stats_.at(row);
    add.has_written_stats = add.stats.has_value();
    if (!add.stats && !stats_parsed_.is_null(row)) {
      json_.clear();
      AppendStatsJson(*stats_parsed_array_, row, json_);
      add.stats = arena.Copy(json_);
    }
    return add;
  }

 private:
  StructColumn add_, stats_parsed_;
  const arrow::Array* stats_parsed_array_ = nullptr;
  VectorColumns vector_;
  TextColumn path_, stats_, clustering_provider_;
  MapColumn partition_values_, tags_;
  IntColumn size_, modification_time_, base_row_id_, row_commit_version_;
  BoolColumn data_change_;
  std::vector<StringMapEntry> entries_;
  std::string json_;
};

// The same of `remove`.
class RemoveColumns {
 public:
  static Result<RemoveColumns> Make(const arrow::Array* remove) {
    RemoveColumns c;
    DELTALAKEDB_ASSIGN(c.remove_, StructColumn::Make(remove, "remove"));
    DELTALAKEDB_ASSIGN(c.path_, c.remove_.Column<TextColumn>("path"));
    DELTALAKEDB_ASSIGN(c.deletion_timestamp_, c.remove_.Column<IntColumn>("deletionTimestamp"));
    DELTALAKEDB_ASSIGN(c.data_change_, c.remove_.Column<BoolColumn>("dataChange"));
    DELTALAKEDB_ASSIGN(c.extended_, c.remove_.Column<BoolColumn>("extendedFileMetadata"));
    DELTALAKEDB_ASSIGN(c.partition_values_, c.remove_.Column<MapColumn>("partitionValues"));
    DELTALAKEDB_ASSIGN(c.size_, c.remove_.Column<IntColumn>("size"));
    DELTALAKEDB_ASSIGN(c.stats_, c.remove_.Column<TextColumn>("stats"));
    DELTALAKEDB_ASSIGN(c.tags_, c.remove_.Column<MapColumn>("tags"));
    DELTALAKEDB_ASSIGN(c.vector_, VectorColumns::Make(c.remove_));
    DELTALAKEDB_ASSIGN(c.base_row_id_, c.remove_.Column<IntColumn>("baseRowId"));
    DELTALAKEDB_ASSIGN(c.row_commit_version_,
                       c.remove_.Column<IntColumn>("defaultRowCommitVersion"));
    return c;
  }

  bool IsRemove(std::int64_t row) const { return !remove_.is_null(row); }

  Result<RemoveFile> Read(std::int64_t row, protocol::Arena& arena) {
    RemoveFile remove;
    const auto path = path_.at(row);
    if (!path) return Fail(ErrorCode::kCorrupt, "remove.path is missing");
    remove.path = *path;
    remove.deletion_timestamp = deletion_timestamp_.at(row);
    remove.data_change = data_change_.at(row).value_or(false);
    remove.extended_file_metadata = extended_.at(row);
    remove.partition_values = ReadMap(partition_values_, row, entries_, arena);
    remove.size = size_.at(row);
    remove.stats = stats_.at(row);
    remove.tags = ReadMap(tags_, row, entries_, arena);
    DELTALAKEDB_ASSIGN(remove.deletion_vector, vector_.Read(row));
    remove.base_row_id = base_row_id_.at(row);
    remove.default_row_commit_version = row_commit_version_.at(row);
    return remove;
  }

 private:
  StructColumn remove_;
  VectorColumns vector_;
  TextColumn path_, stats_;
  MapColumn partition_values_, tags_;
  IntColumn deletion_timestamp_, size_, base_row_id_, row_commit_version_;
  BoolColumn data_change_, extended_;
  std::vector<StringMapEntry> entries_;
};

}  // namespace

Result<FileBatch> DecodeAdds(const std::shared_ptr<arrow::RecordBatch>& batch,
                             CheckpointColumns columns) {
  const auto add = batch->GetColumnByName("add");
  auto arena = std::make_shared<protocol::Arena>();
  std::vector<AddFile> files;
  if (add != nullptr) {
    DELTALAKEDB_ASSIGN(AddColumns reader, AddColumns::Make(add.get()));
    files.reserve(static_cast<std::size_t>(add->length() - add->null_count()));
    for (std::int64_t row = 0; row < add->length(); ++row) {
      if (!reader.IsAdd(row)) continue;
      DELTALAKEDB_ASSIGN(files.emplace_back(), reader.Read(row, columns, *arena));
    }
  }
  return FileBatch(std::move(files), {batch, add, arena});
}

Result<RemoveBatch> DecodeRemoves(const std::shared_ptr<arrow::RecordBatch>& batch) {
  const auto remove = batch->GetColumnByName("remove");
  auto arena = std::make_shared<protocol::Arena>();
  std::vector<RemoveFile> files;
  if (remove != nullptr) {
    DELTALAKEDB_ASSIGN(RemoveColumns reader, RemoveColumns::Make(remove.get()));
    files.reserve(static_cast<std::size_t>(remove->length() - remove->null_count()));
    for (std::int64_t row = 0; row < remove->length(); ++row) {
      if (!reader.IsRemove(row)) continue;
      DELTALAKEDB_ASSIGN(files.emplace_back(), reader.Read(row, *arena));
    }
  }
  return RemoveBatch{std::move(files), {batch, remove, arena}};
}

}  // namespace deltalakedb::storage
