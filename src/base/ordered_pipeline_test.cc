#include "base/ordered_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>

namespace deltalakedb::base {
namespace {

using Numbers = OrderedPipeline<int>;

// Tasks that give 0, 1, …, `count` - 1.
Numbers::Source CountTo(int count) {
  return [next = 0, count]() mutable -> Result<std::optional<Numbers::Task>> {
    if (next == count) return std::optional<Numbers::Task>();
    return Numbers::Task([number = next++]() -> Result<int> { return number; });
  };
}

// Everything up to the end or the first error, whose message comes last.
std::vector<std::string> Drain(Numbers& pipeline) {
  std::vector<std::string> seen;
  for (;;) {
    auto next = pipeline.Next();
    if (!next) {
      seen.push_back(next.error().message());
      return seen;
    }
    if (!*next) return seen;
    seen.push_back(std::to_string(**next));
  }
}

TEST(OrderedPipelineTest, EmptySource_EndsAtOnceAndForGood) {
  Numbers pipeline(CountTo(0), 3);
  for (int i = 0; i < 3; ++i) {
    const auto next = pipeline.Next();
    ASSERT_TRUE(next.has_value());
    EXPECT_FALSE(next->has_value());
  }
}

TEST(OrderedPipelineTest, ResultsOfUnevenTasks_KeepTheSourcesOrder) {
  constexpr int kSeeds = 40;
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const int count = static_cast<int>(random() % 200);
    const std::size_t threads = 1 + random() % 6;
    auto source = [&, next = 0]() mutable -> Result<std::optional<Numbers::Task>> {
      if (next == count) return std::optional<Numbers::Task>();
      return Numbers::Task([number = next++, work = random() % 2000]() -> Result<int> {
        std::atomic<unsigned> spent = 0;
        while (spent < work) ++spent;
        return number;
      });
    };
    Numbers pipeline(source, threads);
    for (int expected = 0; expected < count; ++expected) {
      auto next = pipeline.Next();
      ASSERT_TRUE(next.has_value() && next->has_value());
      ASSERT_EQ(**next, expected);
    }
    const auto end = pipeline.Next();
    ASSERT_TRUE(end.has_value());
    EXPECT_FALSE(end->has_value());
  }
}

TEST(OrderedPipelineTest, Source_IsCalledOneAtATime) {
  std::atomic<int> inside = 0;
  auto source = [&, next = 0]() mutable -> Result<std::optional<Numbers::Task>> {
    EXPECT_EQ(inside.fetch_add(1), 0);
    std::this_thread::yield();
    inside.fetch_sub(1);
    if (next == 300) return std::optional<Numbers::Task>();
    return Numbers::Task([number = next++]() -> Result<int> { return number; });
  };
  Numbers pipeline(source, 6);
  EXPECT_EQ(Drain(pipeline).size(), 300U);
}

TEST(OrderedPipelineTest, ErrorOfATask_ComesInItsPlaceAndIsTheLast) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const int failing = static_cast<int>(random() % 30);
    auto source = [next = 0, failing]() mutable -> Result<std::optional<Numbers::Task>> {
      return Numbers::Task([number = next++, failing]() -> Result<int> {
        if (number >= failing) return Fail(ErrorCode::kIo, "failed " + std::to_string(number));
        return number;
      });
    };
    Numbers pipeline(source, 1 + random() % 6);
    const auto seen = Drain(pipeline);
    ASSERT_EQ(seen.size(), static_cast<std::size_t>(failing) + 1);
    EXPECT_EQ(seen.back(), "failed " + std::to_string(failing));
    for (int i = 0; i < 3; ++i) {
      const auto after = pipeline.Next();
      ASSERT_TRUE(after.has_value());
      EXPECT_FALSE(after->has_value());
    }
  }
}

TEST(OrderedPipelineTest, ErrorOfTheSource_ComesAfterTheTasksBeforeIt) {
  for (const std::size_t threads : {1U, 2U, 5U}) {
    auto source = [next = 0]() mutable -> Result<std::optional<Numbers::Task>> {
      if (next == 20) return Fail(ErrorCode::kPermission, "no more");
      return Numbers::Task([number = next++]() -> Result<int> { return number; });
    };
    Numbers pipeline(source, threads);
    const auto seen = Drain(pipeline);
    ASSERT_EQ(seen.size(), 21U);
    EXPECT_EQ(seen[19], "19");
    EXPECT_EQ(seen.back(), "no more");
    EXPECT_FALSE(pipeline.Next()->has_value());
  }
}

// A worker that is inside the source while the consumer learns of an error must not add a result.
TEST(OrderedPipelineTest, TaskThatTheSourceGivesAfterAnError_IsNotSeen) {
  std::latch in_second_call(1);
  std::latch error_seen(1);
  auto source = [&, next = 0]() mutable -> Result<std::optional<Numbers::Task>> {
    if (next++ == 0) {
      return Numbers::Task([&]() -> Result<int> {
        in_second_call.wait();
        return Fail(ErrorCode::kIo, "failed");
      });
    }
    if (next == 2) {
      in_second_call.count_down();
      error_seen.wait();
    }
    return Numbers::Task([number = next]() -> Result<int> { return number; });
  };
  Numbers pipeline(source, 2);
  EXPECT_FALSE(pipeline.Next().has_value());
  error_seen.count_down();
  for (int i = 0; i < 100; ++i) {
    const auto after = pipeline.Next();
    ASSERT_TRUE(after.has_value());
    ASSERT_FALSE(after->has_value()) << **after;
    std::this_thread::yield();
  }
}

TEST(OrderedPipelineTest, ResultsThatNobodyClaims_HoldTheSourceBack) {
  for (const std::size_t threads : {1U, 2U, 4U}) {
    const std::size_t window = 2 * threads;
    std::atomic<std::size_t> given = 0;
    std::atomic<std::size_t> claimed = 0;
    auto source = [&]() -> Result<std::optional<Numbers::Task>> {
      // The consumer counts a result after it has taken it.
      EXPECT_LE(given.load(), claimed.load() + window);
      if (given == 500) return std::optional<Numbers::Task>();
      return Numbers::Task(
          [number = static_cast<int>(given++)]() -> Result<int> { return number; });
    };
    Numbers pipeline(source, threads);
    while (given < window) std::this_thread::yield();  // it works ahead without being asked
    while (true) {
      auto next = pipeline.Next();
      ASSERT_TRUE(next.has_value());
      if (!*next) break;
      ++claimed;
    }
    EXPECT_EQ(claimed, 500U);
  }
}

TEST(OrderedPipelineTest, DestructionInMidWork_WaitsForRunningTasksAndStartsNoMore) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const std::size_t threads = 1 + random() % 5;
    const std::size_t claims = random() % 8;
    std::atomic<int> running = 0;
    std::atomic<bool> is_destroyed = false;
    {
      auto source = [&]() -> Result<std::optional<Numbers::Task>> {
        EXPECT_FALSE(is_destroyed);
        return Numbers::Task([&]() -> Result<int> {
          ++running;
          std::this_thread::yield();
          EXPECT_FALSE(is_destroyed);
          --running;
          return 1;
        });
      };
      Numbers pipeline(source, threads);
      for (std::size_t i = 0; i < claims; ++i) ASSERT_TRUE(pipeline.Next()->has_value());
    }
    is_destroyed = true;
    EXPECT_EQ(running, 0);
  }
}

// What a task holds, such as the memory that it parses, is let go once nobody needs it.
TEST(OrderedPipelineTest, Tasks_AreGoneWithThePipeline) {
  const auto held = std::make_shared<int>(7);
  {
    auto source = [&]() -> Result<std::optional<Numbers::Task>> {
      return Numbers::Task([held]() -> Result<int> { return *held; });
    };
    Numbers pipeline(source, 3);
    EXPECT_EQ(**pipeline.Next(), 7);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(OrderedPipelineTest, ResultsThatCanOnlyBeMoved_AreMovedOut) {
  using Pointers = OrderedPipeline<std::unique_ptr<int>>;
  auto source = [next = 0]() mutable -> Result<std::optional<Pointers::Task>> {
    if (next == 10) return std::optional<Pointers::Task>();
    return Pointers::Task([number = next++]() -> Result<std::unique_ptr<int>> {
      return std::make_unique<int>(number);
    });
  };
  Pointers pipeline(source, 3);
  for (int i = 0; i < 10; ++i) {
    auto next = pipeline.Next();
    ASSERT_TRUE(next.has_value() && next->has_value());
    EXPECT_EQ(***next, i);
  }
}

TEST(OrderedPipelineTest, MemoryThatRunsOut_IsAnError) {
  auto source = []() -> Result<std::optional<Numbers::Task>> {
    return Numbers::Task([]() -> Result<int> { throw std::bad_alloc(); });
  };
  Numbers pipeline(source, 2);
  const auto failed = pipeline.Next();
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
}

TEST(OrderedPipelineTest, NumberOfThreads_IsBounded) {
  EXPECT_GE(PipelineThreads(), 1U);
  EXPECT_LE(PipelineThreads(), kPipelineThreadsMax);
}

}  // namespace
}  // namespace deltalakedb::base
