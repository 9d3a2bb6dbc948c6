// Computes SQL expressions over batches of rows, by DuckDB.
//
// Expressions see the columns of the rows and nothing else: no files, no settings, no subqueries,
// no functions that give something else each time, such as now() and random(). Types and NULL are
// SQL's; a moment without a zone is UTC.
// Thread-safety: an evaluator belongs to one thread at a time; make one for each thread.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::expr {

struct NamedExpression {
  std::string name;  // of the column that it gives
  std::string sql;
  // That values are cast to, one of those that tables have; null: as they come.
  std::shared_ptr<arrow::DataType> type;
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;

  // Takes 2 ms. `rows` is the schema of the batches to come; columns that no expression names
  // should be left out of it, they cost time. Errors: InvalidArgument (an expression that is none,
  // or does not fit the columns; facts expression, and column where it is about one), Unsupported
  // (DuckDB is not there).
  static Result<std::unique_ptr<Evaluator>> Make(std::shared_ptr<arrow::Schema> rows,
                                                 std::vector<NamedExpression> expressions);

  // A row for each row, in order; a column for each expression.
  // Errors: InvalidArgument (a value that cannot be computed or cast, with DuckDB's own words; a
  // batch of other types; fact expression), LimitExceeded (not enough memory). It may be called
  // again after that.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Evaluate(
      const std::shared_ptr<arrow::RecordBatch>& rows) = 0;
};

// The assignments of `SET a = a + 1, b.c = 'x'`: the text of the command line. Column names in
// double quotes where they need them. Errors: InvalidArgument (fact expression).
struct Assignment {
  std::string column;  // as written, without quotes; a dot before each field of a struct
  std::string sql;
};
Result<std::vector<Assignment>> ParseAssignments(std::string_view text);

// A column's name as SQL has it.
std::string QuoteName(std::string_view name);

}  // namespace deltalakedb::expr
