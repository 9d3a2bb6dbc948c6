// An InputFile as Arrow wants it, and Arrow's failures as ours.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <memory>
#include <mutex>
#include <optional>

#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::storage {

// Keeps the Error of the file's own failures, which Arrow would flatten to text.
class ArrowInput final : public arrow::io::RandomAccessFile {
 public:
  explicit ArrowInput(std::shared_ptr<const InputFile> file) : file_(std::move(file)) {}

  arrow::Result<std::int64_t> GetSize() override { return file_->size_bytes(); }
  arrow::Result<std::int64_t> ReadAt(std::int64_t position, std::int64_t count, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t count) override;
  arrow::Result<std::int64_t> Read(std::int64_t count, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t count) override;
  arrow::Status Seek(std::int64_t position) override;
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Close() override;
  bool closed() const override { return closed_; }

  // The error for an operation on this file that Arrow says failed: the file's own one when it
  // could not be read, else Corrupt. `problem` is Arrow's description.
  Error ErrorFor(std::string_view problem) const;

 private:
  std::shared_ptr<const InputFile> file_;
  std::int64_t position_ = 0;
  bool closed_ = false;
  mutable std::mutex mutex_;
  std::optional<Error> error_;  // the first; guarded by mutex_
};

}  // namespace deltalakedb::storage
