// What DuckDB's statements answer, as Arrow batches of wanted types.
//
// Thread-safety: belongs to one thread at a time, that of the statement.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "deltalakedb/result.h"
#include "expr/session.h"

namespace deltalakedb::expr {

class ResultBatches {
 public:
  // Executes the statement, which has to live as long; the answer comes as it is read.
  static Outcome<std::unique_ptr<ResultBatches>> Execute(duckdb_prepared_statement statement);

  // The columns as DuckDB gives them.
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  // Null at the end. A batch has at most 2048 rows.
  Outcome<std::shared_ptr<arrow::RecordBatch>> Next();
  // All that is left, as one batch.
  Outcome<std::shared_ptr<arrow::RecordBatch>> ReadAll();

 private:
  ResultBatches() = default;
  Outcome<void> ReadSchema();

  store::DuckDbResult result_;
  store::DuckDbArrowOptions options_;
  std::shared_ptr<arrow::Schema> schema_;
};

// Whether values of the one type lie in memory as those of the other: only names of fields,
// nullability and the name of a zone differ.
bool IsSameLayout(const arrow::DataType& a, const arrow::DataType& b);
// The same values as an array of such a type; null arrays become anything. Errors: Internal (the
// layouts differ).
Result<std::shared_ptr<arrow::Array>> Relabel(const std::shared_ptr<arrow::Array>& array,
                                              const std::shared_ptr<arrow::DataType>& type);
// Of each column.
Result<std::shared_ptr<arrow::RecordBatch>> Relabel(
    const std::shared_ptr<arrow::RecordBatch>& batch, const std::shared_ptr<arrow::Schema>& schema);

}  // namespace deltalakedb::expr
