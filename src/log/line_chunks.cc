#include "log/line_chunks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Where the last record of `text` may begin that is not known to be whole: after the last line end
// between a closing and an opening brace. Within an object a comma would stand between the two.
std::size_t LastRecordStart(std::string_view text) {
  for (std::size_t at = text.rfind('\n'); at != std::string_view::npos && at > 0;
       at = text.rfind('\n', at - 1)) {
    const std::size_t first = text.find_first_not_of(" \t\r", at + 1);
    if (first == std::string_view::npos || text[first] != '{') continue;
    std::size_t before = at;
    while (before > 0 && IsSpace(text[before - 1])) --before;
    if (before > 0 && text[before - 1] == '}') return at + 1;
  }
  return 0;
}

// The end of the line in which the object that `text` starts with is closed; all of `text` when it
// is not closed.
std::size_t SpreadObjectSize(std::string_view text) {
  std::int64_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth <= 0) {
      return std::min(text.find('\n', i), text.size());
    }
  }
  return text.size();
}

}  // namespace

std::size_t FirstRecordSize(std::string_view text) {
  const std::size_t line_size = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, line_size);
  while (!line.empty() && IsSpace(line.back())) line.remove_suffix(1);
  if (line.empty() || line.back() == '}') return line_size;
  while (IsSpace(line.front())) line.remove_prefix(1);
  return line.front() == '{' ? SpreadObjectSize(text) : line_size;
}

Result<std::optional<LineChunk>> LineChunkReader::Next() {
  for (std::size_t wanted = chunk_bytes_;; wanted *= 2) {
    const std::int64_t left = file_->size_bytes() - offset_;
    if (left <= 0) return std::optional<LineChunk>();
    const std::size_t size = std::min(wanted, static_cast<std::size_t>(left));
    const auto memory = std::make_shared_for_overwrite<char[]>(size + protocol::kLinePaddingBytes);
    DELTALAKEDB_ASSIGN(const std::size_t got, file_->ReadAt(offset_, {memory.get(), size}));
    std::memset(memory.get() + got, 0, size + protocol::kLinePaddingBytes - got);
    std::string_view text(memory.get(), got);
    const bool is_last =
        got < size || offset_ + static_cast<std::int64_t>(got) >= file_->size_bytes();
    if (!is_last) {
      const std::size_t last_start = LastRecordStart(text);
      if (last_start == 0) {
        if (size > protocol::kActionLineBytesMax) {
          return Fail(AtLine(Error(ErrorCode::kLimitExceeded,
                                   fmt::format("the action is longer than the limit of {} bytes",
                                               protocol::kActionLineBytesMax)),
                             path(), line_));
        }
        continue;
      }
      text = text.substr(0, last_start);
    }
    if (text.empty()) return std::optional<LineChunk>();
    LineChunk chunk{memory, text, line_};
    offset_ = is_last ? file_->size_bytes() : offset_ + static_cast<std::int64_t>(text.size());
    if (!is_last) line_ += std::ranges::count(text, '\n');
    return std::optional<LineChunk>(std::move(chunk));
  }
}

bool IsBlank(std::string_view line) {
  return std::ranges::all_of(line, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
}

Error AtLine(Error error, const std::string& path, std::int64_t line) {
  error.AddContext(fmt::format("{}, line {}", path, line + 1));
  error.AddFact("file", path);
  error.AddFact("line", line + 1);
  return error;
}

}  // namespace deltalakedb::log
