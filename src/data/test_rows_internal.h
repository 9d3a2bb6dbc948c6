// Rows of a table from JSON, for tests.
#pragma once

#include <arrow/api.h>

#include <memory>
#include <string>

#include "data/test_files_internal.h"

namespace deltalakedb::data::testing_files {

// `json` is a list of objects, a row each.
inline std::shared_ptr<arrow::RecordBatch> RowsOf(const std::shared_ptr<arrow::Schema>& schema,
                                                  const std::string& json) {
  const auto rows = ArrayOf(arrow::struct_(schema->fields()), json);
  const auto batch = arrow::RecordBatch::FromStructArray(rows).ValueOrDie();
  return arrow::RecordBatch::Make(schema, batch->num_rows(), batch->columns());
}

inline std::shared_ptr<arrow::RecordBatch> RowsOf(const TableShape& shape,
                                                  const std::string& json) {
  return RowsOf(shape.arrow_schema(), json);
}

}  // namespace deltalakedb::data::testing_files
