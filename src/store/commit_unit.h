// A commit as the database takes it: the rows of one version of each of its tables, all or nothing.
//
// What it relies on is checked once the table's row is locked, and what depends on the version is
// set there: so the rows come without file ids, and their version is not looked at. PostgreSQL
// takes it in one round trip; the embedded databases, where asking costs nothing, step by step.
// Thread-safety: as the connection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "store/connection.h"
#include "store/metadata_store.h"
#include "store/rows.h"

namespace deltalakedb::store {

// A file whose live interval ends: one that is removed, which must be live, or one that is added
// again, which may be.
struct EndingFile {
  std::string_view path_key;  // 16 bytes
  std::string_view dv_id;     // empty without a deletion vector
  std::string_view path;      // as the live row has to spell it
  bool must_be_live = false;
};

struct TableCommit {
  TableId table_id;
  // The version that the table has to be at. None for a blind append, which takes the next one
  // whatever it is, as long as metaData and protocol are those of these versions.
  std::optional<Version> expected;
  Version metadata_version;
  Version protocol_version;
  bool sets_metadata = false;
  bool sets_protocol = false;

  // The commit's own time, which is the version's where it is in the commit.
  Timestamp timestamp;
  bool is_in_commit = false;
  std::int64_t clock_skew_ms_max = 0;
  // The last moment by the database's clock, µs since 1970.
  std::optional<std::int64_t> deadline_us;

  std::string_view commit_id;
  std::string_view attempt_id;
  std::optional<std::string_view> transaction_id;  // 16 bytes
  // Makes the commit superfluous where the table has as high a version of it.
  std::optional<std::pair<std::string_view, std::int64_t>> app_transaction;

  // As log/body_rows.h makes them, a row of the relation's columns each.
  std::span<const Value> adds;
  std::span<const Value> removes;
  std::span<const Value> cdc;
  std::span<const Value> metadata;
  std::span<const Value> protocol;
  std::span<const Value> app_transactions;
  std::span<const Value> domains;
  std::vector<EndingFile> ending;
  std::int64_t added_bytes = 0;

  std::string_view body;  // compressed; empty where it is in parts
  std::vector<BodyPart> body_parts;
  std::int64_t body_bytes = 0;  // of the text
  std::string_view body_hash;   // 16 bytes
  std::optional<std::string> commit_info;
  std::optional<std::string> operation;
};

// A table that a commit depends on and does not change.
struct ReadTable {
  TableId table_id;
  Version version;  // which it still has to be at
};

enum class CommitRefusal {
  kVersion,         // the table is at another version
  kMetadata,        // metaData or protocol changed
  kDeadline,        // it is too late
  kTimestamp,       // the commit's time is not after the last one's
  kClockSkew,       // or too far ahead
  kNotLive,         // a file that must be live is not
  kOtherVector,     // a file is live with another deletion vector
  kAppTransaction,  // the app transaction is there
  kFenced,          // another attempt was given the right to commit
  kCommitId,        // the commit is there
  kNoTable,         // the table is gone
  kShared,          // its log files decide what its versions are
};

struct CommitAnswer {
  enum class Kind { kDone, kRefused, kUnknown } kind = Kind::kDone;
  CommitRefusal refusal{};  // of kRefused
  Version version;          // of kDone, as all below
  Timestamp timestamp;
  std::int64_t ratified_at_us = 0;
  std::int64_t num_files = 0;
  std::int64_t size_in_bytes = 0;
};

struct UnitAnswer {
  CommitAnswer::Kind kind = CommitAnswer::Kind::kDone;
  CommitRefusal refusal{};
  // Of kRefused: which table, counted through those that are written and then those that are read.
  // None where that cannot be told, as of one that is gone.
  std::optional<std::size_t> refused;
  std::vector<CommitAnswer> tables;  // of kDone, as they were given
};

// Outside of transactions, as all below. Nothing has changed unless the answer is kDone, or
// kUnknown: the connection was lost and nobody knows.
// Errors: those of the connection; nothing has changed then.
Result<CommitAnswer> RunCommit(Connection& connection, const TableCommit& commit);

// The same for several tables, each named once: their rows are locked in the order of their ids,
// and all get one ratified_at. With one version of each, or none of any.
Result<UnitAnswer> RunCommits(Connection& connection, std::span<const TableCommit> tables,
                              std::span<const ReadTable> read = {});

// Blind appends to one table, without an expected version: adds and app transactions only, and no
// two that name the same path, application or commit. In their order, a version for each; what is
// wrong with one is its own answer. All of them are made durable together.
// Errors: those of the connection; none of them was made then.
Result<std::vector<CommitAnswer>> RunAppends(Connection& connection,
                                             std::span<const TableCommit* const> commits);

// What became of a commit whose answer was lost: it is there, or from now on only the attempt
// `attempt_id` of it can happen. An attempt that is still under way is waited for. May be called
// again. Errors: NotFound (the table is gone), those of the connection.
Result<std::optional<MetadataStore::CommittedAt>> SettleCommit(Connection& connection,
                                                               const TableId& table,
                                                               std::string_view commit_id,
                                                               std::string_view attempt_id);

}  // namespace deltalakedb::store
