// What the catalog keeps of mirrors: where they are, how far, who is at work on them.
//
// As MetadataStore: the caller begins and ends transactions. Times are µs since 1970 by the
// database's clock. docs/schema.md describes every column.
// Thread-safety: as the connection. Errors: those of Connection, and what is said.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "store/connection.h"

namespace deltalakedb::store {

// `next_state`: of the version after the one that is published.
inline constexpr std::string_view kMirrorPending = "PENDING";
inline constexpr std::string_view kMirrorFailed = "FAILED";
inline constexpr std::string_view kMirrorDiverged = "DIVERGED";

struct MirrorKey {
  TableId table_id;
  std::string_view engine;
};

struct MirrorRow {
  TableId table_id;
  std::string table_name;
  std::string location;
  std::string mode;
  Version earliest_version;
  Version current_version;
  std::string engine;
  std::string place;
  bool absolute_paths = false;
  std::optional<Version> published;
  std::optional<Version> checkpoint;
  std::string next_state;
  std::int64_t attempts = 0;
  std::int64_t added_at_us = 0;
  std::optional<std::int64_t> last_attempt_at_us;
  std::optional<std::int64_t> last_success_at_us;
  std::optional<std::int64_t> next_attempt_at_us;
  std::optional<std::string> last_error;
  std::optional<std::string> owner;
  std::optional<std::int64_t> lease_until_us;
  std::optional<std::int64_t> alert_versions;
  std::optional<std::int64_t> alert_seconds;
  // When the oldest version that it lacks was ratified; none where it lacks none.
  std::optional<std::int64_t> missing_since_us;

  MirrorKey key() const { return {table_id, engine}; }
};

struct MirrorVersionRow {
  std::string engine;
  Version version;
  std::string state;  // "PENDING", "SUCCESS", "FAILED"
  std::int64_t attempts = 0;
  std::optional<std::string> error;
};

struct MirrorFailureRow {
  std::string engine;
  std::int64_t failed_at_us = 0;
  std::optional<Version> version;
  std::string error_code;
  std::string error;
};

class MirrorStore {
 public:
  explicit MirrorStore(Connection& connection) : connection_(connection) {}

  Result<std::vector<MirrorRow>> List();
  Result<std::vector<MirrorRow>> ListOf(const TableId& table);
  Result<std::optional<MirrorRow>> Find(const MirrorKey& key);
  // The versions from `first` on.
  Result<std::vector<MirrorVersionRow>> ListVersions(const TableId& table, Version first);
  Result<std::vector<MirrorFailureRow>> ListFailures(const TableId& table);

  // Of `mirror` what a new one has: key, place, paths, alert, and when it was added.
  Result<void> Insert(const MirrorRow& mirror);
  // Takes it away with its failures.
  Result<void> Delete(const MirrorKey& key);
  Result<void> SetAlert(const MirrorRow& mirror);
  Result<void> SetMode(const TableId& table, std::string_view mode);
  // Lets it begin again, at `place`.
  Result<void> Move(const MirrorKey& key, std::string_view place, bool absolute_paths,
                    std::int64_t now_us);
  // Gives the mirrors of a table to the one that takes its place.
  Result<void> Carry(const TableId& from, const TableId& to);

  // The right to publish. All but TakeLease answer false where another process has taken over.
  struct Lease {
    std::string_view owner;
    std::int64_t until_us = 0;
  };
  // `gone`: an owner that cannot go on any more.
  Result<bool> TakeLease(const MirrorKey& key, const Lease& lease, std::int64_t now_us,
                         const std::optional<std::string>& gone);
  struct Progress {
    std::optional<Version> published;
    std::optional<Version> checkpoint;
  };
  Result<bool> Advance(const MirrorKey& key, const Lease& lease, const Progress& progress,
                       std::int64_t now_us);
  Result<bool> Finish(const MirrorKey& key, std::string_view owner, const Progress& progress,
                      std::int64_t now_us);
  struct Failure {
    std::string_view next_state;
    std::int64_t attempts = 0;
    std::optional<std::int64_t> next_attempt_at_us;
    std::optional<Version> version;
    std::string_view error_code;
    std::string_view error;
    std::int64_t failed_at_us = 0;
  };
  // Also notes it among the failures, of which `failures_max` are kept.
  Result<bool> Fail(const MirrorKey& key, std::string_view owner, const Failure& failure,
                    std::int64_t failures_max);

 private:
  Result<std::vector<MirrorRow>> Read(StatementId statement, std::span<const Value> parameters);

  Connection& connection_;
};

}  // namespace deltalakedb::store
