// What a Parquet footer says of the values of a column in a row group.
#pragma once

#include <parquet/metadata.h>

#include "deltalakedb/schema.h"
#include "protocol/column_facts.h"

namespace deltalakedb::data {

// Of the leaf `leaf`, which the file has for a column of type `type`. What cannot be trusted is
// left out: bounds without a declared order, of INT96, of decimals that are stored as bytes, and of
// types from which the table's are not made by widening alone. May throw as Parquet does.
protocol::ColumnFacts FactsOfLeaf(const parquet::RowGroupMetaData& group, int leaf,
                                  const DataType& type);

}  // namespace deltalakedb::data
