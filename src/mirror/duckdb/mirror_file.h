// The DuckDB file of a mirror: its tables (sql/mirror/) as typed operations.
//
// Thread-safety: an object belongs to one thread at a time; several of one process may have the
// same file open, and take turns in writing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/history.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "mirror/duckdb/mirrored_file.h"
#include "store/connection.h"

namespace deltalakedb::mirror {

// What the file has of a table.
struct MirroredTable {
  std::int64_t table_no = 0;
  std::string view_name;
  std::string location;
  Version version;
  Timestamp timestamp;
  std::string definition;
};

struct MirroredVersion {
  Version version;
  Timestamp timestamp;
  std::optional<std::string> operation;
  std::optional<std::string> commit_id;
  std::int64_t num_added = 0;
  std::int64_t num_removed = 0;

  static MirroredVersion Of(const HistoryEntry& entry);
  friend bool operator==(const MirroredVersion&, const MirroredVersion&) = default;
};

struct LiveFile {
  std::string path;
  std::int64_t file_id = 0;
  std::optional<std::string> vector_id;
  std::int64_t part = 0;
};

// A row of `files` that goes in.
struct NewFile {
  const MirroredFile* file = nullptr;
  std::int64_t file_id = 0;
  bool is_zoneless = false;
  std::int64_t part = 0;
};

struct DeletedRow {
  std::int64_t file_id = 0;
  std::int64_t position = 0;  // from 0
};

struct FilePart {
  std::int64_t part = 0;
  bool is_zoneless = false;
  std::int64_t num_files = 0;
};

// A file as Verify compares it.
struct ListedFile {
  std::string path;
  std::int64_t size = 0;
  std::int64_t modification_time = 0;
  std::string partition_values;  // a JSON object
  std::optional<std::string> vector_id;
  std::int64_t num_deleted = 0;
};

class MirrorFile {
 public:
  // Errors: NotFound (no file, or no folder for a new one), Busy (another process has it), Conflict
  // (it is something else), Permission, Unsupported, Io.
  static Result<MirrorFile> Open(const std::string& path, bool may_create);

  // A write transaction, in which the tables are made where the file is new; answers after an error
  // as store::Connection. Errors also: Conflict (somebody else's database, which is left alone).
  Result<void> Begin();
  // One for reading. Errors: NotFound (a new file), Conflict.
  Result<void> BeginReading();
  Result<void> Commit() { return connection_->Commit(); }
  void Rollback() noexcept { connection_->Rollback(); }

  Result<std::optional<MirroredTable>> FindTable(std::string_view table_id);
  // Gives the table that was imported anew the place of the one that it replaced: of the same view
  // and location. Nullopt where there is none.
  Result<std::optional<MirroredTable>> AdoptTable(std::string_view view_name,
                                                  std::string_view location,
                                                  std::string_view table_id);
  Result<bool> IsNameTaken(std::string_view name);
  // Gives it a number.
  Result<void> InsertTable(MirroredTable& table, std::string_view table_id);
  Result<void> UpdateTable(const MirroredTable& table);
  Result<void> InsertVersions(std::int64_t table_no, std::span<const MirroredVersion> versions);
  Result<std::vector<MirroredVersion>> ListVersions(std::int64_t table_no);

  Result<std::vector<LiveFile>> FindFiles(std::int64_t table_no,
                                          const std::set<std::string_view>& paths);
  Result<std::vector<FilePart>> ListParts(std::int64_t table_no);
  Result<std::vector<std::string>> ListPaths(std::int64_t table_no, std::int64_t part);
  Result<std::int64_t> FindNextFileId();
  Result<void> InsertFiles(std::int64_t table_no, std::span<const NewFile> files);
  Result<void> InsertDeletedRows(std::span<const DeletedRow> rows);
  Result<void> DeleteFiles(std::span<const std::int64_t> file_ids);
  // All of a table's files and versions.
  Result<void> DeleteAll(std::int64_t table_no);
  Result<bool> HasDeletedRows(std::int64_t table_no);
  Result<std::vector<ListedFile>> ListFiles(std::int64_t table_no);
  Result<std::int64_t> CountWrongDeletions(std::int64_t table_no);

  // Statements of view_text.h.
  Result<void> Define(std::string_view what, std::string_view text) {
    return connection_->RunScript(what, text);
  }

 private:
  MirrorFile(std::string path, std::unique_ptr<store::Connection> connection)
      : path_(std::move(path)), connection_(std::move(connection)) {}
  // Whether the tables are there. Errors: Conflict.
  Result<bool> CheckOwner();
  Result<std::int64_t> FindNumber(store::StatementId statement,
                                  std::span<const store::Value> parameters = {});

  std::string path_;
  std::unique_ptr<store::Connection> connection_;
};

}  // namespace deltalakedb::mirror
