#include "expr/evaluator.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii_case.h"
#include "base/try.h"
#include "expr/expression.h"
#include "expr/result_batches.h"
#include "expr/row_source.h"
#include "expr/session.h"
#include "expr/sql_types.h"
#include "expr/statements.h"
#include "protocol/excerpt.h"

namespace deltalakedb::expr {

namespace {

Result<void> CheckColumns(const Expression& expression, std::string_view text,
                          const arrow::Schema& rows) {
  for (const auto& path : expression.column_names) {
    const bool is_known = std::ranges::any_of(rows.fields(), [&](const auto& field) {
      return base::IsSameName(field->name(), path.front());
    });
    if (!is_known) return Fail(UnknownColumn(text, path.front(), rows.field_names()));
  }
  return {};
}

Result<Output> OutputOf(Session& session, const NamedExpression& expression,
                        const arrow::Schema& rows) {
  const auto in_column = [&](Error error) {
    return Fail(std::move(error).With("column", expression.name));
  };
  const auto parsed = ParseExpression(session, expression.sql);
  if (!parsed) return in_column(parsed.error());
  if (const auto checked = CheckColumns(*parsed, expression.sql, rows); !checked) {
    return Fail(checked.error());
  }
  Output output{.sql = expression.sql, .type = ""};
  if (expression.type == nullptr) return output;
  output.type = SqlTypeOf(*expression.type);
  if (!output.type.empty()) return output;
  return in_column(ExpressionError(
      expression.sql, fmt::format("it cannot be cast to {}, which no column of a table has",
                                  expression.type->ToString())));
}

class DuckDbEvaluator final : public Evaluator {
 public:
  DuckDbEvaluator(std::unique_ptr<Session> session, std::unique_ptr<RowSource> source,
                  std::vector<NamedExpression> expressions)
      : session_(std::move(session)),
        source_(std::move(source)),
        expressions_(std::move(expressions)) {}

  Result<void> Prepare();
  Result<std::shared_ptr<arrow::RecordBatch>> Evaluate(
      const std::shared_ptr<arrow::RecordBatch>& rows) override;

 private:
  Error ErrorOf(const Failure& failure) const;
  Result<void> TakeSchema(const arrow::Schema& schema);

  std::unique_ptr<Session> session_;
  std::unique_ptr<RowSource> source_;
  std::vector<NamedExpression> expressions_;
  store::DuckDbPrepared statement_;
  std::shared_ptr<arrow::Schema> schema_;  // of the answers, once there was one
};

// Which of several expressions it was is not told, but in DuckDB's words.
Error DuckDbEvaluator::ErrorOf(const Failure& failure) const {
  if (auto error = SystemError(failure, "computing expressions")) return *std::move(error);
  std::string texts;
  for (const NamedExpression& each : expressions_) {
    texts += (texts.empty() ? "" : ", ") + each.sql;
  }
  return ExpressionError(texts, failure.words);
}

Result<void> DuckDbEvaluator::Prepare() {
  std::vector<Output> outputs;
  for (const NamedExpression& each : expressions_) {
    DELTALAKEDB_ASSIGN(auto output, OutputOf(*session_, each, source_->schema()));
    // Alone, so that an error names it.
    auto prepared = session_->Prepare(EvaluateStatement({output}, source_->Reference()));
    if (!prepared) {
      if (auto error = SystemError(prepared.error(), "checking an expression")) {
        return Fail(*std::move(error));
      }
      return Fail(ExpressionError(each.sql, prepared.error().words).With("column", each.name));
    }
    outputs.push_back(std::move(output));
    statement_ = *std::move(prepared);
  }
  if (outputs.size() == 1) return {};
  auto prepared = session_->Prepare(EvaluateStatement(outputs, source_->Reference()));
  if (!prepared) return Fail(ErrorOf(prepared.error()));
  statement_ = *std::move(prepared);
  return {};
}

Result<void> DuckDbEvaluator::TakeSchema(const arrow::Schema& schema) {
  if (schema_ != nullptr) return {};
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < expressions_.size(); ++i) {
    const auto& [name, sql, type] = expressions_[i];
    fields.push_back(
        arrow::field(name, type == nullptr ? schema.field(static_cast<int>(i))->type() : type));
  }
  schema_ = arrow::schema(std::move(fields));
  return {};
}

Result<std::shared_ptr<arrow::RecordBatch>> DuckDbEvaluator::Evaluate(
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  source_->Give(rows);
  const auto results = ResultBatches::Execute(statement_.get());
  if (!results) return Fail(ErrorOf(results.error()));
  const auto all = (*results)->ReadAll();
  source_->Give(std::shared_ptr<arrow::RecordBatch>());
  if (!all) return Fail(ErrorOf(all.error()));
  if ((*all)->num_rows() != rows->num_rows()) {
    return Fail(ErrorCode::kInternal, fmt::format("expressions gave {} values for {} rows",
                                                  (*all)->num_rows(), rows->num_rows()));
  }
  DELTALAKEDB_TRY(TakeSchema(*(*all)->schema()));
  return Relabel(*all, schema_);
}

}  // namespace

Result<std::unique_ptr<Evaluator>> Evaluator::Make(std::shared_ptr<arrow::Schema> rows,
                                                   std::vector<NamedExpression> expressions) {
  if (expressions.empty()) return Fail(ErrorCode::kInvalidArgument, "there are no expressions");
  DELTALAKEDB_ASSIGN(auto database, Database::Shared());
  DELTALAKEDB_ASSIGN(auto session, Session::Open(std::move(database)));
  DELTALAKEDB_ASSIGN(auto source, RowSource::Make(*session, std::move(rows)));
  auto evaluator = std::make_unique<DuckDbEvaluator>(std::move(session), std::move(source),
                                                     std::move(expressions));
  DELTALAKEDB_TRY(evaluator->Prepare());
  return evaluator;
}

std::string QuoteName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

}  // namespace deltalakedb::expr
