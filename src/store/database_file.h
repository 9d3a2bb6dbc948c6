// What can be said of a database's file before the database itself looks at it.
//
// Thread-safety: all of it may be used from any thread.
#pragma once

#include <string>

#include "deltalakedb/error.h"
#include "deltalakedb/result.h"

namespace deltalakedb::store {

// The reason in errno that a file cannot be opened. Errors: NotFound, Permission, Io.
Error CannotOpenDatabase(const std::string& path);

// As for the caller now.
bool IsWritable(const std::string& path);
std::string FolderOf(const std::string& path);

// Whether a file is there and can be read, or can be made where that is allowed; answers whether it
// is there. Errors: NotFound, Permission, Corrupt (it is no file), Io.
Result<bool> CheckDatabaseFile(const std::string& path, bool may_create);

}  // namespace deltalakedb::store
