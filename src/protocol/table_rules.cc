#include "protocol/table_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "protocol/complaint_internal.h"
#include "protocol/excerpt.h"
#include "protocol/features.h"
#include "protocol/metadata_rules_internal.h"
#include "protocol/partition_value.h"

namespace deltalakedb::protocol {

namespace {

bool EqualIgnoringCase(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

std::string ColumnNames(const TableRules& rules) {
  std::string names;
  for (const auto& column : rules.partition_columns) {
    if (!names.empty()) names += ", ";
    names += Excerpt(column.physical_name);
  }
  return names.empty() ? "none" : names;
}

// A file has a value for each partition column and for nothing else (PROTOCOL.md, add).
Result<void> CheckPartitionValues(const Complaint& complaint, StringMapView values,
                                  const TableRules& rules) {
  const auto is_column = [&](const StringMapEntry& entry) {
    return std::ranges::find(rules.partition_columns, entry.key,
                             &TableRules::PartitionColumn::physical_name) !=
           rules.partition_columns.end();
  };
  for (const StringMapEntry& entry : values) {
    if (is_column(entry)) continue;
    return complaint.Of("partitionValues",
                        fmt::format("its partitionValues name {}, which is no partition column; "
                                    "those are, by their physical names: {}",
                                    Excerpt(entry.key), ColumnNames(rules)));
  }
  for (const auto& column : rules.partition_columns) {
    const auto value = std::ranges::find(values, column.physical_name, &StringMapEntry::key);
    if (value == values.end()) {
      return complaint.Of("partitionValues",
                          fmt::format("its partitionValues lack the partition column {}",
                                      Excerpt(column.physical_name)));
    }
    auto parsed = PartitionValue::Parse({column.name, column.type}, value->value);
    if (!parsed) return complaint.Of("partitionValues", std::move(parsed).error());
  }
  if (values.size() != rules.partition_columns.size()) {
    return complaint.Of("partitionValues", "its partitionValues name a column twice");
  }
  return {};
}

Result<void> CheckAppendOnly(const StagedActions& staged) {
  for (const Staged<RemoveFile>& remove : staged.removes()) {
    if (!remove.action.data_change) continue;
    return About("remove", remove)
        .Of("dataChange",
            "the table only grows (delta.appendOnly is true), so no file may be removed with "
            "dataChange; set the property to false first");
  }
  return {};
}

Result<void> CheckVectorsSupported(const StagedActions& staged) {
  constexpr std::string_view kWhat =
      "it has a deletion vector, and the table does not have the feature deletionVectors";
  for (const Staged<AddFile>& add : staged.adds()) {
    if (add.action.deletion_vector) {
      return About("add", add).Of("deletionVector", std::string(kWhat));
    }
  }
  for (const Staged<RemoveFile>& remove : staged.removes()) {
    if (remove.action.deletion_vector) {
      return About("remove", remove).Of("deletionVector", std::string(kWhat));
    }
  }
  return {};
}

}  // namespace

bool IsTrue(const Metadata& metadata, std::string_view property) {
  const auto found = metadata.configuration.find(std::string(property));
  return found != metadata.configuration.end() && EqualIgnoringCase(found->second, "true");
}

Result<TableRules> TableRules::Make(const Protocol& protocol, const Metadata& metadata) {
  TableRules rules;
  rules.is_append_only = IsTrue(metadata, kAppendOnly);
  rules.supports_deletion_vectors = Supports(protocol, "deletionVectors");
  rules.supports_change_data_feed = Supports(protocol, "changeDataFeed");
  rules.supports_domain_metadata = Supports(protocol, "domainMetadata");
  rules.assigns_row_ids =
      Supports(protocol, "rowTracking") && !IsTrue(metadata, kRowTrackingSuspended);
  rules.has_in_commit_timestamps =
      Supports(protocol, "inCommitTimestamp") && IsTrue(metadata, kEnableInCommitTimestamps);
  const bool has_identity =
      metadata.schema_string && metadata.schema_string->contains(kIdentityPrefix);
  if (metadata.partition_columns.empty() && !has_identity) return rules;

  DELTALAKEDB_ASSIGN(const Schema schema, Schema::Parse(metadata.schema_string.value_or("")));
  const bool is_mapped = MappingModeOf(metadata) != MappingMode::kNone;
  DELTALAKEDB_ASSIGN(rules.identity_columns, FindIdentityColumns(schema, is_mapped));
  for (const std::string& name : metadata.partition_columns) {
    const Field* const field = schema.FindField(name);
    if (field == nullptr || (is_mapped && !field->physical_name())) {
      const std::string what =
          field == nullptr
              ? fmt::format("the table's schema has no partition column {}", Excerpt(name))
              : fmt::format("the table's partition column {} has no physical name", Excerpt(name));
      return Fail(Error(ErrorCode::kCorrupt, what).With("column", Excerpt(name)));
    }
    rules.partition_columns.push_back(
        {name, is_mapped ? *field->physical_name() : field->name(), field->type()});
  }
  return rules;
}

Result<void> CheckFiles(const StagedActions& staged, const TableRules& rules) {
  for (const Staged<AddFile>& add : staged.adds()) {
    DELTALAKEDB_TRY(CheckPartitionValues(About("add", add), add.action.partition_values, rules));
    if (add.action.data_change) {
      DELTALAKEDB_TRY(CheckIdentityValues(About("add", add), add.action, rules.identity_columns));
    }
  }
  // Values of removes are those that the files had when they were added, which may have been before
  // the commit's own metaData, and a file must not become impossible to remove.
  for (const Staged<CdcFile>& cdc : staged.cdc()) {
    if (!rules.supports_change_data_feed) {
      return About("cdc", cdc).Of("", "the table does not have the feature changeDataFeed");
    }
    DELTALAKEDB_TRY(CheckPartitionValues(About("cdc", cdc), cdc.action.partition_values, rules));
  }
  // The feature is what counts, not delta.enableDeletionVectors: that forbids to make new vectors,
  // and a file that has one may still be added again.
  if (!rules.supports_deletion_vectors) DELTALAKEDB_TRY(CheckVectorsSupported(staged));
  if (rules.is_append_only) DELTALAKEDB_TRY(CheckAppendOnly(staged));
  if (!rules.supports_domain_metadata && !staged.domain_metadata().empty()) {
    return Complaint("domainMetadata", staged.domain_metadata().front().line)
        .Of("", "the table does not have the feature domainMetadata");
  }
  return {};
}

namespace {

Result<void> CheckNewTable(const StagedActions& staged) {
  const auto missing = [](std::string_view action) {
    return Complaint(action, 0).Of("",
                                   fmt::format("the commit that makes a table needs a {}", action));
  };
  if (!staged.protocol()) return missing("protocol");
  if (!staged.metadata()) return missing("metaData");
  return {};
}

// What holds after the commit, where the commit changes any of it.
Result<void> CheckTableChange(const StagedActions& staged, const TableState* state) {
  const Protocol& protocol = staged.protocol() ? staged.protocol()->action : state->protocol;
  const Metadata& metadata = staged.metadata() ? staged.metadata()->action : state->metadata;
  if (state != nullptr && staged.protocol()) {
    auto upgraded = CheckUpgrade(state->protocol, protocol);
    const std::int64_t line = staged.protocol()->line;
    if (!upgraded) return Complaint("protocol", line).Of("", std::move(upgraded).error());
  }
  DELTALAKEDB_TRY(CheckWritable(protocol, metadata));
  if (staged.metadata()) {
    const Complaint complaint("metaData", staged.metadata()->line);
    DELTALAKEDB_TRY(CheckMetadataChange(
        complaint, {state == nullptr ? nullptr : &state->metadata, protocol, metadata}));
  }
  // Its own metaData may not lift what holds until the commit is there.
  if (state != nullptr && IsTrue(state->metadata, kAppendOnly)) {
    DELTALAKEDB_TRY(CheckAppendOnly(staged));
  }
  DELTALAKEDB_ASSIGN(const TableRules rules, TableRules::Make(protocol, metadata));
  return CheckFiles(staged, rules);
}

}  // namespace

Result<void> CheckAgainst(const StagedActions& staged, const TableState* state) {
  if (state == nullptr) DELTALAKEDB_TRY(CheckNewTable(staged));
  return CheckTableChange(staged, state);
}

Result<void> CheckAgainst(const StagedActions& staged, const TableState& state,
                          const TableRules& rules) {
  if (staged.protocol() || staged.metadata()) return CheckTableChange(staged, &state);
  DELTALAKEDB_TRY(CheckWritable(state.protocol, state.metadata));
  return CheckFiles(staged, rules);
}

std::optional<Misfit> FindMisfit(const Metadata& before, const Metadata& after,
                                 const Protocol& protocol) {
  if (PartitioningOf(before) != PartitioningOf(after)) {
    return Misfit{"partitionColumns", "the table gets other partition columns"};
  }
  if (before.schema_string == after.schema_string) return std::nullopt;
  const auto schema_before = Schema::Parse(before.schema_string.value_or(""));
  const auto schema_after = Schema::Parse(after.schema_string.value_or(""));
  if (!schema_before || !schema_after) return std::nullopt;  // an error of its own
  const bool has_type_widening =
      IsTrue(after, kEnableTypeWidening) &&
      (Supports(protocol, "typeWidening") || Supports(protocol, "typeWidening-preview"));
  auto misfit = FindColumnMisfit(*schema_before, *schema_after,
                                 MappingModeOf(before) != MappingMode::kNone, has_type_widening);
  if (!misfit) return std::nullopt;
  return Misfit{"schemaString", *std::move(misfit)};
}

}  // namespace deltalakedb::protocol
