// The rows to be merged into a table, found by their keys: DuckDB keeps and joins them, on disk
// where they are many.
//
// Thread-safety: belongs to one thread at a time.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"

namespace deltalakedb::expr {

struct KeyJoinOptions {
  // Beyond it rows are kept in a folder of temporary files, which is removed at the end. At least
  // 64. Unit: MiB.
  int memory_mib = 1024;
};

class KeyJoin {
 public:
  virtual ~KeyJoin() = default;

  // Reads all of `source`. Keys are columns of it, equal as SQL's `=` says: null equals nothing,
  // NaN equals NaN. Errors: InvalidArgument (a key that is no column), those of `source` by their
  // status, Io (no room for the rows), LimitExceeded (not enough memory), Unsupported (DuckDB is
  // not there).
  static Result<std::unique_ptr<KeyJoin>> Make(std::shared_ptr<arrow::RecordBatchReader> source,
                                               std::vector<std::string> keys,
                                               const KeyJoinOptions& options = {});

  // The rows of `target` (the key columns, by the same names) that rows of the source match: a
  // batch of the columns kTargetRow (int64, the position in `target`), ascending, and all columns
  // of the source, in their types where DuckDB has those. Remembers which rows of the source were
  // matched. Each call goes through the keys of the whole source: give many rows at once, some
  // 100,000. Errors: InvalidArgument (two rows of the source match one of the target: nobody could
  // say which counts; fact keys with their values).
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Match(
      const std::shared_ptr<arrow::RecordBatch>& target) = 0;
  // The rows of the source that nothing matched so far, in their order. It lives on its own; until
  // it is read to its end Match may not be called.
  virtual Result<std::shared_ptr<arrow::RecordBatchReader>> Unmatched() = 0;
  // The smallest and largest value of a key among the rows, as batch of one row with the columns
  // min and max of the key's type; for leaving out files. Null where there are none; NaN is larger
  // than all other numbers.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Bounds(const std::string& key) = 0;
};
inline constexpr std::string_view kTargetRow = "__deltalakedb_target_row";

}  // namespace deltalakedb::expr
