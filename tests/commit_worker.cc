// A process that commits to a table, or reads it, for tests/many_writers_test.py, which starts
// many of them and kills some.
//
//   commit_worker write URI JOURNALS SEED WRITER COMMITS
//   commit_worker read URI JOURNAL SEED STOP_FILE
//
// JOURNALS are several with commas between them: a thread for each, which is the writer of that
// number, WRITER and on; they share what a TableWriter shares.
//
// A writer notes in its journal what it is about to commit before it does, and the answer after;
// one that is started again with the same journal makes the unfinished commit again with the same
// id. A reader notes what the snapshots that it holds have, until the stop file is there.
//
// Lines of a writer: {"start": commit id, …the plan}, then {"answer": commit id, "outcome",
// "version", "resumed"}. Outcomes: committed, skipped, conflicted, refused (what it says of the
// table is not so), failed (an error, after which the commit must not be there).
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/try.h"
#include "deltalakedb/table.h"
#include "deltalakedb/transaction.h"

namespace deltalakedb::testing {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

// How often a commit is planned anew after a conflict before it becomes an append, which has none.
constexpr int kTriesMax = 12;
// How long the database may be away. Whoever kills it is done sooner.
constexpr std::chrono::seconds kAwayMax{120};

[[noreturn]] void Die(const std::string& why) { throw std::runtime_error(why); }

std::string Describe(const Error& error) {
  return fmt::format("{}: {}", ErrorCodeName(error.code()), error.message());
}

class Journal {
 public:
  // What a killed process had begun to write is cut off.
  explicit Journal(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::string line;
    std::uintmax_t whole = 0;
    while (std::getline(in, line) && !in.eof()) {
      whole += line.size() + 1;
      lines_.push_back(Json::parse(line));
    }
    in.close();
    if (std::filesystem::exists(path)) std::filesystem::resize_file(path, whole);
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) Die("the journal cannot be written");
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() { ::close(file_); }

  const std::vector<Json>& lines() const { return lines_; }  // as it was found
  void Note(const Json& line) const {
    const std::string text = line.dump() + "\n";
    if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      Die("the journal cannot be written");
    }
  }

 private:
  std::vector<Json> lines_;
  int file_ = -1;
};

// The same for the same numbers, whatever happened before.
std::mt19937_64 RandomOf(std::initializer_list<std::uint64_t> numbers) {
  std::seed_seq sequence(numbers);
  return std::mt19937_64(sequence);
}

bool IsPassing(const Error& error) {
  return error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kBusy;
}

// A read, until the database is there.
template <typename Read>
auto Patiently(Read read) {
  const auto give_up_at = Clock::now() + kAwayMax;
  for (;;) {
    auto found = read();
    if (found) return *std::move(found);
    if (!IsPassing(found.error()) || Clock::now() > give_up_at) Die(Describe(found.error()));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// ---- writing ------------------------------------------------------------------------------------

// A commit as it was decided on; all of it is in the journal.
struct Plan {
  std::string commit_id;
  int number = 0;
  int attempt = 0;
  std::string kind;
  std::vector<std::string> lines;
  std::optional<std::int64_t> read;  // the version that it was decided at, where it depends on it
  IsolationLevel isolation = IsolationLevel::kSerializable;
  std::optional<std::int64_t> app_version;
};

Json ToJson(const Plan& plan) {
  Json json = {{"start", plan.commit_id}, {"number", plan.number},
               {"attempt", plan.attempt}, {"kind", plan.kind},
               {"lines", plan.lines},     {"isolation", static_cast<int>(plan.isolation)}};
  if (plan.read) json["read"] = *plan.read;
  if (plan.app_version) json["appVersion"] = *plan.app_version;
  return json;
}

Plan ToPlan(const Json& json) {
  Plan plan{json.at("start"),
            json.at("number"),
            json.at("attempt"),
            json.at("kind"),
            json.at("lines"),
            {},
            {},
            {}};
  plan.isolation = static_cast<IsolationLevel>(json.at("isolation").get<int>());
  if (json.contains("read")) plan.read = json.at("read");
  if (json.contains("appVersion")) plan.app_version = json.at("appVersion");
  return plan;
}

std::string AddLine(const std::string& path, std::int64_t size) {
  const Json add = {{"path", path},       {"partitionValues", Json::object()},
                    {"size", size},       {"modificationTime", 1},
                    {"dataChange", true}, {"stats", R"({"numRecords":3})"}};
  return Json{{"add", add}}.dump();
}

std::string RemoveLine(const std::string& path) {
  const Json remove = {{"path", path}, {"deletionTimestamp", 1}, {"dataChange", true}};
  return Json{{"remove", remove}}.dump();
}

class Writer {
 public:
  Writer(const DeltaTable& table, const TableWriter& committer,
         const std::filesystem::path& journal, std::uint64_t seed, int writer)
      : table_(table), committer_(committer), journal_(journal), seed_(seed), writer_(writer) {}

  void Run(int commits);

 private:
  enum class Answer { kCommitted, kPlanAnew, kAgain };

  Plan MakePlan(int number, int attempt);
  std::vector<std::string> LivePaths(std::int64_t& version);
  // Notes the answer, but for kAgain, where there is none.
  Answer Commit(const Plan& plan, bool is_again);
  Answer Note(const Plan& plan, bool is_again, std::string_view outcome, Json more, Answer answer) {
    more.update({{"answer", plan.commit_id}, {"outcome", outcome}, {"resumed", is_again}});
    journal_.Note(more);
    return answer;
  }

  const DeltaTable& table_;
  const TableWriter& committer_;
  Journal journal_;
  std::uint64_t seed_;
  int writer_;
};

std::vector<std::string> Writer::LivePaths(std::int64_t& version) {
  return Patiently([&]() -> Result<std::vector<std::string>> {
    DELTALAKEDB_ASSIGN(const auto snapshot, table_.LoadSnapshot());
    DELTALAKEDB_ASSIGN(const auto files, snapshot->OpenFiles({.order = FileOrder::kByPath}));
    version = snapshot->version().value();
    std::vector<std::string> paths;
    for (;;) {
      DELTALAKEDB_ASSIGN(const auto batch, files->Next());
      if (!batch) return paths;
      for (const AddFile& add : batch->files()) paths.emplace_back(add.path);
    }
  });
}

Plan Writer::MakePlan(int number, int attempt) {
  auto random = RandomOf({seed_, static_cast<std::uint64_t>(writer_),
                          static_cast<std::uint64_t>(number), static_cast<std::uint64_t>(attempt)});
  Plan plan;
  plan.number = number;
  plan.attempt = attempt;
  plan.commit_id = fmt::format("seed {} writer {} commit {}.{}", seed_, writer_, number, attempt);
  const std::string path = fmt::format("w{}-{}.{}.parquet", writer_, number, attempt);
  const auto size = static_cast<std::int64_t>(random() % 1'000);
  const auto dice =
      RandomOf({seed_, static_cast<std::uint64_t>(writer_), static_cast<std::uint64_t>(number)})() %
      100;
  constexpr std::uint64_t kAppends = 45;
  constexpr std::uint64_t kDeletes = 70;
  constexpr std::uint64_t kAppAppends = 85;
  plan.kind = attempt >= kTriesMax || dice < kAppends ? "append"
              : dice < kDeletes                       ? "delete"
              : dice < kAppAppends                    ? "app append"
                                                      : "overwrite";
  if (plan.kind == "append" || plan.kind == "app append") {
    plan.lines.push_back(AddLine(path, size));
    if (plan.kind == "app append") plan.app_version = number;
    return plan;
  }
  std::int64_t version = 0;
  const auto live = LivePaths(version);
  plan.read = version;
  if (plan.kind == "overwrite") {
    for (const std::string& each : live) plan.lines.push_back(RemoveLine(each));
    plan.lines.push_back(AddLine(path, size));
    return plan;
  }
  // A delete reads only its file, so it comes after what others append.
  plan.isolation = random() % 3 == 0   ? IsolationLevel::kSerializable
                   : random() % 2 == 0 ? IsolationLevel::kWriteSerializable
                                       : IsolationLevel::kSnapshotIsolation;
  if (live.empty()) plan.lines.push_back(AddLine(path, size));
  if (!live.empty()) plan.lines.push_back(RemoveLine(live[random() % live.size()]));
  return plan;
}

Writer::Answer Writer::Commit(const Plan& plan, bool is_again) {
  TransactionOptions options;
  options.commit_id = plan.commit_id;
  options.operation = plan.kind;
  options.isolation = plan.isolation;
  // Also where there was nothing to remove.
  if (plan.kind == "overwrite") options.reads = ReadScope::kWholeTable;
  // Whoever makes a commit again may have forgotten what it read, unless it matters.
  const bool forgets = is_again && plan.kind == "delete" && plan.number % 2 == 0;
  if (plan.read && !forgets) options.read_version = Version(*plan.read);
  if (plan.app_version) {
    options.app_transaction = AppTransaction{.app_id = fmt::format("writer {}", writer_),
                                             .version = *plan.app_version,
                                             .last_updated = {}};
  }
  Transaction transaction = Patiently([&] { return committer_.Begin(options); });
  for (std::int64_t number = 0; const std::string& line : plan.lines) {
    const auto added = transaction.AddLine(line, ++number);
    if (!added) Die(Describe(added.error()));
  }
  const auto report = transaction.Commit();
  if (!report) {
    const Json why = {{"error", Describe(report.error())}};
    if (report.error().code() == ErrorCode::kInvalidArgument) {
      return Note(plan, is_again, "refused", why, Answer::kPlanAnew);
    }
    if (!IsPassing(report.error())) Die(Describe(report.error()));
    // An error says that nothing has changed now, not what an earlier process did.
    if (is_again) return Answer::kAgain;
    return Note(plan, is_again, "failed", why, Answer::kPlanAnew);
  }
  switch (report->outcome) {
    case CommitReport::Outcome::kCommitted:
      return Note(plan, is_again, report->is_skipped ? "skipped" : "committed",
                  {{"version", report->version.value()},
                   {"timestamp", report->timestamp.ms()},
                   {"attempts", report->attempts}},
                  Answer::kCommitted);
    case CommitReport::Outcome::kConflicted:
      return Note(plan, is_again, "conflicted", {{"error", Describe(*report->error)}},
                  Answer::kPlanAnew);
    case CommitReport::Outcome::kInDoubt:
      journal_.Note({{"doubt", plan.commit_id}});
      return Answer::kAgain;
  }
  return Answer::kAgain;
}

void Writer::Run(int commits) {
  int number = 0;
  int attempt = 0;
  std::optional<Plan> unfinished;
  for (const Json& line : journal_.lines()) {
    if (line.contains("start")) unfinished = ToPlan(line);
    if (!line.contains("answer")) continue;
    number = unfinished->number;
    attempt = unfinished->attempt + 1;
    const std::string outcome = line.at("outcome");
    if (outcome == "committed" || outcome == "skipped") {
      ++number;
      attempt = 0;
    }
    unfinished.reset();
  }
  while (number < commits) {
    bool is_again = unfinished.has_value();
    const Plan plan = unfinished ? *std::exchange(unfinished, {}) : MakePlan(number, attempt);
    if (!is_again) journal_.Note(ToJson(plan));
    Answer answer = Commit(plan, is_again);
    const auto give_up_at = Clock::now() + kAwayMax;
    while (answer == Answer::kAgain) {
      if (Clock::now() > give_up_at) Die("nobody can tell what became of " + plan.commit_id);
      is_again = true;
      answer = Commit(plan, is_again);
    }
    const bool is_done = answer == Answer::kCommitted;
    number = plan.number + (is_done ? 1 : 0);
    attempt = is_done ? 0 : plan.attempt + 1;
  }
}

// ---- reading ------------------------------------------------------------------------------------

// Of the bytes of a text (FNV-1a); the test computes the same.
std::uint64_t HashOf(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

class Reader {
 public:
  Reader(const std::string& uri, const std::filesystem::path& journal, std::uint64_t seed)
      : table_(Patiently([&] { return DeltaTable::Open(uri); })),
        journal_(journal),
        random_(seed) {}

  void Run(const std::filesystem::path& stop) {
    while (!std::filesystem::exists(stop)) {
      Note("latest", Keep(TableVersion::Latest()));
      Note("held", held_[random_() % held_.size()]);
      const std::int64_t latest = held_.back()->version().value();
      const Version old(
          static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(latest + 1)));
      Note("old", Keep(TableVersion::At(old)));
    }
    // Whatever was held all the time, and the end.
    for (const auto& snapshot : held_) Note("held", snapshot);
    Note("latest", Keep(TableVersion::Latest()));
  }

 private:
  using Held = std::shared_ptr<const Snapshot>;
  static constexpr std::size_t kHeldMax = 12;

  Held Keep(TableVersion which) {
    Held snapshot = Patiently([&] { return table_.LoadSnapshot(which); });
    if (which.version() == nullptr) {
      if (held_.size() == kHeldMax)
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(random_() % kHeldMax));
      held_.push_back(snapshot);
    }
    return snapshot;
  }
  // Lists the files, not in one go, so that others commit meanwhile.
  void Note(std::string_view how, const Held& snapshot) {
    journal_.Note(Patiently([&]() -> Result<Json> {
      DELTALAKEDB_ASSIGN(const auto totals, snapshot->LoadTotals());
      DELTALAKEDB_ASSIGN(const auto files, snapshot->OpenFiles({}));
      std::int64_t count = 0;
      std::int64_t bytes = 0;
      std::uint64_t sum = 0;
      for (;;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 5));
        DELTALAKEDB_ASSIGN(const auto batch, files->Next());
        if (!batch) break;
        for (const AddFile& add : batch->files()) {
          ++count;
          bytes += add.size;
          sum += HashOf(fmt::format("{} {}", add.path, add.size));
        }
      }
      return Json{{"how", how},
                  {"version", snapshot->version().value()},
                  {"files", count},
                  {"bytes", bytes},
                  {"hashes", sum},
                  {"totalFiles", totals.num_files},
                  {"totalBytes", totals.size_in_bytes}};
    }));
  }

  DeltaTable table_;
  Journal journal_;
  std::mt19937_64 random_;
  std::vector<Held> held_;
};

void Write(const std::string& uri, const std::string& journals, std::uint64_t seed, int writer,
           int commits) {
  const auto table = Patiently([&] { return DeltaTable::Open(uri); });
  const auto committer = Patiently([&] { return TableWriter::Open(uri); });
  std::vector<std::future<void>> threads;
  std::istringstream paths(journals);
  for (std::string path; std::getline(paths, path, ',');) {
    threads.push_back(std::async(std::launch::async, [&, path, number = writer++] {
      Writer(table, committer, path, seed, number).Run(commits);
    }));
  }
  for (auto& thread : threads) thread.get();
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.size() == 6 && arguments[0] == "write") {
    Write(arguments[1], arguments[2], std::stoull(arguments[3]), std::stoi(arguments[4]),
          std::stoi(arguments[5]));
    return 0;
  }
  if (arguments.size() == 5 && arguments[0] == "read") {
    Reader(arguments[1], arguments[2], std::stoull(arguments[3])).Run(arguments[4]);
    return 0;
  }
  Die("see the head of tests/commit_worker.cc");
}

}  // namespace
}  // namespace deltalakedb::testing

int main(int argc, char** argv) {
  try {
    return deltalakedb::testing::Main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "commit_worker: " << error.what() << '\n';
    return 1;
  }
}
