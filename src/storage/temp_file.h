// A file without a name that vanishes with its owner, whatever happens to the program.
//
// Thread-safety: one writer or any number of readers at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "deltalakedb/result.h"
#include "storage/unique_fd.h"

namespace deltalakedb::storage {

// A file's bytes in the address space, which takes no memory of the program's own.
class MappedBytes {
 public:
  MappedBytes() = default;
  MappedBytes(const char* start, std::size_t size) : bytes_(start, size) {}
  MappedBytes(MappedBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedBytes& operator=(MappedBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedBytes();

  std::string_view view() const { return bytes_; }

 private:
  std::string_view bytes_;
};

class TempFile {
 public:
  // Makes one in $TMPDIR, else in /tmp. Errors: Io, Permission.
  static Result<TempFile> Make();

  // Writes at the end and returns the offset. Errors: Io (disk full among them).
  Result<std::int64_t> Append(std::span<const char> data);
  // Fills `out` from `offset`. Errors: Io.
  Result<void> ReadAt(std::int64_t offset, std::span<char> out) const;
  // All that was written so far. It may outlive this. Errors: Io.
  Result<MappedBytes> Map() const;
  std::int64_t size_bytes() const { return size_bytes_; }

 private:
  explicit TempFile(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::int64_t size_bytes_ = 0;
};

}  // namespace deltalakedb::storage
