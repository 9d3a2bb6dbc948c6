#include "table/live_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/try.h"
#include "protocol/column_facts.h"
#include "protocol/json_document.h"
#include "protocol/partition_value.h"

namespace deltalakedb::table {

namespace {

// Statistics beyond this are not looked into. Unit: bytes.
constexpr std::size_t kStatsBytesMax = 16UL * 1024 * 1024;

std::optional<std::string_view> FindPartitionText(StringMapView values, std::string_view name) {
  for (const StringMapEntry& entry : values) {
    if (entry.key == name) return entry.value;
  }
  return std::nullopt;
}

}  // namespace

Result<expr::Match> MatchByPartition(const AddFile& add, const data::TableShape& shape,
                                     const expr::Predicate& where) {
  std::optional<Error> failed;
  const auto facts_of = [&](const expr::Predicate::ColumnPath& path) {
    protocol::ColumnFacts facts;
    const std::optional<int> position = shape.FindColumn(path.front());
    if (!position || path.size() != 1) return facts;
    const auto& column = shape.columns()[static_cast<std::size_t>(*position)];
    if (!column.is_partition) return facts;
    auto value = protocol::PartitionValue::Parse(
        {column.field->name(), column.field->type()},
        FindPartitionText(add.partition_values, column.physical_name));
    if (!value) {
      failed = std::move(value).error();
      return facts;
    }
    facts.num_rows = 1;
    facts.null_count = value->is_null() ? 1 : 0;
    if (!value->is_null()) facts.min = facts.max = value->value();
    const auto* const number = std::get_if<double>(&value->value());
    const auto* const small_number = std::get_if<float>(&value->value());
    facts.may_have_nan = (number != nullptr && *number != *number) ||
                         (small_number != nullptr && *small_number != *small_number);
    if (facts.may_have_nan) facts.min = facts.max = std::nullopt;
    return facts;
  };
  const expr::Match match = where.Evaluate(facts_of);
  if (failed) return Fail(std::move(failed->AddFact("path", std::string(add.path))));
  return match;
}

Result<std::string> PartitionKey(const data::TableShape& shape, StringMapView values) {
  std::string key;
  for (const int position : shape.partition_columns()) {
    const auto& column = shape.columns()[static_cast<std::size_t>(position)];
    DELTALAKEDB_ASSIGN(const auto value, protocol::PartitionValue::Parse(
                                             {column.field->name(), column.field->type()},
                                             FindPartitionText(values, column.physical_name)));
    const auto normal = value.NormalText();
    key += normal ? fmt::format("{}:{}", normal->size(), *normal) : "-";
  }
  return key;
}

Result<LiveFiles> LiveFiles::Open(const Snapshot& snapshot, Stats stats,
                                  const data::TableShape& shape, const expr::Predicate* where) {
  DELTALAKEDB_ASSIGN(auto stream, snapshot.OpenFiles({.order = FileOrder::kByPath,
                                                      .with_stats = stats == Stats::kWith}));
  return LiveFiles(std::move(stream), shape, where);
}

Result<std::optional<LiveFile>> LiveFiles::Next() {
  for (;;) {
    if (batch_ == nullptr || next_ == batch_->files().size()) {
      DELTALAKEDB_ASSIGN(auto batch, stream_->Next());
      if (!batch) return std::optional<LiveFile>();
      batch_ = std::make_shared<const FileBatch>(*std::move(batch));
      next_ = 0;
    }
    LiveFile file{batch_, next_++};
    if (where_ == nullptr) return file;
    DELTALAKEDB_ASSIGN(file.match, MatchByPartition(file.add(), *shape_, *where_));
    if (file.match != expr::Match::kNone) return file;
  }
}

Result<data::DataFile> LoadDataFile(const data::DataFolder& folder, const AddFile& add) {
  data::DataFile file;
  file.path = folder.PathOf(add.path);
  file.size_bytes = add.size;
  for (const StringMapEntry& entry : add.partition_values) {
    file.partition_values.emplace_back(entry.key, entry.value);
  }
  file.base_row_id = add.base_row_id;
  file.default_row_commit_version = add.default_row_commit_version;
  if (add.deletion_vector) {
    DELTALAKEDB_ASSIGN(file.deleted_rows, folder.LoadDeletedRows(*add.deletion_vector));
  }
  return file;
}

std::optional<std::int64_t> CountStoredRows(const AddFile& add) {
  if (!add.stats) return std::nullopt;
  const auto stats = protocol::JsonDocument::ParseObject(*add.stats, kStatsBytesMax);
  if (!stats) return std::nullopt;
  std::optional<std::int64_t> count;
  stats->root().ForEachMember([&](std::string_view name, const protocol::JsonValue& value) {
    if (name == "numRecords") count = value.AsInt64();
    return true;
  });
  return count;
}

std::optional<std::int64_t> CountRows(const AddFile& add) {
  auto count = CountStoredRows(add);
  if (count && add.deletion_vector) *count -= add.deletion_vector->cardinality;
  return count;
}

RemoveFile RemoveOf(const AddFile& add, std::int64_t deletion_timestamp, bool data_change) {
  RemoveFile remove;
  remove.path = add.path;
  remove.deletion_timestamp = deletion_timestamp;
  remove.data_change = data_change;
  remove.extended_file_metadata = true;
  remove.partition_values = add.partition_values;
  remove.size = add.size;
  if (add.has_written_stats) remove.stats = add.stats;
  remove.tags = add.tags;
  remove.deletion_vector = add.deletion_vector;
  remove.base_row_id = add.base_row_id;
  remove.default_row_commit_version = add.default_row_commit_version;
  return remove;
}

}  // namespace deltalakedb::table
