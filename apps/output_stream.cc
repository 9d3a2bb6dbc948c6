#include "apps/output_stream.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

#include "base/try.h"

namespace deltalakedb::cli {
namespace {

constexpr std::size_t kLargeBytes = 1024 * 1024;

std::unexpected<Error> WriteFailed(int error_number) {
  if (error_number == EPIPE) EndByBrokenPipe();
  return Fail(Error(ErrorCode::kIo,
                    fmt::format("cannot write to standard output: {}", std::strerror(error_number)))
                  .With("errno", error_number));
}

}  // namespace

void EndByBrokenPipe() {
  std::signal(SIGPIPE, SIG_DFL);
  sigset_t pipe_only;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigprocmask(SIG_UNBLOCK, &pipe_only, nullptr);
  std::raise(SIGPIPE);
  _exit(128 + SIGPIPE);
}

void OutputStream::Append(std::string_view text) {
  if (!text.empty()) std::memcpy(buffer_.Push(text.size()), text.data(), text.size());
}

Result<void> OutputStream::FlushWhenLarge() {
  return buffer_.GetSize() < kLargeBytes ? Result<void>() : Flush();
}

Result<void> OutputStream::Flush() {
  std::string_view rest(buffer_.GetString(), buffer_.GetSize());
  while (!rest.empty()) {
    const ssize_t written = write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return WriteFailed(errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.Clear();
  return {};
}

Result<void> OutputStream::Finish() {
  DELTALAKEDB_TRY(Flush());
  // EINTR leaves the descriptor closed on Linux, with nothing left to write.
  if (close(descriptor_) != 0 && errno != EINTR) return WriteFailed(errno);
  return {};
}

}  // namespace deltalakedb::cli
