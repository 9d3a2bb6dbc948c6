#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "data/arrow_types.h"
#include "data/data_file_reader.h"
#include "data/written_columns_internal.h"
#include "protocol/excerpt.h"
#include "protocol/table_rules.h"

namespace deltalakedb::data {

namespace {

using protocol::Excerpt;

// What Arrow's Parquet writer takes a field's id from.
constexpr const char* kFieldId = "PARQUET:field_id";

std::unexpected<Error> Unwritable(const std::string& path, const DataType& type,
                                  std::string_view why) {
  const std::string text = Excerpt(type.ToText());
  return Fail(
      Error(ErrorCode::kUnsupported,
            fmt::format("column {} of type {} cannot be written: {}", Excerpt(path), text, why))
          .With("column", Excerpt(path))
          .With("type", text));
}

class SchemaMaker {
 public:
  explicit SchemaMaker(const TableShape& shape) : shape_(shape) {}

  Result<std::shared_ptr<arrow::Field>> FieldOf(const Field& field, const std::string& path) const {
    DELTALAKEDB_ASSIGN(auto type, TypeOf(field.type(), path));
    auto made =
        arrow::field(std::string(shape_.PhysicalName(field)), std::move(type), field.nullable());
    if (shape_.mapping() == ColumnMapping::kNone || !field.column_mapping_id()) return made;
    return made->WithMetadata(
        arrow::key_value_metadata({kFieldId}, {std::to_string(*field.column_mapping_id())}));
  }

 private:
  Result<std::shared_ptr<arrow::DataType>> TypeOf(const DataType& type,
                                                  const std::string& path) const {
    switch (type.kind()) {
      case TypeKind::kStruct:
        return StructOf(type, path);
      case TypeKind::kArray: {
        DELTALAKEDB_ASSIGN(auto element, TypeOf(type.element(), path + ".element"));
        return arrow::list(arrow::field("element", std::move(element), type.contains_null()));
      }
      case TypeKind::kMap: {
        DELTALAKEDB_ASSIGN(auto key, TypeOf(type.key(), path + ".key"));
        DELTALAKEDB_ASSIGN(auto value, TypeOf(type.value(), path + ".value"));
        return arrow::map(std::move(key),
                          arrow::field("value", std::move(value), type.contains_null()));
      }
      case TypeKind::kVoid:
        return Unwritable(path, type, "files hold no values of type void in an array or map");
      default:
        return ArrowTypeOf(type);
    }
  }

  Result<std::shared_ptr<arrow::DataType>> StructOf(const DataType& type,
                                                    const std::string& path) const {
    arrow::FieldVector fields;
    for (const Field& field : type.fields()) {
      if (field.type().kind() == TypeKind::kVoid) continue;
      DELTALAKEDB_ASSIGN(fields.emplace_back(), FieldOf(field, path + '.' + field.name()));
    }
    if (fields.empty()) {
      return Unwritable(path, type, "Parquet has no struct without fields; give it one");
    }
    return arrow::struct_(fields);
  }

  const TableShape& shape_;
};

// Values under the type that the file has for them, fields of type void left out.
std::shared_ptr<arrow::ArrayData> Retyped(const arrow::ArrayData& data,
                                          const std::shared_ptr<arrow::DataType>& type) {
  auto retyped = data.Copy();
  retyped->type = type;
  if (type->num_fields() == 0) return retyped;
  retyped->child_data.clear();
  int next = 0;
  for (const auto& child : data.child_data) {
    if (child->type->id() == arrow::Type::NA) continue;
    retyped->child_data.push_back(Retyped(*child, type->field(next++)->type()));
  }
  return retyped;
}

Result<std::string> MaterializedName(const Metadata& metadata, std::string_view property) {
  const auto name = metadata.configuration.find(std::string(property));
  if (name != metadata.configuration.end() && !name->second.empty()) return name->second;
  return Fail(Error(ErrorCode::kCorrupt,
                    fmt::format("the table tracks rows, and its property {} is missing, which "
                                "names the column for it",
                                property))
                  .With("property", std::string(property)));
}

}  // namespace

Result<WrittenColumns> WrittenColumns::Make(const TableShape& shape, const Metadata& metadata,
                                            bool with_row_ids) {
  WrittenColumns columns;
  const SchemaMaker maker(shape);
  arrow::FieldVector file_fields;
  for (std::size_t i = 0; i < shape.columns().size(); ++i) {
    const TableShape::Column& column = shape.columns()[i];
    if (column.is_partition || column.field->type().kind() == TypeKind::kVoid) continue;
    DELTALAKEDB_ASSIGN(file_fields.emplace_back(),
                       maker.FieldOf(*column.field, column.field->name()));
    columns.positions_.push_back(static_cast<int>(i));
  }
  if (file_fields.empty()) {
    // Neither Spark nor Arrow reads a file that has rows and no column.
    if (shape.columns().empty()) {
      return Fail(ErrorCode::kUnsupported, "the table has no columns; add one");
    }
    const Field& last = *shape.columns().back().field;
    return Unwritable(last.name(), last.type(),
                      "the table has partition columns and columns of type void alone, so that "
                      "nothing is left to be put into a file; add another column");
  }
  columns.row_schema_ = shape.arrow_schema();
  if (with_row_ids) {
    arrow::FieldVector row_fields = columns.row_schema_->fields();
    for (const auto& [name, property] :
         {std::pair(kRowId, protocol::kMaterializedRowIdColumn),
          std::pair(kRowCommitVersion, protocol::kMaterializedRowCommitVersionColumn)}) {
      DELTALAKEDB_ASSIGN(std::string file_name, MaterializedName(metadata, property));
      columns.positions_.push_back(static_cast<int>(row_fields.size()));
      row_fields.push_back(arrow::field(std::string(name), arrow::int64()));
      file_fields.push_back(arrow::field(std::move(file_name), arrow::int64()));
    }
    columns.row_schema_ = arrow::schema(std::move(row_fields));
  }
  columns.file_schema_ = arrow::schema(std::move(file_fields));
  return columns;
}

std::shared_ptr<arrow::Array> WrittenColumns::ToFile(int column, const arrow::Array& values) const {
  return arrow::MakeArray(Retyped(*values.data(), file_schema_->field(column)->type()));
}

}  // namespace deltalakedb::data
