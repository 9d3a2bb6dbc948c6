#include "storage/arrow_input.h"

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <fmt/format.h>

namespace deltalakedb::storage {

arrow::Result<std::int64_t> ArrowInput::ReadAt(std::int64_t position, std::int64_t count,
                                               void* out) {
  if (position < 0 || count < 0) return arrow::Status::Invalid("negative position or count");
  Result<std::size_t> got =
      file_->ReadAt(position, {static_cast<char*>(out), static_cast<std::size_t>(count)});
  if (!got) {
    arrow::Status status = arrow::Status::IOError(got.error().message());
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(got).error();
    return status;
  }
  return static_cast<std::int64_t>(*got);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ArrowInput::ReadAt(std::int64_t position,
                                                                 std::int64_t count) {
  // A damaged file may ask for more than there is: never allocate beyond its end.
  const std::int64_t available = std::max<std::int64_t>(0, file_->size_bytes() - position);
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(std::min(count, available)));
  ARROW_ASSIGN_OR_RAISE(const std::int64_t got,
                        ReadAt(position, buffer->size(), buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(got, /*shrink_to_fit=*/false));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<std::int64_t> ArrowInput::Read(std::int64_t count, void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::int64_t got, ReadAt(position_, count, out));
  position_ += got;
  return got;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ArrowInput::Read(std::int64_t count) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, count));
  position_ += buffer->size();
  return buffer;
}

arrow::Status ArrowInput::Seek(std::int64_t position) {
  position_ = position;
  return arrow::Status::OK();
}

arrow::Status ArrowInput::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

Error ArrowInput::ErrorFor(std::string_view problem) const {
  const std::lock_guard lock(mutex_);
  if (error_) return *error_;
  problem = problem.substr(0, problem.find('\n'));
  return Error(ErrorCode::kCorrupt,
               fmt::format("{} is not readable as Parquet: {}", file_->path(), problem))
      .With("file", file_->path());
}

}  // namespace deltalakedb::storage
