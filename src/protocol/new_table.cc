#include "protocol/new_table.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "protocol/excerpt.h"
#include "protocol/feature_needs.h"
#include "protocol/features.h"
#include "protocol/metadata_rules_internal.h"
#include "protocol/schema_rules.h"
#include "protocol/table_properties.h"
#include "protocol/table_rules.h"

namespace deltalakedb::protocol {

namespace {

constexpr std::string_view kFormat = "parquet";
constexpr std::string_view kEnableChangeDataFeed = "delta.enableChangeDataFeed";
// What a table has when nothing is said (PROTOCOL.md, Table features).
constexpr std::int32_t kMinReaderVersion = 1;
constexpr std::int32_t kMinWriterVersion = 2;

// Adds what a metaData stands on, and stood not on before, to what was asked for.
void AddNeeds(const FeatureNeeds& before, const FeatureNeeds& after, const Protocol& protocol,
              ProtocolNeeds& needs) {
  for (const FeatureNeed& need : after) {
    const bool has_other = !need.other_name.empty() && (Supports(protocol, need.other_name) ||
                                                        needs.features.contains(need.other_name));
    if (!has_other && !before.contains(need)) needs.features.emplace(need.feature);
  }
}

std::int32_t MaxColumnIdOf(const Metadata& metadata) {
  const auto found = metadata.configuration.find(std::string(kColumnMappingMaxColumnId));
  if (found == metadata.configuration.end()) return 0;
  const std::string& text = found->second;
  std::int32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc() && end == text.data() + text.size() ? id : 0;
}

Result<void> SetMapping(const Schema& schema, const MappingOptions& options, Metadata& metadata) {
  DELTALAKEDB_ASSIGN(MappedSchema mapped, MapColumns(schema, options));
  metadata.schema_string = std::move(mapped.json);
  metadata.configuration.insert_or_assign(std::string(kColumnMappingMaxColumnId),
                                          std::to_string(mapped.max_column_id));
  return {};
}

// Rows keep their ids in columns of these names when they are written anew (PROTOCOL.md, Row
// tracking).
void NameRowIdColumns(const MakeUuid& make_uuid, Metadata& metadata) {
  metadata.configuration.emplace(kMaterializedRowIdColumn, "_row-id-col-" + make_uuid());
  metadata.configuration.emplace(kMaterializedRowCommitVersionColumn,
                                 "_row-commit-version-col-" + make_uuid());
}

Result<void> CheckTogether(const Metadata& metadata) {
  if (!IsTrue(metadata, kEnableRowTracking) || !IsTrue(metadata, kRowTrackingSuspended)) return {};
  return Fail(
      Error(ErrorCode::kInvalidArgument,
            fmt::format("{} and {} cannot both be true", kEnableRowTracking, kRowTrackingSuspended))
          .With("property", std::string(kRowTrackingSuspended)));
}

// The rules of a commit's metaData, named as its user knows them.
Result<void> CheckDefinition(const Metadata* before, const TableDefinition& after) {
  DELTALAKEDB_TRY(CheckTogether(after.metadata));
  DELTALAKEDB_TRY(CheckWritable(after.protocol, after.metadata));
  return CheckMetadataChange(Complaint("metaData", 0), {before, after.protocol, after.metadata});
}

}  // namespace

Result<TableDefinition> DefineTable(const TableDraft& draft, const MakeUuid& make_uuid) {
  DELTALAKEDB_ASSIGN(const Schema schema, ParseNewSchema(draft.schema_json));
  DELTALAKEDB_ASSIGN(TableProperties properties, ParseTableProperties(draft.properties));
  TableDefinition table;
  Metadata& metadata = table.metadata;
  metadata.name = draft.name;
  metadata.description = draft.description;
  metadata.format_provider = kFormat;
  metadata.configuration = std::move(properties.configuration);
  const bool is_mapped = MappingModeOf(metadata) != MappingMode::kNone;
  DELTALAKEDB_TRY(CheckNewSchema(schema, is_mapped));
  if (IsTrue(metadata, kEnableChangeDataFeed)) DELTALAKEDB_TRY(CheckNoChangeColumns(schema));
  DELTALAKEDB_ASSIGN(metadata.partition_columns,
                     CheckPartitionColumns(schema, draft.partition_columns));
  metadata.schema_string = schema.ToJson();
  if (is_mapped) {
    const auto make_name = [&] { return "col-" + make_uuid(); };
    DELTALAKEDB_TRY(SetMapping(schema, {true, 0, make_name}, metadata));
  }
  if (IsTrue(metadata, kEnableRowTracking)) NameRowIdColumns(make_uuid, metadata);
  const Protocol lowest{kMinReaderVersion, kMinWriterVersion, std::nullopt, std::nullopt, {}};
  AddNeeds({}, NeedsOf(metadata, schema), lowest, properties.needs);
  DELTALAKEDB_ASSIGN(table.protocol, RaiseProtocol(lowest, properties.needs));
  DELTALAKEDB_TRY(CheckDefinition(nullptr, table));
  return table;
}

namespace {

// Properties that say something of rows which are there already.
Result<void> CheckNoNewConstraint(const Metadata& before, const TableProperties& properties) {
  for (const auto& [key, value] : properties.configuration) {
    if (!key.starts_with(kConstraintPrefix)) continue;
    const auto old = before.configuration.find(key);
    if (old != before.configuration.end() && old->second == value) continue;
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("{} cannot be set on a table that exists, as every row that it "
                                  "has would have to be looked at; make the table with it",
                                  Excerpt(key)))
                    .With("property", Excerpt(key))
                    .With("features", "checkConstraints"));
  }
  return {};
}

bool AreEqual(const Protocol& a, const Protocol& b) {
  return a.min_reader_version == b.min_reader_version &&
         a.min_writer_version == b.min_writer_version && a.reader_features == b.reader_features &&
         a.writer_features == b.writer_features;
}

}  // namespace

Result<PropertyChange> ChangeProperties(const TableDefinition& table,
                                        const std::map<std::string, std::string>& properties) {
  DELTALAKEDB_ASSIGN(TableProperties parsed, ParseTableProperties(properties));
  DELTALAKEDB_TRY(CheckNoNewConstraint(table.metadata, parsed));
  DELTALAKEDB_ASSIGN(const Schema schema, Schema::Parse(table.metadata.schema_string.value_or("")));
  TableDefinition after = table;
  for (const auto& [key, value] : parsed.configuration) {
    after.metadata.configuration.insert_or_assign(key, value);
  }
  const bool changes_configuration = after.metadata.configuration != table.metadata.configuration;
  if (changes_configuration) {
    const bool is_mapped = MappingModeOf(after.metadata) != MappingMode::kNone;
    if (IsTrue(after.metadata, kEnableChangeDataFeed) &&
        !IsTrue(table.metadata, kEnableChangeDataFeed)) {
      DELTALAKEDB_TRY(CheckNoChangeColumns(schema));
    }
    if (is_mapped && MappingModeOf(table.metadata) == MappingMode::kNone) {
      DELTALAKEDB_TRY(
          SetMapping(schema, {false, MaxColumnIdOf(table.metadata), {}}, after.metadata));
    }
    AddNeeds(NeedsOf(table.metadata, schema), NeedsOf(after.metadata, schema), table.protocol,
             parsed.needs);
  }
  DELTALAKEDB_ASSIGN(after.protocol, RaiseProtocol(table.protocol, parsed.needs));
  PropertyChange change;
  if (!AreEqual(after.protocol, table.protocol)) change.protocol = after.protocol;
  if (changes_configuration) change.metadata = after.metadata;
  if (change.metadata || change.protocol) {
    DELTALAKEDB_TRY(CheckDefinition(&table.metadata, after));
  }
  return change;
}

Result<PropertyChange> ChangeSchema(const TableDefinition& table, std::string_view schema_json,
                                    const MakeUuid& make_uuid) {
  DELTALAKEDB_ASSIGN(const Schema before, Schema::Parse(table.metadata.schema_string.value_or("")));
  DELTALAKEDB_ASSIGN(const Schema schema, ParseNewSchema(schema_json));
  PropertyChange change;
  if (schema == before) return change;
  TableDefinition after = table;
  const bool is_mapped = MappingModeOf(after.metadata) != MappingMode::kNone;
  DELTALAKEDB_TRY(CheckNewSchema(schema, is_mapped));
  if (IsTrue(after.metadata, kEnableChangeDataFeed)) DELTALAKEDB_TRY(CheckNoChangeColumns(schema));
  DELTALAKEDB_ASSIGN(after.metadata.partition_columns,
                     CheckPartitionColumns(schema, table.metadata.partition_columns));
  after.metadata.schema_string = std::string(schema_json);
  if (is_mapped) {
    const auto make_name = [&] { return "col-" + make_uuid(); };
    DELTALAKEDB_TRY(
        SetMapping(schema, {true, MaxColumnIdOf(table.metadata), make_name}, after.metadata));
  }
  ProtocolNeeds needs;
  AddNeeds(NeedsOf(table.metadata, before), NeedsOf(after.metadata, schema), table.protocol, needs);
  DELTALAKEDB_ASSIGN(after.protocol, RaiseProtocol(table.protocol, needs));
  if (!AreEqual(after.protocol, table.protocol)) change.protocol = after.protocol;
  DELTALAKEDB_TRY(CheckDefinition(&table.metadata, after));
  change.metadata = std::move(after.metadata);
  return change;
}

}  // namespace deltalakedb::protocol
