#include "mirror/publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/try.h"
#include "mirror/engines.h"
#include "mirror/mirror_source.h"
#include "mirror/owner.h"
#include "store/metadata_store.h"

namespace deltalakedb::mirror {

namespace {

using store::MirrorRow;
using store::MirrorStore;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMicrosecondsPerMs = 1000;
constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
// While another process publishes.
constexpr std::chrono::milliseconds kBusyPause(10);
// Of a failure's text.
constexpr std::size_t kErrorBytesMax = 4096;

std::int64_t ToUs(std::chrono::milliseconds time) { return time.count() * kMicrosecondsPerMs; }

std::optional<Timestamp> ToTimestamp(const std::optional<std::int64_t>& time_us) {
  return time_us ? std::optional(Timestamp(*time_us / kMicrosecondsPerMs)) : std::nullopt;
}

Error NoMirror() { return Error(ErrorCode::kNotFound, "the mirror is no longer there"); }
Error TakenOver() { return Error(ErrorCode::kBusy, "another process publishes the mirror by now"); }

}  // namespace

// The right to publish, as it was taken.
struct Publisher::Lease {
  MirrorRow row;
  std::string owner;
};

MirrorInfo InfoOf(const MirrorRow& row, std::int64_t now_us) {
  MirrorInfo info;
  info.table = row.table_name;
  info.engine = row.engine;
  info.place = row.place;
  info.absolute_paths = row.absolute_paths;
  info.mode = row.mode == store::kModeShared ? TableMode::kShared : TableMode::kExclusive;
  info.version = row.current_version;
  info.published = row.published;
  info.checkpoint = row.checkpoint;
  info.state = row.next_state == store::kMirrorPending  ? MirrorState::kPending
               : row.next_state == store::kMirrorFailed ? MirrorState::kFailed
                                                        : MirrorState::kDiverged;
  const Version first_missing = row.published ? row.published->next() : row.earliest_version;
  info.lag_versions =
      std::max<std::int64_t>(0, row.current_version.value() - first_missing.value() + 1);
  if (info.lag_versions > 0 && row.missing_since_us) {
    const std::int64_t since_us = std::max(*row.missing_since_us, row.added_at_us);
    info.lag_ms = std::max<std::int64_t>(0, now_us - since_us) / kMicrosecondsPerMs;
  }
  info.attempts = row.attempts;
  info.last_attempt = ToTimestamp(row.last_attempt_at_us);
  info.last_success = ToTimestamp(row.last_success_at_us);
  info.next_attempt = ToTimestamp(row.next_attempt_at_us);
  info.last_error = row.last_error;
  info.alert = {row.alert_versions, row.alert_seconds};
  info.is_alert =
      info.state == MirrorState::kDiverged ||
      (info.alert.versions && info.lag_versions > *info.alert.versions) ||
      (info.alert.seconds &&
       info.lag_ms > *info.alert.seconds * (kMicrosecondsPerSecond / kMicrosecondsPerMs));
  return info;
}

Publisher::Publisher(std::shared_ptr<store::Database> database, LogSink& sink, PublishLimits limits)
    : database_(std::move(database)), sink_(sink), limits_(limits) {}

Result<std::optional<Publisher::Lease>> Publisher::TakeLease(const TableId& table,
                                                             const std::string& engine,
                                                             MirrorRun& run) const {
  const store::MirrorKey key{table, engine};
  std::int64_t now_us = 0;
  const auto look = [&](store::Connection& connection) -> Result<MirrorRow> {
    DELTALAKEDB_ASSIGN(now_us, store::MetadataStore(connection).LoadClock());
    DELTALAKEDB_ASSIGN(auto row, MirrorStore(connection).Find(key));
    if (!row) return Fail(NoMirror());
    run = {row->table_name, row->engine,          row->place, std::nullopt,
           row->published,  row->current_version, false,      std::nullopt};
    return *std::move(row);
  };
  // Whoever only waits for another process writes nothing.
  DELTALAKEDB_ASSIGN(const MirrorRow seen, database_->Read(look));
  if (auto known = FindEngine(engine); !known) {
    run.error = std::move(known).error();  // of a program that has it
    return std::optional<Lease>();
  }
  if (seen.next_state == store::kMirrorDiverged) {
    run.error = Error(ErrorCode::kConflict, seen.last_error.value_or("the mirror has diverged"));
    return std::optional<Lease>();
  }
  std::optional<std::string> gone;
  if (seen.owner && IsOwnerGone(*seen.owner)) gone = seen.owner;
  run.is_busy = seen.owner && !gone && seen.lease_until_us.value_or(0) >= now_us;
  if (run.is_busy) return std::optional<Lease>();
  Lease lease{seen, MakeOwner()};
  const auto take = [&](store::Connection& connection) -> Result<bool> {
    DELTALAKEDB_ASSIGN(now_us, store::MetadataStore(connection).LoadClock());
    DELTALAKEDB_ASSIGN(
        const bool is_taken,
        MirrorStore(connection)
            .TakeLease(key, {lease.owner, now_us + ToUs(limits_.lease)}, now_us, gone));
    if (is_taken) {
      DELTALAKEDB_ASSIGN(lease.row, look(connection));
    }
    return is_taken;
  };
  DELTALAKEDB_ASSIGN(const bool is_taken, InWrite(*database_, take));
  run.is_busy = !is_taken;
  return is_taken ? std::optional(std::move(lease)) : std::nullopt;
}

Result<MirrorRun> Publisher::RunOnce(const TableId& table, const std::string& engine) const {
  MirrorRun run;
  DELTALAKEDB_ASSIGN(const auto lease, TakeLease(table, engine, run));
  if (!lease) return run;
  MirrorProgress progress{lease->row.published, lease->row.checkpoint};
  auto worked = Work(*lease, run, progress);
  if (worked) return run;
  DELTALAKEDB_ASSIGN(const bool is_ours, NoteFailure(*lease, progress, worked.error()));
  if (is_ours) {
    run.error = std::move(worked).error();
  } else {
    run.is_busy = true;
  }
  return run;
}

Result<void> Publisher::Work(const Lease& lease, MirrorRun& run, MirrorProgress& progress) const {
  DELTALAKEDB_ASSIGN(const MirrorEngine* const engine, FindEngine(lease.row.engine));
  DELTALAKEDB_ASSIGN(const auto impl, MirrorSource::Impl::Open(database_, lease.row.table_id));
  const MirrorSource source(*impl, sink_);
  run.version = source.versions().last;
  const store::MirrorKey key = lease.row.key();
  Clock::time_point written_at = Clock::now();
  const auto write = [&](bool is_last) {
    written_at = Clock::now();
    return InWrite(*database_, [&](store::Connection& connection) -> Result<void> {
      DELTALAKEDB_ASSIGN(const std::int64_t now_us, store::MetadataStore(connection).LoadClock());
      MirrorStore store(connection);
      const MirrorStore::Progress reached{progress.published, progress.checkpoint};
      DELTALAKEDB_ASSIGN(const bool is_ours,
                         is_last ? store.Finish(key, lease.owner, reached, now_us)
                                 : store.Advance(key, {lease.owner, now_us + ToUs(limits_.lease)},
                                                 reached, now_us));
      return is_ours ? Result<void>() : Fail(TakenOver());
    });
  };
  const auto note = [&](const MirrorProgress& reached) -> Result<void> {
    if (!run.from && reached.published != progress.published) {
      run.from = progress.published ? progress.published->next() : source.versions().first;
    }
    progress = reached;
    run.published = reached.published;
    return Clock::now() - written_at < limits_.note_interval ? Result<void>() : write(false);
  };
  DELTALAKEDB_TRY(
      engine->Publish(source, {lease.row.place, lease.row.absolute_paths}, progress, note));
  return write(true);
}

// What was reached before the failure is kept.
Result<bool> Publisher::NoteFailure(const Lease& lease, const MirrorProgress& progress,
                                    const Error& error) const {
  const bool is_final = error.code() == ErrorCode::kConflict;
  const bool has_moved = progress.published != lease.row.published;
  const std::int64_t attempts = (has_moved ? 0 : lease.row.attempts) + 1;
  const auto doubled =
      limits_.first_pause * (std::int64_t{1} << std::min<std::int64_t>(attempts, 20));
  const std::int64_t pause_us = ToUs(std::min(limits_.pause_max, doubled / 2));
  const std::string text = error.message().substr(0, kErrorBytesMax);
  return InWrite(*database_, [&](store::Connection& connection) -> Result<bool> {
    DELTALAKEDB_ASSIGN(const std::int64_t now_us, store::MetadataStore(connection).LoadClock());
    MirrorStore store(connection);
    const store::MirrorKey key = lease.row.key();
    if (has_moved) {
      DELTALAKEDB_TRY(store.Advance(key, {lease.owner, now_us},
                                    {progress.published, progress.checkpoint}, now_us));
    }
    MirrorStore::Failure failure;
    failure.next_state = is_final ? store::kMirrorDiverged : store::kMirrorFailed;
    failure.attempts = attempts;
    if (!is_final) failure.next_attempt_at_us = now_us + pause_us;
    failure.version = progress.published ? progress.published->next() : lease.row.earliest_version;
    failure.error_code = ErrorCodeName(error.code());
    failure.error = text;
    failure.failed_at_us = now_us;
    return store.Fail(key, lease.owner, failure, kMirrorFailuresMax);
  });
}

Result<MirrorRun> Publisher::Run(const TableId& table, const std::string& engine,
                                 std::optional<Version> version,
                                 std::chrono::milliseconds wait_max) const {
  const auto until = Clock::now() + wait_max;
  std::optional<Version> from;
  for (;;) {
    DELTALAKEDB_ASSIGN(MirrorRun run, RunOnce(table, engine));
    if (!from) from = run.from;
    run.from = from;
    const bool has_all = run.published && *run.published >= version.value_or(run.version);
    if (run.error || has_all) {
      run.is_busy = run.is_busy && !has_all;
      return run;
    }
    if (!run.is_busy || Clock::now() >= until) return run;
    std::this_thread::sleep_for(kBusyPause);
  }
}

}  // namespace deltalakedb::mirror
