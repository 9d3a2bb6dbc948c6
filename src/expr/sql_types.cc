#include "expr/sql_types.h"

#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "expr/evaluator.h"

namespace deltalakedb::expr {

namespace {

struct NamedType {
  std::string name;
  std::string type;
};

std::string StructType(const std::vector<NamedType>& fields) {
  std::vector<std::string> parts;
  for (const auto& [name, type] : fields) {
    if (type.empty()) return "";
    parts.push_back(fmt::format("{} {}", QuoteName(name), type));
  }
  return parts.empty() ? "" : fmt::format("STRUCT({})", fmt::join(parts, ", "));
}

std::string MapType(const std::string& key, const std::string& value) {
  return key.empty() || value.empty() ? "" : fmt::format("MAP({}, {})", key, value);
}

std::string ListType(const std::string& element) { return element.empty() ? "" : element + "[]"; }

// As variants lie in Parquet files.
std::string VariantType() { return StructType({{"metadata", "BLOB"}, {"value", "BLOB"}}); }

std::string NestedType(const DataType& type) {
  if (type.kind() == TypeKind::kArray) return ListType(SqlTypeOf(type.element()));
  if (type.kind() == TypeKind::kMap) return MapType(SqlTypeOf(type.key()), SqlTypeOf(type.value()));
  if (type.kind() == TypeKind::kVariant) return VariantType();
  if (type.kind() != TypeKind::kStruct) return "";
  std::vector<NamedType> fields;
  for (const Field& field : type.fields())
    fields.push_back({field.name(), SqlTypeOf(field.type())});
  return StructType(fields);
}

std::string NestedType(const arrow::DataType& type) {
  if (type.id() == arrow::Type::LIST) return ListType(SqlTypeOf(*type.field(0)->type()));
  if (type.id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapType&>(type);
    return MapType(SqlTypeOf(*map.key_type()), SqlTypeOf(*map.item_type()));
  }
  if (type.id() != arrow::Type::STRUCT) return "";
  std::vector<NamedType> fields;
  for (const auto& field : type.fields())
    fields.push_back({field->name(), SqlTypeOf(*field->type())});
  return StructType(fields);
}

}  // namespace

std::string SqlTypeOf(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kString:
      return "VARCHAR";
    case TypeKind::kLong:
      return "BIGINT";
    case TypeKind::kInteger:
      return "INTEGER";
    case TypeKind::kShort:
      return "SMALLINT";
    case TypeKind::kByte:
      return "TINYINT";
    case TypeKind::kFloat:
      return "FLOAT";
    case TypeKind::kDouble:
      return "DOUBLE";
    case TypeKind::kDecimal:
      return fmt::format("DECIMAL({}, {})", type.precision(), type.scale());
    case TypeKind::kBoolean:
      return "BOOLEAN";
    case TypeKind::kBinary:
      return "BLOB";
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTimestamp:
      return "TIMESTAMP WITH TIME ZONE";
    case TypeKind::kTimestampNtz:
      return "TIMESTAMP";
    case TypeKind::kVoid:
      return "\"NULL\"";
    default:
      return NestedType(type);
  }
}

std::string SqlTypeOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
      return "VARCHAR";
    case arrow::Type::INT64:
      return "BIGINT";
    case arrow::Type::INT32:
      return "INTEGER";
    case arrow::Type::INT16:
      return "SMALLINT";
    case arrow::Type::INT8:
      return "TINYINT";
    case arrow::Type::FLOAT:
      return "FLOAT";
    case arrow::Type::DOUBLE:
      return "DOUBLE";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      return decimal.scale() < 0
                 ? ""
                 : fmt::format("DECIMAL({}, {})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::BOOL:
      return "BOOLEAN";
    case arrow::Type::BINARY:
      return "BLOB";
    case arrow::Type::DATE32:
      return "DATE";
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      if (timestamp.unit() != arrow::TimeUnit::MICRO) return "";
      return timestamp.timezone().empty() ? "TIMESTAMP" : "TIMESTAMP WITH TIME ZONE";
    }
    case arrow::Type::NA:
      return "\"NULL\"";
    default:
      return NestedType(type);
  }
}

}  // namespace deltalakedb::expr
