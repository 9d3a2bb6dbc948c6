// Writes rows into new data files of a table: Parquet, split by partition, with the statistics that
// adds carry (PROTOCOL.md, Path encoding, Statistics, Column mapping).
//
// A writer owns the files that it writes until Keep: dropped before, it removes them, so that a
// write that fails leaves nothing behind; what a crash leaves is for vacuum. Thread-safety: a
// writer belongs to one thread at a time; it encodes files on several others. Memory: what waits,
// at most kWaitingBytesMax, and a row group for each thread and one more.
//
// Names are as Spark gives them, `day=2024-01-02/part-00000-UUID-c000.zstd.parquet`; where the
// table maps columns or has delta.randomizeFilePrefixes the folder is a few random letters, and
// also where that of a partition would have too long a name. The codec is
// delta.parquet.compression.codec, zstd where that is not set. Columns of type void are not in
// files.
#pragma once

#include <arrow/type_fwd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/table_shape.h"
#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::data {

// Unit: bytes. What files are cut at unless the table or the caller says otherwise
// (`delta.targetFileSize`).
inline constexpr std::int64_t kTargetFileBytes = 128LL * 1024 * 1024;
// Files that are written at the same time. Beyond it the largest is closed.
inline constexpr std::size_t kOpenFilesMax = 64;
// What row groups are cut at: bytes of Arrow data, and rows.
inline constexpr std::int64_t kRowGroupBytes = 64LL * 1024 * 1024;
inline constexpr std::int64_t kRowGroupRows = 1'048'576;
// Rows that wait for their row group, of all partitions. Beyond it the largest group is written as
// it is. Unit: bytes of Arrow data.
inline constexpr std::int64_t kWaitingBytesMax = 256LL * 1024 * 1024;

// A value for every member lets a caller name the few that it needs, without warnings.
// NOLINTBEGIN(readability-redundant-member-init)
struct DataWriterOptions {
  std::string root = {};  // of the table, as TransactionLog::table_root has it
  std::int64_t target_file_bytes = kTargetFileBytes;
  std::size_t threads = 0;  // 0: as many as the machine has, 8 at most
  // Rows bring two more columns, kRowId and kRowCommitVersion (data_file_reader.h), which are
  // stored under the table's materialized names (PROTOCOL.md, Row tracking).
  bool with_row_ids = false;
  // "" or a folder below the table's that files are put into, such as "_change_data".
  std::string folder = {};
  // Where to write, which outlives the writer; null: where `root` is.
  const storage::FileSystem* file_system = nullptr;
};
// NOLINTEND(readability-redundant-member-init)

// A file that is durable under its name. Texts are its own.
struct WrittenFile {
  std::string path;  // as add.path: encoded, relative to the table
  std::vector<std::pair<std::string, std::optional<std::string>>> partition_values;
  std::int64_t size_bytes = 0;
  std::int64_t modification_time = 0;  // ms since 1970
  std::int64_t num_rows = 0;
  std::string stats;
};

class DataWriter {
 public:
  virtual ~DataWriter() = default;

  // Errors: Unsupported (a column that cannot be written, by name; facts column and type; a codec
  // that there is none of; fact property), Corrupt (row ids without names for their columns),
  // those of FileSystemOf.
  static Result<std::unique_ptr<DataWriter>> Make(const Protocol& protocol,
                                                  const Metadata& metadata,
                                                  std::shared_ptr<const TableShape> shape,
                                                  DataWriterOptions options);

  // Rows with the columns of TableShape::arrow_schema() in its order and types (and row ids where
  // they were asked for). Nulls where the schema has none are refused, at any depth, and texts that
  // are no UTF-8; that may be told by a later call, as values are looked at by other threads.
  // Errors: InvalidArgument (a null where none may be, fact column; a value that no file or
  // partition can hold), those of file systems (disk full: Io). The writer is done for then.
  virtual Result<void> Write(const std::shared_ptr<arrow::RecordBatch>& rows) = 0;
  // Closes the file that is open, if any, so that what follows is in others.
  virtual Result<void> CutFiles() = 0;
  // Closes all; they are still removed unless Keep follows. In the order of their partitions'
  // texts, then of writing. Nothing is written after it. Errors: as Write.
  virtual Result<std::vector<WrittenFile>> Finish() = 0;
  // From here on the files stay: before a commit that names them is tried, call it only once its
  // outcome is known not to be a failure.
  virtual void Keep() = 0;
};

}  // namespace deltalakedb::data
