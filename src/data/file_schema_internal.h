// The columns of a Parquet file, to be found by what a table calls them.
#pragma once

#include <parquet/arrow/schema.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/table_shape.h"

namespace deltalakedb::data {

// What a file's type is without the name that somebody gave to it (Arrow's extension types).
const arrow::DataType& StorageTypeOf(const arrow::DataType& type);

// Thread-safety: immutable once it is read.
class FileSchema {
 public:
  using Field = parquet::arrow::SchemaField;
  using Group = std::vector<Field>;  // the fields of a struct or of the file

  FileSchema() = default;
  FileSchema(const FileSchema&) = delete;
  FileSchema& operator=(const FileSchema&) = delete;

  // May throw as Parquet does.
  arrow::Status Read(const parquet::FileMetaData& metadata,
                     const parquet::ArrowReaderProperties& properties);

  const Group& columns() const { return manifest_.schema_fields; }
  // Whether any field has a field id.
  bool has_ids() const { return has_ids_; }

  // The field of a group that holds a table's; null when there is none. With the mapping `id` by
  // its id. Else by its physical name: spelled as it is, or in another case of ASCII letters, as
  // Spark finds columns.
  const Field* Find(const Group& group, const deltalakedb::Field& field,
                    const TableShape& shape) const;
  // By a name spelled just so.
  const Field* FindColumn(std::string_view name) const;

 private:
  // Of a group, by each of what its fields may be looked for.
  struct Index {
    std::unordered_map<std::string_view, const Field*> by_name;
    std::unordered_map<std::string, const Field*> by_folded_name;
    std::unordered_map<int, const Field*> by_id;
  };
  void AddGroup(const Group& group);

  parquet::arrow::SchemaManifest manifest_;
  std::unordered_map<const Group*, Index> indexes_;
  bool has_ids_ = false;
};

// A leaf at or below a field; -1 where there is none. It is enough to tell which values are null.
int FirstLeafOf(const FileSchema::Field& field);

}  // namespace deltalakedb::data
