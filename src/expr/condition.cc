#include "expr/condition.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace deltalakedb::expr {

using protocol::ColumnFacts;
using protocol::Int128;
using FactValue = protocol::PartitionValue::Value;
using FactsOf = Predicate::FactsOf;

namespace {

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
// How far off the conversion of a decimal to a double may be, in steps between neighbours.
constexpr int kRoughSteps = 2;

// ---- scalars ------------------------------------------------------------------------------------

std::weak_ordering CompareInts(Int128 a, Int128 b) {
  if (a == b) return std::weak_ordering::equivalent;
  return a < b ? std::weak_ordering::less : std::weak_ordering::greater;
}

// False when it does not fit: it is then farther from 0 than any number of the larger scale.
bool ScaleUp(Int128& number, int digits) {
  for (; digits > 0 && number != 0; --digits) {
    if (__builtin_mul_overflow(number, Int128{10}, &number)) return false;
  }
  return true;
}

std::weak_ordering CompareExact(ExactNumber a, ExactNumber b) {
  const auto by_sign = [](Int128 sign) { return CompareInts(sign, 0); };
  const Int128 sign_a = a.unscaled;
  const Int128 sign_b = b.unscaled;
  if (a.scale < b.scale && !ScaleUp(a.unscaled, b.scale - a.scale)) return by_sign(sign_a);
  if (b.scale < a.scale && !ScaleUp(b.unscaled, a.scale - b.scale)) return by_sign(-sign_b);
  return CompareInts(a.unscaled, b.unscaled);
}

std::weak_ordering CompareReals(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) {
    return CompareInts(std::isnan(a) ? 1 : 0, std::isnan(b) ? 1 : 0);
  }
  if (a == b) return std::weak_ordering::equivalent;
  return a < b ? std::weak_ordering::less : std::weak_ordering::greater;
}

double Step(double value, int steps) {
  const double towards = std::copysign(std::numeric_limits<double>::infinity(), steps);
  for (int i = 0; i < std::abs(steps); ++i) value = std::nextafter(value, towards);
  return value;
}

// ---- what is known of a column ------------------------------------------------------------------

struct Values {
  bool may_be_null = true;
  bool may_be_value = true;  // anything but null
  bool may_be_nan = false;
  // Of the values that are not NaN. Absent: no limit.
  std::optional<Scalar> min;
  std::optional<Scalar> max;
};

enum class Side : std::uint8_t { kMin, kMax };

// A bound in the domain of a comparison; nullopt when it is none.
struct BoundReader {
  Domain domain;
  Side side;

  std::optional<Scalar> operator()(std::monostate) const { return std::nullopt; }
  std::optional<Scalar> operator()(bool value) const { return Exact(value ? 1 : 0); }
  std::optional<Scalar> operator()(std::int64_t value) const {
    if (domain == Domain::kReal) return static_cast<double>(value);
    return Exact(value);
  }
  std::optional<Scalar> operator()(float value) const { return Real(value); }
  std::optional<Scalar> operator()(double value) const { return Real(value); }
  std::optional<Scalar> operator()(const protocol::PartitionDecimal& value) const {
    if (domain == Domain::kExact) return ExactNumber{value.unscaled, value.scale};
    if (domain != Domain::kRoughReal) return std::nullopt;
    const double real = static_cast<double>(value.unscaled) / std::pow(10.0, value.scale);
    return Step(real, side == Side::kMin ? -kRoughSteps : kRoughSteps);
  }
  std::optional<Scalar> operator()(protocol::PartitionDate value) const {
    if (domain == Domain::kMicros) return ExactNumber{Int128{value.days} * kMicrosPerDay, 0};
    return Exact(value.days);
  }
  std::optional<Scalar> operator()(protocol::PartitionTimestamp value) const {
    if (domain == Domain::kMicros) return ExactNumber{value.micros, 0};
    return Exact(value.micros);
  }
  std::optional<Scalar> operator()(const std::string& value) const {
    if (domain != Domain::kText) return std::nullopt;
    return value;
  }

 private:
  std::optional<Scalar> Exact(std::int64_t value) const {
    if (domain != Domain::kExact) return std::nullopt;
    return ExactNumber{value, 0};
  }
  std::optional<Scalar> Real(double value) const {
    if (domain != Domain::kReal || std::isnan(value)) return std::nullopt;
    return value;
  }
};

bool IsNan(const FactValue& value) {
  const float* const single = std::get_if<float>(&value);
  const double* const twice = std::get_if<double>(&value);
  return (single != nullptr && std::isnan(*single)) || (twice != nullptr && std::isnan(*twice));
}

bool IsNan(const Scalar& value) {
  const double* const real = std::get_if<double>(&value);
  return real != nullptr && std::isnan(*real);
}

// Nullopt when there are no rows at all.
std::optional<Values> ValuesOf(const ColumnFacts& facts, const ColumnOperand& column) {
  Values values;
  const bool is_counted = facts.null_count && facts.num_rows && *facts.null_count >= 0 &&
                          *facts.null_count <= *facts.num_rows;
  if (facts.num_rows == 0) return std::nullopt;
  if (facts.null_count == 0) values.may_be_null = false;
  if (is_counted && *facts.null_count == *facts.num_rows) values.may_be_value = false;
  values.may_be_nan = column.may_be_nan && facts.may_have_nan;
  // NaN is no bound, but counts as larger than any value.
  if (facts.max && column.may_be_nan && IsNan(*facts.max)) values.may_be_nan = true;
  if (facts.min) values.min = std::visit(BoundReader{column.domain, Side::kMin}, *facts.min);
  if (facts.max) values.max = std::visit(BoundReader{column.domain, Side::kMax}, *facts.max);
  // Bounds that contradict each other say nothing.
  if (values.min && values.max && Compare(*values.min, *values.max) > 0) {
    values.min.reset();
    values.max.reset();
  }
  return values;
}

// Whether some value that is not NaN may be less than the constant, and so on.
struct Relations {
  bool may_be_less = true;
  bool may_be_equal = true;
  bool may_be_greater = true;
};

Relations Relate(const Values& values, const ConstantRange& constant) {
  if (IsNan(constant.low)) return {.may_be_equal = false, .may_be_greater = false};
  Relations relations;
  if (values.min) {
    relations.may_be_less = Compare(*values.min, constant.high) < 0;
    if (Compare(*values.min, constant.high) > 0) relations.may_be_equal = false;
  }
  if (values.max) {
    relations.may_be_greater = Compare(*values.max, constant.low) > 0;
    if (Compare(*values.max, constant.low) < 0) relations.may_be_equal = false;
  }
  return relations;
}

Outcomes Outcome(Comparison comparison, std::weak_ordering order) {
  bool holds = false;
  switch (comparison) {
    case Comparison::kEqual:
      holds = order == 0;
      break;
    case Comparison::kLess:
      holds = order < 0;
      break;
    case Comparison::kLessOrEqual:
      holds = order <= 0;
      break;
    case Comparison::kGreater:
      holds = order > 0;
      break;
    case Comparison::kGreaterOrEqual:
      holds = order >= 0;
      break;
  }
  return holds ? kIsTrue : kIsFalse;
}

// ---- nodes --------------------------------------------------------------------------------------

// One outcome of AND for one of each side.
Outcomes And(Outcomes a, Outcomes b) {
  if (a == kIsFalse || b == kIsFalse) return kIsFalse;
  return a == kIsTrue && b == kIsTrue ? kIsTrue : kIsNull;
}

Outcomes Apply(const OutcomeMap& map, Outcomes outcomes) {
  Outcomes mapped = 0;
  if ((outcomes & kIsTrue) != 0) mapped |= map.of_true;
  if ((outcomes & kIsFalse) != 0) mapped |= map.of_false;
  if ((outcomes & kIsNull) != 0) mapped |= map.of_null;
  return mapped;
}

constexpr OutcomeMap kNegation = {.of_true = kIsFalse, .of_false = kIsTrue, .of_null = kIsNull};

struct FixedNode final : Predicate::Node {
  explicit FixedNode(Outcomes made) : outcomes(made) {}
  Outcomes Evaluate(const FactsOf& /*facts_of*/) const override { return outcomes; }
  Outcomes outcomes;
};

struct MappedNode final : Predicate::Node {
  MappedNode(NodePointer made, OutcomeMap how) : child(std::move(made)), map(how) {}
  Outcomes Evaluate(const FactsOf& facts_of) const override {
    return Apply(map, child->Evaluate(facts_of));
  }
  NodePointer child;
  OutcomeMap map;
};

struct AndNode final : Predicate::Node {
  explicit AndNode(std::vector<NodePointer> made) : children(std::move(made)) {}
  Outcomes Evaluate(const FactsOf& facts_of) const override {
    Outcomes all = kIsTrue;
    for (const NodePointer& child : children) {
      const Outcomes outcomes = child->Evaluate(facts_of);
      Outcomes joined = 0;
      for (const Outcomes a : {kIsTrue, kIsFalse, kIsNull}) {
        for (const Outcomes b : {kIsTrue, kIsFalse, kIsNull}) {
          if ((all & a) != 0 && (outcomes & b) != 0) joined |= And(a, b);
        }
      }
      all = joined;
      if (all == kIsFalse || all == 0) break;
    }
    return all;
  }
  std::vector<NodePointer> children;
};

struct IsNullNode final : Predicate::Node {
  explicit IsNullNode(Predicate::ColumnPath made) : path(std::move(made)) {}
  Outcomes Evaluate(const FactsOf& facts_of) const override {
    const auto values = ValuesOf(facts_of(path), {});
    if (!values) return 0;
    return static_cast<Outcomes>((values->may_be_null ? kIsTrue : 0) |
                                 (values->may_be_value ? kIsFalse : 0));
  }
  Predicate::ColumnPath path;
};

struct ComparisonNode final : Predicate::Node {
  ComparisonNode(ColumnOperand operand, Comparison how, ConstantRange value)
      : column(std::move(operand)), comparison(how), constant(std::move(value)) {}
  Outcomes Evaluate(const FactsOf& facts_of) const override {
    const auto values = ValuesOf(facts_of(column.path), column);
    if (!values) return 0;
    Outcomes outcomes = values->may_be_null ? kIsNull : 0;
    if (!values->may_be_value) return outcomes;
    const Relations relations = Relate(*values, constant);
    if (relations.may_be_less) outcomes |= Outcome(comparison, std::weak_ordering::less);
    if (relations.may_be_equal) outcomes |= Outcome(comparison, std::weak_ordering::equivalent);
    if (relations.may_be_greater) outcomes |= Outcome(comparison, std::weak_ordering::greater);
    if (values->may_be_nan) {
      outcomes |= Outcome(comparison, IsNan(constant.low) ? std::weak_ordering::equivalent
                                                          : std::weak_ordering::greater);
    }
    return outcomes;
  }
  ColumnOperand column;
  Comparison comparison;
  ConstantRange constant;
};

struct InNode final : Predicate::Node {
  InNode(ColumnOperand operand, std::vector<ConstantRange> made, bool with_null)
      : column(std::move(operand)), constants(std::move(made)), has_null(with_null) {
    std::ranges::sort(constants, [](const ConstantRange& a, const ConstantRange& b) {
      return Compare(a.low, b.low) < 0;
    });
  }
  Outcomes Evaluate(const FactsOf& facts_of) const override {
    const auto values = ValuesOf(facts_of(column.path), column);
    if (!values) return 0;
    const Outcomes otherwise = has_null ? kIsNull : kIsFalse;
    Outcomes outcomes = values->may_be_null ? kIsNull : 0;
    if (!values->may_be_value) return outcomes;
    if (values->may_be_nan) {
      const bool is_there = !constants.empty() && IsNan(constants.back().low);
      outcomes |= is_there ? kIsTrue : otherwise;
    }
    // The first that is not below all values; it is among them, or none is.
    auto first = constants.begin();
    if (values->min) {
      first = std::ranges::partition_point(constants, [&](const ConstantRange& each) {
        return Compare(each.high, *values->min) < 0;
      });
    }
    if (first == constants.end() || IsNan(first->low) ||
        (values->max && Compare(first->low, *values->max) > 0)) {
      return outcomes | otherwise;
    }
    outcomes |= kIsTrue;
    const bool is_all = values->min && values->max && Compare(*values->min, *values->max) == 0 &&
                        Compare(first->low, first->high) == 0 &&
                        Compare(first->low, *values->min) == 0;
    return is_all ? outcomes : outcomes | otherwise;
  }
  ColumnOperand column;
  std::vector<ConstantRange> constants;  // by value
  bool has_null;
};

struct PrefixNode final : Predicate::Node {
  PrefixNode(Predicate::ColumnPath made, std::string text, bool is_everything)
      : column{.path = std::move(made), .domain = Domain::kText},
        prefix(std::move(text)),
        is_all(is_everything) {}
  Outcomes Evaluate(const FactsOf& facts_of) const override {
    const auto values = ValuesOf(facts_of(column.path), column);
    if (!values) return 0;
    Outcomes outcomes = values->may_be_null ? kIsNull : 0;
    if (!values->may_be_value) return outcomes;
    const auto text = [](const std::optional<Scalar>& bound) -> const std::string* {
      return bound ? std::get_if<std::string>(&*bound) : nullptr;
    };
    const std::string* const min = text(values->min);
    const std::string* const max = text(values->max);
    const bool is_above = min != nullptr && min->compare(0, prefix.size(), prefix) > 0;
    const bool is_below = max != nullptr && *max < prefix;
    if (!is_above && !is_below) outcomes |= kIsTrue;
    const bool has_every = is_all && min != nullptr && max != nullptr && min->starts_with(prefix) &&
                           max->starts_with(prefix);
    return has_every ? outcomes : outcomes | kIsFalse;
  }
  ColumnOperand column;
  std::string prefix;
  bool is_all;
};

}  // namespace

std::weak_ordering Compare(const Scalar& a, const Scalar& b) {
  if (const auto* const left = std::get_if<ExactNumber>(&a)) {
    if (const auto* const right = std::get_if<ExactNumber>(&b)) return CompareExact(*left, *right);
  }
  if (const auto* const left = std::get_if<double>(&a)) {
    if (const auto* const right = std::get_if<double>(&b)) return CompareReals(*left, *right);
  }
  if (const auto* const left = std::get_if<std::string>(&a)) {
    if (const auto* const right = std::get_if<std::string>(&b)) return left->compare(*right) <=> 0;
  }
  return a.index() <=> b.index();
}

NodePointer MakeFixed(Outcomes outcomes) { return std::make_shared<FixedNode>(outcomes); }

NodePointer MakeAnd(std::vector<NodePointer> children) {
  return std::make_shared<AndNode>(std::move(children));
}

NodePointer MakeOr(std::vector<NodePointer> children) {
  for (NodePointer& child : children) child = MakeNot(std::move(child));
  return MakeNot(MakeAnd(std::move(children)));
}

NodePointer MakeMapped(NodePointer child, OutcomeMap map) {
  return std::make_shared<MappedNode>(std::move(child), map);
}

NodePointer MakeNot(NodePointer child) { return MakeMapped(std::move(child), kNegation); }

NodePointer MakeIsNull(Predicate::ColumnPath path) {
  return std::make_shared<IsNullNode>(std::move(path));
}

NodePointer MakeBoolean(Predicate::ColumnPath path) {
  const Scalar truth = ExactNumber{1, 0};
  return MakeComparison({.path = std::move(path)}, Comparison::kEqual, {truth, truth});
}

NodePointer MakeComparison(ColumnOperand column, Comparison comparison, ConstantRange constant) {
  return std::make_shared<ComparisonNode>(std::move(column), comparison, std::move(constant));
}

NodePointer MakeIn(ColumnOperand column, std::vector<ConstantRange> values, bool has_null) {
  return std::make_shared<InNode>(std::move(column), std::move(values), has_null);
}

NodePointer MakePrefix(Predicate::ColumnPath path, std::string prefix, bool is_all) {
  return std::make_shared<PrefixNode>(std::move(path), std::move(prefix), is_all);
}

}  // namespace deltalakedb::expr
