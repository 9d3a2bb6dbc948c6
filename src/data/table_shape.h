// How the columns of a table are in its data files: names, ids and partition columns (PROTOCOL.md,
// Column mapping).
//
// Thread-safety: immutable.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::data {

enum class ColumnMapping : std::uint8_t { kNone, kName, kId };

class TableShape {
 public:
  struct Column {
    const Field* field = nullptr;  // of schema()
    std::string physical_name;     // in files, statistics and partitionValues
    bool is_partition = false;     // files do not have it, add.partitionValues do
  };

  // Errors: Corrupt (a schema that cannot be understood, a partition column that it does not have,
  // a mapped column without its id or physical name), Unsupported (a type; facts column and type).
  static Result<std::shared_ptr<const TableShape>> Make(const Metadata& metadata);

  const Schema& schema() const { return schema_; }
  // As ArrowSchemaOf.
  const std::shared_ptr<arrow::Schema>& arrow_schema() const { return arrow_schema_; }
  ColumnMapping mapping() const { return mapping_; }
  // In the order of the schema.
  const std::vector<Column>& columns() const { return columns_; }
  // Positions in columns(), in the order of metaData.partitionColumns.
  const std::vector<int>& partition_columns() const { return partition_columns_; }
  // The position of a column by its logical name, as the schema spells it or else in any case of
  // ASCII letters; nullopt when there is none.
  std::optional<int> FindColumn(std::string_view name) const;
  // The name of a field, of a struct below a column too, in files and statistics.
  std::string_view PhysicalName(const Field& field) const;

 private:
  TableShape(Schema schema, std::shared_ptr<arrow::Schema> arrow_schema, ColumnMapping mapping)
      : schema_(std::move(schema)), arrow_schema_(std::move(arrow_schema)), mapping_(mapping) {}

  Schema schema_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
  ColumnMapping mapping_;
  std::vector<Column> columns_;
  std::vector<int> partition_columns_;
};

}  // namespace deltalakedb::data
