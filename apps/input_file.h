// A file that the user names, or standard input, read piece by piece.
//
// Thread-safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "deltalakedb/result.h"

namespace deltalakedb::cli {

class InputFile {
 public:
  // `-` is standard input. Errors: NotFound, InvalidArgument (a folder), Permission, Io; fact file.
  static Result<InputFile> Open(const std::string& path);

  // Sets `line` to the next line without its end; false when there is none. Errors: Io and those of
  // Open.
  Result<bool> ReadLine(std::string& line);
  // All that is left. Errors: as ReadLine, and LimitExceeded (facts limit, file).
  Result<std::string> ReadAll(std::size_t bytes_max);

  // How messages name it, and what it is by the fact `file`.
  std::string name() const;
  const std::string& fact() const { return fact_; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const;
  };
  struct Deleter {
    void operator()(char* text) const;
  };
  InputFile(std::FILE* file, std::string fact);

  std::unique_ptr<std::FILE, Closer> file_;
  std::string fact_;
  std::unique_ptr<char, Deleter> line_;  // of getline
  std::size_t line_capacity_ = 0;
};

}  // namespace deltalakedb::cli
