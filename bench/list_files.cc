// bench_list_files: opens a table and lists its live files as Arrow, once, and says how long
// it took.
//
//   bench_list_files TABLE [--version N] [--count-only] [--without-stats]
//
// One measurement per process, so that nothing is warm but the file cache. Prints one JSON object:
// version, files, open_s (open the table and rebuild the version), list_s, total_s, cpu_s (of all
// threads) and peak_rss_mib. --count-only asks for the totals instead of listing.
#include <arrow/c/abi.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>

#include "base/try.h"
#include "bench/measure.h"
#include "deltalakedb/file_stream.h"
#include "deltalakedb/table.h"

namespace deltalakedb {
namespace {

struct Arguments {
  std::string_view table;
  TableVersion version = TableVersion::Latest();
  bool count_only = false;
  bool with_stats = true;
};

struct Measurement {
  Version version;
  std::int64_t num_files = 0;
  double open_s = 0;
  double list_s = 0;
  double cpu_s = 0;
};

std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--count-only") {
      arguments.count_only = true;
    } else if (argument == "--without-stats") {
      arguments.with_stats = false;
    } else if (argument == "--version" && i + 1 < argc) {
      const std::string_view text = argv[++i];
      std::int64_t number = 0;
      const char* const end = text.data() + text.size();
      if (std::from_chars(text.data(), end, number).ptr != end || number < 0) return std::nullopt;
      arguments.version = TableVersion::At(Version(number));
    } else if (arguments.table.empty() && !argument.starts_with("--")) {
      arguments.table = argument;
    } else {
      return std::nullopt;
    }
  }
  return arguments.table.empty() ? std::nullopt : std::optional(arguments);
}

// Pulls every batch of the stream and counts the rows, as a consumer in another library would.
Result<std::int64_t> CountArrowRows(std::unique_ptr<FileStream> files) {
  ArrowArrayStream stream{};
  ExportToArrow(std::move(files), &stream);
  const std::unique_ptr<ArrowArrayStream, void (*)(ArrowArrayStream*)> release(
      &stream, [](ArrowArrayStream* s) { s->release(s); });
  for (std::int64_t rows = 0;;) {
    ArrowArray batch{};
    if (stream.get_next(&stream, &batch) != 0) {
      const char* const message = stream.get_last_error(&stream);
      return Fail(ErrorCode::kIo, message == nullptr ? "no more batches" : message);
    }
    if (batch.release == nullptr) return rows;
    rows += batch.length;
    batch.release(&batch);
  }
}

Result<std::int64_t> ListFiles(const Snapshot& snapshot, const Arguments& arguments) {
  if (arguments.count_only) {
    DELTALAKEDB_ASSIGN(const FileTotals totals, snapshot.LoadTotals());
    return totals.num_files;
  }
  DELTALAKEDB_ASSIGN(auto files, snapshot.OpenFiles({.order = FileOrder::kNone,
                                                     .with_stats = arguments.with_stats}));
  return CountArrowRows(std::move(files));
}

Result<Measurement> Measure(const Arguments& arguments) {
  using bench::Clock;
  using Seconds = std::chrono::duration<double>;
  const double cpu_before_s = bench::CpuSeconds();
  const auto start = Clock::now();
  DELTALAKEDB_ASSIGN(const DeltaTable table, DeltaTable::Open(arguments.table));
  DELTALAKEDB_ASSIGN(const auto snapshot, table.LoadSnapshot(arguments.version));
  const auto opened = Clock::now();
  DELTALAKEDB_ASSIGN(const std::int64_t num_files, ListFiles(*snapshot, arguments));
  const auto listed = Clock::now();
  return Measurement{.version = snapshot->version(),
                     .num_files = num_files,
                     .open_s = Seconds(opened - start).count(),
                     .list_s = Seconds(listed - opened).count(),
                     .cpu_s = bench::CpuSeconds() - cpu_before_s};
}

}  // namespace
}  // namespace deltalakedb

int main(int argc, char** argv) {
  const auto arguments = deltalakedb::ParseArguments(argc, argv);
  if (!arguments) {
    std::fputs("usage: bench_list_files TABLE [--version N] [--count-only] [--without-stats]\n",
               stderr);
    return 2;
  }
  const auto measured = deltalakedb::Measure(*arguments);
  if (!measured) {
    std::fprintf(stderr, "bench_list_files: %s\n", measured.error().message().c_str());
    return 1;
  }
  std::printf(
      "{\"version\": %lld, \"files\": %lld, \"open_s\": %.6f, \"list_s\": %.6f, "
      "\"total_s\": %.6f, \"cpu_s\": %.6f, \"peak_rss_mib\": %.1f}\n",
      static_cast<long long>(measured->version.value()),
      static_cast<long long>(measured->num_files), measured->open_s, measured->list_s,
      measured->open_s + measured->list_s, measured->cpu_s, deltalakedb::bench::PeakRssMib());
  return 0;
}
