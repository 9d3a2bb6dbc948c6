// Parquet files and Arrow's IPC files and streams.
#include <arrow/array/validate.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/util/io_util.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "base/try.h"
#include "data/row_stream.h"
#include "formats/row_source_internal.h"

namespace deltalakedb::formats {

namespace {

constexpr std::string_view kIpcFileMagic = "ARROW1";

struct Source {
  std::string name;
  std::string path;
  std::string_view kind;  // "Parquet file"
};

Source SourceOf(const ByteInput& input, std::string_view kind) {
  return {input.name(), input.path(), kind};
}

Error NotReadable(const Source& source, std::string_view words) {
  words = words.substr(0, words.find('\n'));
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("{} is no {} that can be read: {}", source.name, source.kind, words))
      .With("file", source.path);
}

// Whatever Arrow finds wrong is wrong with the file, but for what the system refuses.
Error ToFileError(const Source& source, const arrow::Status& status) {
  if (status.IsOutOfMemory()) return {ErrorCode::kUnavailable, "there is not enough memory"};
  if (status.detail() == nullptr) return NotReadable(source, status.message());
  Error error = data::ToError(status);
  error.AddFact("file", source.path);
  return error;
}

// Runs what may throw, as Parquet's own layer does.
template <typename Call>
arrow::Status Guarded(const Source& source, Call call) {
  try {
    const arrow::Status status = call();
    return status.ok() ? status : data::ToStatus(ToFileError(source, status));
  } catch (const std::bad_alloc&) {
    return arrow::Status::OutOfMemory("there is not enough memory");
  } catch (const std::exception& exception) {
    return data::ToStatus(NotReadable(source, exception.what()));
  }
}

// Looks at every batch, since what is wrong in it would be read from beyond its buffers.
class CheckedReader : public arrow::RecordBatchReader {
 public:
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    return Guarded(source_, [&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(auto batch, ReadOne());
      if (batch != nullptr) ARROW_RETURN_NOT_OK(batch->ValidateFull());
      *out = std::move(batch);
      return arrow::Status::OK();
    });
  }

  Result<void> Start() {
    const arrow::Status status = Guarded(source_, [&] { return Open(); });
    if (!status.ok()) return Fail(data::ToError(status));
    return {};
  }

 protected:
  explicit CheckedReader(Source source) : source_(std::move(source)) {}
  // Sets schema_.
  virtual arrow::Status Open() = 0;
  // Null at the end.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadOne() = 0;

  Source source_;
  std::shared_ptr<arrow::Schema> schema_;
};

class ParquetReader final : public CheckedReader {
 public:
  ParquetReader(Source source, std::shared_ptr<arrow::io::RandomAccessFile> file)
      : CheckedReader(std::move(source)), file_(std::move(file)) {}

 private:
  arrow::Status Open() override {
    parquet::ReaderProperties properties(arrow::default_memory_pool());
    properties.enable_buffered_stream();
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/true);
    arrow_properties.set_batch_size(kBatchRowsMax);
    arrow_properties.set_pre_buffer(false);
    arrow_properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(file_, properties));
    builder.memory_pool(arrow::default_memory_pool())->properties(arrow_properties);
    ARROW_RETURN_NOT_OK(builder.Build().Value(&reader_));
    ARROW_RETURN_NOT_OK(reader_->GetRecordBatchReader().Value(&rows_));
    schema_ = rows_->schema();
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadOne() override { return rows_->Next(); }

  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
};

class IpcFileReader final : public CheckedReader {
 public:
  IpcFileReader(Source source, std::shared_ptr<arrow::io::RandomAccessFile> file)
      : CheckedReader(std::move(source)), file_(std::move(file)) {}

 private:
  arrow::Status Open() override {
    ARROW_RETURN_NOT_OK(arrow::ipc::RecordBatchFileReader::Open(file_).Value(&reader_));
    schema_ = reader_->schema();
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadOne() override {
    if (next_ == reader_->num_record_batches()) return nullptr;
    return reader_->ReadRecordBatch(next_++);
  }

  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader_;
  int next_ = 0;
};

class IpcStreamReader final : public CheckedReader {
 public:
  IpcStreamReader(Source source, std::shared_ptr<arrow::io::InputStream> bytes)
      : CheckedReader(std::move(source)), bytes_(std::move(bytes)) {}

 private:
  arrow::Status Open() override {
    ARROW_RETURN_NOT_OK(arrow::ipc::RecordBatchStreamReader::Open(bytes_).Value(&reader_));
    schema_ = reader_->schema();
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadOne() override { return reader_->Next(); }

  std::shared_ptr<arrow::io::InputStream> bytes_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader_;
};

template <typename Reader, typename Bytes>
Result<std::shared_ptr<arrow::RecordBatchReader>> Started(Source source, Bytes bytes) {
  auto reader = std::make_shared<Reader>(std::move(source), std::move(bytes));
  DELTALAKEDB_TRY(reader->Start());
  return reader;
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatchReader>> OpenParquet(ByteInput input) {
  Source source = SourceOf(input, "Parquet file");
  DELTALAKEDB_ASSIGN(auto file, ByteInput::IntoFile(std::move(input)));
  return Started<ParquetReader>(std::move(source), std::move(file));
}

Result<std::shared_ptr<arrow::RecordBatchReader>> OpenArrowIpc(ByteInput input) {
  DELTALAKEDB_ASSIGN(const std::string_view start, input.Peek(kIpcFileMagic.size()));
  if (start != kIpcFileMagic) {
    Source source = SourceOf(input, "Arrow IPC stream");
    return Started<IpcStreamReader>(std::move(source), ByteInput::IntoStream(std::move(input)));
  }
  Source source = SourceOf(input, "Arrow IPC file");
  DELTALAKEDB_ASSIGN(auto file, ByteInput::IntoFile(std::move(input)));
  return Started<IpcFileReader>(std::move(source), std::move(file));
}

}  // namespace deltalakedb::formats
