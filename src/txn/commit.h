// Making a version of a transaction's actions: checks, the text, the proposal, and what to do when
// others were first or an answer is lost (DESIGN.md, Committing).
//
// Thread-safety: as the actions, which belong to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/transaction.h"
#include "log/transaction_log.h"
#include "protocol/commit_body.h"
#include "protocol/staged_actions.h"
#include "txn/conflict.h"

namespace deltalakedb::txn {

// Attempts of one commit, each after others were first.
inline constexpr int kCommitAttemptsMax = 1000;
// Times that a lost answer is asked after.
inline constexpr int kSettleAttemptsMax = 10;

struct CommitOptions {
  TransactionReads reads;
  // Else delta.isolationLevel of the table, else Serializable.
  std::optional<IsolationLevel> isolation;
  // The version after the base, or none.
  bool is_exact = false;
  // Nothing was read, and the base is whatever was known: where it has become too old, the commit
  // stands on the latest version instead.
  bool may_stand_anywhere = false;
  // operation, operation_parameters, operation_metrics, user_metadata, engine_info, tags; the rest
  // is set here.
  protocol::CommitInfoFields info;
  // One of its own when empty.
  std::string commit_id;
  // Skips the commit where the table has as high a version of it, and is committed with it.
  std::optional<AppTransaction> app_transaction;
  int attempts_max = kCommitAttemptsMax;
};

struct CommitOutcome {
  enum class Kind {
    kCommitted,   // as `version`
    kConflicted,  // what others did contradicts it: `error` says what; nothing has changed
    kInDoubt,     // whether it is there could not be found out: commit again with its commit id
  } kind = Kind::kCommitted;
  Version version;
  Timestamp timestamp;
  std::string commit_id;
  bool is_skipped = false;  // the app transaction was there already, up to `version`
  int attempts = 0;
  std::optional<Error> error;
};

// Commits `staged` on top of `base`, which is what the transaction read. `staged` gets row ids and
// its own domain on the way. A commit id that the caller gives is looked for first.
// Errors: InvalidArgument, Unsupported (what is wrong with the actions, before anything is written,
// or with regard to the files of the table), those of the log; nothing has changed.
Result<CommitOutcome> Commit(const TransactionLog& log, std::shared_ptr<const CommitBase> base,
                             protocol::StagedActions& staged, CommitOptions options);

}  // namespace deltalakedb::txn
