#include "protocol/table_properties.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/try.h"
#include "deltalakedb/transaction.h"
#include "protocol/excerpt.h"
#include "protocol/feature_needs.h"
#include "protocol/interval.h"
#include "protocol/number_text.h"
#include "protocol/table_rules.h"

namespace deltalakedb::protocol {

namespace {

constexpr std::string_view kDeltaPrefix = "delta.";
constexpr std::string_view kFeaturePrefix = "delta.feature.";
constexpr std::string_view kMinReaderVersion = "delta.minReaderVersion";
constexpr std::string_view kMinWriterVersion = "delta.minWriterVersion";

enum class Kind {
  kFlag,
  kAutoFlag,  // or auto, legacy, as auto compaction takes them
  kInterval,
  kCount,        // 1 or more
  kColumnCount,  // or -1 for all
  kBytes,        // a number of bytes, or with a unit
  kText,
  kPolicy,   // of checkpoints
  kMapping,  // of columns
  kIsolation,
  kOurs,     // set by whoever writes the table, never by hand
  kRefused,  // a promise that this program does not keep, unless it is turned off
};

struct KnownProperty {
  std::string_view name;
  Kind kind;
};

constexpr auto kKnownProperties = std::to_array<KnownProperty>({
    {kAppendOnly, Kind::kFlag},
    {"delta.autoOptimize", Kind::kFlag},
    {"delta.autoOptimize.autoCompact", Kind::kAutoFlag},
    {"delta.autoOptimize.optimizeWrite", Kind::kFlag},
    {"delta.checkpoint.writeStatsAsJson", Kind::kFlag},
    {"delta.checkpoint.writeStatsAsStruct", Kind::kFlag},
    {"delta.checkpointInterval", Kind::kCount},
    {kCheckpointPolicy, Kind::kPolicy},
    {"delta.checkpointRetentionDuration", Kind::kInterval},
    {kColumnMappingMaxColumnId, Kind::kOurs},
    {kColumnMappingMode, Kind::kMapping},
    {"delta.compatibility.symlinkFormatManifest.enabled", Kind::kRefused},
    {"delta.coordinatedCommits.commitCoordinator-preview", Kind::kRefused},
    {"delta.coordinatedCommits.commitCoordinatorConf-preview", Kind::kRefused},
    {"delta.coordinatedCommits.tableConf-preview", Kind::kRefused},
    {"delta.dataSkippingNumIndexedCols", Kind::kColumnCount},
    {"delta.dataSkippingStatsColumns", Kind::kText},
    {"delta.dataSkippingStringPrefixLength", Kind::kCount},
    {"delta.deletedFileRetentionDuration", Kind::kInterval},
    {"delta.dropFeatureTruncateHistory.retentionDuration", Kind::kInterval},
    {"delta.enableChangeDataFeed", Kind::kFlag},
    {kEnableDeletionVectors, Kind::kFlag},
    {"delta.enableExpiredLogCleanup", Kind::kFlag},
    {"delta.enableFullRetentionRollback", Kind::kFlag},
    {"delta.enableIcebergCompatV1", Kind::kRefused},
    {"delta.enableIcebergCompatV2", Kind::kRefused},
    {"delta.enableIcebergCompatV3", Kind::kRefused},
    {"delta.enableIcebergWriterCompatV1", Kind::kRefused},
    {"delta.enableIcebergWriterCompatV3", Kind::kRefused},
    {kEnableInCommitTimestamps, Kind::kFlag},
    {kEnableRowTracking, Kind::kFlag},
    {"delta.enableTypeWidening", Kind::kFlag},
    {"delta.enableVariantShredding", Kind::kFlag},
    {kInCommitTimestampEnablementTimestamp, Kind::kOurs},
    {kInCommitTimestampEnablementVersion, Kind::kOurs},
    {"delta.isolationLevel", Kind::kIsolation},
    {"delta.logRetentionDuration", Kind::kInterval},
    {"delta.parquet.compression.codec", Kind::kText},
    {"delta.parquet.format.version", Kind::kText},
    {"delta.randomPrefixLength", Kind::kCount},
    {"delta.randomizeFilePrefixes", Kind::kFlag},
    {"delta.redirectReaderWriter-preview", Kind::kRefused},
    {"delta.redirectWriterOnly-preview", Kind::kRefused},
    {"delta.requireCheckpointProtectionBeforeVersion", Kind::kRefused},
    {kMaterializedRowCommitVersionColumn, Kind::kOurs},
    {kMaterializedRowIdColumn, Kind::kOurs},
    {kRowTrackingSuspended, Kind::kFlag},
    {"delta.sampleRetentionDuration", Kind::kInterval},
    {"delta.setTransactionRetentionDuration", Kind::kInterval},
    {"delta.targetFileSize", Kind::kBytes},
    {"delta.tuneFileSizesForRewrites", Kind::kFlag},
    {"delta.universalFormat.enabledFormats", Kind::kRefused},
});

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

bool StartsWith(std::string_view text, std::string_view lower_prefix) {
  return Lower(text.substr(0, lower_prefix.size())) == lower_prefix;
}

std::unexpected<Error> Wrong(std::string_view property, std::string what,
                             ErrorCode code = ErrorCode::kInvalidArgument) {
  return Fail(Error(code, std::move(what)).With("property", Excerpt(property)));
}

// "134217728", "128mb", "1 g": as Spark's byte strings.
bool IsBytes(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (!ParseInt<std::int64_t>(text.substr(0, digits))) return false;
  constexpr auto kUnits = std::to_array<std::string_view>(
      {"", "b", "k", "kb", "m", "mb", "g", "gb", "t", "tb", "p", "pb"});
  std::string unit = Lower(text.substr(digits));
  if (unit.starts_with(' ')) unit.erase(0, 1);
  return std::ranges::find(kUnits, unit) != kUnits.end();
}

bool IsIsolationLevel(std::string_view text) { return ParseIsolationLevel(text).has_value(); }

// What a value of the kind is; empty where this one is.
std::string_view Expectation(Kind kind, std::string_view value) {
  const std::string lower = Lower(value);
  const bool is_flag = lower == "true" || lower == "false";
  switch (kind) {
    case Kind::kFlag:
      return is_flag ? "" : "true or false";
    case Kind::kAutoFlag:
      return is_flag || lower == "auto" || lower == "legacy" ? "" : "true, false, auto or legacy";
    case Kind::kInterval:
      return ParseInterval(value) ? "" : "an interval of weeks or less, as \"interval 7 days\"";
    case Kind::kCount:
      return ParseInt<std::int32_t>(value).value_or(0) >= 1 ? "" : "a whole number of 1 or more";
    case Kind::kColumnCount:
      return ParseInt<std::int32_t>(value).value_or(-2) >= -1 ? "" : "a whole number, -1 for all";
    case Kind::kBytes:
      return IsBytes(value) ? "" : "a number of bytes, as 134217728 or 128mb";
    case Kind::kPolicy:
      return value == "classic" || value == "v2" ? "" : "classic or v2";
    case Kind::kMapping:
      return value == "none" || value == "name" || value == "id" ? "" : "none, name or id";
    case Kind::kIsolation:
      return IsIsolationLevel(value) ? "" : "Serializable, WriteSerializable or SnapshotIsolation";
    case Kind::kText:
      return value.empty() ? "a text" : "";
    case Kind::kOurs:
    case Kind::kRefused:
      break;
  }
  return "";
}

Result<void> TakeVersion(const std::string& key, const std::string& value, std::int32_t& version) {
  const auto number = ParseInt<std::int32_t>(value);
  if (!number || *number < 1) {
    return Wrong(key, fmt::format("{} has to be a protocol version, from 1 on, not {}", key,
                                  Excerpt(value)));
  }
  version = *number;
  return {};
}

// Puts `key` into the configuration under its own name.
Result<void> Store(TableProperties& properties, std::string_view name, const std::string& value) {
  const auto [entry, is_new] = properties.configuration.emplace(name, value);
  if (is_new) return {};
  return Wrong(
      name, fmt::format("the property {} is given twice, in different spellings", Excerpt(name)));
}

Result<void> TakeFeature(const std::string& key, const std::string& value,
                         TableProperties& properties) {
  if (value != "supported" && value != "enabled") {
    return Wrong(key, fmt::format("{} has to be supported, not {}", Excerpt(key), Excerpt(value)));
  }
  properties.needs.features.emplace(key.substr(kFeaturePrefix.size()));
  return {};
}

// Null for a name that Delta does not know.
const KnownProperty* FindKnown(std::string_view key) {
  const std::string lower = Lower(key);
  const auto* const known = std::ranges::find_if(
      kKnownProperties,
      [&](const KnownProperty& property) { return Lower(property.name) == lower; });
  return known == kKnownProperties.end() ? nullptr : known;
}

Result<void> CheckValue(const KnownProperty& property, std::string_view value) {
  const std::string_view expected = Expectation(property.kind, value);
  if (expected.empty()) return {};
  return Wrong(property.name,
               fmt::format("{} has to be {}, not {}", property.name, expected, Excerpt(value)));
}

Result<void> TakeDeltaProperty(const std::string& key, const std::string& value,
                               TableProperties& properties) {
  const std::string lower = Lower(key);
  if (lower == Lower(kMinReaderVersion)) {
    return TakeVersion(key, value, properties.needs.min_reader_version);
  }
  if (lower == Lower(kMinWriterVersion)) {
    return TakeVersion(key, value, properties.needs.min_writer_version);
  }
  if (lower.starts_with(kFeaturePrefix)) return TakeFeature(key, value, properties);
  if (lower.starts_with(kConstraintPrefix)) {
    const std::string_view name = std::string_view(key).substr(kConstraintPrefix.size());
    if (name.empty() || value.empty()) {
      return Wrong(key,
                   fmt::format("{} has to be delta.constraints.NAME=EXPRESSION", Excerpt(key)));
    }
    return Store(properties, fmt::format("{}{}", kConstraintPrefix, name), value);
  }
  const KnownProperty* const known = FindKnown(key);
  if (known == nullptr) {
    return Wrong(key, fmt::format("there is no property {}: names of your own may not begin with "
                                  "delta.",
                                  Excerpt(key)));
  }
  if (known->kind == Kind::kOurs) {
    return Wrong(key, fmt::format("{} is set by whoever writes the table, not by hand", key));
  }
  if (known->kind == Kind::kRefused) {
    if (Lower(value) == "false") return Store(properties, known->name, value);
    return Wrong(key,
                 fmt::format("{} promises what this program does not keep, so it cannot be set; "
                             "leave it out",
                             key),
                 ErrorCode::kUnsupported);
  }
  DELTALAKEDB_TRY(CheckValue(*known, value));
  return Store(properties, known->name, value);
}

}  // namespace

Result<void> CheckPropertyValue(std::string_view name, std::string_view value) {
  const KnownProperty* const known = FindKnown(name);
  if (known == nullptr) return {};
  return CheckValue(*known, value);
}

Result<TableProperties> ParseTableProperties(const std::map<std::string, std::string>& given) {
  TableProperties properties;
  for (const auto& [key, value] : given) {
    const auto is_utf8 = [](std::string_view text) {
      return simdjson::validate_utf8(text.data(), text.size());
    };
    if (key.empty() || !is_utf8(key) || !is_utf8(value)) {
      return Wrong(key, fmt::format("the property \"{}\" needs a name, and name and value have to "
                                    "be UTF-8",
                                    Excerpt(key)));
    }
    if (StartsWith(key, kDeltaPrefix)) {
      DELTALAKEDB_TRY(TakeDeltaProperty(key, value, properties));
    } else {
      DELTALAKEDB_TRY(Store(properties, key, value));
    }
  }
  return properties;
}

}  // namespace deltalakedb::protocol
