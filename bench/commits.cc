// bench_commits: commits of added files to tables, by any number of threads and processes, through
// the public interface.
//
//   bench_commits TABLE... [--threads T] [--processes P] [--files N] [--commits C | --seconds S]
//                 [--warm-up W]
//
// The first client takes the first table, the next one the next, and so on around. Threads of a
// process share one TableWriter for each table. Each commit is a blind append of N files (1), with
// paths of 144 bytes and statistics of five columns as bench/make_log.py makes them. Every client
// makes C commits (100), or as many as it can in S seconds; W commits before (10) are not measured.
//
// Prints one JSON object: commits and files that were measured; seconds and commits_per_s;
// median_s, p95_s and max_s of one commit, from Begin to the answer; fewest and most, commits of
// one client; cpu_s and switches (voluntary ones) of the clients, attempts, and what the longest
// process had of memory. Before that it asserts that each table has as many more versions and files
// as were claimed, each version being the answer to exactly one commit; else the exit status is 1.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/try.h"
#include "bench/measure.h"
#include "deltalakedb/table.h"
#include "deltalakedb/transaction.h"

namespace deltalakedb {
namespace {

using bench::Clock;
using Seconds = std::chrono::duration<double>;

// Of one client; memory is only taken for what is used.
constexpr std::size_t kSamplesMax = 1'000'000;
constexpr std::int64_t kFilesPerClientMax = 1'000'000'000;
constexpr auto kStartAfter = std::chrono::milliseconds(20);
constexpr auto kPoll = std::chrono::milliseconds(1);

struct Arguments {
  std::vector<std::string> tables;
  std::int64_t threads = 1;
  std::int64_t processes = 1;
  std::int64_t files = 1;
  std::int64_t commits = 100;
  std::int64_t seconds = 0;
  std::int64_t warm_up = 10;

  std::size_t clients() const { return static_cast<std::size_t>(threads * processes); }
};

std::optional<Arguments> ParseArguments(std::span<char*> words) {
  Arguments arguments;
  const std::map<std::string_view, std::int64_t*> numbers = {
      {"--threads", &arguments.threads}, {"--processes", &arguments.processes},
      {"--files", &arguments.files},     {"--commits", &arguments.commits},
      {"--seconds", &arguments.seconds}, {"--warm-up", &arguments.warm_up}};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const auto number = numbers.find(word);
    if (number != numbers.end() && i + 1 < words.size()) {
      const char* const text = words[++i];
      const char* const end = text + std::strlen(text);
      if (std::from_chars(text, end, *number->second).ptr != end) return std::nullopt;
    } else if (!word.starts_with("--")) {
      arguments.tables.emplace_back(word);
    } else {
      return std::nullopt;
    }
  }
  const bool is_usable = !arguments.tables.empty() && arguments.threads > 0 &&
                         arguments.processes > 0 && arguments.files > 0 && arguments.commits >= 0 &&
                         arguments.seconds >= 0 && arguments.warm_up >= 0;
  return is_usable ? std::optional(std::move(arguments)) : std::nullopt;
}

// ---- what processes share -----------------------------------------------------------------------

struct Sample {
  std::int64_t version = 0;
  float wall_s = 0;
  std::int32_t attempts = 0;
};

struct Client {
  std::size_t samples = 0;  // those of the warm-up first
  std::size_t measured_from = 0;
  Clock::time_point end;
};

struct Process {
  double cpu_s = 0;
  double peak_rss_mib = 0;
  std::int64_t switches = 0;
};

struct TableSize {
  std::int64_t version = 0;
  std::int64_t files = 0;
};

// Zeroed memory that processes made later have in common; the kernel takes it back at the end.
template <typename T>
std::span<T> MakeShared(std::size_t count) {
  void* const memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("bench_commits: memory");
    std::exit(1);
  }
  return {static_cast<T*>(memory), count};
}

struct Shared {
  explicit Shared(const Arguments& arguments)
      : clients(MakeShared<Client>(arguments.clients())),
        samples(MakeShared<Sample>(arguments.clients() * kSamplesMax)),
        processes(MakeShared<Process>(static_cast<std::size_t>(arguments.processes))),
        sizes(MakeShared<TableSize>(arguments.tables.size())),
        ready(MakeShared<std::atomic<std::size_t>>(1).front()),
        start(MakeShared<std::atomic<Clock::rep>>(1).front()) {}

  std::span<Sample> SamplesOf(std::size_t client) const {
    return samples.subspan(client * kSamplesMax, kSamplesMax);
  }

  std::span<Client> clients;
  std::span<Sample> samples;
  std::span<Process> processes;
  std::span<TableSize> sizes;
  std::atomic<std::size_t>& ready;  // clients that are warm
  std::atomic<Clock::rep>& start;   // 0 until all are
};

// Runs `work` in a process of its own: nothing that it opens is there when others are made.
template <typename Work>
pid_t StartProcess(Work work) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    std::perror("bench_commits: fork");
    std::exit(1);
  }
  if (child > 0) return child;
  const Result<void> done = work();
  if (!done) std::fprintf(stderr, "bench_commits: %s\n", done.error().message().c_str());
  std::fflush(nullptr);
  _exit(done ? 0 : 1);
}

bool HasSucceeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

bool WaitFor(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && HasSucceeded(status);
}

// ---- one client ---------------------------------------------------------------------------------

// The texts of one file, as bench/make_log.py makes them; every number gives another path.
class File {
 public:
  explicit File(std::int64_t number) {
    constexpr std::array kRegions = {"eu-west-1", "us-east-1", "ap-south-1", "sa-east-1"};
    const auto scattered = static_cast<std::uint64_t>(number + 1) * 0x9E3779B97F4A7C15U;
    day_ = fmt::format("2024-{:02}-{:02}", 1 + number / 14'000 % 12, 1 + number / 500 % 28);
    region_ = kRegions[static_cast<std::size_t>(number) % kRegions.size()];
    path_ = fmt::format(
        "event_date={}/region={}/ingest-batch-{:08}-task-attempt-00-part-{:05}-"
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}.c000.snappy.parquet",
        day_, region_, number / 1000 % 100'000'000, number % 100'000, scattered >> 32,
        scattered >> 16 & 0xffff, scattered >> 4 & 0xfff, scattered & 0xfff, number);
    stats_ = fmt::format(
        R"({{"numRecords":1000,"minValues":{{"id":{},"event_time":"{}T00:00:00.{:03}Z",)"
        R"("category":"cat-{:04}","amount":{}.01,"quantity":{}}},"maxValues":{{"id":{},)"
        R"("event_time":"{}T23:59:59.{:03}Z","category":"cat-{:04}","amount":{}.99,)"
        R"("quantity":{}}},"nullCount":{{"id":0,"event_time":0,"category":{},"amount":{},)"
        R"("quantity":0}}}})",
        number * 1000, day_, number % 1000, number % 97, number % 13, number % 7,
        number * 1000 + 999, day_, number % 1000, 97 + number % 97, 9999 - number % 13,
        100 + number % 7, number % 5, number % 3);
    partition_values_ = {{{"event_date", day_}, {"region", region_}}};
    add_.path = path_;
    add_.partition_values = partition_values_;
    add_.size = 1'000'000 + number * 7919 % 9'000'000;
    add_.modification_time = 1'704'067'200'000 + number;
    add_.data_change = true;
    add_.stats = stats_;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const AddFile& add() const { return add_; }

 private:
  std::string day_, region_, path_, stats_;
  std::array<StringMapEntry, 2> partition_values_;
  AddFile add_;
};

class ClientRun {
 public:
  ClientRun(const Arguments& arguments, const Shared& shared, std::size_t number,
            const TableWriter& writer, std::int64_t first_file)
      : arguments_(arguments),
        client_(shared.clients[number]),
        samples_(shared.SamplesOf(number)),
        writer_(writer),
        next_file_(first_file + static_cast<std::int64_t>(number) * kFilesPerClientMax) {
    options_.reads = ReadScope::kNothing;
  }

  Result<void> WarmUp() {
    for (std::int64_t i = 0; i < arguments_.warm_up; ++i) DELTALAKEDB_TRY(Commit());
    client_.measured_from = client_.samples;
    return {};
  }

  Result<void> Measure(Clock::time_point start) {
    std::this_thread::sleep_until(start);
    const auto until = start + std::chrono::seconds(arguments_.seconds);
    for (std::int64_t i = 0; arguments_.seconds > 0 ? Clock::now() < until : i < arguments_.commits;
         ++i) {
      DELTALAKEDB_TRY(Commit());
    }
    client_.end = Clock::now();
    return {};
  }

 private:
  Result<void> Commit() {
    if (client_.samples == kSamplesMax) {
      return Fail(ErrorCode::kLimitExceeded, "more commits than there is room for: run shorter");
    }
    files_.clear();
    for (std::int64_t i = 0; i < arguments_.files; ++i) {
      files_.push_back(std::make_unique<const File>(next_file_++));
    }
    const auto start = Clock::now();
    DELTALAKEDB_ASSIGN(Transaction transaction, writer_.Begin(options_));
    for (const auto& file : files_) DELTALAKEDB_TRY(transaction.Add(file->add()));
    DELTALAKEDB_ASSIGN(const CommitReport report, transaction.Commit());
    const auto end = Clock::now();
    if (report.outcome != CommitReport::Outcome::kCommitted || report.is_skipped) {
      return Fail(report.error.value_or(Error(ErrorCode::kInternal, "a commit was not made")));
    }
    samples_[client_.samples++] = {.version = report.version.value(),
                                   .wall_s = static_cast<float>(Seconds(end - start).count()),
                                   .attempts = report.attempts};
    return {};
  }

  const Arguments& arguments_;
  Client& client_;
  std::span<Sample> samples_;
  const TableWriter& writer_;
  std::int64_t next_file_;
  TransactionOptions options_;
  std::vector<std::unique_ptr<const File>> files_;
};

// ---- one process --------------------------------------------------------------------------------

Clock::time_point AwaitStart(const Shared& shared) {
  while (shared.start.load() == 0) std::this_thread::sleep_for(kPoll);
  return Clock::time_point(Clock::duration(shared.start.load()));
}

std::int64_t SwitchesOfThisProcess() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

Result<void> RunProcess(const Arguments& arguments, const Shared& shared, std::size_t process) {
  const auto threads = static_cast<std::size_t>(arguments.threads);
  std::map<std::size_t, TableWriter> writers;  // by table
  std::vector<ClientRun> runs;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    const std::size_t number = process * threads + thread;
    const std::size_t table = number % arguments.tables.size();
    if (!writers.contains(table)) {
      DELTALAKEDB_ASSIGN(auto writer, TableWriter::Open(arguments.tables[table]));
      writers.emplace(table, std::move(writer));
    }
    runs.emplace_back(arguments, shared, number, writers.at(table), shared.sizes[table].files);
  }
  std::vector<Result<void>> done(threads);
  std::atomic<std::size_t> warm = 0;
  double cpu_before_s = 0;
  std::int64_t switches_before = 0;
  std::vector<std::jthread> clients;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    clients.emplace_back([&, thread] {
      done[thread] = runs[thread].WarmUp();
      if (!done[thread]) {
        std::fprintf(stderr, "bench_commits: %s\n", done[thread].error().message().c_str());
        _exit(1);  // the others would wait
      }
      if (++warm == threads) {
        cpu_before_s = bench::CpuSeconds();
        switches_before = SwitchesOfThisProcess();
      }
      ++shared.ready;
      done[thread] = runs[thread].Measure(AwaitStart(shared));
    });
  }
  clients.clear();
  for (const Result<void>& one : done) DELTALAKEDB_TRY(one);
  shared.processes[process] = {.cpu_s = bench::CpuSeconds() - cpu_before_s,
                               .peak_rss_mib = bench::PeakRssMib(),
                               .switches = SwitchesOfThisProcess() - switches_before};
  return {};
}

// Starts all when all are warm. False when one did not succeed.
bool RunAll(const Arguments& arguments, const Shared& shared) {
  std::vector<pid_t> children;
  for (std::size_t process = 0; process < shared.processes.size(); ++process) {
    children.push_back(StartProcess([&] { return RunProcess(arguments, shared, process); }));
  }
  bool all_succeeded = true;
  const auto wait = [&](int options) {
    std::erase_if(children, [&](pid_t child) {
      int status = 0;
      if (waitpid(child, &status, options) != child) return false;
      all_succeeded &= HasSucceeded(status);
      return true;
    });
  };
  while (shared.ready < arguments.clients() && all_succeeded) {
    std::this_thread::sleep_for(kPoll);
    wait(WNOHANG);
  }
  if (!all_succeeded) {
    for (const pid_t child : children) kill(child, SIGKILL);
  }
  shared.start = (Clock::now() + kStartAfter).time_since_epoch().count();
  wait(0);
  return all_succeeded;
}

// ---- what comes of it ---------------------------------------------------------------------------

Result<TableSize> LoadSize(const std::string& uri) {
  DELTALAKEDB_ASSIGN(const DeltaTable table, DeltaTable::Open(uri));
  DELTALAKEDB_ASSIGN(const auto snapshot, table.LoadSnapshot());
  DELTALAKEDB_ASSIGN(auto files, snapshot->OpenFiles({.with_stats = false}));
  TableSize size{.version = snapshot->version().value()};
  for (;;) {
    DELTALAKEDB_ASSIGN(auto batch, files->Next());
    if (!batch) break;
    size.files += static_cast<std::int64_t>(batch->files().size());
  }
  DELTALAKEDB_ASSIGN(const FileTotals totals, snapshot->LoadTotals());
  if (totals.num_files != size.files) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{}: {} files are counted and {} are there", uri,
                                                 totals.num_files, size.files));
  }
  return size;
}

bool LoadSizes(const Arguments& arguments, const Shared& shared) {
  return WaitFor(StartProcess([&]() -> Result<void> {
    for (std::size_t table = 0; table < arguments.tables.size(); ++table) {
      DELTALAKEDB_ASSIGN(shared.sizes[table], LoadSize(arguments.tables[table]));
    }
    return {};
  }));
}

// Whether each table has what was claimed: every version after `before` the answer to one commit.
bool IsAsClaimed(const Arguments& arguments, const Shared& shared,
                 std::span<const TableSize> before) {
  bool is_as_claimed = true;
  for (std::size_t table = 0; table < arguments.tables.size(); ++table) {
    std::vector<std::int64_t> versions;
    for (std::size_t client = table; client < shared.clients.size();
         client += arguments.tables.size()) {
      for (const Sample& sample : shared.SamplesOf(client).first(shared.clients[client].samples)) {
        versions.push_back(sample.version);
      }
    }
    std::sort(versions.begin(), versions.end());
    const auto claimed = static_cast<std::int64_t>(versions.size());
    std::vector<std::int64_t> wanted(versions.size());
    std::iota(wanted.begin(), wanted.end(), before[table].version + 1);
    const TableSize& after = shared.sizes[table];
    if (versions == wanted && after.version == before[table].version + claimed &&
        after.files == before[table].files + claimed * arguments.files) {
      continue;
    }
    std::fprintf(stderr,
                 "bench_commits: %s: %lld commits of %lld files were answered, and the table went "
                 "from version %lld with %lld files to %lld with %lld\n",
                 arguments.tables[table].c_str(), static_cast<long long>(claimed),
                 static_cast<long long>(arguments.files),
                 static_cast<long long>(before[table].version),
                 static_cast<long long>(before[table].files), static_cast<long long>(after.version),
                 static_cast<long long>(after.files));
    is_as_claimed = false;
  }
  return is_as_claimed;
}

void Report(const Arguments& arguments, const Shared& shared) {
  std::vector<float> times;
  std::vector<std::size_t> counts;
  std::int64_t attempts = 0;
  Clock::time_point end;
  for (std::size_t client = 0; client < shared.clients.size(); ++client) {
    const Client& one = shared.clients[client];
    const auto samples = shared.SamplesOf(client).first(one.samples).subspan(one.measured_from);
    for (const Sample& sample : samples) {
      times.push_back(sample.wall_s);
      attempts += sample.attempts;
    }
    counts.push_back(samples.size());
    end = std::max(end, one.end);
  }
  std::sort(times.begin(), times.end());
  if (times.empty()) times.push_back(0);
  const std::size_t commits = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  const double wall_s =
      Seconds(end - Clock::time_point(Clock::duration(shared.start.load()))).count();
  Process all;
  for (const Process& process : shared.processes) {
    all.cpu_s += process.cpu_s;
    all.switches += process.switches;
    all.peak_rss_mib = std::max(all.peak_rss_mib, process.peak_rss_mib);
  }
  fmt::print(
      "{{\"commits\": {}, \"files\": {}, \"seconds\": {:.6f}, \"commits_per_s\": {:.3f}, "
      "\"median_s\": {:.9f}, \"p95_s\": {:.9f}, \"max_s\": {:.9f}, \"fewest\": {}, \"most\": {}, "
      "\"cpu_s\": {:.6f}, \"switches\": {}, \"attempts\": {}, \"peak_rss_mib\": {:.1f}}}\n",
      commits, static_cast<std::int64_t>(commits) * arguments.files, wall_s,
      static_cast<double>(commits) / wall_s, times[times.size() / 2],
      times[times.size() * 95 / 100], times.back(), *std::ranges::min_element(counts),
      *std::ranges::max_element(counts), all.cpu_s, all.switches, attempts, all.peak_rss_mib);
}

int Run(const Arguments& arguments) {
  const Shared shared(arguments);
  if (!LoadSizes(arguments, shared)) return 1;
  const std::vector<TableSize> before(shared.sizes.begin(), shared.sizes.end());
  if (!RunAll(arguments, shared) || !LoadSizes(arguments, shared)) return 1;
  if (!IsAsClaimed(arguments, shared, before)) return 1;
  Report(arguments, shared);
  return 0;
}

}  // namespace
}  // namespace deltalakedb

int main(int argc, char** argv) {
  const auto arguments = deltalakedb::ParseArguments({argv, static_cast<std::size_t>(argc)});
  if (!arguments) {
    std::fputs(
        "usage: bench_commits TABLE... [--threads T] [--processes P] [--files N] "
        "[--commits C | --seconds S] [--warm-up W]\n",
        stderr);
    return 2;
  }
  return deltalakedb::Run(*arguments);
}
