// A commit as the database takes it: the rows of one version of one table, all or nothing.
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
  std::string_view dv_id;
  std::optional<std::string_view> path;  // as the live row has it, where that is known
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

// Outside of transactions. Nothing has changed unless the answer is kDone, or kUnknown: the
// connection was lost and nobody knows.
// Errors: those of the connection; nothing has changed then.
Result<CommitAnswer> RunCommit(Connection& connection, const TableCommit& commit);

// What became of a commit whose answer was lost: it is there, or from now on only the attempt
// `attempt_id` of it can happen. An attempt that is still under way is waited for. Outside of
// transactions; may be called again. Errors: NotFound (the table is gone), those of the connection.
Result<std::optional<MetadataStore::CommittedAt>> SettleCommit(Connection& connection,
                                                               const TableId& table,
                                                               std::string_view commit_id,
                                                               std::string_view attempt_id);

}  // namespace deltalakedb::store
