#include <arrow/c/bridge.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.h"
#include "data/arrow_types.h"
#include "data/row_stream.h"
#include "deltalakedb/row_formats.h"
#include "deltalakedb/schema.h"
#include "formats/row_source_internal.h"
#include "formats/value_builder.h"
#include "protocol/excerpt.h"

namespace deltalakedb {

namespace formats {

namespace {

using protocol::Excerpt;
using RowReader = std::shared_ptr<arrow::RecordBatchReader>;

struct NamedFormat {
  std::string_view name;
  RowFormat format;
};
constexpr auto kFormatNames = std::to_array<NamedFormat>({
    {"parquet", RowFormat::kParquet},
    {"csv", RowFormat::kCsv},
    {"jsonl", RowFormat::kJsonLines},
    {"arrow", RowFormat::kArrowIpc},
});
constexpr auto kFormatEndings = std::to_array<NamedFormat>({
    {".parquet", RowFormat::kParquet},
    {".csv", RowFormat::kCsv},
    {".jsonl", RowFormat::kJsonLines},
    {".ndjson", RowFormat::kJsonLines},
    {".json", RowFormat::kJsonLines},
    {".arrow", RowFormat::kArrowIpc},
    {".arrows", RowFormat::kArrowIpc},
    {".ipc", RowFormat::kArrowIpc},
    {".feather", RowFormat::kArrowIpc},
});

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Enough for what tells formats apart, and white space in front of JSON.
constexpr std::size_t kFirstBytes = 4096;

Result<RowFormat> FormatOfContent(ByteInput& input) {
  DELTALAKEDB_ASSIGN(std::string_view start, input.Peek(kFirstBytes));
  if (start.starts_with("PAR1")) return RowFormat::kParquet;
  if (start.starts_with("ARROW1") || start.starts_with("\xFF\xFF\xFF\xFF")) {
    return RowFormat::kArrowIpc;
  }
  if (start.starts_with("\xEF\xBB\xBF")) start.remove_prefix(3);
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && start[first] == '{';
  return is_json ? RowFormat::kJsonLines : RowFormat::kCsv;
}

Result<RowReader> OpenOne(const std::string& path, std::optional<RowFormat> format,
                          const KnownColumns& known) {
  DELTALAKEDB_ASSIGN(ByteInput input, ByteInput::Open(path));
  if (!format) format = FormatOfName(path);
  if (!format) {
    DELTALAKEDB_ASSIGN(format, FormatOfContent(input));
  }
  switch (*format) {
    case RowFormat::kParquet:
      return OpenParquet(std::move(input));
    case RowFormat::kArrowIpc:
      return OpenArrowIpc(std::move(input));
    case RowFormat::kJsonLines:
      return OpenJsonLines(std::move(input), known);
    case RowFormat::kCsv:
      break;
  }
  return OpenCsv(std::move(input), known);
}

// Files one after the other, with the columns of the first.
class ChainedFiles final : public arrow::RecordBatchReader {
 public:
  ChainedFiles(std::vector<std::string> paths, std::optional<RowFormat> format)
      : paths_(std::move(paths)), format_(format) {}

  Result<void> Start(const KnownColumns& known) {
    DELTALAKEDB_ASSIGN(current_, OpenOne(paths_.front(), format_, known));
    schema_ = current_->schema();
    return {};
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    while (current_ != nullptr) {
      ARROW_RETURN_NOT_OK(current_->ReadNext(out));
      if (*out != nullptr) return columns_.empty() ? arrow::Status::OK() : Align(out);
      current_.reset();
      if (++file_ == paths_.size()) break;
      if (auto opened = OpenNext(); !opened) return data::ToStatus(std::move(opened).error());
    }
    return arrow::Status::OK();
  }

 private:
  std::unexpected<Error> Differs(std::string_view column, std::string_view what) const {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("{}: the column {} {}; files that are read together have the "
                                  "same columns",
                                  paths_[file_], Excerpt(column), what))
                    .With("file", paths_[file_])
                    .With("column", std::string(column)));
  }

  Result<void> OpenNext() {
    DELTALAKEDB_ASSIGN(current_, OpenOne(paths_[file_], format_, {schema_, /*is_whole=*/true}));
    const auto theirs = current_->schema();
    columns_.clear();
    for (const auto& field : schema_->fields()) {
      columns_.push_back(theirs->GetFieldIndex(field->name()));
      if (columns_.back() < 0) return Differs(field->name(), "is not there");
    }
    for (const auto& field : theirs->fields()) {
      if (schema_->GetFieldIndex(field->name()) < 0) {
        return Differs(field->name(), fmt::format("is not in {}", paths_.front()));
      }
    }
    return {};
  }

  arrow::Status Align(std::shared_ptr<arrow::RecordBatch>* batch) const {
    arrow::ArrayVector columns;
    for (int i = 0; i < schema_->num_fields(); ++i) {
      auto column = (*batch)->column(columns_[static_cast<std::size_t>(i)]);
      const auto& type = schema_->field(i)->type();
      if (!column->type()->Equals(*type)) {
        auto cast = arrow::compute::Cast(*column, type);
        if (!cast.ok()) {
          return data::ToStatus(
              Differs(schema_->field(i)->name(),
                      fmt::format("is {} here and {} in {}", TypeName(*column->type()),
                                  TypeName(*type), paths_.front()))
                  .error());
        }
        column = *std::move(cast);
      }
      columns.push_back(std::move(column));
    }
    *batch = arrow::RecordBatch::Make(schema_, (*batch)->num_rows(), std::move(columns));
    return arrow::Status::OK();
  }

  std::vector<std::string> paths_;
  std::optional<RowFormat> format_;
  std::size_t file_ = 0;
  RowReader current_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<int> columns_;  // where the current file has those of the first; empty: it is that
};

// Without taking the caller's schema.
Result<std::shared_ptr<arrow::Schema>> CopySchema(const ArrowSchema* columns) {
  // Importing releases what it is given: a copy that releases nothing but itself, whose children
  // are only read.
  ArrowSchema borrowed = *columns;
  borrowed.release = [](ArrowSchema* schema) { schema->release = nullptr; };
  auto imported = arrow::ImportSchema(&borrowed);
  if (!imported.ok()) return Fail(data::ToError(imported.status()));
  return *std::move(imported);
}

bool EqualNames(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

}  // namespace

std::shared_ptr<arrow::Field> FindKnown(const KnownColumns& known, std::string_view name) {
  if (known.schema == nullptr) return nullptr;
  std::shared_ptr<arrow::Field> found;
  for (const auto& field : known.schema->fields()) {
    if (field->name() == name) return field;
    if (found == nullptr && EqualNames(field->name(), name)) found = field;
  }
  return found;
}

Error AtPlace(Error error, const TextPlace& place) {
  std::string where = place.input.name();
  error.AddFact("file", place.input.path());
  if (place.line > 0) {
    where += fmt::format(", line {}", place.line);
    error.AddFact("line", place.line);
  }
  if (!place.column.empty()) {
    where += fmt::format(", column {}", Excerpt(place.column));
    error.AddFact("column", std::string(place.column));
  }
  error.AddContext(where);
  return error;
}

}  // namespace formats

Result<RowFormat> ParseRowFormat(std::string_view name) {
  for (const auto& known : formats::kFormatNames) {
    if (known.name == name) return known.format;
  }
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("the format of rows is parquet, csv, jsonl or arrow, not \"{}\"",
                                protocol::Excerpt(name)))
                  .With("format", std::string(name)));
}

std::optional<RowFormat> FormatOfName(std::string_view path) {
  std::string lower(path);
  std::ranges::transform(lower, lower.begin(), formats::Lower);
  for (const auto& ending : formats::kFormatEndings) {
    if (lower.ends_with(ending.name)) return ending.format;
  }
  return std::nullopt;
}

Result<void> ExportSchema(std::string_view schema_json, ArrowSchema* out) {
  DELTALAKEDB_ASSIGN(const Schema schema, Schema::Parse(schema_json));
  DELTALAKEDB_ASSIGN(const auto columns, data::ArrowSchemaOf(schema));
  const arrow::Status status = arrow::ExportSchema(*columns, out);
  if (!status.ok()) return Fail(data::ToError(status));
  return {};
}

Result<void> OpenRowFiles(const std::vector<std::string>& paths, const RowInputOptions& options,
                          ArrowArrayStream* out) {
  if (paths.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "there is no file to read rows from");
  }
  if (std::ranges::count(paths, formats::kStandardStream) > 1) {
    return Fail(Error(ErrorCode::kInvalidArgument, "standard input, -, can be read once")
                    .With("file", std::string(formats::kStandardStream)));
  }
  if (const arrow::Status status = arrow::compute::Initialize(); !status.ok()) {
    return Fail(data::ToError(status));
  }
  formats::KnownColumns known;
  if (options.columns != nullptr) {
    DELTALAKEDB_ASSIGN(known.schema, formats::CopySchema(options.columns));
  } else if (!options.schema_json.empty()) {
    DELTALAKEDB_ASSIGN(const Schema schema, Schema::Parse(options.schema_json));
    DELTALAKEDB_ASSIGN(known.schema, data::ArrowSchemaOf(schema));
  }
  auto rows = std::make_shared<formats::ChainedFiles>(paths, options.format);
  DELTALAKEDB_TRY(rows->Start(known));
  data::ExportStream(std::move(rows), out);
  return {};
}

RowStream::RowStream() : stream_(new ArrowArrayStream{}) {}
RowStream::RowStream(RowStream&&) noexcept = default;
RowStream& RowStream::operator=(RowStream&&) noexcept = default;
RowStream::~RowStream() = default;

void RowStream::Releaser::operator()(ArrowArrayStream* stream) const {
  if (stream->release != nullptr) stream->release(stream);
  delete stream;
}

}  // namespace deltalakedb
