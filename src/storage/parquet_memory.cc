#include "storage/parquet_memory.h"

#include <arrow/status.h>

#include <cstdint>
#include <string>

namespace deltalakedb::storage {

namespace {

class LimitedPool final : public arrow::MemoryPool {
 public:
  using MemoryPool::Allocate;
  using MemoryPool::Free;
  using MemoryPool::Reallocate;

  arrow::Status Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) override {
    ARROW_RETURN_NOT_OK(Check(size));
    return pool_->Allocate(size, alignment, out);
  }
  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size, std::int64_t alignment,
                           std::uint8_t** pointer) override {
    ARROW_RETURN_NOT_OK(Check(new_size));
    return pool_->Reallocate(old_size, new_size, alignment, pointer);
  }
  void Free(std::uint8_t* buffer, std::int64_t size, std::int64_t alignment) override {
    pool_->Free(buffer, size, alignment);
  }
  void ReleaseUnused() override { pool_->ReleaseUnused(); }
  std::int64_t bytes_allocated() const override { return pool_->bytes_allocated(); }
  std::int64_t max_memory() const override { return pool_->max_memory(); }
  std::int64_t total_bytes_allocated() const override { return pool_->total_bytes_allocated(); }
  std::int64_t num_allocations() const override { return pool_->num_allocations(); }
  std::string backend_name() const override { return pool_->backend_name(); }

 private:
  static arrow::Status Check(std::int64_t size) {
    if (size <= kParquetPieceBytesMax) return arrow::Status::OK();
    return arrow::Status::CapacityError("it asks for ", size, " bytes of memory at once; ",
                                        kParquetPieceBytesMax, " are allowed");
  }

  arrow::MemoryPool* pool_ = arrow::default_memory_pool();
};

}  // namespace

arrow::MemoryPool* ParquetMemory() {
  static auto* const pool = new LimitedPool;
  return pool;
}

}  // namespace deltalakedb::storage
