// Bringing one mirror up to date: the right to do it, the work, and what the catalog keeps of how
// it went.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "deltalakedb/log_sink.h"
#include "deltalakedb/mirror.h"
#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"
#include "store/database.h"
#include "store/mirror_store.h"

namespace deltalakedb::mirror {

struct PublishLimits {
  // How long one process may be silent before another takes over. Both at once do no harm.
  std::chrono::milliseconds lease{10'000};
  // How often the watermark is written while there is more to do.
  std::chrono::milliseconds note_interval{500};
  // Between attempts of a service; doubled with each failure.
  std::chrono::milliseconds first_pause{1'000};
  std::chrono::milliseconds pause_max{300'000};
};

// How long what a user asked for waits for another process that is at it.
inline constexpr std::chrono::milliseconds kRunWaitMax{30'000};

// Thread-safety: may be used from several threads.
class Publisher {
 public:
  // `sink` gets the warnings of engines, and outlives the publisher.
  Publisher(std::shared_ptr<store::Database> database, LogSink& sink, PublishLimits limits = {});

  // Once, unless another process is at it (MirrorRun::is_busy), the mirror has diverged, or this
  // program does not know the engine. What goes wrong with the mirror is in the answer and in the
  // catalog.
  // Errors: NotFound (no such mirror), those of the database.
  Result<MirrorRun> RunOnce(const TableId& table, const std::string& engine) const;

  // The same until the mirror has `version`, or its newest one without, waiting for whoever else is
  // at it for as long as `wait_max`.
  Result<MirrorRun> Run(const TableId& table, const std::string& engine,
                        std::optional<Version> version, std::chrono::milliseconds wait_max) const;

 private:
  struct Lease;

  // `progress` is moved as far as it got.
  Result<void> Work(const Lease& lease, MirrorRun& run, MirrorProgress& progress) const;
  // False where another process has taken over.
  Result<bool> NoteFailure(const Lease& lease, const MirrorProgress& progress,
                           const Error& error) const;
  // None where another process is at it, or nothing is to be done until somebody repairs it.
  Result<std::optional<Lease>> TakeLease(const TableId& table, const std::string& engine,
                                         MirrorRun& run) const;

  std::shared_ptr<store::Database> database_;
  LogSink& sink_;
  PublishLimits limits_;
};

// work(connection) in a write transaction, which is committed.
template <typename Work>
std::invoke_result_t<Work, store::Connection&> InWrite(store::Database& database, Work work) {
  auto connection = database.Acquire();
  if (!connection) return Fail(std::move(connection).error());
  if (auto begun = (*connection)->Begin(store::TransactionMode::kWrite); !begun) {
    return Fail(std::move(begun).error());
  }
  auto result = work(**connection);
  if (!result) {
    (*connection)->Rollback();
    return result;
  }
  if (auto committed = (*connection)->Commit(); !committed) {
    return Fail(std::move(committed).error());
  }
  return result;
}

// As users are told it; `now_us` by the database's clock.
MirrorInfo InfoOf(const store::MirrorRow& row, std::int64_t now_us);

}  // namespace deltalakedb::mirror
