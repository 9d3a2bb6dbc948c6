// How a column of a table is made of what a data file has of it: decided once for a file, then done
// for each batch.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/file_schema_internal.h"
#include "data/table_shape.h"
#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::data {

struct ColumnPlan {
  enum class Kind : std::uint8_t {
    kMissing,  // the file is older than the column: nulls
    kValues,   // no children: `casts`, then the type is put over
    kStruct,
    kList,
    kMap,
  };
  Kind kind = Kind::kMissing;
  std::shared_ptr<arrow::DataType> type;  // the table's
  // One after the other. Where nothing is to be done but to call the values by another type, empty.
  std::vector<std::shared_ptr<arrow::DataType>> casts;
  // What the file has instead of a list, such as one of fixed size.
  bool is_other_list = false;
  // The fields of a struct in the table's order; the element of a list; key and value of a map.
  std::vector<ColumnPlan> children;
  const FileSchema::Field* source = nullptr;  // of all but kMissing
  // Of a column or the field of a struct: which of those that are read it is; -1 of others.
  int position = -1;
};

// Makes plans for the columns of one file, and knows what has to be read for them.
class ColumnPlanner {
 public:
  // `path` is for errors.
  ColumnPlanner(const TableShape& shape, const FileSchema& file, std::string path)
      : shape_(shape), file_(file), path_(std::move(path)) {}

  // Errors: Corrupt (the file's type is none that the table's can be read from), Unsupported (a
  // shredded variant); facts column, file and type.
  Result<ColumnPlan> PlanColumn(const Field& column);
  // The same for a column that the schema does not have. Nulls where the file has none.
  Result<ColumnPlan> PlanHidden(const std::string& name, const DataType& type);

  // The leaves that all plans need.
  const std::set<int>& leaves() const { return leaves_; }
  // Says where a plan finds its values in what is read; once all are made.
  void Locate(ColumnPlan& plan);

 private:
  Result<ColumnPlan> Plan(const DataType& type, const FileSchema::Field* source);
  Result<void> PlanStruct(const DataType& type, ColumnPlan& plan);
  Result<void> PlanVariant(ColumnPlan& plan);
  Result<void> PlanNested(const DataType& type, ColumnPlan& plan);
  // Reads something of a field, so that what is around it can be told.
  void Touch(const FileSchema::Field& field);
  bool IsRead(const FileSchema::Field& field) const;
  int PositionIn(const FileSchema::Group& group, const FileSchema::Field& field);
  void LocateChildren(ColumnPlan& plan);
  std::unexpected<Error> Misfit(const DataType& wanted, const arrow::DataType& there) const;

  const TableShape& shape_;
  const FileSchema& file_;
  std::string path_;
  std::string column_;  // that is planned, with the fields that lead to where it is now
  std::set<int> leaves_;
  std::unordered_map<const FileSchema::Group*, std::vector<int>> positions_;  // of those read
};

// The casts that make a file's values those of a table's type without losing anything (PROTOCOL.md,
// Partition values and schema: type widening); nullopt where they are of quite another kind.
std::optional<std::vector<std::shared_ptr<arrow::DataType>>> FindCasts(
    const DataType& wanted, const arrow::DataType& there);

// The values of `array`, which is as the file has it, in the table's type. Fails for a value that
// the table's type cannot hold.
arrow::Result<std::shared_ptr<arrow::Array>> Convert(const ColumnPlan& plan,
                                                     const std::shared_ptr<arrow::Array>& array);

}  // namespace deltalakedb::data
