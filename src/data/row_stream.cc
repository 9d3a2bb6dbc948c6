#include "data/row_stream.h"

#include <arrow/c/bridge.h>

#include <array>
#include <cerrno>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "base/try.h"

namespace deltalakedb::data {

namespace {

struct CodeAndErrno {
  ErrorCode code;
  int number;
};
constexpr auto kErrnos = std::to_array<CodeAndErrno>({
    {ErrorCode::kInvalidArgument, EINVAL},
    {ErrorCode::kNotFound, ENOENT},
    {ErrorCode::kAlreadyExists, EEXIST},
    {ErrorCode::kConflict, ESTALE},
    {ErrorCode::kInDoubt, EOWNERDEAD},
    {ErrorCode::kUnsupported, ENOSYS},
    {ErrorCode::kCorrupt, EBADMSG},
    {ErrorCode::kPermission, EACCES},
    {ErrorCode::kBusy, EBUSY},
    {ErrorCode::kUnavailable, EAGAIN},
    {ErrorCode::kIo, EIO},
    {ErrorCode::kLimitExceeded, E2BIG},
    {ErrorCode::kCancelled, ECANCELED},
    {ErrorCode::kInternal, ENOTRECOVERABLE},
});

int ErrnoOf(ErrorCode code) {
  for (const CodeAndErrno& entry : kErrnos) {
    if (entry.code == code) return entry.number;
  }
  return EIO;
}

ErrorCode CodeOf(int number) {
  for (const CodeAndErrno& entry : kErrnos) {
    if (entry.number == number) return entry.code;
  }
  return number == ENOMEM ? ErrorCode::kUnavailable : ErrorCode::kIo;
}

class ErrorDetail final : public arrow::StatusDetail {
 public:
  explicit ErrorDetail(Error error) : error_(std::move(error)) {}
  const char* type_id() const override { return kTypeId; }
  std::string ToString() const override { return std::string(ErrorCodeName(error_.code())); }
  const Error& error() const { return error_; }

  static constexpr const char* kTypeId = "deltalakedb::Error";

 private:
  Error error_;
};

ErrorCode CodeOf(const arrow::Status& status) {
  switch (status.code()) {
    case arrow::StatusCode::Invalid:
    case arrow::StatusCode::TypeError:
    case arrow::StatusCode::KeyError:
    case arrow::StatusCode::IndexError:
      return ErrorCode::kInvalidArgument;
    case arrow::StatusCode::NotImplemented:
      return ErrorCode::kUnsupported;
    case arrow::StatusCode::OutOfMemory:
      return ErrorCode::kUnavailable;
    case arrow::StatusCode::CapacityError:
      return ErrorCode::kLimitExceeded;
    case arrow::StatusCode::Cancelled:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kIo;
  }
}

// What a stream that is given out is made of.
struct ExportedStream {
  std::shared_ptr<arrow::RecordBatchReader> rows;
  std::optional<Error> last_error;

  int Note(const arrow::Status& status) {
    if (status.ok()) return 0;
    last_error = ToError(status);
    return ErrnoOf(last_error->code());
  }
};

ExportedStream& Of(ArrowArrayStream* stream) {
  return *static_cast<ExportedStream*>(stream->private_data);
}

// The callbacks are called by anybody's code, through which no exception may pass.
template <typename Call>
int Guarded(ArrowArrayStream* stream, Call&& call) {
  try {
    return Of(stream).Note(call());
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

int GetSchema(ArrowArrayStream* stream, ArrowSchema* out) {
  return Guarded(stream, [&] { return arrow::ExportSchema(*Of(stream).rows->schema(), out); });
}

int GetNext(ArrowArrayStream* stream, ArrowArray* out) {
  return Guarded(stream, [&]() -> arrow::Status {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(Of(stream).rows->ReadNext(&batch));
    if (batch != nullptr) return arrow::ExportRecordBatch(*batch, out);
    *out = {};  // the end
    return arrow::Status::OK();
  });
}

const char* GetLastError(ArrowArrayStream* stream) {
  const auto& error = Of(stream).last_error;
  return error ? error->message().c_str() : nullptr;
}

void Release(ArrowArrayStream* stream) {
  delete static_cast<ExportedStream*>(stream->private_data);
  *stream = {};
}

class ImportedStream final : public arrow::RecordBatchReader {
 public:
  explicit ImportedStream(ArrowArrayStream* stream) : stream_(*stream) { *stream = {}; }
  ImportedStream(const ImportedStream&) = delete;
  ImportedStream& operator=(const ImportedStream&) = delete;
  ~ImportedStream() override {
    if (stream_.release != nullptr) stream_.release(&stream_);
  }

  arrow::Status LoadSchema() {
    ArrowSchema exported = {};
    ARROW_RETURN_NOT_OK(Check(stream_.get_schema(&stream_, &exported)));
    return arrow::ImportSchema(&exported).Value(&schema_);
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    ArrowArray exported = {};
    ARROW_RETURN_NOT_OK(Check(stream_.get_next(&stream_, &exported)));
    if (exported.release == nullptr) return arrow::Status::OK();
    return arrow::ImportRecordBatch(&exported, schema_).Value(out);
  }

 private:
  arrow::Status Check(int number) {
    if (number == 0) return arrow::Status::OK();
    // One of ours tells it all.
    if (stream_.get_next == GetNext && Of(&stream_).last_error) {
      return ToStatus(*Of(&stream_).last_error);
    }
    const char* const text = stream_.get_last_error(&stream_);
    return ToStatus(Error(CodeOf(number), text != nullptr ? text : "the stream of rows failed"));
  }

  ArrowArrayStream stream_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

arrow::Status ToStatus(Error error) {
  std::string message = error.message();
  return {arrow::StatusCode::IOError, std::move(message),
          std::make_shared<ErrorDetail>(std::move(error))};
}

Error ToError(const arrow::Status& status) {
  const auto& detail = status.detail();
  if (detail != nullptr && detail->type_id() == ErrorDetail::kTypeId) {
    return static_cast<const ErrorDetail&>(*detail).error();
  }
  return {CodeOf(status), status.message()};
}

void ExportStream(std::shared_ptr<arrow::RecordBatchReader> rows, ArrowArrayStream* out) {
  auto stream = std::make_unique<ExportedStream>(ExportedStream{std::move(rows), std::nullopt});
  *out = {.get_schema = GetSchema,
          .get_next = GetNext,
          .get_last_error = GetLastError,
          .release = Release,
          .private_data = stream.release()};
}

Result<std::shared_ptr<arrow::RecordBatchReader>> ImportStream(ArrowArrayStream* stream) {
  if (stream == nullptr || stream->release == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "the stream of rows was used up or released before");
  }
  auto rows = std::make_shared<ImportedStream>(stream);
  if (const arrow::Status status = rows->LoadSchema(); !status.ok()) return Fail(ToError(status));
  return rows;
}

}  // namespace deltalakedb::data
