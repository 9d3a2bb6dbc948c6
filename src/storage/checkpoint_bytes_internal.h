// Checkpoints as Parquet files made in memory, for tests.
#pragma once

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <memory>
#include <string>
#include <utility>

#include "storage/checkpoint_parquet.h"
#include "storage/file_system.h"

namespace deltalakedb::storage::testing_checkpoints {

using arrow::field;
using Fields = arrow::FieldVector;
using Type = std::shared_ptr<arrow::DataType>;

// The types of texts and integers, which writers choose differently.
struct Types {
  Type text = arrow::utf8();
  Type integer = arrow::int64();
};

inline Type TextMap(const Type& text = arrow::utf8()) { return arrow::map(text, text); }

inline Type VectorType(const Types& types = {}) {
  return arrow::struct_({field("storageType", types.text), field("pathOrInlineDv", types.text),
                         field("offset", arrow::int32()), field("sizeInBytes", arrow::int32()),
                         field("cardinality", types.integer)});
}

inline Fields AddFields(const Types& types = {}) {
  return {field("path", types.text),
          field("partitionValues", TextMap(types.text)),
          field("size", types.integer),
          field("modificationTime", types.integer),
          field("dataChange", arrow::boolean()),
          field("stats", types.text),
          field("tags", TextMap(types.text)),
          field("deletionVector", VectorType(types)),
          field("baseRowId", types.integer),
          field("defaultRowCommitVersion", types.integer),
          field("clusteringProvider", types.text)};
}

// What checkpoints have, and what only commits should.
inline Fields RemoveFields(const Types& types = {}) {
  return {field("path", types.text),
          field("deletionTimestamp", types.integer),
          field("dataChange", arrow::boolean()),
          field("extendedFileMetadata", arrow::boolean()),
          field("partitionValues", TextMap(types.text)),
          field("size", types.integer),
          field("deletionVector", VectorType(types)),
          field("baseRowId", types.integer),
          field("defaultRowCommitVersion", types.integer),
          field("stats", types.text),
          field("tags", TextMap(types.text))};
}

inline std::shared_ptr<arrow::Schema> CheckpointSchema(const Fields& add_fields = AddFields()) {
  const auto& text = arrow::utf8();
  const auto texts = arrow::list(text);
  return arrow::schema({
      field("txn", arrow::struct_({field("appId", text), field("version", arrow::int64()),
                                   field("lastUpdated", arrow::int64())})),
      field("add", arrow::struct_(add_fields)),
      field("remove", arrow::struct_(RemoveFields())),
      field("metaData",
            arrow::struct_(
                {field("id", text), field("name", text), field("description", text),
                 field("format",
                       arrow::struct_({field("provider", text), field("options", TextMap())})),
                 field("schemaString", text), field("partitionColumns", texts),
                 field("configuration", TextMap()), field("createdTime", arrow::int64())})),
      field("protocol",
            arrow::struct_({field("minReaderVersion", arrow::int32()),
                            field("minWriterVersion", arrow::int32()),
                            field("readerFeatures", texts), field("writerFeatures", texts)})),
      field("domainMetadata", arrow::struct_({field("domain", text), field("configuration", text),
                                              field("removed", arrow::boolean())})),
      field("checkpointMetadata",
            arrow::struct_({field("version", arrow::int64()), field("tags", TextMap())})),
      field("sidecar",
            arrow::struct_({field("path", text), field("sizeInBytes", arrow::int64()),
                            field("modificationTime", arrow::int64()), field("tags", TextMap())})),
  });
}

inline std::string WriteParquet(const std::shared_ptr<arrow::Table>& table,
                                std::int64_t row_group_rows = 1'000'000) {
  const auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto properties =
      parquet::WriterProperties::Builder().compression(parquet::Compression::SNAPPY)->build();
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, row_group_rows,
                                         properties, arrow_properties)
                  .ok());
  return sink->Finish().ValueOrDie()->ToString();
}

// Rows as JSON objects, where absent actions are null: maps are lists of pairs.
inline std::shared_ptr<arrow::Table> MakeTable(const std::shared_ptr<arrow::Schema>& schema,
                                               const std::string& rows) {
  const auto array =
      arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), "[" + rows + "]");
  EXPECT_TRUE(array.ok()) << array.status().ToString();
  return arrow::Table::FromRecordBatches(
             {arrow::RecordBatch::FromStructArray(array.ValueOrDie()).ValueOrDie()})
      .ValueOrDie();
}

inline std::string Bytes(const std::shared_ptr<arrow::Schema>& schema, const std::string& rows) {
  return WriteParquet(MakeTable(schema, rows));
}

// A file with one column only.
inline std::string OneColumn(const std::string& name, const Type& type, const std::string& rows) {
  const auto array = arrow::json::ArrayFromJSONString(type, "[" + rows + "]");
  EXPECT_TRUE(array.ok()) << array.status().ToString();
  return WriteParquet(arrow::Table::Make(arrow::schema({field(name, type)}), {array.ValueOrDie()}));
}

inline std::string Adds(const Fields& fields, const std::string& rows) {
  return OneColumn("add", arrow::struct_(fields), rows);
}

inline std::string Removes(const Fields& fields, const std::string& rows) {
  return OneColumn("remove", arrow::struct_(fields), rows);
}

inline std::shared_ptr<const InputFile> File(std::string bytes) {
  return MakeMemoryFile("/log/c.parquet", std::move(bytes));
}

inline Result<CheckpointState> State(std::string bytes) {
  const auto checkpoint = ParquetCheckpoint::Open(File(std::move(bytes)));
  if (!checkpoint) return Fail(checkpoint.error());
  return (*checkpoint)->LoadState();
}

// A file whose state has to be refused as corrupt.
inline void ExpectCorruptState(const std::string& bytes, const std::string& message) {
  const auto state = State(bytes);
  ASSERT_FALSE(state.has_value()) << message;
  EXPECT_EQ(state.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(state.error().message(), testing::HasSubstr(message));
  EXPECT_THAT(state.error().message(), testing::HasSubstr("/log/c.parquet"));
  EXPECT_EQ(*state.error().FindFact("file"), Error::FactValue("/log/c.parquet"));
}

}  // namespace deltalakedb::storage::testing_checkpoints
