// Whether a commit may come after another one that was made meanwhile (PROTOCOL.md, Conflict
// resolution: Delta Spark's rules in its order).
//
// Pure: winners come as summaries, wherever they are read from.
// Thread-safety: plain values and pure functions.
//
//   txn::Rebase base = txn::StandOn(snapshot.state());
//   for (const txn::CommitSummary& winner : winners) {  // in order of version
//     DELTALAKEDB_ASSIGN(base, txn::CheckConflicts({staged, reads, base, level, operation, root},
//                                                  winner));
//   }
//   // then txn/rebase.h: row ids, in-commit timestamp, the version after base.version
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "deltalakedb/transaction.h"
#include "protocol/action_json.h"
#include "protocol/staged_actions.h"

namespace deltalakedb::txn {

// A file that a winner adds or removes.
struct WinnerFile {
  using PartitionValues = std::map<std::string, std::optional<std::string>, std::less<>>;

  std::string path;   // canonical (protocol/paths.h)
  std::string dv_id;  // empty without a deletion vector
  bool data_change = false;
  std::optional<PartitionValues> partition_values;  // a remove may not state them
  std::optional<std::int64_t> base_row_id;          // of an add
  std::optional<std::int64_t> default_row_commit_version;
};

// What a commit did, as the rules need it.
struct CommitSummary {
  Version version;
  Timestamp timestamp;  // of the version, by the rules of time travel
  std::optional<CommitInfo> commit_info;
  std::vector<WinnerFile> adds;
  std::vector<WinnerFile> removes;
  std::optional<Metadata> metadata;
  std::optional<Protocol> protocol;
  std::vector<AppTransaction> app_transactions;
  std::vector<DomainMetadata> domain_metadata;
};

// Adds what an action says to a summary. `table_root` as protocol/paths.h takes it.
void TakeAction(protocol::Action action, std::string_view table_root, CommitSummary& summary);

// The summary of a commit's text, whoever wrote it. `table_root` as protocol/paths.h takes it; the
// timestamp is for the caller to set unless commitInfo has an in-commit timestamp. Errors: Corrupt
// (fact line, counted from 1), LimitExceeded.
Result<CommitSummary> SummarizeCommit(Version version, std::string_view body,
                                      std::string_view table_root);

// What a transaction depends on, at the version it read.
struct TransactionReads {
  bool whole_table = false;
  // Canonical paths of files that were read.
  std::unordered_set<std::string> files;
  // Whether a file could have what was looked for, by its partition values; empty where nothing
  // was looked for. On a table without partitions, looking for something is reading all.
  std::function<bool(const WinnerFile::PartitionValues&)> may_match;
  // Applications whose progress was asked for.
  std::set<std::string, std::less<>> app_ids;

  bool DependsOnFiles() const { return whole_table || !files.empty() || may_match != nullptr; }
};

struct RowIds {
  std::optional<std::int64_t> base_row_id;
  std::optional<std::int64_t> default_row_commit_version;
};
using BackfilledRowIds = std::map<std::string, RowIds, std::less<>>;  // by canonical path

// The version a commit comes after, so far: what was read, then one winner after the other.
struct Rebase {
  Version version;
  Timestamp timestamp;
  std::shared_ptr<const Protocol> protocol;
  std::shared_ptr<const Metadata> metadata;
  // Of `delta.rowTracking`; -1 where no row has an id yet.
  std::int64_t row_id_high_water_mark = -1;
  // Row ids that winners gave to files which the commit names too.
  BackfilledRowIds backfilled;
  // A winner enabled row tracking: the commit's tag delta.rowTracking.preserved has to be false.
  bool row_tracking_not_preserved = false;
};

// Where a commit starts from.
// Errors: Corrupt (a `delta.rowTracking` domain that cannot be understood).
Result<Rebase> StandOn(const TableState& state);

// A commit that has lost a race.
struct Contender {
  const protocol::StagedActions& staged;
  const TransactionReads& reads;
  const Rebase& base;  // the winner's version is the next one
  IsolationLevel isolation = kDefaultIsolationLevel;
  std::string_view operation;   // of its commitInfo
  std::string_view table_root;  // as protocol/paths.h takes it
};

// Which files of winners the rules look at, so that a caller need not load the others.
struct SummaryNeeds {
  bool adds = false;
  bool removes = false;
};
SummaryNeeds NeedsOf(const Contender& mine);

// Whether a commit only adds files and depends on none (`isBlindAppend` of its commitInfo).
bool IsBlindAppend(const protocol::StagedActions& staged, const TransactionReads& reads);

// The level that counts: SnapshotIsolation where nothing changes data and there are file actions
// only, so that a compaction does not fail by appends; else the one asked for.
IsolationLevel EffectiveIsolation(const protocol::StagedActions& staged, IsolationLevel asked);

// The commit as if it had read the winner's version. Row ids and timestamps that have to move are
// for the caller to set (txn/rebase.h).
//
// Where Delta Spark would change the actions of a backfill of row ids that lost, or of its
// opposite, such a commit conflicts instead; it can be prepared again. Errors: Conflict, with the
// facts
//   conflict  ProtocolChanged, MetadataChanged, ConcurrentTransaction, ConcurrentAppend,
//             ConcurrentDeleteRead or ConcurrentDeleteDelete
//   version   the winner's
//   file, appId, domain, features   what it is about, where there is such a thing
// Corrupt (a winner's schema or `delta.rowTracking` domain that cannot be understood).
Result<Rebase> CheckConflicts(const Contender& mine, const CommitSummary& winner);

}  // namespace deltalakedb::txn
