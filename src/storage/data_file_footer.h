// What the footer of a table's Parquet file tells beyond the log.
//
// Thread-safety: a free function, safe from any thread.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::storage {

// Whether timestamps of the file do not say that they are UTC: INT96, as Spark stores them, or
// marked as local ones, as some old writers did. `columns` are those that hold moments and nothing
// else of time, by their names in the file.
// Errors: Corrupt (it is no Parquet file), those of InputFile::ReadAt.
Result<bool> HasZonelessTimestamps(std::shared_ptr<const InputFile> file,
                                   const std::set<std::string>& columns);

}  // namespace deltalakedb::storage
