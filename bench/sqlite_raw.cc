// bench_sqlite_raw: what SQLite itself takes for the rows of a catalog: stepping through all
// columns of dl_add_files, and putting the same rows into a new database with the same table and
// index by a bare prepared statement.
//
//   bench_sqlite_raw CATALOG.db NEW.db
//
// Prints one JSON object: rows, scan_s, scan_cpu_s, insert_s, insert_cpu_s (the latter two with the
// scan that feeds them) and peak_rss_mib. NEW.db must not exist and is left behind.
#include <sqlite3.h>
#include <sys/resource.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

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

double CpuSeconds() {
  timespec spent = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

struct Spent {
  double wall_s = 0;
  double cpu_s = 0;
};

template <typename Work>
Spent Measure(Work work) {
  const auto start = Clock::now();
  const double cpu_start = CpuSeconds();
  work();
  return {std::chrono::duration<double>(Clock::now() - start).count(), CpuSeconds() - cpu_start};
}

constexpr const char* kRows = "SELECT * FROM dl_add_files ORDER BY file_id";

// Steps through all rows and looks at every column; answers how many there are.
std::int64_t Scan(sqlite3* catalog, std::int64_t& bytes) {
  sqlite3_stmt* const rows = Prepare(catalog, kRows);
  std::int64_t count = 0;
  while (sqlite3_step(rows) == SQLITE_ROW) {
    ++count;
    for (int i = 0; i < sqlite3_column_count(rows); ++i) {
      if (sqlite3_column_type(rows, i) == SQLITE_INTEGER) {
        bytes += sqlite3_column_int64(rows, i) & 1;
      } else {
        bytes += sqlite3_column_bytes(rows, i);
      }
    }
  }
  sqlite3_finalize(rows);
  return count;
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_sqlite_raw CATALOG.db NEW.db\n");
    return 2;
  }
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3* const catalog = Open(argv[1]);
  sqlite3* const target = Open(argv[2]);
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  const Spent scan = Measure([&] { rows = Scan(catalog, bytes); });
  const Spent insert = Measure([&] { Insert(catalog, target); });
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"rows\": %lld, \"bytes\": %lld, \"scan_s\": %.6f, \"scan_cpu_s\": %.6f, "
      "\"insert_s\": %.6f, \"insert_cpu_s\": %.6f, \"peak_rss_mib\": %.1f}\n",
      static_cast<long long>(rows), static_cast<long long>(bytes), scan.wall_s, scan.cpu_s,
      insert.wall_s, insert.cpu_s, static_cast<double>(usage.ru_maxrss) / 1024);
  sqlite3_close(target);
  sqlite3_close(catalog);
  return 0;
}
