// The live files of a version out of a catalog.
#pragma once

#include <tsl/robin_map.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

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
  std::string table_root;  // canonical, for paths (protocol/paths.h)
  TableId table;
  Version version;
  FileTotals totals;
};

// Streams them unordered. Errors: Unavailable (the table was dropped or rebuilt meanwhile),
// Corrupt, those of the database.
Result<std::unique_ptr<FileStream>> StreamStoredFiles(const StoredFiles& files, bool with_stats);

// Those with that path; nullopt where there are none. Errors: as StreamStoredFiles.
Result<std::optional<FileBatch>> FindStoredFile(const StoredFiles& files, std::string_view path);

// Maps out of their JSON texts. Files that follow each other have the same ones again and again.
class StoredMaps {
 public:
  // Maps and texts go into `arena`, which outlives this.
  explicit StoredMaps(protocol::Arena& arena) : arena_(arena) {}

  // Errors: Corrupt (no JSON object of texts).
  Result<StringMapView> Read(std::string_view json);
  protocol::Arena& arena() const { return arena_; }

 private:
  // More are not remembered.
  static constexpr std::size_t kKnownMax = 1024;

  protocol::Arena& arena_;
  tsl::robin_map<std::string_view, StringMapView> known_;
};

// An add out of the current row, whose columns from `first` on are those of scan_live_files.
// Errors: Corrupt (a map that is no JSON object of texts).
Result<AddFile> ReadStoredAdd(const store::Cursor& row, int first, StoredMaps& maps);

}  // namespace deltalakedb::log
