// Appends of the threads of a process to one table, written together while they wait for the same
// lock (DESIGN.md, Group commit). Whoever finds nobody writing leads: it writes what waits in one
// transaction, answers when that is durable, and hands the lead to the next.
//
// Thread-safety: all members may be called from several threads at once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "deltalakedb/result.h"
#include "store/commit_unit.h"
#include "store/database.h"

namespace deltalakedb::log {

// What one transaction takes at most.
inline constexpr std::size_t kAppendsMax = 256;
inline constexpr std::size_t kAppendedFilesMax = 1'000;
inline constexpr std::size_t kAppendedBytesMax = 4UL << 20U;  // of compressed texts

class AppendQueue {
 public:
  explicit AppendQueue(store::Database& database) : database_(database) {}

  // Whether a commit may be written together with others.
  static bool Takes(const store::TableCommit& commit);

  // As store::RunCommit, of a commit that it takes.
  Result<store::CommitAnswer> Run(const store::TableCommit& commit);
  // The same of any commit, without waiting for others. Nothing has happened where it fails, so it
  // is tried again where that may help.
  Result<store::CommitAnswer> RunAlone(const store::TableCommit& commit);

 private:
  struct Member {
    const store::TableCommit* commit = nullptr;
    std::condition_variable woken;
    bool leads = false;
    bool is_alone = false;  // something was wrong with the whole: each by itself
    std::optional<Result<store::CommitAnswer>> answer;
  };

  // Those that go together, the first that waits among them.
  std::vector<Member*> TakeGroup();
  void Lead(std::unique_lock<std::mutex>& lock);
  Result<std::vector<store::CommitAnswer>> RunTogether(
      std::span<const store::TableCommit* const> commits);

  store::Database& database_;
  std::mutex mutex_;             // guards what follows, and the members
  std::deque<Member*> waiting_;  // a member leaves with its group
  bool is_led_ = false;
};

}  // namespace deltalakedb::log
