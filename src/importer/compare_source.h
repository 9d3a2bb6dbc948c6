// What a catalog holds of a table, compared with an independent replay of its source.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "deltalakedb/import.h"
#include "deltalakedb/result.h"
#include "importer/source_replay.h"
#include "log/file_log.h"
#include "store/connection.h"
#include "store/rows.h"

namespace deltalakedb::importer {

// Collects what differs, up to kDifferencesMax.
class Differences {
 public:
  void Add(std::string where, std::optional<Version> version, std::string message);
  bool is_empty() const { return list_.empty(); }
  bool has_more() const { return has_more_; }
  std::vector<Difference> Take() && { return std::move(list_); }

 private:
  std::vector<Difference> list_;
  bool has_more_ = false;
};

// What to compare with.
struct SourceView {
  const SourceReplay& replay;
  const log::FileLog& log;  // for the details of a difference
  // Also compares the files with all their fields, which reads every row.
  bool with_content = true;
};

// Compares every version of the replay with the rows, within the caller's transaction.
// Errors: those of the database, and of reading the log.
Result<void> CompareWithSource(store::Connection& connection, const store::TableRow& table,
                               const SourceView& source, Differences& differences);

}  // namespace deltalakedb::importer
