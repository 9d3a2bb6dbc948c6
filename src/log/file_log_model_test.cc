// Random logs against a plain replay of their actions. A failure names its seed, which
// DELTALAKEDB_SEED brings back; DELTALAKEDB_SOAK=1 tries many more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/file_log.h"
#include "log/model_log_internal.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;

// Which files of a log are there, and what can be rebuilt of them by trying every way.
struct Remains {
  std::set<std::int64_t> commits;
  std::set<std::int64_t> checkpoints;  // readable ones
  std::set<std::pair<std::int64_t, std::int64_t>> compactions;
  std::int64_t latest = -1;

  std::string Names() const {
    return "commits " + testing::PrintToString(commits) + ", checkpoints " +
           testing::PrintToString(checkpoints) + ", compactions " +
           testing::PrintToString(compactions);
  }

  // The versions to which commits and compactions lead from any of `bases`; -1 stands for an empty
  // table.
  std::set<std::int64_t> ReachedFrom(std::set<std::int64_t> bases) const {
    std::set<std::int64_t> waiting = bases;
    std::set<std::int64_t> reached = std::move(bases);
    while (!waiting.empty()) {
      const std::int64_t at = *waiting.begin();
      waiting.erase(waiting.begin());
      const auto reach = [&](std::int64_t next) {
        if (reached.insert(next).second) waiting.insert(next);
      };
      if (commits.contains(at + 1)) reach(at + 1);
      for (const auto& [first, last] : compactions) {
        if (first == at + 1) reach(last);
      }
    }
    return reached;
  }

  // The versions of which there is a way from version 0 or a checkpoint.
  std::set<std::int64_t> Rebuildable() const {
    std::set<std::int64_t> bases = checkpoints;
    bases.insert(-1);
    std::set<std::int64_t> reached = ReachedFrom(std::move(bases));
    // Commits and checkpoints alone say what the latest version is.
    std::erase_if(reached, [&](std::int64_t version) { return version < 0 || version > latest; });
    return reached;
  }

  // The newest of some checkpoints from which there is a way to `version`; -1 for none.
  std::int64_t NewestBase(const std::set<std::int64_t>& candidates, std::int64_t version) const {
    std::int64_t newest = -1;
    for (const std::int64_t base : candidates) {
      if (ReachedFrom({base}).contains(version)) newest = std::max(newest, base);
    }
    return newest;
  }
};

// Without those about empty commits, of which random logs have some.
std::vector<std::string> CheckpointWarnings(const ListSink& sink) {
  std::vector<std::string> warnings = sink.warnings();
  std::erase_if(warnings, [](const std::string& text) { return !text.contains("checkpoint"); });
  return warnings;
}

void ExpectAgreement(const FileLog& log, const ModelLog& model, const Remains& remains) {
  const std::set<std::int64_t> rebuildable = remains.Rebuildable();
  // The run that ends with the latest version.
  std::int64_t earliest = remains.latest + 1;
  while (rebuildable.contains(earliest - 1)) --earliest;
  for (std::int64_t version = 0; version <= remains.latest + 1; ++version) {
    SCOPED_TRACE(version);
    const auto snapshot = log.LoadSnapshot(TableVersion::At(Version(version)));
    if (rebuildable.contains(version)) {
      ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
      const auto facts = Describe(**snapshot);
      ASSERT_TRUE(facts.has_value()) << facts.error().message();
      ASSERT_EQ(*facts, model.StateAt(version).Describe());
      continue;
    }
    ASSERT_FALSE(snapshot.has_value());
    const Error& error = snapshot.error();
    const bool is_latest_there = earliest <= remains.latest;
    const bool is_later = version > remains.latest;
    if (!is_later && !(is_latest_there && version < earliest)) {
      ASSERT_EQ(error.code(), ErrorCode::kCorrupt) << error.message();
      continue;
    }
    ASSERT_EQ(error.code(), ErrorCode::kNotFound) << error.message();
    ASSERT_EQ(*error.FindFact("latestVersion"), Error::FactValue(remains.latest));
    const auto* const fact = error.FindFact("earliestVersion");
    ASSERT_EQ(fact != nullptr, is_latest_there) << error.message();
    if (is_latest_there) {
      ASSERT_EQ(*fact, Error::FactValue(earliest)) << error.message();
    }
  }
}

// Writes the remains of a random log: compactions and checkpoints here and there, commits missing.
Remains WriteRemains(ModelLog& model, storage::MemoryFileSystem& files, bool may_break) {
  Remains remains;
  const std::int64_t versions = 1 + model.Below(25);
  for (std::int64_t v = 0; v < versions; ++v) {
    model.Commit(files);
    remains.commits.insert(v);
  }
  for (auto n = model.Below(4); n > 0; --n) {
    const std::int64_t version = model.Below(versions);
    model.Checkpoint(files, version);
    remains.checkpoints.insert(version);
  }
  for (auto n = model.Below(6); n > 0 && versions > 1; --n) {
    const std::int64_t first = model.Below(versions - 1);
    const std::int64_t last = first + 1 + model.Below(versions - 1 - first);
    model.Compact(files, first, last);
    remains.compactions.insert({first, last});
  }
  const auto lose = [&](std::int64_t version) {
    files.Drop(CommitPath(version));
    remains.commits.erase(version);
  };
  switch (model.Below(may_break ? 4 : 2)) {
    case 0:
      break;
    case 1:
      // Cleaned up: everything before a version is gone.
      for (std::int64_t v = model.Below(versions); v > 0; --v) lose(v - 1);
      break;
    case 2:
      // Whatever a compaction covers may be gone, and some more.
      for (const auto& [first, last] : remains.compactions) {
        for (std::int64_t v = first; v <= last; ++v) {
          if (model.Below(3) != 0) lose(v);
        }
      }
      break;
    default:
      for (auto n = model.Below(4); n > 0; --n) lose(model.Below(versions));
      break;
  }
  if (!remains.commits.empty()) remains.latest = *remains.commits.rbegin();
  if (!remains.checkpoints.empty()) {
    remains.latest = std::max(remains.latest, *remains.checkpoints.rbegin());
  }
  return remains;
}

TEST(FileLogModelTest, RandomLogs_AreReadAsAPlainReplayReadsThem) {
  for (const std::uint32_t seed : Seeds()) {
    storage::MemoryFileSystem files;
    if (seed % 2 == 1) files.SetRemote();
    ListSink sink;
    ModelLog model(seed);
    const Remains remains = WriteRemains(model, files, /*may_break=*/true);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + remains.Names());
    const auto log = FileLog::Open(files, kTable, sink);
    if (remains.latest < 0) {
      ASSERT_FALSE(log.has_value());
      ASSERT_EQ(log.error().code(), ErrorCode::kNotFound);
      continue;
    }
    ASSERT_TRUE(log.has_value()) << log.error().message();
    ASSERT_EQ((*log)->LoadLatestVersion(), Version(remains.latest));
    ExpectAgreement(**log, model, remains);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// ---- damage -------------------------------------------------------------------------------------

// Breaks a checkpoint in one of the ways in which its state cannot be read.
void Damage(ModelLog& model, storage::MemoryFileSystem& files, const std::string& path) {
  std::string content = files.Content(path);
  switch (model.Below(5)) {
    case 0:
      // Within a line: a file that is cut at a line's end cannot be told from a shorter one.
      content.resize(content.size() / 2);
      content.resize(content.find_last_not_of("}\r\n") + 1);
      break;
    case 1:
      content.clear();
      break;
    case 2:
      content = "PAR1 or something";
      break;
    case 3: {
      // Without the line that says what it is, as one that was cut at a line's end may be.
      const std::size_t start = content.find(R"({"checkpointMetadata")");
      content.erase(start, content.find('\n', start) + 1 - start);
      break;
    }
    default:
      content += R"({"sidecar":{"path":"gone.parquet","sizeInBytes":1,"modificationTime":1}})";
      break;
  }
  files.Write(path, content);
}

TEST(FileLogModelTest, DamagedCheckpoints_AreReplacedByTheRestWithOneWarning) {
  for (const std::uint32_t seed : Seeds()) {
    storage::MemoryFileSystem files;
    if (seed % 2 == 1) files.SetRemote();
    ModelLog model(seed + 1'000'000);
    Remains remains = WriteRemains(model, files, /*may_break=*/false);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + remains.Names());
    if (remains.latest < 0) continue;
    std::set<std::int64_t> damaged;
    for (const std::int64_t version : std::set(remains.checkpoints)) {
      if (model.Below(2) == 0) continue;
      Damage(model, files, CheckpointPath(version));
      damaged.insert(version);
      remains.checkpoints.erase(version);
    }
    const std::set<std::int64_t> rebuildable = remains.Rebuildable();
    for (std::int64_t version = 0; version <= remains.latest; ++version) {
      SCOPED_TRACE(version);
      ListSink sink;
      const auto log = FileLog::Open(files, kTable, sink);
      const auto snapshot = (*log)->LoadSnapshot(TableVersion::At(Version(version)));
      ASSERT_EQ(snapshot.has_value(), rebuildable.contains(version));
      if (!snapshot) {
        ASSERT_TRUE(snapshot.error().code() == ErrorCode::kCorrupt ||
                    snapshot.error().code() == ErrorCode::kNotFound);
        continue;
      }
      ASSERT_EQ(*Describe(**snapshot), model.StateAt(version).Describe());
      const std::int64_t wanted = remains.NewestBase(damaged, version);
      const std::int64_t used = remains.NewestBase(remains.checkpoints, version);
      const auto warnings = CheckpointWarnings(sink);
      ASSERT_EQ(warnings.size(), wanted > used ? 1U : 0U) << testing::PrintToString(warnings);
    }
  }
}

// ---- faults -------------------------------------------------------------------------------------

// Lets the operations of one reading pass until one fails, and counts them.
class FailingOnce {
 public:
  FailingOnce(ErrorCode code, int passing) : code_(code), passing_(passing) {}

  std::optional<Error> operator()(storage::FileOperation, const std::string& path) {
    if (count_++ != passing_) return std::nullopt;
    return Error(code_, "fault").With("file", path);
  }
  bool has_struck() const { return count_ > passing_; }

 private:
  ErrorCode code_;
  int passing_;
  std::atomic<int> count_ = 0;
};

TEST(FileLogModelTest, FailureOfAnyOperation_IsPassedOnAndNeverTakenForDamage) {
  for (const std::uint32_t seed : Seeds(6)) {
    storage::MemoryFileSystem files;
    if (seed % 2 == 1) files.SetRemote();
    ModelLog model(seed + 2'000'000);
    const Remains remains = WriteRemains(model, files, /*may_break=*/false);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + remains.Names());
    if (!remains.Rebuildable().contains(remains.latest)) continue;
    const auto expected = model.StateAt(remains.latest).Describe();
    for (const ErrorCode code : {ErrorCode::kIo, ErrorCode::kPermission}) {
      for (int passing = 0;; ++passing) {
        SCOPED_TRACE(passing);
        ListSink sink;
        FailingOnce fault(code, passing);
        const auto log = FileLog::Open(files, kTable, sink);
        files.SetFault(std::ref(fault));
        const auto snapshot = (*log)->LoadSnapshot(TableVersion::Latest());
        const auto facts = snapshot ? Describe(**snapshot)
                                    : Result<std::vector<std::string>>(Fail(snapshot.error()));
        files.SetFault(nullptr);
        ASSERT_EQ(CheckpointWarnings(sink), std::vector<std::string>());
        if (!fault.has_struck()) {
          ASSERT_EQ(facts, expected);
          break;
        }
        ASSERT_FALSE(facts.has_value());
        ASSERT_EQ(facts.error().code(), code) << facts.error().message();
      }
    }
  }
}

// ---- logs that change while they are read -------------------------------------------------------

TEST(FileLogModelTest, CleanUpBetweenListingAndReading_IsNoticedAndTheLogListedAnew) {
  for (const std::uint32_t seed : Seeds()) {
    SCOPED_TRACE(seed);
    storage::MemoryFileSystem files;
    if (seed % 2 == 1) files.SetRemote();
    ListSink sink;
    ModelLog model(seed + 3'000'000);
    const std::int64_t versions = 3 + model.Below(8);
    for (std::int64_t v = 0; v < versions; ++v) model.Commit(files);
    if (model.Below(2) == 0) model.Checkpoint(files, 0);
    const auto log = FileLog::Open(files, kTable, sink);
    // At some file that is opened a checkpoint appears and all before it vanishes.
    std::atomic<std::int64_t> until = model.Below(versions);
    const std::int64_t base = 1 + model.Below(versions - 1);
    storage::MemoryFileSystem::Fault clean_up = [&](storage::FileOperation operation,
                                                    const std::string&) -> std::optional<Error> {
      if (operation == storage::FileOperation::kOpen && until-- == 0) {
        model.Checkpoint(files, base);
        for (std::int64_t v = 0; v < base; ++v) files.Drop(CommitPath(v));
        files.Drop(CheckpointPath(0));
      }
      return std::nullopt;
    };
    files.SetFault(clean_up);
    const auto snapshot = (*log)->LoadSnapshot(TableVersion::Latest());
    files.SetFault(nullptr);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    const auto facts = Describe(**snapshot);
    // What it had listed may be gone by the time its files are streamed.
    if (facts) {
      ASSERT_EQ(*facts, model.StateAt(versions - 1).Describe());
    } else {
      ASSERT_EQ(facts.error().code(), ErrorCode::kUnavailable) << facts.error().message();
    }
  }
}

}  // namespace
}  // namespace deltalakedb::log
