// Mirroring from within a writer: a thread that publishes what was committed, right after it, and
// again after a failure for as long as the writer lives.
//
// Commits do not wait for a database to tell whether there are mirrors at all: that is looked up
// when the writer opens, and every so often by the thread.
// Thread-safety: all members but the destructor may be called from several threads.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "mirror/publisher.h"
#include "store/database.h"

namespace deltalakedb::mirror {

class AfterCommit {
 public:
  // `sink` outlives this; it gets a warning for each failure.
  AfterCommit(std::shared_ptr<store::Database> database, const TableId& table, LogSink& sink);
  // Publishes what was committed and is not published, once more at most.
  ~AfterCommit();
  AfterCommit(const AfterCommit&) = delete;
  AfterCommit& operator=(const AfterCommit&) = delete;

  // A version has become durable.
  void Wake(Version version);
  // Until the mirrors have it, or have failed to take it, or somebody else has been at it for long.
  void Wait(Version version);

 private:
  using Clock = std::chrono::steady_clock;

  void Loop();
  // One round over all mirrors; answers when to try again what failed, if anything.
  std::optional<Clock::time_point> PublishAll(Version version);

  std::shared_ptr<store::Database> database_;
  TableId table_;
  LogSink& sink_;
  Publisher publisher_;

  std::atomic<bool> has_mirrors_ = true;         // unless looking has shown that there is none
  std::atomic<std::int64_t> look_again_at_ = 0;  // by Clock, in its own unit
  std::mutex mutex_;                             // guards what follows
  std::condition_variable changed_;
  std::int64_t wanted_ = -1;     // the newest version that was committed
  std::int64_t attempted_ = -1;  // that the thread has tried to publish
  bool is_ending_ = false;
  std::thread thread_;  // from the first commit on
};

}  // namespace deltalakedb::mirror
