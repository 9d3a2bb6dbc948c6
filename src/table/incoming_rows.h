// Rows that somebody brings, in the form that a table has them in.
//
// Columns are matched by name (ASCII letters of either case being equal), at every depth. Values
// are converted where nothing can be lost: to wider numbers, to fewer digits only where these are
// zero, timestamps to microseconds, whatever the physical form of texts, bytes and lists. A
// timestamp without a zone is UTC where the table has moments. Thread-safety: a reader belongs to
// one thread at a time.
#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <vector>

#include "data/table_shape.h"
#include "deltalakedb/result.h"

namespace deltalakedb::table {

class IncomingRows final : public arrow::RecordBatchReader {
 public:
  // Errors: InvalidArgument (a column that the table does not have, or twice, or of a type that
  // does not fit; fact column), Unsupported (a column is missing that has a default value; facts
  // features and column).
  static Result<std::shared_ptr<IncomingRows>> Make(
      std::shared_ptr<arrow::RecordBatchReader> rows,
      const std::shared_ptr<const data::TableShape>& shape);

  // The table's columns that the rows bring, as positions in TableShape::columns(), ascending; the
  // batches have just these.
  const std::vector<int>& columns() const { return columns_; }
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  // Never gives an empty batch. Errors: those of the rows, InvalidArgument (a value that does not
  // fit; fact column).
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;
  // The same as a Result; null at the end.
  Result<std::shared_ptr<arrow::RecordBatch>> NextRows();

  // A batch of some columns of a table (`columns` as above) with the others as nulls.
  static Result<std::shared_ptr<arrow::RecordBatch>> WithAllColumns(
      const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<int>& columns,
      const data::TableShape& shape);

 private:
  IncomingRows() = default;

  std::shared_ptr<arrow::RecordBatchReader> rows_;
  std::vector<int> columns_;
  std::vector<int> sources_;  // for each of columns_, the column of the rows
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace deltalakedb::table
