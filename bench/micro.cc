// bench_micro: what parsing, identifying and writing one file action costs, in lines per second.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "protocol/arena.h"
#include "protocol/file_key.h"
#include "protocol/paths.h"

namespace deltalakedb::protocol {
namespace {

constexpr int kLines = 4096;

// Lines like those of bench/make_log.py: a path of 144 bytes, statistics of five columns.
std::string AddLine(int i) {
  const std::string path = fmt::format(
      "event_date=2024-01-01/region=eu-west-1/ingest-batch-{:08}-task-attempt-00-part-"
      "{:05}-{:08x}-0000-4000-8000-{:012x}.c000.snappy.parquet",
      i / 1000, i, i * 2654435761U, i);
  const std::string stats = fmt::format(
      R"({{"numRecords":1000,"minValues":{{"id":{0},"event_time":"2024-01-01T00:00:00.{1:03}Z",)"
      R"("category":"cat-0001","amount":3.01,"quantity":1}},"maxValues":{{"id":{2},)"
      R"("event_time":"2024-01-01T23:59:59.{1:03}Z","category":"cat-0098","amount":9996.99,)"
      R"("quantity":101}},"nullCount":{{"id":0,"event_time":0,"category":1,"amount":0,)"
      R"("quantity":0}}}})",
      i * 1000, i % 1000, i * 1000 + 999);
  std::string escaped;
  for (const char c : stats) escaped += c == '"' ? "\\\"" : std::string(1, c);
  return fmt::format(R"({{"add":{{"path":"{}","partitionValues":{{"event_date":"2024-01-01",)"
                     R"("region":"eu-west-1"}},"size":1234567,"modificationTime":1704067200000,)"
                     R"("dataChange":true,"stats":"{}"}}}})",
                     path, escaped);
}

// Lines in one text, each followed by readable bytes as the parser wants.
class Lines {
 public:
  Lines() {
    std::vector<std::size_t> ends;
    for (int i = 0; i < kLines; ++i) {
      text_ += AddLine(i);
      ends.push_back(text_.size());
    }
    text_.append(kLinePaddingBytes, ' ');
    std::size_t start = 0;
    for (const std::size_t end : ends) {
      lines_.push_back(std::string_view(text_).substr(start, end - start));
      start = end;
    }
  }
  std::string_view at(std::size_t i) const { return lines_[i % lines_.size()]; }

 private:
  std::string text_;
  std::vector<std::string_view> lines_;
};

const Lines& AllLines() {
  static const Lines lines;
  return lines;
}

AddFile Parsed(ActionParser& parser, std::size_t i, Arena& arena) {
  auto action = parser.Parse(AllLines().at(i), FileDetail::kAll, arena);
  if (!action) std::abort();
  return std::get<AddFile>(*action);
}

void SetLineRate(benchmark::State& state, std::int64_t bytes) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(bytes);
}

void ParseAdd(benchmark::State& state, FileDetail detail) {
  ActionParser parser;
  Arena arena;
  std::size_t i = 0;
  std::int64_t bytes = 0;
  for (auto _ : state) {
    const std::string_view line = AllLines().at(i++);
    arena.Reset();
    auto action = parser.Parse(line, detail, arena);
    if (!action) return state.SkipWithError(action.error().message().c_str());
    benchmark::DoNotOptimize(action);
    bytes += static_cast<std::int64_t>(line.size());
  }
  SetLineRate(state, bytes);
}
BENCHMARK_CAPTURE(ParseAdd, identity, FileDetail::kIdentity);
BENCHMARK_CAPTURE(ParseAdd, without_stats, FileDetail::kWithoutStats);
BENCHMARK_CAPTURE(ParseAdd, all, FileDetail::kAll);

void HashFileKey(benchmark::State& state) {
  ActionParser parser;
  Arena arena;
  const AddFile add = Parsed(parser, 0, arena);
  FileKeyHasher hasher(CanonicalRoot("/data/orders"));
  for (auto _ : state) benchmark::DoNotOptimize(hasher.Hash(add.path, add.deletion_vector));
  SetLineRate(state, state.iterations() * static_cast<std::int64_t>(add.path.size()));
}
BENCHMARK(HashFileKey);

void WriteAddJson(benchmark::State& state) {
  ActionParser parser;
  Arena arena;
  const AddFile add = Parsed(parser, 0, arena);
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  std::int64_t bytes = 0;
  for (auto _ : state) {
    buffer.Clear();
    writer.Reset(buffer);
    WriteAdd(add, writer);
    benchmark::DoNotOptimize(buffer.GetString());
    bytes += static_cast<std::int64_t>(buffer.GetSize());
  }
  SetLineRate(state, bytes);
}
BENCHMARK(WriteAddJson);

}  // namespace
}  // namespace deltalakedb::protocol

BENCHMARK_MAIN();
