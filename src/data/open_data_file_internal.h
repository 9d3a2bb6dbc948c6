// A data file whose footer is read, and how its rows become the table's.
#pragma once

#include <arrow/scalar.h>
#include <arrow/type_fwd.h>
#include <parquet/arrow/reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/column_plan_internal.h"
#include "data/data_file_reader.h"
#include "data/file_schema_internal.h"
#include "data/table_shape.h"
#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "protocol/column_facts.h"
#include "protocol/partition_value.h"
#include "storage/arrow_input.h"
#include "storage/file_system.h"

namespace deltalakedb::data {

// Runs `work`, which may throw as Parquet's own classes do, or return an Arrow status.
template <typename Work>
Result<void> GuardParquet(const storage::ArrowInput& input, Work work) {
  constexpr const char* kNoMemory = "not enough memory to read a data file";
  try {
    const arrow::Status status = work();
    if (status.IsOutOfMemory()) return Fail(ErrorCode::kLimitExceeded, kNoMemory);
    if (!status.ok()) return Fail(input.ErrorFor(status.message()));
    return {};
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kLimitExceeded, kNoMemory);
  } catch (const std::exception& exception) {
    return Fail(input.ErrorFor(exception.what()));
  }
}

// A column of the batches that are given out.
struct OutputColumn {
  enum class Kind : std::uint8_t { kFile, kConstant, kPosition, kRowNumber };
  Kind kind = Kind::kFile;
  std::string name;  // for errors
  ColumnPlan plan;   // of kFile, and of kRowNumber where the file has stored it
  // As many rows as a batch has at most.
  std::shared_ptr<arrow::Array> constant;
  // Of kRowNumber: what holds where the file says nothing.
  std::optional<std::int64_t> fallback;
  bool counts_up = false;  // the position is added to it
};

struct RowGroup {
  std::int64_t first_row = 0;
  std::int64_t num_rows = 0;
};

// What streams and facts share; does not change once it is open.
class OpenDataFile {
 public:
  OpenDataFile(std::shared_ptr<const TableShape> shape, DataFile file, ReadOptions options)
      : shape_(std::move(shape)), file_(std::move(file)), options_(std::move(options)) {}

  Result<void> Open(const Metadata& metadata);

  const DataFile& file() const { return file_; }
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  const std::vector<OutputColumn>& columns() const { return columns_; }
  const std::vector<RowGroup>& row_groups() const { return row_groups_; }
  bool reads_nothing() const { return leaves_.empty(); }
  std::int64_t batch_rows() const { return batch_rows_; }
  // The deleted rows among some, by their positions.
  std::span<const std::int64_t> DeletedRows(std::int64_t first, std::int64_t count) const;
  protocol::ColumnFacts FactsOf(int row_group, const std::vector<std::string>& column) const;

  // A reader of its own for each row group, since one must not be shared between threads.
  Result<std::unique_ptr<parquet::arrow::FileReader>> MakeReader(
      const std::shared_ptr<storage::ArrowInput>& input) const;
  std::shared_ptr<storage::ArrowInput> MakeInput() const {
    return std::make_shared<storage::ArrowInput>(input_);
  }
  const std::vector<int>& leaves() const { return leaves_; }

 private:
  Result<void> ReadFooter();
  Result<void> OpenInput(bool is_size_known);
  Result<void> CheckIds() const;
  Result<void> PlanColumns(const Metadata& metadata);
  Result<OutputColumn> PlanRowNumber(ColumnPlanner& planner, const Metadata& metadata,
                                     std::string_view property) const;
  // How many rows a batch has at most, and the columns that are the same in all.
  Result<void> MakeConstants();
  Result<protocol::PartitionValue> PartitionValueOf(const TableShape::Column& column) const;
  parquet::ArrowReaderProperties ArrowProperties() const;

  std::shared_ptr<const TableShape> shape_;
  DataFile file_;
  ReadOptions options_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<const storage::InputFile> input_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
  FileSchema file_schema_;
  std::vector<OutputColumn> columns_;
  std::vector<std::shared_ptr<arrow::Scalar>> constants_;  // by column; null where it is none
  std::vector<int> leaves_;
  std::vector<RowGroup> row_groups_;
  std::int64_t batch_rows_ = kBatchRowsMax;
};

}  // namespace deltalakedb::data
