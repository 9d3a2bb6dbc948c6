// Mirrors: what lets other engines see a table whose log is in a catalog.
//
// A mirror follows its table: TableWriter brings it up to date after each commit, RunMirrors and
// WatchMirrors whatever is left. Its watermark is in the catalog, so that nothing is forgotten when
// a process dies. docs/mirror.md is the guide.
// Thread-safety: free functions, safe from any thread and from several processes.
//
//   DELTALAKEDB_TRY(AddMirror("deltasql://sqlite/meta.db?table=orders", {.engine = "delta"}));
//   auto runs = RunMirrors("deltasql://sqlite/meta.db?table=orders");
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/error.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/import.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"

namespace deltalakedb {

// Who decides what the next version of a table is.
enum class TableMode {
  kExclusive,  // the catalog; engines outside read
  kShared,     // the log file in the table's folder: engines outside write too
};

// "exclusive", "shared".
std::string_view TableModeName(TableMode mode);
// Errors: InvalidArgument.
Result<TableMode> ParseTableMode(std::string_view name);

// When a mirror counts as too far behind.
struct MirrorAlert {
  std::optional<std::int64_t> versions = std::nullopt;  // more than so many are missing
  std::optional<std::int64_t> seconds = std::nullopt;   // the oldest that is missing is older
};

struct NewMirror {
  std::string engine = "delta";  // or an alias, such as `spark` for `delta`
  // Where it is kept; the table's location, or a default of the engine's there, when absent.
  std::optional<std::string> to = std::nullopt;
  // `delta`: files are named by where they are now, so that the mirror can stand anywhere.
  bool absolute_paths = false;
  // Has to be given where the mirror is in the folder of a log that the table was imported from.
  std::optional<TableMode> mode = std::nullopt;
  MirrorAlert alert = {};
};

enum class MirrorState {
  kPending,   // up to date, or on its way
  kFailed,    // the last attempt failed; it is made again
  kDiverged,  // it has what the catalog does not; nothing is done until `repair`
};

// "PENDING", "FAILED", "DIVERGED".
std::string_view MirrorStateName(MirrorState state);

struct MirrorInfo {
  std::string table;
  std::string engine;
  std::string place;
  bool absolute_paths = false;
  TableMode mode = TableMode::kExclusive;
  Version version;                    // the table's newest
  std::optional<Version> published;   // the mirror's; none before the first
  std::optional<Version> checkpoint;  // the newest that the mirror has from us
  MirrorState state = MirrorState::kPending;
  std::int64_t lag_versions = 0;
  std::int64_t lag_ms = 0;    // since the oldest version that is missing was committed
  std::int64_t attempts = 0;  // that failed since the last success
  std::optional<Timestamp> last_attempt;
  std::optional<Timestamp> last_success;
  std::optional<Timestamp> next_attempt;  // of a service, after a failure
  std::optional<std::string> last_error;  // where the state is not kPending
  MirrorAlert alert;
  bool is_alert = false;  // diverged, or behind by more than `alert` allows
};

// How the versions of a table stand with one mirror.
struct MirrorVersion {
  std::string engine;
  Version version;
  enum class State { kPending, kSuccess, kFailed } state = State::kPending;
  std::int64_t attempts = 0;  // that failed
  std::optional<std::string> error;
};
std::string_view MirrorVersionStateName(MirrorVersion::State state);

struct MirrorFailure {
  std::string engine;
  Timestamp failed_at;
  std::optional<Version> version;  // the one that was next
  std::string error_code;
  std::string error;
};
// So many are kept of each mirror.
inline constexpr std::int64_t kMirrorFailuresMax = 100;

// Begins a mirror; nothing is published yet. The same again changes `alert` and the mode, and
// answers false.
// Errors: InvalidArgument (not a table in a catalog, no such engine, no mode where one has to be
// given, shared mode elsewhere than at the table's location), AlreadyExists (a mirror of that
// engine is elsewhere), NotFound, those of the database.
Result<bool> AddMirror(std::string_view table_uri, const NewMirror& mirror = {});

// Ends the mirrors of a table, or that of one engine, and answers what they were; what they have
// written stays. A shared table is exclusive from then on.
// Errors: NotFound (there is none), those of the database.
Result<std::vector<MirrorInfo>> RemoveMirror(std::string_view table_uri,
                                             const std::optional<std::string>& engine = {});

// The mirrors of a table, or of all tables of a catalog.
Result<std::vector<MirrorInfo>> ListMirrors(std::string_view uri);
// The newest `limit` versions of a table, newest first, for each of its mirrors.
Result<std::vector<MirrorVersion>> ListMirrorVersions(std::string_view table_uri,
                                                      std::int64_t limit);
// What went wrong, newest first; at most kMirrorFailuresMax of each mirror.
Result<std::vector<MirrorFailure>> ListMirrorFailures(std::string_view table_uri);

struct MirrorRun {
  std::string table;
  std::string engine;
  std::string place;
  std::optional<Version> from;       // the first that was published now; none for nothing
  std::optional<Version> published;  // the newest that the mirror has
  Version version;                   // the table's
  bool is_busy = false;              // another process is at it
  std::optional<Error> error;        // Conflict: the mirror has diverged
};

struct RunOptions {
  std::optional<std::string> engine;  // all when absent
  LogSink* log_sink = nullptr;        // gets warnings; null drops them
};

// Brings the mirrors of a table up to date, now, whatever happened before: only those that have
// diverged are left as they are. A mirror that fails keeps no other one from being run.
// Errors: as AddMirror; NotFound also where the table has no mirror.
Result<std::vector<MirrorRun>> RunMirrors(std::string_view table_uri,
                                          const RunOptions& options = {});

struct MirrorVerification {
  std::string table;
  std::string engine;
  std::string place;
  std::optional<Version> published;
  std::vector<Difference> differences;
};

// Compares mirrors with the catalog. Changes nothing.
Result<std::vector<MirrorVerification>> VerifyMirrors(std::string_view table_uri,
                                                      const RunOptions& options = {});

// Takes in, in order, what other engines have committed in the log at the table's location, and
// moves the mirror there on. The catalog's own table becomes diverged where both sides have made
// the same version.
// Errors: InvalidArgument (no delta mirror at the table's location), Conflict (both sides have a
// version: facts version, table), those of ImportTable.
Result<ImportReport> SyncTable(std::string_view table_uri, LogSink* log_sink = nullptr);

// Which side of a mirror that has diverged is right.
enum class RepairKeep {
  kDatabase,  // the mirror begins anew at another place, with absolute paths; the old one stays
  kFiles,     // the table is imported anew from its location; the old one stays under another name
};

struct RepairOptions {
  RepairKeep keep = RepairKeep::kDatabase;
  std::optional<std::string> to;      // with kDatabase: the new place
  std::optional<std::string> engine;  // with kDatabase: which mirror; `delta` when absent
  LogSink* log_sink = nullptr;
};

struct RepairReport {
  std::string table;
  std::string place;                          // of the mirror, from now on
  std::optional<std::string> replaced_table;  // kFiles: what the old table is called now
  std::optional<Version> published;
  Version version;
};

// A way out of a divergence. Nothing is deleted.
// Errors: InvalidArgument (options that do not fit), those of AddMirror and ImportTable.
Result<RepairReport> RepairMirror(std::string_view table_uri, const RepairOptions& options);

struct WatchOptions {
  std::chrono::milliseconds interval{1'000};
  // Takes in what other engines write at the tables' locations, too.
  bool sync = true;
  // Ends when everything is published, or has failed.
  bool once = false;
  std::function<void(const MirrorRun&)> on_run;  // after each that did something, or failed
  LogSink* log_sink = nullptr;
};

// The service: keeps the mirrors of all tables of a catalog up to date until it is told to stop.
// Failures are tried again with growing pauses; a catalog that does not answer, too. Any number of
// processes may do this at once.
// Errors: those of opening the catalog at first; InvalidArgument.
Result<void> WatchMirrors(std::string_view catalog_uri, const WatchOptions& options,
                          const std::stop_token& stop);

}  // namespace deltalakedb
