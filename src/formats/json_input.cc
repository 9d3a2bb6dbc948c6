// JSON lines: an object in each line, whose members are the columns.
#include <arrow/array/builder_base.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/row_stream.h"
#include "formats/found_type.h"
#include "formats/row_source_internal.h"
#include "formats/value_builder.h"
#include "protocol/excerpt.h"
#include "protocol/json_document.h"

namespace deltalakedb::formats {

namespace {

using protocol::JsonDocument;
using protocol::JsonValue;

struct Line {
  std::int64_t number = 0;  // from 1
  std::string text;
};

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
}

class JsonReader final : public arrow::RecordBatchReader {
 public:
  explicit JsonReader(ByteInput input) : input_(std::move(input)) {}

  Result<void> Start(const KnownColumns& known) {
    arrow::FieldVector fields;
    if (known.is_whole) {
      fields = known.schema->fields();
    } else {
      DELTALAKEDB_ASSIGN(const FoundJsonType found, ReadSample());
      for (const auto& [name, type] : found.members()) {
        const auto field = FindKnown(known, name);
        fields.push_back(arrow::field(name, field != nullptr ? field->type() : type.Type()));
      }
    }
    are_found_ = !known.is_whole;
    schema_ = arrow::schema(std::move(fields));
    for (int i = 0; i < schema_->num_fields(); ++i) {
      const auto& field = schema_->field(i);
      if (auto checked = CheckTextType(*field->type()); !checked) {
        return Fail(AtPlace(std::move(checked).error(), {input_, 0, field->name()}));
      }
      auto builder = arrow::MakeBuilder(field->type());
      if (!builder.ok()) return Fail(data::ToError(builder.status()));
      builders_.push_back(*std::move(builder));
      types_.push_back(field->type());
      positions_.emplace(field->name(), static_cast<std::size_t>(i));
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
  Error AtLine(Error error, std::string_view column = {}) const {
    return AtPlace(std::move(error), {input_, line_.number, column});
  }

  // The next line that is not empty; false at the end.
  Result<bool> ReadLine() {
    do {
      std::size_t end = 0;
      for (std::size_t from = 0;; from = end) {
        end = input_.window().find('\n', from);
        if (end != std::string_view::npos) break;
        end = input_.window().size();
        if (end > kRowTextBytesMax) {
          ++line_.number;
          return Fail(AtLine(Error(ErrorCode::kLimitExceeded,
                                   fmt::format("the line has more than {} bytes", kRowTextBytesMax))
                                 .With("limit", static_cast<std::int64_t>(kRowTextBytesMax))));
        }
        DELTALAKEDB_ASSIGN(const bool has_more, input_.Extend());
        if (!has_more) break;
      }
      const bool is_ended = end < input_.window().size();
      if (end == 0 && !is_ended) return false;
      line_.text.assign(input_.window().substr(0, end));
      ++line_.number;
      input_.Consume(end + (is_ended ? 1 : 0));
    } while (IsBlank(line_.text));
    return true;
  }

  Result<bool> NextLine() {
    if (sample_.empty()) return ReadLine();
    line_ = std::move(sample_.front());  // the last of them has the number that goes on
    sample_.pop_front();
    return true;
  }

  Result<JsonDocument> Parse() const {
    auto document = JsonDocument::ParseObject(line_.text, kRowTextBytesMax + 1);
    if (document) return document;
    const Error& error = document.error();
    const bool is_too_much = error.code() == ErrorCode::kLimitExceeded;
    return Fail(AtLine(Error(
        is_too_much ? error.code() : ErrorCode::kInvalidArgument,
        fmt::format("the line is no JSON object, as which a row is read: {}", error.message()))));
  }

  // The columns of the first lines, which are kept.
  Result<FoundJsonType> ReadSample() {
    FoundJsonType found;
    std::deque<Line> sample;
    for (std::size_t bytes = 0; sample.size() < kSampleRowsMax && bytes < kSampleBytesMax;) {
      DELTALAKEDB_ASSIGN(const bool is_there, ReadLine());
      if (!is_there) break;
      DELTALAKEDB_ASSIGN(const JsonDocument document, Parse());
      found.Note(document.root());
      bytes += line_.text.size();
      sample.push_back(line_);
    }
    sample_ = std::move(sample);
    return found;
  }

  Result<void> AppendMember(std::string_view name, const JsonValue& value,
                            std::vector<bool>& is_set) {
    const auto found = positions_.find(name);
    if (found == positions_.end()) {
      return Fail(AtLine(
          Error(ErrorCode::kInvalidArgument,
                are_found_ ? fmt::format("no line before, of the {} that columns are found by, has "
                                         "this member: give it in one of them, as null",
                                         kSampleRowsMax)
                           : std::string("the first file has no such column")),
          name));
    }
    if (is_set[found->second]) {
      return Fail(AtLine(Error(ErrorCode::kInvalidArgument, "the member is there twice"), name));
    }
    is_set[found->second] = true;
    auto appended = AppendJson(value, *types_[found->second], *builders_[found->second]);
    if (!appended) return Fail(AtLine(std::move(appended).error(), name));
    return {};
  }

  Result<void> AppendRow() {
    DELTALAKEDB_ASSIGN(const JsonDocument document, Parse());
    std::vector<bool> is_set(builders_.size());
    Result<void> result;
    document.root().ForEachMember([&](std::string_view name, const JsonValue& value) {
      result = AppendMember(name, value, is_set);
      return result.has_value();
    });
    DELTALAKEDB_TRY(result);
    for (std::size_t i = 0; i < builders_.size(); ++i) {
      if (is_set[i]) continue;
      if (const arrow::Status status = builders_[i]->AppendNull(); !status.ok()) {
        return Fail(data::ToError(status));
      }
    }
    return {};
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() {
    std::int64_t rows = 0;
    for (std::size_t bytes = 0; rows < kBatchRowsMax && bytes < kBatchTextBytesMax; ++rows) {
      DELTALAKEDB_ASSIGN(const bool is_there, NextLine());
      if (!is_there) break;
      bytes += line_.text.size();
      DELTALAKEDB_TRY(AppendRow());
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

  ByteInput input_;
  Line line_;
  std::deque<Line> sample_;  // read for their columns, and not given yet
  std::shared_ptr<arrow::Schema> schema_;
  bool are_found_ = false;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<std::shared_ptr<arrow::DataType>> types_;
  std::map<std::string, std::size_t, std::less<>> positions_;
};

}  // namespace

Result<std::shared_ptr<arrow::RecordBatchReader>> OpenJsonLines(ByteInput input,
                                                                const KnownColumns& known) {
  auto reader = std::make_shared<JsonReader>(std::move(input));
  DELTALAKEDB_TRY(reader->Start(known));
  return reader;
}

}  // namespace deltalakedb::formats
