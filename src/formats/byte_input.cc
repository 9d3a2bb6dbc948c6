#include "formats/byte_input.h"

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "data/row_stream.h"
#include "storage/temp_file.h"

namespace deltalakedb::formats {

namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:  // something above it is a file
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorCode::kPermission;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kIo;
  }
}

std::string NameOf(const std::string& path) {
  return path == kStandardStream ? "standard input" : path;
}

std::unexpected<Error> InputFailed(int error_number, const std::string& path) {
  const ErrorCode code = CodeOf(error_number);
  std::string what = fmt::format("there is no file {}", NameOf(path));
  if (code != ErrorCode::kNotFound) {
    what = fmt::format("{} cannot be read: {}", NameOf(path),
                       std::error_code(error_number, std::generic_category()).message());
  }
  return Fail(Error(code, std::move(what)).With("file", path));
}

// A temporary file's bytes, mapped.
class MappedBuffer final : public arrow::Buffer {
 public:
  explicit MappedBuffer(storage::MappedBytes bytes)
      : Buffer(std::string_view(bytes.view())), bytes_(std::move(bytes)) {}

 private:
  storage::MappedBytes bytes_;
};

class ByteStream final : public arrow::io::InputStream {
 public:
  explicit ByteStream(ByteInput input) : input_(std::move(input)) {
    set_mode(arrow::io::FileMode::READ);
  }

  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }

  arrow::Result<std::int64_t> Read(std::int64_t count, void* out) override {
    std::int64_t done = 0;
    while (done < count) {
      if (input_.window().empty()) {
        Result<bool> extended = input_.Extend();
        if (!extended) return data::ToStatus(std::move(extended).error());
        if (!*extended) break;
      }
      const std::string_view window = input_.window();
      const std::size_t piece = std::min(window.size(), static_cast<std::size_t>(count - done));
      std::memcpy(static_cast<char*>(out) + done, window.data(), piece);
      input_.Consume(piece);
      done += static_cast<std::int64_t>(piece);
    }
    position_ += done;
    return done;
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t count) override {
    // A damaged stream may ask for more than there is: the buffer grows with what comes.
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(0));
    std::int64_t size = 0;
    while (size < count) {
      const std::int64_t piece = std::min(count - size, kStepBytes);
      ARROW_RETURN_NOT_OK(buffer->Reserve(std::min(count, std::max(size * 2, size + piece))));
      ARROW_RETURN_NOT_OK(buffer->Resize(size + piece, /*shrink_to_fit=*/false));
      ARROW_ASSIGN_OR_RAISE(const std::int64_t got, Read(piece, buffer->mutable_data() + size));
      size += got;
      if (got < piece) break;
    }
    ARROW_RETURN_NOT_OK(buffer->Resize(size, /*shrink_to_fit=*/false));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

 private:
  static constexpr std::int64_t kStepBytes = 4 * 1024 * 1024;

  ByteInput input_;
  std::int64_t position_ = 0;
  bool is_closed_ = false;
};

}  // namespace

Result<ByteInput> ByteInput::Open(const std::string& path) {
  storage::UniqueFd owned;
  int fd = STDIN_FILENO;
  if (path != kStandardStream) {
    owned = storage::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (owned.get() < 0) return InputFailed(errno, path);
    fd = owned.get();
  }
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return InputFailed(errno, path);
  if (S_ISDIR(status.st_mode)) return InputFailed(EISDIR, path);
  ByteInput input(std::move(owned), fd, path);
  input.is_random_access_ = S_ISREG(status.st_mode) && ::lseek(fd, 0, SEEK_CUR) == 0;
  return input;
}

std::string ByteInput::name() const { return NameOf(path_); }

std::unexpected<Error> ByteInput::Failed(int error_number) const {
  return InputFailed(error_number, path_);
}

Result<bool> ByteInput::Extend() {
  if (is_at_end_) return false;
  if (start_ > 0) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kPieceBytes);
  ssize_t got = 0;
  do {
    got = ::read(fd_, buffer_.data() + before, kPieceBytes);
  } while (got < 0 && errno == EINTR);
  const int error_number = errno;
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return Failed(error_number);
  is_at_end_ = got == 0;
  return !is_at_end_;
}

Result<std::string_view> ByteInput::Peek(std::size_t bytes) {
  while (window().size() < bytes) {
    DELTALAKEDB_ASSIGN(const bool has_more, Extend());
    if (!has_more) break;
  }
  return window().substr(0, bytes);
}

Result<std::shared_ptr<arrow::io::RandomAccessFile>> ByteInput::IntoFile(ByteInput input) {
  if (input.is_random_access_) {
    // A descriptor of its own, since Arrow closes the one that it gets.
    const int copy = ::fcntl(input.fd_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return input.Failed(errno);
    auto file = arrow::io::ReadableFile::Open(copy);
    if (!file.ok()) {
      ::close(copy);
      return Fail(data::ToError(file.status()));
    }
    return *std::move(file);
  }
  DELTALAKEDB_ASSIGN(storage::TempFile spool, storage::TempFile::Make());
  for (bool has_more = true; has_more;) {
    DELTALAKEDB_TRY(spool.Append(input.window()));
    input.Consume(input.window().size());
    DELTALAKEDB_ASSIGN(has_more, input.Extend());
  }
  if (spool.size_bytes() == 0) return arrow::io::BufferReader::FromString({});
  DELTALAKEDB_ASSIGN(storage::MappedBytes bytes, spool.Map());
  return std::make_shared<arrow::io::BufferReader>(
      std::make_shared<MappedBuffer>(std::move(bytes)));
}

std::shared_ptr<arrow::io::InputStream> ByteInput::IntoStream(ByteInput input) {
  return std::make_shared<ByteStream>(std::move(input));
}

}  // namespace deltalakedb::formats
