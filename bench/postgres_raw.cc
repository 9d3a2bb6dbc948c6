// bench_postgres_raw: what PostgreSQL itself takes for the rows of a catalog: a look-up of one row
// by its primary key, all live files out by binary COPY, and all rows of dl_add_files into another
// SQL schema of the same tables and indexes by binary COPY.
//
//   bench_postgres_raw CONNECTION SCHEMA EMPTY_SCHEMA
//
// Both SQL schemas are catalogs; the second one is empty and stays so. Prints one JSON object:
// rows, lookup_s (one of kLookups), scan_s and scan_without_stats_s (the same bytes as a snapshot
// reads), load_s, and the processor time of this process for each.
#include <libpq-fe.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLookups = 2'000;

[[noreturn]] void Stop(PGconn* connection, const char* what) {
  std::fprintf(stderr, "bench_postgres_raw: %s: %s\n", what, PQerrorMessage(connection));
  std::exit(1);
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

void Run(PGconn* connection, const std::string& sql) {
  PGresult* const result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Stop(connection, sql.c_str());
  PQclear(result);
}

// Every message that the server sends; kept where wanted.
long long Drain(PGconn* connection, const std::string& query, std::string* kept) {
  PGresult* const started =
      PQexec(connection, ("COPY (" + query + ") TO STDOUT (FORMAT binary)").c_str());
  if (PQresultStatus(started) != PGRES_COPY_OUT) Stop(connection, query.c_str());
  PQclear(started);
  long long messages = 0;
  char* message = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(connection, &message, 0)) > 0) {
    ++messages;
    if (kept != nullptr) kept->append(message, static_cast<std::size_t>(size));
    PQfreemem(message);
  }
  while (PGresult* const result = PQgetResult(connection)) PQclear(result);
  return messages;
}

void Load(PGconn* connection, const std::string& target, const std::string& rows) {
  Run(connection, "BEGIN");
  PGresult* const started =
      PQexec(connection, ("COPY " + target + " FROM STDIN (FORMAT binary)").c_str());
  if (PQresultStatus(started) != PGRES_COPY_IN) Stop(connection, target.c_str());
  PQclear(started);
  constexpr std::size_t kPiece = 256 * 1024;
  for (std::size_t at = 0; at < rows.size(); at += kPiece) {
    const std::size_t size = std::min(kPiece, rows.size() - at);
    if (PQputCopyData(connection, rows.data() + at, static_cast<int>(size)) != 1) {
      Stop(connection, "sending rows");
    }
  }
  if (PQputCopyEnd(connection, nullptr) != 1) Stop(connection, "sending rows");
  while (PGresult* const result = PQgetResult(connection)) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) Stop(connection, "COPY");
    PQclear(result);
  }
  Run(connection, "COMMIT");
}

void LookUp(PGconn* connection) {
  for (int i = 0; i < kLookups; ++i) {
    PGresult* const row = PQexecPrepared(connection, "lookup", 0, nullptr, nullptr, nullptr, 1);
    if (PQresultStatus(row) != PGRES_TUPLES_OK) Stop(connection, "look-up");
    PQclear(row);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_postgres_raw CONNECTION SCHEMA EMPTY_SCHEMA\n");
    return 2;
  }
  const std::string from = argv[2];
  const std::string to = argv[3];
  PGconn* const connection = PQconnectdb(argv[1]);
  if (PQstatus(connection) != CONNECTION_OK) Stop(connection, "connecting");
  Run(connection, "SET search_path = \"" + from + "\"");
  PGresult* const id = PQexec(connection, "SELECT table_id FROM dl_tables");
  if (PQntuples(id) != 1) Stop(connection, "the catalog has to hold one table");
  const std::string table_id = PQgetvalue(id, 0, 0);
  PQclear(id);
  const std::string where = " FROM dl_add_files WHERE table_id = '" + table_id +
                            "' AND file_id <= 1099511627776 AND ended_version IS NULL";
  const std::string rest =
      ", tags, dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, "
      "base_row_id, default_row_commit_version, clustering_provider";
  const std::string first = "SELECT path, partition_values, size, modification_time, data_change, ";
  PQclear(PQprepare(
      connection, "lookup",
      ("SELECT current_version FROM dl_tables WHERE table_id = '" + table_id + "'").c_str(), 0,
      nullptr));
  LookUp(connection);
  const Spent lookup = Measure([&] { LookUp(connection); });
  long long rows = 0;
  const Spent scan =
      Measure([&] { rows = Drain(connection, first + "stats" + rest + where, nullptr); });
  const Spent narrow =
      Measure([&] { Drain(connection, first + "NULL::text" + rest + where, nullptr); });
  std::string all;
  Drain(connection, "SELECT * FROM dl_add_files ORDER BY file_id", &all);
  const std::string target = "\"" + to + "\"";
  Run(connection, "INSERT INTO " + target + ".dl_tables SELECT * FROM dl_tables");
  const Spent load = Measure([&] { Load(connection, target + ".dl_add_files", all); });
  Run(connection, "TRUNCATE " + target + ".dl_tables CASCADE");
  std::printf(
      "{\"rows\": %lld, \"lookup_s\": %.9f, \"lookup_cpu_s\": %.9f, \"scan_s\": %.6f, "
      "\"scan_cpu_s\": %.6f, \"scan_without_stats_s\": %.6f, \"scan_without_stats_cpu_s\": %.6f, "
      "\"load_s\": %.6f, \"load_cpu_s\": %.6f}\n",
      rows - 1, lookup.wall_s / kLookups, lookup.cpu_s / kLookups, scan.wall_s, scan.cpu_s,
      narrow.wall_s, narrow.cpu_s, load.wall_s, load.cpu_s);
  PQfinish(connection);
  return 0;
}
