// DeltaTable: a Delta table wherever its log lives.
//
// One API for file-based tables (paths, file://, s3://, gs://, abfss://) and for tables whose log
// is in a database. For reading state and history; rows are not its business yet. Thread-safety: a
// DeltaTable may be used from several threads at once.
//
//   auto table = DeltaTable::Open("/data/orders");
//   if (!table) return table.error();
//   auto snapshot = table->LoadSnapshot(TableVersion::At(Version(3)));
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

 private:
  explicit DeltaTable(std::unique_ptr<TransactionLog> log);
  std::unique_ptr<TransactionLog> log_;
};

}  // namespace deltalakedb
