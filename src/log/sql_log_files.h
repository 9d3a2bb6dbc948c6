// The live files of a version out of a catalog.
#pragma once

#include <memory>

#include "deltalakedb/file_stream.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "protocol/arena.h"
#include "store/connection.h"
#include "store/database.h"

namespace deltalakedb::log {

// Of which table and version, and how many files there have to be.
struct StoredFiles {
  std::shared_ptr<store::Database> database;
  std::string table_name;  // for messages
  TableId table;
  Version version;
  FileTotals totals;
};

// Streams them unordered. Errors: Unavailable (the table was dropped or rebuilt meanwhile),
// Corrupt, those of the database.
Result<std::unique_ptr<FileStream>> StreamStoredFiles(const StoredFiles& files, bool with_stats);

// An add out of the current row, whose columns from `first` on are those of scan_live_files; texts
// go into `arena`. Errors: Corrupt (a map that is no JSON object of texts).
Result<AddFile> ReadStoredAdd(const store::Cursor& row, int first, protocol::Arena& arena);

}  // namespace deltalakedb::log
