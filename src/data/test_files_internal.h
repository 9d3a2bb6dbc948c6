// Data files made by Parquet's own writer and tables over them, for tests.
#pragma once

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/temp_folder.h"
#include "data/data_file_reader.h"
#include "data/table_shape.h"

namespace deltalakedb::data::testing_files {

using Type = std::shared_ptr<arrow::DataType>;

// `type` is a name or the JSON of a nested one.
inline std::string FieldJson(const std::string& name, const std::string& type,
                             const std::string& metadata = "{}") {
  const std::string quoted = type.starts_with('{') ? type : '"' + type + '"';
  return R"({"name":")" + name + R"(","type":)" + quoted + R"(,"nullable":true,"metadata":)" +
         metadata + "}";
}

// A field of a table that maps its columns.
inline std::string MappedJson(const std::string& name, const std::string& type, int id,
                              const std::string& physical_name) {
  return FieldJson(name, type,
                   R"({"delta.columnMapping.id":)" + std::to_string(id) +
                       R"(,"delta.columnMapping.physicalName":")" + physical_name + R"("})");
}

inline std::string StructJson(const std::vector<std::string>& fields) {
  std::string json = R"({"type":"struct","fields":[)";
  for (const std::string& field : fields) json += (json.ends_with('[') ? "" : ",") + field;
  return json + "]}";
}

inline std::string ArrayJson(const std::string& element) {
  const std::string quoted = element.starts_with('{') ? element : '"' + element + '"';
  return R"({"type":"array","elementType":)" + quoted + R"(,"containsNull":true})";
}

inline std::string MapJson(const std::string& value) {
  const std::string quoted = value.starts_with('{') ? value : '"' + value + '"';
  return R"({"type":"map","keyType":"string","valueType":)" + quoted +
         R"(,"valueContainsNull":true})";
}

inline Metadata TableOf(const std::vector<std::string>& fields,
                        const std::vector<std::string>& partition_columns = {},
                        const std::map<std::string, std::string>& configuration = {}) {
  Metadata metadata;
  metadata.schema_string = StructJson(fields);
  metadata.partition_columns = partition_columns;
  metadata.configuration = configuration;
  return metadata;
}

inline std::shared_ptr<const TableShape> ShapeOf(const Metadata& metadata) {
  auto shape = TableShape::Make(metadata);
  if (!shape) throw std::runtime_error(shape.error().message());
  return *shape;
}

inline std::shared_ptr<arrow::Array> ArrayOf(const Type& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

// A column of a file.
struct TestColumn {
  std::string name;
  std::shared_ptr<arrow::Array> values;
  int id = -1;  // in the file; none below 0
};

class TestFolder {
 public:
  struct Options {
    std::int64_t row_group_rows = 1000;
    std::shared_ptr<parquet::ArrowWriterProperties> arrow =
        parquet::default_arrow_writer_properties();
    std::shared_ptr<parquet::WriterProperties> parquet = parquet::default_writer_properties();
  };

  // Answers where the file is.
  std::string Write(const std::vector<TestColumn>& columns, const Options& options) const {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (const TestColumn& column : columns) {
      auto field = arrow::field(column.name, column.values->type());
      if (column.id >= 0) {
        field = field->WithMetadata(
            arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(column.id)}));
      }
      fields.push_back(std::move(field));
      arrays.push_back(column.values);
    }
    const auto table = arrow::Table::Make(arrow::schema(std::move(fields)), arrays);
    const std::string path = this->path("data.parquet");
    const auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
    const arrow::Status written =
        parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out,
                                   options.row_group_rows, options.parquet, options.arrow);
    if (!written.ok() || !out->Close().ok()) throw std::runtime_error(written.message());
    return path;
  }
  std::string Write(const std::vector<TestColumn>& columns) const { return Write(columns, {}); }

  std::string path(const std::string& name) const { return (folder_.path() / name).native(); }

 private:
  base::TempFolder folder_;
};

inline DataFile FileAt(const std::string& path) {
  DataFile file;
  file.path = path;
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  file.size_bytes = ignored ? 1 : static_cast<std::int64_t>(size);
  return file;
}

inline ReadOptions AllColumns(const TableShape& shape) {
  ReadOptions options;
  for (int i = 0; i < static_cast<int>(shape.columns().size()); ++i) options.columns.push_back(i);
  return options;
}

inline Result<std::shared_ptr<arrow::Table>> ReadAll(const Metadata& metadata, const DataFile& file,
                                                     const ReadOptions& options) {
  const auto shape = ShapeOf(metadata);
  auto reader = DataFileReader::Open(shape, metadata, file, options);
  if (!reader) return Fail(std::move(reader).error());
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (int i = 0; i < (*reader)->num_row_groups(); ++i) {
    auto stream = (*reader)->ReadRowGroup(i);
    if (!stream) return Fail(std::move(stream).error());
    while (true) {
      auto batch = (*stream)->Next();
      if (!batch) return Fail(std::move(batch).error());
      if (*batch == nullptr) break;
      EXPECT_GT((*batch)->num_rows(), 0);
      EXPECT_LE((*batch)->num_rows(), options.batch_rows_max);
      const arrow::Status valid = (*batch)->ValidateFull();
      EXPECT_TRUE(valid.ok()) << valid.ToString();
      batches.push_back(*batch);
    }
  }
  const auto schema = *ReadSchema(*shape, options);
  return arrow::Table::FromRecordBatches(schema, batches).ValueOrDie();
}

inline Result<std::shared_ptr<arrow::Table>> ReadAll(const Metadata& metadata,
                                                     const DataFile& file) {
  return ReadAll(metadata, file, AllColumns(*ShapeOf(metadata)));
}

// Checks the rows against the JSON of a list of lists, one for each row.
inline void ExpectRows(const Result<std::shared_ptr<arrow::Table>>& rows, const std::string& json) {
  ASSERT_TRUE(rows.has_value()) << rows.error().message();
  const auto expected = ArrayOf(arrow::struct_((*rows)->schema()->fields()), json);
  const auto wanted =
      arrow::Table::FromChunkedStructArray(std::make_shared<arrow::ChunkedArray>(expected))
          .ValueOrDie();
  EXPECT_EQ((*rows)->num_rows(), wanted->num_rows());
  EXPECT_TRUE((*rows)->Equals(*wanted)) << (*rows)->ToString() << "\nis not\n" << json;
}

inline std::string FactOf(const Error& error, std::string_view name) {
  const auto* const fact = error.FindFact(name);
  return fact == nullptr ? "" : std::get<std::string>(*fact);
}

}  // namespace deltalakedb::data::testing_files
