#include "data/data_file_reader.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>
#include <arrow/compute/initialize.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/try.h"
#include "data/column_plan_internal.h"
#include "data/open_data_file_internal.h"
#include "protocol/excerpt.h"
#include "storage/arrow_input.h"

namespace deltalakedb::data {

namespace {

using protocol::ColumnFacts;
using protocol::Excerpt;
using storage::ArrowInput;

arrow::Result<std::shared_ptr<arrow::Array>> PositionArray(std::int64_t first, std::int64_t count) {
  ARROW_ASSIGN_OR_RAISE(
      std::shared_ptr<arrow::Buffer> buffer,
      arrow::AllocateBuffer(count * static_cast<std::int64_t>(sizeof(std::int64_t))));
  auto* const values = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
  // A base row id may be anything; unsigned numbers have no overflow.
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<std::uint64_t>(first) + static_cast<std::uint64_t>(i);
  }
  return std::make_shared<arrow::Int64Array>(count, std::move(buffer));
}

class RowGroupStream final : public BatchStream {
 public:
  RowGroupStream(std::shared_ptr<const OpenDataFile> file, RowGroup group)
      : file_(std::move(file)),
        input_(file_->MakeInput()),
        position_(group.first_row),
        rows_left_(group.num_rows) {}

  Result<void> Open(int row_group);
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;

 private:
  // Rows of the file that come together, before the deleted ones are left out.
  struct Rows {
    std::shared_ptr<arrow::RecordBatch> batch;  // null where nothing has to be read
    std::int64_t first = 0;
    std::int64_t count = 0;
    std::int64_t kept = 0;
    std::shared_ptr<arrow::Array> mask;  // which are kept; null for all
  };
  // No rows at the end.
  Result<Rows> ReadRows();
  Result<void> MakeMask(std::span<const std::int64_t> deleted, Rows& rows) const;
  Result<std::shared_ptr<arrow::RecordBatch>> MakeBatch(const Rows& rows) const;
  Result<std::shared_ptr<arrow::Array>> MakeColumn(const OutputColumn& column,
                                                   const Rows& rows) const;
  static arrow::Result<std::shared_ptr<arrow::Array>> RowNumbers(const OutputColumn& column,
                                                                 const Rows& rows);

  std::shared_ptr<const OpenDataFile> file_;
  std::shared_ptr<ArrowInput> input_;
  std::int64_t position_;
  std::int64_t rows_left_;
  // The second reads through the first.
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

Result<void> RowGroupStream::Open(int row_group) {
  const auto deleted = file_->DeletedRows(position_, rows_left_);
  if (std::ssize(deleted) == rows_left_) rows_left_ = 0;
  if (file_->reads_nothing() || rows_left_ == 0) return {};
  DELTALAKEDB_ASSIGN(reader_, file_->MakeReader(input_));
  return GuardParquet(*input_, [&] {
    ARROW_ASSIGN_OR_RAISE(batches_, reader_->GetRecordBatchReader({row_group}, file_->leaves()));
    return arrow::Status::OK();
  });
}

Result<RowGroupStream::Rows> RowGroupStream::ReadRows() {
  Rows rows;
  rows.first = position_;
  if (batches_ == nullptr) {
    rows.count = std::min(rows_left_, file_->batch_rows());
  } else {
    DELTALAKEDB_TRY(GuardParquet(*input_, [&]() -> arrow::Status {
      do {
        ARROW_RETURN_NOT_OK(batches_->ReadNext(&rows.batch));
      } while (rows.batch != nullptr && rows.batch->num_rows() == 0);
      rows.count = rows.batch == nullptr ? 0 : rows.batch->num_rows();
      if (rows.count <= rows_left_ && (rows.count > 0 || rows_left_ == 0)) {
        return arrow::Status::OK();
      }
      return arrow::Status::Invalid("a row group has not as many rows as its footer says");
    }));
  }
  position_ += rows.count;
  rows_left_ -= rows.count;
  return rows;
}

Result<std::shared_ptr<arrow::RecordBatch>> RowGroupStream::Next() {
  while (true) {
    DELTALAKEDB_ASSIGN(Rows rows, ReadRows());
    if (rows.count == 0) return nullptr;
    const auto deleted = file_->DeletedRows(rows.first, rows.count);
    rows.kept = rows.count - std::ssize(deleted);
    if (rows.kept <= 0) continue;
    if (!deleted.empty()) DELTALAKEDB_TRY(MakeMask(deleted, rows));
    return MakeBatch(rows);
  }
}

Result<void> RowGroupStream::MakeMask(std::span<const std::int64_t> deleted, Rows& rows) const {
  return GuardParquet(*input_, [&] {
    ARROW_ASSIGN_OR_RAISE(auto bits, arrow::AllocateBitmap(rows.count));
    std::uint8_t* const data = bits->mutable_data();
    arrow::bit_util::SetBitsTo(data, 0, rows.count, true);
    for (const std::int64_t row : deleted) arrow::bit_util::ClearBit(data, row - rows.first);
    rows.mask = std::make_shared<arrow::BooleanArray>(rows.count, std::move(bits));
    return arrow::Status::OK();
  });
}

arrow::Result<std::shared_ptr<arrow::Array>> RowGroupStream::RowNumbers(const OutputColumn& column,
                                                                        const Rows& rows) {
  std::shared_ptr<arrow::Array> stored;
  if (column.plan.source != nullptr) {
    ARROW_ASSIGN_OR_RAISE(stored, Convert(column.plan, rows.batch->column(column.plan.position)));
    if (stored->null_count() == 0 || !column.fallback) return stored;
  }
  if (!column.fallback) return arrow::MakeArrayOfNull(arrow::int64(), rows.count);
  const auto sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(*column.fallback) +
                                             static_cast<std::uint64_t>(rows.first));
  std::shared_ptr<arrow::Array> computed;
  if (column.counts_up) {
    ARROW_ASSIGN_OR_RAISE(computed, PositionArray(sum, rows.count));
  } else {
    ARROW_ASSIGN_OR_RAISE(
        computed, arrow::MakeArrayFromScalar(arrow::Int64Scalar(*column.fallback), rows.count));
  }
  if (stored == nullptr) return computed;
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum both,
                        arrow::compute::CallFunction("coalesce", {stored, computed}));
  return both.make_array();
}

Result<std::shared_ptr<arrow::Array>> RowGroupStream::MakeColumn(const OutputColumn& column,
                                                                 const Rows& rows) const {
  if (column.kind == OutputColumn::Kind::kConstant) return column.constant->Slice(0, rows.kept);
  const auto make = [&]() -> arrow::Result<std::shared_ptr<arrow::Array>> {
    std::shared_ptr<arrow::Array> array;
    if (column.kind == OutputColumn::Kind::kPosition) {
      ARROW_ASSIGN_OR_RAISE(array, PositionArray(rows.first, rows.count));
    } else if (column.kind == OutputColumn::Kind::kRowNumber) {
      ARROW_ASSIGN_OR_RAISE(array, RowNumbers(column, rows));
    } else if (column.plan.position >= rows.batch->num_columns()) {
      return arrow::Status::Invalid("it was not read");
    } else {
      ARROW_ASSIGN_OR_RAISE(array, Convert(column.plan, rows.batch->column(column.plan.position)));
    }
    if (rows.mask == nullptr) return array;
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum kept, arrow::compute::Filter(array, rows.mask));
    return kept.make_array();
  };
  auto made = make();
  if (made.ok()) return *std::move(made);
  if (made.status().IsOutOfMemory()) {
    return Fail(ErrorCode::kLimitExceeded, "not enough memory to read a data file");
  }
  const std::string& path = file_->file().path;
  const std::string problem = made.status().message();
  return Fail(
      Error(ErrorCode::kCorrupt,
            fmt::format("{} has values in column {} that the table's type cannot hold: {}", path,
                        Excerpt(column.name), Excerpt(problem.substr(0, problem.find('\n')))))
          .With("column", Excerpt(column.name))
          .With("file", path));
}

Result<std::shared_ptr<arrow::RecordBatch>> RowGroupStream::MakeBatch(const Rows& rows) const {
  arrow::ArrayVector columns;
  columns.reserve(file_->columns().size());
  for (const OutputColumn& column : file_->columns()) {
    DELTALAKEDB_ASSIGN(columns.emplace_back(), MakeColumn(column, rows));
  }
  return arrow::RecordBatch::Make(file_->schema(), rows.kept, std::move(columns));
}

class Reader final : public DataFileReader {
 public:
  explicit Reader(std::shared_ptr<const OpenDataFile> file) : file_(std::move(file)) {}

  int num_row_groups() const override { return static_cast<int>(file_->row_groups().size()); }
  std::int64_t num_rows(int row_group) const override { return Group(row_group).num_rows; }
  ColumnFacts FactsOf(int row_group, const std::vector<std::string>& column) const override {
    return file_->FactsOf(row_group, column);
  }
  Result<std::unique_ptr<BatchStream>> ReadRowGroup(int row_group) const override {
    auto stream = std::make_unique<RowGroupStream>(file_, Group(row_group));
    DELTALAKEDB_TRY(stream->Open(row_group));
    return stream;
  }

 private:
  const RowGroup& Group(int row_group) const {
    return file_->row_groups().at(static_cast<std::size_t>(row_group));
  }

  std::shared_ptr<const OpenDataFile> file_;
};

}  // namespace

Result<std::shared_ptr<arrow::Schema>> ReadSchema(const TableShape& shape,
                                                  const ReadOptions& options) {
  arrow::FieldVector fields;
  for (const int column : options.columns) {
    if (column < 0 || column >= shape.arrow_schema()->num_fields()) {
      return Fail(ErrorCode::kInternal, fmt::format("the table has no column {}", column));
    }
    fields.push_back(shape.arrow_schema()->field(column));
  }
  if (options.with_row_positions) {
    fields.push_back(arrow::field(std::string(kRowPosition), arrow::int64(), /*nullable=*/false));
  }
  if (options.with_row_ids) {
    fields.push_back(arrow::field(std::string(kRowId), arrow::int64()));
    fields.push_back(arrow::field(std::string(kRowCommitVersion), arrow::int64()));
  }
  return arrow::schema(std::move(fields));
}

Result<std::unique_ptr<DataFileReader>> DataFileReader::Open(
    std::shared_ptr<const TableShape> shape, const Metadata& metadata, DataFile file,
    ReadOptions options) {
  // Kernels such as casts are not there before.
  static const bool has_kernels = arrow::compute::Initialize().ok();
  if (!has_kernels) return Fail(ErrorCode::kInternal, "Arrow's kernels cannot be set up");
  auto opened =
      std::make_shared<OpenDataFile>(std::move(shape), std::move(file), std::move(options));
  DELTALAKEDB_TRY(opened->Open(metadata));
  return std::make_unique<Reader>(std::move(opened));
}

}  // namespace deltalakedb::data
