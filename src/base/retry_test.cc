#include "base/retry.h"

#include <gtest/gtest.h>

#include <set>

#include "deltalakedb/result.h"

namespace deltalakedb::base {
namespace {

using std::chrono::milliseconds;

bool IsBusy(const Error& error) { return error.code() == ErrorCode::kBusy; }

RetryPolicy Quick(int retries) {
  return {.retries = retries, .first_pause = milliseconds(1), .pause_max = milliseconds(2)};
}

// Fails `failures` times and then gives 7; counts the calls.
struct Flaky {
  int failures;
  ErrorCode code = ErrorCode::kBusy;
  int calls = 0;
  Result<int> operator()() {
    if (++calls <= failures) return Fail(code, "not yet");
    return 7;
  }
};

TEST(RetryTest, PassingFailures_AreTriedAgainUpToTheLimit) {
  Flaky succeeds{3};
  EXPECT_EQ(Retry(Quick(3), IsBusy, std::ref(succeeds)).value_or(0), 7);
  EXPECT_EQ(succeeds.calls, 4);
  Flaky fails{4};
  const auto failed = Retry(Quick(3), IsBusy, std::ref(fails));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(fails.calls, 4);
}

TEST(RetryTest, OtherFailures_AreNot) {
  Flaky fails{1, ErrorCode::kCorrupt};
  EXPECT_EQ(Retry(Quick(5), IsBusy, std::ref(fails)).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(fails.calls, 1);
  Flaky none{1};
  EXPECT_FALSE(Retry(Quick(0), IsBusy, std::ref(none)).has_value());
  EXPECT_EQ(none.calls, 1);
}

TEST(RetryTest, TotalTime_EndsIt) {
  Flaky fails{1000};
  RetryPolicy policy = Quick(1000);
  policy.total_max = milliseconds(20);
  EXPECT_FALSE(Retry(policy, IsBusy, std::ref(fails)).has_value());
  EXPECT_LT(fails.calls, 1000);
}

TEST(RetryTest, Pauses_GrowToALimitAndVary) {
  const RetryPolicy policy{
      .retries = 9, .first_pause = milliseconds(50), .pause_max = milliseconds(300)};
  const auto longest = [&](int retry) {
    milliseconds most(0);
    for (int i = 0; i < 500; ++i) most = std::max(most, PauseBefore(retry, policy));
    return most;
  };
  EXPECT_LE(longest(1), milliseconds(50));
  EXPECT_GT(longest(1), milliseconds(25));
  EXPECT_LE(longest(2), milliseconds(100));
  EXPECT_GT(longest(2), milliseconds(50));
  EXPECT_LE(longest(4), milliseconds(300));
  EXPECT_LE(longest(60), milliseconds(300));
  std::set<milliseconds> seen;
  for (int i = 0; i < 100; ++i) seen.insert(PauseBefore(3, policy));
  EXPECT_GT(seen.size(), 20U);
}

}  // namespace
}  // namespace deltalakedb::base
