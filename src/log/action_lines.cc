#include "log/action_lines.h"

#include <fmt/format.h>

#include <utility>

namespace deltalakedb::log {

Result<std::shared_ptr<const storage::InputFile>> OpenListed(const storage::FileSystem& file_system,
                                                             const LinesFile& listed) {
  auto file = file_system.OpenListed(listed.path, listed.size_bytes);
  const bool is_gone = !file && file.error().code() == ErrorCode::kNotFound;
  if (is_gone || (file && (*file)->size_bytes() != listed.size_bytes)) {
    return Fail(Error(ErrorCode::kUnavailable,
                      fmt::format("{} {} while the log was read; try again", listed.path,
                                  is_gone ? "was removed" : "changed its size"))
                    .With("file", listed.path));
  }
  return file;
}

bool HasLogChanged(const Error& error) {
  return error.code() == ErrorCode::kUnavailable && error.FindFact("file") != nullptr &&
         error.FindFact("store") == nullptr;
}

}  // namespace deltalakedb::log
