#include "expr/predicate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "expr/condition.h"
#include "expr/condition_builder.h"
#include "expr/expression.h"
#include "expr/session.h"
#include "expr/sql_types.h"
#include "expr/statements.h"

namespace deltalakedb::expr {

namespace {

std::vector<std::string> NamesOf(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name());
  return names;
}

// The columns that an expression names, with what leads to a field below them checked as well.
Result<std::set<std::string>> FindColumns(const Expression& expression, std::string_view text,
                                          const Schema& schema) {
  std::set<std::string> columns;
  for (const std::vector<std::string>& path : expression.column_names) {
    const DataType* type = &schema.type();
    std::string written;
    for (const std::string& name : path) {
      // The rest is said about a value that is no struct, which DuckDB knows better.
      if (type->kind() != TypeKind::kStruct) break;
      written += (written.empty() ? "" : ".") + name;
      const Field* const field = type->FindField(name);
      if (field == nullptr) {
        return Fail(UnknownColumn(text, written, NamesOf(type->fields())));
      }
      if (type == &schema.type()) columns.insert(field->name());
      type = &field->type();
    }
  }
  return columns;
}

// Whether DuckDB takes it for a truth value, over columns of these types.
Result<void> CheckType(Session& session, std::string_view text, const Schema& schema,
                       const std::set<std::string>& columns) {
  std::vector<TypedColumn> typed;
  for (const std::string& name : columns) {
    const DataType& type = schema.FindField(name)->type();
    std::string sql_type = SqlTypeOf(type);
    if (sql_type.empty()) {
      return Fail(ExpressionError(text, fmt::format("the column {} has the type {}, which "
                                                    "expressions cannot see",
                                                    name, type.ToText()))
                      .With("column", name));
    }
    typed.push_back({name, std::move(sql_type)});
  }
  const auto prepared = session.Prepare(TypeStatement(text, typed));
  if (!prepared) {
    if (auto error = SystemError(prepared.error(), "checking a condition")) {
      return Fail(*std::move(error));
    }
    return Fail(ExpressionError(text, prepared.error().words));
  }
  const duckdb_type type = store::DuckDb().prepared_statement_column_type(prepared->get(), 0);
  if (type == DUCKDB_TYPE_BOOLEAN || type == DUCKDB_TYPE_SQLNULL) return {};
  return Fail(ExpressionError(text, "it is no condition: it has to be true or false"));
}

}  // namespace

Result<Predicate> Predicate::Parse(std::string_view text, const Schema& schema) {
  DELTALAKEDB_ASSIGN(auto database, Database::Shared());
  DELTALAKEDB_ASSIGN(const auto session, Session::Open(std::move(database)));
  DELTALAKEDB_ASSIGN(const Expression expression, ParseExpression(*session, text));
  DELTALAKEDB_ASSIGN(auto columns, FindColumns(expression, text, schema));
  DELTALAKEDB_TRY(CheckType(*session, text, schema, columns));
  auto root = BuildCondition(*session, expression.tree, schema);
  return Predicate(std::string(text), std::move(columns), std::move(root));
}

Match Predicate::Evaluate(const FactsOf& facts_of) const {
  const Outcomes outcomes = root_->Evaluate(facts_of);
  if ((outcomes & kIsTrue) == 0) return Match::kNone;
  return outcomes == kIsTrue ? Match::kAll : Match::kSome;
}

}  // namespace deltalakedb::expr
