// What a commit has to do so that a table is again what it was at an earlier version.
//
// Thread-safety: free functions; a plan belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "protocol/staged_actions.h"

namespace deltalakedb::table {

struct RestoreInput {
  const Snapshot& current;   // that the commit stands on
  const Snapshot& restored;  // of the same table
  std::string table_root;    // as TransactionLog::table_root has it
  Timestamp now;             // when files are removed
};

struct RestorePlan {
  // Adds, removes, and the metaData where it becomes another one. Empty where the table is what it
  // was. It owns its texts.
  protocol::StagedActions actions;
  std::int64_t num_restored_files = 0;
  std::int64_t num_removed_files = 0;
  std::int64_t restored_files_size = 0;  // bytes, as are the others
  std::int64_t removed_files_size = 0;
  std::int64_t num_files_after = 0;
  std::int64_t table_size_after = 0;

  // operationMetrics of commitInfo, by Spark's names.
  std::string MetricsJson() const;
};

// Compares the two by path and deletion vector. Files that both have stay untouched. Those that
// come back keep all that their adds said, row ids included, and have to be there, their deletion
// vectors too. Memory: 16 bytes for each file of the current version, and the actions.
//
// The protocol is not lowered. The metaData is that of the restored version but for what may not
// go back: its id, in-commit timestamps, row tracking, the highest column id, and the marks of
// identity columns.
// Errors: NotFound (a file is gone: the facts file, which is the first of them, and missingFiles,
// their number), LimitExceeded (those of StagedActions), Corrupt, those of the streams and of file
// systems.
Result<RestorePlan> PlanRestore(const RestoreInput& input);

// That metaData.
Result<Metadata> RestoredMetadata(const Metadata& current, const Metadata& restored);

}  // namespace deltalakedb::table
