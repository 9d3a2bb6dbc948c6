// Writing the typed columns of a checkpoint, `stats_parsed` and `partitionValues_parsed`: what a
// file's texts say, as Arrow values (PROTOCOL.md, Checkpoints and Statistics). The inverse of
// parsed_stats_internal.h.
//
// Nothing here fails over a text. What it has no value for, and what is no value of its column's
// type, is null, so that a reader skips less.
// Thread-safety: each belongs to one thread at a time.
#pragma once

#include <arrow/array/builder_nested.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "protocol/parsed_columns.h"

namespace deltalakedb::storage {

std::shared_ptr<arrow::DataType> StatsParsedType(const protocol::ParsedColumns& columns);

// Null where the table is not partitioned by anything that has typed values.
std::shared_ptr<arrow::DataType> PartitionValuesParsedType(const protocol::ParsedColumns& columns);

class StatsParsedAppender {
 public:
  // Appends to `builder`, of StatsParsedType(columns). Both outlive it.
  StatsParsedAppender(const protocol::ParsedColumns& columns, arrow::StructBuilder& builder);
  ~StatsParsedAppender();

  // Appends the row of a file. Without a text, or for one that is no JSON object, it is null.
  // Timestamps are what the text says, to be widened by readers as those of the text are; one of a
  // moment without a zone is null, as nobody knows which moment that is.
  arrow::Status Append(std::optional<std::string_view> stats);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

class PartitionValuesAppender {
 public:
  // Appends to `builder`, of PartitionValuesParsedType(columns). Both outlive it.
  PartitionValuesAppender(const protocol::ParsedColumns& columns, arrow::StructBuilder& builder)
      : columns_(columns), builder_(builder) {}

  // Appends the row of a file. All of it is null where one value is missing or is none of its
  // type: a null inside would say that the column is null in that file.
  arrow::Status Append(StringMapView values);

 private:
  const protocol::ParsedColumns& columns_;
  arrow::StructBuilder& builder_;
};

}  // namespace deltalakedb::storage
