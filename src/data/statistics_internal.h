// The statistics of a file, gathered while its rows go by (PROTOCOL.md, Statistics).
//
// Thread-safety: a plan is immutable and shared; the statistics of a file belong to one thread at a
// time.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/table_shape.h"
#include "deltalakedb/actions.h"
#include "protocol/parsed_columns.h"

namespace deltalakedb::data {

// A column that files have statistics of, or a field of one.
struct StatsColumn {
  std::string name;                 // physical
  int position = 0;                 // among the columns of the rows, or the fields of the struct
  std::vector<StatsColumn> fields;  // of a struct
  // Of a leaf: its place among the leaves.
  std::size_t leaf = 0;
  bool has_bounds = false;  // itself or, of a struct, any leaf below
};

struct StatsPlan {
  std::vector<StatsColumn> columns;
  std::vector<DataType> leaves;
  std::size_t prefix_length = 0;  // of texts, in UTF-16 units
  bool with_tight_bounds = false;

  // Where protocol::FindParsedColumns has no answer files have their number of rows alone.
  static StatsPlan Make(const Protocol& protocol, const Metadata& metadata,
                        const TableShape& shape);
};

// What is known of one leaf.
class LeafStatistics {
 public:
  virtual ~LeafStatistics() = default;
  virtual void Add(const arrow::Array& values) = 0;
  // The JSON of the bounds; empty where there are none: no value, or one without a text.
  virtual std::string MinJson() const = 0;
  virtual std::string MaxJson() const = 0;

  std::int64_t null_count = 0;
};

class FileStatistics {
 public:
  // `plan` outlives this.
  explicit FileStatistics(const StatsPlan& plan);

  // Rows as TableShape::arrow_schema() has them.
  arrow::Status Add(const arrow::RecordBatch& rows);
  std::int64_t num_rows() const { return num_rows_; }
  // add.stats
  std::string ToJson() const;

 private:
  arrow::Status AddColumn(const StatsColumn& column, const arrow::Array& values);

  const StatsPlan* plan_;
  std::int64_t num_rows_ = 0;
  std::vector<std::unique_ptr<LeafStatistics>> leaves_;
};

}  // namespace deltalakedb::data
