// The tree of a condition, and what may come out of each of its parts for rows of which only
// bounds are known: a set of true, false and null.
//
// Sets are never too small; they may be too large. Parts are looked at one by one, as if each could
// come out as it likes. Thread-safety: immutable.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "expr/predicate.h"
#include "protocol/partition_value.h"

namespace deltalakedb::expr {

// A set of these.
using Outcomes = std::uint8_t;
inline constexpr Outcomes kIsTrue = 1;
inline constexpr Outcomes kIsFalse = 2;
inline constexpr Outcomes kIsNull = 4;
inline constexpr Outcomes kAnyOutcome = kIsTrue | kIsFalse | kIsNull;

// A number without loss: unscaled * 10^-scale. Also days, microseconds, and 0 or 1.
struct ExactNumber {
  protocol::Int128 unscaled = 0;
  int scale = 0;
};

// A value in the domain that a comparison is made in: one alternative for all of a comparison.
// NaN is larger than all other numbers and equal to itself.
using Scalar = std::variant<ExactNumber, double, std::string>;
std::weak_ordering Compare(const Scalar& a, const Scalar& b);

// A constant that lies somewhere between two values, both included: where DuckDB rounds it in a way
// that is not known to the last digit. Mostly they are equal.
struct ConstantRange {
  Scalar low;
  Scalar high;
};

// How values of a column become scalars.
enum class Domain : std::uint8_t {
  kExact,      // integers, decimals, booleans, days, moments, each as it is
  kMicros,     // days as moments
  kReal,       // floats and integers as doubles
  kRoughReal,  // decimals as doubles, off by a little
  kText,
};

struct ColumnOperand {
  Predicate::ColumnPath path;
  Domain domain = Domain::kExact;
  bool may_be_nan = false;  // floats
};

enum class Comparison : std::uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

struct Predicate::Node {
  virtual ~Node() = default;
  virtual Outcomes Evaluate(const FactsOf& facts_of) const = 0;
};

using NodePointer = std::shared_ptr<const Predicate::Node>;

NodePointer MakeFixed(Outcomes outcomes);
NodePointer MakeAnd(std::vector<NodePointer> children);
NodePointer MakeOr(std::vector<NodePointer> children);
// Another outcome for each of the child's.
struct OutcomeMap {
  Outcomes of_true = kIsTrue;
  Outcomes of_false = kIsFalse;
  Outcomes of_null = kIsNull;
};
NodePointer MakeMapped(NodePointer child, OutcomeMap map);
NodePointer MakeNot(NodePointer child);
NodePointer MakeIsNull(Predicate::ColumnPath path);
// A column of truth values.
NodePointer MakeBoolean(Predicate::ColumnPath path);
NodePointer MakeComparison(ColumnOperand column, Comparison comparison, ConstantRange constant);
// `has_null`: one of the values is null.
NodePointer MakeIn(ColumnOperand column, std::vector<ConstantRange> values, bool has_null);
// `is_all`: any text with the prefix counts, else more is asked of it.
NodePointer MakePrefix(Predicate::ColumnPath path, std::string prefix, bool is_all);

}  // namespace deltalakedb::expr
