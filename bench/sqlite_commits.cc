// bench_sqlite_commits: the smallest transaction of the shape of a commit (one row updated, one row
// of 560 bytes inserted, by prepared statements), as bare SQLite does it with a WAL and
// synchronous = FULL.
//
//   bench_sqlite_commits NEW.db [--commits C | --seconds S] [--warm-up W]
//
// NEW.db must not exist and is left behind. Asserts that it has a row for each transaction, then
// prints one JSON object: commits, seconds, commits_per_s, and median_s and p95_s of one.
#include <sqlite3.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/commit_loop.h"

namespace deltalakedb::bench {
namespace {

void Check(int code, sqlite3* database, const char* what) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  std::fprintf(stderr, "bench_sqlite_commits: %s: %s\n", what, sqlite3_errmsg(database));
  std::exit(1);
}

void Run(sqlite3* database, const char* sql) {
  Check(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), database, sql);
}

sqlite3_stmt* Prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr),
        database, sql);
  return statement;
}

std::int64_t Ask(sqlite3* database, const char* sql) {
  sqlite3_stmt* const statement = Prepare(database, sql);
  Check(sqlite3_step(statement), database, sql);
  const std::int64_t answer = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return answer;
}

bool Measure(sqlite3* database, const CommitLoop& loop) {
  Run(database, "PRAGMA journal_mode = WAL");
  Run(database, "PRAGMA synchronous = FULL");
  Run(database, "CREATE TABLE head (id INTEGER PRIMARY KEY, version INTEGER NOT NULL)");
  Run(database,
      "CREATE TABLE log (id INTEGER PRIMARY KEY, head INTEGER NOT NULL, payload TEXT NOT NULL)");
  Run(database, "INSERT INTO head VALUES (1, 0)");
  const std::string payload = MakePayload();
  sqlite3_stmt* const begin = Prepare(database, "BEGIN IMMEDIATE");
  sqlite3_stmt* const update =
      Prepare(database, "UPDATE head SET version = version + 1 WHERE id = 1");
  sqlite3_stmt* const insert = Prepare(database, "INSERT INTO log (head, payload) VALUES (1, ?)");
  sqlite3_stmt* const commit = Prepare(database, "COMMIT");
  sqlite3_bind_text(insert, 1, payload.data(), static_cast<int>(payload.size()), SQLITE_STATIC);
  const CommitTimes times = MeasureCommits(loop, [&] {
    for (sqlite3_stmt* const statement : {begin, update, insert, commit}) {
      if (sqlite3_step(statement) != SQLITE_DONE) Check(SQLITE_ERROR, database, "transaction");
      sqlite3_reset(statement);
    }
  });
  for (sqlite3_stmt* const statement : {begin, update, insert, commit}) sqlite3_finalize(statement);
  const std::int64_t rows = Ask(database, "SELECT count(*) FROM log");
  const std::int64_t version = Ask(database, "SELECT version FROM head");
  if (rows != times.all() || version != times.all()) {
    std::fprintf(stderr, "bench_sqlite_commits: %lld transactions, %lld rows, version %lld\n",
                 static_cast<long long>(times.all()), static_cast<long long>(rows),
                 static_cast<long long>(version));
    return false;
  }
  Print(times);
  return true;
}

}  // namespace
}  // namespace deltalakedb::bench

int main(int argc, char** argv) {
  using namespace deltalakedb::bench;
  CommitLoop loop;
  if (argc < 2 || !ParseCommitLoop({argv + 2, static_cast<std::size_t>(argc - 2)}, &loop)) {
    std::fprintf(stderr,
                 "usage: bench_sqlite_commits NEW.db [--commits C | --seconds S] [--warm-up W]\n");
    return 2;
  }
  sqlite3* database = nullptr;
  Check(sqlite3_open_v2(argv[1], &database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr),
        database, argv[1]);
  const bool is_good = Measure(database, loop);
  sqlite3_close(database);
  return is_good ? 0 : 1;
}
