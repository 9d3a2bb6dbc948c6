#include "storage/checkpoint_writer.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/table_builder.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "storage/checkpoint_schema_internal.h"
#include "storage/parsed_columns_internal.h"

namespace deltalakedb::storage {

namespace {

using arrow::BooleanBuilder;
using arrow::Int32Builder;
using arrow::Int64Builder;
using arrow::ListBuilder;
using arrow::MapBuilder;
using arrow::StringBuilder;
using arrow::StructBuilder;

// ---- columns ------------------------------------------------------------------------------------

// Of which each row has one.
enum ActionColumn : std::uint8_t {
  kTxn,
  kAdd,
  kRemove,
  kMetadata,
  kProtocol,
  kDomain,
  kCheckpointMetadata,
  kSidecar,
  kActionColumns
};
constexpr std::array<const char*, kActionColumns> kColumnNames = {
    "txn",    "add", "remove", "metaData", "protocol", "domainMetadata", "checkpointMetadata",
    "sidecar"};

using StringMap = CheckpointWriter::StringMap;

// Nulls of a struct's fields that most rows have none of, appended only when something follows
// them: one by one they would take longer than all the rest of a row.
class OwedNulls {
 public:
  explicit OwedNulls(arrow::ArrayBuilder& builder)
      : builder_(static_cast<StructBuilder&>(builder)),
        owed_(static_cast<std::size_t>(builder_.num_fields())) {}

  void Owe(int field) { ++owed_[static_cast<std::size_t>(field)]; }
  arrow::Status Pay(int field) {
    const std::int64_t nulls = std::exchange(owed_[static_cast<std::size_t>(field)], 0);
    return nulls == 0 ? arrow::Status::OK() : builder_.field_builder(field)->AppendNulls(nulls);
  }
  arrow::Status PayAll() {
    for (int i = 0; i < builder_.num_fields(); ++i) ARROW_RETURN_NOT_OK(Pay(i));
    return arrow::Status::OK();
  }

 private:
  StructBuilder& builder_;
  std::vector<std::int64_t> owed_;
};

// The fields of one struct, filled from left to right.
class Fields {
 public:
  explicit Fields(arrow::ArrayBuilder& builder) : builder_(static_cast<StructBuilder&>(builder)) {}

  arrow::Status Start() { return builder_.Append(); }
  template <typename Builder>
  Builder& Next() {
    return static_cast<Builder&>(*builder_.field_builder(next_++));
  }
  template <typename Builder, typename T>
  arrow::Status Append(const T& value) {
    return Next<Builder>().Append(value);
  }
  // For a field that is mostly null: append(builder) where there is a value.
  template <typename Builder, typename T, typename Append>
  arrow::Status AppendRare(const std::optional<T>& value, OwedNulls& nulls, Append append) {
    if (!value) {
      nulls.Owe(next_++);
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(nulls.Pay(next_));
    return append(Next<Builder>());
  }
  template <typename Builder, typename T>
  arrow::Status AppendRare(const std::optional<T>& value, OwedNulls& nulls) {
    return AppendRare<Builder>(value, nulls,
                               [&](Builder& builder) { return builder.Append(*value); });
  }
  template <typename Builder, typename T>
  arrow::Status AppendOptional(const std::optional<T>& value) {
    auto& builder = Next<Builder>();
    return value ? builder.Append(*value) : builder.AppendNull();
  }

 private:
  StructBuilder& builder_;
  int next_ = 0;
};

arrow::Status AppendMap(MapBuilder& builder, const std::optional<StringMapView>& map) {
  if (!map) return builder.AppendNull();
  auto& keys = static_cast<StringBuilder&>(*builder.key_builder());
  auto& values = static_cast<StringBuilder&>(*builder.item_builder());
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const StringMapEntry& entry : *map) {
    ARROW_RETURN_NOT_OK(keys.Append(entry.key));
    ARROW_RETURN_NOT_OK(entry.value ? values.Append(*entry.value) : values.AppendNull());
  }
  return arrow::Status::OK();
}

arrow::Status AppendMap(MapBuilder& builder, const StringMap& map) {
  auto& keys = static_cast<StringBuilder&>(*builder.key_builder());
  auto& values = static_cast<StringBuilder&>(*builder.item_builder());
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const auto& [key, value] : map) {
    ARROW_RETURN_NOT_OK(keys.Append(key));
    ARROW_RETURN_NOT_OK(values.Append(value));
  }
  return arrow::Status::OK();
}

arrow::Status AppendTexts(ListBuilder& builder,
                          const std::optional<std::vector<std::string>>& texts) {
  if (!texts) return builder.AppendNull();
  ARROW_RETURN_NOT_OK(builder.Append());
  auto& values = static_cast<StringBuilder&>(*builder.value_builder());
  for (const std::string& text : *texts) ARROW_RETURN_NOT_OK(values.Append(text));
  return arrow::Status::OK();
}

arrow::Status AppendVector(StructBuilder& builder, const std::optional<DeletionVector>& vector) {
  if (!vector) return builder.AppendNull();
  Fields fields(builder);
  ARROW_RETURN_NOT_OK(fields.Start());
  ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(vector->storage_type));
  ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(vector->path_or_inline_dv));
  ARROW_RETURN_NOT_OK(fields.AppendOptional<Int32Builder>(vector->offset));
  ARROW_RETURN_NOT_OK(fields.Append<Int32Builder>(vector->size_in_bytes));
  return fields.Append<Int64Builder>(vector->cardinality);
}

std::size_t BytesOf(const std::optional<StringMapView>& map) {
  std::size_t bytes = 0;
  if (!map) return bytes;
  for (const StringMapEntry& entry : *map) {
    bytes += entry.key.size() + entry.value.value_or("").size();
  }
  return bytes;
}

std::size_t BytesOf(const std::optional<DeletionVector>& vector) {
  return vector ? vector->path_or_inline_dv.size() : 0;
}

std::size_t BytesOf(const StringMap& map) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : map) bytes += key.size() + value.size();
  return bytes;
}

void AddLeafPaths(const arrow::DataType& type, const std::string& path,
                  std::vector<std::string>& paths) {
  if (type.num_fields() == 0) paths.push_back(path);
  for (const auto& field : type.fields()) {
    AddLeafPaths(*field->type(), path + "." + field->name(), paths);
  }
}

// The columns of typed bounds, as Parquet names them.
std::vector<std::string> BoundsPaths(const arrow::Schema& schema) {
  std::vector<std::string> paths;
  const auto add = schema.GetFieldByName("add");
  if (add == nullptr) return paths;
  const auto stats =
      static_cast<const arrow::StructType&>(*add->type()).GetFieldByName("stats_parsed");
  if (stats == nullptr) return paths;
  for (const auto& field : stats->type()->fields()) {
    if (field->name() != "minValues" && field->name() != "maxValues") continue;
    AddLeafPaths(*field->type(), "add.stats_parsed." + field->name(), paths);
  }
  return paths;
}

// Makes room for as much as a group before had: growing step by step copies everything twice.
arrow::Status ReserveLike(const arrow::Array& array, arrow::ArrayBuilder& builder) {
  ARROW_RETURN_NOT_OK(builder.Reserve(array.length()));
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const std::int64_t bytes =
          static_cast<const arrow::BinaryArray&>(array).total_values_length();
      return static_cast<arrow::BinaryBuilder&>(builder).ReserveData(bytes);
    }
    case arrow::Type::STRUCT: {
      const auto& columns = static_cast<const arrow::StructArray&>(array);
      for (int i = 0; i < columns.num_fields(); ++i) {
        ARROW_RETURN_NOT_OK(
            ReserveLike(*columns.field(i), *static_cast<StructBuilder&>(builder).field_builder(i)));
      }
      return arrow::Status::OK();
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      auto& builders = static_cast<MapBuilder&>(builder);
      ARROW_RETURN_NOT_OK(ReserveLike(*map.keys(), *builders.key_builder()));
      return ReserveLike(*map.items(), *builders.item_builder());
    }
    default:
      return arrow::Status::OK();
  }
}

// ---- the file -----------------------------------------------------------------------------------

// Passes what Arrow writes on, and keeps the error that ours says it with.
class ArrowOutput final : public arrow::io::OutputStream {
 public:
  explicit ArrowOutput(OutputFile& file) : file_(file), start_(file.size_bytes()) {}

  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, std::int64_t size) override {
    const auto appended =
        file_.Append({static_cast<const char*>(data), static_cast<std::size_t>(size)});
    if (appended) return arrow::Status::OK();
    error_ = appended.error();
    return arrow::Status::IOError(appended.error().message());
  }
  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<std::int64_t> Tell() const override { return file_.size_bytes() - start_; }

  const std::optional<Error>& error() const { return error_; }

 private:
  OutputFile& file_;
  std::int64_t start_;
  bool is_closed_ = false;
  std::optional<Error> error_;
};

class ArrowCheckpointWriter final : public CheckpointWriter {
 public:
  ArrowCheckpointWriter(OutputFile& file, const CheckpointWriterOptions& options)
      : file_(file),
        options_(options),
        schema_(CheckpointSchema(options)),
        output_(std::make_shared<ArrowOutput>(file)) {}

  Result<void> Open() { return Checked(OpenArrow()); }

  Result<void> Put(const Protocol& protocol) override {
    return PutRow(kProtocol, sizeof(protocol), [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.Append<Int32Builder>(protocol.min_reader_version));
      ARROW_RETURN_NOT_OK(fields.Append<Int32Builder>(protocol.min_writer_version));
      ARROW_RETURN_NOT_OK(AppendTexts(fields.Next<ListBuilder>(), protocol.reader_features));
      return AppendTexts(fields.Next<ListBuilder>(), protocol.writer_features);
    });
  }

  Result<void> Put(const Metadata& metadata) override {
    const std::size_t bytes =
        metadata.schema_string.value_or("").size() + BytesOf(metadata.configuration);
    return PutRow(kMetadata, bytes, [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.AppendOptional<StringBuilder>(metadata.id));
      ARROW_RETURN_NOT_OK(fields.AppendOptional<StringBuilder>(metadata.name));
      ARROW_RETURN_NOT_OK(fields.AppendOptional<StringBuilder>(metadata.description));
      Fields format(fields.Next<StructBuilder>());
      ARROW_RETURN_NOT_OK(format.Start());
      ARROW_RETURN_NOT_OK(format.AppendOptional<StringBuilder>(metadata.format_provider));
      ARROW_RETURN_NOT_OK(AppendMap(format.Next<MapBuilder>(), metadata.format_options));
      ARROW_RETURN_NOT_OK(fields.AppendOptional<StringBuilder>(metadata.schema_string));
      ARROW_RETURN_NOT_OK(AppendTexts(fields.Next<ListBuilder>(), metadata.partition_columns));
      ARROW_RETURN_NOT_OK(AppendMap(fields.Next<MapBuilder>(), metadata.configuration));
      return fields.AppendOptional<Int64Builder>(metadata.created_time);
    });
  }

  Result<void> Put(const AppTransaction& transaction) override {
    return PutRow(kTxn, transaction.app_id.size(), [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(transaction.app_id));
      ARROW_RETURN_NOT_OK(fields.Append<Int64Builder>(transaction.version));
      return fields.AppendOptional<Int64Builder>(transaction.last_updated);
    });
  }

  Result<void> Put(const DomainMetadata& domain) override {
    if (domain.removed) return {};
    const std::size_t bytes = domain.domain.size() + domain.configuration.size();
    return PutRow(kDomain, bytes, [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(domain.domain));
      ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(domain.configuration));
      return fields.Append<BooleanBuilder>(false);
    });
  }

  Result<void> Put(const AddFile& add) override {
    ++size_.num_adds;
    std::size_t bytes = add.path.size() + BytesOf(add.partition_values) + BytesOf(add.tags) +
                        BytesOf(add.deletion_vector);
    const std::size_t stats_bytes = add.stats.value_or("").size();
    if (options_.with_stats) bytes += stats_bytes;
    if (stats_parsed_) bytes += stats_bytes;
    return PutRow(kAdd, bytes, [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(add.path));
      ARROW_RETURN_NOT_OK(
          AppendMap(fields.Next<MapBuilder>(), std::optional(add.partition_values)));
      ARROW_RETURN_NOT_OK(fields.Append<Int64Builder>(add.size));
      ARROW_RETURN_NOT_OK(fields.Append<Int64Builder>(add.modification_time));
      ARROW_RETURN_NOT_OK(fields.Append<BooleanBuilder>(false));
      ARROW_RETURN_NOT_OK(fields.AppendRare<MapBuilder>(
          add.tags, *nulls_, [&](MapBuilder& builder) { return AppendMap(builder, add.tags); }));
      ARROW_RETURN_NOT_OK(fields.AppendRare<StructBuilder>(
          add.deletion_vector, *nulls_,
          [&](StructBuilder& builder) { return AppendVector(builder, add.deletion_vector); }));
      ARROW_RETURN_NOT_OK(fields.AppendRare<Int64Builder>(add.base_row_id, *nulls_));
      ARROW_RETURN_NOT_OK(fields.AppendRare<Int64Builder>(add.default_row_commit_version, *nulls_));
      ARROW_RETURN_NOT_OK(fields.AppendRare<StringBuilder>(add.clustering_provider, *nulls_));
      if (options_.with_stats) {
        ARROW_RETURN_NOT_OK(fields.AppendOptional<StringBuilder>(add.stats));
      }
      if (values_parsed_) ARROW_RETURN_NOT_OK(values_parsed_->Append(add.partition_values));
      return stats_parsed_ ? stats_parsed_->Append(add.stats) : arrow::Status::OK();
    });
  }

  Result<void> Put(const RemoveFile& remove) override {
    const std::size_t bytes =
        remove.path.size() + BytesOf(remove.partition_values) + BytesOf(remove.deletion_vector);
    return PutRow(kRemove, bytes, [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(remove.path));
      ARROW_RETURN_NOT_OK(fields.AppendOptional<Int64Builder>(remove.deletion_timestamp));
      ARROW_RETURN_NOT_OK(fields.Append<BooleanBuilder>(false));
      ARROW_RETURN_NOT_OK(fields.AppendOptional<BooleanBuilder>(remove.extended_file_metadata));
      ARROW_RETURN_NOT_OK(AppendMap(fields.Next<MapBuilder>(), remove.partition_values));
      ARROW_RETURN_NOT_OK(fields.AppendOptional<Int64Builder>(remove.size));
      ARROW_RETURN_NOT_OK(AppendVector(fields.Next<StructBuilder>(), remove.deletion_vector));
      ARROW_RETURN_NOT_OK(fields.AppendOptional<Int64Builder>(remove.base_row_id));
      return fields.AppendOptional<Int64Builder>(remove.default_row_commit_version);
    });
  }

  Result<void> PutCheckpointMetadata(Version version, const StringMap& tags) override {
    return PutRow(kCheckpointMetadata, BytesOf(tags), [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.Append<Int64Builder>(version.value()));
      return AppendMap(fields.Next<MapBuilder>(), tags);
    });
  }

  Result<void> PutSidecar(const WrittenSidecar& sidecar) override {
    return PutRow(kSidecar, sidecar.name.size(), [&](Fields& fields) {
      ARROW_RETURN_NOT_OK(fields.Append<StringBuilder>(sidecar.name));
      ARROW_RETURN_NOT_OK(fields.Append<Int64Builder>(sidecar.size_in_bytes));
      ARROW_RETURN_NOT_OK(fields.Append<Int64Builder>(sidecar.modified.ms()));
      return fields.Next<MapBuilder>().AppendNull();
    });
  }

  Result<CheckpointSize> Finish() override {
    DELTALAKEDB_TRY(Checked(WriteGroup(true)));
    DELTALAKEDB_TRY(Checked(AwaitGroup()));
    DELTALAKEDB_TRY(Checked(writer_->Close()));
    size_.size_in_bytes = file_.size_bytes();
    return size_;
  }

 private:
  arrow::Status OpenArrow() {
    parquet::WriterProperties::Builder properties;
    properties.compression(parquet::Compression::ZSTD)
        ->max_row_group_length(kGroupRowsMax)
        ->enable_write_page_index()
        ->enable_store_decimal_as_integer();
    // No two of these values are the same, or not often, and nobody looks for the least of the
    // statistics.
    for (const char* const column : {"add.path", "add.stats", "remove.path"}) {
      properties.disable_dictionary(column);
    }
    properties.disable_statistics("add.stats");
    for (const std::string& column : BoundsPaths(*schema_)) properties.disable_dictionary(column);
    parquet::ArrowWriterProperties::Builder arrow_properties;
    ARROW_ASSIGN_OR_RAISE(
        writer_, parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), output_,
                                                  properties.build(), arrow_properties.build()));
    ARROW_ASSIGN_OR_RAISE(builder_,
                          arrow::RecordBatchBuilder::Make(schema_, arrow::default_memory_pool()));
    for (std::size_t i = 0; i < kActionColumns; ++i) {
      column_of_[i] = schema_->GetFieldIndex(kColumnNames[i]);
    }
    nulls_.emplace(*builder_->GetField(column_of_[kAdd]));
    if (options_.parsed != nullptr) AddParsedColumns(*options_.parsed);
    return arrow::Status::OK();
  }

  void AddParsedColumns(const protocol::ParsedColumns& columns) {
    auto& add = static_cast<StructBuilder&>(*builder_->GetField(column_of_[kAdd]));
    // They stand behind all others, `stats_parsed` last.
    const auto inner = [&](int from_end) -> StructBuilder& {
      return static_cast<StructBuilder&>(*add.field_builder(add.num_fields() - from_end));
    };
    stats_parsed_.emplace(columns, inner(1));
    if (!columns.partitions.empty()) values_parsed_.emplace(columns, inner(2));
    const std::int64_t columns_in_row = LeavesOf(*StatsParsedType(columns));
    group_rows_max_ = std::clamp<std::int64_t>(kGroupCellsMax / columns_in_row, 1, kGroupRowsMax);
  }

  static std::int64_t LeavesOf(const arrow::DataType& type) {
    if (type.num_fields() == 0) return 1;
    std::int64_t leaves = 0;
    for (const auto& field : type.fields()) leaves += LeavesOf(*field->type());
    return leaves;
  }

  // Appends a row that has this action alone. `text_bytes` is about what it takes.
  template <typename Fill>
  Result<void> PutRow(ActionColumn column, std::size_t text_bytes, Fill fill) {
    if (column_of_[column] < 0) {
      return Fail(ErrorCode::kInternal,
                  fmt::format("this file of a checkpoint has no column {}", kColumnNames[column]));
    }
    if (text_bytes > kGroupTextBytesMax) {
      // Arrow's arrays hold 2 GiB of text at most; an action of this size is none.
      constexpr std::size_t kRowTextBytesMax = std::size_t{1} << 30;
      if (text_bytes > kRowTextBytesMax) {
        return Fail(ErrorCode::kLimitExceeded,
                    fmt::format("an action of {} bytes is too long for a checkpoint", text_bytes));
      }
    }
    if (rows_ > 0 && (rows_ == group_rows_max_ || text_bytes_ + text_bytes > kGroupTextBytesMax)) {
      DELTALAKEDB_TRY(Checked(WriteGroup(false)));
    }
    ++rows_;
    ++size_.num_actions;
    text_bytes_ += text_bytes;
    return Checked(AppendRow(column, fill));
  }

  template <typename Fill>
  arrow::Status AppendRow(ActionColumn column, Fill fill) {
    for (std::int64_t& nulls : nulls_due_) ++nulls;
    --nulls_due_[column];
    ARROW_RETURN_NOT_OK(AppendNullsDue(column));
    Fields fields(*builder_->GetField(column_of_[column]));
    ARROW_RETURN_NOT_OK(fields.Start());
    return fill(fields);
  }

  // Rows that have another action; they mostly come in long runs.
  arrow::Status AppendNullsDue(std::size_t column) {
    const std::int64_t nulls = std::exchange(nulls_due_[column], 0);
    if (nulls == 0 || column_of_[column] < 0) return arrow::Status::OK();
    if (column == kAdd) ARROW_RETURN_NOT_OK(nulls_->PayAll());
    return builder_->GetField(column_of_[column])->AppendNulls(nulls);
  }

  arrow::Status WriteGroup(bool is_last) {
    if (rows_ == 0) return arrow::Status::OK();
    for (std::size_t i = 0; i < kActionColumns; ++i) ARROW_RETURN_NOT_OK(AppendNullsDue(i));
    ARROW_RETURN_NOT_OK(nulls_->PayAll());
    rows_ = 0;
    text_bytes_ = 0;
    ARROW_ASSIGN_OR_RAISE(const auto batch, builder_->Flush());
    ARROW_RETURN_NOT_OK(AwaitGroup());
    if (is_last) return Encode(batch);
    encoding_ = std::async([this, batch] { return Encode(batch); });
    const int adds = column_of_[kAdd];
    if (adds < 0) return arrow::Status::OK();
    return ReserveLike(*batch->column(adds), *builder_->GetField(adds));
  }

  arrow::Status Encode(const std::shared_ptr<arrow::RecordBatch>& batch) {
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({batch}));
    return writer_->WriteTable(*table, kGroupRowsMax);
  }

  arrow::Status AwaitGroup() { return encoding_.valid() ? encoding_.get() : arrow::Status::OK(); }

  Result<void> Checked(const arrow::Status& status) const {
    if (status.ok()) return {};
    if (encoding_.valid()) encoding_.wait();
    if (output_->error()) return Fail(*output_->error());
    return Fail(status.IsCapacityError() ? ErrorCode::kLimitExceeded : ErrorCode::kIo,
                fmt::format("cannot write a checkpoint: {}", status.message()));
  }

  OutputFile& file_;
  CheckpointWriterOptions options_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<ArrowOutput> output_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
  std::array<int, kActionColumns> column_of_{};  // -1: this file has none of them
  std::optional<OwedNulls> nulls_;               // of the fields of `add`
  std::optional<StatsParsedAppender> stats_parsed_;
  std::optional<PartitionValuesAppender> values_parsed_;
  std::int64_t group_rows_max_ = kGroupRowsMax;
  std::array<std::int64_t, kActionColumns> nulls_due_{};
  std::int64_t rows_ = 0;  // of the group that is gathered
  std::size_t text_bytes_ = 0;
  CheckpointSize size_;
  // A group that is encoded on another thread while the next is gathered; the last of the members,
  // as it uses others.
  std::future<arrow::Status> encoding_;
};

}  // namespace

Result<std::unique_ptr<CheckpointWriter>> CheckpointWriter::Make(
    OutputFile& file, const CheckpointWriterOptions& options) {
  auto writer = std::make_unique<ArrowCheckpointWriter>(file, options);
  DELTALAKEDB_TRY(writer->Open());
  return writer;
}

std::string LastCheckpointText(Version version, const CheckpointSize& size) {
  return fmt::format(R"({{"version":{},"size":{},"sizeInBytes":{},"numOfAddFiles":{}}})",
                     version.value(), size.num_actions, size.size_in_bytes, size.num_adds);
}

}  // namespace deltalakedb::storage
