#include "expr/constants.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "expr/sql_types.h"
#include "expr/statements.h"

namespace deltalakedb::expr {

using nlohmann::json;
using protocol::Int128;
using store::DuckDb;

namespace {

// Constants that are computed by one statement.
constexpr std::size_t kTogetherMax = 256;
// Where one of them is an error they are computed one by one, up to so many in all.
constexpr int kAloneMax = 256;

std::string TextOf(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// TRUE and FALSE are casts of texts.
std::optional<bool> TruthOf(const json& tree) {
  if (TextOf(tree, "class") != "CAST" || tree.value("try_cast", true)) return std::nullopt;
  const json child = tree.value("child", json::object());
  const json type = tree.value("cast_type", json::object());
  const json value = child.value("value", json());
  if (TextOf(type, "id") != "BOOLEAN" || TextOf(child, "class") != "CONSTANT" ||
      !value.is_object()) {
    return std::nullopt;
  }
  const std::string text = TextOf(value, "value");
  if (text != "t" && text != "f") return std::nullopt;
  return text == "t";
}

std::optional<Int128> IntegerOf(const json& value) {
  if (value.is_number_unsigned()) return Int128{value.get<std::uint64_t>()};
  if (value.is_number_integer()) return Int128{value.get<std::int64_t>()};
  if (!value.is_object()) return std::nullopt;
  const auto upper = value.find("upper");
  const auto lower = value.find("lower");
  if (upper == value.end() || lower == value.end() || !upper->is_number_integer() ||
      !lower->is_number_integer()) {
    return std::nullopt;
  }
  return static_cast<Int128>(upper->get<std::int64_t>()) << 64 | lower->get<std::uint64_t>();
}

// ---- values in vectors --------------------------------------------------------------------------

template <typename T>
T Get(duckdb_vector vector) {
  return *static_cast<const T*>(DuckDb().vector_get_data(vector));
}

Int128 GetHuge(duckdb_vector vector) {
  const auto huge = Get<duckdb_hugeint>(vector);
  return static_cast<Int128>(huge.upper) << 64 | huge.lower;
}

Int128 GetDecimal(duckdb_vector vector, duckdb_logical_type type) {
  switch (DuckDb().decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT:
      return Get<std::int16_t>(vector);
    case DUCKDB_TYPE_INTEGER:
      return Get<std::int32_t>(vector);
    case DUCKDB_TYPE_BIGINT:
      return Get<std::int64_t>(vector);
    default:
      return GetHuge(vector);
  }
}

Constant Number(ConstantKind kind, Int128 number, int scale = 0) {
  return {.kind = kind, .number = number, .scale = scale, .real = 0, .text = {}};
}
Constant Real(ConstantKind kind, double real) {
  return {.kind = kind, .number = 0, .scale = 0, .real = real, .text = {}};
}
Constant Text(std::string_view text) {
  return {
      .kind = ConstantKind::kText, .number = 0, .scale = 0, .real = 0, .text = std::string(text)};
}

// The first value of a vector.
std::optional<Constant> ValueOf(duckdb_vector vector) {
  using enum ConstantKind;
  if (!IsValidAt(vector, 0)) return Constant{};
  const store::DuckDbType type(DuckDb().vector_get_column_type(vector));
  switch (DuckDb().get_type_id(type.get())) {
    case DUCKDB_TYPE_BOOLEAN:
      return Number(kBoolean, Get<bool>(vector) ? 1 : 0);
    case DUCKDB_TYPE_TINYINT:
      return Number(kInteger, Get<std::int8_t>(vector));
    case DUCKDB_TYPE_SMALLINT:
      return Number(kInteger, Get<std::int16_t>(vector));
    case DUCKDB_TYPE_INTEGER:
      return Number(kInteger, Get<std::int32_t>(vector));
    case DUCKDB_TYPE_BIGINT:
      return Number(kInteger, Get<std::int64_t>(vector));
    case DUCKDB_TYPE_HUGEINT:
      return Number(kInteger, GetHuge(vector));
    case DUCKDB_TYPE_DECIMAL:
      return Number(kDecimal, GetDecimal(vector, type.get()), DuckDb().decimal_scale(type.get()));
    case DUCKDB_TYPE_FLOAT:
      return Real(kFloat, Get<float>(vector));
    case DUCKDB_TYPE_DOUBLE:
      return Real(kDouble, Get<double>(vector));
    case DUCKDB_TYPE_VARCHAR:
      return Text(TextAt(vector, 0));
    case DUCKDB_TYPE_DATE:
      return Number(kDate, Get<std::int32_t>(vector));
    case DUCKDB_TYPE_TIMESTAMP:
      return Number(kTimestamp, Get<std::int64_t>(vector));
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return Number(kTimestampWithZone, Get<std::int64_t>(vector));
    default:
      return std::nullopt;
  }
}

// DuckDB's infinite days and moments have neighbours among the numbers, but no values.
bool IsInfinite(const Constant& constant) {
  const auto is = [&](Int128 limit) {
    return constant.number == limit || constant.number == -limit;
  };
  if (constant.kind == ConstantKind::kDate) return is(std::numeric_limits<std::int32_t>::max());
  return (constant.kind == ConstantKind::kTimestamp ||
          constant.kind == ConstantKind::kTimestampWithZone) &&
         is(std::numeric_limits<std::int64_t>::max());
}

// ---- statements ---------------------------------------------------------------------------------

// The tree of a statement that selects these.
json StatementOf(std::span<const json> trees) {
  const json node = {{"type", "SELECT_NODE"},
                     {"modifiers", json::array()},
                     {"cte_map", {{"map", json::array()}}},
                     {"select_list", std::vector<json>(trees.begin(), trees.end())},
                     {"from_table", {{"type", "EMPTY"}, {"alias", ""}, {"sample", nullptr}}},
                     {"where_clause", nullptr},
                     {"group_expressions", json::array()},
                     {"group_sets", json::array()},
                     {"aggregate_handling", "STANDARD_HANDLING"},
                     {"having", nullptr},
                     {"sample", nullptr},
                     {"qualify", nullptr}};
  return {{"error", false},
          {"statements", json::array({{{"node", node}, {"named_param_map", json::array()}}})}};
}

// False when one of them is an error.
bool ComputeTogether(Session& session, std::span<const json> trees,
                     std::span<std::optional<Constant>> values) {
  const std::string tree = StatementOf(trees).dump(-1, ' ', false, json::error_handler_t::replace);
  const auto sql = session.Ask(DeserializeStatement(), tree);
  if (!sql) return false;
  const auto prepared = session.Prepare(*sql);
  if (!prepared) return false;
  store::DuckDbResult result;
  if (DuckDb().execute_prepared(prepared->get(), result.get()) != DuckDBSuccess) return false;
  const store::DuckDbChunk chunk(DuckDb().fetch_chunk(*result.get()));
  if (chunk == nullptr || DuckDb().data_chunk_get_column_count(chunk.get()) != trees.size()) {
    return false;
  }
  for (std::size_t i = 0; i < trees.size(); ++i) {
    values[i] = ValueOf(DuckDb().data_chunk_get_vector(chunk.get(), i));
    if (values[i] && IsInfinite(*values[i])) values[i].reset();
  }
  return true;
}

}  // namespace

bool IsConstant(const json& tree) {
  if (tree.is_object() && TextOf(tree, "class") == "COLUMN_REF") return false;
  return !tree.is_structured() || std::ranges::all_of(tree, IsConstant);
}

std::optional<Constant> LiteralOf(const json& tree) {
  using enum ConstantKind;
  if (const auto truth = TruthOf(tree)) return Number(kBoolean, *truth ? 1 : 0);
  const auto value = tree.find("value");
  if (TextOf(tree, "class") != "CONSTANT" || value == tree.end()) return std::nullopt;
  if (value->value("is_null", false)) return Constant{};
  const json type = value->value("type", json::object());
  const std::string id = TextOf(type, "id");
  const json content = value->value("value", json());
  if (id == "VARCHAR" && content.is_string()) {
    return Text(content.get<std::string>());
  }
  if (id == "BOOLEAN" && content.is_boolean()) {
    return Number(kBoolean, content.get<bool>() ? 1 : 0);
  }
  if (id == "DOUBLE" && content.is_number()) {
    return Real(kDouble, content.get<double>());
  }
  const std::optional<Int128> number = IntegerOf(content);
  if (!number) return std::nullopt;
  if (id == "TINYINT" || id == "SMALLINT" || id == "INTEGER" || id == "BIGINT" || id == "HUGEINT") {
    return Number(kInteger, *number);
  }
  const json info = type.value("type_info", json());
  if (id == "DECIMAL" && info.is_object() && info.contains("scale")) {
    return Number(kDecimal, *number, info.value("scale", 0));
  }
  return std::nullopt;
}

json CastOf(const json& tree, const DataType& type) {
  json info;
  std::string id = SqlTypeOf(type);
  if (type.kind() == TypeKind::kDecimal) {
    id = "DECIMAL";
    info = {{"type", "DECIMAL_TYPE_INFO"},
            {"alias", ""},
            {"extension_info", nullptr},
            {"width", type.precision()},
            {"scale", type.scale()}};
  }
  return {{"class", "CAST"},
          {"type", "OPERATOR_CAST"},
          {"alias", ""},
          {"child", tree},
          {"cast_type", {{"id", id}, {"type_info", info}}},
          {"try_cast", false}};
}

std::vector<std::optional<Constant>> ComputeConstants(Session& session,
                                                      const std::vector<json>& trees) {
  std::vector<std::optional<Constant>> values(trees.size());
  std::vector<json> open;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < trees.size(); ++i) {
    values[i] = LiteralOf(trees[i]);
    if (values[i]) continue;
    open.push_back(trees[i]);
    places.push_back(i);
  }
  std::vector<std::optional<Constant>> computed(open.size());
  int alone = 0;
  for (std::size_t begin = 0; begin < open.size(); begin += kTogetherMax) {
    const std::size_t count = std::min(kTogetherMax, open.size() - begin);
    const auto trees_now = std::span(open).subspan(begin, count);
    const auto values_now = std::span(computed).subspan(begin, count);
    if (ComputeTogether(session, trees_now, values_now)) continue;
    for (std::size_t i = 0; i < count && alone < kAloneMax; ++i, ++alone) {
      ComputeTogether(session, trees_now.subspan(i, 1), values_now.subspan(i, 1));
    }
  }
  for (std::size_t i = 0; i < open.size(); ++i) values[places[i]] = std::move(computed[i]);
  return values;
}

}  // namespace deltalakedb::expr
