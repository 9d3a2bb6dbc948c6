#include "storage/file_system.h"

#include <fmt/format.h>

namespace deltalakedb::storage {

namespace {

std::unexpected<Error> ReadsOnly(const std::string& path) {
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("cannot write {}: this kind of file system is only read", path))
                  .With("file", path));
}

}  // namespace

Result<void> FileSystem::ListTree(const std::string& folder, const TreeVisitor& /*visitor*/) const {
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("cannot list what is below {}: this kind of file system lists "
                                "single folders",
                                folder))
                  .With("file", folder));
}

Result<PutResult> FileSystem::PutIfAbsent(const std::string& path, std::string_view /*bytes*/,
                                          const PutOptions& /*options*/) const {
  return ReadsOnly(path);
}

Result<std::unique_ptr<OutputFile>> FileSystem::Create(const std::string& path,
                                                       const PutOptions& /*options*/) const {
  return ReadsOnly(path);
}

Result<void> FileSystem::Put(const std::string& path, std::string_view /*bytes*/) const {
  return ReadsOnly(path);
}

Result<void> FileSystem::Remove(const std::string& path) const { return ReadsOnly(path); }

}  // namespace deltalakedb::storage
