// A file is written under no name at all or under one that nobody looks for, made durable, and then
// linked to its own name, which fails where that is taken.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <random>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "storage/local_output_internal.h"
#include "storage/unique_fd.h"

namespace deltalakedb::storage {

namespace {

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermission;
    default:
      return ErrorCode::kIo;
  }
}

// Of files and folders, before the user's umask.
constexpr mode_t kFileMode = 0666;
constexpr mode_t kFolderMode = 0777;

// That nothing is where a folder has to be, or something else, is no answer to a question here.
std::unexpected<Error> FolderError(int error_number, std::string_view what,
                                   const std::string& path) {
  auto error = SystemError(error_number, what, path);
  if (error.error().code() != ErrorCode::kNotFound) return error;
  return Fail(Error(ErrorCode::kIo, error.error().message()).With("file", path));
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> SyncFolder(int folder, const std::string& path) {
  while (::fsync(folder) != 0) {
    // Some file systems know nothing of folders that have to be made durable.
    if (errno == EINVAL || errno == EROFS) return {};
    if (errno != EINTR) return SystemError(errno, "make durable folder", path);
  }
  return {};
}

// Makes the folder and those above it where they are missing, each one durable.
Result<void> MakeFolders(const std::string& path) {
  if (::mkdir(path.c_str(), kFolderMode) != 0) {
    if (errno == EEXIST) return {};
    if (errno != ENOENT || path == "/") return FolderError(errno, "make folder", path);
    DELTALAKEDB_TRY(MakeFolders(FolderOf(path)));
    if (::mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return FolderError(errno, "make folder", path);
    }
  }
  const std::string above = FolderOf(path);
  const UniqueFd folder(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return FolderError(errno, "open folder", above);
  return SyncFolder(folder.get(), above);
}

Result<UniqueFd> OpenFolder(const std::string& path) {
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 && errno == ENOENT) {
    DELTALAKEDB_TRY(MakeFolders(path));
    folder = UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  if (folder.get() < 0) return FolderError(errno, "open folder", path);
  return folder;
}

std::string NameInProc(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

// A file that has no name, or a name of its own making, and vanishes with its owner.
class Draft {
 public:
  static Result<Draft> Make(const std::string& path, DraftKind kind) {
    Draft draft;
    draft.path_ = path;
    draft.folder_path_ = FolderOf(path);
    draft.name_ = path.substr(path.rfind('/') + 1);
    DELTALAKEDB_ASSIGN(draft.folder_, OpenFolder(draft.folder_path_));
    if (kind == DraftKind::kBest) {
      draft.fd_ =
          UniqueFd(::openat(draft.folder_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode));
      if (draft.fd_.get() < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
        return SystemError(errno, "write file", path);
      }
      // It gets its name by way of /proc.
      if (draft.fd_.get() >= 0 && ::access(NameInProc(draft.fd_.get()).c_str(), F_OK) == 0) {
        return draft;
      }
    }
    DELTALAKEDB_TRY(draft.MakeNamed());
    return draft;
  }

  Draft(Draft&& other) noexcept
      : path_(std::move(other.path_)),
        folder_path_(std::move(other.folder_path_)),
        name_(std::move(other.name_)),
        draft_name_(std::exchange(other.draft_name_, {})),
        folder_(std::move(other.folder_)),
        fd_(std::move(other.fd_)) {}
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    if (!draft_name_.empty()) ::unlinkat(folder_.get(), draft_name_.c_str(), 0);
  }

  Result<void> Append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return SystemError(errno, "write file", path_);
      }
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<void> Complete(std::optional<Timestamp> modified) {
    if (modified) {
      constexpr std::int64_t kMs = 1000;
      const std::int64_t ms = ((modified->ms() % kMs) + kMs) % kMs;
      timespec time{};
      time.tv_sec = (modified->ms() - ms) / kMs;
      time.tv_nsec = ms * 1'000'000;
      const std::array<timespec, 2> times = {time, time};
      if (::futimens(fd_.get(), times.data()) != 0) {
        return SystemError(errno, "set the time of file", path_);
      }
    }
    while (::fsync(fd_.get()) != 0) {
      if (errno != EINTR) return SystemError(errno, "make durable file", path_);
    }
    return {};
  }

  Result<PutResult> Link() {
    const int done = draft_name_.empty() ? ::linkat(AT_FDCWD, NameInProc(fd_.get()).c_str(),
                                                    folder_.get(), name_.c_str(), AT_SYMLINK_FOLLOW)
                                         : ::linkat(folder_.get(), draft_name_.c_str(),
                                                    folder_.get(), name_.c_str(), 0);
    if (done == 0) {
      if (!draft_name_.empty()) {
        ::unlinkat(folder_.get(), draft_name_.c_str(), 0);
        draft_name_.clear();
      }
      return Answer(PutResult::kWritten);
    }
    if (errno == EEXIST) return Answer(PutResult::kExists);
    const bool has_no_links = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;
    if (!has_no_links || draft_name_.empty()) return SystemError(errno, "name file", path_);
    if (::renameat2(folder_.get(), draft_name_.c_str(), folder_.get(), name_.c_str(),
                    RENAME_NOREPLACE) == 0) {
      draft_name_.clear();
      return Answer(PutResult::kWritten);
    }
    if (errno == EEXIST) return Answer(PutResult::kExists);
    if (errno != EINVAL && errno != ENOSYS) return SystemError(errno, "name file", path_);
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("cannot write {}: its file system has no way to name a file "
                                  "without replacing another",
                                  path_))
                    .With("file", path_));
  }

  Result<void> Replace() {
    if (::renameat(folder_.get(), draft_name_.c_str(), folder_.get(), name_.c_str()) != 0) {
      return SystemError(errno, "replace file", path_);
    }
    draft_name_.clear();
    return SyncFolder(folder_.get(), folder_path_);
  }

 private:
  Draft() = default;

  Result<void> MakeNamed() {
    constexpr int kAttemptsMax = 10;
    std::random_device random;
    for (int attempt = 1;; ++attempt) {
      std::string name = fmt::format(".{}.{:08x}{:08x}.tmp", name_, random(), random());
      fd_ = UniqueFd(
          ::openat(folder_.get(), name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kFileMode));
      if (fd_.get() >= 0) {
        draft_name_ = std::move(name);
        return {};
      }
      if (errno != EEXIST || attempt == kAttemptsMax) {
        return SystemError(errno, "write file", path_);
      }
    }
  }

  // Also where the name was taken: whoever wrote the file may not have got so far.
  Result<PutResult> Answer(PutResult result) {
    DELTALAKEDB_TRY(SyncFolder(folder_.get(), folder_path_));
    return result;
  }

  std::string path_;
  std::string folder_path_;
  std::string name_;
  std::string draft_name_;  // empty: it has none
  UniqueFd folder_;
  UniqueFd fd_;
};

class LocalOutput final : public OutputFile {
 public:
  LocalOutput(Draft draft, std::optional<Timestamp> modified)
      : draft_(std::move(draft)), modified_(modified) {}

  std::int64_t size_bytes() const override { return size_bytes_; }

  Result<void> Append(std::string_view bytes) override {
    DELTALAKEDB_TRY(draft_.Append(bytes));
    size_bytes_ += static_cast<std::int64_t>(bytes.size());
    return {};
  }

  Result<PutResult> Finish() override {
    DELTALAKEDB_TRY(draft_.Complete(modified_));
    return draft_.Link();
  }

 private:
  Draft draft_;
  std::optional<Timestamp> modified_;
  std::int64_t size_bytes_ = 0;
};

}  // namespace

std::unexpected<Error> SystemError(int error_number, std::string_view what,
                                   const std::string& path) {
  return Fail(
      Error(CodeOf(error_number), fmt::format("cannot {} {}: {}", what, path,
                                              std::generic_category().message(error_number)))
          .With("file", path));
}

Result<std::unique_ptr<OutputFile>> MakeLocalOutput(const std::string& path,
                                                    const PutOptions& options, DraftKind kind) {
  DELTALAKEDB_ASSIGN(Draft draft, Draft::Make(path, kind));
  return std::make_unique<LocalOutput>(std::move(draft), options.modified);
}

Result<void> ReplaceLocalFile(const std::string& path, std::string_view bytes) {
  DELTALAKEDB_ASSIGN(Draft draft, Draft::Make(path, DraftKind::kNamed));
  DELTALAKEDB_TRY(draft.Append(bytes));
  DELTALAKEDB_TRY(draft.Complete(std::nullopt));
  return draft.Replace();
}

}  // namespace deltalakedb::storage
