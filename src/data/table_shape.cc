#include "data/table_shape.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii_case.h"
#include "base/try.h"
#include "data/arrow_types.h"
#include "protocol/excerpt.h"
#include "protocol/table_rules.h"

namespace deltalakedb::data {

namespace {

using protocol::Excerpt;

Result<ColumnMapping> MappingOf(const Metadata& metadata) {
  const auto mode = metadata.configuration.find(std::string(protocol::kColumnMappingMode));
  if (mode == metadata.configuration.end()) return ColumnMapping::kNone;
  const std::string folded = base::FoldCase(mode->second);
  if (folded == "none") return ColumnMapping::kNone;
  if (folded == "name") return ColumnMapping::kName;
  if (folded == "id") return ColumnMapping::kId;
  return Fail(
      Error(ErrorCode::kCorrupt,
            fmt::format("the table's {} is {}, which is none of none, name and id; how its files "
                        "name their columns is not known",
                        protocol::kColumnMappingMode, Excerpt(mode->second)))
          .With("property", std::string(protocol::kColumnMappingMode)));
}

// Checks that files can be asked for a field and for those below it.
Result<void> CheckMapped(const Field& field, ColumnMapping mapping, const std::string& path);

Result<void> CheckMapped(const DataType& type, ColumnMapping mapping, const std::string& path) {
  switch (type.kind()) {
    case TypeKind::kStruct:
      for (const Field& field : type.fields()) {
        DELTALAKEDB_TRY(CheckMapped(field, mapping, path + '.' + field.name()));
      }
      return {};
    case TypeKind::kArray:
      return CheckMapped(type.element(), mapping, path + ".element");
    case TypeKind::kMap:
      DELTALAKEDB_TRY(CheckMapped(type.key(), mapping, path + ".key"));
      return CheckMapped(type.value(), mapping, path + ".value");
    default:
      return {};
  }
}

Result<void> CheckMapped(const Field& field, ColumnMapping mapping, const std::string& path) {
  const auto lacks = [&](std::string_view what) {
    return Fail(Error(ErrorCode::kCorrupt,
                      fmt::format("the table maps its columns, and column {} has no {}",
                                  Excerpt(path), what))
                    .With("column", Excerpt(path)));
  };
  if (!field.physical_name()) return lacks("physical name");
  if (mapping == ColumnMapping::kId && !field.column_mapping_id()) return lacks("id");
  return CheckMapped(field.type(), mapping, path);
}

}  // namespace

Result<std::shared_ptr<const TableShape>> TableShape::Make(const Metadata& metadata) {
  DELTALAKEDB_ASSIGN(const ColumnMapping mapping, MappingOf(metadata));
  DELTALAKEDB_ASSIGN(Schema schema, Schema::Parse(metadata.schema_string.value_or("")));
  DELTALAKEDB_ASSIGN(auto arrow_schema, ArrowSchemaOf(schema));
  if (mapping != ColumnMapping::kNone) {
    for (const Field& field : schema.fields()) {
      DELTALAKEDB_TRY(CheckMapped(field, mapping, field.name()));
    }
  }
  // The constructor is private, and columns point into the schema where it stays.
  std::shared_ptr<TableShape> shape(
      new TableShape(std::move(schema), std::move(arrow_schema), mapping));
  shape->columns_.reserve(shape->schema_.fields().size());
  for (const Field& field : shape->schema_.fields()) {
    shape->columns_.push_back({&field, std::string(shape->PhysicalName(field)), false});
  }
  for (const std::string& name : metadata.partition_columns) {
    const std::optional<int> column = shape->FindColumn(name);
    if (!column) {
      return Fail(Error(ErrorCode::kCorrupt,
                        fmt::format("the table's schema has no partition column {}", Excerpt(name)))
                      .With("column", Excerpt(name)));
    }
    shape->columns_[static_cast<std::size_t>(*column)].is_partition = true;
    shape->partition_columns_.push_back(*column);
  }
  return shape;
}

std::optional<int> TableShape::FindColumn(std::string_view name) const {
  // A schema has no two names that differ in case only.
  const Field* const field = schema_.FindField(name);
  if (field == nullptr) return std::nullopt;
  return static_cast<int>(field - schema_.fields().data());
}

std::string_view TableShape::PhysicalName(const Field& field) const {
  if (mapping_ == ColumnMapping::kNone || !field.physical_name()) return field.name();
  return *field.physical_name();
}

}  // namespace deltalakedb::data
