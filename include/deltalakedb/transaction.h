// Changing a table: actions that become its next version together, or not at all.
//
// For one table, in a database or in a folder. A TableWriter is opened once and may be used from
// several threads at once; a Transaction belongs to one thread at a time.
//
//   DELTALAKEDB_ASSIGN(auto writer, TableWriter::Open("deltasql://sqlite/meta.db?table=t"));
//   DELTALAKEDB_ASSIGN(auto transaction, writer.Begin());
//   DELTALAKEDB_TRY(transaction.Add(file));
//   DELTALAKEDB_ASSIGN(const CommitReport report, transaction.Commit());
//   if (report.outcome == CommitReport::Outcome::kConflicted) return Fail(*report.error);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/error.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"

namespace deltalakedb {

// How much of what others committed since the version that was read makes a commit fail, strictest
// first.
enum class IsolationLevel {
  kSerializable,       // any file that the transaction should have read
  kWriteSerializable,  // the same, but files of blind appends count as added after this commit
  kSnapshotIsolation,  // no added file: only what both change
};

// What a table has where neither the caller nor `delta.isolationLevel` says otherwise.
inline constexpr IsolationLevel kDefaultIsolationLevel = IsolationLevel::kSerializable;

// "Serializable", "WriteSerializable", "SnapshotIsolation": as commitInfo has them.
std::string_view IsolationLevelName(IsolationLevel level);

// By name, ASCII letters of either case being equal: engines spell `delta.isolationLevel` in
// several ways. Errors: InvalidArgument (fact `isolationLevel`).
Result<IsolationLevel> ParseIsolationLevel(std::string_view name);

// What a commit depends on, for the rules of conflicts.
enum class ReadScope {
  kByActions,  // nothing where it only adds files, else the whole table
  kNothing,
  kWholeTable,
};

struct TransactionOptions {
  // The version that was read; the latest when absent. What was committed since is looked at, and
  // the commit comes after it where Delta's rules allow.
  std::optional<Version> read_version;
  // The version that has to be the latest: the commit is the next one, or nothing. Not together
  // with read_version.
  std::optional<Version> expected_version;
  // Else the table's delta.isolationLevel, else Serializable.
  std::optional<IsolationLevel> isolation;
  ReadScope reads = ReadScope::kByActions;
  // Of commitInfo: what was done, with its parameters and metrics as JSON objects. What is not said
  // here is as a commitInfo among the actions has it, else WRITE, without parameters.
  std::optional<std::string> operation;
  std::optional<std::string> operation_parameters;
  std::optional<std::string> operation_metrics;
  std::optional<std::string> user_metadata;
  // Names the commit, so that making it again after a lost answer or a crash does not double it.
  // Any text of up to 255 bytes; one of its own when empty.
  std::string commit_id;
  // Committed with the actions, which are skipped where the table has as high a version of it.
  std::optional<AppTransaction> app_transaction;
};

struct CommitReport {
  enum class Outcome {
    kCommitted,   // durable, as `version`
    kConflicted,  // what others committed contradicts it; nothing has changed
    kInDoubt,     // nobody could tell whether it is there: make it again with its commit id
  } outcome = Outcome::kCommitted;
  Version version;  // of kCommitted
  Timestamp timestamp;
  std::string commit_id;
  bool is_skipped = false;  // the app transaction was there already
  int attempts = 0;         // none where a commit of that id was there already
  // Of the other two. Of code Conflict: facts conflict (which rule), version (the other commit),
  // file, appId or domain.
  std::optional<Error> error;
};

class Transaction {
 public:
  // Reads the version that the transaction stands on. With ReadScope::kNothing and no version that
  // is what the writer knows of the table, so that a series of appends reads it once.
  // Errors: those of DeltaTable::Open and LoadState, InvalidArgument (options that contradict each
  // other), Unsupported (writer features that this program cannot keep), Conflict (the table is no
  // longer at the expected version).
  static Result<Transaction> Begin(std::string_view uri, const TransactionOptions& options = {});

  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  Version read_version() const;

  // An action each, which is copied. After an error nothing was added.
  // Errors: InvalidArgument (facts action and field), LimitExceeded.
  Result<void> Add(const AddFile& add);
  Result<void> Add(const RemoveFile& remove);
  Result<void> Add(const CdcFile& cdc);
  Result<void> Add(Metadata metadata);
  Result<void> Add(Protocol protocol);
  Result<void> Add(AppTransaction transaction);
  Result<void> Add(DomainMetadata domain);
  // A line in the form of a commit's text, such as {"add":{…}}; fields that the protocol does not
  // know are kept. `number` counts from 1 and is for messages.
  Result<void> AddLine(std::string_view line, std::int64_t number);

  // Once. Errors: InvalidArgument, Unsupported (an action, named with its field, or line where it
  // came as one), those of the log; nothing has changed.
  Result<CommitReport> Commit();

 private:
  friend class TableWriter;
  class Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// How a table's mirrors follow the commits of a writer. Whatever goes wrong with them, a commit is
// a commit; docs/mirror.md tells who goes on then.
enum class Mirroring {
  kWait,        // Commit returns when the mirrors have the version, or have failed to take it
  kBackground,  // a thread of the writer's publishes while others commit; the writer's end waits
  kNone,        // left to other writers, `mirror run` and the service
};

struct WriterOptions {
  Mirroring mirroring = Mirroring::kWait;
  // Gets warnings, as in OpenOptions; outlives the writer and its transactions. Null drops them.
  LogSink* log_sink = nullptr;
};

// A table that is written to, its connections and what is known of it. Share one among the threads
// of a process: what they append at the same time is written together.
class TableWriter {
 public:
  // Errors: those of DeltaTable::Open.
  static Result<TableWriter> Open(std::string_view uri, const WriterOptions& options = {});
  TableWriter(TableWriter&&) noexcept;
  TableWriter& operator=(TableWriter&&) noexcept;
  // Transactions that have begun go on.
  ~TableWriter();

  // Reads the version that the transaction stands on. With ReadScope::kNothing and no version that
  // is what the writer knows of the table, so that a series of appends reads it once.
  // Errors: those of DeltaTable::LoadState, InvalidArgument (options that contradict each other),
  // Unsupported (writer features that this program cannot keep).
  Result<Transaction> Begin(const TransactionOptions& options = {}) const;

 private:
  friend class Transaction;
  class Impl;
  explicit TableWriter(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace deltalakedb
