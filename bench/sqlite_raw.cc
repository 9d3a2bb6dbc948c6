// bench_sqlite_raw: what SQLite itself takes for the rows of a catalog: looking up one row by its
// key, stepping through the columns that a snapshot has, and putting all rows into a new database
// with the same table and index by a bare prepared statement.
//
//   bench_sqlite_raw CATALOG.db [NEW.db]
//
// Prints one JSON object: rows; latest and file (one look-up each); scan, scan_without_stats and
// scan_half (the version in the middle); with NEW.db, which must not exist and is left behind,
// insert (with the scan that feeds it).
#include <sqlite3.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace deltalakedb::bench {
namespace {

void Check(int code, sqlite3* database, const char* what) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  std::fprintf(stderr, "bench_sqlite_raw: %s: %s\n", what, sqlite3_errmsg(database));
  std::exit(1);
}

sqlite3* Open(const char* path) {
  sqlite3* database = nullptr;
  Check(sqlite3_open_v2(path, &database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr),
        database, path);
  Check(sqlite3_exec(database, "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536", nullptr,
                     nullptr, nullptr),
        database, "settings");
  return database;
}

sqlite3_stmt* Prepare(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr), database, sql.c_str());
  return statement;
}

constexpr const char* kRows = "SELECT * FROM dl_add_files ORDER BY file_id";

// The columns of a snapshot.
std::string Columns(const std::string& stats) {
  return "SELECT path, partition_values, size, modification_time, data_change, " + stats +
         ", tags, dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, "
         "base_row_id, default_row_commit_version, clustering_provider FROM dl_add_files ";
}

// Looks at every column of the current row, as whoever reads it has to.
std::int64_t BytesOf(sqlite3_stmt* rows) {
  std::int64_t bytes = 0;
  for (int i = 0; i < sqlite3_column_count(rows); ++i) {
    if (sqlite3_column_type(rows, i) == SQLITE_INTEGER) {
      bytes += sqlite3_column_int64(rows, i) & 1;
    } else {
      bytes += sqlite3_column_bytes(rows, i);
    }
  }
  return bytes;
}

// Steps through the rows of a statement; answers how many there are.
std::int64_t Scan(sqlite3* catalog, const std::string& sql) {
  sqlite3_stmt* const rows = Prepare(catalog, sql);
  std::int64_t count = 0;
  volatile std::int64_t bytes = 0;
  while (sqlite3_step(rows) == SQLITE_ROW) {
    ++count;
    bytes = bytes + BytesOf(rows);
  }
  sqlite3_finalize(rows);
  return count;
}

void StepOnce(sqlite3* catalog, sqlite3_stmt* statement) {
  if (sqlite3_step(statement) != SQLITE_ROW) Check(SQLITE_ERROR, catalog, "no row");
  volatile std::int64_t bytes = BytesOf(statement);
  static_cast<void>(bytes);
  sqlite3_reset(statement);
}

std::string TextOf(sqlite3* catalog, const std::string& sql) {
  sqlite3_stmt* const rows = Prepare(catalog, sql);
  Check(sqlite3_step(rows), catalog, sql.c_str());
  const std::string text = reinterpret_cast<const char*>(sqlite3_column_text(rows, 0));
  sqlite3_finalize(rows);
  return text;
}

std::vector<std::string> SampleKeys(sqlite3* catalog) {
  sqlite3_stmt* const rows = Prepare(
      catalog, "SELECT path_key FROM dl_add_files WHERE file_id % (SELECT max(1, count(*) / " +
                   std::to_string(kSampledFiles) + ") FROM dl_add_files) = 0 ORDER BY path_key");
  std::vector<std::string> keys;
  while (sqlite3_step(rows) == SQLITE_ROW) {
    keys.emplace_back(static_cast<const char*>(sqlite3_column_blob(rows, 0)),
                      static_cast<std::size_t>(sqlite3_column_bytes(rows, 0)));
  }
  sqlite3_finalize(rows);
  return keys;
}

void Insert(sqlite3* catalog, sqlite3* target) {
  sqlite3_stmt* const definitions = Prepare(
      catalog, "SELECT sql FROM sqlite_schema WHERE tbl_name = 'dl_add_files' ORDER BY rowid");
  Check(sqlite3_exec(target, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), target, "begin");
  while (sqlite3_step(definitions) == SQLITE_ROW) {
    const auto* sql = reinterpret_cast<const char*>(sqlite3_column_text(definitions, 0));
    Check(sqlite3_exec(target, sql, nullptr, nullptr, nullptr), target, sql);
  }
  sqlite3_finalize(definitions);
  sqlite3_stmt* const rows = Prepare(catalog, kRows);
  const int columns = sqlite3_column_count(rows);
  std::string sql = "INSERT INTO dl_add_files VALUES (?";
  for (int i = 1; i < columns; ++i) sql += ", ?";
  sqlite3_stmt* const insert = Prepare(target, sql + ")");
  while (sqlite3_step(rows) == SQLITE_ROW) {
    for (int i = 0; i < columns; ++i) {
      Check(sqlite3_bind_value(insert, i + 1, sqlite3_column_value(rows, i)), target, "bind");
    }
    Check(sqlite3_step(insert), target, "insert");
    sqlite3_reset(insert);
  }
  sqlite3_finalize(rows);
  sqlite3_finalize(insert);
  Check(sqlite3_exec(target, "COMMIT", nullptr, nullptr, nullptr), target, "commit");
}

void LookUp(sqlite3* catalog) {
  const std::string id = TextOf(catalog, "SELECT quote(table_id) FROM dl_tables");
  sqlite3_stmt* const latest =
      Prepare(catalog, "SELECT current_version FROM dl_tables WHERE table_id = " + id);
  Print("latest", MeasureEach(kLookups, [&](std::size_t) { StepOnce(catalog, latest); }));
  sqlite3_finalize(latest);
  const std::vector<std::string> keys = SampleKeys(catalog);
  sqlite3_stmt* const file =
      Prepare(catalog, Columns("stats") + "WHERE table_id = " + id +
                           " AND path_key = ? AND version <= 1000000 AND ended_version IS NULL");
  Print("file", MeasureEach(kLookups, [&](std::size_t i) {
          const std::string& key = keys[i * 7919 % keys.size()];
          sqlite3_bind_blob(file, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
          StepOnce(catalog, file);
        }));
  sqlite3_finalize(file);
}

void Run(sqlite3* catalog, const char* new_path) {
  std::int64_t rows = 0;
  std::printf("{");
  LookUp(catalog);
  const std::string live = "WHERE ended_version IS NULL ORDER BY file_id";
  Print("scan", Measure([&] { rows = Scan(catalog, Columns("stats") + live); }));
  Print("scan_without_stats", Measure([&] { Scan(catalog, Columns("NULL") + live); }));
  const std::string half = TextOf(catalog, "SELECT current_version / 2 FROM dl_tables");
  const std::string at_half =
      "WHERE file_id BETWEEN 0 AND (SELECT last_add_id FROM dl_table_versions WHERE version = " +
      half + ") AND (ended_version IS NULL OR ended_version > " + half + ") ORDER BY file_id";
  Print("scan_half", Measure([&] { Scan(catalog, Columns("stats") + at_half); }));
  if (new_path != nullptr) {
    sqlite3* const target = Open(new_path);
    Print("insert", Measure([&] { Insert(catalog, target); }));
    sqlite3_close(target);
  }
  std::printf("\"rows\": %lld, \"peak_rss_mib\": %.1f}\n", static_cast<long long>(rows),
              PeakRssMib());
}

}  // namespace
}  // namespace deltalakedb::bench

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: bench_sqlite_raw CATALOG.db [NEW.db]\n");
    return 2;
  }
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3* const catalog = deltalakedb::bench::Open(argv[1]);
  deltalakedb::bench::Run(catalog, argc == 3 ? argv[2] : nullptr);
  sqlite3_close(catalog);
  return 0;
}
