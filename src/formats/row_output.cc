#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <exception>
#include <new>
#include <utility>

#include "base/try.h"
#include "data/row_stream.h"
#include "deltalakedb/row_formats.h"
#include "formats/byte_input.h"
#include "formats/byte_output.h"
#include "formats/value_text.h"
#include "protocol/excerpt.h"

namespace deltalakedb {

namespace formats {

namespace {

// Unit: bytes. Written out as soon as there are so many.
constexpr std::size_t kTextBufferBytes = 256 * 1024;
// Rows of a row group, which are in memory until it is whole.
constexpr std::int64_t kRowGroupRowsMax = 128LL * 1024;

using Bytes = std::shared_ptr<ByteOutput>;

// Rows in a format. Statuses are Arrow's or those of data::ToStatus.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual arrow::Status Start(const std::shared_ptr<arrow::Schema>& schema) = 0;
  virtual arrow::Status Write(const arrow::RecordBatch& rows) = 0;
  virtual arrow::Status Finish() = 0;
};

class TextWriter final : public RowWriter {
 public:
  TextWriter(Bytes bytes, bool is_csv) : bytes_(std::move(bytes)), is_csv_(is_csv) {}

  arrow::Status Start(const std::shared_ptr<arrow::Schema>& schema) override {
    for (const auto& field : schema->fields()) {
      if (auto checked = CheckPrintableType(*field->type()); !checked) {
        Error error = std::move(checked).error();
        error.AddFact("column", field->name());
        error.AddContext(fmt::format("column {}", protocol::Excerpt(field->name())));
        return data::ToStatus(std::move(error));
      }
      std::string name;
      is_csv_ ? AppendCsvText(field->name(), name) : AppendJsonText(field->name(), name);
      names_.push_back(std::move(name));
    }
    if (is_csv_) {
      for (std::size_t i = 0; i < names_.size(); ++i) {
        if (i > 0) text_.push_back(',');
        text_ += names_[i];
      }
      text_.push_back('\n');
    }
    return arrow::Status::OK();
  }

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    const arrow::ArrayVector& columns = rows.columns();
    for (std::int64_t row = 0; row < rows.num_rows(); ++row) {
      is_csv_ ? AppendCsvRow(columns, row) : AppendJsonRow(columns, row);
      if (text_.size() >= kTextBufferBytes) ARROW_RETURN_NOT_OK(Flush());
    }
    return arrow::Status::OK();
  }

  arrow::Status Finish() override { return Flush(); }

 private:
  void AppendCsvRow(const arrow::ArrayVector& columns, std::int64_t row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text_.push_back(',');
      AppendCsvField(*columns[i], row, text_);
    }
    text_.push_back('\n');
  }

  void AppendJsonRow(const arrow::ArrayVector& columns, std::int64_t row) {
    text_.push_back('{');
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text_.push_back(',');
      text_ += names_[i];
      text_.push_back(':');
      AppendJsonValue(*columns[i], row, text_);
    }
    text_ += "}\n";
  }

  arrow::Status Flush() {
    ARROW_RETURN_NOT_OK(bytes_->Write(text_.data(), static_cast<std::int64_t>(text_.size())));
    text_.clear();
    return arrow::Status::OK();
  }

  Bytes bytes_;
  bool is_csv_;
  std::vector<std::string> names_;  // as the format has them
  std::string text_;
};

class IpcWriter final : public RowWriter {
 public:
  IpcWriter(Bytes bytes, bool is_stream) : bytes_(std::move(bytes)), is_stream_(is_stream) {}

  arrow::Status Start(const std::shared_ptr<arrow::Schema>& schema) override {
    auto made = is_stream_ ? arrow::ipc::MakeStreamWriter(bytes_, schema)
                           : arrow::ipc::MakeFileWriter(bytes_, schema);
    return std::move(made).Value(&writer_);
  }
  arrow::Status Write(const arrow::RecordBatch& rows) override {
    return writer_->WriteRecordBatch(rows);
  }
  arrow::Status Finish() override { return writer_->Close(); }

 private:
  Bytes bytes_;
  bool is_stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

class ParquetWriter final : public RowWriter {
 public:
  explicit ParquetWriter(Bytes bytes) : bytes_(std::move(bytes)) {}

  arrow::Status Start(const std::shared_ptr<arrow::Schema>& schema) override {
    const auto properties = parquet::WriterProperties::Builder()
                                .compression(arrow::Compression::SNAPPY)
                                ->max_row_group_length(kRowGroupRowsMax)
                                ->build();
    const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    return parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), bytes_,
                                            properties, arrow_properties)
        .Value(&writer_);
  }
  arrow::Status Write(const arrow::RecordBatch& rows) override {
    return writer_->WriteRecordBatch(rows);
  }
  arrow::Status Finish() override { return writer_->Close(); }

 private:
  Bytes bytes_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

std::unique_ptr<RowWriter> MakeWriter(RowFormat format, const std::string& path, Bytes bytes) {
  switch (format) {
    case RowFormat::kParquet:
      return std::make_unique<ParquetWriter>(std::move(bytes));
    case RowFormat::kArrowIpc: {
      // A stream can be read before it is whole; files by these names are files elsewhere too.
      const bool is_stream = path == kStandardStream || path.ends_with(".arrows");
      return std::make_unique<IpcWriter>(std::move(bytes), is_stream);
    }
    case RowFormat::kCsv:
      return std::make_unique<TextWriter>(std::move(bytes), /*is_csv=*/true);
    case RowFormat::kJsonLines:
      break;
  }
  return std::make_unique<TextWriter>(std::move(bytes), /*is_csv=*/false);
}

arrow::Status WriteAll(arrow::RecordBatchReader& rows, RowWriter& writer, std::int64_t& count) {
  ARROW_RETURN_NOT_OK(writer.Start(rows.schema()));
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(rows.ReadNext(&batch));
    if (batch == nullptr) break;
    count += batch->num_rows();
    ARROW_RETURN_NOT_OK(writer.Write(*batch));
  }
  return writer.Finish();
}

// What Parquet's own layer throws becomes a status too.
arrow::Status Guarded(arrow::RecordBatchReader& rows, RowWriter& writer, std::int64_t& count) {
  try {
    return WriteAll(rows, writer, count);
  } catch (const parquet::ParquetStatusException& exception) {
    return exception.status();
  } catch (const std::bad_alloc&) {
    return arrow::Status::OutOfMemory("there is not enough memory");
  } catch (const std::exception& exception) {
    return arrow::Status::UnknownError(exception.what());
  }
}

}  // namespace

}  // namespace formats

Result<std::int64_t> WriteRowFile(ArrowArrayStream* rows, RowFormat format,
                                  const std::string& path) {
  DELTALAKEDB_ASSIGN(const auto reader, data::ImportStream(rows));
  DELTALAKEDB_ASSIGN(const auto bytes, formats::ByteOutput::Open(path));
  std::int64_t count = 0;
  {
    const auto writer = formats::MakeWriter(format, path, bytes);
    const arrow::Status status = formats::Guarded(*reader, *writer, count);
    if (!status.ok()) return Fail(data::ToError(status));
  }
  DELTALAKEDB_TRY(bytes->Finish());
  return count;
}

}  // namespace deltalakedb
