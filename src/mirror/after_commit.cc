#include "mirror/after_commit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "mirror/engines.h"
#include "store/mirror_store.h"

namespace deltalakedb::mirror {

namespace {

// How long a writer that knows no mirror goes on without looking whether there is one by now.
constexpr std::chrono::seconds kLookInterval(10);
// How long another process may be at a mirror before a writer leaves the rest to it.
constexpr std::chrono::milliseconds kBusyWaitMax(15'000);
constexpr std::chrono::seconds kRetryPause(5);

}  // namespace

AfterCommit::AfterCommit(std::shared_ptr<store::Database> database, const TableId& table,
                         LogSink& sink)
    : database_(std::move(database)), table_(table), sink_(sink), publisher_(database_, sink) {}

AfterCommit::~AfterCommit() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AfterCommit::Wake(Version version) {
  const bool is_known_alone =
      !has_mirrors_ && Clock::now().time_since_epoch().count() < look_again_at_;
  if (is_known_alone) return;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::max(wanted_, version.value());
    if (!thread_.joinable()) thread_ = std::thread([this] { Loop(); });
  }
  changed_.notify_all();
}

void AfterCommit::Wait(Version version) {
  std::unique_lock lock(mutex_);
  if (wanted_ < version.value()) return;  // it was not woken for that one
  changed_.wait(lock, [&] { return attempted_ >= version.value(); });
}

void AfterCommit::Loop() {
  std::optional<Clock::time_point> retry_at;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto has_work = [&] { return is_ending_ || wanted_ > attempted_; };
    if (retry_at) {
      changed_.wait_until(lock, *retry_at, has_work);
    } else {
      changed_.wait(lock, has_work);
    }
    if (is_ending_ && wanted_ <= attempted_) return;
    const std::int64_t version = wanted_;
    lock.unlock();
    retry_at = PublishAll(Version(version));
    lock.lock();
    attempted_ = std::max(attempted_, version);
    changed_.notify_all();
  }
}

std::optional<AfterCommit::Clock::time_point> AfterCommit::PublishAll(Version version) {
  const auto rows = database_->Read(
      [&](store::Connection& connection) { return store::MirrorStore(connection).ListOf(table_); });
  // Counted from the end: an attempt may take longer than the pause.
  const auto later = [] { return Clock::now() + kRetryPause; };
  if (!rows) {
    sink_.Write(LogLevel::kWarning,
                fmt::format("nothing was mirrored, as the catalog did not answer: {}",
                            rows.error().message()));
    return later();
  }
  has_mirrors_ = !rows->empty();
  look_again_at_ = (Clock::now() + kLookInterval).time_since_epoch().count();
  bool must_retry = false;
  for (const store::MirrorRow& row : *rows) {
    if (!FindEngine(row.engine)) continue;
    const auto run = publisher_.Run(table_, row.engine, version, kBusyWaitMax);
    if (run && !run->error) continue;
    const Error& error = run ? *run->error : run.error();
    sink_.Write(LogLevel::kWarning, fmt::format("the {} mirror of table {} is behind: {}",
                                                row.engine, row.table_name, error.message()));
    must_retry |= error.code() != ErrorCode::kConflict;
  }
  return must_retry ? std::optional(later()) : std::nullopt;
}

}  // namespace deltalakedb::mirror
