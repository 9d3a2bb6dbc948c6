// One data file in the making.
//
// Thread-safety: a plan is immutable and shared; a file belongs to one thread at a time.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/statistics_internal.h"
#include "data/table_shape.h"
#include "data/written_columns_internal.h"
#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace parquet {
class WriterProperties;
}

namespace deltalakedb::data {

// What all files of a writer have in common.
struct FilePlan {
  std::shared_ptr<const TableShape> shape;
  WrittenColumns columns;
  StatsPlan stats;
  std::shared_ptr<parquet::WriterProperties> properties;
  std::string suffix;  // of names: ".zstd.parquet"

  // Errors: Unsupported (a codec that Arrow does not have; fact property; a column that cannot be
  // written), Corrupt.
  static Result<FilePlan> Make(const Protocol& protocol, const Metadata& metadata,
                               std::shared_ptr<const TableShape> shape, bool with_row_ids);
};

class ParquetFile {
 public:
  virtual ~ParquetFile() = default;
  // `plan` outlives the file. Nothing is there under the name before Finish.
  static Result<std::unique_ptr<ParquetFile>> Make(const FilePlan& plan,
                                                   const storage::FileSystem& file_system,
                                                   const std::string& path);

  // Errors: InvalidArgument (rows that the table cannot have), those of file systems.
  virtual Result<void> WriteRowGroup(
      const std::vector<std::shared_ptr<arrow::RecordBatch>>& rows) = 0;
  // Errors: those of file systems, AlreadyExists.
  virtual Result<void> Finish() = 0;
  virtual std::int64_t size_bytes() const = 0;
  virtual const FileStatistics& statistics() const = 0;
};

}  // namespace deltalakedb::data
