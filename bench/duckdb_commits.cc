// bench_duckdb_commits: the smallest transaction of the shape of a commit (one row updated, one row
// of 560 bytes inserted, by prepared statements), as bare DuckDB does it.
//
//   bench_duckdb_commits NEW.duckdb [--commits C | --seconds S] [--warm-up W]
//
// NEW.duckdb must not exist and is left behind. Asserts that it has a row for each transaction,
// then prints one JSON object: commits, seconds, commits_per_s, and median_s and p95_s of one.
#include <duckdb.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/commit_loop.h"

namespace deltalakedb::bench {
namespace {

void Check(bool is_good, const char* what, const char* words) {
  if (is_good) return;
  std::fprintf(stderr, "bench_duckdb_commits: %s: %s\n", what, words == nullptr ? "" : words);
  std::exit(1);
}

void Run(duckdb_connection connection, const char* sql) {
  duckdb_result result = {};
  const bool is_done = duckdb_query(connection, sql, &result) == DuckDBSuccess;
  Check(is_done, sql, duckdb_result_error(&result));
  duckdb_destroy_result(&result);
}

duckdb_prepared_statement Prepare(duckdb_connection connection, const char* sql) {
  duckdb_prepared_statement statement = nullptr;
  const bool is_prepared = duckdb_prepare(connection, sql, &statement) == DuckDBSuccess;
  Check(is_prepared, sql, duckdb_prepare_error(statement));
  return statement;
}

void Execute(duckdb_prepared_statement statement) {
  duckdb_result result = {};
  const bool is_done = duckdb_execute_prepared(statement, &result) == DuckDBSuccess;
  Check(is_done, "transaction", duckdb_result_error(&result));
  duckdb_destroy_result(&result);
}

std::int64_t Ask(duckdb_connection connection, const char* sql) {
  duckdb_result result = {};
  const bool is_done = duckdb_query(connection, sql, &result) == DuckDBSuccess;
  Check(is_done, sql, duckdb_result_error(&result));
  duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
  Check(chunk != nullptr && duckdb_data_chunk_get_size(chunk) == 1, sql, "no row");
  const auto* const values = static_cast<const std::int64_t*>(
      duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
  const std::int64_t answer = values[0];
  duckdb_destroy_data_chunk(&chunk);
  duckdb_destroy_result(&result);
  return answer;
}

bool Measure(duckdb_connection connection, const CommitLoop& loop) {
  Run(connection, "CREATE TABLE head (id BIGINT NOT NULL, version BIGINT NOT NULL)");
  Run(connection, "CREATE TABLE log (head BIGINT NOT NULL, payload VARCHAR NOT NULL)");
  Run(connection, "INSERT INTO head VALUES (1, 0)");
  const std::string payload = MakePayload();
  auto begin = Prepare(connection, "BEGIN TRANSACTION");
  auto update = Prepare(connection, "UPDATE head SET version = version + 1 WHERE id = 1");
  auto insert = Prepare(connection, "INSERT INTO log VALUES (1, $1)");
  auto commit = Prepare(connection, "COMMIT");
  const CommitTimes times = MeasureCommits(loop, [&] {
    Execute(begin);
    Execute(update);
    duckdb_bind_varchar_length(insert, 1, payload.data(), payload.size());
    Execute(insert);
    Execute(commit);
  });
  for (auto* const statement : {&begin, &update, &insert, &commit}) {
    duckdb_destroy_prepare(statement);
  }
  const std::int64_t rows = Ask(connection, "SELECT count(*) FROM log");
  const std::int64_t version = Ask(connection, "SELECT version FROM head");
  if (rows != times.all() || version != times.all()) {
    std::fprintf(stderr, "bench_duckdb_commits: %lld transactions, %lld rows, version %lld\n",
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
    std::fprintf(
        stderr,
        "usage: bench_duckdb_commits NEW.duckdb [--commits C | --seconds S] [--warm-up W]\n");
    return 2;
  }
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  Check(duckdb_open(argv[1], &database) == DuckDBSuccess, argv[1], "cannot be opened");
  Check(duckdb_connect(database, &connection) == DuckDBSuccess, argv[1], "no connection");
  const bool is_good = Measure(connection, loop);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  return is_good ? 0 : 1;
}
