#include "apps/schema_tree.h"

#include <cstddef>
#include <optional>
#include <string_view>

#include "apps/output_text.h"

namespace deltalakedb::cli {
namespace {

// A column or a part of one. `nullable` is absent for what never is null, a map's keys.
struct Part {
  std::string_view name;
  const DataType& type;
  std::optional<bool> nullable;
  std::string_view comment;
};

// The types of the parts have lines of their own.
std::string TypeName(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kStruct:
      return "struct";
    case TypeKind::kArray:
      return "array";
    case TypeKind::kMap:
      return "map";
    default:
      return Printable(type.ToText());
  }
}

void AddFields(const DataType& type, std::size_t depth, TextTable& table);

// Goes as deep as a schema may be nested (kSchemaDepthMax).
void AddPart(const Part& part, std::size_t depth, TextTable& table) {
  table.AddRow({std::string(2 * depth, ' ') + Printable(part.name), TypeName(part.type),
                part.nullable ? (*part.nullable ? "yes" : "no") : "", Printable(part.comment)});
  const DataType& type = part.type;
  if (type.kind() == TypeKind::kStruct) {
    AddFields(type, depth + 1, table);
  } else if (type.kind() == TypeKind::kArray) {
    AddPart({"element", type.element(), type.contains_null(), ""}, depth + 1, table);
  } else if (type.kind() == TypeKind::kMap) {
    AddPart({"key", type.key(), std::nullopt, ""}, depth + 1, table);
    AddPart({"value", type.value(), type.contains_null(), ""}, depth + 1, table);
  }
}

void AddFields(const DataType& type, std::size_t depth, TextTable& table) {
  for (const Field& field : type.fields()) {
    AddPart({field.name(), field.type(), field.nullable(), field.comment() ? *field.comment() : ""},
            depth, table);
  }
}

}  // namespace

std::string FormatSchemaTree(const Schema& schema, const TitleStyle& title_style) {
  TextTable table({{"COLUMN"}, {"TYPE"}, {"NULLABLE"}, {"COMMENT"}});
  AddFields(schema.type(), 0, table);
  return table.Format(title_style.start, title_style.end);
}

}  // namespace deltalakedb::cli
