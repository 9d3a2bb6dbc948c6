// Partition values as columns (PROTOCOL.md, Partition values and schema).
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>

#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"
#include "protocol/partition_value.h"

namespace deltalakedb::data {

// The value as Arrow has it in the type of ArrowTypeOf. `type` is the column's.
Result<std::shared_ptr<arrow::Scalar>> PartitionScalarOf(const DataType& type,
                                                         const protocol::PartitionValue& value);

}  // namespace deltalakedb::data
