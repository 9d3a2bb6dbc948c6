// bench_duckdb_raw: what DuckDB itself takes for the rows of a catalog: streaming the columns of
// dl_add_files that a snapshot has, and putting all of them into a new database with the same table
// by a bare appender.
//
//   bench_duckdb_raw CATALOG.duckdb NEW.duckdb
//
// Prints one JSON object: rows, bytes, scan_s, scan_cpu_s, insert_s, insert_cpu_s (the latter two
// from chunks that are in memory, with the commit and closing the file) and peak_rss_mib.
// NEW.duckdb must not exist and is left behind.
#include <duckdb.h>
#include <sys/resource.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kThreads = "4";  // kDuckDbThreadsMax; the driver takes no more than there are
constexpr const char* kSnapshot =
    "SELECT path, partition_values, size, modification_time, data_change, stats, tags, "
    "dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, base_row_id, "
    "default_row_commit_version, clustering_provider FROM dl_add_files";

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
  void Stream(const char* sql, Visit visit) const {
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

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_duckdb_raw CATALOG.duckdb NEW.duckdb\n");
    return 2;
  }
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::string definition;
  std::vector<duckdb_data_chunk> chunks;
  const Database catalog(argv[1]);  // chunks live in its memory
  const Spent scan = Measure([&] {
    catalog.Stream(kSnapshot, [&](duckdb_data_chunk chunk) {
      rows += static_cast<std::int64_t>(duckdb_data_chunk_get_size(chunk));
      bytes += TextBytes(chunk);
      duckdb_destroy_data_chunk(&chunk);
    });
  });
  catalog.Stream("SELECT * FROM dl_add_files",
                 [&](duckdb_data_chunk chunk) { chunks.push_back(chunk); });
  catalog.Stream("SELECT sql FROM duckdb_tables() WHERE table_name = 'dl_add_files'",
                 [&](duckdb_data_chunk chunk) {
                   auto* text = static_cast<duckdb_string_t*>(
                       duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
                   definition.assign(duckdb_string_t_data(text), duckdb_string_t_length(*text));
                   duckdb_destroy_data_chunk(&chunk);
                 });
  const Spent insert = Measure([&] { Insert(argv[2], definition, chunks); });
  for (duckdb_data_chunk chunk : chunks) duckdb_destroy_data_chunk(&chunk);
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"rows\": %lld, \"bytes\": %lld, \"scan_s\": %.6f, \"scan_cpu_s\": %.6f, "
      "\"insert_s\": %.6f, \"insert_cpu_s\": %.6f, \"peak_rss_mib\": %.1f}\n",
      static_cast<long long>(rows), static_cast<long long>(bytes), scan.wall_s, scan.cpu_s,
      insert.wall_s, insert.cpu_s, static_cast<double>(usage.ru_maxrss) / 1024);
  return 0;
}
