// A table as a DuckDB mirror is told of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/history.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/mirror_engine.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"

namespace deltalakedb::mirror {

// Each member as that of MirrorSource.
struct TableFeed {
  std::string table;
  std::string table_id;
  std::string location;
  VersionRange versions;
  std::function<Result<std::shared_ptr<const Snapshot>>(Version)> load_snapshot;
  std::function<Result<std::vector<HistoryEntry>>(const HistoryOptions&)> load_history;
  std::function<Result<std::optional<std::string>>(Version)> load_commit;
};

}  // namespace deltalakedb::mirror
