#include "table/row_checks.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "data/row_stream.h"
#include "expr/predicate.h"
#include "protocol/column_changes.h"
#include "protocol/features.h"

namespace deltalakedb::table {

namespace {

constexpr std::string_view kConstraintPrefix = "delta.constraints.";
constexpr std::string_view kInvariants = "delta.invariants";
constexpr std::string_view kGenerationExpression = "delta.generationExpression";

std::unexpected<Error> CannotWrite(std::string_view column, std::string_view feature,
                                   std::string_view why) {
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("rows cannot be written to this table: column {} {} ({}); write "
                                "them with an engine that supports that",
                                column, why, feature))
                  .With("features", std::string(feature))
                  .With("column", std::string(column)));
}

Result<void> CheckType(std::string_view column, const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kVariant:
      return CannotWrite(column, "variantType", "has values of type variant");
    case TypeKind::kStruct:
      for (const Field& field : type.fields()) DELTALAKEDB_TRY(CheckType(column, field.type()));
      return {};
    case TypeKind::kArray:
      return CheckType(column, type.element());
    case TypeKind::kMap:
      DELTALAKEDB_TRY(CheckType(column, type.key()));
      return CheckType(column, type.value());
    default:
      return {};
  }
}

// The SQL in the metadata of a column: a text of JSON, {"expression":{"expression":"a > 3"}}.
std::optional<std::string> InvariantOf(const Field& field) {
  const std::string* const metadata = field.FindMetadata(kInvariants);
  if (metadata == nullptr) return std::nullopt;
  const auto text = nlohmann::json::parse(*metadata, nullptr, /*allow_exceptions=*/false);
  if (!text.is_string()) return *metadata;
  const auto rule = nlohmann::json::parse(text.get_ref<const std::string&>(), nullptr,
                                          /*allow_exceptions=*/false);
  const nlohmann::json::json_pointer place("/expression/expression");
  if (!rule.is_object() || !rule.contains(place) || !rule[place].is_string()) return *metadata;
  return rule[place].get<std::string>();
}

}  // namespace

Result<void> CheckRowsWritable(const Protocol& protocol, const data::TableShape& shape) {
  for (const auto& column : shape.columns()) {
    const Field& field = *column.field;
    DELTALAKEDB_TRY(CheckType(field.name(), field.type()));
    if (field.FindMetadata(kGenerationExpression) != nullptr &&
        protocol::Supports(protocol, "generatedColumns")) {
      return CannotWrite(field.name(), "generatedColumns", "is computed from others");
    }
    for (const auto& [key, value] : field.metadata()) {
      if (key.starts_with(protocol::kIdentityPrefix) &&
          protocol::Supports(protocol, "identityColumns")) {
        return CannotWrite(field.name(), "identityColumns", "has numbers that its writers count");
      }
    }
  }
  return {};
}

Result<std::unique_ptr<RowChecks>> RowChecks::Make(const Metadata& metadata,
                                                   const data::TableShape& shape) {
  std::unique_ptr<RowChecks> checks(new RowChecks());
  for (const auto& [key, value] : metadata.configuration) {
    if (!key.starts_with(kConstraintPrefix)) continue;
    checks->constraints_.push_back({key.substr(kConstraintPrefix.size()), value});
  }
  for (const auto& column : shape.columns()) {
    if (auto expression = InvariantOf(*column.field)) {
      checks->constraints_.push_back({column.field->name(), *std::move(expression)});
    }
  }
  if (checks->constraints_.empty()) return checks;
  std::set<std::string> names;
  std::vector<expr::NamedExpression> expressions;
  const auto unknown = [](const Constraint& constraint, const Error& error) {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("rows cannot be checked against the constraint {}: {}",
                                  constraint.name, error.message()))
                    .With("features", "checkConstraints")
                    .With("constraint", constraint.name)
                    .With("expression", constraint.expression));
  };
  for (const Constraint& constraint : checks->constraints_) {
    auto parsed = expr::Predicate::Parse(constraint.expression, shape.schema());
    if (!parsed) return unknown(constraint, parsed.error());
    names.insert(parsed->columns().begin(), parsed->columns().end());
    expressions.push_back({constraint.name, constraint.expression, arrow::boolean()});
  }
  arrow::FieldVector inputs;
  for (int i = 0; i < shape.arrow_schema()->num_fields(); ++i) {
    if (!names.contains(shape.arrow_schema()->field(i)->name())) continue;
    checks->columns_.push_back(i);
    inputs.push_back(shape.arrow_schema()->field(i));
  }
  auto evaluator = expr::Evaluator::Make(arrow::schema(std::move(inputs)), std::move(expressions));
  if (!evaluator) return unknown(checks->constraints_.front(), evaluator.error());
  checks->evaluator_ = *std::move(evaluator);
  return checks;
}

Result<void> RowChecks::Check(const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (evaluator_ == nullptr) return {};
  const auto inputs = rows->SelectColumns(columns_);
  if (!inputs.ok()) return Fail(data::ToError(inputs.status()));
  DELTALAKEDB_ASSIGN(const auto answers, evaluator_->Evaluate(*inputs));
  for (int i = 0; i < answers->num_columns(); ++i) {
    const auto& holds = static_cast<const arrow::BooleanArray&>(*answers->column(i));
    if (holds.true_count() == rows->num_rows()) continue;
    const Constraint& constraint = constraints_[static_cast<std::size_t>(i)];
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("{} of {} rows break the constraint {} ({}); nothing was written",
                                  rows->num_rows() - holds.true_count(), rows->num_rows(),
                                  constraint.name, constraint.expression))
                    .With("constraint", constraint.name)
                    .With("expression", constraint.expression));
  }
  return {};
}

}  // namespace deltalakedb::table
