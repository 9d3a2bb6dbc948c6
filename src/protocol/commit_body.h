// The text of a commit: canonical, so that equal actions give equal bytes.
//
// A line for each action, ended by '\n', in this order: commitInfo, which in-commit timestamps
// require to be first (PROTOCOL.md, In-commit timestamps), protocol, metaData, domainMetadata, txn,
// removes, adds, cdc, unknown actions; each kind in the order given. Fields come in the protocol's
// order, those that it does not know behind.
// Thread-safety: plain values.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/transaction.h"
#include "protocol/staged_actions.h"

namespace deltalakedb::protocol {

// What the writer of a commit says about it (PROTOCOL.md, commitInfo), in the order written, which
// is Spark's.
struct CommitInfoFields {
  std::optional<Timestamp> in_commit_timestamp;
  Timestamp timestamp;
  std::string operation;                    // "WRITE", "DELETE", …
  std::string operation_parameters = "{}";  // a JSON object; Spark's values are texts of JSON
  std::optional<Version> read_version;      // absent for the commit that makes the table
  IsolationLevel isolation_level = kDefaultIsolationLevel;  // that was asked for, or downgraded to
  bool is_blind_append = false;
  std::optional<std::string> operation_metrics;  // a JSON object; Spark's values are texts
  std::optional<std::string> user_metadata;
  std::map<std::string, std::string> tags;  // not written when empty
  std::string engine_info;
  std::string txn_id;  // the commit id
};

// The line of commitInfo with its '\n'. Of `own`, the JSON object that the user gave, those fields
// are written behind that are not written already: ours win, as they do among tags. What only the
// writer can know (inCommitTimestamp, readVersion, version) is never the user's.
// Errors: InvalidArgument (a text that is not UTF-8, parameters or metrics that are no JSON object;
// facts action and field).
Result<std::string> WriteCommitInfo(const CommitInfoFields& fields, std::string_view own = "{}");

// The longest body written. Unit: bytes.
inline constexpr std::size_t kCommitBodyBytesMax = 2'000'000'000;

// A commit's text in three parts, so that a rebase writes again only what it changes: nearly always
// the commitInfo alone, sometimes the few actions before the files, and the files only where row
// ids move.
class CommitBody {
 public:
  // Errors: InvalidArgument (as WriteCommitInfo), LimitExceeded (the text is longer than
  // `bytes_max`, a parameter for tests; fact limit).
  static Result<CommitBody> Make(const StagedActions& staged, const CommitInfoFields& info,
                                 std::size_t bytes_max = kCommitBodyBytesMax);

  // Each writes its part again from the same actions. Errors as Make; the body is then as before.
  Result<void> RewriteCommitInfo(const StagedActions& staged, const CommitInfoFields& info);
  Result<void> RewriteTableActions(const StagedActions& staged);
  Result<void> RewriteFiles(const StagedActions& staged);

  // commitInfo; protocol, metaData, domainMetadata and txn; files and unknown actions.
  std::string_view commit_info() const { return commit_info_; }
  std::string_view table_actions() const { return table_actions_; }
  std::string_view files() const { return files_; }

  std::size_t size_bytes() const {
    return commit_info_.size() + table_actions_.size() + files_.size();
  }
  // The whole text.
  std::string Text() const;

 private:
  explicit CommitBody(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Result<void> Replace(std::string& part, std::string text);

  std::size_t bytes_max_;
  std::string commit_info_;
  std::string table_actions_;
  std::string files_;
};

}  // namespace deltalakedb::protocol
