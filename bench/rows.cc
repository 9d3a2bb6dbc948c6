// bench_rows: appends the rows of an Arrow stream file to a table, or scans a table, once, and says
// how long it took.
//
//   bench_rows append TABLE ROWS.arrows
//   bench_rows scan TABLE [--unordered] [--columns A,B] [--where EXPR]
//   bench_rows read ROWS.arrows                  what reading the source takes by itself
//
// One measurement per process, so that nothing is warm but the file cache. The source is read batch
// by batch while it is written; the batches of a scan are counted and dropped. Prints one JSON
// object: rows, total_s from opening the table on, cpu_s (of all threads) and peak_rss_mib.
#include <arrow/c/bridge.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "bench/measure.h"
#include "deltalakedb/row_formats.h"
#include "deltalakedb/table.h"

namespace deltalakedb {
namespace {

struct Arguments {
  std::string command;
  std::vector<std::string> places;  // the table and the file of rows, as the command needs them
  ScanOptions scan;
};

std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    names.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--unordered") {
      arguments.scan.in_order = false;
    } else if (argument == "--columns" && i + 1 < argc) {
      arguments.scan.columns = SplitNames(argv[++i]);
    } else if (argument == "--where" && i + 1 < argc) {
      arguments.scan.where = argv[++i];
    } else if (argument.starts_with("--")) {
      return std::nullopt;
    } else if (arguments.command.empty()) {
      arguments.command = argument;
    } else {
      arguments.places.emplace_back(argument);
    }
  }
  const std::size_t needed = arguments.command == "append"                                ? 2
                             : arguments.command == "scan" || arguments.command == "read" ? 1
                                                                                          : 0;
  return needed == 0 || arguments.places.size() != needed ? std::nullopt : std::optional(arguments);
}

std::unexpected<Error> ArrowError(const arrow::Status& status) {
  return Fail(ErrorCode::kIo, status.ToString());
}

// The file is not mapped: its pages would count as memory of whoever reads them.
Result<void> OpenSource(const std::string& path, ArrowArrayStream* out) {
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) return ArrowError(file.status());
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(*file);
  if (!reader.ok()) return ArrowError(reader.status());
  const arrow::Status exported = arrow::ExportRecordBatchReader(*reader, out);
  if (!exported.ok()) return ArrowError(exported);
  return {};
}

// Pulls every batch of the stream, as a consumer in another library would.
Result<std::int64_t> CountRows(ArrowArrayStream& stream) {
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

Result<std::int64_t> Run(const Arguments& arguments) {
  const RowStream rows;
  if (arguments.command == "read") {
    DELTALAKEDB_TRY(OpenSource(arguments.places[0], rows.get()));
    return CountRows(*rows.get());
  }
  DELTALAKEDB_ASSIGN(DeltaTable table, DeltaTable::Open(arguments.places[0]));
  if (arguments.command == "scan") {
    DELTALAKEDB_TRY(table.Scan(arguments.scan, rows.get()));
    return CountRows(*rows.get());
  }
  DELTALAKEDB_TRY(OpenSource(arguments.places[1], rows.get()));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.Append(rows.get()));
  return report.rows_added;
}

}  // namespace
}  // namespace deltalakedb

int main(int argc, char** argv) {
  const auto arguments = deltalakedb::ParseArguments(argc, argv);
  if (!arguments) {
    std::fputs(
        "usage: bench_rows append TABLE ROWS.arrows\n"
        "       bench_rows scan TABLE [--unordered] [--columns A,B] [--where EXPR]\n"
        "       bench_rows read ROWS.arrows\n",
        stderr);
    return 2;
  }
  deltalakedb::Result<std::int64_t> rows = 0;
  const auto spent = deltalakedb::bench::Measure([&] { rows = deltalakedb::Run(*arguments); });
  if (!rows) {
    std::fprintf(stderr, "bench_rows: %s\n", rows.error().message().c_str());
    return 1;
  }
  std::printf("{\"rows\": %lld, \"total_s\": %.6f, \"cpu_s\": %.6f, \"peak_rss_mib\": %.1f}\n",
              static_cast<long long>(*rows), spent.wall_s, spent.cpu_s,
              deltalakedb::bench::PeakRssMib());
  return 0;
}
