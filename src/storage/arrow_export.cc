// ExportToArrow: file batches as Arrow record batches through the C stream interface.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/table_builder.h>
#include <arrow/type.h>

#include "deltalakedb/file_stream.h"

namespace deltalakedb {

namespace {

std::shared_ptr<arrow::Schema> FileSchema() {
  using arrow::field;
  const auto text_map = arrow::map(arrow::utf8(), arrow::utf8());
  const auto deletion_vector = arrow::struct_({
      field("storageType", arrow::utf8(), false),
      field("pathOrInlineDv", arrow::utf8(), false),
      field("offset", arrow::int32()),
      field("sizeInBytes", arrow::int32(), false),
      field("cardinality", arrow::int64(), false),
  });
  return arrow::schema({
      field("path", arrow::utf8(), false),
      field("partitionValues", text_map, false),
      field("size", arrow::int64(), false),
      field("modificationTime", arrow::int64(), false),
      field("dataChange", arrow::boolean(), false),
      field("stats", arrow::utf8()),
      field("tags", text_map),
      field("deletionVector", deletion_vector),
      field("baseRowId", arrow::int64()),
      field("defaultRowCommitVersion", arrow::int64()),
      field("clusteringProvider", arrow::utf8()),
  });
}

template <typename Builder, typename T>
arrow::Status AppendOptional(Builder& builder, const std::optional<T>& value) {
  return value ? builder.Append(*value) : builder.AppendNull();
}

arrow::Status AppendMap(arrow::MapBuilder& builder, const StringMapView& map) {
  auto& keys = static_cast<arrow::StringBuilder&>(*builder.key_builder());
  auto& values = static_cast<arrow::StringBuilder&>(*builder.item_builder());
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const StringMapEntry& entry : map) {
    ARROW_RETURN_NOT_OK(keys.Append(entry.key));
    ARROW_RETURN_NOT_OK(AppendOptional(values, entry.value));
  }
  return arrow::Status::OK();
}

arrow::Status AppendDeletionVector(arrow::StructBuilder& builder,
                                   const std::optional<DeletionVector>& dv) {
  if (!dv) return builder.AppendNull();
  ARROW_RETURN_NOT_OK(builder.Append());
  const auto child = [&]<typename T>(int index) -> T& {
    return static_cast<T&>(*builder.field_builder(index));
  };
  ARROW_RETURN_NOT_OK(child.operator()<arrow::StringBuilder>(0).Append(dv->storage_type));
  ARROW_RETURN_NOT_OK(child.operator()<arrow::StringBuilder>(1).Append(dv->path_or_inline_dv));
  ARROW_RETURN_NOT_OK(AppendOptional(child.operator()<arrow::Int32Builder>(2), dv->offset));
  ARROW_RETURN_NOT_OK(child.operator()<arrow::Int32Builder>(3).Append(dv->size_in_bytes));
  return child.operator()<arrow::Int64Builder>(4).Append(dv->cardinality);
}

class ExportedFiles final : public arrow::RecordBatchReader {
 public:
  explicit ExportedFiles(std::unique_ptr<FileStream> files) : files_(std::move(files)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    Result<std::optional<FileBatch>> batch = files_->Next();
    if (!batch) return arrow::Status::IOError(batch.error().message());
    if (!*batch) return arrow::Status::OK();
    return Convert((*batch)->files(), out);
  }

 private:
  arrow::Status Convert(const std::vector<AddFile>& files,
                        std::shared_ptr<arrow::RecordBatch>* out) {
    if (builder_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(builder_,
                            arrow::RecordBatchBuilder::Make(schema_, arrow::default_memory_pool()));
    }
    auto& path = *builder_->GetFieldAs<arrow::StringBuilder>(0);
    auto& partition_values = *builder_->GetFieldAs<arrow::MapBuilder>(1);
    auto& size = *builder_->GetFieldAs<arrow::Int64Builder>(2);
    auto& modification_time = *builder_->GetFieldAs<arrow::Int64Builder>(3);
    auto& data_change = *builder_->GetFieldAs<arrow::BooleanBuilder>(4);
    auto& stats = *builder_->GetFieldAs<arrow::StringBuilder>(5);
    auto& tags = *builder_->GetFieldAs<arrow::MapBuilder>(6);
    auto& deletion_vector = *builder_->GetFieldAs<arrow::StructBuilder>(7);
    auto& base_row_id = *builder_->GetFieldAs<arrow::Int64Builder>(8);
    auto& row_commit_version = *builder_->GetFieldAs<arrow::Int64Builder>(9);
    auto& clustering_provider = *builder_->GetFieldAs<arrow::StringBuilder>(10);
    for (const AddFile& add : files) {
      ARROW_RETURN_NOT_OK(path.Append(add.path));
      ARROW_RETURN_NOT_OK(AppendMap(partition_values, add.partition_values));
      ARROW_RETURN_NOT_OK(size.Append(add.size));
      ARROW_RETURN_NOT_OK(modification_time.Append(add.modification_time));
      ARROW_RETURN_NOT_OK(data_change.Append(add.data_change));
      ARROW_RETURN_NOT_OK(AppendOptional(stats, add.stats));
      ARROW_RETURN_NOT_OK(add.tags ? AppendMap(tags, *add.tags) : tags.AppendNull());
      ARROW_RETURN_NOT_OK(AppendDeletionVector(deletion_vector, add.deletion_vector));
      ARROW_RETURN_NOT_OK(AppendOptional(base_row_id, add.base_row_id));
      ARROW_RETURN_NOT_OK(AppendOptional(row_commit_version, add.default_row_commit_version));
      ARROW_RETURN_NOT_OK(AppendOptional(clustering_provider, add.clustering_provider));
    }
    return builder_->Flush().Value(out);
  }

  std::unique_ptr<FileStream> files_;
  std::shared_ptr<arrow::Schema> schema_ = FileSchema();
  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
};

}  // namespace

void ExportToArrow(std::unique_ptr<FileStream> files, ArrowArrayStream* out) {
  const arrow::Status status =
      arrow::ExportRecordBatchReader(std::make_shared<ExportedFiles>(std::move(files)), out);
  // It fails only on invalid arguments, and these are ours; then nobody must release `out`.
  if (!status.ok()) out->release = nullptr;
}

}  // namespace deltalakedb
