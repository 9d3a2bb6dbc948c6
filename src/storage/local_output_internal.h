// Writing files on the local disk, whole or not at all.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::storage {

// The error of a system call. `what` is a verb with its object's kind, such as "list folder".
std::unexpected<Error> SystemError(int error_number, std::string_view what,
                                   const std::string& path);

// How a file is kept until it has its name.
enum class DraftKind : std::uint8_t {
  kBest,   // without a name where the file system can, so that a killed program leaves nothing
  kNamed,  // under a name that begins with a dot, in the same folder
};

// FileSystem::Create on the local disk.
Result<std::unique_ptr<OutputFile>> MakeLocalOutput(const std::string& path,
                                                    const PutOptions& options,
                                                    DraftKind kind = DraftKind::kBest);

// FileSystem::Put on the local disk.
Result<void> ReplaceLocalFile(const std::string& path, std::string_view bytes);

}  // namespace deltalakedb::storage
