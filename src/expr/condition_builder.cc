#include "expr/condition_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "expr/constants.h"

namespace deltalakedb::expr {

using nlohmann::json;
using protocol::Int128;

namespace {

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
// Numbers below it are doubles without loss, and below the other one floats.
constexpr Int128 kExactDoubleMax = Int128{1} << 53;
constexpr Int128 kExactFloatMax = Int128{1} << 24;
// Powers of ten up to this are doubles without loss.
constexpr int kExactPowerMax = 22;

std::string TextOf(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const json& MemberOf(const json& object, const char* member) {
  static const json nothing = json::object();
  const auto found = object.find(member);
  return found == object.end() ? nothing : *found;
}

// ---- constants in the domain of a comparison ----------------------------------------------------

struct Comparable {
  Domain domain = Domain::kExact;
  ConstantRange range;
};

Comparable Exactly(Domain domain, const Scalar& value) { return {domain, {value, value}}; }

bool IsExactNumber(const Constant& constant) {
  return constant.kind == ConstantKind::kInteger || constant.kind == ConstantKind::kDecimal;
}

Int128 Magnitude(Int128 number) { return number < 0 ? -number : number; }

// The double that DuckDB makes of a number, or its neighbourhood.
ConstantRange AsDouble(const Constant& constant) {
  if (!IsExactNumber(constant)) return {constant.real, constant.real};
  const double real = static_cast<double>(constant.number) / std::pow(10.0, constant.scale);
  if (Magnitude(constant.number) < kExactDoubleMax && constant.scale <= kExactPowerMax) {
    return {real, real};
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {std::nextafter(std::nextafter(real, -kInfinity), -kInfinity),
          std::nextafter(std::nextafter(real, kInfinity), kInfinity)};
}

// The same of floats.
ConstantRange AsFloat(const Constant& constant) {
  if (constant.kind == ConstantKind::kFloat) return {constant.real, constant.real};
  const double real = static_cast<double>(constant.number) / std::pow(10.0, constant.scale);
  const auto single = static_cast<float>(real);
  if (constant.scale == 0 && Magnitude(constant.number) <= kExactFloatMax) {
    return {double{single}, double{single}};
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return {double{std::nextafter(single, -kInfinity)}, double{std::nextafter(single, kInfinity)}};
}

std::optional<Comparable> ForNumbers(TypeKind kind, const Constant& constant) {
  const bool is_decimal = kind == TypeKind::kDecimal;
  const Scalar number = ExactNumber{constant.number, constant.scale};
  switch (kind) {
    case TypeKind::kFloat:
      // With a double it is compared as a double, else as a float.
      if (constant.kind == ConstantKind::kDouble) return {{Domain::kReal, AsDouble(constant)}};
      return {{Domain::kReal, AsFloat(constant)}};
    case TypeKind::kDouble:
      return {{Domain::kReal, AsDouble(constant)}};
    default:
      break;
  }
  if (IsExactNumber(constant)) return Exactly(Domain::kExact, number);
  if (constant.kind != ConstantKind::kDouble) return std::nullopt;
  return {{is_decimal ? Domain::kRoughReal : Domain::kReal, AsDouble(constant)}};
}

std::optional<Comparable> ForTimes(TypeKind kind, const Constant& constant) {
  const bool is_day = constant.kind == ConstantKind::kDate;
  if (kind == TypeKind::kDate && is_day) {
    return Exactly(Domain::kExact, ExactNumber{constant.number, 0});
  }
  // Moments and wall clock times meet in UTC.
  const Int128 micros = is_day ? constant.number * kMicrosPerDay : constant.number;
  return Exactly(kind == TypeKind::kDate ? Domain::kMicros : Domain::kExact,
                 ExactNumber{micros, 0});
}

// A constant that is not null, as it is compared with a column; nullopt where that is not known.
std::optional<Comparable> CompareWith(const DataType& column, const Constant& constant) {
  using enum ConstantKind;
  switch (column.kind()) {
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong:
    case TypeKind::kDecimal:
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      if (!IsExactNumber(constant) && constant.kind != kDouble && constant.kind != kFloat) {
        return std::nullopt;
      }
      return ForNumbers(column.kind(), constant);
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      if (constant.kind != kDate && constant.kind != kTimestamp &&
          constant.kind != kTimestampWithZone) {
        return std::nullopt;
      }
      return ForTimes(column.kind(), constant);
    case TypeKind::kBoolean:
      if (constant.kind != kBoolean) return std::nullopt;
      return Exactly(Domain::kExact, ExactNumber{constant.number, 0});
    case TypeKind::kString:
      if (constant.kind != kText) return std::nullopt;
      return Exactly(Domain::kText, constant.text);
    default:
      return std::nullopt;
  }
}

// ---- operands -----------------------------------------------------------------------------------

struct Column {
  Predicate::ColumnPath path;
  const DataType* type = nullptr;

  ColumnOperand Operand(Domain domain) const {
    const bool is_float = type->kind() == TypeKind::kFloat || type->kind() == TypeKind::kDouble;
    return {.path = path, .domain = domain, .may_be_nan = is_float};
  }
};

// Constants that stand for the same kind of value, so that DuckDB compares a column with several
// of them as it does with each.
enum class Group : std::uint8_t { kNull, kExact, kFloat, kDouble, kBoolean, kText, kCast, kTime };

// A constant beside a column.
struct Operand {
  Constant constant;
  Group group = Group::kNull;
};

Group GroupOf(ConstantKind kind) {
  switch (kind) {
    case ConstantKind::kNull:
      return Group::kNull;
    case ConstantKind::kInteger:
    case ConstantKind::kDecimal:
      return Group::kExact;
    case ConstantKind::kFloat:
      return Group::kFloat;
    case ConstantKind::kDouble:
      return Group::kDouble;
    case ConstantKind::kBoolean:
      return Group::kBoolean;
    case ConstantKind::kText:
      return Group::kText;
    default:
      return Group::kTime;
  }
}

class Builder {
 public:
  Builder(Session& session, const Schema& schema) : session_(session), schema_(schema) {}

  NodePointer Build(const json& tree);
  // Constants that Build has asked for and not found; it finds them when it is called again.
  void ComputeMissing();

 private:
  NodePointer BuildOperator(const json& tree);
  NodePointer BuildComparison(const json& tree);
  NodePointer BuildComparisonWith(const Column& column, const json& other, std::string_view type);
  NodePointer BuildTruthTest(const json& left, const json& right, std::string_view type);
  NodePointer BuildBetween(const json& tree);
  NodePointer BuildIn(const json& tree);
  NodePointer BuildLike(const json& tree);
  NodePointer BuildColumn(const json& tree);

  std::optional<Column> FindColumn(const json& tree) const;
  std::optional<Constant> ValueOf(const json& tree);
  std::optional<Operand> OperandOf(const Column& column, const json& tree);
  std::vector<NodePointer> BuildAll(const json& trees);

  Session& session_;
  const Schema& schema_;
  std::unordered_map<std::string, std::optional<Constant>> constants_;
  std::vector<json> missing_;
};

NodePointer Unknown() { return MakeFixed(kAnyOutcome); }

std::optional<Column> Builder::FindColumn(const json& tree) const {
  if (TextOf(tree, "class") != "COLUMN_REF") return std::nullopt;
  Column column{.path = {}, .type = &schema_.type()};
  for (const json& name : MemberOf(tree, "column_names")) {
    const Field* const field =
        name.is_string() ? column.type->FindField(name.get<std::string>()) : nullptr;
    if (field == nullptr) return std::nullopt;
    column.path.push_back(field->name());
    column.type = &field->type();
  }
  if (column.path.empty()) return std::nullopt;
  return column;
}

std::optional<Constant> Builder::ValueOf(const json& tree) {
  if (auto literal = LiteralOf(tree)) return literal;
  if (!IsConstant(tree)) return std::nullopt;
  const auto [found, is_new] =
      constants_.try_emplace(tree.dump(-1, ' ', false, json::error_handler_t::replace));
  if (is_new) missing_.push_back(tree);
  return found->second;
}

void Builder::ComputeMissing() {
  auto values = ComputeConstants(session_, missing_);
  for (std::size_t i = 0; i < missing_.size(); ++i) {
    constants_[missing_[i].dump(-1, ' ', false, json::error_handler_t::replace)] =
        std::move(values[i]);
  }
  missing_.clear();
}

std::optional<Operand> Builder::OperandOf(const Column& column, const json& tree) {
  const auto literal = LiteralOf(tree);
  if (literal && literal->kind == ConstantKind::kText && column.type->kind() != TypeKind::kString) {
    // Beside a column a text in quotes is a value of the column's type.
    const TypeKind kind = column.type->kind();
    if (kind == TypeKind::kBinary || kind > TypeKind::kTimestampNtz || kind < TypeKind::kString) {
      return std::nullopt;
    }
    auto value = ValueOf(CastOf(tree, *column.type));
    if (!value) return std::nullopt;
    return Operand{.constant = *std::move(value), .group = Group::kCast};
  }
  auto value = ValueOf(tree);
  if (!value) return std::nullopt;
  const Group group = GroupOf(value->kind);
  return Operand{.constant = *std::move(value), .group = group};
}

std::vector<NodePointer> Builder::BuildAll(const json& trees) {
  std::vector<NodePointer> nodes;
  for (const json& tree : trees) nodes.push_back(Build(tree));
  return nodes;
}

NodePointer Builder::Build(const json& tree) {
  if (IsConstant(tree)) {
    const auto value = ValueOf(tree);
    if (value && value->kind == ConstantKind::kNull) return MakeFixed(kIsNull);
    if (!value || value->kind != ConstantKind::kBoolean) return Unknown();
    return MakeFixed(value->number != 0 ? kIsTrue : kIsFalse);
  }
  const std::string kind = TextOf(tree, "class");
  const std::string type = TextOf(tree, "type");
  if (kind == "COLUMN_REF") return BuildColumn(tree);
  if (type == "CONJUNCTION_AND") return MakeAnd(BuildAll(MemberOf(tree, "children")));
  if (type == "CONJUNCTION_OR") return MakeOr(BuildAll(MemberOf(tree, "children")));
  if (kind == "OPERATOR") return BuildOperator(tree);
  if (kind == "COMPARISON") return BuildComparison(tree);
  if (kind == "BETWEEN") return BuildBetween(tree);
  if (kind == "FUNCTION") return BuildLike(tree);
  if (kind == "CAST" && TextOf(MemberOf(tree, "cast_type"), "id") == "BOOLEAN") {
    // What is a truth value stays one; other nodes are not understood below either.
    const json& child = MemberOf(tree, "child");
    const auto column = FindColumn(child);
    if (!column || column->type->kind() == TypeKind::kBoolean) return Build(child);
  }
  return Unknown();
}

NodePointer Builder::BuildColumn(const json& tree) {
  const auto column = FindColumn(tree);
  if (!column || column->type->kind() != TypeKind::kBoolean) return Unknown();
  return MakeBoolean(column->path);
}

NodePointer Builder::BuildOperator(const json& tree) {
  const std::string type = TextOf(tree, "type");
  const json& children = MemberOf(tree, "children");
  if (type == "COMPARE_IN" || type == "COMPARE_NOT_IN") return BuildIn(tree);
  if (children.size() != 1) return Unknown();
  if (type == "OPERATOR_NOT") return MakeNot(Build(children.front()));
  const bool is_null = type == "OPERATOR_IS_NULL";
  if (!is_null && type != "OPERATOR_IS_NOT_NULL") return Unknown();
  const auto column = FindColumn(children.front());
  const NodePointer node =
      column ? MakeIsNull(column->path)
             : MakeMapped(Build(children.front()),
                          {.of_true = kIsFalse, .of_false = kIsFalse, .of_null = kIsTrue});
  return is_null ? node : MakeNot(node);
}

NodePointer Builder::BuildComparison(const json& tree) {
  const json& left = MemberOf(tree, "left");
  const json& right = MemberOf(tree, "right");
  const std::string type = TextOf(tree, "type");
  const auto left_column = FindColumn(left);
  const auto right_column = FindColumn(right);
  if (left_column && IsConstant(right)) return BuildComparisonWith(*left_column, right, type);
  if (right_column && IsConstant(left)) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTurned = {
        {{"COMPARE_LESSTHAN", "COMPARE_GREATERTHAN"},
         {"COMPARE_GREATERTHAN", "COMPARE_LESSTHAN"},
         {"COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO"},
         {"COMPARE_GREATERTHANOREQUALTO", "COMPARE_LESSTHANOREQUALTO"}}};
    const auto* const turned =
        std::ranges::find(kTurned, type, [](const auto& each) { return each.first; });
    return BuildComparisonWith(*right_column, left,
                               turned == kTurned.end() ? type : turned->second);
  }
  if (IsConstant(right)) return BuildTruthTest(left, right, type);
  if (IsConstant(left)) return BuildTruthTest(right, left, type);
  return Unknown();
}

NodePointer Builder::BuildComparisonWith(const Column& column, const json& other,
                                         std::string_view type) {
  const bool is_distinct = type == "COMPARE_DISTINCT_FROM";
  const bool is_not_distinct = type == "COMPARE_NOT_DISTINCT_FROM";
  const auto operand = OperandOf(column, other);
  if (!operand) return Unknown();
  if (operand->group == Group::kNull || operand->constant.kind == ConstantKind::kNull) {
    if (is_not_distinct) return MakeIsNull(column.path);
    return is_distinct ? MakeNot(MakeIsNull(column.path)) : MakeFixed(kIsNull);
  }
  const auto comparable = CompareWith(*column.type, operand->constant);
  if (!comparable) return Unknown();
  const auto make = [&](Comparison comparison) {
    return MakeComparison(column.Operand(comparable->domain), comparison, comparable->range);
  };
  if (type == "COMPARE_EQUAL") return make(Comparison::kEqual);
  if (type == "COMPARE_NOTEQUAL") return MakeNot(make(Comparison::kEqual));
  if (type == "COMPARE_LESSTHAN") return make(Comparison::kLess);
  if (type == "COMPARE_LESSTHANOREQUALTO") return make(Comparison::kLessOrEqual);
  if (type == "COMPARE_GREATERTHAN") return make(Comparison::kGreater);
  if (type == "COMPARE_GREATERTHANOREQUALTO") return make(Comparison::kGreaterOrEqual);
  if (is_not_distinct) return MakeMapped(make(Comparison::kEqual), {.of_null = kIsFalse});
  if (!is_distinct) return Unknown();
  return MakeMapped(make(Comparison::kEqual),
                    {.of_true = kIsFalse, .of_false = kIsTrue, .of_null = kIsTrue});
}

// Such as `(a > 1) = true` and `… IS NOT FALSE`.
NodePointer Builder::BuildTruthTest(const json& left, const json& right, std::string_view type) {
  const auto value = ValueOf(right);
  NodePointer node = Build(left);
  if (!value || value->kind != ConstantKind::kBoolean) return Unknown();
  const bool is_true = value->number != 0;
  const OutcomeMap equal = {.of_true = is_true ? kIsTrue : kIsFalse,
                            .of_false = is_true ? kIsFalse : kIsTrue,
                            .of_null = kIsNull};
  if (type == "COMPARE_EQUAL") return MakeMapped(std::move(node), equal);
  if (type == "COMPARE_NOTEQUAL") return MakeNot(MakeMapped(std::move(node), equal));
  OutcomeMap not_distinct = equal;
  not_distinct.of_null = kIsFalse;
  if (type == "COMPARE_NOT_DISTINCT_FROM") return MakeMapped(std::move(node), not_distinct);
  if (type == "COMPARE_DISTINCT_FROM") return MakeNot(MakeMapped(std::move(node), not_distinct));
  return Unknown();
}

NodePointer Builder::BuildBetween(const json& tree) {
  const auto column = FindColumn(MemberOf(tree, "input"));
  const json& lower = MemberOf(tree, "lower");
  const json& upper = MemberOf(tree, "upper");
  if (!column || !IsConstant(lower) || !IsConstant(upper)) return Unknown();
  const auto low = OperandOf(*column, lower);
  const auto high = OperandOf(*column, upper);
  if (!low || !high || low->group != high->group) return Unknown();
  return MakeAnd({BuildComparisonWith(*column, lower, "COMPARE_GREATERTHANOREQUALTO"),
                  BuildComparisonWith(*column, upper, "COMPARE_LESSTHANOREQUALTO")});
}

NodePointer Builder::BuildIn(const json& tree) {
  const json& children = MemberOf(tree, "children");
  const auto column = children.empty() ? std::nullopt : FindColumn(children.front());
  if (!column) return Unknown();
  // All of them are asked for before one is found to be missing.
  std::vector<std::optional<Operand>> operands;
  for (std::size_t i = 1; i < children.size(); ++i) {
    operands.push_back(OperandOf(*column, children[i]));
  }
  std::vector<ConstantRange> values;
  bool has_null = false;
  std::optional<Group> group;
  std::optional<Domain> domain;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const auto& operand = operands[i];
    if (!operand) return Unknown();
    if (operand->constant.kind == ConstantKind::kNull) {
      // One with a type of its own may change how the others are compared.
      if (!LiteralOf(children[i + 1])) return Unknown();
      has_null = true;
      continue;
    }
    const auto comparable = CompareWith(*column->type, operand->constant);
    if (!comparable || group.value_or(operand->group) != operand->group ||
        domain.value_or(comparable->domain) != comparable->domain) {
      return Unknown();
    }
    group = operand->group;
    domain = comparable->domain;
    values.push_back(comparable->range);
  }
  NodePointer node =
      MakeIn(column->Operand(domain.value_or(Domain::kExact)), std::move(values), has_null);
  return TextOf(tree, "type") == "COMPARE_IN" ? node : MakeNot(std::move(node));
}

NodePointer Builder::BuildLike(const json& tree) {
  const std::string name = TextOf(tree, "function_name");
  const bool is_like = name == "~~" || name == "!~~";
  const bool is_prefix = name == "starts_with" || name == "prefix" || name == "^@";
  const json& children = MemberOf(tree, "children");
  if ((!is_like && !is_prefix) || children.size() != 2) return Unknown();
  const auto column = FindColumn(children[0]);
  const auto pattern = ValueOf(children[1]);
  if (!column || column->type->kind() != TypeKind::kString || !pattern ||
      pattern->kind != ConstantKind::kText) {
    return Unknown();
  }
  const std::string& text = pattern->text;
  if (is_prefix) return MakePrefix(column->path, text, /*is_all=*/true);
  const std::size_t wild = std::min(text.find_first_of("%_\\"), text.size());
  // Without wild cards it is equality, and with one % at the end, nothing but the beginning counts.
  NodePointer node = wild == text.size() ? MakeComparison(column->Operand(Domain::kText),
                                                          Comparison::kEqual, {text, text})
                                         : MakePrefix(column->path, text.substr(0, wild),
                                                      wild + 1 == text.size() && text[wild] == '%');
  return name == "~~" ? node : MakeNot(std::move(node));
}

}  // namespace

NodePointer BuildCondition(Session& session, const json& tree, const Schema& schema) {
  Builder builder(session, schema);
  // The first time tells which constants have to be computed.
  NodePointer root = builder.Build(tree);
  builder.ComputeMissing();
  return builder.Build(tree);
}

}  // namespace deltalakedb::expr
