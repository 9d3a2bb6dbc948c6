// Constants of expressions: their values, as DuckDB computes them.
//
// Thread-safety: as the session.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "deltalakedb/schema.h"
#include "expr/session.h"
#include "protocol/partition_value.h"

namespace deltalakedb::expr {

enum class ConstantKind : std::uint8_t {
  kNull,
  kBoolean,    // number: 0 or 1
  kInteger,    // number
  kDecimal,    // number and scale
  kFloat,      // real
  kDouble,     // real
  kText,       // text
  kDate,       // number: days
  kTimestamp,  // number: microseconds
  kTimestampWithZone,
};

struct Constant {
  ConstantKind kind = ConstantKind::kNull;
  protocol::Int128 number = 0;
  int scale = 0;
  double real = 0;
  std::string text;
};

// Whether an expression's tree names no column.
bool IsConstant(const nlohmann::json& tree);
// The value of a tree that is a literal; nullopt for another, or a type that is not understood.
std::optional<Constant> LiteralOf(const nlohmann::json& tree);
// The tree of CAST(tree AS type).
nlohmann::json CastOf(const nlohmann::json& tree, const DataType& type);

// The values of constant trees; nullopt for those that have none, or one that is not understood.
std::vector<std::optional<Constant>> ComputeConstants(Session& session,
                                                      const std::vector<nlohmann::json>& trees);

}  // namespace deltalakedb::expr
