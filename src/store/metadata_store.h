// The catalog's rows, read and written as values: every statement of the product is behind one of
// these functions, on whichever database.
//
// Not for transactions: the caller begins and ends them on the connection. What a store has ended
// (EndFiles) belongs to the transaction that it was in.
// Thread-safety: as the connection. Errors: those of Connection, and what is said.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "store/connection.h"
#include "store/live_files.h"
#include "store/rows.h"

namespace deltalakedb::store {

struct HistoryFilter {
  std::optional<Timestamp> since;
  std::optional<Timestamp> until;
  std::optional<std::string> operation;
  std::optional<std::int64_t> limit;
};

// One half of a protocol.
struct ProtocolRow {
  std::int64_t min_version = 0;
  std::optional<std::string> features;        // JSON array
  std::optional<std::string> unknown_fields;  // JSON object
};

struct ProtocolRows {
  std::optional<ProtocolRow> reader;
  std::optional<ProtocolRow> writer;
};

// A part of a text, compressed.
struct BodyPart {
  std::int64_t part = 0;
  std::int64_t text_bytes = 0;
  std::string_view compressed;
};

struct StoredBody {
  std::optional<std::string> compressed;  // none where the text is in parts, or is gone
  std::int64_t text_bytes = 0;
  std::int64_t parts = 0;
  std::optional<std::string> hash;
};

class MetadataStore {
 public:
  explicit MetadataStore(Connection& connection) : connection_(connection) {}

  // Errors also: Corrupt (a row that cannot be right; fact `table`).
  Result<std::optional<TableRow>> FindTable(std::string_view name);
  Result<std::optional<TableRow>> FindTable(const TableId& table);
  Result<std::optional<Version>> FindCurrentVersion(const TableId& table);
  Result<std::vector<TableRow>> ListTables();  // with num_files
  Result<std::vector<TableRow>> ListTablesAt(std::string_view location);
  // The row's first_file_id is set here.
  Result<void> InsertTable(TableRow& row);
  // Moves the table from version `from` to that of `row`. Errors: Corrupt when it was elsewhere,
  // which cannot be while the caller holds the right to write.
  Result<void> AdvanceTable(const TableRow& row, Version from);
  // Gives a table another name and other properties.
  Result<void> RenameTable(const TableId& table, std::string_view name,
                           std::string_view properties);

  // Takes a table away with all its rows in every relation. Waits for a commit that is under way.
  Result<void> DeleteTable(const TableId& table);

  Result<std::optional<VersionRow>> FindVersion(const TableId& table, Version version);
  // One that has to be there. Errors also: Corrupt (it is not).
  Result<VersionRow> LoadVersion(const TableId& table, Version version);
  // Calls visit(row) for all versions, oldest first.
  Result<void> ForEachVersion(const TableId& table,
                              const std::function<Result<void>(VersionRow)>& visit);
  Result<std::vector<HistoryRow>> ListHistory(const TableId& table, const HistoryFilter& filter);
  Result<bool> HasCommitId(const TableId& table, std::string_view commit_id);
  // `compressed` is the text of the commit where it is not in parts. Sets the row's row_hash where
  // it has none.
  Result<void> InsertVersion(const TableId& table, VersionRow& row,
                             std::optional<std::string_view> compressed);
  // Writes what a version's rows add up to; the row's hash stays.
  Result<void> UpdateVersionIndex(const TableId& table, Version version, const VersionIndex& index);

  Result<std::optional<StoredBody>> FindBody(const TableId& table, Version version);
  // The parts in order; each view lives until the next row.
  Result<std::unique_ptr<Cursor>> ListBodyParts(const TableId& table, Version version,
                                                Origin origin);
  Result<void> InsertBodyPart(const TableId& table, Version version, Origin origin,
                              const BodyPart& part);
  Result<std::int64_t> CountBodyParts(const TableId& table);

  // The fields of metaData at a version, verbatim JSON by name; empty when there is none.
  Result<std::vector<std::pair<std::string, std::string>>> LoadMetadata(const TableId& table,
                                                                        Version version) {
    return LoadTexts(StatementId::kLoadMetadata, table, version);
  }
  Result<ProtocolRows> LoadProtocol(const TableId& table, Version version);
  Result<std::vector<AppTransaction>> LoadAppTransactions(const TableId& table, Version version);
  // Configuration by domain, none removed.
  Result<std::vector<std::pair<std::string, std::string>>> LoadDomainMetadata(const TableId& table,
                                                                              Version version) {
    return LoadTexts(StatementId::kLoadDomainMetadata, table, version);
  }

  // Rows of a relation, InfoOf(relation).columns values each.
  Result<void> InsertRows(Relation relation, std::span<const Value> values);
  Result<std::unique_ptr<Cursor>> ListRows(Relation relation, const TableId& table);
  Result<std::int64_t> CountRows(Relation relation, const TableId& table);
  Result<void> ClearRows(Relation relation, const TableId& table);

  // Ends the live intervals of files at `version`, in their order, and calls visit(index, file) for
  // each that was live. Others may see that once AdvanceTable has been called.
  using VisitEnded = std::function<Result<void>(std::size_t index, const EndedFile& file)>;
  Result<void> EndFiles(const TableId& table, Version version, std::span<const FileName> files,
                        const VisitEnded& visit);
  // The columns of scan_live_files. Nothing else may run on the connection until the cursor is
  // gone.
  Result<std::unique_ptr<Cursor>> ScanLiveFiles(const TableId& table, Version version,
                                                bool with_stats);
  // The same of the files that are live and have the path of that key (16 bytes): other paths may
  // have it too.
  Result<std::unique_ptr<Cursor>> FindLiveFile(const TableId& table, std::string_view path_key,
                                               Version version);
  // The columns of list_tombstones: removes that checkpoints of `version` have, deleted after
  // `expiry`.
  Result<std::unique_ptr<Cursor>> ListTombstones(const TableId& table, Version version,
                                                 Timestamp expiry,
                                                 std::optional<Version> base_version);
  // The files that are live with one of the paths (keys of 16 bytes). For commits of SQLite and
  // DuckDB, whose one writer nobody disturbs.
  struct LiveFile {
    std::size_t index = 0;  // of its path
    std::int64_t file_id = 0;
    std::string dv_id;  // empty without a deletion vector
    std::int64_t size_bytes = 0;
    std::string path;
  };
  Result<std::vector<LiveFile>> ListLiveByPath(const TableId& table,
                                               std::span<const std::string_view> path_keys);
  Result<void> EndFilesById(Version version, std::span<const std::int64_t> file_ids);
  // What a commit of SQLite or DuckDB names, and what is there of it; nullopt where the table is
  // not.
  struct CommitNames {
    std::string_view commit_id;
    std::optional<std::string_view> app_id;    // of its app transaction
    std::optional<std::string_view> path_key;  // of its file, 16 bytes; none for none or several
  };
  struct CommitHead {
    TableRow table;
    // Files, bytes and last ids of its newest version; none where that has no row.
    std::optional<VersionIndex> totals;
    std::int64_t now_us = 0;                  // as LoadClock
    std::optional<std::int64_t> app_version;  // the newest
    // The one attempt that may still happen, empty for none of them; nullopt where any may.
    std::optional<std::string> fence;
    bool has_commit = false;
    // As ListLiveByPath, of path_key; none where that is to be asked.
    std::optional<std::vector<LiveFile>> live;
  };
  Result<std::optional<CommitHead>> FindCommitHead(const TableId& table, const CommitNames& names);
  // The version that a commit became, and its time.
  struct CommittedAt {
    Version version;
    Timestamp timestamp;
  };
  Result<std::optional<CommittedAt>> FindCommit(const TableId& table, std::string_view commit_id);
  // Lets one attempt of a commit happen and no other, from the end of the transaction on.
  Result<void> SetFence(const TableId& table, std::string_view commit_id,
                        std::string_view attempt_id);
  // Waits until no commit is under way to the table, and keeps others waiting until the end of the
  // transaction. False where it is not there.
  Result<bool> LockTable(const TableId& table);
  // The columns of find_wrong_intervals.
  Result<std::unique_ptr<Cursor>> FindWrongIntervals(const TableId& table);

  // Waits until no other write transaction holds this name, and holds it until the end of this one.
  Result<void> LockName(std::string_view name);

  // The database's clock, µs since 1970.
  Result<std::int64_t> LoadClock();

 private:
  Result<std::optional<CommitHead>> FindCommitHeadByParts(const TableId& table,
                                                          const CommitNames& names);
  // Two texts per row.
  Result<std::vector<std::pair<std::string, std::string>>> LoadTexts(StatementId statement,
                                                                     const TableId& table,
                                                                     Version version);
  Result<std::int64_t> LoadInt(StatementId statement, std::span<const Value> parameters);

  // Before rows of dl_add_files are read, as ends may be waiting.
  Result<void> FlushEnds();

  Connection& connection_;
  std::unique_ptr<LiveFiles> live_files_;  // only where the database needs it
};

}  // namespace deltalakedb::store
