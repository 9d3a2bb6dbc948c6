// bench_postgres_commits: the smallest transaction of the shape of a commit, as bare PostgreSQL
// does it at its best: one row updated and one row of 560 bytes inserted by prepared statements
// that are sent together, with one Sync behind them, so that the transaction is one round trip.
//
//   bench_postgres_commits CONNECTION SCHEMA [--commits C | --seconds S] [--warm-up W]
//
// Makes relations `one_trip_head` and `one_trip_log` in the SQL schema anew. Asserts that they have
// a row for each transaction, then prints one JSON object: commits, seconds, commits_per_s, and
// median_s and p95_s of one; processor time is that of this process.
#include <libpq-fe.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "bench/commit_loop.h"
#include "bench/postgres_client.h"

namespace deltalakedb::bench {
namespace {

void Take(PGconn* connection, ExecStatusType wanted) {
  PGresult* const result = PQgetResult(connection);
  if (PQresultStatus(result) != wanted) Stop(connection, "transaction");
  PQclear(result);
}

// A statement's result ends with a null one.
void TakeDone(PGconn* connection) {
  Take(connection, PGRES_COMMAND_OK);
  if (PQgetResult(connection) != nullptr) Stop(connection, "transaction");
}

void Send(PGconn* connection, const char* statement, const char* parameter) {
  const int count = parameter == nullptr ? 0 : 1;
  if (PQsendQueryPrepared(connection, statement, count, &parameter, nullptr, nullptr, 1) != 1) {
    Stop(connection, "sending");
  }
}

bool Measure(PGconn* connection, const CommitLoop& loop) {
  Run(connection, "DROP TABLE IF EXISTS one_trip_head, one_trip_log");
  Run(connection, "CREATE TABLE one_trip_head (id int PRIMARY KEY, version bigint NOT NULL)");
  Run(connection,
      "CREATE TABLE one_trip_log (id bigserial PRIMARY KEY, head int NOT NULL, payload text NOT "
      "NULL)");
  Run(connection, "INSERT INTO one_trip_head VALUES (1, 0)");
  Prepare(connection, "update", "UPDATE one_trip_head SET version = version + 1 WHERE id = 1");
  Prepare(connection, "insert", "INSERT INTO one_trip_log (head, payload) VALUES (1, $1)");
  const std::string payload = MakePayload();
  if (PQenterPipelineMode(connection) != 1) Stop(connection, "pipeline");
  const CommitTimes times = MeasureCommits(loop, [&] {
    Send(connection, "update", nullptr);
    Send(connection, "insert", payload.c_str());
    if (PQpipelineSync(connection) != 1) Stop(connection, "sending");
    TakeDone(connection);
    TakeDone(connection);
    Take(connection, PGRES_PIPELINE_SYNC);
  });
  if (PQexitPipelineMode(connection) != 1) Stop(connection, "pipeline");
  const std::string all = std::to_string(times.all());
  const std::string rows = Column(connection, "SELECT count(*) FROM one_trip_log")[0];
  const std::string version = Column(connection, "SELECT version FROM one_trip_head")[0];
  if (rows != all || version != all) {
    std::fprintf(stderr, "bench_postgres_commits: %s transactions, %s rows, version %s\n",
                 all.c_str(), rows.c_str(), version.c_str());
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
  if (argc < 3 || !ParseCommitLoop({argv + 3, static_cast<std::size_t>(argc - 3)}, &loop)) {
    std::fprintf(stderr,
                 "usage: bench_postgres_commits CONNECTION SCHEMA [--commits C | --seconds S] "
                 "[--warm-up W]\n");
    return 2;
  }
  PGconn* const connection = Connect(argv[1]);
  Run(connection, "SET search_path = \"" + std::string(argv[2]) + "\"");
  const bool is_good = Measure(connection, loop);
  PQfinish(connection);
  return is_good ? 0 : 1;
}
