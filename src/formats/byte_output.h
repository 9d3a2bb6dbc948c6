// A file that appears under its name when it is whole, or standard output.
//
// Thread-safety: belongs to one thread at a time.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "deltalakedb/result.h"
#include "storage/unique_fd.h"

namespace deltalakedb::formats {

class ByteOutput final : public arrow::io::OutputStream {
 public:
  // `-` is standard output. What is there and is no file, such as a pipe or a terminal, is written
  // to as it is. Errors: NotFound (no such folder), InvalidArgument (a folder), Permission, Io;
  // fact file.
  static Result<std::shared_ptr<ByteOutput>> Open(const std::string& path);
  // Removes what is not finished.
  ~ByteOutput() override;

  // Statuses of data::ToStatus. Errors: Io (disk full, nobody reads standard output; facts file and
  // errno).
  arrow::Status Write(const void* bytes, std::int64_t count) override;
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  // Does not finish it: whoever writes a format closes what it writes to, failed or not.
  arrow::Status Close() override;
  bool closed() const override { return is_closed_; }

  // Gives the file its name, in the place of the one that may be there. Errors: as Write.
  Result<void> Finish();

 private:
  explicit ByteOutput(std::string path) : path_(std::move(path)) {}
  Result<void> OpenDraft();
  Result<void> NameDraft();
  std::unexpected<Error> Failed(int error_number) const;

  std::string path_;   // as the user named it
  std::string final_;  // without links; empty where there is no draft
  std::string draft_;  // the name of the draft; empty while it has none
  storage::UniqueFd owned_;
  int fd_ = -1;
  std::int64_t position_ = 0;
  bool is_closed_ = false;
};

}  // namespace deltalakedb::formats
