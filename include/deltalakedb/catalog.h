// Catalogs: databases that hold the logs of tables, their schema, and what tables they have.
//
// For making and looking at a catalog as a whole; a table in it is opened as any other, by
// DeltaTable::Open. Every function takes the URI of a catalog, or of a table in it
// (docs/uri.md), and opens the database for as long as it runs.
// Thread-safety: free functions, safe from any thread.
//
//   DELTALAKEDB_ASSIGN(const int steps, InitCatalog("deltasql://sqlite//data/meta.db"));
//   DELTALAKEDB_ASSIGN(const auto tables, ListTables("deltasql://sqlite//data/meta.db"));
//
// Errors of all of them: InvalidArgument (the URI), NotFound (no such database, or no catalog in
// it), Unsupported (a kind of database that this build does not know; a schema that is newer than
// this program, or older than it needs), Corrupt (not a database, or damaged), Busy, Permission,
// Io.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"

namespace deltalakedb {

struct TableInfo {
  std::string name;
  TableId table_id;
  Version version;  // the newest
  Version earliest_version;
  std::string location;  // where its data is
  std::optional<std::int64_t> num_files;
  std::string mode;  // "exclusive" or "shared"
};

// The tables of a catalog, by name.
Result<std::vector<TableInfo>> ListTables(std::string_view catalog_uri);

// Takes the table that the URI names out of its catalog, with its whole history, and answers what
// it was. Its data files stay, as does a log that was exported or mirrored. Errors also:
// InvalidArgument (a catalog, or a file-based table, which is its folder), NotFound (no such
// table).
Result<TableInfo> DropTable(std::string_view table_uri);

// Makes the database where there is none (SQLite, DuckDB) and a catalog in it; answers how many
// migrations were applied, 0 when everything was there. On failure the database is as it was.
Result<int> InitCatalog(std::string_view catalog_uri);

// A numbered step of the schema.
struct MigrationInfo {
  std::int64_t version = 0;
  std::string name;
  std::optional<Timestamp> applied_at;  // none: still to be applied
};

// Every step that the database has or this program knows. A database without a catalog has none
// applied.
Result<std::vector<MigrationInfo>> ListMigrations(std::string_view catalog_uri);

// Applies what is missing in an existing database; answers how many steps.
Result<int> MigrateCatalogUp(std::string_view catalog_uri);

// Takes the newest step back and says which. Errors also: InvalidArgument when that would drop
// tables and `may_discard` is false; NotFound when there is nothing to take back.
Result<MigrationInfo> MigrateCatalogDown(std::string_view catalog_uri, bool may_discard);

}  // namespace deltalakedb
