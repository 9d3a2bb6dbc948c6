// What a table asks of the rows that are written to it, not-null columns apart, which the writer of
// files looks at (data/data_writer.h).
//
// Thread-safety: a RowChecks belongs to one thread at a time.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "data/table_shape.h"
#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "expr/evaluator.h"

namespace deltalakedb::table {

// Whether this program can write rows of such a table as its features ask: values that it would
// have to make (generated and identity columns) and types that it does not write are refused by
// name. Errors: Unsupported (facts features and column).
Result<void> CheckRowsWritable(const Protocol& protocol, const data::TableShape& shape);

// CHECK constraints (`delta.constraints.NAME`) and column invariants (`delta.invariants`), which
// are SQL that has to be true for each row; null is not.
class RowChecks {
 public:
  // Errors: Unsupported (an expression that this program's SQL does not have; facts features,
  // constraint and expression).
  static Result<std::unique_ptr<RowChecks>> Make(const Metadata& metadata,
                                                 const data::TableShape& shape);
  // Errors: InvalidArgument (facts constraint and expression).
  Result<void> Check(const std::shared_ptr<arrow::RecordBatch>& rows);

 private:
  struct Constraint {
    std::string name;
    std::string expression;
  };
  RowChecks() = default;

  std::vector<Constraint> constraints_;
  std::vector<int> columns_;                    // that the constraints name
  std::unique_ptr<expr::Evaluator> evaluator_;  // null without constraints
};

}  // namespace deltalakedb::table
