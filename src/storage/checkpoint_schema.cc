#include <utility>

#include "storage/checkpoint_schema_internal.h"
#include "storage/parsed_columns_internal.h"

namespace deltalakedb::storage {

namespace {

using arrow::field;

using Type = std::shared_ptr<arrow::DataType>;

Type TextMap() { return arrow::map(arrow::utf8(), arrow::utf8()); }
Type Texts() { return arrow::list(field("element", arrow::utf8())); }

Type VectorType() {
  return arrow::struct_({field("storageType", arrow::utf8()),
                         field("pathOrInlineDv", arrow::utf8()), field("offset", arrow::int32()),
                         field("sizeInBytes", arrow::int32()),
                         field("cardinality", arrow::int64())});
}

Type AddType(const CheckpointWriterOptions& options) {
  arrow::FieldVector add = {field("path", arrow::utf8()),
                            field("partitionValues", TextMap()),
                            field("size", arrow::int64()),
                            field("modificationTime", arrow::int64()),
                            field("dataChange", arrow::boolean()),
                            field("tags", TextMap()),
                            field("deletionVector", VectorType()),
                            field("baseRowId", arrow::int64()),
                            field("defaultRowCommitVersion", arrow::int64()),
                            field("clusteringProvider", arrow::utf8())};
  if (options.with_stats) add.push_back(field("stats", arrow::utf8()));
  if (options.parsed != nullptr) {
    if (const Type values = PartitionValuesParsedType(*options.parsed)) {
      add.push_back(field("partitionValues_parsed", values));
    }
    add.push_back(field("stats_parsed", StatsParsedType(*options.parsed)));
  }
  return arrow::struct_(add);
}

Type RemoveType() {
  return arrow::struct_({field("path", arrow::utf8()), field("deletionTimestamp", arrow::int64()),
                         field("dataChange", arrow::boolean()),
                         field("extendedFileMetadata", arrow::boolean()),
                         field("partitionValues", TextMap()), field("size", arrow::int64()),
                         field("deletionVector", VectorType()), field("baseRowId", arrow::int64()),
                         field("defaultRowCommitVersion", arrow::int64())});
}

Type MetadataType() {
  const auto& text = arrow::utf8();
  return arrow::struct_(
      {field("id", text), field("name", text), field("description", text),
       field("format", arrow::struct_({field("provider", text), field("options", TextMap())})),
       field("schemaString", text), field("partitionColumns", Texts()),
       field("configuration", TextMap()), field("createdTime", arrow::int64())});
}

Type ProtocolType() {
  return arrow::struct_({field("minReaderVersion", arrow::int32()),
                         field("minWriterVersion", arrow::int32()),
                         field("readerFeatures", Texts()), field("writerFeatures", Texts())});
}

}  // namespace

std::shared_ptr<arrow::Schema> CheckpointSchema(const CheckpointWriterOptions& options) {
  if (options.rows == CheckpointRows::kFiles) {
    return arrow::schema({field("add", AddType(options)), field("remove", RemoveType())});
  }
  const auto& text = arrow::utf8();
  arrow::FieldVector fields = {
      field("txn", arrow::struct_({field("appId", text), field("version", arrow::int64()),
                                   field("lastUpdated", arrow::int64())})),
      field("add", AddType(options)),
      field("remove", RemoveType()),
      field("metaData", MetadataType()),
      field("protocol", ProtocolType()),
      field("domainMetadata", arrow::struct_({field("domain", text), field("configuration", text),
                                              field("removed", arrow::boolean())}))};
  if (options.rows == CheckpointRows::kTop) {
    fields.push_back(field("checkpointMetadata", arrow::struct_({field("version", arrow::int64()),
                                                                 field("tags", TextMap())})));
    fields.push_back(field(
        "sidecar",
        arrow::struct_({field("path", text), field("sizeInBytes", arrow::int64()),
                        field("modificationTime", arrow::int64()), field("tags", TextMap())})));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace deltalakedb::storage
