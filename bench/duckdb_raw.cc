// bench_duckdb_raw: what DuckDB itself takes for the rows of a catalog: looking up one row with a
// prepared statement (there are no indexes), streaming the columns that a snapshot has, and putting
// all of dl_add_files into a new database with the same table by a bare appender.
//
//   bench_duckdb_raw CATALOG.duckdb [NEW.duckdb]
//
// Prints one JSON object: rows; latest and file (one look-up each); scan, scan_without_stats and
// scan_half (the version in the middle); with NEW.duckdb, which must not exist and is left behind,
// insert (from chunks that are in memory, with the commit and closing the file).
#include <duckdb.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace deltalakedb::bench {
namespace {

constexpr const char* kThreads = "4";  // kDuckDbThreadsMax; the driver takes no more than there are
void Check(bool is_good, const char* what, const char* words) {
  if (is_good) return;
  std::fprintf(stderr, "bench_duckdb_raw: %s: %s\n", what, words == nullptr ? "" : words);
  std::exit(1);
}

class Database {
 public:
  explicit Database(const char* path) {
    duckdb_config config = nullptr;
    duckdb_create_config(&config);
    duckdb_set_config(config, "threads", kThreads);
    char* problem = nullptr;
    const bool is_open = duckdb_open_ext(path, &database_, config, &problem) == DuckDBSuccess;
    Check(is_open, path, problem);
    Check(duckdb_connect(database_, &connection_) == DuckDBSuccess, path, "no connection");
    duckdb_destroy_config(&config);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  duckdb_connection connection() const { return connection_; }

  void Run(const std::string& sql) const {
    duckdb_result result = {};
    const bool is_done = duckdb_query(connection_, sql.c_str(), &result) == DuckDBSuccess;
    Check(is_done, sql.c_str(), duckdb_result_error(&result));
    duckdb_destroy_result(&result);
  }

  template <typename Visit>
  void Stream(const std::string& text, Visit visit) const {
    const char* const sql = text.c_str();
    duckdb_prepared_statement statement = nullptr;
    Check(duckdb_prepare(connection_, sql, &statement) == DuckDBSuccess, sql, "");
    duckdb_pending_result pending = nullptr;
    duckdb_pending_prepared_streaming(statement, &pending);
    duckdb_result result = {};
    const bool is_started = duckdb_execute_pending(pending, &result) == DuckDBSuccess;
    Check(is_started, sql, duckdb_result_error(&result));
    while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) visit(chunk);
    duckdb_destroy_result(&result);
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&statement);
  }

  // Of the first column of all rows, as text.
  std::vector<std::string> Column(const std::string& sql) const {
    std::vector<std::string> values;
    Stream(sql, [&](duckdb_data_chunk chunk) {
      auto* texts = static_cast<duckdb_string_t*>(
          duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
      for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
        values.emplace_back(duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row]));
      }
      duckdb_destroy_data_chunk(&chunk);
    });
    Check(!values.empty(), sql.c_str(), "no rows");
    return values;
  }

  duckdb_prepared_statement Prepare(const std::string& sql) const {
    duckdb_prepared_statement statement = nullptr;
    const bool is_prepared = duckdb_prepare(connection_, sql.c_str(), &statement) == DuckDBSuccess;
    Check(is_prepared, sql.c_str(), duckdb_prepare_error(statement));
    return statement;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

// Looks at every text of a chunk, as whoever reads a snapshot has to.
std::int64_t TextBytes(duckdb_data_chunk chunk) {
  std::int64_t bytes = 0;
  for (const idx_t column : {idx_t{0}, idx_t{1}, idx_t{5}}) {
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
    const auto* texts = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector));
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
      bytes += texts[row].value.inlined.length;
    }
  }
  return bytes;
}

void Insert(const char* path, const std::string& definition,
            const std::vector<duckdb_data_chunk>& chunks) {
  const Database target(path);
  target.Run("BEGIN");
  target.Run(definition);
  duckdb_appender appender = nullptr;
  const bool is_made = duckdb_appender_create(target.connection(), nullptr, "dl_add_files",
                                              &appender) == DuckDBSuccess;
  Check(is_made, "appender", duckdb_appender_error(appender));
  for (const duckdb_data_chunk chunk : chunks) {
    const bool is_taken = duckdb_append_data_chunk(appender, chunk) == DuckDBSuccess;
    Check(is_taken, "append", duckdb_appender_error(appender));
  }
  Check(duckdb_appender_destroy(&appender) == DuckDBSuccess, "append", "at the end");
  target.Run("COMMIT");
}

// The columns of a snapshot.
std::string Columns(const std::string& stats) {
  return "SELECT path, partition_values, size, modification_time, data_change, " + stats +
         ", tags, dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, "
         "base_row_id, default_row_commit_version, clustering_provider FROM dl_add_files ";
}

void LookUp(duckdb_prepared_statement statement) {
  duckdb_result result = {};
  const bool is_done = duckdb_execute_prepared(statement, &result) == DuckDBSuccess;
  Check(is_done, "look-up", duckdb_result_error(&result));
  duckdb_data_chunk row = duckdb_fetch_chunk(result);
  Check(row != nullptr && duckdb_data_chunk_get_size(row) == 1, "look-up", "no row");
  duckdb_destroy_data_chunk(&row);
  duckdb_destroy_result(&result);
}

void MeasureLookups(const Database& catalog, const std::string& id) {
  // With a parameter, as a look-up is: DuckDB plans such a statement anew each time, which takes
  // five times as long as running one without.
  auto latest = catalog.Prepare("SELECT current_version FROM dl_tables WHERE table_id = $1");
  Print("latest", MeasureEach(kSlowLookups, [&](std::size_t) {
          duckdb_bind_varchar(latest, 1, id.c_str());
          LookUp(latest);
        }));
  duckdb_destroy_prepare(&latest);
  const auto keys = catalog.Column(
      "SELECT hex(path_key) FROM dl_add_files WHERE file_id % (SELECT greatest(1, count(*) // " +
      std::to_string(kSampledFiles) + ") FROM dl_add_files) = 0");
  auto file =
      catalog.Prepare(Columns("stats") + "WHERE table_id = '" + id +
                      "'::UUID AND path_key = unhex($1::VARCHAR) AND ended_version IS NULL");
  Print("file", MeasureEach(kSlowLookups, [&](std::size_t i) {
          duckdb_bind_varchar(file, 1, keys[i * 7919 % keys.size()].c_str());
          LookUp(file);
        }));
  duckdb_destroy_prepare(&file);
}

std::int64_t Scan(const Database& catalog, const std::string& sql) {
  std::int64_t rows = 0;
  volatile std::int64_t bytes = 0;
  catalog.Stream(sql, [&](duckdb_data_chunk chunk) {
    rows += static_cast<std::int64_t>(duckdb_data_chunk_get_size(chunk));
    bytes = bytes + TextBytes(chunk);
    duckdb_destroy_data_chunk(&chunk);
  });
  return rows;
}

std::int64_t MeasureScans(const Database& catalog, const std::string& id) {
  std::int64_t rows = 0;
  const std::string of_table = "WHERE table_id = '" + id + "'::UUID AND ";
  const std::string live = of_table + "ended_version IS NULL";
  Print("scan", Measure([&] { rows = Scan(catalog, Columns("stats") + live); }));
  Print("scan_without_stats", Measure([&] { Scan(catalog, Columns("NULL::VARCHAR") + live); }));
  const std::string half =
      catalog.Column("SELECT (current_version // 2)::VARCHAR FROM dl_tables")[0];
  const std::string at_half =
      of_table +
      "file_id <= (SELECT max(last_add_id) FROM dl_table_versions WHERE version = " + half +
      ") AND (ended_version IS NULL OR ended_version > " + half + ")";
  Print("scan_half", Measure([&] { Scan(catalog, Columns("stats") + at_half); }));
  return rows;
}

void MeasureInsert(const Database& catalog, const char* new_path) {
  std::vector<duckdb_data_chunk> chunks;
  catalog.Stream("SELECT * FROM dl_add_files",
                 [&](duckdb_data_chunk chunk) { chunks.push_back(chunk); });
  const std::string definition =
      catalog.Column("SELECT sql FROM duckdb_tables() WHERE table_name = 'dl_add_files'")[0];
  Print("insert", Measure([&] { Insert(new_path, definition, chunks); }));
  for (duckdb_data_chunk chunk : chunks) duckdb_destroy_data_chunk(&chunk);
}

void Run(const char* catalog_path, const char* new_path) {
  const Database catalog(catalog_path);  // chunks live in its memory
  const std::string id = catalog.Column("SELECT table_id::VARCHAR FROM dl_tables")[0];
  std::printf("{");
  MeasureLookups(catalog, id);
  const std::int64_t rows = MeasureScans(catalog, id);
  if (new_path != nullptr) MeasureInsert(catalog, new_path);
  std::printf("\"rows\": %lld, \"peak_rss_mib\": %.1f}\n", static_cast<long long>(rows),
              PeakRssMib());
}

}  // namespace
}  // namespace deltalakedb::bench

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: bench_duckdb_raw CATALOG.duckdb [NEW.duckdb]\n");
    return 2;
  }
  deltalakedb::bench::Run(argv[1], argc == 3 ? argv[2] : nullptr);
  return 0;
}
