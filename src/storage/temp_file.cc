#include "storage/temp_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace deltalakedb::storage {

namespace {

// `what` is what was tried, such as "write a temporary file".
std::unexpected<Error> TempFileError(int error_number, std::string_view what) {
  return Fail(error_number == EACCES ? ErrorCode::kPermission : ErrorCode::kIo,
              fmt::format("cannot {}: {}; TMPDIR names the folder to use", what,
                          std::generic_category().message(error_number)));
}

}  // namespace

Result<TempFile> TempFile::Make() {
  const char* const configured = std::getenv("TMPDIR");
  const std::string folder = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.get() < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    // A file system without O_TMPFILE: make one and take its name away.
    std::string name = folder + "/deltalakedb-XXXXXX";
    fd = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
    if (fd.get() >= 0) ::unlink(name.c_str());
  }
  if (fd.get() < 0) {
    return TempFileError(errno, fmt::format("make a temporary file in {}", folder));
  }
  return TempFile(std::move(fd));
}

Result<std::int64_t> TempFile::Append(std::span<const char> data) {
  const std::int64_t start = size_bytes_;
  while (!data.empty()) {
    const ssize_t written = ::pwrite(fd_.get(), data.data(), data.size(), size_bytes_);
    if (written < 0) {
      if (errno == EINTR) continue;
      return TempFileError(errno, "write a temporary file");
    }
    size_bytes_ += written;
    data = data.subspan(static_cast<std::size_t>(written));
  }
  return start;
}

Result<void> TempFile::ReadAt(std::int64_t offset, std::span<char> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_.get(), out.data(), out.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return TempFileError(got < 0 ? errno : EIO, "read a temporary file");
    offset += got;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

MappedBytes::~MappedBytes() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

Result<MappedBytes> TempFile::Map() const {
  const auto size = static_cast<std::size_t>(size_bytes_);
  if (size == 0) return MappedBytes();
  void* const start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd_.get(), 0);
  if (start == MAP_FAILED) return TempFileError(errno, "map a temporary file");
  return MappedBytes(static_cast<const char*>(start), size);
}

}  // namespace deltalakedb::storage
