#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "base/try.h"
#include "deltalakedb/schema.h"
#include "protocol/column_changes.h"
#include "protocol/excerpt.h"
#include "protocol/feature_needs.h"
#include "protocol/features.h"
#include "protocol/metadata_rules_internal.h"
#include "protocol/number_text.h"
#include "protocol/table_properties.h"
#include "protocol/table_rules.h"

namespace deltalakedb::protocol {

namespace {

const std::string* FindProperty(const Metadata& metadata, std::string_view property) {
  const auto found = metadata.configuration.find(std::string(property));
  return found == metadata.configuration.end() ? nullptr : &found->second;
}

// What the table did not need before has to be in the protocol. What it did is an older writer's
// doing, which this commit does not make worse.
Result<void> CheckNeeds(const Complaint& complaint, const MetadataChange& change,
                        const Schema* before, const Schema& after) {
  FeatureNeeds known;
  if (before != nullptr) known = NeedsOf(*change.before, *before);
  for (const FeatureNeed& need : NeedsOf(change.after, after)) {
    if (known.contains(need) || Supports(change.protocol, need.feature) ||
        (!need.other_name.empty() && Supports(change.protocol, need.other_name))) {
      continue;
    }
    Error error(ErrorCode::kInvalidArgument,
                fmt::format("{} needs the feature {}, which the table's protocol does not have; "
                            "let the commit upgrade the protocol",
                            need.what, need.feature));
    return complaint.Of(need.field, std::move(error).With("features", std::string(need.feature)));
  }
  return {};
}

// The physical name by column mapping id.
using PhysicalNames = std::map<std::int32_t, std::string>;

Result<PhysicalNames> CheckMappedFields(const Complaint& complaint, const Schema& schema) {
  PhysicalNames names;
  std::optional<std::string> problem;
  auto take = [&](const Field& field) {
    const std::string name = Excerpt(field.name());
    if (problem) return;
    if (!field.column_mapping_id()) {
      problem = fmt::format("column {} has no delta.columnMapping.id", name);
    } else if (!field.physical_name() || field.physical_name()->empty()) {
      problem = fmt::format("column {} has no delta.columnMapping.physicalName", name);
    } else if (!names.emplace(*field.column_mapping_id(), *field.physical_name()).second) {
      problem = fmt::format("column {} has the delta.columnMapping.id of another one, {}", name,
                            *field.column_mapping_id());
    }
  };
  ForEachField(schema.type(), take);
  if (problem) return complaint.Of("schemaString", *std::move(problem));
  return names;
}

// The columns that the files so far have are found by the names that they have there.
Result<void> CheckMappedBefore(const Complaint& complaint, const MetadataChange& change,
                               const Schema& before, const Schema& after) {
  std::optional<std::string> problem;
  if (MappingModeOf(*change.before) == MappingMode::kNone) {
    for (const Field& field : before.fields()) {
      const Field* const same = after.FindField(field.name());
      if (same != nullptr && same->physical_name() != field.name()) {
        problem = fmt::format(
            "the files of the table have a column {}, so its physical name has to be that",
            Excerpt(field.name()));
      }
    }
  } else {
    PhysicalNames names;
    auto take = [&](const Field& field) {
      if (field.column_mapping_id()) {
        names.emplace(*field.column_mapping_id(), field.physical_name().value_or(""));
      }
    };
    ForEachField(before.type(), take);
    auto compare = [&](const Field& field) {
      const auto known = names.find(field.column_mapping_id().value_or(0));
      if (known != names.end() && known->second != field.physical_name()) {
        problem = fmt::format("the physical name of column {} would change, from {}",
                              Excerpt(field.name()), Excerpt(known->second));
      }
    };
    ForEachField(after.type(), compare);
  }
  if (problem) return complaint.Of("schemaString", *std::move(problem));
  return {};
}

// PROTOCOL.md, Column mapping.
Result<void> CheckColumnMapping(const Complaint& complaint, const MetadataChange& change,
                                const Schema* before, const Schema& after) {
  const std::string* const text = FindProperty(change.after, kColumnMappingMode);
  const MappingMode mode = MappingModeOf(change.after);
  if (text != nullptr && mode == MappingMode::kNone && *text != "none") {
    return complaint.Of("configuration", fmt::format("{} is {}; it can be none, name or id",
                                                     kColumnMappingMode, Excerpt(*text)));
  }
  if (change.before != nullptr) {
    const MappingMode mode_before = MappingModeOf(*change.before);
    const bool is_turned_on = mode_before == MappingMode::kNone && mode == MappingMode::kName;
    if (mode != mode_before && !is_turned_on) {
      return complaint.Of(
          "configuration",
          fmt::format("{} of a table can only go from none to name", kColumnMappingMode));
    }
  }
  if (mode == MappingMode::kNone) return {};
  DELTALAKEDB_ASSIGN(const PhysicalNames names, CheckMappedFields(complaint, after));
  const std::string* const max_text = FindProperty(change.after, kColumnMappingMaxColumnId);
  const auto max_id = max_text == nullptr ? std::nullopt : ParseInt(*max_text);
  if (!max_id || (!names.empty() && *max_id < names.rbegin()->first)) {
    return complaint.Of("configuration",
                        fmt::format("{} has to be the largest delta.columnMapping.id or more",
                                    kColumnMappingMaxColumnId));
  }
  if (before == nullptr) return {};
  const std::string* const max_before = FindProperty(*change.before, kColumnMappingMaxColumnId);
  if (max_before != nullptr && *max_id < ParseInt(*max_before).value_or(0)) {
    return complaint.Of("configuration", fmt::format("{} may not go back, from {}",
                                                     kColumnMappingMaxColumnId, *max_before));
  }
  return CheckMappedBefore(complaint, change, *before, after);
}

// PROTOCOL.md, Row tracking.
Result<void> CheckRowTracking(const Complaint& complaint, const MetadataChange& change) {
  if (!IsTrue(change.after, kEnableRowTracking)) return {};
  if (change.before != nullptr && !IsTrue(*change.before, kEnableRowTracking)) {
    Error error(ErrorCode::kUnsupported,
                "row tracking cannot be enabled on a table that exists, as every file that it has "
                "would need row ids first; make the table with it");
    return complaint.Of("configuration", std::move(error).With("features", "rowTracking"));
  }
  for (const std::string_view column :
       {kMaterializedRowIdColumn, kMaterializedRowCommitVersionColumn}) {
    const std::string* const name = FindProperty(change.after, column);
    if (name == nullptr || name->empty()) {
      return complaint.Of("configuration", fmt::format("{} is true, so {} has to name a column",
                                                       kEnableRowTracking, column));
    }
  }
  return {};
}

// What `set-properties` asks of values, where the commit sets them. Names that only newer engines
// know pass.
Result<void> CheckChangedProperties(const Complaint& complaint, const MetadataChange& change) {
  for (const auto& [name, value] : change.after.configuration) {
    const std::string* const known =
        change.before == nullptr ? nullptr : FindProperty(*change.before, name);
    if (known != nullptr && *known == value) continue;
    auto fits = CheckPropertyValue(name, value);
    if (!fits) return complaint.Of("configuration", std::move(fits).error());
  }
  return {};
}

}  // namespace

MappingMode MappingModeOf(const Metadata& metadata) {
  const std::string* const mode = FindProperty(metadata, kColumnMappingMode);
  if (mode == nullptr) return MappingMode::kNone;
  if (*mode == "name") return MappingMode::kName;
  return *mode == "id" ? MappingMode::kId : MappingMode::kNone;
}

std::vector<std::pair<std::string, std::string>> PartitioningOf(const Metadata& metadata) {
  std::vector<std::pair<std::string, std::string>> columns;
  if (metadata.partition_columns.empty()) return columns;
  const auto schema = Schema::Parse(metadata.schema_string.value_or(""));
  const bool is_mapped = MappingModeOf(metadata) != MappingMode::kNone;
  for (const std::string& name : metadata.partition_columns) {
    const Field* const field = schema ? schema->FindField(name) : nullptr;
    if (field == nullptr) {
      columns.emplace_back(name, "");
    } else {
      columns.emplace_back(is_mapped ? field->physical_name().value_or("") : field->name(),
                           field->type().ToText());
    }
  }
  return columns;
}

Result<void> CheckMetadataChange(const Complaint& complaint, const MetadataChange& change) {
  if (change.before != nullptr && change.before->id && change.after.id != change.before->id) {
    return complaint.Of(
        "id", fmt::format("the table's id is {} and cannot change to {}",
                          Excerpt(*change.before->id), Excerpt(change.after.id.value_or("none"))));
  }
  auto after = Schema::Parse(change.after.schema_string.value_or(""));
  if (!after) return complaint.Of("schemaString", std::move(after).error());
  std::optional<Schema> before;
  if (change.before != nullptr) {
    DELTALAKEDB_ASSIGN(before, Schema::Parse(change.before->schema_string.value_or("")));
  }
  const Schema* const before_or_null = before ? &*before : nullptr;
  DELTALAKEDB_TRY(CheckNeeds(complaint, change, before_or_null, *after));
  DELTALAKEDB_TRY(CheckColumnMapping(complaint, change, before_or_null, *after));
  DELTALAKEDB_TRY(CheckRowTracking(complaint, change));
  DELTALAKEDB_TRY(CheckChangedProperties(complaint, change));
  if (before) {
    DELTALAKEDB_TRY(CheckIdentityMarks(complaint, *before, *after,
                                       MappingModeOf(*change.before) != MappingMode::kNone));
  }
  if (Supports(change.protocol, "clustering") && !change.after.partition_columns.empty()) {
    return complaint.Of("partitionColumns",
                        "a table with the feature clustering has no partition columns");
  }
  return {};
}

}  // namespace deltalakedb::protocol
