// Finds the rows of a file that a condition is true for, and takes rows out of a file: by a
// deletion vector, or by writing the others again.
//
// Thread-safety: all of it may be used from several threads at once.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "data/data_file_reader.h"
#include "deltalakedb/result.h"
#include "expr/evaluator.h"
#include "expr/predicate.h"
#include "table/change.h"
#include "table/live_files.h"

namespace deltalakedb::table {

// Some rows of a file.
struct FoundRows {
  data::DataFile file;             // with the rows that are deleted already
  std::vector<std::int64_t> rows;  // positions, ascending
  std::int64_t stored_rows = 0;    // of the file, deleted ones among them

  std::int64_t live_rows() const {
    return stored_rows - static_cast<std::int64_t>(file.deleted_rows.size());
  }
  bool is_whole_file() const { return static_cast<std::int64_t>(rows.size()) == live_rows(); }
};

class RowFinder {
 public:
  // `where` null: all rows. Both outlive this.
  RowFinder(const Change& change, const expr::Predicate* where) : change_(change), where_(where) {}

  // Errors: those of data::DataFileReader and expr::Evaluator.
  Result<FoundRows> Find(const LiveFile& file);

 private:
  Result<std::unique_ptr<expr::Evaluator>> TakeEvaluator(
      const std::shared_ptr<arrow::Schema>& columns);
  Result<void> FindIn(const data::DataFileReader& reader, int row_group, bool is_all,
                      FoundRows& found);

  const Change& change_;
  const expr::Predicate* where_;
  std::mutex mutex_;                                          // guards what follows
  std::vector<std::unique_ptr<expr::Evaluator>> evaluators_;  // that nobody uses right now
};

// Opens a file for reading `columns` of the change's table. Errors: those of data::DataFileReader.
Result<std::unique_ptr<data::DataFileReader>> OpenDataFile(const Change& change,
                                                           data::DataFile file,
                                                           data::ReadOptions options);
// All columns, and the rows' ids where the table keeps them.
data::ReadOptions WholeRows(const Change& change);

// Takes `found.rows` out of a live file. Errors: those of Change.
Result<void> TakeOut(Change& change, const AddFile& add, const FoundRows& found);

// Calls `visit` for each file, on several threads. Errors: those of `files` and `visit`, the first.
Result<void> ForEachFile(LiveFiles files, std::size_t threads,
                         const std::function<Result<void>(const LiveFile&)>& visit);

// Deletes the rows that a condition is true for, all where it is null, and notes what the commit
// depends on. Errors: those of Change and RowFinder.
Result<void> DeleteRows(Change& change, std::shared_ptr<const expr::Predicate> where);

// How a commit depends on a condition: on the files of the partitions it may be true in.
void DependOn(Change& change, std::shared_ptr<const expr::Predicate> where);

}  // namespace deltalakedb::table
