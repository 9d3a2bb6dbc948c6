// WatchMirrors: rounds over the mirrors of a catalog, with nothing kept in between that another
// process could not know.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/try.h"
#include "deltalakedb/mirror.h"
#include "deltalakedb/secret.h"
#include "mirror/engines.h"
#include "mirror/open_table.h"
#include "mirror/publisher.h"
#include "mirror/sync.h"
#include "store/metadata_store.h"
#include "store/mirror_store.h"

namespace deltalakedb {

namespace {

using mirror::OpenCatalog;
using store::DatabaseMode;
using store::MirrorRow;
using store::MirrorStore;

// A mirror that is slow, as one on an object store may be, keeps so many others going.
constexpr std::size_t kThreads = 4;

class Watch {
 public:
  Watch(std::string_view uri, const WatchOptions& options, const std::stop_token& stop)
      : uri_(uri), options_(options), stop_(stop), sink_(SinkOrNull(options.log_sink)) {}

  Result<void> Run();

 private:
  // Whether there is more to do at once.
  Result<bool> Round(const OpenCatalog& catalog);
  bool Handle(const OpenCatalog& catalog, const MirrorRow& row, std::int64_t now_us);
  bool TakeIn(const OpenCatalog& catalog, const MirrorRow& row);
  void Pause();
  void Warn(const std::string& text) { sink_.Write(LogLevel::kWarning, text); }
  bool ShouldStop() const { return stop_.stop_requested(); }

  std::string_view uri_;
  const WatchOptions& options_;
  const std::stop_token& stop_;
  LogSink& sink_;
  std::mutex mutex_;  // of on_run
};

void Watch::Pause() {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any stopped;
  stopped.wait_for(lock, stop_, options_.interval, [] { return false; });
}

// What other engines wrote where the table's own log is.
bool Watch::TakeIn(const OpenCatalog& catalog, const MirrorRow& row) {
  const auto table = catalog.database->Read([&](store::Connection& connection) {
    return store::MetadataStore(connection).FindTable(row.table_id);
  });
  if (!table || !*table) return false;
  const auto has_more = mirror::HasMore(**table);
  if (!has_more || !*has_more) return false;
  auto uri = catalog.uri.WithTable(row.table_name);
  if (!uri) return false;
  const Secret text = uri->ToStringWithPassword();
  const auto report = mirror::TakeIn(text.reveal(), **table, Verification::kCounts, sink_);
  if (report) return report->from_version.has_value();
  // A divergence is found and noted by the publisher; anything else passes or is told again.
  Warn(fmt::format("table {}: {}", row.table_name, report.error().message()));
  return report.error().code() == ErrorCode::kConflict;
}

bool Watch::Handle(const OpenCatalog& catalog, const MirrorRow& row, std::int64_t now_us) {
  if (row.next_state == store::kMirrorDiverged || !mirror::FindEngine(row.engine)) return false;
  if (!options_.once && row.next_attempt_at_us.value_or(0) > now_us) return false;
  const bool is_own = row.engine == mirror::kDeltaEngine && row.place == row.location;
  const bool has_taken = options_.sync && is_own && TakeIn(catalog, row);
  // Where no version is missing it was the checkpoint that failed.
  const bool owes = !row.published || *row.published < row.current_version ||
                    row.next_state == store::kMirrorFailed;
  if (!owes && !has_taken) return false;
  const auto run = mirror::Publisher(catalog.database, sink_).RunOnce(row.table_id, row.engine);
  if (!run) {
    Warn(fmt::format("{} mirror of table {}: {}", row.engine, row.table_name,
                     run.error().message()));
    return false;
  }
  if (options_.on_run && (run->from || run->error)) {
    const std::lock_guard lock(mutex_);
    options_.on_run(*run);
  }
  return run->from.has_value() && !run->error;
}

Result<bool> Watch::Round(const OpenCatalog& catalog) {
  std::int64_t now_us = 0;
  DELTALAKEDB_ASSIGN(
      const auto rows,
      catalog.database->Read([&](store::Connection& connection) -> Result<std::vector<MirrorRow>> {
        DELTALAKEDB_ASSIGN(now_us, store::MetadataStore(connection).LoadClock());
        return MirrorStore(connection).List();
      }));
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> has_more = false;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kThreads, rows.size()); ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < rows.size() && !ShouldStop(); at = next++) {
          if (Handle(catalog, rows[at], now_us)) has_more = true;
        }
      });
    }
  }
  return has_more.load();
}

Result<void> Watch::Run() {
  if (options_.interval.count() < 1) {
    return Fail(ErrorCode::kInvalidArgument, "the interval has to be a millisecond at least");
  }
  DELTALAKEDB_ASSIGN(std::optional<OpenCatalog> catalog,
                     mirror::OpenCatalogOf(uri_, DatabaseMode::kWrite));
  // Of a DuckDB file only one process can have a connection, so that it is closed in between.
  const bool closes = catalog->uri.kind() == UriKind::kDuckDb;
  while (!ShouldStop()) {
    auto has_more = [&]() -> Result<bool> {
      if (!catalog) {
        DELTALAKEDB_ASSIGN(catalog, mirror::OpenCatalogOf(uri_, DatabaseMode::kWrite));
      }
      return Round(*catalog);
    }();
    if (!has_more) Warn(has_more.error().message());
    if (options_.once && !(has_more && *has_more)) {
      return has_more ? Result<void>() : Fail(std::move(has_more).error());
    }
    if (closes) catalog.reset();
    if (!has_more || !*has_more) Pause();
  }
  return {};
}

}  // namespace

Result<void> WatchMirrors(std::string_view catalog_uri, const WatchOptions& options,
                          const std::stop_token& stop) {
  return Watch(catalog_uri, options, stop).Run();
}

}  // namespace deltalakedb
