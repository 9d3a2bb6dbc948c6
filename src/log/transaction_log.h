// A table's transaction log, wherever it is kept: `_delta_log` on a file system (FileLog) or a
// database (SqlLog). DeltaTable, import and mirror are written against this.
//
// Thread-safety: all members may be called from several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/history.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "deltalakedb/table.h"

namespace deltalakedb {

namespace storage {
struct RemoveBatch;  // storage/checkpoint_parquet.h
}

// What a commit stands on: the state that was read, and the versions that set its metaData and
// protocol, which are others as soon as somebody changed one of them.
struct CommitBase {
  TableState state;
  Version metadata_version;
  Version protocol_version;
};

// A version as its writer proposes it.
struct ProposedCommit {
  std::string_view body;  // its whole text
  // The version that it comes after, which has to be the latest. None where the log
  // takes_any_version() and the commit may come after any one that left metaData and protocol as
  // they were at these versions.
  std::optional<Version> after;
  Version metadata_version;
  Version protocol_version;
  Timestamp timestamp;  // that of its commitInfo
  bool is_in_commit = false;
  std::string_view commit_id;   // the same for every attempt
  std::string_view attempt_id;  // of this one
  // Makes it superfluous where the table has as high a version of it.
  std::optional<std::pair<std::string_view, std::int64_t>> app_transaction;
};

struct ProposalAnswer {
  enum class Kind {
    kCommitted,    // it is `version`; durable
    kLost,         // others committed first: look at what they did, and propose anew
    kThere,        // an earlier attempt of the same commit is `version`
    kSuperfluous,  // the app transaction is there
    kFiles,    // a file that it removes is not live, or one that it adds is, with another vector
    kTime,     // its in-commit timestamp is not after the last one, or too far ahead
    kFenced,   // only another attempt may happen now
    kUnknown,  // the answer was lost: ask Settle
  } kind = Kind::kCommitted;
  Version version;
  Timestamp timestamp;
};

class TransactionLog {
 public:
  virtual ~TransactionLog() = default;

  // What DeltaTable promises under the same names (deltalakedb/table.h).
  virtual Result<Version> LoadLatestVersion() const = 0;
  virtual Result<std::shared_ptr<const Snapshot>> LoadSnapshot(TableVersion which) const = 0;
  virtual Result<TableState> LoadState(TableVersion which) const = 0;
  virtual Result<std::vector<HistoryEntry>> LoadHistory(const HistoryOptions& options) const = 0;

  // ---- for writers (src/txn) ----

  // As LoadState. Errors also: Unsupported (a version that this program cannot read).
  virtual Result<CommitBase> LoadCommitBase(TableVersion which) const = 0;
  // The text of a version's commit. Errors: NotFound (it is gone), those of reading.
  virtual Result<std::string> LoadCommitText(Version version) const = 0;
  // Makes the commit a version, or says why not; then nothing has changed, but for kUnknown. Errors
  // likewise: nothing has changed.
  virtual Result<ProposalAnswer> Propose(const ProposedCommit& commit) const = 0;
  // After kUnknown: whether the commit is there (kThere). Otherwise it never will be, unless it is
  // proposed again as the attempt `attempt_id` (kLost). May be asked again.
  virtual Result<ProposalAnswer> Settle(const ProposedCommit& commit,
                                        std::string_view attempt_id) const = 0;
  // Whether commits need not say what they come after.
  virtual bool takes_any_version() const = 0;
  // The version that a commit of this id is, as kThere; nullopt where it is in none that the log
  // looks at.
  virtual Result<std::optional<ProposalAnswer>> FindCommit(std::string_view commit_id) const = 0;
  // The clock that timestamps are measured by: as it is, and as it should be by what is known of
  // it, which costs nothing.
  virtual Result<Timestamp> LoadClock() const = 0;
  virtual Result<Timestamp> EstimateClock() const = 0;
  // As protocol/paths.h takes it.
  virtual std::string table_root() const = 0;

  // ---- for vacuum ----

  // Calls `visit` with the removed files of a version, unordered: all whose deletionTimestamp is
  // after `expiry`, one that is absent counting as 0, and maybe others. Some may come twice.
  // Errors: as LoadSnapshot; those of `visit`.
  using TombstoneVisitor = std::function<Result<void>(const storage::RemoveBatch&)>;
  virtual Result<void> VisitTombstones(Version version, Timestamp expiry,
                                       const TombstoneVisitor& visit) const = 0;
  // Files and folders that whoever keeps the log knows of and that are not this table's data: other
  // tables, mirrors, the catalog itself. Local absolute paths or encoded URIs; a folder knows of
  // none. Errors: those of the database.
  virtual Result<std::vector<std::string>> ListOtherPlaces() const = 0;
};

}  // namespace deltalakedb
