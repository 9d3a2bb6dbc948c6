// Reads many data files on several threads as one stream of batches.
//
// The unit of work is a row group, so that one large file keeps all threads busy as well as many
// small ones. Memory: a row group's compressed columns and a batch for each thread, and
// kBufferedBytesMax of batches that wait for their turn.
// Thread-safety: a scan belongs to one thread at a time.
#pragma once

#include <arrow/record_batch.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "data/data_file_reader.h"
#include "data/data_folder.h"
#include "data/table_shape.h"
#include "deltalakedb/result.h"
#include "expr/predicate.h"
#include "table/live_files.h"

namespace deltalakedb::table {

// Batches that were read and wait for those before them, or for whoever takes them. Unit: bytes.
inline constexpr std::int64_t kBufferedBytesMax = 256LL * 1024 * 1024;

struct FileScanInput {
  explicit FileScanInput(data::DataFolder data_folder) : folder(std::move(data_folder)) {}

  std::shared_ptr<const data::TableShape> shape;
  Metadata metadata;
  data::DataFolder folder;
  // The files in order; nullopt at the end. Called by one thread at a time, of several.
  std::function<Result<std::optional<LiveFile>>()> next_file;
  std::vector<int> columns;  // as data::ReadOptions has them
  bool with_row_ids = false;
  // Rows for which it is true; all without.
  std::shared_ptr<const expr::Predicate> where;
  bool in_order = true;
  std::size_t threads = 0;  // 0: as many as the machine has, 8 at most
};

// Starts reading at once, and stops when the reader is dropped.
// Errors, here or from the reader (data/row_stream.h): those of data::DataFileReader and
// expr::Evaluator.
Result<std::shared_ptr<arrow::RecordBatchReader>> ScanFiles(FileScanInput input);

}  // namespace deltalakedb::table
