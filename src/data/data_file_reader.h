// Reads the rows of one data file as the table has them: columns by their logical names and in the
// table's types, partition values filled in, columns that the file is older than as nulls, deleted
// rows left out (PROTOCOL.md, Column mapping, Deletion vectors, Partition values and schema).
//
// A column that a file has in another case of ASCII letters is found too where names count. Values
// of other types than the table's are converted where nothing is lost by it but digits of a moment
// below the microsecond; a column or field that is missing is null, even where the schema says that
// it is never null. Texts are given as the file has them: that they are UTF-8 is not checked.
//
// Thread-safety: ReadRowGroup may be called from several threads at once; a stream belongs to one.
// Memory: a stream holds the compressed columns of its row group and one batch.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/table_shape.h"
#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "protocol/column_facts.h"

namespace deltalakedb::data {

// A live file, with its own texts.
struct DataFile {
  std::string path;  // as DataFolder::PathOf
  std::int64_t size_bytes = 0;
  std::vector<std::pair<std::string, std::optional<std::string>>> partition_values;
  std::vector<std::int64_t> deleted_rows;  // positions, ascending
  std::optional<std::int64_t> base_row_id;
  std::optional<std::int64_t> default_row_commit_version;
};

// Rows of a batch; small enough for caches, large enough that a call for each costs nothing.
inline constexpr std::int64_t kBatchRowsMax = 32'768;

struct ReadOptions {
  std::vector<int> columns;  // positions in TableShape::columns(), in the order wanted
  // Adds a last column kRowPosition: the position of the row in the file, int64.
  bool with_row_positions = false;
  // Adds, behind all others, kRowId and kRowCommitVersion (PROTOCOL.md, Row tracking): those that
  // the file has stored in the materialized columns, else by its base row id and commit version.
  // Null where neither is known.
  bool with_row_ids = false;
  std::int64_t batch_rows_max = kBatchRowsMax;
};
// No column of a table may be named so: the names are for batches inside the program.
inline constexpr std::string_view kRowPosition = "__deltalakedb_row_position";
inline constexpr std::string_view kRowId = "__deltalakedb_row_id";
inline constexpr std::string_view kRowCommitVersion = "__deltalakedb_row_commit_version";

// The schema of the batches that such a reading gives.
Result<std::shared_ptr<arrow::Schema>> ReadSchema(const TableShape& shape,
                                                  const ReadOptions& options);

class BatchStream {
 public:
  virtual ~BatchStream() = default;
  // The next batch, never an empty one; null at the end. After an error the stream is done for.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

class DataFileReader {
 public:
  virtual ~DataFileReader() = default;

  // Reads the footer. `configuration` is the table's, for the names of materialized row ids.
  // Errors: NotFound (the file is gone: removed by vacuum or by somebody; fact file), Corrupt (no
  // Parquet file, a column of a type that the table's cannot be read from, a partition value that
  // is none of its column, no field ids in a file of a table that maps by id: facts file, and
  // column and type where it is about one), Unsupported (a shredded variant; the same facts), those
  // of file systems.
  static Result<std::unique_ptr<DataFileReader>> Open(std::shared_ptr<const TableShape> shape,
                                                      const Metadata& metadata, DataFile file,
                                                      ReadOptions options);

  virtual int num_row_groups() const = 0;
  // Rows of a row group, the deleted ones among them.
  virtual std::int64_t num_rows(int row_group) const = 0;
  // What the footer says of a row group's column, or of a field in a column of structs: the names
  // that lead to it, logical ones. Partition columns too. For deciding whether to read it. Deleted
  // rows are counted. Of what lies in lists and maps, and of a name that there is not, nothing but
  // the number of rows is known.
  virtual protocol::ColumnFacts FactsOf(int row_group,
                                        const std::vector<std::string>& column) const = 0;
  // The rows of a row group in their order. The stream may outlive the reader. Errors, here or from
  // the stream: Corrupt (it cannot be decoded, or a value that the table's type cannot hold; facts
  // file and column), LimitExceeded (memory), those of file systems.
  virtual Result<std::unique_ptr<BatchStream>> ReadRowGroup(int row_group) const = 0;
};

}  // namespace deltalakedb::data
