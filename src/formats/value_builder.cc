#include "formats/value_builder.h"

#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>
#include <arrow/util/decimal.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/row_stream.h"
#include "deltalakedb/schema.h"
#include "protocol/excerpt.h"
#include "protocol/partition_value.h"

namespace deltalakedb::formats {

namespace {

using protocol::Excerpt;
using protocol::JsonKind;
using protocol::JsonValue;
using protocol::PartitionValue;

Result<void> Checked(const arrow::Status& status) {
  if (status.ok()) return {};
  return Fail(data::ToError(status));
}

std::unexpected<Error> NoSuchValue(std::string_view text, const arrow::DataType& type) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("\"{}\" is no {}", Excerpt(text), TypeName(type)));
}

// The value as JSON has it, without quotes of its own for a text.
std::unexpected<Error> NoSuchJson(const JsonValue& value, const arrow::DataType& type) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no {}", Excerpt(value.text()), TypeName(type)));
}

template <typename T>
bool ParseNumber(std::string_view text, T& value) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size();
}

template <typename Builder>
Result<void> AppendNumber(std::string_view text, const arrow::DataType& type,
                          arrow::ArrayBuilder& builder) {
  typename Builder::value_type value = {};
  if (!ParseNumber(text, value)) return NoSuchValue(text, type);
  return Checked(static_cast<Builder&>(builder).Append(value));
}

bool EqualsWord(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != word[i]) return false;
  }
  return true;
}

Result<void> AppendBoolean(std::string_view text, const arrow::DataType& type,
                           arrow::ArrayBuilder& builder) {
  const bool is_true = EqualsWord(text, "true");
  if (!is_true && !EqualsWord(text, "false")) return NoSuchValue(text, type);
  return Checked(static_cast<arrow::BooleanBuilder&>(builder).Append(is_true));
}

Result<void> AppendString(std::string_view text, arrow::ArrayBuilder& builder) {
  if (!arrow::util::ValidateUTF8(text)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the text is not UTF-8: convert the file, as iconv does");
  }
  return Checked(static_cast<arrow::StringBuilder&>(builder).Append(text));
}

// The values that partition values have too, whose texts are read in the same way.
Result<PartitionValue> ParseAs(const DataType& type, std::string_view text,
                               const arrow::DataType& shown) {
  if (text.empty()) return NoSuchValue(text, shown);  // where a partition has null
  auto parsed = PartitionValue::Parse({"", type}, text);
  if (!parsed) return NoSuchValue(text, shown);
  return parsed;
}

Result<void> AppendDecimal(std::string_view text, const arrow::DataType& type,
                           arrow::ArrayBuilder& builder) {
  const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
  DELTALAKEDB_ASSIGN(const PartitionValue parsed,
                     ParseAs(DataType::Decimal(decimal.precision(), decimal.scale()), text, type));
  const auto unscaled = std::get<protocol::PartitionDecimal>(parsed.value()).unscaled;
  const arrow::Decimal128 value(static_cast<std::int64_t>(unscaled >> 64),
                                static_cast<std::uint64_t>(unscaled));
  return Checked(static_cast<arrow::Decimal128Builder&>(builder).Append(value));
}

Result<void> AppendDate(std::string_view text, const arrow::DataType& type,
                        arrow::ArrayBuilder& builder) {
  DELTALAKEDB_ASSIGN(const PartitionValue parsed,
                     ParseAs(DataType::Simple(TypeKind::kDate), text, type));
  const auto date = std::get<protocol::PartitionDate>(parsed.value());
  return Checked(static_cast<arrow::Date32Builder&>(builder).Append(date.days));
}

Result<void> AppendTimestamp(std::string_view text, const arrow::DataType& type,
                             arrow::ArrayBuilder& builder) {
  const auto& moments = static_cast<const arrow::TimestampType&>(type);
  const TypeKind kind = moments.timezone().empty() ? TypeKind::kTimestampNtz : TypeKind::kTimestamp;
  DELTALAKEDB_ASSIGN(const PartitionValue parsed, ParseAs(DataType::Simple(kind), text, type));
  const auto moment = std::get<protocol::PartitionTimestamp>(parsed.value());
  return Checked(static_cast<arrow::TimestampBuilder&>(builder).Append(moment.micros));
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Result<void> AppendHexadecimal(std::string_view text, arrow::ArrayBuilder& builder) {
  std::string bytes;
  bytes.reserve(text.size() / 2);
  bool is_valid = text.size() % 2 == 0;
  for (std::size_t i = 0; is_valid && i < text.size(); i += 2) {
    const int high = DigitOf(text[i]);
    const int low = DigitOf(text[i + 1]);
    is_valid = high >= 0 && low >= 0;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  if (!is_valid) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" is no binary: bytes are hexadecimal digits, two each", Excerpt(text)));
  }
  return Checked(static_cast<arrow::BinaryBuilder&>(builder).Append(bytes));
}

Result<void> AppendBase64(std::string_view text, arrow::ArrayBuilder& builder) {
  auto bytes = arrow::util::base64_decode(text);
  if (!bytes.ok()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is no binary: bytes are in Base64", Excerpt(text)));
  }
  return Checked(static_cast<arrow::BinaryBuilder&>(builder).Append(*bytes));
}

// Neither bytes nor nested.
Result<void> AppendScalar(std::string_view text, const arrow::DataType& type,
                          arrow::ArrayBuilder& builder) {
  switch (type.id()) {
    case arrow::Type::INT8:
      return AppendNumber<arrow::Int8Builder>(text, type, builder);
    case arrow::Type::INT16:
      return AppendNumber<arrow::Int16Builder>(text, type, builder);
    case arrow::Type::INT32:
      return AppendNumber<arrow::Int32Builder>(text, type, builder);
    case arrow::Type::INT64:
      return AppendNumber<arrow::Int64Builder>(text, type, builder);
    case arrow::Type::FLOAT:
      return AppendNumber<arrow::FloatBuilder>(text, type, builder);
    case arrow::Type::DOUBLE:
      return AppendNumber<arrow::DoubleBuilder>(text, type, builder);
    case arrow::Type::BOOL:
      return AppendBoolean(text, type, builder);
    case arrow::Type::STRING:
      return AppendString(text, builder);
    case arrow::Type::DECIMAL128:
      return AppendDecimal(text, type, builder);
    case arrow::Type::DATE32:
      return AppendDate(text, type, builder);
    case arrow::Type::TIMESTAMP:
      return AppendTimestamp(text, type, builder);
    default:
      return NoSuchValue(text, type);
  }
}

bool IsNested(arrow::Type::type id) {
  return id == arrow::Type::STRUCT || id == arrow::Type::LIST || id == arrow::Type::MAP;
}

std::unexpected<Error> InMember(Error error, std::string_view name) {
  return Fail(std::move(error).In(Excerpt(name)));
}

Result<void> AppendStruct(const JsonValue& value, const arrow::StructType& type,
                          arrow::StructBuilder& builder) {
  if (!value.is_object()) return NoSuchJson(value, type);
  std::vector<bool> is_set(static_cast<std::size_t>(type.num_fields()));
  DELTALAKEDB_TRY(Checked(builder.Append()));
  Result<void> result;
  value.ForEachMember([&](std::string_view name, const JsonValue& member) {
    const int field = type.GetFieldIndex(std::string(name));
    if (field < 0 || is_set[static_cast<std::size_t>(field)]) {
      result = Fail(ErrorCode::kInvalidArgument,
                    fmt::format(field < 0 ? fmt::runtime("the struct has no field {}")
                                          : fmt::runtime("the field {} is there twice"),
                                Excerpt(name)));
      return false;
    }
    is_set[static_cast<std::size_t>(field)] = true;
    result = AppendJson(member, *type.field(field)->type(), *builder.field_builder(field));
    if (!result) result = InMember(std::move(result).error(), name);
    return result.has_value();
  });
  for (int i = 0; result && i < type.num_fields(); ++i) {
    if (!is_set[static_cast<std::size_t>(i)]) {
      result = Checked(builder.field_builder(i)->AppendNull());
    }
  }
  return result;
}

Result<void> AppendList(const JsonValue& value, const arrow::ListType& type,
                        arrow::ListBuilder& builder) {
  if (!value.is_array()) return NoSuchJson(value, type);
  DELTALAKEDB_TRY(Checked(builder.Append()));
  Result<void> result;
  value.ForEachElement([&](const JsonValue& element) {
    result = AppendJson(element, *type.value_type(), *builder.value_builder());
    return result.has_value();
  });
  return result;
}

// One of {"key", "value"}.
Result<void> AppendEntry(const JsonValue& entry, const arrow::MapType& type,
                         arrow::MapBuilder& builder) {
  bool has_key = false;
  bool has_value = false;
  Result<void> result;
  const bool is_whole =
      entry.is_object() && entry.ForEachMember([&](std::string_view name, const JsonValue& part) {
        const bool is_key = name == "key";
        if ((!is_key && name != "value") || (is_key ? has_key : has_value)) return false;
        (is_key ? has_key : has_value) = true;
        if (is_key && part.is_null()) return false;
        result = is_key ? AppendJson(part, *type.key_type(), *builder.key_builder())
                        : AppendJson(part, *type.item_type(), *builder.item_builder());
        return result.has_value();
      });
  if (!result) return result;
  if (!is_whole || !has_key) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format(R"({} is no entry of a map, which is {{"key": …, "value": …}})",
                            Excerpt(entry.text())));
  }
  return has_value ? Result<void>() : Checked(builder.item_builder()->AppendNull());
}

Result<void> AppendMap(const JsonValue& value, const arrow::MapType& type,
                       arrow::MapBuilder& builder) {
  if (!value.is_object() && !value.is_array()) return NoSuchJson(value, type);
  const arrow::Type::type key = type.key_type()->id();
  if (value.is_object() && (IsNested(key) || key == arrow::Type::BINARY)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format(R"(a {} is an array of {{"key": …, "value": …}}, since its keys are no )"
                    "texts",
                    TypeName(type)));
  }
  DELTALAKEDB_TRY(Checked(builder.Append()));
  Result<void> result;
  if (value.is_array()) {
    value.ForEachElement([&](const JsonValue& entry) {
      result = AppendEntry(entry, type, builder);
      return result.has_value();
    });
    return result;
  }
  value.ForEachMember([&](std::string_view name, const JsonValue& member) {
    result = AppendScalar(name, *type.key_type(), *builder.key_builder());
    if (!result) return false;
    result = AppendJson(member, *type.item_type(), *builder.item_builder());
    if (!result) result = InMember(std::move(result).error(), name);
    return result.has_value();
  });
  return result;
}

Result<void> AppendNestedText(std::string_view text, const arrow::DataType& type,
                              arrow::ArrayBuilder& builder) {
  // Documents are objects; this one has to have the text as its one member's value.
  auto document =
      protocol::JsonDocument::ParseObject(fmt::format("{{\"v\":{}}}", text), kRowTextBytesMax);
  std::size_t members = 0;
  if (document) {
    document->root().ForEachMember([&](std::string_view, const JsonValue&) {
      ++members;
      return true;
    });
  }
  if (members != 1) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no JSON, as which a {} is read",
                                                         Excerpt(text), TypeName(type)));
  }
  Result<void> result;
  document->root().ForEachMember([&](std::string_view, const JsonValue& value) {
    result = AppendJson(value, type, builder);
    return true;
  });
  return result;
}

}  // namespace

std::string TypeName(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
      return "byte";
    case arrow::Type::INT16:
      return "short";
    case arrow::Type::INT32:
      return "integer";
    case arrow::Type::INT64:
      return "long";
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      return fmt::format("decimal({},{})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::DATE32:
      return "date";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? "timestamp_ntz"
                                                                               : "timestamp";
    case arrow::Type::LIST:
      return "array";
    case arrow::Type::NA:
      return "void";
    default:
      return type.name() == "utf8" ? "string" : type.name();
  }
}

Result<void> CheckTextType(const arrow::DataType& type) {
  bool is_known = false;
  switch (type.id()) {
    case arrow::Type::NA:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::BOOL:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DATE32:
    case arrow::Type::STRUCT:
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      is_known = true;
      break;
    case arrow::Type::TIMESTAMP:
      is_known = static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::MICRO;
      break;
    default:
      break;
  }
  if (!is_known) {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("values of type {} cannot be read from texts", type.ToString()))
                    .With("type", type.ToString()));
  }
  for (const auto& field : type.fields()) DELTALAKEDB_TRY(CheckTextType(*field->type()));
  return {};
}

Result<void> AppendText(std::string_view text, const arrow::DataType& type,
                        arrow::ArrayBuilder& builder) {
  const arrow::Type::type id = type.id();
  if (id == arrow::Type::BINARY) return AppendHexadecimal(text, builder);
  if (IsNested(id)) return AppendNestedText(text, type, builder);
  return AppendScalar(text, type, builder);
}

Result<void> AppendJson(const JsonValue& value, const arrow::DataType& type,
                        arrow::ArrayBuilder& builder) {
  if (value.is_null()) return Checked(builder.AppendNull());
  switch (type.id()) {
    case arrow::Type::STRUCT:
      return AppendStruct(value, static_cast<const arrow::StructType&>(type),
                          static_cast<arrow::StructBuilder&>(builder));
    case arrow::Type::LIST:
      return AppendList(value, static_cast<const arrow::ListType&>(type),
                        static_cast<arrow::ListBuilder&>(builder));
    case arrow::Type::MAP:
      return AppendMap(value, static_cast<const arrow::MapType&>(type),
                       static_cast<arrow::MapBuilder&>(builder));
    case arrow::Type::BOOL:
      if (value.kind() != JsonKind::kBool) return NoSuchJson(value, type);
      return AppendBoolean(value.text(), type, builder);
    default:
      break;
  }
  if (const auto text = value.AsString()) {
    return type.id() == arrow::Type::BINARY ? AppendBase64(*text, builder)
                                            : AppendScalar(*text, type, builder);
  }
  const bool takes_numbers = arrow::is_numeric(type.id()) || arrow::is_decimal(type.id());
  if (value.kind() != JsonKind::kNumber || !takes_numbers) return NoSuchJson(value, type);
  return AppendScalar(value.text(), type, builder);
}

}  // namespace deltalakedb::formats
