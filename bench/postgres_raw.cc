// bench_postgres_raw: what PostgreSQL itself takes for the rows of a catalog: looking up one row by
// its key with a prepared statement, the columns of a snapshot out by binary COPY, and the rows of
// dl_add_files into another SQL schema of the same tables and indexes, all of them by binary COPY
// and some of them by one INSERT each.
//
//   bench_postgres_raw CONNECTION SCHEMA [EMPTY_SCHEMA]
//
// Both SQL schemas are catalogs; the second one is empty and stays so. Without it, only reading is
// measured. Prints one JSON object:
// rows; latest and file (one look-up each); scan, scan_without_stats and scan_half (the version in
// the middle); insert (COPY); inserted_rows, insert_by_row (a transaction for each 1,000 of them)
// and insert_by_row_each (a transaction for each). Processor time is that of this process.
#include <arpa/inet.h>
#include <libpq-fe.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace deltalakedb::bench {
namespace {

// Of the rows that are inserted one by one; they take long.
constexpr std::size_t kRowsOneByOne = 20'000;
constexpr std::size_t kRowsEach = 2'000;
constexpr std::size_t kRowsPerTransaction = 1'000;

[[noreturn]] void Stop(PGconn* connection, const char* what) {
  std::fprintf(stderr, "bench_postgres_raw: %s: %s\n", what, PQerrorMessage(connection));
  std::exit(1);
}

void Run(PGconn* connection, const std::string& sql) {
  PGresult* const result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Stop(connection, sql.c_str());
  PQclear(result);
}

void Prepare(PGconn* connection, const char* name, const std::string& sql) {
  PGresult* const result = PQprepare(connection, name, sql.c_str(), 0, nullptr);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) Stop(connection, sql.c_str());
  PQclear(result);
}

// The first column of all rows.
std::vector<std::string> Column(PGconn* connection, const std::string& sql) {
  PGresult* const rows = PQexec(connection, sql.c_str());
  if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) == 0)
    Stop(connection, sql.c_str());
  std::vector<std::string> values;
  for (int i = 0; i < PQntuples(rows); ++i) values.emplace_back(PQgetvalue(rows, i, 0));
  PQclear(rows);
  return values;
}

// Every message that the server sends; kept where wanted. Answers how many rows there were.
std::int64_t Drain(PGconn* connection, const std::string& query, std::string* kept = nullptr) {
  PGresult* const started =
      PQexec(connection, ("COPY (" + query + ") TO STDOUT (FORMAT binary)").c_str());
  if (PQresultStatus(started) != PGRES_COPY_OUT) Stop(connection, query.c_str());
  PQclear(started);
  std::int64_t messages = 0;
  char* message = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(connection, &message, 0)) > 0) {
    ++messages;
    if (kept != nullptr) kept->append(message, static_cast<std::size_t>(size));
    PQfreemem(message);
  }
  while (PGresult* const result = PQgetResult(connection)) PQclear(result);
  return messages - 1;  // the last one ends them
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

// A row out of what a binary COPY gave, as parameters of a statement.
struct Row {
  std::vector<const char*> values;
  std::vector<int> sizes;
};

std::vector<Row> FirstRows(const std::string& copied, std::size_t count) {
  constexpr std::size_t kHeaderBytes = 19;
  std::vector<Row> rows;
  const char* at = copied.data() + kHeaderBytes;
  const auto take = [&]<typename T>(T value) {
    std::memcpy(&value, at, sizeof(value));
    at += sizeof(value);
    return value;
  };
  while (rows.size() < count) {
    const auto columns = static_cast<std::int16_t>(ntohs(take(std::uint16_t{})));
    if (columns < 0) break;
    Row& row = rows.emplace_back();
    for (std::int16_t i = 0; i < columns; ++i) {
      const auto size = static_cast<std::int32_t>(ntohl(take(std::uint32_t{})));
      row.values.push_back(size < 0 ? nullptr : at);
      row.sizes.push_back(std::max(size, 0));
      at += std::max(size, 0);
    }
  }
  return rows;
}

// One statement for each row, and its answer awaited.
void InsertOneByOne(PGconn* connection, const std::vector<Row>& rows, std::size_t per_transaction) {
  const std::vector<int> binary(rows.empty() ? 0 : rows[0].values.size(), 1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (per_transaction > 1 && i % per_transaction == 0) Run(connection, "BEGIN");
    PGresult* const done =
        PQexecPrepared(connection, "insert", static_cast<int>(binary.size()), rows[i].values.data(),
                       rows[i].sizes.data(), binary.data(), 1);
    if (PQresultStatus(done) != PGRES_COMMAND_OK) Stop(connection, "insert");
    PQclear(done);
    const bool is_last = i + 1 == rows.size() || (i + 1) % per_transaction == 0;
    if (per_transaction > 1 && is_last) Run(connection, "COMMIT");
  }
}

void LookUp(PGconn* connection, const char* statement, const std::string& key) {
  const char* const value = key.c_str();
  PGresult* const row = PQexecPrepared(connection, statement, 1, &value, nullptr, nullptr, 1);
  if (PQresultStatus(row) != PGRES_TUPLES_OK || PQntuples(row) != 1) Stop(connection, statement);
  PQclear(row);
}

// The columns of a snapshot.
std::string Columns(const std::string& stats) {
  return "SELECT path, partition_values, size, modification_time, data_change, " + stats +
         ", tags, dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, "
         "base_row_id, default_row_commit_version, clustering_provider FROM dl_add_files ";
}

void MeasureLookups(PGconn* connection, const std::string& id) {
  Prepare(connection, "latest", "SELECT current_version FROM dl_tables WHERE table_id = $1::uuid");
  Print("latest", MeasureEach(kLookups, [&](std::size_t) { LookUp(connection, "latest", id); }));
  const auto keys =
      Column(connection,
             "SELECT path_key FROM dl_add_files WHERE file_id % (SELECT greatest(1, count(*) "
             "/ " +
                 std::to_string(kSampledFiles) + ") FROM dl_add_files) = 0");
  Prepare(connection, "file",
          Columns("stats") + "WHERE table_id = '" + id +
              "' AND path_key = $1::uuid AND version <= 1000000 AND ended_version IS NULL");
  Print("file", MeasureEach(kLookups, [&](std::size_t i) {
          LookUp(connection, "file", keys[i * 7919 % keys.size()]);
        }));
}

std::int64_t MeasureScans(PGconn* connection, const std::string& id) {
  std::int64_t rows = 0;
  const std::string live =
      "WHERE table_id = '" + id + "' AND file_id <= 1099511627776 AND ended_version IS NULL";
  Print("scan", Measure([&] { rows = Drain(connection, Columns("stats") + live); }));
  Print("scan_without_stats", Measure([&] { Drain(connection, Columns("NULL::text") + live); }));
  const std::string half = Column(connection, "SELECT current_version / 2 FROM dl_tables")[0];
  const std::string last =
      Column(connection, "SELECT last_add_id FROM dl_table_versions WHERE version = " + half)[0];
  const std::string at_half = "WHERE table_id = '" + id + "' AND file_id <= " + last +
                              " AND (ended_version IS NULL OR ended_version > " + half + ")";
  Print("scan_half", Measure([&] { Drain(connection, Columns("stats") + at_half); }));
  return rows;
}

void MeasureInserts(PGconn* connection, const std::string& target) {
  const std::string relation = target + ".dl_add_files";
  std::string all;
  Drain(connection, "SELECT * FROM dl_add_files ORDER BY file_id", &all);
  Run(connection, "INSERT INTO " + target + ".dl_tables SELECT * FROM dl_tables");
  Run(connection, "CHECKPOINT");
  Print("insert", Measure([&] { Load(connection, relation, all); }));
  const auto rows = FirstRows(all, kRowsOneByOne);
  const std::vector<Row> few(
      rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(kRowsEach, rows.size())));
  std::string insert = "INSERT INTO " + relation + " VALUES ($1";
  for (std::size_t i = 2; i <= rows[0].values.size(); ++i) insert += ", $" + std::to_string(i);
  Run(connection, "TRUNCATE " + relation);
  Prepare(connection, "insert", insert + ")");
  Print("insert_by_row", Measure([&] { InsertOneByOne(connection, rows, kRowsPerTransaction); }));
  Run(connection, "TRUNCATE " + relation);
  Print("insert_by_row_each", Measure([&] { InsertOneByOne(connection, few, 1); }));
  Run(connection, "TRUNCATE " + target + ".dl_tables CASCADE");
  std::printf("\"inserted_by_row\": %zu, \"inserted_by_row_each\": %zu, ", rows.size(), few.size());
}

}  // namespace
}  // namespace deltalakedb::bench

int main(int argc, char** argv) {
  using namespace deltalakedb::bench;
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: bench_postgres_raw CONNECTION SCHEMA [EMPTY_SCHEMA]\n");
    return 2;
  }
  PGconn* const connection = PQconnectdb(argv[1]);
  if (PQstatus(connection) != CONNECTION_OK) Stop(connection, "connecting");
  Run(connection, "SET client_min_messages = warning");
  Run(connection, "SET search_path = \"" + std::string(argv[2]) + "\"");
  const auto ids = Column(connection, "SELECT table_id FROM dl_tables");
  if (ids.size() != 1) Stop(connection, "the catalog has to hold one table");
  std::printf("{");
  MeasureLookups(connection, ids[0]);
  const std::int64_t rows = MeasureScans(connection, ids[0]);
  if (argc == 4) MeasureInserts(connection, "\"" + std::string(argv[3]) + "\"");
  std::printf("\"rows\": %lld, \"peak_rss_mib\": %.1f}\n", static_cast<long long>(rows),
              PeakRssMib());
  PQfinish(connection);
  return 0;
}
