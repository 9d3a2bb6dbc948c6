// Files of JSON records, read in chunks of whole records so that a commit of any size takes bounded
// memory and its chunks can be parsed side by side.
//
// A record is a line, as the protocol says; an object that somebody spread over several lines is
// taken as one record too, as other readers do.
// Thread-safety: a reader belongs to one thread at a time; chunks are values.
#pragma once

#include <algorithm>
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

// How much is read at a time. Unit: bytes. A longer record makes its own chunk longer.
inline constexpr std::size_t kChunkBytes = 4 * 1024 * 1024;

// The size of the record at the start of `text`, its line end excluded: up to the first line end,
// unless the line breaks off within an object, which then ends with its closing brace's line.
std::size_t FirstRecordSize(std::string_view text);

// Whole records, followed by the padding that the parser asks for.
struct LineChunk {
  std::shared_ptr<const char[]> memory;
  std::string_view text;
  std::int64_t first_line = 0;  // 0-based number of its first line in the file

  // Calls visit(line_number, record) for each record until it answers false; `line_number` is that
  // of its first line. Blank lines are visited too.
  template <typename Visit>
  void ForEachRecord(Visit visit) const {
    std::string_view rest = text;
    for (std::int64_t number = first_line; !rest.empty(); ++number) {
      const std::string_view record = rest.substr(0, FirstRecordSize(rest));
      if (!visit(number, record)) return;
      number += CountLineEnds(record);
      rest.remove_prefix(std::min(record.size() + 1, rest.size()));
    }
  }

 private:
  static std::int64_t CountLineEnds(std::string_view record) {
    // Only a record that begins a spread-out object has some; the common case costs one search.
    return std::memchr(record.data(), '\n', record.size()) == nullptr
               ? 0
               : std::count(record.begin(), record.end(), '\n');
  }
};

// Chunks of one text in order, wherever they come from.
class LineChunkStream {
 public:
  virtual ~LineChunkStream() = default;
  // The next records; nullopt at the end. After an error the stream is done for.
  virtual Result<std::optional<LineChunk>> Next() = 0;
};

class LineChunkReader final : public LineChunkStream {
 public:
  // `chunk_bytes` is a parameter for tests.
  explicit LineChunkReader(std::shared_ptr<const storage::InputFile> file,
                           std::size_t chunk_bytes = kChunkBytes)
      : file_(std::move(file)), chunk_bytes_(chunk_bytes) {}

  const std::string& path() const { return file_->path(); }

  // The next records; nullopt at the end of the file. Errors: Io, LimitExceeded (one too long).
  Result<std::optional<LineChunk>> Next() override;

 private:
  std::shared_ptr<const storage::InputFile> file_;
  std::size_t chunk_bytes_;
  std::int64_t offset_ = 0;  // of the first byte not given out
  std::int64_t line_ = 0;
};

// Whether a line holds nothing but white space; such lines carry no action.
bool IsBlank(std::string_view line);

// An error about one line of a file, `line` counted from 0.
Error AtLine(Error error, const std::string& path, std::int64_t line);

}  // namespace deltalakedb::log
