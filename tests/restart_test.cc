// A PostgreSQL server that is killed and started again while eight threads read one table: each
// read is right or a typed error, and all go on afterwards. DELTALAKEDB_SEED repeats the choices,
// DELTALAKEDB_SOAK=1 kills it more often.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/temp_folder.h"
#include "base/try.h"
#include "deltalakedb/import.h"
#include "deltalakedb/table.h"
#include "store/unique_handle.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {
namespace {

constexpr int kThreads = 8;
constexpr int kRestarts = 3;
constexpr int kSoakRestarts = 20;
constexpr int kVersions = 300;
constexpr int kFilesFirst = 400;
constexpr int kFilesPerCommit = 20;
constexpr int kRemovesPerCommit = 10;
constexpr std::chrono::seconds kRecoveryMax{60};

int Restarts() {
  const char* const soak = std::getenv("DELTALAKEDB_SOAK");
  return soak != nullptr && std::string_view(soak) == "1" ? kSoakRestarts : kRestarts;
}

unsigned long Seed() {
  const char* const given = std::getenv("DELTALAKEDB_SEED");
  const unsigned long seed = given != nullptr ? std::stoul(given) : std::random_device{}();
  std::cout << "DELTALAKEDB_SEED=" << seed << '\n';
  return seed;
}

// What a version's files come to, in any order.
struct Files {
  std::int64_t count = 0;
  std::int64_t size_in_bytes = 0;
  std::size_t sum_of_hashes = 0;

  static std::size_t Hash(std::string_view path, std::int64_t size, std::string_view stats) {
    return std::hash<std::string>()(fmt::format("{}\n{}\n{}", path, size, stats));
  }
  void Put(std::int64_t number, int sign);

  friend bool operator==(const Files&, const Files&) = default;
};

std::string PathOf(std::int64_t number) {
  return fmt::format("part-{:05}-of-a-file.parquet", number);
}
std::int64_t SizeOf(std::int64_t number) { return 1'000 + (number * 7'919) % 1'000; }
std::string StatsOf(std::int64_t number) { return fmt::format(R"({{"numRecords":{}}})", number); }

void Files::Put(std::int64_t number, int sign) {
  const std::size_t hash = Hash(PathOf(number), SizeOf(number), StatsOf(number));
  count += sign;
  size_in_bytes += sign * SizeOf(number);
  sum_of_hashes += sign > 0 ? hash : ~hash + 1;
}

// A log, and what each of its versions has to give.
class Source {
 public:
  Source() {
    std::filesystem::create_directories(folder_.path() / "_delta_log");
    for (int version = 0; version < kVersions; ++version) WriteCommit(version);
  }
  std::string path() const { return folder_.path().native(); }
  const Files& at(int version) const { return truth_[static_cast<std::size_t>(version)]; }

 private:
  void WriteCommit(int version) {
    std::string text = R"({"commitInfo":{"operation":"WRITE"}})"
                       "\n";
    if (version == 0) {
      text +=
          R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}
)";
    }
    for (int i = 0; i < (version == 0 ? kFilesFirst : kFilesPerCommit); ++i) {
      text += fmt::format(
          R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,"dataChange":true,"stats":"{{\"numRecords\":{}}}"}}}})"
          "\n",
          PathOf(next_), SizeOf(next_), next_);
      files_.Put(next_++, 1);
    }
    for (int i = 0; version > 0 && i < kRemovesPerCommit; ++i) {
      text += fmt::format(R"({{"remove":{{"path":"{}","dataChange":true}}}})"
                          "\n",
                          PathOf(oldest_));
      files_.Put(oldest_++, -1);
    }
    std::ofstream(folder_.path() / "_delta_log" / fmt::format("{:020}.json", version)) << text;
    truth_.push_back(files_);
  }

  base::TempFolder folder_;
  std::vector<Files> truth_;
  Files files_;
  std::int64_t next_ = 0;
  std::int64_t oldest_ = 0;
};

Result<Files> CountFiles(const Snapshot& snapshot, FileOrder order) {
  FileOptions options;
  options.order = order;
  DELTALAKEDB_ASSIGN(const auto stream, snapshot.OpenFiles(options));
  Files files;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, stream->Next());
    if (!batch) return files;
    for (const AddFile& add : batch->files()) {
      ++files.count;
      files.size_in_bytes += add.size;
      files.sum_of_hashes += Files::Hash(add.path, add.size, add.stats.value_or(""));
    }
  }
}

// Reads whatever comes to its mind, until it is told to stop.
class Reader {
 public:
  Reader(const DeltaTable& table, const Source& source, unsigned long seed)
      : table_(table), source_(source), random_(seed) {}

  void Run(const std::atomic<bool>& is_over) {
    while (!is_over && wrong_ == 0) {
      const Result<void> done = ReadSomething();
      if (done) {
        ++right_;
        continue;
      }
      const ErrorCode code = done.error().code();
      const bool is_expected =
          code == ErrorCode::kUnavailable || code == ErrorCode::kBusy || code == ErrorCode::kIo;
      if (!is_expected) Note(ErrorCodeName(code), done.error().message());
      ++failed_;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  std::int64_t right() const { return right_; }
  std::int64_t failed() const { return failed_; }
  std::int64_t wrong() const { return wrong_; }

 private:
  Result<void> ReadSomething() {
    const int version = std::uniform_int_distribution<int>(0, kVersions - 1)(random_);
    switch (std::uniform_int_distribution<int>(0, 4)(random_)) {
      case 0:
        return ReadLatest();
      case 1:
        return ReadHistory();
      case 2:
        return ReadFiles(version, FileOrder::kByPath);
      default:
        return ReadFiles(version, FileOrder::kNone);
    }
  }
  Result<void> ReadLatest() {
    DELTALAKEDB_ASSIGN(const Version latest, table_.LoadLatestVersion());
    if (latest != Version(kVersions - 1)) Note("latest", std::to_string(latest.value()));
    return {};
  }
  Result<void> ReadHistory() {
    DELTALAKEDB_ASSIGN(const auto history, table_.LoadHistory());
    if (history.size() != kVersions) Note("history", std::to_string(history.size()));
    for (std::int64_t expected = kVersions - 1; const HistoryEntry& entry : history) {
      const bool is_first = expected == 0;
      if (entry.version != Version(expected) ||
          entry.num_added != (is_first ? kFilesFirst : kFilesPerCommit) ||
          entry.num_removed != (is_first ? 0 : kRemovesPerCommit)) {
        Note("history",
             fmt::format("version {} where {} belongs", entry.version.value(), expected));
      }
      --expected;
    }
    return {};
  }
  Result<void> ReadFiles(int version, FileOrder order) {
    DELTALAKEDB_ASSIGN(const auto snapshot,
                       table_.LoadSnapshot(TableVersion::At(Version(version))));
    DELTALAKEDB_ASSIGN(const Files files, CountFiles(*snapshot, order));
    if (files != source_.at(version)) {
      Note("files", fmt::format("{} at version {}", files.count, version));
    }
    return {};
  }
  void Note(std::string_view what, std::string_view found) {
    ++wrong_;
    ADD_FAILURE() << what << ": " << found;
  }

  const DeltaTable& table_;
  const Source& source_;
  std::mt19937_64 random_;
  std::atomic<std::int64_t> right_ = 0;
  std::atomic<std::int64_t> failed_ = 0;
  std::atomic<std::int64_t> wrong_ = 0;
};

// One number that the server tells.
std::int64_t Ask(const PostgresServer& server, const char* sql) {
  const store::UniqueHandle<PGconn, PQfinish> connection(
      PQconnectdb(server.ConnectionString().c_str()));
  const store::UniqueHandle<PGresult, PQclear> result(PQexec(connection.get(), sql));
  EXPECT_EQ(PQresultStatus(result.get()), PGRES_TUPLES_OK) << PQerrorMessage(connection.get());
  return PQntuples(result.get()) == 1 ? std::strtoll(PQgetvalue(result.get(), 0, 0), nullptr, 10)
                                      : -1;
}

struct Way {
  std::string name;
  std::string options;
  bool is_pooled = false;
};

class RestartTest : public ::testing::TestWithParam<Way> {
 protected:
  using Readers = std::vector<std::unique_ptr<Reader>>;

  // Each has begun a read and ended it well from now on.
  static void ExpectAllRecover(const Readers& readers) {
    std::vector<std::int64_t> before;
    for (const auto& reader : readers) before.push_back(reader->right());
    const auto give_up_at = std::chrono::steady_clock::now() + kRecoveryMax;
    for (std::size_t i = 0; i < readers.size(); ++i) {
      while (readers[i]->right() < before[i] + 2 && readers[i]->wrong() == 0) {
        ASSERT_LT(std::chrono::steady_clock::now(), give_up_at) << "reader " << i;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, RestartTest,
                         ::testing::Values(Way{"WithRetries", ""},
                                           Way{"WithoutRetries", "retries=0"},
                                           Way{"ThroughPgbouncer", "", true}),
                         [](const auto& way) { return way.param.name; });

TEST_P(RestartTest, KilledServer_GivesRightAnswersOrErrorsAndAllRecover) {
  std::mt19937_64 random(Seed());
  const Source source;
  PostgresServer server;
  const std::string uri = server.UriText("public", "t", GetParam().options, GetParam().is_pooled);
  const auto imported = ImportTable(source.path(), server.UriText("public", "t"));
  ASSERT_TRUE(imported.has_value()) << imported.error().message();
  const auto table = DeltaTable::Open(uri);
  ASSERT_TRUE(table.has_value()) << table.error().message();

  Readers readers;
  for (int i = 0; i < kThreads; ++i) {
    readers.push_back(std::make_unique<Reader>(*table, source, random()));
  }
  std::atomic<bool> is_over = false;
  {
    std::vector<std::jthread> threads;
    threads.reserve(readers.size());
    for (const auto& reader : readers) threads.emplace_back([&] { reader->Run(is_over); });
    ExpectAllRecover(readers);
    for (int i = 0; i < Restarts() && !HasFatalFailure(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
      server.Kill();
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
      server.Start();
      ExpectAllRecover(readers);
    }
    is_over = true;
  }
  EXPECT_EQ(Ask(server, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in tr%'"), 0);
  EXPECT_LE(
      Ask(server, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'deltalakedb'"),
      kThreads);
  std::int64_t right = 0;
  std::int64_t failed = 0;
  for (const auto& reader : readers) {
    right += reader->right();
    failed += reader->failed();
  }
  std::cout << Restarts() << " restarts: " << right << " reads were right, " << failed
            << " ended in an error\n";
}

}  // namespace
}  // namespace deltalakedb::testing
