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
