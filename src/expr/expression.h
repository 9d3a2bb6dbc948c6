// The text of an expression, checked: it is one scalar expression, which sees columns and nothing
// else, and gives the same whenever it is computed.
//
// Thread-safety: as the session.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"
#include "expr/session.h"

namespace deltalakedb::expr {

// A longer text is refused. Unit: bytes.
inline constexpr std::size_t kExpressionBytesMax = 1024 * 1024;
// Expressions within expressions.
inline constexpr int kExpressionDepthMax = 500;

struct Expression {
  // As json_serialize_sql gives it, without places in the text.
  nlohmann::json tree;
  // Names that it has for columns and fields of theirs, as they are written.
  std::set<std::vector<std::string>> column_names;
};

// Errors: InvalidArgument (fact expression).
Result<Expression> ParseExpression(Session& session, std::string_view text);

// The error of an expression that is none, or cannot be used for `problem`.
Error ExpressionError(std::string_view text, std::string_view problem);
Error UnknownColumn(std::string_view text, std::string_view column,
                    const std::vector<std::string>& known);

}  // namespace deltalakedb::expr
