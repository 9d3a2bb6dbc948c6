#include "store/database_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace deltalakedb::store {

namespace {

ErrorCode CodeOf(int code) {
  if (code == ENOENT || code == ENOTDIR) return ErrorCode::kNotFound;
  return code == EACCES || code == EPERM || code == EROFS ? ErrorCode::kPermission : ErrorCode::kIo;
}

Error CannotMake(const std::string& path, const std::string& folder) {
  const int code = errno;
  return Error(CodeOf(code), fmt::format("cannot make the database {}: the folder {}: {}", path,
                                         folder, std::generic_category().message(code)))
      .With("database", path);
}

}  // namespace

Error CannotOpenDatabase(const std::string& path) {
  const int code = errno;
  const ErrorCode kind = CodeOf(code);
  const std::string message =
      kind == ErrorCode::kNotFound
          ? fmt::format("there is no database {}: `deltalakedb init` makes one", path)
          : fmt::format("cannot open the database {}: {}", path,
                        std::generic_category().message(code));
  return Error(kind, message).With("database", path);
}

bool IsWritable(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<bool> CheckDatabaseFile(const std::string& path, bool may_create) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT || !may_create) return Fail(CannotOpenDatabase(path));
    const std::string folder = FolderOf(path);
    if (::stat(folder.c_str(), &status) != 0 || !IsWritable(folder)) {
      return Fail(CannotMake(path, folder));
    }
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(Error(ErrorCode::kCorrupt, path + " is not a file, so it is no database")
                    .With("database", path));
  }
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
    return Fail(CannotOpenDatabase(path));
  }
  return true;
}

}  // namespace deltalakedb::store
