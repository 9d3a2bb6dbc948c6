// The rows of a checkpoint's Parquet file that are no file actions.
#pragma once

#include <arrow/type_fwd.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "deltalakedb/result.h"
#include "storage/arrow_columns_internal.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::storage {

// The columns that ReadState looks at.
inline constexpr auto kStateActions = std::to_array<std::string_view>(
    {"protocol", "metaData", "txn", "domainMetadata", "checkpointMetadata", "sidecar"});

// Adds what a batch holds to `state`. Errors: Corrupt, naming the column.
Result<void> ReadState(const arrow::RecordBatch& batch, CheckpointState& state);

// A number that has to be there and fit. Errors: Corrupt.
Result<std::int32_t> RequiredInt32(const IntColumn& column, std::int64_t row,
                                   std::string_view name);

}  // namespace deltalakedb::storage
