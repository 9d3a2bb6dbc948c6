// The columns of a table as its data files have them: by physical name and with field ids, without
// partition columns and without columns of type void (PROTOCOL.md, Column mapping).
//
// Thread-safety: immutable.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "data/table_shape.h"
#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"

namespace deltalakedb::data {

class WrittenColumns {
 public:
  // `with_row_ids`: rows have two more columns behind those of the table.
  // Errors: Unsupported (a column that no file can hold, or none that is left; facts column and
  // type), Corrupt (row ids without their names in the table's properties).
  static Result<WrittenColumns> Make(const TableShape& shape, const Metadata& metadata,
                                     bool with_row_ids);

  const std::shared_ptr<arrow::Schema>& file_schema() const { return file_schema_; }
  // Of rows that are to be written: TableShape::arrow_schema(), and row ids where asked for.
  const std::shared_ptr<arrow::Schema>& row_schema() const { return row_schema_; }
  // Where each column of the file is among those of the rows.
  const std::vector<int>& positions() const { return positions_; }
  // A column of rows, by its place in the file, as the file has it; no value is copied.
  std::shared_ptr<arrow::Array> ToFile(int column, const arrow::Array& values) const;

 private:
  std::shared_ptr<arrow::Schema> file_schema_;
  std::shared_ptr<arrow::Schema> row_schema_;
  std::vector<int> positions_;
};

}  // namespace deltalakedb::data
