// What the programs of this folder share: clocks, and how they print what they measured.
#pragma once

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace deltalakedb::bench {

using Clock = std::chrono::steady_clock;

// Seconds of processor time that all threads of this process have used so far.
inline double CpuSeconds() {
  timespec spent = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

// At least what the process that started this one held when it did.
inline double PeakRssMib() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Spent {
  double wall_s = 0;
  double cpu_s = 0;
};

template <typename Work>
Spent Measure(Work work) {
  const auto start = Clock::now();
  const double cpu_start = CpuSeconds();
  work();
  return {std::chrono::duration<double>(Clock::now() - start).count(), CpuSeconds() - cpu_start};
}

struct Percentiles {
  double median_s = 0;
  double p95_s = 0;
};

// work(i) for each i below `times`, each measured by itself, after a tenth of them unmeasured.
template <typename Work>
Percentiles MeasureEach(std::size_t times, Work work) {
  for (std::size_t i = 0; i < times / 10; ++i) work(i);
  std::vector<double> seconds(std::max<std::size_t>(times, 1));
  for (std::size_t i = 0; i < times; ++i) {
    const auto start = Clock::now();
    work(i);
    seconds[i] = std::chrono::duration<double>(Clock::now() - start).count();
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds[seconds.size() * 95 / 100]};
}

// Members of a JSON object, each with a comma behind it.
inline void Print(const char* name, const Spent& spent) {
  std::printf("\"%s\": {\"total_s\": %.6f, \"cpu_s\": %.6f}, ", name, spent.wall_s, spent.cpu_s);
}
inline void Print(const char* name, const Percentiles& times) {
  std::printf("\"%s\": {\"median_s\": %.9f, \"p95_s\": %.9f}, ", name, times.median_s, times.p95_s);
}

// How often the small questions are asked.
inline constexpr std::size_t kLookups = 4'000;
// How many files are looked up, from the whole of the table.
inline constexpr std::size_t kSampledFiles = 1'000;
// Databases that read all rows for one file are asked less often.
inline constexpr std::size_t kSlowLookups = 100;

}  // namespace deltalakedb::bench
