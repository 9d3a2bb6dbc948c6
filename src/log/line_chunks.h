// Files of JSON lines, read in chunks of whole lines so that a commit of any size takes bounded
// memory and its chunks can be parsed side by side.
//
// Thread-safety: a reader belongs to one thread at a time; chunks are values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::log {

// How much is read at a time. Unit: bytes. A longer line makes its own chunk longer.
inline constexpr std::size_t kChunkBytes = 4 * 1024 * 1024;

// Whole lines, followed by the padding that the parser asks for.
struct LineChunk {
  std::shared_ptr<const char[]> memory;
  std::string_view text;
  std::int64_t first_line = 0;  // 0-based number of its first line in the file

  // Calls visit(line_number, line) for each line until it answers false; empty lines included.
  // Returns the number of lines visited.
  template <typename Visit>
  void ForEachLine(Visit visit) const {
    std::string_view rest = text;
    for (std::int64_t number = first_line; !rest.empty(); ++number) {
      const auto* const end = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
      const std::size_t size =
          end == nullptr ? rest.size() : static_cast<std::size_t>(end - rest.data());
      if (!visit(number, rest.substr(0, size))) return;
      rest.remove_prefix(end == nullptr ? size : size + 1);
    }
  }
};

class LineChunkReader {
 public:
  explicit LineChunkReader(std::shared_ptr<const storage::InputFile> file)
      : file_(std::move(file)) {}

  const std::string& path() const { return file_->path(); }

  bool at_end() const { return offset_ >= file_->size_bytes(); }

  // The next lines; nullopt at the end of the file. Errors: Io, LimitExceeded (a line too long).
  Result<std::optional<LineChunk>> Next();

 private:
  std::shared_ptr<const storage::InputFile> file_;
  std::int64_t offset_ = 0;  // of the first byte not given out
  std::int64_t line_ = 0;
};

// Whether a line holds nothing but white space; such lines carry no action.
bool IsBlank(std::string_view line);

// An error about one line of a file, `line` counted from 0.
Error AtLine(Error error, const std::string& path, std::int64_t line);

}  // namespace deltalakedb::log
