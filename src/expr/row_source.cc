#include "expr/row_source.h"

#include <arrow/array/data.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/try.h"
#include "expr/result_batches.h"

namespace deltalakedb::expr {

using store::DuckDb;

namespace {

constexpr const char* kFunction = "deltalakedb_rows";
// DuckDB takes no table without columns.
constexpr const char* kNoColumn = "__deltalakedb_none";

// Statements name their sources by number: a number that nobody has is an error, not a crash.
class Registry {
 public:
  static Registry& Get() {
    static auto* const registry = new Registry;
    return *registry;
  }
  std::uint64_t Add(void* source) {
    const std::lock_guard lock(mutex_);
    sources_.emplace(++last_id_, source);
    return last_id_;
  }
  void* Find(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = sources_.find(id);
    return found == sources_.end() ? nullptr : found->second;
  }
  void Remove(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    sources_.erase(id);
  }

 private:
  std::mutex mutex_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, void*> sources_;
};

Result<void> CheckNames(const arrow::Schema& schema) {
  std::set<std::string> seen;
  for (const auto& field : schema.fields()) {
    std::string name = field->name();
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (seen.insert(std::move(name)).second) continue;
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("the rows have two columns of the name {}, letters of either "
                                  "case being equal: rename one",
                                  field->name()))
                    .With("column", field->name()));
  }
  return {};
}

}  // namespace

struct RowSource::State {
  duckdb_connection connection = nullptr;
  std::shared_ptr<arrow::Schema> schema;
  store::DuckDbConvertedSchema converted;
  std::vector<store::DuckDbType> types;

  std::shared_ptr<arrow::RecordBatchReader> reader;
  std::shared_ptr<arrow::RecordBatch> batch;
  std::int64_t offset = 0;
  arrow::Status status;

  // Rows of the batch as DuckDB's, without copying what need not be.
  Outcome<store::DuckDbChunk> Convert(const arrow::RecordBatch& rows);
  bool Fits(const arrow::RecordBatch& rows) const;
  // Gets one of the stream. False at the end or on failure.
  bool NextBatch();
  // The next rows, at most as many as DuckDB takes at once; null at the end or on failure.
  std::shared_ptr<arrow::RecordBatch> NextRows();
};

Outcome<store::DuckDbChunk> RowSource::State::Convert(const arrow::RecordBatch& rows) {
  ArrowArray array = {};
  if (const auto exported = arrow::ExportRecordBatch(rows, &array); !exported.ok()) {
    return std::unexpected(Failure{.type = DUCKDB_ERROR_INTERNAL, .words = exported.message()});
  }
  duckdb_data_chunk chunk = nullptr;
  const store::DuckDbErrorData error(
      DuckDb().data_chunk_from_arrow(connection, &array, converted.get(), &chunk));
  if (array.release != nullptr) array.release(&array);
  store::DuckDbChunk owned(chunk);
  if (error != nullptr && DuckDb().error_data_has_error(error.get())) {
    return std::unexpected(FailureOf(error.get()));
  }
  return owned;
}

bool RowSource::State::Fits(const arrow::RecordBatch& rows) const {
  if (rows.num_columns() != schema->num_fields()) return false;
  for (int i = 0; i < rows.num_columns(); ++i) {
    const arrow::DataType& given = *rows.column_data(i)->type;
    const arrow::DataType& expected = *schema->field(i)->type();
    if (!given.Equals(expected) && !IsSameLayout(given, expected)) return false;
  }
  return true;
}

bool RowSource::State::NextBatch() {
  batch = nullptr;
  offset = 0;
  if (reader == nullptr) return false;
  status = reader->ReadNext(&batch);
  if (!status.ok()) batch = nullptr;
  if (batch == nullptr) reader = nullptr;
  return batch != nullptr;
}

std::shared_ptr<arrow::RecordBatch> RowSource::State::NextRows() {
  while (batch == nullptr || offset >= batch->num_rows()) {
    if (!NextBatch()) return nullptr;
  }
  if (offset == 0 && !Fits(*batch)) {
    status = arrow::Status::Invalid("a batch has other columns than were expected");
    return nullptr;
  }
  const auto rows_max = static_cast<std::int64_t>(DuckDb().vector_size());
  auto rows = batch->Slice(offset, rows_max);
  offset += rows->num_rows();
  return rows;
}

RowSource::RowSource(std::unique_ptr<State> state)
    : state_(std::move(state)), id_(Registry::Get().Add(state_.get())) {}

RowSource::~RowSource() { Registry::Get().Remove(id_); }

Result<void> RowSource::Register(duckdb_connection connection) {
  const store::DuckDbTableFunction function(DuckDb().create_table_function());
  DuckDb().table_function_set_name(function.get(), kFunction);
  const store::DuckDbType id(DuckDb().create_logical_type(DUCKDB_TYPE_UBIGINT));
  DuckDb().table_function_add_parameter(function.get(), id.get());
  DuckDb().table_function_set_bind(function.get(), &RowSource::Bind);
  DuckDb().table_function_set_init(function.get(), &RowSource::Begin);
  DuckDb().table_function_set_function(function.get(), &RowSource::Next);
  if (DuckDb().register_table_function(connection, function.get()) == DuckDBSuccess) return {};
  return Fail(ErrorCode::kInternal, "DuckDB does not take a function that reads rows");
}

Result<std::unique_ptr<RowSource>> RowSource::Make(Session& session,
                                                   std::shared_ptr<arrow::Schema> schema) {
  DELTALAKEDB_TRY(CheckNames(*schema));
  auto state = std::make_unique<State>();
  state->connection = session.connection();
  state->schema = std::move(schema);
  if (state->schema->num_fields() == 0) {
    state->types.emplace_back(DuckDb().create_logical_type(DUCKDB_TYPE_BOOLEAN));
    return std::unique_ptr<RowSource>(new RowSource(std::move(state)));
  }
  const auto unknown = [](const std::string& words) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the rows have a type that expressions cannot see: {}", words));
  };
  ArrowSchema exported = {};
  if (const auto status = arrow::ExportSchema(*state->schema, &exported); !status.ok()) {
    return unknown(status.message());
  }
  duckdb_arrow_converted_schema converted = nullptr;
  const store::DuckDbErrorData error(
      DuckDb().schema_from_arrow(session.connection(), &exported, &converted));
  if (exported.release != nullptr) exported.release(&exported);
  state->converted.reset(converted);
  if (error != nullptr && DuckDb().error_data_has_error(error.get())) {
    return unknown(FailureOf(error.get()).words);
  }
  // Nothing tells the types but rows of them.
  const auto empty = arrow::RecordBatch::MakeEmpty(state->schema);
  if (!empty.ok()) return unknown(empty.status().message());
  const auto chunk = state->Convert(**empty);
  if (!chunk) return unknown(chunk.error().words);
  for (int i = 0; i < state->schema->num_fields(); ++i) {
    state->types.emplace_back(DuckDb().vector_get_column_type(
        DuckDb().data_chunk_get_vector(chunk->get(), static_cast<std::uint64_t>(i))));
  }
  return std::unique_ptr<RowSource>(new RowSource(std::move(state)));
}

const arrow::Schema& RowSource::schema() const { return *state_->schema; }

std::string RowSource::Reference() const {
  return fmt::format("{}(CAST({} AS UBIGINT))", kFunction, id_);
}

void RowSource::Give(std::shared_ptr<arrow::RecordBatch> batch) {
  state_->reader = nullptr;
  state_->batch = std::move(batch);
  state_->offset = 0;
  state_->status = arrow::Status::OK();
}

void RowSource::Give(std::shared_ptr<arrow::RecordBatchReader> reader) {
  Give(std::shared_ptr<arrow::RecordBatch>());
  state_->reader = std::move(reader);
}

const arrow::Status& RowSource::status() const { return state_->status; }

void RowSource::Bind(duckdb_bind_info info) {
  const store::DuckDbValue id(DuckDb().bind_get_parameter(info, 0));
  auto* const state = static_cast<State*>(Registry::Get().Find(DuckDb().get_uint64(id.get())));
  if (state == nullptr) {
    DuckDb().bind_set_error(info, "there are no such rows");
    return;
  }
  for (std::size_t i = 0; i < state->types.size(); ++i) {
    const bool is_none = state->schema->num_fields() == 0;
    const std::string name =
        is_none ? kNoColumn : state->schema->field(static_cast<int>(i))->name();
    DuckDb().bind_add_result_column(info, name.c_str(), state->types[i].get());
  }
  DuckDb().bind_set_bind_data(info, state, nullptr);
}

void RowSource::Begin(duckdb_init_info info) { DuckDb().init_set_max_threads(info, 1); }

void RowSource::Next(duckdb_function_info info, duckdb_data_chunk output) {
  State& state = *static_cast<State*>(DuckDb().function_get_bind_data(info));
  DuckDb().data_chunk_set_size(output, 0);
  const auto rows = state.NextRows();
  if (!state.status.ok()) {
    DuckDb().function_set_error(info, state.status.message().c_str());
    return;
  }
  if (rows == nullptr) return;
  if (state.schema->num_fields() > 0) {
    const auto chunk = state.Convert(*rows);
    if (!chunk) {
      DuckDb().function_set_error(info, chunk.error().words.c_str());
      return;
    }
    for (std::uint64_t i = 0; i < state.types.size(); ++i) {
      DuckDb().vector_reference_vector(DuckDb().data_chunk_get_vector(output, i),
                                       DuckDb().data_chunk_get_vector(chunk->get(), i));
    }
  }
  DuckDb().data_chunk_set_size(output, static_cast<std::uint64_t>(rows->num_rows()));
}

}  // namespace deltalakedb::expr
