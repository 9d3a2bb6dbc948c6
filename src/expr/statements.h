// The statements that surround what users write: composed, because expressions and columns cannot
// be parameters.
//
// Pure functions, safe from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deltalakedb::expr {

// The name of the rows in all statements, which no column of a table is likely to have.
inline constexpr std::string_view kRowsName = "__deltalakedb_rows";

// Answers with the tree of the statement in $1, as JSON, and the other way round.
std::string SerializeStatement();
std::string DeserializeStatement();
// Of each function: name in lower case, whether it is scalar, whether it is stable, what a macro
// stands for.
std::string FunctionsStatement();

// An expression as the condition of a statement, in two surroundings: a text that is one expression
// gives the same tree in both.
std::string ConditionStatement(std::string_view expression);
std::string CastConditionStatement(std::string_view expression);

struct TypedColumn {
  std::string name;
  std::string type;  // in SQL
};
// A statement with the expression's value for a row of nulls, for looking at its type.
std::string TypeStatement(std::string_view expression, const std::vector<TypedColumn>& columns);

struct Output {
  std::string sql;
  std::string type;  // that it is cast to; as it comes when empty
};
// `rows` is what stands after FROM.
std::string EvaluateStatement(const std::vector<Output>& outputs, std::string_view rows);

// ---- joins --------------------------------------------------------------------------------------

// The columns of both sides are known by their positions: c0, c1, … and, of the target, t0, … for
// the keys and `row`.
struct JoinShape {
  std::size_t columns = 0;        // of the source
  std::vector<std::size_t> keys;  // of the source's columns, in the order of the target's
};
std::string SourceTableStatement(const JoinShape& shape, std::string_view rows);
// The keys that several rows of the source have.
std::string RepeatedKeysStatement(const JoinShape& shape);
std::string CountStatement(std::string_view table);
inline constexpr std::string_view kSourceTable = "source";
inline constexpr std::string_view kRepeatedKeysTable = "repeated_keys";
// One of the target's rows that has such keys: these.
std::string FindRepeatedStatement(const JoinShape& shape, std::string_view target);
// The position in the target, that in the source, and the columns of the source.
std::string MatchStatement(const JoinShape& shape, std::string_view target);
// The columns of the source's rows for which the function `is_wanted` is true of their position.
std::string WantedStatement(const JoinShape& shape, std::string_view is_wanted);
std::string BoundsStatement(std::size_t column);

}  // namespace deltalakedb::expr
