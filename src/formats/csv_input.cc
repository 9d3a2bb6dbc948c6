// CSV (RFC 4180): lines of fields between commas, with quotes around those that need them. A line
// of names comes first. Read here rather than by Arrow, whose reader reads ahead on threads of its
// own, which a pipe can hold up for ever, and knows no lines.
#include <arrow/array/builder_base.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/row_stream.h"
#include "formats/found_type.h"
#include "formats/row_source_internal.h"
#include "formats/value_builder.h"
#include "protocol/excerpt.h"

namespace deltalakedb::formats {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kColumnsMax = 100'000;

// A record's fields; nullopt for one that is empty and has no quotes.
struct CsvRecord {
  std::vector<std::optional<std::string>> fields;
  std::size_t num_fields = 0;  // those of `fields` that count: their texts are used again
  std::int64_t line = 0;       // that it begins in, from 1
  std::size_t text_bytes = 0;

  std::optional<std::string>& Add() {
    if (num_fields == fields.size()) fields.emplace_back();
    std::optional<std::string>& field = fields[num_fields++];
    return field;
  }
};

class CsvRecords {
 public:
  explicit CsvRecords(ByteInput input) : input_(std::move(input)) {}

  const ByteInput& input() const { return input_; }

  Result<void> SkipByteOrderMark() {
    DELTALAKEDB_ASSIGN(const std::string_view start, input_.Peek(kByteOrderMark.size()));
    if (start == kByteOrderMark) input_.Consume(start.size());
    return {};
  }

  // The next record; false at the end.
  Result<bool> Read(CsvRecord& record) {
    record.num_fields = 0;
    record.text_bytes = 0;
    record.line = line_ + 1;
    position_ = 0;
    DELTALAKEDB_ASSIGN(const bool is_there, HasByte());
    if (!is_there) return false;
    bool has_more = true;
    while (has_more) {
      if (record.num_fields == kColumnsMax) {
        return Fail(AtPlace(Error(ErrorCode::kLimitExceeded,
                                  fmt::format("there are more than {} columns", kColumnsMax)),
                            {input_, record.line, {}}));
      }
      DELTALAKEDB_ASSIGN(const bool has_byte, HasByte());
      std::optional<std::string>& field = record.Add();
      if (has_byte && Byte() == '"') {
        DELTALAKEDB_ASSIGN(has_more, ReadQuoted(record, field));
      } else {
        DELTALAKEDB_ASSIGN(has_more, ReadPlain(field));
      }
      if (field) record.text_bytes += field->size();
    }
    input_.Consume(position_);
    return true;
  }

 private:
  char Byte() const { return input_.window()[position_]; }

  Result<bool> HasByte() {
    if (position_ < input_.window().size()) return true;
    if (position_ > kRowTextBytesMax) {
      return Fail(AtPlace(Error(ErrorCode::kLimitExceeded,
                                fmt::format("the row has more than {} bytes: is there a quote that "
                                            "nothing closes?",
                                            kRowTextBytesMax))
                              .With("limit", static_cast<std::int64_t>(kRowTextBytesMax)),
                          {input_, line_ + 1, {}}));
    }
    return input_.Extend();
  }

  // What ends a field at `position_`, which is passed: true for a comma, false for the line's end;
  // nullopt where the field goes on.
  Result<std::optional<bool>> PassEnd() {
    DELTALAKEDB_ASSIGN(const bool is_there, HasByte());
    if (!is_there) return false;
    const char c = Byte();
    if (c == ',') {
      ++position_;
      return true;
    }
    if (c == '\r') {
      ++position_;
      DELTALAKEDB_ASSIGN(const bool has_next, HasByte());
      if (!has_next) return false;
      if (Byte() != '\n') {
        --position_;
        return std::nullopt;
      }
    } else if (c != '\n') {
      return std::nullopt;
    }
    ++position_;
    ++line_;
    return false;
  }

  Result<bool> ReadPlain(std::optional<std::string>& field) {
    const std::size_t start = position_;
    for (;;) {
      // Most bytes end nothing.
      const std::string_view window = input_.window();
      position_ = std::min(window.find_first_of(",\r\n", position_), window.size());
      const std::size_t end = position_;
      DELTALAKEDB_ASSIGN(const std::optional<bool> passed, PassEnd());
      if (passed) {
        field.reset();
        if (end > start) field.emplace(input_.window().substr(start, end - start));
        return *passed;
      }
      if (position_ == end && position_ < input_.window().size() && Byte() == '\r') ++position_;
    }
  }

  Result<bool> ReadQuoted(const CsvRecord& record, std::optional<std::string>& field) {
    ++position_;
    if (!field) field.emplace();
    field->clear();
    const std::int64_t first_line = line_;
    std::int64_t lines = 0;
    for (;;) {
      DELTALAKEDB_ASSIGN(const bool is_there, HasByte());
      if (!is_there) {
        return Fail(
            AtPlace(Error(ErrorCode::kInvalidArgument, "a quote begins a field and none ends it"),
                    {input_, first_line + 1, {}}));
      }
      const char c = Byte();
      ++position_;
      if (c == '\n') ++lines;
      if (c != '"') {
        field->push_back(c);
        continue;
      }
      DELTALAKEDB_ASSIGN(const bool has_next, HasByte());
      if (!has_next || Byte() != '"') break;
      field->push_back('"');
      ++position_;
    }
    line_ += lines;
    DELTALAKEDB_ASSIGN(const std::optional<bool> passed, PassEnd());
    if (passed) return *passed;
    return Fail(AtPlace(Error(ErrorCode::kInvalidArgument,
                              fmt::format("field {} goes on behind the quote that ends it; a quote "
                                          "within quotes is doubled",
                                          record.num_fields)),
                        {input_, line_ + 1, {}}));
  }

  ByteInput input_;
  std::size_t position_ = 0;  // in the window
  std::int64_t line_ = 0;     // of the window's first bytes, from 0
};

class CsvReader final : public arrow::RecordBatchReader {
 public:
  explicit CsvReader(ByteInput input) : records_(std::move(input)) {}

  Result<void> Start(const KnownColumns& known) {
    DELTALAKEDB_TRY(records_.SkipByteOrderMark());
    DELTALAKEDB_TRY(ReadNames());
    arrow::FieldVector fields;
    bool are_all_known = true;
    for (const std::string& name : names_) {
      const auto field = FindKnown(known, name);
      are_all_known = are_all_known && field != nullptr;
      fields.push_back(field != nullptr ? arrow::field(name, field->type()) : nullptr);
    }
    if (!are_all_known) DELTALAKEDB_TRY(FindTypes(fields));
    schema_ = arrow::schema(std::move(fields));
    for (const auto& field : schema_->fields()) {
      if (auto checked = CheckTextType(*field->type()); !checked) {
        return Fail(AtPlace(std::move(checked).error(), {records_.input(), 1, field->name()}));
      }
      auto builder = arrow::MakeBuilder(field->type());
      if (!builder.ok()) return Fail(data::ToError(builder.status()));
      builders_.push_back(*std::move(builder));
      types_.push_back(field->type());
    }
    return {};
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    auto batch = Next();
    if (!batch) return data::ToStatus(std::move(batch).error());
    *out = *std::move(batch);
    return arrow::Status::OK();
  }

 private:
  Result<void> ReadNames() {
    CsvRecord record;
    DELTALAKEDB_ASSIGN(const bool is_there, records_.Read(record));
    std::set<std::string> seen;
    for (std::size_t i = 0; is_there && i < record.num_fields; ++i) {
      const std::string name = record.fields[i].value_or("");
      if (name.empty() || !arrow::util::ValidateUTF8(name) || !seen.insert(name).second) {
        const std::string_view what = name.empty()          ? "has no name"
                                      : seen.contains(name) ? "has a name that is there twice"
                                                            : "has a name that is not UTF-8";
        return Fail(AtPlace(Error(ErrorCode::kInvalidArgument,
                                  fmt::format("column {} {}; the first line has the names of all "
                                              "columns",
                                              i + 1, what)),
                            {records_.input(), record.line, {}}));
      }
      names_.push_back(name);
    }
    if (names_.empty()) {
      return Fail(AtPlace(
          Error(ErrorCode::kInvalidArgument, "there is no line with the names of the columns"),
          {records_.input(), 0, {}}));
    }
    return {};
  }

  // Of the columns that are null in `fields`.
  Result<void> FindTypes(arrow::FieldVector& fields) {
    std::vector<FoundTextType> found(fields.size());
    std::size_t bytes = 0;
    while (sample_.size() < kSampleRowsMax && bytes < kSampleBytesMax) {
      CsvRecord record;
      DELTALAKEDB_ASSIGN(const bool is_there, ReadRecord(record));
      if (!is_there) break;
      bytes += record.text_bytes;
      for (std::size_t i = 0; i < fields.size(); ++i) {
        if (fields[i] == nullptr && record.fields[i]) found[i].Note(*record.fields[i]);
      }
      sample_.push_back(std::move(record));
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] == nullptr) fields[i] = arrow::field(names_[i], found[i].Type());
    }
    return {};
  }

  // A record with a field for each column. Empty lines are passed where there are several.
  Result<bool> ReadRecord(CsvRecord& record) {
    for (;;) {
      DELTALAKEDB_ASSIGN(const bool is_there, records_.Read(record));
      if (!is_there) return false;
      if (record.num_fields == names_.size()) return true;
      if (record.num_fields == 1 && !record.fields.front()) continue;
      return Fail(AtPlace(
          Error(ErrorCode::kInvalidArgument, fmt::format("there are {} fields for {} columns",
                                                         record.num_fields, names_.size())),
          {records_.input(), record.line, {}}));
    }
  }

  Result<bool> NextRecord() {
    if (sample_.empty()) return ReadRecord(record_);
    record_ = std::move(sample_.front());
    sample_.pop_front();
    return true;
  }

  Result<void> AppendRecord() {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::optional<std::string>& field = record_.fields[i];
      if (!field) {
        const arrow::Status status = builders_[i]->AppendNull();
        if (!status.ok()) return Fail(data::ToError(status));
      } else if (auto appended = AppendText(*field, *types_[i], *builders_[i]); !appended) {
        return Fail(
            AtPlace(std::move(appended).error(), {records_.input(), record_.line, names_[i]}));
      }
    }
    return {};
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() {
    std::int64_t rows = 0;
    for (std::size_t bytes = 0; rows < kBatchRowsMax && bytes < kBatchTextBytesMax; ++rows) {
      DELTALAKEDB_ASSIGN(const bool is_there, NextRecord());
      if (!is_there) break;
      bytes += record_.text_bytes;
      DELTALAKEDB_TRY(AppendRecord());
    }
    if (rows == 0) return nullptr;
    arrow::ArrayVector columns;
    for (const auto& builder : builders_) {
      auto column = builder->Finish();
      if (!column.ok()) return Fail(data::ToError(column.status()));
      columns.push_back(*std::move(column));
    }
    return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  }

  CsvRecords records_;
  std::vector<std::string> names_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<std::shared_ptr<arrow::DataType>> types_;
  std::deque<CsvRecord> sample_;  // read for their types, and not given yet
  CsvRecord record_;
};

}  // namespace

Result<std::shared_ptr<arrow::RecordBatchReader>> OpenCsv(ByteInput input,
                                                          const KnownColumns& known) {
  arrow::util::InitializeUTF8();
  auto reader = std::make_shared<CsvReader>(std::move(input));
  DELTALAKEDB_TRY(reader->Start(known));
  return reader;
}

}  // namespace deltalakedb::formats
