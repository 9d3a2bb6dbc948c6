// DeltaTable: a Delta table wherever its log lives.
//
// One API for file-based tables (paths, file://, s3://, gs://, abfss://) and for tables whose log
// is in a database: state and history, and rows in and out as streams of Arrow's. For committing
// actions of one's own see deltalakedb/transaction.h.
// Thread-safety: a DeltaTable may be used from several threads at once. Streams belong to one
// thread at a time; those that are given to a call are consumed by it, whatever comes of it.
//
//   auto table = DeltaTable::Open("/data/orders");
//   if (!table) return table.error();
//   auto snapshot = table->LoadSnapshot(TableVersion::At(Version(3)));
//   ArrowArrayStream rows;
//   auto scan = table->Scan({.columns = {{"id", "amount"}}, .where = "amount > 10"}, &rows);
//   auto report = table->Append(&rows);
//
// A write puts new data files beside the table's, then commits. Until the commit is there readers
// see nothing of it; when it fails the files are removed; what a crash leaves behind, Vacuum
// removes. Rows are never lost to a race: where others committed what contradicts a change it fails
// with Conflict, or is done again on the newest version where that is what it means
// (`attempts_max`).
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "deltalakedb/history.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "deltalakedb/transaction.h"

struct ArrowArrayStream;  // Arrow C stream interface

namespace deltalakedb {

class TransactionLog;

// Which version of a table is meant.
class TableVersion {
 public:
  static TableVersion Latest() { return TableVersion(std::monostate{}); }
  static TableVersion At(Version version) { return TableVersion(version); }
  // The last version committed at that moment or before; a moment after the latest commit means the
  // latest (CLI.md, Commands).
  static TableVersion AsOf(Timestamp timestamp) { return TableVersion(timestamp); }

  const Version* version() const { return std::get_if<Version>(&which_); }
  const Timestamp* timestamp() const { return std::get_if<Timestamp>(&which_); }

 private:
  using Which = std::variant<std::monostate, Version, Timestamp>;
  explicit TableVersion(Which which) : which_(which) {}
  Which which_;
};

struct OpenOptions {
  // Gets warnings, such as a damaged checkpoint that was replaced by its commits. Null drops them.
  LogSink* log_sink = nullptr;
  // Of what is written through this table.
  Mirroring mirroring = Mirroring::kWait;
};

struct ScanOptions {
  TableVersion version = TableVersion::Latest();
  // By name, in this order; all when absent.
  std::optional<std::vector<std::string>> columns;
  // A condition in SQL over the table's columns, such as "day = '2024-05-01' and amount > 10"
  // (docs/rows.md); all rows when empty.
  std::string where;
  // Rows in the order of their files' paths and in that of the files; faster without, where files
  // have several row groups.
  bool in_order = true;
  // Files and row groups read at the same time. 0: as many as the machine has, 8 at most.
  std::size_t threads = 0;
};

// What all changes of rows take.
struct ChangeOptions {
  // Else the table's delta.isolationLevel, else Serializable.
  std::optional<IsolationLevel> isolation;
  std::optional<std::string> user_metadata;
  // As in TransactionOptions.
  std::string commit_id;
  std::optional<AppTransaction> app_transaction;
  // Where others changed what a change stands on it is done again, so many times in all. 1: never
  // again. Not for what reads a stream, which is there but once; that fails with Conflict.
  int attempts_max = 5;
  // 0: `delta.targetFileSize` of the table, else 128 MiB. Unit: bytes.
  std::int64_t target_file_bytes = 0;
  // As in ScanOptions.
  std::size_t threads = 0;
};

// What becomes of columns that the rows have and the table does not, and the other way round.
enum class SchemaMode {
  kStrict,     // new ones are refused; missing ones are null
  kMerge,      // new ones are added to the table, and types widened where the table allows it
  kOverwrite,  // the rows' schema replaces the table's; only where all rows are replaced
};

struct WriteOptions : ChangeOptions {
  SchemaMode schema_mode = SchemaMode::kStrict;
};

enum class OverwriteMode {
  kTable,       // all rows
  kPartitions,  // those of the partitions that the new rows are in
  kWhere,       // those for which `where` is true; the new rows have to satisfy it
};

struct OverwriteOptions : WriteOptions {
  OverwriteMode mode = OverwriteMode::kTable;
  std::string where;  // of kWhere
};

struct ChangeReport {
  CommitReport commit;  // where nothing was to be done, the version that was read
  // There is a new version. False also where a commit of the given id was there, which `commit`
  // tells.
  bool has_changed = false;
  std::int64_t files_added = 0;
  std::int64_t files_removed = 0;
  std::int64_t vectors_added = 0;  // files that got a (new) deletion vector
  std::int64_t rows_added = 0;     // appended or inserted
  std::int64_t rows_deleted = 0;
  std::int64_t rows_updated = 0;
  std::int64_t rows_copied = 0;  // rewritten unchanged
  std::int64_t bytes_added = 0;
  std::int64_t bytes_removed = 0;
};

struct OptimizeOptions : ChangeOptions {
  // Only files that may hold such rows, by their partition values; all when empty.
  std::string where;
};

struct VacuumOptions {
  // Files that no version needs since so long are removed. Absent: the table's
  // `delta.deletedFileRetentionDuration`, else a week. Less than that is refused unless `force`.
  std::optional<std::int64_t> retention_ms;
  bool is_dry_run = false;
  bool force = false;
};

struct VacuumReport {
  std::vector<std::string> files;  // removed, or to be removed: paths below the table, decoded
  std::int64_t size_in_bytes = 0;
  std::int64_t files_kept = 0;  // those that are needed, or too young
};

class DeltaTable {
 public:
  // Names a table by URI or path (docs/uri.md) and finds its log.
  // Errors: InvalidArgument (the URI), NotFound (no log there), Unsupported (a kind of database
  // that this build does not read), Permission, Io, Unavailable (an object store that does not
  // answer).
  static Result<DeltaTable> Open(std::string_view uri, const OpenOptions& options = {});

  DeltaTable(DeltaTable&&) noexcept;
  DeltaTable& operator=(DeltaTable&&) noexcept;
  ~DeltaTable();

  // The newest committed version. Errors: NotFound, Io, Permission.
  Result<Version> LoadLatestVersion() const;

  // The state at a version or moment. Errors: NotFound (no such version or moment; facts
  // earliestVersion and latestVersion, or earliestTimestamp and latestTimestamp, give the range),
  // Unsupported (reader version or features, by name), Corrupt (file and line as facts), Io,
  // Permission.
  Result<std::shared_ptr<const Snapshot>> LoadSnapshot(
      TableVersion which = TableVersion::Latest()) const;

  // The same without its files: protocol, metaData and what else belongs to a version. A catalog
  // has it also of tables that it was given although this program cannot read their files
  // (docs/import.md). Errors as LoadSnapshot.
  Result<TableState> LoadState(TableVersion which = TableVersion::Latest()) const;

  // What each commit did, newest first. Reads only the commits asked for where times and limits
  // allow. Errors as LoadSnapshot.
  Result<std::vector<HistoryEntry>> LoadHistory(const HistoryOptions& options = {}) const;

  // ---- rows ----

  // Streams rows as struct arrays with the table's columns, by their names (docs/rows.md has the
  // types). `out` is set on success; it owns all that it needs and outlives the table.
  // Errors, here or from the stream (as text): those of LoadSnapshot, InvalidArgument (an unknown
  // column, a condition that is none; facts column, expression), NotFound (a data file is gone;
  // fact file), Corrupt (a data file or deletion vector that cannot be read), those of file
  // systems.
  Result<void> Scan(const ScanOptions& options, ArrowArrayStream* out) const;

  // The calls below commit one version each, or none where there is nothing to do.
  // Errors of all: InvalidArgument (rows that do not fit the table or break a constraint, with the
  // facts column or constraint; a condition that is none), Unsupported (what this program cannot
  // write, by name: fact features), Conflict, InDoubt (fact commitId: call again with it),
  // LimitExceeded, those of file systems and of the log. Nothing has changed then, InDoubt apart.

  // Adds rows. Their columns are matched by name.
  Result<ChangeReport> Append(ArrowArrayStream* rows, const WriteOptions& options = {});
  // Puts rows in the place of those that are there.
  Result<ChangeReport> Overwrite(ArrowArrayStream* rows, const OverwriteOptions& options = {});
  // Removes the rows for which `where` is true; all when it is empty.
  Result<ChangeReport> Delete(std::string_view where, const ChangeOptions& options = {});
  // Sets columns of the rows for which `where` is true (all when it is empty) to the values of SQL
  // expressions over the old row.
  struct ColumnValue {
    std::string column;
    std::string expression;
  };
  Result<ChangeReport> Update(const std::vector<ColumnValue>& values, std::string_view where,
                              const ChangeOptions& options = {});
  // Rows whose keys are there replace those rows, column by column; the others are added. A key
  // that is null is like no other. Two rows for one of the table's are an error.
  Result<ChangeReport> Merge(ArrowArrayStream* rows, const std::vector<std::string>& keys,
                             const WriteOptions& options = {});
  // Puts small files of a partition together, and writes those without deleted rows that have many.
  // Changes no row.
  Result<ChangeReport> Optimize(const OptimizeOptions& options = {});
  // Makes the table what it was. NotFound names the data files that are gone.
  Result<ChangeReport> Restore(TableVersion version, const ChangeOptions& options = {});
  // Appends nullable columns. `schema_json` is a struct as in metaData with the new ones.
  Result<ChangeReport> AddColumns(std::string_view schema_json, const ChangeOptions& options = {});
  // Removes files below the table's folder that no version within the retention needs and no write
  // that may still be going on. Not through mirrors or logs: `_` and `.` names but _change_data are
  // left alone. Errors: InvalidArgument (a retention that is too short), those of file systems.
  Result<VacuumReport> Vacuum(const VacuumOptions& options = {});

 private:
  class Impl;
  explicit DeltaTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace deltalakedb
