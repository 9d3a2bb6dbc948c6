#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "protocol/features.h"
#include "protocol/table_rules.h"
#include "txn/metadata_diff_internal.h"

namespace deltalakedb::txn {

namespace {

constexpr std::string_view kCheckpointPolicy = "delta.checkpointPolicy";
constexpr std::string_view kUnityTableId = "io.unitycatalog.tableId";
constexpr std::string_view kModeNone = "none";
constexpr std::string_view kModeName = "name";

constexpr std::array<std::string_view, 5> kMappingKeys = {
    "delta.columnMapping.id", "delta.columnMapping.physicalName", "delta.columnMapping.nested.ids",
    "parquet.field.id",       "parquet.field.nested.ids",
};

std::string_view PropertyOr(const Metadata& metadata, std::string_view property,
                            std::string_view otherwise) {
  const auto found = metadata.configuration.find(std::string(property));
  return found == metadata.configuration.end() ? otherwise : std::string_view(found->second);
}

bool IsMappingTurnedOn(const Metadata& before, const Metadata& after) {
  return PropertyOr(before, protocol::kColumnMappingMode, kModeNone) == kModeNone &&
         PropertyOr(after, protocol::kColumnMappingMode, kModeNone) == kModeName;
}

// Whether a property that `after` adds or changes leaves other commits right.
bool MayChange(std::string_view key, const Metadata& before, const Metadata& after,
               const Protocol& protocol) {
  const auto enables = [&](std::string_view feature) {
    return protocol::IsTrue(after, key) && protocol::Supports(protocol, feature);
  };
  if (key == protocol::kEnableRowTracking) return enables("rowTracking");
  if (key == protocol::kMaterializedRowIdColumn ||
      key == protocol::kMaterializedRowCommitVersionColumn) {
    return protocol::IsTrue(after, protocol::kEnableRowTracking);
  }
  if (key == protocol::kColumnMappingMode || key == protocol::kColumnMappingMaxColumnId) {
    return IsMappingTurnedOn(before, after) && protocol::Supports(protocol, "columnMapping");
  }
  if (key == protocol::kEnableDeletionVectors) return enables("deletionVectors");
  if (key == protocol::kEnableInCommitTimestamps) return enables("inCommitTimestamp");
  if (key == protocol::kInCommitTimestampEnablementVersion ||
      key == protocol::kInCommitTimestampEnablementTimestamp) {
    return protocol::IsTrue(after, protocol::kEnableInCommitTimestamps);
  }
  if (key == kCheckpointPolicy) {
    return PropertyOr(after, key, "") == "v2" && protocol::Supports(protocol, "v2Checkpoint");
  }
  return key == kUnityTableId;
}

bool DiffersOnlyInMapping(const DataType& a, const DataType& b);

// The physical name has to be the name so far, under which files that are on their way have it.
bool DiffersOnlyInMapping(const Field& a, const Field& b) {
  return a.name() == b.name() && a.nullable() == b.nullable() && b.physical_name() == a.name() &&
         HaveEqualMetadataBut(kMappingKeys, a, b) && DiffersOnlyInMapping(a.type(), b.type());
}

bool DiffersOnlyInMapping(const DataType& a, const DataType& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case TypeKind::kStruct:
      return std::ranges::equal(a.fields(), b.fields(), [](const Field& x, const Field& y) {
        return DiffersOnlyInMapping(x, y);
      });
    case TypeKind::kArray:
      return a.contains_null() == b.contains_null() &&
             DiffersOnlyInMapping(a.element(), b.element());
    case TypeKind::kMap:
      return a.contains_null() == b.contains_null() && DiffersOnlyInMapping(a.key(), b.key()) &&
             DiffersOnlyInMapping(a.value(), b.value());
    default:
      return a == b;
  }
}

}  // namespace

bool AreEqualButConfigurationAndSchema(const Metadata& a, const Metadata& b) {
  return a.id == b.id && a.name == b.name && a.description == b.description &&
         a.format_provider == b.format_provider && a.format_options == b.format_options &&
         a.partition_columns == b.partition_columns && a.created_time == b.created_time &&
         a.unknown_fields == b.unknown_fields;
}

bool HaveEqualMetadataBut(std::span<const std::string_view> keys, const Field& a, const Field& b) {
  // The metadata of a field are few, and their order means nothing.
  const auto is_in = [&](const Field& other) {
    return [&](const auto& entry) {
      if (std::ranges::find(keys, entry.first) != keys.end()) return true;
      const std::string* const same = other.FindMetadata(entry.first);
      return same != nullptr && *same == entry.second;
    };
  };
  return std::ranges::all_of(a.metadata(), is_in(b)) && std::ranges::all_of(b.metadata(), is_in(a));
}

bool OnlyEnablesFeatures(const Metadata& before, const Metadata& after, const Protocol& protocol) {
  if (!AreEqualButConfigurationAndSchema(before, after)) return false;
  for (const auto& [key, value] : before.configuration) {
    if (!after.configuration.contains(key)) return false;
  }
  for (const auto& [key, value] : after.configuration) {
    const auto known = before.configuration.find(key);
    if (known != before.configuration.end() && known->second == value) continue;
    if (!MayChange(key, before, after, protocol)) return false;
  }
  // Where names are mapped from now on, every column has to keep its own.
  if (!IsMappingTurnedOn(before, after)) return before.schema_string == after.schema_string;
  const auto schema_before = Schema::Parse(before.schema_string.value_or(""));
  const auto schema_after = Schema::Parse(after.schema_string.value_or(""));
  return schema_before && schema_after &&
         DiffersOnlyInMapping(schema_before->type(), schema_after->type());
}

}  // namespace deltalakedb::txn
