// Taking the log of an existing table into a catalog, and checking what is there.
//
// Thread-safety: free functions, safe from any thread. They open what they need and close it again.
//
//   auto report = ImportTable("/data/flights", "deltasql://sqlite//data/meta.db?table=flights");
//   if (report && report->differences.empty()) Use(report->to_version);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"

namespace deltalakedb {

// Something that is not as it has to be.
struct Difference {
  std::string where;  // a table of the catalog such as "dl_add_files", or "source"
  std::optional<Version> version;
  std::string message;  // one sentence
};

enum class Verification {
  kFull,    // every version: files with all their fields, state, texts, times
  kCounts,  // every version: number and size of the files, and the texts
  kNone,
};

struct ImportOptions {
  // The table's name where the target is a catalog.
  std::optional<std::string> name;
  // Starts with the state of the last version, without the commits before it.
  bool latest_only = false;
  std::optional<Version> up_to_version;
  // Finds out everything, changes nothing.
  bool dry_run = false;
  // Imports afresh under a new table id and gives that the name; the old table stays under another.
  bool force = false;
  // With `force`: even when the catalog has versions that the source lacks.
  bool yes = false;
  // Takes in a table whose reader features this program does not know.
  bool metadata_only = false;
  Verification verification = Verification::kFull;
  LogSink* log_sink = nullptr;  // gets warnings; null drops them
};

struct ImportReport {
  std::string table;
  TableId table_id;
  // The versions that were taken in; none when everything was there already.
  std::optional<Version> from_version;
  Version to_version;  // the table's newest in the catalog
  std::int64_t commits = 0;
  std::int64_t adds = 0;     // add actions
  std::int64_t removes = 0;  // remove actions
  std::int64_t num_files = 0;
  double seconds = 0;
  bool verified = false;
  bool dry_run = false;
  std::vector<std::string> warnings;
  // Where not empty, nothing was taken in.
  std::vector<Difference> differences;
  // With `force`: what the table that was there before is called now.
  std::optional<std::string> replaced_table;
};

// Imports a file-based table, or what is new of it. Atomic: at every moment, and after every
// failure, the catalog has the table as it was or as it is to be. Makes the database and the
// catalog where there are none (SQLite, DuckDB). Errors: InvalidArgument (URIs and options that
// disagree), NotFound (no such source, version), Unsupported (reader features, unless
// `metadata_only`; catalog-managed tables always), Corrupt (a gap, a commit or checkpoint that
// cannot be read: facts file, line, version), AlreadyExists (the name belongs to another location,
// the location has another name, or the source's history is not the catalog's), Busy, Permission,
// Io.
Result<ImportReport> ImportTable(std::string_view source, std::string_view target,
                                 const ImportOptions& options = {});

struct VerifyOptions {
  // A file-based table to compare with, replayed independently.
  std::optional<std::string> against;
  LogSink* log_sink = nullptr;
};

struct VerifyReport {
  std::string table;
  VersionRange versions;
  std::int64_t rows = 0;  // compared
  // At most kDifferencesMax.
  std::vector<Difference> differences;
  bool has_more = false;  // there are more differences
};

// How many differences are told.
inline constexpr std::size_t kDifferencesMax = 100;

// Compares the rows of a table in a catalog with the texts of its commits, the texts with their
// hashes, and everything with the source where one is given. Changes nothing.
// Errors: as DeltaTable::Open.
Result<VerifyReport> VerifyTable(std::string_view table_uri, const VerifyOptions& options = {});

struct ReindexReport {
  std::string table;
  VersionRange versions;
  std::int64_t num_files = 0;  // live ones at the newest version
};

// Makes the rows of a table anew from the texts of its commits, in one transaction. Times, ids and
// hashes stay as they are.
// Errors: as DeltaTable::Open; Corrupt (a text that cannot be read).
Result<ReindexReport> ReindexTable(std::string_view table_uri, LogSink* log_sink = nullptr);

}  // namespace deltalakedb
