// Splits rows by the values of a table's partition columns.
//
// Thread-safety: immutable.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/table_shape.h"
#include "deltalakedb/result.h"

namespace deltalakedb::data {

// The texts of a partition's values as partitionValues has them, in the order of
// TableShape::partition_columns(). Null is nullopt.
using PartitionKey = std::vector<std::optional<std::string>>;

struct PartitionRows {
  PartitionKey key;
  std::shared_ptr<arrow::RecordBatch> rows;
};

class PartitionSplit {
 public:
  // Errors: Unsupported (a partition column of a type without a text; facts column and type).
  static Result<PartitionSplit> Make(std::shared_ptr<const TableShape> shape);

  // The rows of each partition in their order, partitions in the order in which they first occur.
  // Rows that are all of one partition are not copied. Two parts may have the same key.
  // Errors: InvalidArgument (a null where none may be, a value without a text; fact column).
  Result<std::vector<PartitionRows>> Split(const std::shared_ptr<arrow::RecordBatch>& rows) const;

 private:
  explicit PartitionSplit(std::shared_ptr<const TableShape> shape) : shape_(std::move(shape)) {}

  std::shared_ptr<const TableShape> shape_;
};

}  // namespace deltalakedb::data
