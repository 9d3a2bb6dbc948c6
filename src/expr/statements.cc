#include "expr/statements.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "expr/evaluator.h"

namespace deltalakedb::expr {

namespace {

std::string Numbered(std::string_view prefix, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("{}{}", prefix, i));
  return fmt::to_string(fmt::join(names, ", "));
}

// `pattern` with the position of each key as {0} and its column as {1}.
std::string ForKeys(const JoinShape& shape, std::string_view pattern, std::string_view separator) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < shape.keys.size(); ++i) {
    parts.push_back(fmt::format(fmt::runtime(pattern), i, shape.keys[i]));
  }
  return fmt::to_string(fmt::join(parts, separator));
}

}  // namespace

std::string SerializeStatement() { return "SELECT json_serialize_sql(CAST($1 AS VARCHAR))"; }
std::string DeserializeStatement() { return "SELECT json_deserialize_sql(CAST($1 AS JSON))"; }

std::string FunctionsStatement() {
  return "SELECT lower(function_name), function_type IN ('scalar', 'macro'), "
         "coalesce(stability = 'CONSISTENT', true), macro_definition FROM duckdb_functions() "
         "WHERE function_type NOT IN ('table', 'table_macro', 'pragma')";
}

// The line's end is for a text that ends in a comment.
std::string ConditionStatement(std::string_view expression) {
  return fmt::format("SELECT 1 FROM {} WHERE ({}\n)", kRowsName, expression);
}

std::string CastConditionStatement(std::string_view expression) {
  return fmt::format("SELECT 1 FROM {} WHERE CAST({}\n AS BOOLEAN)", kRowsName, expression);
}

std::string TypeStatement(std::string_view expression, const std::vector<TypedColumn>& columns) {
  std::vector<std::string> nulls;
  for (const auto& [name, type] : columns) {
    nulls.push_back(fmt::format("CAST(NULL AS {}) AS {}", type, QuoteName(name)));
  }
  if (nulls.empty()) nulls.emplace_back("NULL");
  return fmt::format("SELECT ({}\n) FROM (SELECT {}) AS {}", expression, fmt::join(nulls, ", "),
                     kRowsName);
}

std::string EvaluateStatement(const std::vector<Output>& outputs, std::string_view rows) {
  std::vector<std::string> parts;
  for (const auto& [sql, type] : outputs) {
    parts.push_back(type.empty() ? fmt::format("({}\n)", sql)
                                 : fmt::format("CAST(({}\n) AS {})", sql, type));
  }
  return fmt::format("SELECT {} FROM {} AS {}", fmt::join(parts, ", "), rows, kRowsName);
}

std::string SourceTableStatement(const JoinShape& shape, std::string_view rows) {
  return fmt::format("CREATE TABLE {} AS FROM {} AS r({})", kSourceTable, rows,
                     Numbered("c", shape.columns));
}

std::string RepeatedKeysStatement(const JoinShape& shape) {
  return fmt::format(
      "CREATE TABLE {} AS SELECT {} FROM {} WHERE {} GROUP BY ALL HAVING count(*) > 1",
      kRepeatedKeysTable, ForKeys(shape, "c{1} AS t{0}", ", "), kSourceTable,
      ForKeys(shape, "c{1} IS NOT NULL", " AND "));
}

std::string CountStatement(std::string_view table) {
  return fmt::format("SELECT count(*) FROM {}", table);
}

std::string FindRepeatedStatement(const JoinShape& shape, std::string_view target) {
  return fmt::format("SELECT {} FROM {} AS t({}, \"row\") SEMI JOIN {} AS r ON {} LIMIT 1",
                     ForKeys(shape, "CAST(t.t{0} AS VARCHAR)", ", "), target,
                     Numbered("t", shape.keys.size()), kRepeatedKeysTable,
                     ForKeys(shape, "t.t{0} = r.t{0}", " AND "));
}

std::string MatchStatement(const JoinShape& shape, std::string_view target) {
  return fmt::format(
      "SELECT t.\"row\", s.rowid, {} FROM {} AS t({}, \"row\") JOIN {} AS s ON {} ORDER BY 1",
      Numbered("s.c", shape.columns), target, Numbered("t", shape.keys.size()), kSourceTable,
      ForKeys(shape, "t.t{0} = s.c{1}", " AND "));
}

std::string WantedStatement(const JoinShape& shape, std::string_view is_wanted) {
  return fmt::format("SELECT {} FROM {} WHERE {}(rowid)", Numbered("c", shape.columns),
                     kSourceTable, is_wanted);
}

std::string BoundsStatement(std::size_t column) {
  return fmt::format("SELECT min(c{0}) AS \"min\", max(c{0}) AS \"max\" FROM {1}", column,
                     kSourceTable);
}

}  // namespace deltalakedb::expr
