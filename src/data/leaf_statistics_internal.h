// The bounds of one column's values, by their type.
#pragma once

#include <cstddef>
#include <memory>

#include "data/statistics_internal.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::data {

// Whether files have bounds of such values: as protocol::HasBounds, without booleans, of which
// Delta Spark writes none either.
bool HasWrittenBounds(const DataType& type);

// `prefix_length` is that of texts.
std::unique_ptr<LeafStatistics> MakeLeafStatistics(const DataType& type, std::size_t prefix_length);

}  // namespace deltalakedb::data
