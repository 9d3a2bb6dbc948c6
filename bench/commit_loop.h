// What the programs that make minimal transactions share: how many, how long each took, and what a
// transaction writes.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.h"

namespace deltalakedb::bench {

// About what a row of dl_add_files has.
inline constexpr std::size_t kPayloadBytes = 560;

inline std::string MakePayload() {
  std::string payload;
  for (int i = 0; payload.size() < kPayloadBytes; ++i) payload += std::to_string(i * 7919) + ",";
  payload.resize(kPayloadBytes);
  return payload;
}

struct CommitLoop {
  std::int64_t commits = 100;
  std::int64_t seconds = 0;  // as many as there is time for, when above 0
  std::int64_t warm_up = 10;
};

// Of "[--commits C] [--seconds S] [--warm-up W]"; false when there is anything else.
inline bool ParseCommitLoop(std::span<char*> words, CommitLoop* loop) {
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string_view word = words[i];
    std::int64_t* const number = word == "--commits"   ? &loop->commits
                                 : word == "--seconds" ? &loop->seconds
                                 : word == "--warm-up" ? &loop->warm_up
                                                       : nullptr;
    if (number == nullptr) return false;
    const std::string_view text = words[i + 1];
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, *number).ptr != end || *number < 0) return false;
  }
  return words.size() % 2 == 0;
}

struct CommitTimes {
  std::vector<double> seconds_of_each;  // that were measured, shortest first
  std::int64_t warm_up = 0;
  double wall_s = 0;
  double cpu_s = 0;

  std::int64_t all() const { return warm_up + static_cast<std::int64_t>(seconds_of_each.size()); }
};

// commit() again and again.
template <typename Commit>
CommitTimes MeasureCommits(const CommitLoop& loop, Commit commit) {
  CommitTimes times;
  for (; times.warm_up < loop.warm_up; ++times.warm_up) commit();
  const double cpu_before_s = CpuSeconds();
  const auto start = Clock::now();
  const auto until = start + std::chrono::seconds(loop.seconds);
  for (std::int64_t i = 0; loop.seconds > 0 ? Clock::now() < until : i < loop.commits; ++i) {
    const auto before = Clock::now();
    commit();
    times.seconds_of_each.push_back(std::chrono::duration<double>(Clock::now() - before).count());
  }
  times.wall_s = std::chrono::duration<double>(Clock::now() - start).count();
  times.cpu_s = CpuSeconds() - cpu_before_s;
  std::sort(times.seconds_of_each.begin(), times.seconds_of_each.end());
  return times;
}

// As one JSON object.
inline void Print(const CommitTimes& times) {
  const auto& each = times.seconds_of_each;
  const auto commits = each.size();
  std::printf(
      "{\"commits\": %zu, \"seconds\": %.6f, \"commits_per_s\": %.3f, \"median_s\": %.9f, "
      "\"p95_s\": %.9f, \"cpu_s\": %.6f}\n",
      commits, times.wall_s, static_cast<double>(commits) / times.wall_s,
      commits == 0 ? 0 : each[commits / 2], commits == 0 ? 0 : each[commits * 95 / 100],
      times.cpu_s);
}

}  // namespace deltalakedb::bench
