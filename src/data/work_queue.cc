#include <new>
#include <system_error>
#include <utility>

#include "data/work_queue_internal.h"

namespace deltalakedb::data {

namespace {

// On a thread of our own nobody else would catch what runs out of memory.
Result<void> Run(const WorkQueue::Task& task) {
  try {
    return task();
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kUnavailable, "there is not enough memory");
  }
}

}  // namespace

WorkQueue::WorkQueue(std::size_t threads) : threads_max_(threads) {}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  has_work_.notify_all();
  threads_.clear();
  // A task may own what owns its lane.
  for (const std::shared_ptr<Lane>& lane : ready_) lane->tasks_.clear();
}

// Where the system gives no more threads, those that there are do the work.
void WorkQueue::StartThread() {
  try {
    threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error&) {
    threads_max_ = threads_.size();  // with none at all the caller works itself
  }
}

// Works on the task in front, without the lock meanwhile.
void WorkQueue::RunFirst(std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<Lane> lane = std::move(ready_.front());
  ready_.pop_front();
  {
    const Task task = std::move(lane->tasks_.front());
    lane->tasks_.pop_front();
    if (!error_) {
      lock.unlock();
      Result<void> done = Run(task);
      lock.lock();
      if (!done && !error_) error_ = std::move(done).error();
    }
  }
  --tasks_;
  lane->is_active_ = !lane->tasks_.empty();
  if (lane->is_active_) {
    ready_.push_back(lane);
    has_work_.notify_one();
  }
  has_room_.notify_all();
}

void WorkQueue::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    has_work_.wait(lock, [&] { return stopped_ || !ready_.empty(); });
    if (stopped_) return;
    RunFirst(lock);
  }
}

void WorkQueue::Post(const std::shared_ptr<Lane>& lane, Task task) {
  std::unique_lock lock(mutex_);
  has_room_.wait(lock, [&] { return tasks_ <= threads_max_; });
  if (error_) return;
  if (threads_.size() < threads_max_ && tasks_ >= threads_.size()) StartThread();
  lane->tasks_.push_back(std::move(task));
  ++tasks_;
  if (lane->is_active_) return;
  lane->is_active_ = true;
  ready_.push_back(lane);
  if (threads_.empty()) return RunFirst(lock);
  lock.unlock();
  has_work_.notify_one();
}

Result<void> WorkQueue::Wait() {
  std::unique_lock lock(mutex_);
  has_room_.wait(lock, [&] { return tasks_ == 0; });
  if (error_) return Fail(*error_);
  return {};
}

Result<void> WorkQueue::Check() {
  const std::lock_guard lock(mutex_);
  if (error_) return Fail(*error_);
  return {};
}

bool WorkQueue::HasIdleThread() {
  const std::lock_guard lock(mutex_);
  return tasks_ < threads_max_;
}

bool WorkQueue::IsIdle(const Lane& lane) {
  const std::lock_guard lock(mutex_);
  return !lane.is_active_;
}

}  // namespace deltalakedb::data
