// Work on several threads in lanes: the tasks of a lane run in order and one at a time, those of
// different lanes side by side. For writing several files at once.
//
// Thread-safety: the public members belong to one thread, tasks run on others.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "deltalakedb/result.h"

namespace deltalakedb::data {

class WorkQueue {
 public:
  using Task = std::function<Result<void>()>;

  // Tasks of one thing that can be worked on by one thread alone.
  class Lane {
   private:
    friend class WorkQueue;
    std::deque<Task> tasks_;  // guarded by the queue, as is the other
    bool is_active_ = false;  // among those that are ready or being worked on
  };

  // At most `threads + 1` tasks are under way or waiting, which bounds the memory that they hold.
  explicit WorkQueue(std::size_t threads);
  // Tasks that have not begun are dropped.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Waits until there is room for the task. After the first error no task begins any more, and what
  // is posted is dropped.
  void Post(const std::shared_ptr<Lane>& lane, Task task);
  // Waits until no task is left. The first error of all tasks, then and ever after.
  Result<void> Wait();
  // The first error so far, without waiting.
  Result<void> Check();
  // Whether a task more would be begun at once, if not behind others of its lane.
  bool HasIdleThread();
  bool IsIdle(const Lane& lane);
  std::size_t threads() const { return threads_max_; }

 private:
  void StartThread();
  void Work();
  void RunFirst(std::unique_lock<std::mutex>& lock);

  std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::condition_variable has_room_;
  std::deque<std::shared_ptr<Lane>> ready_;  // guarded by mutex_, as are those below
  std::size_t tasks_ = 0;                    // waiting or under way
  std::optional<Error> error_;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace deltalakedb::data
