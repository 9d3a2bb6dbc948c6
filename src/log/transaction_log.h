// A table's transaction log, wherever it is kept: `_delta_log` on a file system (FileLog) or a
// database (SqlLog). DeltaTable, import and mirror are written against this.
//
// Thread-safety: all members may be called from several threads at once.
#pragma once

#include <memory>
#include <vector>

#include "deltalakedb/history.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "deltalakedb/table.h"

namespace deltalakedb {

class TransactionLog {
 public:
  virtual ~TransactionLog() = default;

  // What DeltaTable promises under the same names (deltalakedb/table.h).
  virtual Result<Version> LoadLatestVersion() const = 0;
  virtual Result<std::shared_ptr<const Snapshot>> LoadSnapshot(TableVersion which) const = 0;
  virtual Result<TableState> LoadState(TableVersion which) const = 0;
  virtual Result<std::vector<HistoryEntry>> LoadHistory(const HistoryOptions& options) const = 0;
};

}  // namespace deltalakedb
