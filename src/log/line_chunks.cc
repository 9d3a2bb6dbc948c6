#include "log/line_chunks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {

Result<std::optional<LineChunk>> LineChunkReader::Next() {
  for (std::size_t wanted = kChunkBytes;; wanted *= 2) {
    const std::int64_t left = file_->size_bytes() - offset_;
    if (left <= 0) return std::optional<LineChunk>();
    const std::size_t size = std::min(wanted, static_cast<std::size_t>(left));
    const auto memory =
        std::make_shared_for_overwrite<char[]>(size + protocol::kLinePaddingBytes);
    DELTALAKEDB_ASSIGN(const std::size_t got, file_->ReadAt(offset_, {memory.get(), size}));
    std::memset(memory.get() + got, 0, size + protocol::kLinePaddingBytes - got);
    std::string_view text(memory.get(), got);
    const bool is_last = got < size || offset_ + static_cast<std::int64_t>(got) >= file_->size_bytes();
    if (!is_last) {
      const std::size_t line_end = text.rfind('\n');
      if (line_end == std::string_view::npos) {
        if (size > protocol::kActionLineBytesMax) {
          return Fail(AtLine(Error(ErrorCode::kLimitExceeded,
                                   fmt::format("the line is longer than the limit of {} bytes",
                                               protocol::kActionLineBytesMax)),
                             path(), line_));
        }
        continue;
      }
      text = text.substr(0, line_end + 1);
    }
    if (text.empty()) return std::optional<LineChunk>();
    LineChunk chunk{memory, text, line_};
    offset_ = is_last ? file_->size_bytes() : offset_ + static_cast<std::int64_t>(text.size());
    line_ += std::ranges::count(text, '\n');
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
