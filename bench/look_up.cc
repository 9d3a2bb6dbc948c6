// bench_look_up: small questions to a table in a catalog, thousands of them in one process.
//
//   bench_look_up TABLE [--slow]
//
// Prints one JSON object: of the latest version, of the state of the version in the middle and of
// one file by its path the median and the 95th percentile, in seconds. --slow asks less often.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "bench/measure.h"
#include "deltalakedb/file_stream.h"
#include "deltalakedb/table.h"

namespace deltalakedb::bench {
namespace {

[[noreturn]] void Stop(const std::string& message) {
  std::fprintf(stderr, "bench_look_up: %s\n", message.c_str());
  std::exit(1);
}

template <typename T>
T Get(Result<T> result) {
  if (!result) Stop(result.error().message());
  return *std::move(result);
}

// Some paths of all parts of the table, in no order.
std::vector<std::string> SamplePaths(const Snapshot& snapshot) {
  const auto num_files = static_cast<std::size_t>(Get(snapshot.LoadTotals()).num_files);
  const std::size_t step = std::max<std::size_t>(1, num_files / kSampledFiles);
  std::vector<std::string> paths;
  const auto files = Get(snapshot.OpenFiles({.with_stats = false}));
  std::size_t number = 0;
  while (const auto batch = Get(files->Next())) {
    for (const AddFile& add : batch->files()) {
      if (number++ % step == 0) paths.emplace_back(add.path);
    }
  }
  for (std::size_t i = 0; i < paths.size(); ++i) std::swap(paths[i], paths[i * 7919 % (i + 1)]);
  return paths;
}

void Run(std::string_view uri, std::size_t times) {
  const DeltaTable table = Get(DeltaTable::Open(uri));
  const auto latest = MeasureEach(times, [&](std::size_t) { Get(table.LoadLatestVersion()); });
  const auto snapshot = Get(table.LoadSnapshot());
  const Version middle(snapshot->version().value() / 2);
  const auto state =
      MeasureEach(times / 4, [&](std::size_t) { Get(table.LoadState(TableVersion::At(middle))); });
  const std::vector<std::string> paths = SamplePaths(*snapshot);
  const auto file = MeasureEach(times, [&](std::size_t i) {
    if (!Get(snapshot->FindFile(paths[i % paths.size()]))) Stop("a file is not found");
  });
  std::printf("{");
  Print("latest", latest);
  Print("state", state);
  Print("file", file);
  std::printf("\"peak_rss_mib\": %.1f}\n", PeakRssMib());
}

}  // namespace
}  // namespace deltalakedb::bench

int main(int argc, char** argv) {
  const bool is_slow = argc == 3 && std::string_view(argv[2]) == "--slow";
  if (argc != 2 && !is_slow) {
    std::fputs("usage: bench_look_up TABLE [--slow]\n", stderr);
    return 2;
  }
  using namespace deltalakedb::bench;
  Run(argv[1], is_slow ? kSlowLookups : kLookups);
  return 0;
}
