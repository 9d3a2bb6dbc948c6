#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "storage/checkpoint_state_internal.h"

namespace deltalakedb::storage {

namespace {

Result<std::string> RequiredText(const TextColumn& column, std::int64_t row,
                                 std::string_view name) {
  if (const auto text = column.at(row)) return std::string(*text);
  return Fail(ErrorCode::kCorrupt, fmt::format("{} is missing", name));
}

Result<std::int64_t> RequiredInt(const IntColumn& column, std::int64_t row, std::string_view name) {
  if (const auto value = column.at(row)) return *value;
  return Fail(ErrorCode::kCorrupt, fmt::format("{} is missing", name));
}

std::optional<std::string> OwnedText(const TextColumn& column, std::int64_t row) {
  const auto text = column.at(row);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<std::vector<std::string>> OwnedList(const TextListColumn& column, std::int64_t row) {
  const auto range = column.at(row);
  if (!range) return std::nullopt;
  std::vector<std::string> values;
  for (std::int64_t i = range->begin; i < range->end; ++i) {
    values.emplace_back(column.elements().at(i).value_or(""));
  }
  return values;
}

std::map<std::string, std::string> OwnedMap(const MapColumn& column, std::int64_t row) {
  std::map<std::string, std::string> values;
  const auto range = column.at(row);
  if (!range) return values;
  for (std::int64_t i = range->begin; i < range->end; ++i) {
    const auto value = column.values().at(i);
    if (value) values.emplace(column.keys().at(i).value_or(""), *value);
  }
  return values;
}

// Calls read(row) for each row in which the action stands.
template <typename Read>
Result<void> ForEachAction(const StructColumn& action, std::int64_t rows, Read read) {
  if (action.is_absent()) return {};
  for (std::int64_t row = 0; row < rows; ++row) {
    if (!action.is_null(row)) DELTALAKEDB_TRY(read(row));
  }
  return {};
}

Result<void> ReadProtocol(const StructColumn& action, std::int64_t rows, CheckpointState& state) {
  DELTALAKEDB_ASSIGN(const auto reader, action.Column<IntColumn>("minReaderVersion"));
  DELTALAKEDB_ASSIGN(const auto writer, action.Column<IntColumn>("minWriterVersion"));
  DELTALAKEDB_ASSIGN(const auto reader_features, action.Column<TextListColumn>("readerFeatures"));
  DELTALAKEDB_ASSIGN(const auto writer_features, action.Column<TextListColumn>("writerFeatures"));
  return ForEachAction(action, rows, [&](std::int64_t row) -> Result<void> {
    Protocol protocol;
    DELTALAKEDB_ASSIGN(protocol.min_reader_version,
                       RequiredInt32(reader, row, "protocol.minReaderVersion"));
    DELTALAKEDB_ASSIGN(protocol.min_writer_version,
                       RequiredInt32(writer, row, "protocol.minWriterVersion"));
    protocol.reader_features = OwnedList(reader_features, row);
    protocol.writer_features = OwnedList(writer_features, row);
    state.protocol = std::move(protocol);
    return {};
  });
}

Result<void> ReadMetadata(const StructColumn& action, std::int64_t rows, CheckpointState& state) {
  DELTALAKEDB_ASSIGN(const auto id, action.Column<TextColumn>("id"));
  DELTALAKEDB_ASSIGN(const auto name, action.Column<TextColumn>("name"));
  DELTALAKEDB_ASSIGN(const auto description, action.Column<TextColumn>("description"));
  DELTALAKEDB_ASSIGN(const auto format, action.Column<StructColumn>("format"));
  DELTALAKEDB_ASSIGN(const auto provider, format.Column<TextColumn>("provider"));
  DELTALAKEDB_ASSIGN(const auto options, format.Column<MapColumn>("options"));
  DELTALAKEDB_ASSIGN(const auto schema, action.Column<TextColumn>("schemaString"));
  DELTALAKEDB_ASSIGN(const auto partitions, action.Column<TextListColumn>("partitionColumns"));
  DELTALAKEDB_ASSIGN(const auto created, action.Column<IntColumn>("createdTime"));
  DELTALAKEDB_ASSIGN(const auto configuration, action.Column<MapColumn>("configuration"));
  return ForEachAction(action, rows, [&](std::int64_t row) -> Result<void> {
    Metadata metadata;
    metadata.id = OwnedText(id, row);
    metadata.name = OwnedText(name, row);
    metadata.description = OwnedText(description, row);
    metadata.format_provider = OwnedText(provider, row);
    metadata.format_options = OwnedMap(options, row);
    metadata.schema_string = OwnedText(schema, row);
    metadata.partition_columns = OwnedList(partitions, row).value_or(std::vector<std::string>{});
    metadata.created_time = created.at(row);
    metadata.configuration = OwnedMap(configuration, row);
    state.metadata = std::move(metadata);
    return {};
  });
}

Result<void> ReadAppTransactions(const StructColumn& action, std::int64_t rows,
                                 CheckpointState& state) {
  DELTALAKEDB_ASSIGN(const auto app_id, action.Column<TextColumn>("appId"));
  DELTALAKEDB_ASSIGN(const auto version, action.Column<IntColumn>("version"));
  DELTALAKEDB_ASSIGN(const auto last_updated, action.Column<IntColumn>("lastUpdated"));
  return ForEachAction(action, rows, [&](std::int64_t row) -> Result<void> {
    AppTransaction transaction;
    DELTALAKEDB_ASSIGN(transaction.app_id, RequiredText(app_id, row, "txn.appId"));
    DELTALAKEDB_ASSIGN(transaction.version, RequiredInt(version, row, "txn.version"));
    transaction.last_updated = last_updated.at(row);
    state.app_transactions.push_back(std::move(transaction));
    return {};
  });
}

Result<void> ReadDomainMetadata(const StructColumn& action, std::int64_t rows,
                                CheckpointState& state) {
  DELTALAKEDB_ASSIGN(const auto domain, action.Column<TextColumn>("domain"));
  DELTALAKEDB_ASSIGN(const auto configuration, action.Column<TextColumn>("configuration"));
  DELTALAKEDB_ASSIGN(const auto removed, action.Column<BoolColumn>("removed"));
  return ForEachAction(action, rows, [&](std::int64_t row) -> Result<void> {
    DomainMetadata metadata;
    DELTALAKEDB_ASSIGN(metadata.domain, RequiredText(domain, row, "domainMetadata.domain"));
    metadata.configuration = configuration.at(row).value_or("");
    metadata.removed = removed.at(row).value_or(false);
    state.domain_metadata.push_back(std::move(metadata));
    return {};
  });
}

Result<void> ReadCheckpointMetadata(const StructColumn& action, std::int64_t rows,
                                    CheckpointState& state) {
  DELTALAKEDB_ASSIGN(const auto version, action.Column<IntColumn>("version"));
  return ForEachAction(action, rows, [&](std::int64_t row) -> Result<void> {
    DELTALAKEDB_ASSIGN(const std::int64_t value,
                       RequiredInt(version, row, "checkpointMetadata.version"));
    state.checkpoint_metadata = protocol::CheckpointMetadata{Version(value)};
    return {};
  });
}

Result<void> ReadSidecars(const StructColumn& action, std::int64_t rows, CheckpointState& state) {
  DELTALAKEDB_ASSIGN(const auto path, action.Column<TextColumn>("path"));
  DELTALAKEDB_ASSIGN(const auto size, action.Column<IntColumn>("sizeInBytes"));
  return ForEachAction(action, rows, [&](std::int64_t row) -> Result<void> {
    protocol::Sidecar sidecar;
    DELTALAKEDB_ASSIGN(sidecar.path, RequiredText(path, row, "sidecar.path"));
    sidecar.size_in_bytes = size.at(row).value_or(0);
    state.sidecars.push_back(std::move(sidecar));
    return {};
  });
}

}  // namespace

Result<std::int32_t> RequiredInt32(const IntColumn& column, std::int64_t row,
                                   std::string_view name) {
  DELTALAKEDB_ASSIGN(const std::int64_t value, RequiredInt(column, row, name));
  if (std::in_range<std::int32_t>(value)) return static_cast<std::int32_t>(value);
  return Fail(ErrorCode::kCorrupt, fmt::format("{} is out of range", name));
}

Result<void> ReadState(const arrow::RecordBatch& batch, CheckpointState& state) {
  using Reader = Result<void> (*)(const StructColumn&, std::int64_t, CheckpointState&);
  constexpr std::array<Reader, kStateActions.size()> kReaders = {
      ReadProtocol,       ReadMetadata,           ReadAppTransactions,
      ReadDomainMetadata, ReadCheckpointMetadata, ReadSidecars};
  for (std::size_t i = 0; i < kStateActions.size(); ++i) {
    const auto column = batch.GetColumnByName(std::string(kStateActions[i]));
    if (column == nullptr || column->null_count() == column->length()) continue;
    DELTALAKEDB_ASSIGN(const auto action, StructColumn::Make(column.get(), kStateActions[i]));
    DELTALAKEDB_TRY(kReaders[i](action, batch.num_rows(), state));
  }
  return {};
}

}  // namespace deltalakedb::storage
