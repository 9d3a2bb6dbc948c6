// bench_checkpoint: writes a classic checkpoint of many adds, and the same columns by Arrow alone.
//
//   bench_checkpoint ADDS [--struct] [--ours-only]
//
// Arrow gets the columns ready made, in the same row groups, and the same properties; what is over
// is what it takes us to make columns out of actions: with --struct, out of the statistics' texts
// too. Both write into memory, in turn, three times each; the least CPU time counts. Prints one
// JSON object.
#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "bench/measure.h"
#include "protocol/number_text.h"
#include "protocol/parsed_columns.h"
#include "storage/checkpoint_writer.h"

namespace deltalakedb {
namespace {

constexpr int kRounds = 3;

struct Arguments {
  std::int64_t num_adds = 0;
  bool with_struct = false;
  bool ours_only = false;
};

std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--struct") {
      arguments.with_struct = true;
    } else if (argument == "--ours-only") {
      arguments.ours_only = true;
    } else if (const auto number = protocol::ParseInt(argument)) {
      arguments.num_adds = *number;
    } else {
      return std::nullopt;
    }
  }
  return arguments.num_adds > 0 ? std::optional(arguments) : std::nullopt;
}

// The texts of one add, which differ from file to file as those of real tables do.
struct Texts {
  std::string path, day, stats;
};

constexpr const char* kSchema = R"({"type":"struct","fields":[)"
                                R"({"name":"id","type":"long","nullable":true,"metadata":{}},)"
                                R"({"name":"at","type":"timestamp","nullable":true,"metadata":{}},)"
                                R"({"name":"price","type":"double","nullable":true,"metadata":{}},)"
                                R"({"name":"name","type":"string","nullable":true,"metadata":{}},)"
                                R"({"name":"day","type":"date","nullable":true,"metadata":{}}]})";

std::vector<Texts> MakeTexts(std::int64_t count) {
  std::vector<Texts> texts(static_cast<std::size_t>(count));
  std::uint64_t random = 1;
  const auto next = [&] {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return random >> 16;
  };
  char buffer[512];
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Texts& text = texts[i];
    const auto day = static_cast<int>(i % 28 + 1);
    std::snprintf(buffer, sizeof(buffer), "2024-01-%02d", day);
    text.day = buffer;
    std::snprintf(buffer, sizeof(buffer),
                  "day=2024-01-%02d/part-%05d-%08x-%04x-%04x-%012llx.c000.snappy.parquet", day,
                  static_cast<int>(i % 100'000), static_cast<unsigned>(next()),
                  static_cast<unsigned>(next() & 0xFFFF), static_cast<unsigned>(next() & 0xFFFF),
                  static_cast<unsigned long long>(next()));
    text.path = buffer;
    const auto id = static_cast<long long>(i) * 1000;
    std::snprintf(
        buffer, sizeof(buffer),
        R"({"numRecords":1000,"minValues":{"id":%lld,"at":"2024-01-%02dT%02d:00:00.123Z",)"
        R"("price":%.2f,"name":"n%08x"},"maxValues":{"id":%lld,)"
        R"("at":"2024-01-%02dT%02d:59:59.999Z","price":%.2f,"name":"z%08x"},)"
        R"("nullCount":{"id":0,"at":0,"price":%d,"name":0}})",
        id, day, static_cast<int>(i % 24), static_cast<double>(next() % 10'000) / 100,
        static_cast<unsigned>(next()), id + 999, day, static_cast<int>(i % 24),
        static_cast<double>(next() % 10'000), static_cast<unsigned>(next()),
        static_cast<int>(i % 10));
    text.stats = buffer;
  }
  return texts;
}

// A file in memory.
class Memory final : public storage::OutputFile {
 public:
  std::int64_t size_bytes() const override { return std::ssize(content); }
  Result<void> Append(std::string_view bytes) override {
    content += bytes;
    return {};
  }
  Result<storage::PutResult> Finish() override { return storage::PutResult::kWritten; }

  std::string content;
};

Result<std::string> WriteOurs(const std::vector<Texts>& texts,
                              const storage::CheckpointWriterOptions& options) {
  Memory file;
  DELTALAKEDB_ASSIGN(const auto writer, storage::CheckpointWriter::Make(file, options));
  for (const Texts& text : texts) {
    const StringMapEntry day = {"day", text.day};
    AddFile add;
    add.path = text.path;
    add.partition_values = {&day, 1};
    add.size = std::ssize(text.stats) * 1'000;
    add.modification_time = 1'700'000'000'000;
    add.stats = text.stats;
    DELTALAKEDB_TRY(writer->Put(add));
  }
  DELTALAKEDB_TRY(writer->Finish());
  return std::move(file.content);
}

arrow::Result<std::shared_ptr<arrow::Table>> ReadColumns(const std::string& bytes) {
  ARROW_ASSIGN_OR_RAISE(const auto reader,
                        parquet::arrow::OpenFile(std::make_shared<arrow::io::BufferReader>(
                                                     arrow::Buffer::FromString(bytes)),
                                                 arrow::default_memory_pool()));
  return reader->ReadTable();
}

arrow::Result<std::int64_t> WriteArrow(const arrow::Table& table) {
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(parquet::Compression::ZSTD)
                              ->enable_write_page_index()
                              ->build();
  ARROW_ASSIGN_OR_RAISE(const auto sink, arrow::io::BufferOutputStream::Create());
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(table, arrow::default_memory_pool(), sink,
                                                 storage::CheckpointWriter::kGroupRowsMax,
                                                 properties));
  ARROW_ASSIGN_OR_RAISE(const auto buffer, sink->Finish());
  return buffer->size();
}

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "bench_checkpoint: %s\n", message.c_str());
  std::exit(1);
}

// The rounds of both, in turn, so that what else the machine does strikes them alike.
void Run(const Arguments& arguments) {
  const std::vector<Texts> texts = MakeTexts(arguments.num_adds);
  Metadata metadata;
  metadata.schema_string = kSchema;
  metadata.partition_columns = {"day"};
  const auto parsed = protocol::FindParsedColumns(Protocol{}, metadata);
  if (!parsed) Die("the schema is damaged");
  storage::CheckpointWriterOptions options;
  if (arguments.with_struct) options.parsed = &*parsed;

  bench::Spent ours{1e9, 1e9};
  bench::Spent raw{1e9, 1e9};
  std::string bytes;
  std::int64_t raw_bytes = 0;
  std::shared_ptr<arrow::Table> table;
  for (int round = 0; round < kRounds; ++round) {
    const bench::Spent spent = bench::Measure([&] {
      auto written = WriteOurs(texts, options);
      if (!written) Die(written.error().message());
      bytes = *std::move(written);
    });
    if (spent.cpu_s < ours.cpu_s) ours = spent;
    if (arguments.ours_only) continue;
    if (table == nullptr) {
      const auto read = ReadColumns(bytes);
      if (!read.ok()) Die(read.status().ToString());
      table = *read;
    }
    const bench::Spent other = bench::Measure([&] {
      const auto written = WriteArrow(*table);
      if (!written.ok()) Die(written.status().ToString());
      raw_bytes = *written;
    });
    if (other.cpu_s < raw.cpu_s) raw = other;
  }
  std::printf("{\"adds\": %lld, ", static_cast<long long>(arguments.num_adds));
  bench::Print("ours", ours);
  if (!arguments.ours_only) {
    bench::Print("arrow", raw);
    std::printf("\"time_ratio\": %.3f, \"cpu_ratio\": %.3f, \"arrow_bytes\": %lld, ",
                ours.wall_s / raw.wall_s, ours.cpu_s / raw.cpu_s,
                static_cast<long long>(raw_bytes));
  }
  std::printf("\"bytes\": %lld, \"peak_rss_mib\": %.1f}\n", static_cast<long long>(bytes.size()),
              bench::PeakRssMib());
}

}  // namespace
}  // namespace deltalakedb

int main(int argc, char** argv) {
  const auto arguments = deltalakedb::ParseArguments(argc, argv);
  if (!arguments) {
    std::fputs("usage: bench_checkpoint ADDS [--struct] [--ours-only]\n", stderr);
    return 2;
  }
  deltalakedb::Run(*arguments);
  return 0;
}
