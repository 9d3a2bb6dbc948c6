#include "expr/result_batches.h"

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <utility>

#include "base/try.h"

namespace deltalakedb::expr {

using store::DuckDb;

namespace {

Failure Internal(std::string words) {
  return {.type = DUCKDB_ERROR_INTERNAL, .words = std::move(words)};
}

bool HasError(const store::DuckDbErrorData& error) {
  return error != nullptr && DuckDb().error_data_has_error(error.get());
}

std::shared_ptr<arrow::ArrayData> RelabelData(const arrow::ArrayData& data,
                                              const std::shared_ptr<arrow::DataType>& type) {
  auto made = data.Copy();
  made->type = type;
  for (std::size_t i = 0; i < made->child_data.size(); ++i) {
    made->child_data[i] =
        RelabelData(*data.child_data[i], type->field(static_cast<int>(i))->type());
  }
  return made;
}

}  // namespace

Outcome<std::unique_ptr<ResultBatches>> ResultBatches::Execute(
    duckdb_prepared_statement statement) {
  std::unique_ptr<ResultBatches> made(new ResultBatches);
  if (DuckDb().execute_prepared_streaming(statement, made->result_.get()) != DuckDBSuccess) {
    return std::unexpected(FailureOf(made->result_.get()));
  }
  made->options_.reset(DuckDb().result_get_arrow_options(made->result_.get()));
  if (auto read = made->ReadSchema(); !read) return std::unexpected(std::move(read).error());
  return made;
}

Outcome<void> ResultBatches::ReadSchema() {
  std::vector<store::DuckDbType> types;
  std::vector<duckdb_logical_type> handles;
  std::vector<const char*> names;
  const std::uint64_t count = DuckDb().column_count(result_.get());
  for (std::uint64_t i = 0; i < count; ++i) {
    handles.push_back(types.emplace_back(DuckDb().column_logical_type(result_.get(), i)).get());
    names.push_back(DuckDb().column_name(result_.get(), i));
  }
  ArrowSchema exported = {};
  const store::DuckDbErrorData error(
      DuckDb().to_arrow_schema(options_.get(), handles.data(), names.data(), count, &exported));
  if (HasError(error)) return std::unexpected(FailureOf(error.get()));
  auto schema = arrow::ImportSchema(&exported);
  if (!schema.ok()) return std::unexpected(Internal(schema.status().message()));
  schema_ = *std::move(schema);
  return {};
}

Outcome<std::shared_ptr<arrow::RecordBatch>> ResultBatches::Next() {
  const store::DuckDbChunk chunk(DuckDb().fetch_chunk(*result_.get()));
  if (chunk == nullptr) {
    const char* const words = DuckDb().result_error(result_.get());
    if (words != nullptr && *words != '\0') return std::unexpected(FailureOf(result_.get()));
    return nullptr;
  }
  ArrowArray array = {};
  const store::DuckDbErrorData error(
      DuckDb().data_chunk_to_arrow(options_.get(), chunk.get(), &array));
  if (HasError(error)) return std::unexpected(FailureOf(error.get()));
  auto batch = arrow::ImportRecordBatch(&array, schema_);
  if (!batch.ok()) return std::unexpected(Internal(batch.status().message()));
  return *std::move(batch);
}

Outcome<std::shared_ptr<arrow::RecordBatch>> ResultBatches::ReadAll() {
  arrow::RecordBatchVector batches;
  for (;;) {
    auto batch = Next();
    if (!batch) return std::unexpected(std::move(batch).error());
    if (*batch == nullptr) break;
    batches.push_back(*std::move(batch));
  }
  if (batches.size() == 1) return batches.front();
  auto all = batches.empty() ? arrow::RecordBatch::MakeEmpty(schema_)
                             : arrow::ConcatenateRecordBatches(batches);
  if (all.ok()) return *std::move(all);
  return std::unexpected(
      Failure{.type = DUCKDB_ERROR_OUT_OF_MEMORY, .words = all.status().message()});
}

bool IsSameLayout(const arrow::DataType& a, const arrow::DataType& b) {
  if (a.id() != b.id() || a.num_fields() != b.num_fields()) return false;
  if (a.id() == arrow::Type::TIMESTAMP) {
    return static_cast<const arrow::TimestampType&>(a).unit() ==
           static_cast<const arrow::TimestampType&>(b).unit();
  }
  if (a.num_fields() == 0) return a.Equals(b);
  if (a.id() != arrow::Type::STRUCT && a.id() != arrow::Type::LIST && a.id() != arrow::Type::MAP) {
    return a.Equals(b);
  }
  for (int i = 0; i < a.num_fields(); ++i) {
    if (!IsSameLayout(*a.field(i)->type(), *b.field(i)->type())) return false;
  }
  return true;
}

Result<std::shared_ptr<arrow::Array>> Relabel(const std::shared_ptr<arrow::Array>& array,
                                              const std::shared_ptr<arrow::DataType>& type) {
  if (array->type()->Equals(*type, /*check_metadata=*/true)) return array;
  if (array->null_count() == array->length() &&
      (type->id() == arrow::Type::NA || array->type_id() == arrow::Type::NA)) {
    auto nulls = arrow::MakeArrayOfNull(type, array->length());
    if (nulls.ok()) return *std::move(nulls);
  }
  if (!IsSameLayout(*array->type(), *type)) {
    return Fail(ErrorCode::kInternal, fmt::format("DuckDB answered with values of the type {} in "
                                                  "place of {}",
                                                  array->type()->ToString(), type->ToString()));
  }
  return arrow::MakeArray(RelabelData(*array->data(), type));
}

Result<std::shared_ptr<arrow::RecordBatch>> Relabel(
    const std::shared_ptr<arrow::RecordBatch>& batch,
    const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ArrayVector columns;
  for (int i = 0; i < schema->num_fields(); ++i) {
    DELTALAKEDB_ASSIGN(columns.emplace_back(), Relabel(batch->column(i), schema->field(i)->type()));
  }
  return arrow::RecordBatch::Make(schema, batch->num_rows(), std::move(columns));
}

}  // namespace deltalakedb::expr
