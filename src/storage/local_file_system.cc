#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>

#include "base/try.h"
#include "storage/file_system.h"
#include "storage/local_output_internal.h"
#include "storage/unique_fd.h"

namespace deltalakedb::storage {

namespace {

// File systems differ in the times they keep; none that means something is cut off here.
Timestamp ModifiedAt(const struct stat& status) {
  constexpr std::int64_t kSecondsMax = std::numeric_limits<std::int64_t>::max() / 2000;
  const std::int64_t seconds =
      std::clamp<std::int64_t>(status.st_mtim.tv_sec, -kSecondsMax, kSecondsMax);
  return Timestamp(seconds * 1000 + status.st_mtim.tv_nsec / 1'000'000);
}

class LocalInputFile final : public InputFile {
 public:
  LocalInputFile(std::string path, UniqueFd fd, std::int64_t size_bytes)
      : path_(std::move(path)), fd_(std::move(fd)), size_bytes_(size_bytes) {}

  const std::string& path() const override { return path_; }
  std::int64_t size_bytes() const override { return size_bytes_; }

  Result<std::size_t> ReadAt(std::int64_t offset, std::span<char> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(fd_.get(), out.data() + done, out.size() - done,
                                  offset + static_cast<std::int64_t>(done));
      if (got == 0) break;
      if (got > 0) {
        done += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        return SystemError(errno, "read file", path_);
      }
    }
    // A reader that took this for the end of the file would give half an answer.
    const std::int64_t expected = std::min(static_cast<std::int64_t>(out.size()),
                                           std::max<std::int64_t>(0, size_bytes_ - offset));
    if (static_cast<std::int64_t>(done) < expected) {
      return Fail(Error(ErrorCode::kIo, fmt::format("{} became shorter while it was read", path_))
                      .With("file", path_));
    }
    return done;
  }

 private:
  std::string path_;
  UniqueFd fd_;
  std::int64_t size_bytes_;
};

struct CloseFolder {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using OpenedFolder = std::unique_ptr<DIR, CloseFolder>;

// A subfolder of a tree; null where it is none any more. A link is not followed, not even where a
// moment ago there was a folder.
Result<OpenedFolder> OpenSubfolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return nullptr;
    return SystemError(errno, "list folder", path);
  }
  OpenedFolder folder(::fdopendir(fd));
  if (folder != nullptr) return folder;
  const int error = errno;
  ::close(fd);
  return SystemError(error, "list folder", path);
}

enum class EntryKind { kFolder, kFile, kLinkToFile, kOther };

// What an entry of a folder is. Sets the `status` of files, and of what links to files lead to.
Result<EntryKind> LookUpEntry(DIR* folder, const dirent& entry, const std::string& path,
                              struct stat& status) {
  if (entry.d_type == DT_DIR) return EntryKind::kFolder;
  const auto look_up = [&](int flags) {
    return ::fstatat(::dirfd(folder), entry.d_name, &status, flags) == 0 ? 0 : errno;
  };
  int error = look_up(AT_SYMLINK_NOFOLLOW);
  if (error == 0 && S_ISDIR(status.st_mode)) return EntryKind::kFolder;
  const bool is_link = error == 0 && S_ISLNK(status.st_mode);
  if (is_link) error = look_up(0);
  // Gone since, or a link to nowhere.
  if (error == ENOENT || error == ENOTDIR || error == ELOOP) return EntryKind::kOther;
  if (error != 0) return SystemError(error, "look up file", path + "/" + entry.d_name);
  if (!S_ISREG(status.st_mode)) return EntryKind::kOther;
  return is_link ? EntryKind::kLinkToFile : EntryKind::kFile;
}

// Lists the tree below a folder, one subfolder after the other.
class TreeWalk {
 public:
  explicit TreeWalk(const TreeVisitor& visitor) : visitor_(visitor) {}

  Result<void> Walk(const std::string& top) {
    OpenedFolder folder(::opendir(top.c_str()));
    if (folder == nullptr) return SystemError(errno, "list folder", top);
    DELTALAKEDB_TRY(List(folder.get(), top, ""));
    while (!to_do_.empty()) {
      const std::string below = std::move(to_do_.back());
      to_do_.pop_back();
      const std::string path = top + "/" + below;
      DELTALAKEDB_ASSIGN(folder, OpenSubfolder(path));
      if (folder != nullptr) DELTALAKEDB_TRY(List(folder.get(), path, below + "/"));
    }
    return {};
  }

 private:
  // `start` is what the paths of the folder's entries begin with.
  Result<void> List(DIR* folder, const std::string& path, const std::string& start) {
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(folder);
      if (entry == nullptr) {
        // Linux says ENOENT of a folder that was removed meanwhile (getdents(2)).
        if (errno != 0 && errno != ENOENT) return SystemError(errno, "list folder", path);
        return {};
      }
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat status{};
      DELTALAKEDB_ASSIGN(const EntryKind kind, LookUpEntry(folder, *entry, path, status));
      if (kind == EntryKind::kOther) continue;
      std::string below = start + entry->d_name;
      if (kind == EntryKind::kFolder) {
        if (visitor_.enters(below)) to_do_.push_back(std::move(below));
        continue;
      }
      DELTALAKEDB_TRY(visitor_.visit({.path = std::move(below),
                                      .size_bytes = status.st_size,
                                      .modified = ModifiedAt(status),
                                      .is_link = kind == EntryKind::kLinkToFile}));
    }
  }

  const TreeVisitor& visitor_;
  std::vector<std::string> to_do_;  // folders below the top
};

class Local final : public FileSystem {
 public:
  Result<std::vector<FileInfo>> List(const std::string& folder) const override {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), ::closedir);
    if (directory == nullptr) return SystemError(errno, "list folder", folder);
    std::vector<FileInfo> files;
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(directory.get());
      if (entry == nullptr) {
        if (errno != 0) return SystemError(errno, "list folder", folder);
        return files;
      }
      if (entry->d_type == DT_DIR) continue;
      struct stat status{};
      if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, 0) != 0) {
        if (errno == ENOENT) continue;  // gone since, or a link to nowhere
        return SystemError(errno, "look up file", folder + "/" + entry->d_name);
      }
      if (!S_ISREG(status.st_mode)) continue;
      files.emplace_back(entry->d_name, status.st_size, ModifiedAt(status));
    }
  }

  Result<void> ListTree(const std::string& folder, const TreeVisitor& visitor) const override {
    return TreeWalk(visitor).Walk(folder);
  }

  Result<std::shared_ptr<const InputFile>> Open(const std::string& path) const override {
    // O_NONBLOCK means nothing for a regular file; a pipe would keep us waiting for its writer.
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) return SystemError(errno, "open file", path);
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return SystemError(errno, "look up file", path);
    if (!S_ISREG(status.st_mode)) {
      return Fail(
          Error(ErrorCode::kIo, fmt::format("{} is not a regular file", path)).With("file", path));
    }
    return std::make_shared<LocalInputFile>(path, std::move(fd), status.st_size);
  }

  Result<PutResult> PutIfAbsent(const std::string& path, std::string_view bytes,
                                const PutOptions& options) const override {
    DELTALAKEDB_ASSIGN(const auto file, Create(path, options));
    DELTALAKEDB_TRY(file->Append(bytes));
    return file->Finish();
  }

  Result<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                             const PutOptions& options) const override {
    return MakeLocalOutput(path, options);
  }

  Result<void> Put(const std::string& path, std::string_view bytes) const override {
    return ReplaceLocalFile(path, bytes);
  }

  // Not made durable: what is back after a crash of the machine is removed again.
  Result<void> Remove(const std::string& path) const override {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return SystemError(errno, "remove file", path);
  }

  bool keeps_times() const override { return true; }
};

class MemoryFile final : public InputFile {
 public:
  MemoryFile(std::string path, std::string content)
      : path_(std::move(path)), content_(std::move(content)) {}

  const std::string& path() const override { return path_; }
  std::int64_t size_bytes() const override { return static_cast<std::int64_t>(content_.size()); }

  Result<std::size_t> ReadAt(std::int64_t offset, std::span<char> out) const override {
    if (offset < 0 || offset >= size_bytes()) return std::size_t{0};
    const std::size_t start = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(out.size(), content_.size() - start);
    std::memcpy(out.data(), content_.data() + start, count);
    return count;
  }

 private:
  std::string path_;
  std::string content_;
};

}  // namespace

Result<std::string> AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) {
    return Fail(Error(ErrorCode::kIo,
                      fmt::format("cannot make {} an absolute path: {}", path, error.message()))
                    .With("file", path));
  }
  std::string text = absolute.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

const FileSystem& LocalFileSystem() {
  static const Local local;
  return local;
}

std::shared_ptr<const InputFile> MakeMemoryFile(std::string path, std::string content) {
  return std::make_shared<MemoryFile>(std::move(path), std::move(content));
}

}  // namespace deltalakedb::storage
