#include <arrow/array/util.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "base/try.h"
#include "data/data_folder.h"
#include "data/open_data_file_internal.h"
#include "data/partition_array_internal.h"
#include "data/row_group_facts_internal.h"
#include "protocol/excerpt.h"
#include "protocol/table_rules.h"
#include "storage/parquet_memory.h"

namespace deltalakedb::data {

namespace {

using protocol::ColumnFacts;
using protocol::Excerpt;
using storage::ArrowInput;

// A partition value stands in every row of a batch. Batches of a column of long ones have fewer
// rows, so that they take no more than this. Unit: bytes.
constexpr std::int64_t kConstantBytesMax = 16LL * 1024 * 1024;
// Requests to a server: what lies closer together is one, up to this size. Unit: bytes.
constexpr std::int64_t kRemoteHoleBytesMax = 256LL * 1024;
constexpr std::int64_t kRemoteRangeBytesMax = 16LL * 1024 * 1024;

ColumnFacts FactsOfNulls(std::int64_t num_rows) {
  ColumnFacts facts;
  facts.null_count = num_rows;
  facts.num_rows = num_rows;
  facts.may_have_nan = false;
  return facts;
}

ColumnFacts FactsOfConstant(const protocol::PartitionValue& value, std::int64_t num_rows) {
  if (value.is_null()) return FactsOfNulls(num_rows);
  ColumnFacts facts;
  facts.num_rows = num_rows;
  facts.null_count = 0;
  const auto* const single = std::get_if<float>(&value.value());
  const auto* const wide = std::get_if<double>(&value.value());
  facts.may_have_nan =
      (single != nullptr && std::isnan(*single)) || (wide != nullptr && std::isnan(*wide));
  if (facts.may_have_nan) return facts;
  facts.min = value.value();
  facts.max = value.value();
  return facts;
}

}  // namespace

parquet::ArrowReaderProperties OpenDataFile::ArrowProperties() const {
  // Row groups and files are what is read side by side.
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_batch_size(batch_rows_);
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  properties.set_pre_buffer(input_->is_remote());
  properties.set_cache_options({.hole_size_limit = kRemoteHoleBytesMax,
                                .range_size_limit = kRemoteRangeBytesMax,
                                .lazy = false});
  return properties;
}

Result<std::unique_ptr<parquet::arrow::FileReader>> OpenDataFile::MakeReader(
    const std::shared_ptr<ArrowInput>& input) const {
  std::unique_ptr<parquet::arrow::FileReader> reader;
  DELTALAKEDB_TRY(GuardParquet(*input, [&] {
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(
        builder.Open(input, parquet::ReaderProperties(storage::ParquetMemory()), metadata_));
    builder.memory_pool(storage::ParquetMemory())->properties(ArrowProperties());
    return builder.Build(&reader);
  }));
  return reader;
}

// ---- opening ------------------------------------------------------------------------------------

Result<void> OpenDataFile::OpenInput(bool is_size_known) {
  DELTALAKEDB_ASSIGN(const storage::FileSystem* const files, FileSystemOf(file_.path));
  auto input =
      is_size_known ? files->OpenListed(file_.path, file_.size_bytes) : files->Open(file_.path);
  if (input) {
    input_ = *std::move(input);
    return {};
  }
  if (input.error().code() != ErrorCode::kNotFound) return Fail(std::move(input).error());
  return Fail(Error(ErrorCode::kNotFound,
                    fmt::format("the data file {} is gone; if vacuum removed it, read a newer "
                                "version of the table",
                                file_.path))
                  .With("file", file_.path));
}

Result<void> OpenDataFile::ReadFooter() {
  const auto input = MakeInput();
  return GuardParquet(*input, [&] {
    metadata_ =
        parquet::ParquetFileReader::Open(input, parquet::ReaderProperties(storage::ParquetMemory()))
            ->metadata();
    ARROW_RETURN_NOT_OK(file_schema_.Read(*metadata_, ArrowProperties()));
    std::int64_t first_row = 0;
    for (int i = 0; i < metadata_->num_row_groups(); ++i) {
      const std::int64_t rows = metadata_->RowGroup(i)->num_rows();
      if (rows < 0 || rows > std::numeric_limits<std::int64_t>::max() - first_row) {
        return arrow::Status::Invalid("row group ", i, " has ", rows, " rows");
      }
      row_groups_.push_back({first_row, rows});
      first_row += rows;
    }
    return arrow::Status::OK();
  });
}

// Nulls for all columns would be a wrong answer without a word where a file was written by a
// program that does not know of ids.
Result<void> OpenDataFile::CheckIds() const {
  if (shape_->mapping() != ColumnMapping::kId || file_schema_.has_ids() ||
      file_schema_.columns().empty()) {
    return {};
  }
  for (const TableShape::Column& column : shape_->columns()) {
    if (column.is_partition) continue;
    const std::string name = Excerpt(column.field->name());
    return Fail(
        Error(ErrorCode::kCorrupt,
              fmt::format("the table finds its columns by their ids, and {} has no ids: which of "
                          "its columns is {} cannot be told",
                          file_.path, name))
            .With("column", name)
            .With("file", file_.path));
  }
  return {};
}

Result<protocol::PartitionValue> OpenDataFile::PartitionValueOf(
    const TableShape::Column& column) const {
  const auto entry =
      std::ranges::find(file_.partition_values, column.physical_name,
                        [](const auto& value) -> const std::string& { return value.first; });
  std::optional<std::string_view> text;
  if (entry != file_.partition_values.end() && entry->second) text = *entry->second;
  auto value = protocol::PartitionValue::Parse({column.field->name(), column.field->type()}, text);
  if (!value) return Fail(std::move(value).error().In(file_.path).With("file", file_.path));
  return value;
}

Result<OutputColumn> OpenDataFile::PlanRowNumber(ColumnPlanner& planner, const Metadata& metadata,
                                                 std::string_view property) const {
  OutputColumn column;
  column.kind = OutputColumn::Kind::kRowNumber;
  const auto name = metadata.configuration.find(std::string(property));
  if (name == metadata.configuration.end()) return column;
  column.name = name->second;
  DELTALAKEDB_ASSIGN(column.plan,
                     planner.PlanHidden(name->second, DataType::Simple(TypeKind::kLong)));
  return column;
}

Result<void> OpenDataFile::PlanColumns(const Metadata& metadata) {
  ColumnPlanner planner(*shape_, file_schema_, file_.path);
  for (const int position : options_.columns) {
    const auto& column = shape_->columns()[static_cast<std::size_t>(position)];
    OutputColumn& output = columns_.emplace_back();
    std::shared_ptr<arrow::Scalar>& constant = constants_.emplace_back();
    output.name = column.field->name();
    if (column.is_partition) {
      DELTALAKEDB_ASSIGN(const auto value, PartitionValueOf(column));
      DELTALAKEDB_ASSIGN(constant, PartitionScalarOf(column.field->type(), value));
      output.kind = OutputColumn::Kind::kConstant;
      continue;
    }
    DELTALAKEDB_ASSIGN(output.plan, planner.PlanColumn(*column.field));
    if (output.plan.kind != ColumnPlan::Kind::kMissing) continue;
    output.kind = OutputColumn::Kind::kConstant;
    constant = arrow::MakeNullScalar(output.plan.type);
  }
  if (options_.with_row_positions) {
    columns_.emplace_back().kind = OutputColumn::Kind::kPosition;
  }
  if (options_.with_row_ids) {
    DELTALAKEDB_ASSIGN(auto id,
                       PlanRowNumber(planner, metadata, protocol::kMaterializedRowIdColumn));
    id.fallback = file_.base_row_id;
    id.counts_up = true;
    columns_.push_back(std::move(id));
    DELTALAKEDB_ASSIGN(auto version, PlanRowNumber(planner, metadata,
                                                   protocol::kMaterializedRowCommitVersionColumn));
    version.fallback = file_.default_row_commit_version;
    columns_.push_back(std::move(version));
  }
  constants_.resize(columns_.size());
  for (OutputColumn& column : columns_) planner.Locate(column.plan);
  leaves_.assign(planner.leaves().begin(), planner.leaves().end());
  return {};
}

Result<void> OpenDataFile::MakeConstants() {
  batch_rows_ = std::max<std::int64_t>(options_.batch_rows_max, 1);
  for (const auto& scalar : constants_) {
    if (scalar == nullptr || !scalar->is_valid) continue;
    const auto* const text = dynamic_cast<const arrow::BaseBinaryScalar*>(scalar.get());
    if (text == nullptr || text->value->size() == 0) continue;
    batch_rows_ = std::clamp<std::int64_t>(kConstantBytesMax / text->value->size(), 1, batch_rows_);
  }
  std::int64_t rows_max = 0;
  for (const RowGroup& group : row_groups_) rows_max = std::max(rows_max, group.num_rows);
  const std::int64_t length = std::min(batch_rows_, rows_max);
  return GuardParquet(*MakeInput(), [&] {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (constants_[i] == nullptr) continue;
      ARROW_ASSIGN_OR_RAISE(columns_[i].constant,
                            constants_[i]->is_valid
                                ? arrow::MakeArrayFromScalar(*constants_[i], length)
                                : arrow::MakeArrayOfNull(constants_[i]->type, length));
    }
    return arrow::Status::OK();
  });
}

Result<void> OpenDataFile::Open(const Metadata& metadata) {
  DELTALAKEDB_ASSIGN(schema_, ReadSchema(*shape_, options_));
  DELTALAKEDB_TRY(OpenInput(file_.size_bytes > 0));
  auto footer = ReadFooter();
  if (!footer && input_->is_remote()) {
    // The store was not asked for a file of that size, so that it may be one that is gone or that
    // the log is wrong about.
    DELTALAKEDB_TRY(OpenInput(/*is_size_known=*/false));
    row_groups_.clear();
    if (input_->size_bytes() != file_.size_bytes) footer = ReadFooter();
  }
  DELTALAKEDB_TRY(footer);
  DELTALAKEDB_TRY(CheckIds());
  DELTALAKEDB_TRY(PlanColumns(metadata));
  return MakeConstants();
}

// ---- facts --------------------------------------------------------------------------------------

ColumnFacts OpenDataFile::FactsOf(int row_group, const std::vector<std::string>& column) const {
  const std::int64_t num_rows = row_groups_.at(static_cast<std::size_t>(row_group)).num_rows;
  ColumnFacts unknown;
  unknown.num_rows = num_rows;
  const auto position = column.empty() ? std::nullopt : shape_->FindColumn(column.front());
  if (!position) return unknown;
  const auto& found = shape_->columns()[static_cast<std::size_t>(*position)];
  if (found.is_partition) {
    const auto value = column.size() == 1 ? std::optional(PartitionValueOf(found))
                                          : std::optional<Result<protocol::PartitionValue>>();
    return value && *value ? FactsOfConstant(**value, num_rows) : unknown;
  }
  const Field* field = found.field;
  const FileSchema::Field* source = file_schema_.Find(file_schema_.columns(), *field, *shape_);
  for (std::size_t i = 1; i < column.size(); ++i) {
    field = field->type().FindField(column[i]);
    if (field == nullptr) return unknown;
    if (source == nullptr) continue;
    const arrow::DataType& there = StorageTypeOf(*source->field->type());
    if (source->is_leaf() || there.id() != arrow::Type::STRUCT) return unknown;
    source = file_schema_.Find(source->children, *field, *shape_);
  }
  if (source == nullptr || field->type().kind() == TypeKind::kVoid) {
    return FactsOfNulls(num_rows);
  }
  if (!source->is_leaf()) return unknown;
  ColumnFacts facts = unknown;
  const auto input = MakeInput();
  const auto read = GuardParquet(*input, [&] {
    facts = FactsOfLeaf(*metadata_->RowGroup(row_group), source->column_index, field->type());
    return arrow::Status::OK();
  });
  return read ? facts : unknown;
}

std::span<const std::int64_t> OpenDataFile::DeletedRows(std::int64_t first,
                                                        std::int64_t count) const {
  const auto begin = std::ranges::lower_bound(file_.deleted_rows, first);
  const auto end = std::ranges::lower_bound(begin, file_.deleted_rows.end(), first + count);
  return {begin, end};
}

}  // namespace deltalakedb::data
