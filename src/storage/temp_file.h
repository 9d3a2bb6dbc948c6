// A file without a name that vanishes with its owner, whatever happens to the program.
//
// Thread-safety: one writer or any number of readers at a time.
#pragma once

#include <cstdint>
#include <span>

#include "deltalakedb/result.h"
#include "storage/unique_fd.h"

namespace deltalakedb::storage {

class TempFile {
 public:
  // Makes one in $TMPDIR, else in /tmp. Errors: Io, Permission.
  static Result<TempFile> Make();

  // Writes at the end and returns the offset. Errors: Io (disk full among them).
  Result<std::int64_t> Append(std::span<const char> data);
  // Fills `out` from `offset`. Errors: Io.
  Result<void> ReadAt(std::int64_t offset, std::span<char> out) const;

 private:
  explicit TempFile(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::int64_t size_bytes_ = 0;
};

}  // namespace deltalakedb::storage
