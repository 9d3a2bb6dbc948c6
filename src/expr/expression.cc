#include "expr/expression.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/ascii_case.h"
#include "base/try.h"
#include "expr/statements.h"
#include "protocol/excerpt.h"

namespace deltalakedb::expr {

using nlohmann::json;

namespace {

// Names that an error of an unknown column lists.
constexpr std::size_t kListedNamesMax = 20;
// Macros that stand for macros.
constexpr int kMacroDepthMax = 8;

// Functions that DuckDB takes for stable although they tell about the session or the moment.
constexpr std::array<std::string_view, 12> kSessionFunctions = {"current_database",
                                                                "current_localtime",
                                                                "current_localtimestamp",
                                                                "current_query",
                                                                "current_schema",
                                                                "current_schemas",
                                                                "current_setting",
                                                                "getenv",
                                                                "getvariable",
                                                                "version",
                                                                "vector_type",
                                                                "unnest"};

// What takes a lambda; anywhere else an arrow is the operator of JSON.
constexpr std::array<std::string_view, 11> kLambdaFunctions = {
    "apply",      "array_apply", "array_filter", "array_reduce",   "array_transform", "filter",
    "list_apply", "list_filter", "list_reduce",  "list_transform", "reduce"};

// The members of a statement that say more than what it selects, from where, and which rows.
constexpr std::array<std::string_view, 6> kFurtherClauses = {
    "modifiers", "group_expressions", "group_sets", "having", "sample", "qualify"};

std::string TextOf(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool IsAmong(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool IsAbsent(const json& value) { return value.is_null() || (value.is_array() && value.empty()); }

// False when it is nested too deeply.
bool DropPlaces(json& value, int depth) {
  if (depth > kExpressionDepthMax * 4) return false;
  if (value.is_object()) value.erase("query_location");
  if (!value.is_structured()) return true;
  return std::ranges::all_of(value, [&](json& child) { return DropPlaces(child, depth + 1); });
}

// The condition of the one statement of a tree that has nothing but it. Null when there is more.
const json* OnlyCondition(const json& tree) {
  const auto statements = tree.find("statements");
  if (statements == tree.end() || !statements->is_array() || statements->size() != 1) {
    return nullptr;
  }
  const auto node = statements->front().find("node");
  if (node == statements->front().end() || TextOf(*node, "type") != "SELECT_NODE") return nullptr;
  for (const std::string_view clause : kFurtherClauses) {
    const auto found = node->find(clause);
    if (found != node->end() && !IsAbsent(*found)) return nullptr;
  }
  const auto condition = node->find("where_clause");
  return condition == node->end() || !condition->is_object() ? nullptr : &*condition;
}

// Walks a tree and refuses what is not about one row.
class Checker {
 public:
  Checker(Session& session, std::string_view text, Expression& expression)
      : session_(session), text_(text), expression_(expression) {}

  Result<void> Check(const json& node, int depth);
  // A macro's parameters look like columns.
  Result<void> CheckMacro(const json& node) {
    is_macro_ = true;
    return Check(node, 0);
  }
  int macro_depth = 0;

 private:
  Result<void> CheckChildren(const json& node, int depth);
  Result<void> CheckFunction(const json& node);
  Result<void> CheckArguments(const json& node, int depth);
  Result<void> CheckLambda(const json& node, int depth);
  Result<void> CheckMacros(const std::string& name, const Database::Function& function);
  void TakeColumn(const json& node);
  std::unexpected<Error> Refuse(std::string_view problem) const {
    return Fail(ExpressionError(text_, problem));
  }

  Session& session_;
  std::string_view text_;
  Expression& expression_;
  std::vector<std::string> lambda_names_;
  bool is_macro_ = false;
};

Result<void> Checker::CheckChildren(const json& node, int depth) {
  for (const json& child : node) {
    if (child.is_structured()) DELTALAKEDB_TRY(Check(child, depth));
  }
  return {};
}

Result<void> Checker::Check(const json& node, int depth) {
  if (depth > kExpressionDepthMax * 4) return Refuse("it is nested too deeply");
  const std::string kind = node.is_object() ? TextOf(node, "class") : "";
  if (kind.empty() || kind == "COMPARISON" || kind == "CONJUNCTION" || kind == "OPERATOR" ||
      kind == "BETWEEN" || kind == "CAST" || kind == "CASE" || kind == "COLLATE") {
    return CheckChildren(node, depth + 1);
  }
  if (kind == "CONSTANT") return {};
  if (kind == "COLUMN_REF") {
    TakeColumn(node);
    return {};
  }
  if (kind == "FUNCTION") {
    DELTALAKEDB_TRY(CheckFunction(node));
    return CheckArguments(node, depth + 1);
  }
  if (kind == "LAMBDA") return CheckChildren(node, depth + 1);
  if (kind == "SUBQUERY") return Refuse("it may not have a subquery");
  if (kind == "WINDOW") return Refuse("it may not look at other rows, as OVER does");
  if (kind == "STAR") return Refuse("it may not have *: name the columns");
  if (kind == "PARAMETER") return Refuse("it may not have parameters: write the values");
  return Refuse("it is no expression over the columns of one row");
}

void Checker::TakeColumn(const json& node) {
  if (is_macro_) return;
  std::vector<std::string> names;
  if (const auto found = node.find("column_names"); found != node.end() && found->is_array()) {
    for (const json& name : *found)
      names.push_back(name.is_string() ? name.get<std::string>() : "");
  }
  if (names.empty()) names.emplace_back();
  const bool is_parameter = std::ranges::any_of(lambda_names_, [&](const std::string& each) {
    return base::IsSameName(each, names.front());
  });
  if (!is_parameter) expression_.column_names.insert(std::move(names));
}

Result<void> Checker::CheckArguments(const json& node, int depth) {
  if (!IsAmong(kLambdaFunctions, base::FoldCase(TextOf(node, "function_name")))) {
    return CheckChildren(node, depth);
  }
  for (const json& child : node.value("children", json::array())) {
    const bool is_lambda = child.is_object() && TextOf(child, "class") == "LAMBDA";
    DELTALAKEDB_TRY(is_lambda ? CheckLambda(child, depth) : Check(child, depth));
  }
  return {};
}

Result<void> Checker::CheckLambda(const json& node, int depth) {
  // One parameter, or several as a row.
  const json parameters = node.value("lhs", json::object());
  std::vector<json> sides = {parameters};
  if (TextOf(parameters, "class") == "FUNCTION") {
    sides = parameters.value("children", std::vector<json>());
  }
  const std::size_t outer = lambda_names_.size();
  for (const json& side : sides) {
    const auto found = side.find("column_names");
    if (found == side.end() || found->size() != 1 || !found->front().is_string()) {
      return Refuse("it has a lambda whose parameters are no names");
    }
    lambda_names_.push_back(found->front());
  }
  const auto checked = Check(node.value("expr", json::object()), depth + 1);
  lambda_names_.resize(outer);
  return checked;
}

Result<void> Checker::CheckFunction(const json& node) {
  // All operators are scalar and stable.
  if (node.value("is_operator", false)) return {};
  const std::string name = base::FoldCase(TextOf(node, "function_name"));
  const auto refuse = [&](std::string_view problem) {
    return Refuse(fmt::format("{}() {}", name, problem));
  };
  const std::size_t arguments = node.value("children", json::array()).size();
  const bool is_of_session = IsAmong(kSessionFunctions, name);
  // Of one moment only, `age` counts up to now.
  if (is_of_session || (name == "age" && arguments == 1)) {
    return refuse("may not be used: it depends on more than the row");
  }
  DELTALAKEDB_ASSIGN(const Database::Function* const function,
                     session_.database().FindFunction(name));
  if (function == nullptr) return refuse("is no function that gives one value for a row");
  if (!function->is_scalar) return refuse("may not be used: it is about many rows");
  if (!function->is_stable) {
    return refuse("may not be used: it gives something else each time; write the value itself");
  }
  const auto order = node.find("order_bys");
  const bool is_ordered =
      order != node.end() && order->is_object() && !IsAbsent(order->value("orders", json::array()));
  if (is_ordered || node.value("distinct", false) || !IsAbsent(node.value("filter", json()))) {
    return refuse("is about one row, so it takes no DISTINCT, FILTER or ORDER BY");
  }
  return CheckMacros(name, *function);
}

Result<void> Checker::CheckMacros(const std::string& name, const Database::Function& function) {
  if (function.macros.empty()) return {};
  if (macro_depth >= kMacroDepthMax) return Refuse(fmt::format("{}() may not be used", name));
  for (const std::string& macro : function.macros) {
    const auto answer = session_.Ask(SerializeStatement(), ConditionStatement(macro));
    if (!answer) return Refuse(fmt::format("{}() may not be used", name));
    const json tree = json::parse(*answer, nullptr, /*allow_exceptions=*/false);
    const json* const condition = tree.is_object() ? OnlyCondition(tree) : nullptr;
    if (condition == nullptr) return Refuse(fmt::format("{}() may not be used", name));
    Checker checker(session_, text_, expression_);
    checker.macro_depth = macro_depth + 1;
    DELTALAKEDB_TRY(checker.CheckMacro(*condition));
  }
  return {};
}

// The tree of a statement with the expression in it, and that of its condition.
Result<json> ParseCondition(Session& session, std::string_view text, const std::string& statement) {
  const auto answer = session.Ask(SerializeStatement(), statement);
  if (!answer) {
    if (auto error = SystemError(answer.error(), "parsing an expression")) {
      return Fail(*std::move(error));
    }
    return Fail(ExpressionError(text, answer.error().words));
  }
  json tree = json::parse(*answer, nullptr, /*allow_exceptions=*/false);
  if (!tree.is_object()) return Fail(ErrorCode::kInternal, "DuckDB gave no tree of an expression");
  if (tree.value("error", false)) {
    std::string words = TextOf(tree, "error_message");
    words = words.substr(0, words.find('\n'));
    return Fail(ExpressionError(text, words.empty() ? "it cannot be parsed" : words));
  }
  const json* const condition = OnlyCondition(tree);
  if (condition == nullptr) return Fail(ExpressionError(text, "it is more than one expression"));
  json found = *condition;
  if (!DropPlaces(found, 0)) return Fail(ExpressionError(text, "it is nested too deeply"));
  return found;
}

}  // namespace

Error ExpressionError(std::string_view text, std::string_view problem) {
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("the expression \"{}\": {}", protocol::Excerpt(text), problem))
      .With("expression", protocol::Excerpt(text));
}

Error UnknownColumn(std::string_view text, std::string_view column,
                    const std::vector<std::string>& known) {
  const std::size_t listed = std::min(known.size(), kListedNamesMax);
  std::string names = fmt::to_string(
      fmt::join(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(listed), ", "));
  if (listed < known.size()) names += fmt::format(" and {} more", known.size() - listed);
  return ExpressionError(text,
                         fmt::format("there is no column {}; there {} {} (a text is written "
                                     "in single quotes)",
                                     protocol::Excerpt(column), known.size() == 1 ? "is" : "are",
                                     names.empty() ? "none" : names))
      .With("column", std::string(column));
}

Result<Expression> ParseExpression(Session& session, std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    return Fail(
        ExpressionError(text, fmt::format("it is longer than {} bytes", kExpressionBytesMax)));
  }
  if (text.contains('\0')) return Fail(ExpressionError(text, "it has a character of code 0"));
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Fail(ExpressionError(text, "it is empty"));
  }
  Expression expression;
  DELTALAKEDB_ASSIGN(expression.tree, ParseCondition(session, text, ConditionStatement(text)));
  // `a) OR (b` fits between two parentheses, but not between CAST( and AS.
  DELTALAKEDB_ASSIGN(const json cast, ParseCondition(session, text, CastConditionStatement(text)));
  const auto child = cast.find("child");
  if (TextOf(cast, "class") != "CAST" || child == cast.end() || *child != expression.tree) {
    return Fail(ExpressionError(text, "it is more than one expression"));
  }
  DELTALAKEDB_TRY(Checker(session, text, expression).Check(expression.tree, 0));
  return expression;
}

}  // namespace deltalakedb::expr
