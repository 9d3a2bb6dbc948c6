// Work on several threads, results in order: for reading a log, where I/O and parsing dominate but
// later commits must be seen after earlier ones.
//
// Thread-safety: Next belongs to one thread. The source runs on worker threads, one call at a time
// and in order; its tasks run side by side.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "deltalakedb/result.h"

namespace deltalakedb::base {

// The most threads one pipeline uses, whatever the machine has.
inline constexpr std::size_t kPipelineThreadsMax = 8;

inline std::size_t PipelineThreads() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kPipelineThreadsMax);
}

template <typename T>
class OrderedPipeline {
 public:
  using Task = std::function<Result<T>()>;
  // The next task; nullopt when there are no more.
  using Source = std::function<Result<std::optional<Task>>()>;

  // Starts working at once. At most `2 * threads` results wait unclaimed, which bounds the memory.
  explicit OrderedPipeline(Source source, std::size_t threads = PipelineThreads())
      : source_(std::move(source)), window_(2 * threads) {
    for (std::size_t i = 0; i < threads; ++i) StartThread();
  }

  OrderedPipeline(const OrderedPipeline&) = delete;
  OrderedPipeline& operator=(const OrderedPipeline&) = delete;

  ~OrderedPipeline() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    may_start_.notify_all();
  }

  // The next result in the order of the source; nullopt at the end. After an error there are no
  // more.
  Result<std::optional<T>> Next() {
    std::unique_lock lock(mutex_);
    has_result_.wait(lock,
                     [&] { return !slots_.empty() ? slots_.front()->has_value() : exhausted_; });
    if (slots_.empty()) return std::optional<T>();
    Result<T> result = std::move(**slots_.front());
    slots_.pop_front();
    if (!result) {
      stopped_ = exhausted_ = true;
      slots_.clear();
    }
    lock.unlock();
    may_start_.notify_all();
    if (!result) return Fail(std::move(result).error());
    return std::optional<T>(*std::move(result));
  }

 private:
  using Slot = std::shared_ptr<std::optional<Result<T>>>;

  // Where the system gives no more threads, those that there are do the work.
  void StartThread() {
    try {
      threads_.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;
    }
  }

  // On a worker thread nobody else would catch what runs out of memory.
  template <typename R, typename Call>
  static Result<R> WithMemory(Call&& call) {
    try {
      return call();
    } catch (const std::bad_alloc&) {
      return Fail(ErrorCode::kUnavailable, "there is not enough memory");
    }
  }

  void Work() {
    for (;;) {
      Slot slot;
      std::optional<Task> task;
      {
        // Whoever holds the source takes the next slot too, so slots are in the source's order.
        const std::lock_guard source_lock(source_mutex_);
        {
          std::unique_lock lock(mutex_);
          may_start_.wait(lock, [&] { return stopped_ || exhausted_ || slots_.size() < window_; });
          if (stopped_ || exhausted_) return;
        }
        auto next = WithMemory<std::optional<Task>>(source_);
        const std::lock_guard lock(mutex_);
        if (stopped_) return;  // an error was given out meanwhile, and nothing may follow it
        if (!next || !*next) exhausted_ = true;
        if (next && !*next) {
          has_result_.notify_all();
          return;
        }
        slot = slots_.emplace_back(std::make_shared<std::optional<Result<T>>>());
        if (!next) {
          *slot = Fail(std::move(next).error());
          has_result_.notify_all();
          return;
        }
        task = std::move(**next);
      }
      Result<T> result = WithMemory<T>(*task);
      const std::lock_guard lock(mutex_);
      *slot = std::move(result);
      has_result_.notify_all();
    }
  }

  Source source_;
  const std::size_t window_;
  std::mutex source_mutex_;
  std::mutex mutex_;
  std::condition_variable may_start_;
  std::condition_variable has_result_;
  std::deque<Slot> slots_;  // guarded by mutex_, as are the two below
  bool exhausted_ = false;  // the source has no more
  bool stopped_ = false;    // nobody wants more
  std::vector<std::jthread> threads_;
};

}  // namespace deltalakedb::base
