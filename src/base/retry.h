// Trying again what failed for a reason that passes: a bounded number of times, with pauses that
// grow and are drawn at random, so that many who failed together do not come back together.
//
// Only for what is known not to have happened, or may happen twice. Thread-safety: functions.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>

#include "deltalakedb/error.h"

namespace deltalakedb::base {

struct RetryPolicy {
  int retries = 6;
  // The longest pause before the first retry; it doubles with each one, up to pause_max.
  std::chrono::milliseconds first_pause{50};
  std::chrono::milliseconds pause_max{2'000};
  // No retry begins later than this after the first attempt.
  std::chrono::milliseconds total_max{10'000};
};

// Before retry number `retry`, from 1: anything up to the longest pause.
inline std::chrono::milliseconds PauseBefore(int retry, const RetryPolicy& policy) {
  constexpr int kDoublingsMax = 30;
  const std::int64_t longest = std::min<std::int64_t>(
      policy.pause_max.count(), policy.first_pause.count() << std::min(retry - 1, kDoublingsMax));
  thread_local std::minstd_rand random(std::random_device{}());
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, longest)(random));
}

// attempt() until it succeeds, or fails with an error that is_passing(error) does not hold for.
template <typename Attempt, typename IsPassing>
auto Retry(const RetryPolicy& policy, IsPassing is_passing, Attempt attempt)
    -> decltype(attempt()) {
  const auto give_up_at = std::chrono::steady_clock::now() + policy.total_max;
  for (int retry = 1;; ++retry) {
    auto result = attempt();
    if (result || retry > policy.retries || !is_passing(result.error())) return result;
    const auto pause = PauseBefore(retry, policy);
    if (std::chrono::steady_clock::now() + pause > give_up_at) return result;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace deltalakedb::base
