#include "data/arrow_types.h"

#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "protocol/excerpt.h"

namespace deltalakedb::data {

namespace {

using protocol::Excerpt;

Result<std::shared_ptr<arrow::Field>> ArrowFieldOf(const Field& field) {
  DELTALAKEDB_ASSIGN(auto type, ArrowTypeOf(field.type()));
  return arrow::field(field.name(), std::move(type), field.nullable());
}

Result<std::shared_ptr<arrow::DataType>> ArrowStructOf(const DataType& type) {
  arrow::FieldVector fields;
  fields.reserve(type.fields().size());
  for (const Field& field : type.fields()) {
    DELTALAKEDB_ASSIGN(fields.emplace_back(), ArrowFieldOf(field));
  }
  return arrow::struct_(fields);
}

// ---- Arrow's types as Delta's -------------------------------------------------------------------

// Writes the JSON of Delta types for those of Arrow.
class TypePrinter {
 public:
  // `column` is for errors. Errors: as DeltaSchemaOf.
  Result<void> Append(const arrow::DataType& type, const std::string& column);
  Result<void> AppendFields(const arrow::FieldVector& fields, const std::string& column);
  std::string Take() && { return std::move(out_); }

 private:
  Result<void> AppendArray(const arrow::Field& element, const std::string& column);
  Result<void> AppendMap(const arrow::MapType& type, const std::string& column);
  Result<void> AppendDecimal(const arrow::DecimalType& type, const std::string& column);
  // Null for a type with parameters or one that Delta does not have.
  static const char* SimpleName(const arrow::DataType& type);
  void AppendFlag(std::string_view name, bool value) {
    out_ += fmt::format(R"(,"{}":{})", name, value);
  }

  std::string out_;
  std::size_t depth_ = 0;
};

std::unexpected<Error> NoDeltaType(const arrow::DataType& type, const std::string& column) {
  const std::string text = Excerpt(type.ToString());
  return Fail(
      Error(ErrorCode::kUnsupported,
            fmt::format("column {} has the Arrow type {}, and Delta tables have none for such "
                        "values; convert the column or leave it out",
                        Excerpt(column), text))
          .With("column", Excerpt(column))
          .With("type", text));
}

const char* TypePrinter::SimpleName(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return "void";
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::INT8:
      return "byte";
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
      return "short";
    case arrow::Type::INT32:
    case arrow::Type::UINT16:
      return "integer";
    case arrow::Type::INT64:
    case arrow::Type::UINT32:
      return "long";
    case arrow::Type::UINT64:
      return "decimal(20,0)";
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return "float";
    case arrow::Type::DOUBLE:
      return "double";
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return "string";
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return "binary";
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "date";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? "timestamp_ntz"
                                                                               : "timestamp";
    default:
      return nullptr;
  }
}

Result<void> TypePrinter::AppendDecimal(const arrow::DecimalType& type, const std::string& column) {
  // Arrow has scales below 0 and above the precision: as many digits more make one of Delta's.
  const int scale = std::max(type.scale(), 0);
  const int precision = std::max(type.precision() + (scale - type.scale()), scale);
  if (precision > kDecimalPrecisionMax) return NoDeltaType(type, column);
  out_ += fmt::format("\"decimal({},{})\"", precision, scale);
  return {};
}

Result<void> TypePrinter::AppendArray(const arrow::Field& element, const std::string& column) {
  out_ += R"({"type":"array","elementType":)";
  DELTALAKEDB_TRY(Append(*element.type(), column + ".element"));
  AppendFlag("containsNull", element.nullable());
  out_ += '}';
  return {};
}

Result<void> TypePrinter::AppendMap(const arrow::MapType& type, const std::string& column) {
  out_ += R"({"type":"map","keyType":)";
  DELTALAKEDB_TRY(Append(*type.key_type(), column + ".key"));
  out_ += R"(,"valueType":)";
  DELTALAKEDB_TRY(Append(*type.item_type(), column + ".value"));
  AppendFlag("valueContainsNull", type.item_field()->nullable());
  out_ += '}';
  return {};
}

Result<void> TypePrinter::AppendFields(const arrow::FieldVector& fields,
                                       const std::string& column) {
  out_ += R"({"type":"struct","fields":[)";
  std::string_view separator;
  for (const auto& field : fields) {
    const std::string name = column.empty() ? field->name() : column + '.' + field->name();
    if (!arrow::util::ValidateUTF8(field->name())) {
      return Fail(Error(ErrorCode::kUnsupported,
                        fmt::format("the name of column {} is no UTF-8; rename it", Excerpt(name)))
                      .With("column", Excerpt(name))
                      .With("type", Excerpt(field->type()->ToString())));
    }
    out_ += std::exchange(separator, ",");
    out_ += R"({"name":)" + nlohmann::json(field->name()).dump() + R"(,"type":)";
    DELTALAKEDB_TRY(Append(*field->type(), name));
    AppendFlag("nullable", field->nullable());
    out_ += R"(,"metadata":{}})";
  }
  out_ += "]}";
  return {};
}

Result<void> TypePrinter::Append(const arrow::DataType& type, const std::string& column) {
  if (const char* const name = SimpleName(type)) {
    out_ += fmt::format(R"("{}")", name);
    return {};
  }
  if (++depth_ > kSchemaDepthMax) return NoDeltaType(type, column);
  const auto append = [&]() -> Result<void> {
    switch (type.id()) {
      case arrow::Type::DECIMAL32:
      case arrow::Type::DECIMAL64:
      case arrow::Type::DECIMAL128:
      case arrow::Type::DECIMAL256:
        return AppendDecimal(static_cast<const arrow::DecimalType&>(type), column);
      case arrow::Type::STRUCT:
        return AppendFields(type.fields(), column);
      case arrow::Type::LIST:
      case arrow::Type::LARGE_LIST:
      case arrow::Type::FIXED_SIZE_LIST:
      case arrow::Type::LIST_VIEW:
      case arrow::Type::LARGE_LIST_VIEW:
        return AppendArray(*type.field(0), column);
      case arrow::Type::MAP:
        return AppendMap(static_cast<const arrow::MapType&>(type), column);
      case arrow::Type::DICTIONARY:
        return Append(*static_cast<const arrow::DictionaryType&>(type).value_type(), column);
      case arrow::Type::RUN_END_ENCODED:
        return Append(*static_cast<const arrow::RunEndEncodedType&>(type).value_type(), column);
      case arrow::Type::EXTENSION:
        return Append(*static_cast<const arrow::ExtensionType&>(type).storage_type(), column);
      default:
        return NoDeltaType(type, column);
    }
  };
  auto appended = append();
  --depth_;
  return appended;
}

}  // namespace

Result<std::shared_ptr<arrow::DataType>> ArrowTypeOf(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kStruct:
      return ArrowStructOf(type);
    case TypeKind::kArray: {
      DELTALAKEDB_ASSIGN(auto element, ArrowTypeOf(type.element()));
      return arrow::list(arrow::field("element", std::move(element), type.contains_null()));
    }
    case TypeKind::kMap: {
      DELTALAKEDB_ASSIGN(auto key, ArrowTypeOf(type.key()));
      DELTALAKEDB_ASSIGN(auto value, ArrowTypeOf(type.value()));
      return arrow::map(std::move(key),
                        arrow::field("value", std::move(value), type.contains_null()));
    }
    case TypeKind::kString:
      return arrow::utf8();
    case TypeKind::kLong:
      return arrow::int64();
    case TypeKind::kInteger:
      return arrow::int32();
    case TypeKind::kShort:
      return arrow::int16();
    case TypeKind::kByte:
      return arrow::int8();
    case TypeKind::kFloat:
      return arrow::float32();
    case TypeKind::kDouble:
      return arrow::float64();
    case TypeKind::kDecimal:
      return arrow::decimal128(type.precision(), type.scale());
    case TypeKind::kBoolean:
      return arrow::boolean();
    case TypeKind::kBinary:
      return arrow::binary();
    case TypeKind::kDate:
      return arrow::date32();
    case TypeKind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case TypeKind::kTimestampNtz:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeKind::kVariant:
      return arrow::struct_({arrow::field("metadata", arrow::binary(), /*nullable=*/false),
                             arrow::field("value", arrow::binary(), /*nullable=*/false)});
    case TypeKind::kVoid:
      return arrow::null();
    case TypeKind::kOther:
      break;
  }
  const std::string text = Excerpt(type.ToText());
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("rows with values of type {} cannot be read or written by this "
                                "program; update it",
                                text))
                  .With("type", text));
}

Result<std::shared_ptr<arrow::Schema>> ArrowSchemaOf(const Schema& schema) {
  arrow::FieldVector fields;
  fields.reserve(schema.fields().size());
  for (const Field& field : schema.fields()) {
    auto made = ArrowFieldOf(field);
    if (!made) {
      return Fail(std::move(made)
                      .error()
                      .In("column " + Excerpt(field.name()))
                      .With("column", Excerpt(field.name())));
    }
    fields.push_back(*std::move(made));
  }
  return arrow::schema(std::move(fields));
}

Result<std::string> DeltaSchemaOf(const arrow::Schema& schema) {
  arrow::util::InitializeUTF8();  // what the check of names looks things up in
  TypePrinter printer;
  DELTALAKEDB_TRY(printer.AppendFields(schema.fields(), ""));
  return std::move(printer).Take();
}

}  // namespace deltalakedb::data
