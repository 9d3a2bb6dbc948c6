#include "formats/byte_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string_view>
#include <system_error>

#include "base/try.h"
#include "data/row_stream.h"
#include "formats/byte_input.h"

namespace deltalakedb::formats {

namespace {

constexpr mode_t kFileMode = 0666;  // before the user's umask

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermission;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kIo;
  }
}

// Writing to a pipe that nobody reads sends a signal that ends the program. It is kept from coming,
// and taken back where it was this writing that sent it.
class NoBrokenPipeSignal {
 public:
  NoBrokenPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoBrokenPipeSignal(const NoBrokenPipeSignal&) = delete;
  NoBrokenPipeSignal& operator=(const NoBrokenPipeSignal&) = delete;
  ~NoBrokenPipeSignal() {
    const int error_number = errno;
    if (!was_pending_) {
      const timespec now = {};
      while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error_number;
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Where a link leads, so that the file it names is replaced and not the link.
std::string WithoutLinks(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result = resolved;
  std::free(resolved);
  return result;
}

}  // namespace

std::unexpected<Error> ByteOutput::Failed(int error_number) const {
  const std::string name = path_ == kStandardStream ? "standard output" : path_;
  const std::string what = error_number == ENOENT
                               ? fmt::format("{} is in no folder", name)
                               : fmt::format("cannot write to {}: {}", name,
                                             std::generic_category().message(error_number));
  return Fail(Error(CodeOf(error_number), what).With("file", path_).With("errno", error_number));
}

Result<std::shared_ptr<ByteOutput>> ByteOutput::Open(const std::string& path) {
  std::shared_ptr<ByteOutput> output(new ByteOutput(path));
  output->set_mode(arrow::io::FileMode::WRITE);
  if (path == kStandardStream) {
    output->fd_ = STDOUT_FILENO;
    return output;
  }
  struct stat status = {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  if (is_there && S_ISDIR(status.st_mode)) return output->Failed(EISDIR);
  if (is_there && !S_ISREG(status.st_mode)) {
    output->owned_ = storage::UniqueFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (output->owned_.get() < 0) return output->Failed(errno);
    output->fd_ = output->owned_.get();
    return output;
  }
  // A file that may not be written is not replaced either.
  if (is_there && ::access(path.c_str(), W_OK) != 0) return output->Failed(errno);
  DELTALAKEDB_TRY(output->OpenDraft());
  return output;
}

Result<void> ByteOutput::OpenDraft() {
  final_ = WithoutLinks(path_);
  // Without a name where the file system can, so that a killed program leaves nothing.
  owned_ = storage::UniqueFd(
      ::open(FolderOf(final_).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kFileMode));
  if (owned_.get() < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return Failed(errno);
  }
  if (owned_.get() < 0) {
    draft_ = fmt::format("{}.{:08x}.tmp", final_, std::random_device()());
    owned_ = storage::UniqueFd(
        ::open(draft_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kFileMode));
    if (owned_.get() < 0) {
      draft_.clear();
      return Failed(errno);
    }
  }
  fd_ = owned_.get();
  return {};
}

ByteOutput::~ByteOutput() {
  if (!draft_.empty()) ::unlink(draft_.c_str());
}

arrow::Status ByteOutput::Write(const void* bytes, std::int64_t count) {
  const NoBrokenPipeSignal no_signal;
  std::string_view rest(static_cast<const char*>(bytes), static_cast<std::size_t>(count));
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return data::ToStatus(Failed(errno).error());
    rest.remove_prefix(static_cast<std::size_t>(written));
    position_ += written;
  }
  return arrow::Status::OK();
}

arrow::Status ByteOutput::Close() {
  is_closed_ = true;
  return arrow::Status::OK();
}

Result<void> ByteOutput::NameDraft() {
  const std::string in_proc = fmt::format("/proc/self/fd/{}", fd_);
  const std::string name = fmt::format("{}.{:08x}.tmp", final_, std::random_device()());
  if (::linkat(AT_FDCWD, in_proc.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return Failed(errno);
  }
  draft_ = name;
  return {};
}

Result<void> ByteOutput::Finish() {
  if (final_.empty()) return {};
  // Some file systems tell of a full disk only here.
  if (::fsync(fd_) != 0 && errno != EINVAL) return Failed(errno);
  if (draft_.empty()) DELTALAKEDB_TRY(NameDraft());
  if (::rename(draft_.c_str(), final_.c_str()) != 0) return Failed(errno);
  draft_.clear();
  return {};
}

}  // namespace deltalakedb::formats
