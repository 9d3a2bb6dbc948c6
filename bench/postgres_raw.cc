// bench_postgres_raw: what PostgreSQL itself takes for the rows of a catalog: looking up one row by
// its key with a prepared statement, the columns of a snapshot out by binary COPY, and the rows of
// dl_add_files into another SQL schema of the same tables and indexes, all of them by binary COPY
// and some of them by one INSERT each.
//
//   bench_postgres_raw CONNECTION SCHEMA [EMPTY_SCHEMA [--rows N]]
//
// Both SQL schemas are catalogs; the second one is empty and stays so. Without it, only reading is
// measured. Prints one JSON object:
// rows; latest and file (one look-up each); scan, scan_without_stats and scan_half (the version in
// the middle); insert (COPY); inserted_rows, insert_by_row (a transaction for each 1,000 of them)
// and insert_by_row_each (a transaction for each). Processor time is that of this process.
//
// With --rows only the last N rows are put into EMPTY_SCHEMA, in the ways that a commit of N files
// could be: copy_bare (COPY into the same columns without an index; median_s and p95_s of several),
// copy (into dl_add_files, likewise), by_row (an INSERT each, in one transaction) and by_row_each
// (a transaction for each of rows_each of them). Asserts how many rows are there after each.
#include <arpa/inet.h>
#include <libpq-fe.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/postgres_client.h"

namespace deltalakedb::bench {
namespace {

// Of the rows that are inserted one by one; they take long.
constexpr std::size_t kRowsOneByOne = 20'000;
constexpr std::size_t kRowsEach = 2'000;
constexpr std::size_t kRowsPerTransaction = 1'000;
// How often the rows of one commit are copied.
constexpr std::size_t kCopies = 5;

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

void PrepareInsert(PGconn* connection, const std::string& relation, std::size_t columns) {
  std::string insert = "INSERT INTO " + relation + " VALUES ($1";
  for (std::size_t i = 2; i <= columns; ++i) insert += ", $" + std::to_string(i);
  Prepare(connection, "insert", insert + ")");
}

std::vector<Row> First(const std::vector<Row>& rows, std::size_t count) {
  return {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(count, rows.size()))};
}

void MeasureInserts(PGconn* connection, const std::string& target) {
  const std::string relation = target + ".dl_add_files";
  std::string all;
  Drain(connection, "SELECT * FROM dl_add_files ORDER BY file_id", &all);
  Run(connection, "INSERT INTO " + target + ".dl_tables SELECT * FROM dl_tables");
  Run(connection, "CHECKPOINT");
  Print("insert", Measure([&] { Load(connection, relation, all); }));
  const auto rows = FirstRows(all, kRowsOneByOne);
  const std::vector<Row> few = First(rows, kRowsEach);
  Run(connection, "TRUNCATE " + relation);
  PrepareInsert(connection, relation, rows[0].values.size());
  Print("insert_by_row", Measure([&] { InsertOneByOne(connection, rows, kRowsPerTransaction); }));
  Run(connection, "TRUNCATE " + relation);
  Print("insert_by_row_each", Measure([&] { InsertOneByOne(connection, few, 1); }));
  Run(connection, "TRUNCATE " + target + ".dl_tables CASCADE");
  std::printf("\"inserted_by_row\": %zu, \"inserted_by_row_each\": %zu, ", rows.size(), few.size());
}

// Empties the relation, does the work, and looks whether it has so many rows then.
template <typename Work>
double MeasureRows(PGconn* connection, const std::string& relation, std::size_t rows, Work work) {
  Run(connection, "TRUNCATE " + relation);
  Run(connection, "CHECKPOINT");
  const double wall_s = Measure(work).wall_s;
  const std::string there = Column(connection, "SELECT count(*) FROM " + relation)[0];
  if (there != std::to_string(rows)) {
    std::fprintf(stderr, "bench_postgres_raw: %s has %s rows and not %zu\n", relation.c_str(),
                 there.c_str(), rows);
    std::exit(1);
  }
  return wall_s;
}

void MeasureCopies(PGconn* connection, const char* name, const std::string& relation,
                   const std::string& copied, std::size_t rows) {
  std::vector<double> times;
  for (std::size_t i = 0; i < kCopies; ++i) {
    times.push_back(
        MeasureRows(connection, relation, rows, [&] { Load(connection, relation, copied); }));
  }
  std::sort(times.begin(), times.end());
  Print(name, Percentiles{times[times.size() / 2], times[times.size() * 95 / 100]});
}

void MeasureOneCommit(PGconn* connection, const std::string& target, std::size_t count) {
  std::string copied;
  Drain(connection,
        "SELECT * FROM dl_add_files ORDER BY file_id DESC LIMIT " + std::to_string(count), &copied);
  const std::vector<Row> rows = FirstRows(copied, count);
  if (rows.size() != count) Stop(connection, "the catalog has fewer rows than are wanted");
  const std::string bare = target + ".bare_files";
  const std::string indexed = target + ".dl_add_files";
  Run(connection, "CREATE TABLE " + bare + " (LIKE dl_add_files)");
  Run(connection, "INSERT INTO " + target + ".dl_tables SELECT * FROM dl_tables");
  PrepareInsert(connection, indexed, rows[0].values.size());
  const std::vector<Row> few = First(rows, kRowsEach);
  std::printf("{");
  MeasureCopies(connection, "copy_bare", bare, copied, count);
  MeasureCopies(connection, "copy", indexed, copied, count);
  const double by_row_s =
      MeasureRows(connection, indexed, count, [&] { InsertOneByOne(connection, rows, count); });
  const double by_row_each_s =
      MeasureRows(connection, indexed, few.size(), [&] { InsertOneByOne(connection, few, 1); });
  Run(connection, "DROP TABLE " + bare);
  Run(connection, "TRUNCATE " + target + ".dl_tables CASCADE");
  std::printf("\"by_row_s\": %.6f, \"by_row_each_s\": %.6f, \"rows_each\": %zu, \"rows\": %zu}\n",
              by_row_s, by_row_each_s, few.size(), count);
}

}  // namespace
}  // namespace deltalakedb::bench

int main(int argc, char** argv) {
  using namespace deltalakedb::bench;
  const bool is_one_commit = argc == 6 && std::strcmp(argv[4], "--rows") == 0;
  const std::size_t rows_wanted = is_one_commit ? std::strtoull(argv[5], nullptr, 10) : 0;
  if (argc != 3 && argc != 4 && rows_wanted == 0) {
    std::fprintf(stderr, "usage: bench_postgres_raw CONNECTION SCHEMA [EMPTY_SCHEMA [--rows N]]\n");
    return 2;
  }
  PGconn* const connection = Connect(argv[1]);
  Run(connection, "SET search_path = \"" + std::string(argv[2]) + "\"");
  if (is_one_commit) {
    MeasureOneCommit(connection, "\"" + std::string(argv[3]) + "\"", rows_wanted);
    PQfinish(connection);
    return 0;
  }
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
