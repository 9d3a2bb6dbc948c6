#include "protocol/feature_needs.h"

#include <fmt/format.h>

#include <array>

#include "protocol/excerpt.h"
#include "protocol/metadata_rules_internal.h"
#include "protocol/table_rules.h"

namespace deltalakedb::protocol {

namespace {

constexpr std::string_view kConfiguration = "configuration";
constexpr std::string_view kSchemaString = "schemaString";

struct Activation {
  std::string_view key;  // of the configuration, or of a column's metadata
  std::string_view feature;
  std::string_view other_name;
};
constexpr auto kActivatingProperties = std::to_array<Activation>({
    {kAppendOnly, "appendOnly", ""},
    {"delta.enableChangeDataFeed", "changeDataFeed", ""},
    {kEnableDeletionVectors, "deletionVectors", ""},
    {kEnableRowTracking, "rowTracking", ""},
    {kEnableInCommitTimestamps, "inCommitTimestamp", ""},
    {"delta.enableTypeWidening", "typeWidening", "typeWidening-preview"},
    {"delta.enableVariantShredding", "variantShredding", "variantShredding-preview"},
});
constexpr auto kActivatingFieldMetadata = std::to_array<Activation>({
    {"delta.invariants", "invariants", ""},
    {"delta.generationExpression", "generatedColumns", ""},
    {"delta.identity.start", "identityColumns", ""},
    {"CURRENT_DEFAULT", "allowColumnDefaults", ""},
    {"delta.typeChanges", "typeWidening", "typeWidening-preview"},
    {"__COLLATIONS", "collations", "collations-preview"},
});

bool HasType(const DataType& type, TypeKind kind) {
  switch (type.kind()) {
    case TypeKind::kArray:
      return HasType(type.element(), kind);
    case TypeKind::kMap:
      return HasType(type.key(), kind) || HasType(type.value(), kind);
    case TypeKind::kStruct:
      return false;  // its fields are visited by themselves
    default:
      return type.kind() == kind;
  }
}

}  // namespace

FeatureNeeds NeedsOf(const Metadata& metadata, const Schema& schema) {
  FeatureNeeds needs;
  for (const Activation& activation : kActivatingProperties) {
    if (!IsTrue(metadata, activation.key)) continue;
    needs.insert(
        {std::string(activation.key), kConfiguration, activation.feature, activation.other_name});
  }
  const auto policy = metadata.configuration.find(std::string(kCheckpointPolicy));
  if (policy != metadata.configuration.end() && policy->second == "v2") {
    needs.insert({std::string(kCheckpointPolicy), kConfiguration, "v2Checkpoint", ""});
  }
  if (MappingModeOf(metadata) != MappingMode::kNone) {
    needs.insert({std::string(kColumnMappingMode), kConfiguration, "columnMapping", ""});
  }
  for (const auto& [key, value] : metadata.configuration) {
    if (!key.starts_with(kConstraintPrefix)) continue;
    needs.insert({key, kConfiguration, "checkConstraints", ""});
  }
  auto take = [&](const Field& field) {
    const auto of_column = [&](std::string_view what) {
      return fmt::format("{} of column {}", what, Excerpt(field.name()));
    };
    for (const Activation& activation : kActivatingFieldMetadata) {
      if (field.FindMetadata(activation.key) == nullptr) continue;
      needs.insert(
          {of_column(activation.key), kSchemaString, activation.feature, activation.other_name});
    }
    if (HasType(field.type(), TypeKind::kTimestampNtz)) {
      needs.insert({of_column("the type timestamp_ntz"), kSchemaString, "timestampNtz",
                    "timestampWithoutTimezone"});
    }
    if (HasType(field.type(), TypeKind::kVariant)) {
      needs.insert(
          {of_column("the type variant"), kSchemaString, "variantType", "variantType-preview"});
    }
  };
  ForEachField(schema.type(), take);
  return needs;
}

}  // namespace deltalakedb::protocol
