#include "deltalakedb/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <limits>
#include <tuple>
#include <unordered_set>

#include "base/ascii_case.h"
#include "base/try.h"
#include "protocol/excerpt.h"
#include "protocol/json_document.h"
#include "protocol/schema_json_internal.h"

namespace deltalakedb {
namespace {

constexpr std::string_view kColumnMappingId = "delta.columnMapping.id";
constexpr std::string_view kPhysicalName = "delta.columnMapping.physicalName";
constexpr std::string_view kComment = "comment";

struct SimpleType {
  std::string_view name;
  TypeKind kind;
};
constexpr std::array kSimpleTypes = {
    SimpleType{"string", TypeKind::kString},
    SimpleType{"long", TypeKind::kLong},
    SimpleType{"integer", TypeKind::kInteger},
    SimpleType{"short", TypeKind::kShort},
    SimpleType{"byte", TypeKind::kByte},
    SimpleType{"float", TypeKind::kFloat},
    SimpleType{"double", TypeKind::kDouble},
    SimpleType{"boolean", TypeKind::kBoolean},
    SimpleType{"binary", TypeKind::kBinary},
    SimpleType{"date", TypeKind::kDate},
    SimpleType{"timestamp", TypeKind::kTimestamp},
    SimpleType{"timestamp_ntz", TypeKind::kTimestampNtz},
    SimpleType{"variant", TypeKind::kVariant},
    SimpleType{"void", TypeKind::kVoid},
};

std::string_view SimpleTypeName(TypeKind kind) {
  const auto found = std::ranges::find(kSimpleTypes, kind, &SimpleType::kind);
  return found == kSimpleTypes.end() ? std::string_view() : found->name;
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || c == '_' ||
           (base::FoldCase(c) >= 'a' && base::FoldCase(c) <= 'z');
  });
}

void AppendQuotedName(std::string_view name, std::string& out) {
  if (IsPlainName(name)) {
    out += name;
    return;
  }
  out += '`';
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  out += '`';
}

void AppendText(const DataType& type, std::string& out) {
  switch (type.kind()) {
    case TypeKind::kStruct: {
      out += "struct<";
      std::string_view separator;
      for (const Field& field : type.fields()) {
        out += std::exchange(separator, ",");
        AppendQuotedName(field.name(), out);
        out += ':';
        AppendText(field.type(), out);
      }
      out += '>';
      return;
    }
    case TypeKind::kArray:
      out += "array<";
      AppendText(type.element(), out);
      out += '>';
      return;
    case TypeKind::kMap:
      out += "map<";
      AppendText(type.key(), out);
      out += ',';
      AppendText(type.value(), out);
      out += '>';
      return;
    case TypeKind::kDecimal:
      fmt::format_to(std::back_inserter(out), "decimal({},{})", type.precision(), type.scale());
      return;
    case TypeKind::kOther:
      out += type.other_text();
      return;
    default:
      out += SimpleTypeName(type.kind());
  }
}

bool TakeInt(std::string_view& text, int& out) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

bool TakeChar(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

namespace protocol {

// Builds a schema from its JSON and knows at which field it is, for the errors.
class SchemaParser {
 public:
  Result<DataType> ParseSchema(JsonValue json) {
    const Members members = ReadMembers(json);
    if (!members.problem.empty()) return Wrong(members.problem);
    const auto name = AsString(members.type);
    if (name != "struct") return Wrong(R"(does not have the type "struct")");
    return ParseStruct(members);
  }

 private:
  // The members of a type or field that mean something; the others are skipped.
  struct Members {
    std::optional<JsonValue> type, fields;                               // struct
    std::optional<JsonValue> element_type, contains_null;                // array
    std::optional<JsonValue> key_type, value_type, value_contains_null;  // map
    std::optional<JsonValue> name, nullable, metadata;                   // field
    std::string problem;
  };

  static std::optional<JsonValue>* SlotFor(std::string_view name, Members& members) {
    if (name == "type") return &members.type;
    if (name == "fields") return &members.fields;
    if (name == "elementType") return &members.element_type;
    if (name == "containsNull") return &members.contains_null;
    if (name == "keyType") return &members.key_type;
    if (name == "valueType") return &members.value_type;
    if (name == "valueContainsNull") return &members.value_contains_null;
    if (name == "name") return &members.name;
    if (name == "nullable") return &members.nullable;
    if (name == "metadata") return &members.metadata;
    return nullptr;
  }

  // A member given twice is a problem: readers disagree on which one counts.
  static Members ReadMembers(JsonValue object) {
    Members members;
    object.ForEachMember([&](std::string_view name, JsonValue value) {
      std::optional<JsonValue>* const slot = SlotFor(name, members);
      if (slot == nullptr) return true;
      if (slot->has_value()) {
        members.problem = fmt::format(R"(has "{}" twice)", name);
        return false;
      }
      *slot = value;
      return true;
    });
    return members;
  }

  static std::optional<std::string_view> AsString(const std::optional<JsonValue>& value) {
    return value ? value->AsString() : std::nullopt;
  }

  Result<DataType> ParseType(const std::optional<JsonValue>& json) {
    if (!json) return Wrong("has no type");
    if (path_.size() > kSchemaDepthMax) {
      return Limit("is nested more deeply than", kSchemaDepthMax);
    }
    if (const auto name = json->AsString()) return ParseNamedType(*name);
    if (!json->is_object()) return Wrong("has a type that is neither a string nor an object");
    const Members members = ReadMembers(*json);
    if (!members.problem.empty()) return Wrong("has a type that " + members.problem);
    const auto name = AsString(members.type);
    if (!name) return Wrong(R"(has a type without the name "type")");
    if (*name == "struct") return ParseStruct(members);
    if (*name == "array") return ParseArray(members);
    if (*name == "map") return ParseMap(members);
    return Other(json->text());
  }

  static DataType Other(std::string_view text) {
    DataType type(TypeKind::kOther);
    type.other_text_ = text;
    return type;
  }

  Result<DataType> ParseNamedType(std::string_view name) {
    const auto simple = std::ranges::find(kSimpleTypes, name, &SimpleType::name);
    if (simple != kSimpleTypes.end()) return DataType::Simple(simple->kind);
    if (name == "null") return DataType::Simple(TypeKind::kVoid);  // as Spark 2 called it
    if (name == "decimal" || name.starts_with("decimal(")) return ParseDecimal(name);
    if (name.empty() || name.starts_with('{')) {
      return Wrong(fmt::format(R"(has the type "{}", which is no type's name)", Excerpt(name)));
    }
    return Other(name);
  }

  Result<DataType> ParseDecimal(std::string_view name) {
    constexpr int kDefaultPrecision = 10;  // Spark's DecimalType.USER_DEFAULT
    std::string_view rest = name.substr(std::string_view("decimal").size());
    if (rest.empty()) return DataType::Decimal(kDefaultPrecision, 0);
    int precision = 0;
    int scale = 0;
    if (!TakeChar(rest, '(') || !TakeInt(rest, precision) || !TakeChar(rest, ',') ||
        !TakeInt(rest, scale) || rest != ")") {
      return Wrong(fmt::format(R"(has the type "{}", which is not decimal(precision,scale))",
                               Excerpt(name)));
    }
    if (precision < 1 || precision > kDecimalPrecisionMax || scale < 0 || scale > precision) {
      return Wrong(
          fmt::format("has the type \"{}\"; the precision must be in 1..{} and the scale "
                      "between 0 and the precision",
                      Excerpt(name), kDecimalPrecisionMax));
    }
    return DataType::Decimal(precision, scale);
  }

  Result<DataType> ParseStruct(const Members& members) {
    if (!members.fields || !members.fields->is_array()) {
      return Wrong(R"(is a struct without an array "fields")");
    }
    DataType type(TypeKind::kStruct);
    std::unordered_set<std::string> names;
    std::optional<Error> failure;
    members.fields->ForEachElement([&](JsonValue json) {
      Result<Field> field = ParseField(json);
      if (field && !names.insert(base::FoldCase(field->name())).second) {
        field = Wrong(fmt::format("has two fields named {} (the case of letters does not count)",
                                  Quoted(field->name())));
      }
      if (!field) {
        failure = std::move(field).error();
        return false;
      }
      type.fields_.push_back(*std::move(field));
      return true;
    });
    if (failure) return Fail(*std::move(failure));
    return type;
  }

  Result<DataType> ParseArray(const Members& members) {
    DataType type(TypeKind::kArray);
    DELTALAKEDB_ASSIGN(type.contains_null_, ParseBool(members.contains_null, "containsNull"));
    DELTALAKEDB_TRY(AppendArgument("element", members.element_type, type));
    return type;
  }

  Result<DataType> ParseMap(const Members& members) {
    DataType type(TypeKind::kMap);
    DELTALAKEDB_ASSIGN(type.contains_null_,
                       ParseBool(members.value_contains_null, "valueContainsNull"));
    DELTALAKEDB_TRY(AppendArgument("key", members.key_type, type));
    DELTALAKEDB_TRY(AppendArgument("value", members.value_type, type));
    return type;
  }

  Result<void> AppendArgument(std::string_view step, const std::optional<JsonValue>& json,
                              DataType& type) {
    path_.push_back(step);
    Result<DataType> argument = ParseType(json);
    path_.pop_back();
    if (!argument) return Fail(std::move(argument).error());
    type.arguments_.push_back(*std::move(argument));
    return {};
  }

  Result<bool> ParseBool(const std::optional<JsonValue>& json, std::string_view name) {
    const std::optional<bool> value = json ? json->AsBool() : std::nullopt;
    if (!value) return Wrong(fmt::format(R"(lacks a "{}" that is true or false)", name));
    return *value;
  }

  Result<Field> ParseField(JsonValue json) {
    if (++num_fields_ > kSchemaFieldsMax) return Limit("has more fields than", kSchemaFieldsMax);
    if (!json.is_object()) return Wrong("has a field that is not an object");
    const Members members = ReadMembers(json);
    const auto name = AsString(members.name);
    if (!name) return Wrong(R"(has a field without a "name" that is a string)");
    path_.push_back(*name);
    Result<Field> field = ParseNamedField(*name, members);
    path_.pop_back();
    return field;
  }

  Result<Field> ParseNamedField(std::string_view name, const Members& members) {
    if (!members.problem.empty()) return Wrong(members.problem);
    DELTALAKEDB_ASSIGN(DataType type, ParseType(members.type));
    Field field(std::string(name), std::move(type));
    if (members.nullable) {
      DELTALAKEDB_ASSIGN(field.nullable_, ParseBool(members.nullable, "nullable"));
    }
    if (members.metadata && !members.metadata->is_null()) {
      DELTALAKEDB_TRY(ParseMetadata(*members.metadata, field));
    }
    return field;
  }

  Result<void> ParseMetadata(JsonValue json, Field& field) {
    if (!json.is_object()) return Wrong(R"(has a "metadata" that is not an object)");
    std::unordered_set<std::string_view> keys;
    std::string problem;
    json.ForEachMember([&](std::string_view key, JsonValue value) {
      field.metadata_.emplace_back(key, value.text());
      if (!keys.insert(key).second) {
        problem = fmt::format(R"(has "{}" twice in its metadata)", Excerpt(key));
      } else if (key == kColumnMappingId) {
        const auto id = value.AsInt64();
        if (!id || !std::in_range<std::int32_t>(*id)) {
          problem = fmt::format("has a {} that is not a 32-bit integer", kColumnMappingId);
        } else {
          field.column_mapping_id_ = static_cast<std::int32_t>(*id);
        }
      } else if (key == kPhysicalName) {
        field.physical_name_ = value.AsString();
        if (!field.physical_name_) problem = fmt::format("has a {} that is not a string", key);
      } else if (key == kComment) {
        field.comment_ = value.AsString();
      }
      return problem.empty();
    });
    if (!problem.empty()) return Wrong(problem);
    return {};
  }

  static std::string Quoted(std::string_view name) {
    std::string quoted;
    AppendQuotedName(name, quoted);
    return Excerpt(quoted);
  }

  std::string Path() const {
    std::string path;
    for (const std::string_view step : path_) {
      if (!path.empty()) path += '.';
      AppendQuotedName(step, path);
    }
    return path;
  }

  std::unexpected<Error> Wrong(std::string_view what) const {
    const std::string path = Path();
    const std::string place = path.empty() ? "the schema" : "the schema's field " + Excerpt(path);
    return Fail(Error(ErrorCode::kCorrupt, fmt::format("{} {}", place, what)).With("field", path));
  }

  std::unexpected<Error> Limit(std::string_view what, std::size_t limit) const {
    return Fail(
        Error(ErrorCode::kLimitExceeded, fmt::format("the schema {} the limit of {}", what, limit))
            .With("limit", static_cast<std::int64_t>(limit))
            .With("field", Path()));
  }

  std::vector<std::string_view> path_;  // of the field or part of a type being read
  std::size_t num_fields_ = 0;
};

}  // namespace protocol

DataType::DataType(TypeKind kind) : kind_(kind) {}

DataType DataType::Simple(TypeKind kind) {
  assert(!SimpleTypeName(kind).empty());
  return DataType(kind);
}

DataType DataType::Decimal(int precision, int scale) {
  assert(precision >= 1 && precision <= kDecimalPrecisionMax && scale >= 0 && scale <= precision);
  DataType type(TypeKind::kDecimal);
  type.precision_ = static_cast<std::int8_t>(precision);
  type.scale_ = static_cast<std::int8_t>(scale);
  return type;
}

const Field* DataType::FindField(std::string_view name) const {
  const auto found = std::ranges::find_if(
      fields_, [name](const Field& field) { return base::IsSameName(field.name(), name); });
  return found == fields_.end() ? nullptr : &*found;
}

std::string DataType::ToText() const {
  std::string text;
  AppendText(*this, text);
  return text;
}

std::string DataType::ToJson() const {
  return protocol::SchemaJson(*this, [](const Field& field) { return field.metadata(); });
}

bool operator==(const DataType& a, const DataType& b) {
  const auto parts = [](const DataType& type) {
    return std::tie(type.kind_, type.contains_null_, type.precision_, type.scale_, type.other_text_,
                    type.fields_, type.arguments_);
  };
  return parts(a) == parts(b);
}

const std::string* Field::FindMetadata(std::string_view key) const {
  const auto found = std::ranges::find(metadata_, key, &FieldMetadata::value_type::first);
  return found == metadata_.end() ? nullptr : &found->second;
}

// What the accessors for single keys give comes from metadata.
bool operator==(const Field& a, const Field& b) {
  return a.nullable_ == b.nullable_ && a.name_ == b.name_ && a.type_ == b.type_ &&
         a.metadata_ == b.metadata_;
}

Result<Schema> Schema::Parse(std::string_view json) {
  auto document = protocol::JsonDocument::ParseObject(json, kSchemaTextBytesMax);
  if (!document) return Fail(std::move(document).error().In("the schema"));
  DELTALAKEDB_ASSIGN(DataType type, protocol::SchemaParser().ParseSchema(document->root()));
  return Schema(std::move(type));
}

const Field* Schema::FindField(std::span<const std::string_view> path) const {
  const DataType* type = &type_;
  const Field* field = nullptr;
  for (const std::string_view step : path) {
    field = nullptr;
    switch (type->kind()) {
      case TypeKind::kStruct:
        field = type->FindField(step);
        if (field == nullptr) return nullptr;
        type = &field->type();
        break;
      case TypeKind::kArray:
        if (step != "element") return nullptr;
        type = &type->element();
        break;
      case TypeKind::kMap:
        if (step != "key" && step != "value") return nullptr;
        type = step == "key" ? &type->key() : &type->value();
        break;
      default:
        return nullptr;
    }
  }
  return field;
}

std::vector<LeafColumn> Schema::LeafColumns() const {
  std::vector<LeafColumn> leaves;
  std::vector<const Field*> path;
  const auto visit = [&](const auto& self, const DataType& type) -> void {
    for (const Field& field : type.fields()) {
      path.push_back(&field);
      if (field.type().kind() == TypeKind::kStruct) {
        self(self, field.type());
      } else {
        leaves.push_back({path});
      }
      path.pop_back();
    }
  };
  visit(visit, type_);
  return leaves;
}

}  // namespace deltalakedb
