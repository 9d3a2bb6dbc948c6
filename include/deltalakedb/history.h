// What each commit of a table did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"

namespace deltalakedb {

struct HistoryEntry {
  Version version;
  Timestamp timestamp;                    // by the rules of time travel
  std::optional<CommitInfo> commit_info;  // absent where the commit has none
  std::optional<std::string> commit_id;   // who retried what: commitInfo.txnId in a file-based log
  std::optional<std::string> transaction_id;
  std::int64_t num_added = 0;    // add actions
  std::int64_t num_removed = 0;  // remove actions
};

// Which entries LoadHistory gives, newest first; unset bounds do not limit.
struct HistoryOptions {
  std::optional<Timestamp> since;        // at this moment or later
  std::optional<Timestamp> until;        // at this moment or earlier
  std::optional<std::string> operation;  // exactly this commitInfo.operation
  std::optional<std::int64_t> limit;     // at most so many, >= 0
};

}  // namespace deltalakedb
