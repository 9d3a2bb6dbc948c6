#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "data/work_queue_internal.h"

namespace deltalakedb::data {
namespace {

using Lane = WorkQueue::Lane;

TEST(WorkQueueTest, TasksOfALane_RunInOrderAndOneAtATime) {
  WorkQueue queue(4);
  std::vector<std::shared_ptr<Lane>> lanes;
  for (int i = 0; i < 3; ++i) lanes.push_back(std::make_shared<Lane>());
  std::vector<std::vector<int>> seen(lanes.size());  // without a lock: each belongs to its lane
  for (int task = 0; task < 300; ++task) {
    const std::size_t lane = static_cast<std::size_t>(task) % lanes.size();
    queue.Post(lanes[lane], [&seen, lane, task]() -> Result<void> {
      seen[lane].push_back(task);
      return {};
    });
  }
  ASSERT_TRUE(queue.Wait());
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    ASSERT_EQ(seen[lane].size(), 100U);
    for (std::size_t i = 0; i < 100; ++i) {
      EXPECT_EQ(seen[lane][i], static_cast<int>(3 * i + lane));
    }
  }
}

TEST(WorkQueueTest, DifferentLanes_RunSideBySide) {
  WorkQueue queue(2);
  std::latch both(2);
  for (int i = 0; i < 2; ++i) {
    queue.Post(std::make_shared<Lane>(), [&both]() -> Result<void> {
      both.arrive_and_wait();
      return {};
    });
  }
  EXPECT_TRUE(queue.Wait());
}

TEST(WorkQueueTest, FirstError_IsToldAndNothingRunsAfterIt) {
  WorkQueue queue(1);
  const auto lane = std::make_shared<Lane>();
  std::atomic<int> ran = 0;
  for (int i = 0; i < 10; ++i) {
    queue.Post(lane, [&ran, i]() -> Result<void> {
      ++ran;
      if (i == 2) return Fail(ErrorCode::kIo, "the third");
      return {};
    });
  }
  const auto done = queue.Wait();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "the third");
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(queue.Check());
}

TEST(WorkQueueTest, TaskThatRunsOutOfMemory_IsAnError) {
  WorkQueue queue(1);
  queue.Post(std::make_shared<Lane>(), []() -> Result<void> { throw std::bad_alloc(); });
  const auto done = queue.Wait();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kUnavailable);
}

TEST(WorkQueueTest, TasksThatOwnTheirLane_AreFreedWithTheQueue) {
  struct Owner {
    std::shared_ptr<Lane> lane = std::make_shared<Lane>();
  };
  std::weak_ptr<Owner> left;
  std::latch release(1);
  {
    WorkQueue queue(1);
    auto owner = std::make_shared<Owner>();
    left = owner;
    std::latch begun(1);
    queue.Post(owner->lane, [&, owner]() -> Result<void> {
      begun.count_down();
      release.wait();
      return {};
    });
    begun.wait();
    queue.Post(owner->lane, [owner]() -> Result<void> { return {}; });
    owner.reset();
    // The queue goes while the first task is under way and the second waits.
    std::jthread releaser([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      release.count_down();
    });
  }
  EXPECT_TRUE(left.expired());
}

}  // namespace
}  // namespace deltalakedb::data
