#include "protocol/schema_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "protocol/column_changes.h"
#include "protocol/excerpt.h"
#include "protocol/feature_needs.h"
#include "protocol/schema_json_internal.h"

namespace deltalakedb::protocol {

namespace {

// What Parquet writers cannot have in a column's name, as Spark has it.
constexpr std::string_view kForbiddenInNames = " ,;{}()\n\t=";
// PROTOCOL.md, cdc; the others are what Spark's reader of changes adds.
constexpr auto kChangeColumns =
    std::to_array<std::string_view>({"_change_type", "_commit_version", "_commit_timestamp"});
constexpr std::string_view kColumnMappingId = "delta.columnMapping.id";
constexpr std::string_view kPhysicalName = "delta.columnMapping.physicalName";

std::unexpected<Error> Wrong(std::string_view column, std::string what) {
  return Fail(Error(ErrorCode::kInvalidArgument, std::move(what)).With("column", Excerpt(column)));
}

// A field and the names that lead to it.
class SchemaChecker {
 public:
  explicit SchemaChecker(bool has_column_mapping) : has_column_mapping_(has_column_mapping) {}

  Result<void> CheckFields(const DataType& type);

 private:
  Result<void> CheckType(const DataType& type, bool is_part);
  Result<void> CheckName(const std::string& name);
  Result<void> CheckIdentity(const Field& field);

  std::string Path() const { return fmt::format("{}", fmt::join(path_, ".")); }

  bool has_column_mapping_;
  std::vector<std::string> path_;
};

Result<void> SchemaChecker::CheckName(const std::string& name) {
  if (name.empty()) return Wrong(Path(), "a column of the schema has an empty name");
  if (has_column_mapping_) return {};
  if (name.find_first_of(kForbiddenInNames) == std::string::npos) return {};
  return Wrong(Path(),
               fmt::format("the name of the column {} has one of the characters \" ,;{{}}()=\", a "
                           "line break or a tab, which files cannot have; the property "
                           "delta.columnMapping.mode=name lifts that",
                           Excerpt(Path())));
}

// PROTOCOL.md, Table features, identityColumns.
Result<void> SchemaChecker::CheckIdentity(const Field& field) {
  const bool has_any = std::ranges::any_of(
      field.metadata(), [](const auto& entry) { return entry.first.starts_with(kIdentityPrefix); });
  if (!has_any) return {};
  const std::string column = Path();
  const auto number = [&](std::string_view key) -> std::optional<std::int64_t> {
    const std::string* const json = field.FindMetadata(fmt::format("{}{}", kIdentityPrefix, key));
    if (json == nullptr) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(json->data(), json->data() + json->size(), value);
    const bool is_whole = error == std::errc() && end == json->data() + json->size();
    return is_whole ? std::optional(value) : std::nullopt;
  };
  const std::string* const explicitly =
      field.FindMetadata(fmt::format("{}allowExplicitInsert", kIdentityPrefix));
  if (!number("start") || number("step").value_or(0) == 0 || explicitly == nullptr ||
      (*explicitly != "true" && *explicitly != "false")) {
    return Wrong(column, fmt::format("the identity column {} needs the whole numbers "
                                     "delta.identity.start and delta.identity.step, which is not "
                                     "0, and delta.identity.allowExplicitInsert",
                                     Excerpt(column)));
  }
  if (field.type().kind() != TypeKind::kLong || path_.size() > 1) {
    return Wrong(column, fmt::format("the identity column {} has to be of type long, and not "
                                     "within another one",
                                     Excerpt(column)));
  }
  if (field.FindMetadata("delta.generationExpression") != nullptr) {
    return Wrong(column, fmt::format("the column {} cannot be both an identity column and a "
                                     "generated one",
                                     Excerpt(column)));
  }
  return {};
}

Result<void> SchemaChecker::CheckType(const DataType& type, bool is_part) {
  switch (type.kind()) {
    case TypeKind::kStruct:
      return CheckFields(type);
    case TypeKind::kArray:
      return CheckType(type.element(), true);
    case TypeKind::kMap:
      DELTALAKEDB_TRY(CheckType(type.key(), true));
      return CheckType(type.value(), true);
    case TypeKind::kOther:
      return Wrong(Path(), fmt::format("the column {} has the type {}, which Delta does not have",
                                       Excerpt(Path()), Excerpt(type.other_text())));
    case TypeKind::kVoid:
      if (!is_part) return {};
      return Wrong(Path(), fmt::format("the column {} has an array or a map of void, which cannot "
                                       "be written",
                                       Excerpt(Path())));
    default:
      return {};
  }
}

Result<void> SchemaChecker::CheckFields(const DataType& type) {
  for (const Field& field : type.fields()) {
    path_.push_back(field.name());
    DELTALAKEDB_TRY(CheckName(field.name()));
    DELTALAKEDB_TRY(CheckIdentity(field));
    DELTALAKEDB_TRY(CheckType(field.type(), false));
    path_.pop_back();
  }
  return {};
}

// What a field brings, and what it gets.
class ColumnMapper {
 public:
  explicit ColumnMapper(const MappingOptions& options)
      : options_(options), max_id_(options.max_column_id) {}

  Result<void> TakeKnown(const Schema& schema);
  Field::FieldMetadata MetadataOf(const Field& field);
  bool is_full() const { return is_full_; }
  std::int32_t max_id() const { return max_id_; }

 private:
  const MappingOptions& options_;
  std::int32_t max_id_;
  bool is_full_ = false;
};

Result<void> ColumnMapper::TakeKnown(const Schema& schema) {
  if (!options_.is_new_table) return {};
  std::set<std::int32_t> ids;
  std::set<std::string> names;
  const Field* twice = nullptr;
  auto take = [&](const Field& field) {
    if (const auto id = field.column_mapping_id()) {
      if (!ids.insert(*id).second || *id < 1) twice = &field;
      max_id_ = std::max(max_id_, *id);
    }
    const auto& name = field.physical_name();
    if (name && (name->empty() || !names.insert(*name).second)) twice = &field;
  };
  ForEachField(schema.type(), take);
  if (twice == nullptr) return {};
  return Wrong(twice->name(), fmt::format("the column {} brings an id or a physical name that is "
                                          "none, or that another column has",
                                          Excerpt(twice->name())));
}

Field::FieldMetadata ColumnMapper::MetadataOf(const Field& field) {
  Field::FieldMetadata metadata;
  for (const auto& entry : field.metadata()) {
    if (entry.first != kColumnMappingId && entry.first != kPhysicalName) metadata.push_back(entry);
  }
  std::optional<std::int32_t> id;
  std::optional<std::string> name;
  if (options_.is_new_table) {
    id = field.column_mapping_id();
    name = field.physical_name();
  } else {
    name = field.name();
  }
  if (!id) {
    is_full_ = is_full_ || max_id_ == std::numeric_limits<std::int32_t>::max();
    id = is_full_ ? max_id_ : ++max_id_;
  }
  if (!name) name = options_.make_name();
  metadata.emplace_back(kColumnMappingId, std::to_string(*id));
  metadata.emplace_back(kPhysicalName, JsonString(*name));
  return metadata;
}

}  // namespace

Result<Schema> ParseNewSchema(std::string_view json) {
  auto schema = Schema::Parse(json);
  if (schema || schema.error().code() != ErrorCode::kCorrupt) return schema;
  Error error(ErrorCode::kInvalidArgument, schema.error().message());
  if (const auto* const field = schema.error().FindFact("field")) error.AddFact("column", *field);
  return Fail(std::move(error));
}

Result<void> CheckNewSchema(const Schema& schema, bool has_column_mapping) {
  return SchemaChecker(has_column_mapping).CheckFields(schema.type());
}

Result<void> CheckNoChangeColumns(const Schema& schema) {
  for (const std::string_view name : kChangeColumns) {
    if (schema.FindField(name) == nullptr) continue;
    return Wrong(name, fmt::format("a table with delta.enableChangeDataFeed cannot have a column "
                                   "{}, which readers of its changes get",
                                   name));
  }
  return {};
}

Result<std::vector<std::string>> CheckPartitionColumns(
    const Schema& schema, const std::vector<std::string>& partition_columns) {
  std::vector<std::string> names;
  for (const std::string& name : partition_columns) {
    const Field* const field = schema.FindField(name);
    if (field == nullptr) {
      return Wrong(name, fmt::format("the schema has no column {} to partition by", Excerpt(name)));
    }
    switch (field->type().kind()) {
      case TypeKind::kStruct:
      case TypeKind::kArray:
      case TypeKind::kMap:
      case TypeKind::kVariant:
      case TypeKind::kVoid:
        return Wrong(name,
                     fmt::format("a table cannot be partitioned by the column {}, which is of type "
                                 "{}: only a single value has a text to name a partition by",
                                 Excerpt(name), Excerpt(field->type().ToText())));
      default:
        break;
    }
    if (field->FindMetadata(fmt::format("{}start", kIdentityPrefix)) != nullptr) {
      return Wrong(name, fmt::format("a table cannot be partitioned by its identity column {}",
                                     Excerpt(name)));
    }
    if (std::ranges::find(names, field->name()) != names.end()) {
      return Wrong(name,
                   fmt::format("the column {} is there twice to partition by", Excerpt(name)));
    }
    names.push_back(field->name());
  }
  if (!names.empty() && names.size() == schema.fields().size()) {
    return Wrong(names.back(),
                 "a table cannot be partitioned by all of its columns: its files would be empty");
  }
  return names;
}

Result<MappedSchema> MapColumns(const Schema& schema, const MappingOptions& options) {
  ColumnMapper mapper(options);
  DELTALAKEDB_TRY(mapper.TakeKnown(schema));
  MappedSchema mapped;
  mapped.json =
      SchemaJson(schema.type(), [&](const Field& field) { return mapper.MetadataOf(field); });
  if (mapper.is_full()) {
    return Fail(Error(ErrorCode::kLimitExceeded, "the schema has no column mapping ids left")
                    .With("limit", "column mapping ids"));
  }
  mapped.max_column_id = mapper.max_id();
  return mapped;
}

}  // namespace deltalakedb::protocol
