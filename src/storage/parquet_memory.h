// The memory that Parquet files are decoded into.
#pragma once

#include <arrow/memory_pool.h>

#include <cstdint>

namespace deltalakedb::storage {

// The most that is allocated in one piece. Unit: bytes. A page is a few MB, and a decoded column of
// ParquetCheckpoint::kBatchRows rows stays far below this too; the header of a damaged page or
// dictionary asks for anything. How much is used in all is not limited here: it depends on how many
// files are read side by side.
inline constexpr std::int64_t kParquetPieceBytesMax = std::int64_t{1} << 30;

// Arrow's default pool with that limit; asking for more is answered with CapacityError. Lives as
// long as the program, since arrays may outlive everything else. Thread-safety: any thread.
arrow::MemoryPool* ParquetMemory();

}  // namespace deltalakedb::storage
