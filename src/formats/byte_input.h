// The bytes of a file that the user names, or of standard input, read piece by piece.
//
// Thread-safety: belongs to one thread at a time.
#pragma once

#include <arrow/io/type_fwd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "deltalakedb/result.h"
#include "storage/unique_fd.h"

namespace deltalakedb::formats {

inline constexpr std::string_view kStandardStream = "-";

class ByteInput {
 public:
  // `-` is standard input. Errors: NotFound, InvalidArgument (a folder), Permission, Io; fact file.
  static Result<ByteInput> Open(const std::string& path);

  // How messages name it, and what it is by the fact `file`.
  std::string name() const;
  const std::string& path() const { return path_; }

  // What was read and not consumed. Lives until the next call that is not const.
  std::string_view window() const { return std::string_view(buffer_).substr(start_); }
  // Makes the window longer; false at the end. Errors: Io, InvalidArgument; fact file.
  Result<bool> Extend();
  // The first so many bytes of the window, or all that there are. Errors: as Extend.
  Result<std::string_view> Peek(std::size_t bytes);
  void Consume(std::size_t bytes) { start_ += bytes; }

  // All bytes from the first one on, in any order. What cannot be read so, such as a pipe, is
  // copied to a temporary file that has no name. Only while nothing was consumed. Errors: as
  // Extend.
  static Result<std::shared_ptr<arrow::io::RandomAccessFile>> IntoFile(ByteInput input);
  // The bytes one after the other.
  static std::shared_ptr<arrow::io::InputStream> IntoStream(ByteInput input);

 private:
  ByteInput(storage::UniqueFd owned, int fd, std::string path)
      : owned_(std::move(owned)), fd_(fd), path_(std::move(path)) {}
  std::unexpected<Error> Failed(int error_number) const;

  storage::UniqueFd owned_;  // none of standard input, which stays open
  int fd_;
  std::string path_;
  bool is_random_access_ = false;  // a file on a disk, of which nothing was read before
  bool is_at_end_ = false;
  std::string buffer_;
  std::size_t start_ = 0;
};

}  // namespace deltalakedb::formats
