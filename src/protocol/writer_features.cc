// What this program can write, and how protocols may change. What it can read is in features.cc.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "protocol/excerpt.h"
#include "protocol/features.h"
#include "protocol/table_rules.h"

namespace deltalakedb::protocol {

namespace {

constexpr std::int32_t kWriterVersionWithFeatures = 7;
constexpr std::int32_t kReaderVersionWithFeatures = 3;

enum class Kind { kWriter, kReaderWriter };

// Why a commit of given actions cannot keep what a feature promises; empty where it can.
using Refusal = std::string_view;
constexpr Refusal kAccepted;
constexpr Refusal kIceberg =
    "every file would have to be checked against the rules of Iceberg, which this program does not "
    "know";
constexpr Refusal kNotAccepted =
    "the feature is a proposal that the protocol has not accepted, so what it asks of a writer may "
    "still change";
constexpr Refusal kOtherAuthority = "its commits are made by its catalog";
constexpr Refusal kRedirected = "the table is being moved to another place";

struct Feature {
  std::string_view name;
  Kind kind;
  // The versions from which on it is there without being listed; 0 where it always has to be.
  std::int32_t legacy_reader;
  std::int32_t legacy_writer;
  std::string_view required;  // a feature that it needs; empty for none
  Refusal refusal;
};

// The features that this program has a decision about (PROTOCOL.md, Table features). It commits
// actions and writes no data files yet, so it keeps what a feature promises about the log, and
// leaves what it promises about rows to whoever wrote the rows:
//   appendOnly, domainMetadata, inCommitTimestamp, rowTracking, deletionVectors, columnMapping
//     are about actions: CheckAgainst holds commits to them, and the commit's writer makes ids and
//     timestamps itself.
//   invariants, checkConstraints, generatedColumns, identityColumns, allowColumnDefaults,
//   changeDataFeed, variantType, variantShredding, typeWidening, timestampNtz
//     are about the rows of files, or files of changes beside them, that the user brings ready. The
//     actions say nothing of it that could be checked, and refusing would only mean that such
//     tables cannot be written at all. Their metadata are checked as far as they go
//     (table_rules.h), and high-water marks of identity columns are metaData, which the user
//     brings, too.
//   clustering asks for statistics of the clustered columns, which are in the actions as they come.
//   v2Checkpoint and vacuumProtocolCheck ask something of checkpoints and VACUUM, not of commits.
// The others are refused by name.
constexpr auto kFeatures = std::to_array<Feature>({
    {"appendOnly", Kind::kWriter, 1, 2, "", kAccepted},
    {"invariants", Kind::kWriter, 1, 2, "", kAccepted},
    {"checkConstraints", Kind::kWriter, 1, 3, "", kAccepted},
    {"changeDataFeed", Kind::kWriter, 1, 4, "", kAccepted},
    {"generatedColumns", Kind::kWriter, 1, 4, "", kAccepted},
    {"columnMapping", Kind::kReaderWriter, 2, 5, "", kAccepted},
    {"identityColumns", Kind::kWriter, 1, 6, "", kAccepted},
    {"allowColumnDefaults", Kind::kWriter, 0, 0, "", kAccepted},
    {"domainMetadata", Kind::kWriter, 0, 0, "", kAccepted},
    {"rowTracking", Kind::kWriter, 0, 0, "domainMetadata", kAccepted},
    {"clustering", Kind::kWriter, 0, 0, "domainMetadata", kAccepted},
    {"inCommitTimestamp", Kind::kWriter, 0, 0, "", kAccepted},
    {"deletionVectors", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"timestampNtz", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"timestampWithoutTimezone", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"v2Checkpoint", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"vacuumProtocolCheck", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"typeWidening", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"typeWidening-preview", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"variantType", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"variantType-preview", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"variantShredding", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"variantShredding-preview", Kind::kReaderWriter, 0, 0, "", kAccepted},
    {"icebergCompatV1", Kind::kWriter, 0, 0, "columnMapping", kIceberg},
    {"icebergCompatV2", Kind::kWriter, 0, 0, "columnMapping", kIceberg},
    {"icebergCompatV3", Kind::kWriter, 0, 0, "columnMapping", kIceberg},
    {"icebergWriterCompatV1", Kind::kWriter, 0, 0, "icebergCompatV2", kIceberg},
    {"icebergWriterCompatV3", Kind::kWriter, 0, 0, "icebergCompatV3", kIceberg},
    {"checkpointProtection", Kind::kWriter, 0, 0, "", kNotAccepted},
    {"materializePartitionColumns", Kind::kWriter, 0, 0, "", kNotAccepted},
    {"collations", Kind::kWriter, 0, 0, "domainMetadata", kNotAccepted},
    {"collations-preview", Kind::kWriter, 0, 0, "domainMetadata", kNotAccepted},
    {"columnMappingUsageTracking", Kind::kWriter, 0, 0, "columnMapping", kNotAccepted},
    {"catalogManaged", Kind::kReaderWriter, 0, 0, "inCommitTimestamp", kOtherAuthority},
    {"catalogOwned-preview", Kind::kReaderWriter, 0, 0, "", kOtherAuthority},
    {"coordinatedCommits-preview", Kind::kWriter, 0, 0, "inCommitTimestamp", kOtherAuthority},
    {"redirectReaderWriter-preview", Kind::kReaderWriter, 0, 0, "", kRedirected},
    {"redirectWriterOnly-preview", Kind::kWriter, 0, 0, "", kRedirected},
});

// Properties by which a table is what no feature in the lists need say.
struct RefusedProperty {
  std::string_view property;
  bool is_flag;  // counts when it is true; else whenever it is there
  std::string_view feature;
};
constexpr auto kRefusedProperties = std::to_array<RefusedProperty>({
    {"delta.enableIcebergCompatV1", true, "icebergCompatV1"},
    {"delta.enableIcebergCompatV2", true, "icebergCompatV2"},
    {"delta.enableIcebergCompatV3", true, "icebergCompatV3"},
    {"delta.enableIcebergWriterCompatV1", true, "icebergWriterCompatV1"},
    {"delta.enableIcebergWriterCompatV3", true, "icebergWriterCompatV3"},
    {"delta.coordinatedCommits.commitCoordinator-preview", false, "coordinatedCommits-preview"},
    {"delta.redirectReaderWriter-preview", false, "redirectReaderWriter-preview"},
    {"delta.redirectWriterOnly-preview", false, "redirectWriterOnly-preview"},
});

// What a rebase can make good, or what asks nothing of a commit that was prepared before:
//   rowTracking, inCommitTimestamp, domainMetadata   ids and timestamps are made at each attempt
//   columnMapping                by name on an existing table, physical names are the names so far
//   deletionVectors, v2Checkpoint, vacuumProtocolCheck   a commit need not use them
constexpr auto kPassingFeatures = std::to_array<std::string_view>({
    "columnMapping",
    "deletionVectors",
    "domainMetadata",
    "inCommitTimestamp",
    "rowTracking",
    "v2Checkpoint",
    "vacuumProtocolCheck",
});

const Feature* FindFeature(std::string_view name) {
  const auto* const found = std::ranges::find(kFeatures, name, &Feature::name);
  return found == kFeatures.end() ? nullptr : found;
}

bool Contains(const std::vector<std::string>& features, std::string_view name) {
  return std::ranges::find(features, name) != features.end();
}

std::string Join(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::unexpected<Error> Wrong(std::string_view field, std::string what) {
  return Fail(
      Error(ErrorCode::kInvalidArgument, std::move(what)).With("field", std::string(field)));
}

std::unexpected<Error> WrongFeature(std::string_view field, const std::string& feature,
                                    std::string what) {
  return Fail(Error(ErrorCode::kInvalidArgument, std::move(what))
                  .With("field", std::string(field))
                  .With("features", Excerpt(feature)));
}

Result<void> CheckNoneTwice(std::string_view field, const std::vector<std::string>& features) {
  for (auto feature = features.begin(); feature != features.end(); ++feature) {
    if (std::find(features.begin(), feature, *feature) == feature) continue;
    return WrongFeature(field, *feature,
                        fmt::format("{} names {} twice", field, Excerpt(*feature)));
  }
  return {};
}

// A list has to be there exactly where the version says so, empty or not: readers tell a table with
// feature lists by its versions, and refuse one without.
Result<void> CheckLists(const Protocol& protocol) {
  const bool wants_reader = protocol.min_reader_version == kReaderVersionWithFeatures;
  const bool wants_writer = protocol.min_writer_version == kWriterVersionWithFeatures;
  if (protocol.min_reader_version < 1) {
    return Wrong("minReaderVersion",
                 fmt::format("minReaderVersion is {}, below 1", protocol.min_reader_version));
  }
  if (protocol.min_writer_version < 1) {
    return Wrong("minWriterVersion",
                 fmt::format("minWriterVersion is {}, below 1", protocol.min_writer_version));
  }
  if (wants_reader && protocol.min_writer_version < kWriterVersionWithFeatures) {
    return Wrong("minWriterVersion",
                 fmt::format("minReaderVersion {} needs minWriterVersion {}, not {}",
                             kReaderVersionWithFeatures, kWriterVersionWithFeatures,
                             protocol.min_writer_version));
  }
  if (wants_reader != protocol.reader_features.has_value()) {
    return Wrong("readerFeatures",
                 fmt::format("readerFeatures has to be there with minReaderVersion {} and only "
                             "then; it is {}",
                             kReaderVersionWithFeatures, protocol.min_reader_version));
  }
  if (wants_writer != protocol.writer_features.has_value()) {
    return Wrong("writerFeatures",
                 fmt::format("writerFeatures has to be there with minWriterVersion {} and only "
                             "then; it is {}",
                             kWriterVersionWithFeatures, protocol.min_writer_version));
  }
  if (wants_reader) DELTALAKEDB_TRY(CheckNoneTwice("readerFeatures", *protocol.reader_features));
  if (wants_writer) DELTALAKEDB_TRY(CheckNoneTwice("writerFeatures", *protocol.writer_features));
  return {};
}

Result<void> CheckReaderFeature(const Protocol& protocol, const std::string& name) {
  if (!Contains(*protocol.writer_features, name)) {
    return WrongFeature(
        "writerFeatures", name,
        fmt::format("the reader feature {} has to be in writerFeatures too", Excerpt(name)));
  }
  const Feature* const feature = FindFeature(name);
  if (feature != nullptr && feature->kind == Kind::kWriter) {
    return WrongFeature(
        "readerFeatures", name,
        fmt::format("{} is a writer feature, which readerFeatures may not name", name));
  }
  return {};
}

Result<void> CheckWriterFeature(const Protocol& protocol, const std::string& name) {
  const Feature* const feature = FindFeature(name);
  if (feature == nullptr) return {};
  if (feature->kind == Kind::kReaderWriter) {
    const bool is_listed = protocol.reader_features && Contains(*protocol.reader_features, name);
    const bool is_implied = feature->legacy_reader != 0 &&
                            protocol.min_reader_version >= feature->legacy_reader &&
                            !protocol.reader_features;
    if (!is_listed && !is_implied) {
      return WrongFeature(
          "readerFeatures", name,
          fmt::format("the feature {} is for readers too, so readerFeatures has to name it, with "
                      "minReaderVersion {}",
                      name, kReaderVersionWithFeatures));
    }
  }
  if (!feature->required.empty() && !Contains(*protocol.writer_features, feature->required)) {
    return WrongFeature("writerFeatures", name,
                        fmt::format("the feature {} needs the feature {}, which writerFeatures "
                                    "does not name",
                                    name, feature->required));
  }
  return {};
}

}  // namespace

std::set<std::string, std::less<>> FeaturesOf(const Protocol& protocol) {
  std::set<std::string, std::less<>> features;
  for (const auto* list : {&protocol.reader_features, &protocol.writer_features}) {
    if (*list) features.insert((*list)->begin(), (*list)->end());
  }
  if (protocol.min_writer_version >= kWriterVersionWithFeatures) return features;
  for (const Feature& feature : kFeatures) {
    if (feature.legacy_writer != 0 && protocol.min_writer_version >= feature.legacy_writer &&
        protocol.min_reader_version >= feature.legacy_reader) {
      features.emplace(feature.name);
    }
  }
  return features;
}

bool Supports(const Protocol& protocol, std::string_view feature) {
  for (const auto* list : {&protocol.reader_features, &protocol.writer_features}) {
    if (*list && Contains(**list, feature)) return true;
  }
  if (protocol.min_writer_version >= kWriterVersionWithFeatures) return false;
  const Feature* const known = FindFeature(feature);
  return known != nullptr && known->legacy_writer != 0 &&
         protocol.min_writer_version >= known->legacy_writer &&
         protocol.min_reader_version >= known->legacy_reader;
}

Result<void> CheckWritable(const Protocol& protocol, const Metadata& metadata) {
  DELTALAKEDB_TRY(CheckReadable(protocol));
  if (protocol.min_writer_version > kWriterVersionWithFeatures) {
    return Fail(
        Error(ErrorCode::kUnsupported,
              fmt::format("the table needs a writer of version {}, this one knows versions "
                          "up to {}; a newer program may write it",
                          protocol.min_writer_version, kWriterVersionWithFeatures))
            .With("minWriterVersion", protocol.min_writer_version)
            .With("features", fmt::format("writer version {}", protocol.min_writer_version)));
  }
  std::vector<std::string> refused;
  std::vector<std::string> reasons;
  const auto refuse = [&](std::string_view name) {
    if (Contains(refused, name)) return;
    const Feature* const feature = FindFeature(name);
    refused.emplace_back(Excerpt(name));
    reasons.push_back(fmt::format("{} ({})", refused.back(),
                                  feature == nullptr ? "not known" : feature->refusal));
  };
  for (const std::string& name : FeaturesOf(protocol)) {
    const Feature* const feature = FindFeature(name);
    if (feature == nullptr || !feature->refusal.empty()) refuse(name);
  }
  for (const RefusedProperty& refusal : kRefusedProperties) {
    const bool is_set = refusal.is_flag
                            ? IsTrue(metadata, refusal.property)
                            : metadata.configuration.contains(std::string(refusal.property));
    if (is_set) refuse(refusal.feature);
  }
  if (refused.empty()) return {};
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("this program cannot write the table, as it does not keep what "
                                "these features promise: {}",
                                Join(reasons)))
                  .With("features", Join(refused)));
}

Result<void> CheckWellFormed(const Protocol& protocol) {
  DELTALAKEDB_TRY(CheckLists(protocol));
  if (protocol.reader_features) {
    for (const std::string& name : *protocol.reader_features) {
      DELTALAKEDB_TRY(CheckReaderFeature(protocol, name));
    }
  }
  if (protocol.writer_features) {
    for (const std::string& name : *protocol.writer_features) {
      DELTALAKEDB_TRY(CheckWriterFeature(protocol, name));
    }
  }
  return {};
}

Result<void> CheckUpgrade(const Protocol& before, const Protocol& after) {
  const auto lowered = [](std::string_view field, std::int32_t from, std::int32_t to) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("the protocol cannot go back: {} of the table is {}, of the "
                                  "commit {}",
                                  field, from, to))
                    .With("action", "protocol")
                    .With("field", std::string(field)));
  };
  if (after.min_reader_version < before.min_reader_version) {
    return lowered("minReaderVersion", before.min_reader_version, after.min_reader_version);
  }
  if (after.min_writer_version < before.min_writer_version) {
    return lowered("minWriterVersion", before.min_writer_version, after.min_writer_version);
  }
  std::vector<std::string> lost;
  const auto kept = FeaturesOf(after);
  for (const std::string& feature : FeaturesOf(before)) {
    if (!kept.contains(feature)) lost.push_back(Excerpt(feature));
  }
  if (lost.empty()) return {};
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("the protocol would lose features that the table has, listed or by "
                                "its versions: {}; name them in writerFeatures",
                                Join(lost)))
                  .With("action", "protocol")
                  .With("field", "writerFeatures")
                  .With("features", Join(lost)));
}

namespace {

std::unexpected<Error> UnknownVersion(std::string_view field, std::int32_t version,
                                      std::int32_t version_max) {
  return Fail(
      Error(ErrorCode::kUnsupported, fmt::format("{} {} is not known; there are versions up to {}",
                                                 field, version, version_max))
          .With("field", std::string(field)));
}

// Adds the features that a feature needs, and those that these need.
Result<std::set<std::string, std::less<>>> WithRequired(
    std::set<std::string, std::less<>> features) {
  for (auto added = features; !added.empty();) {
    std::set<std::string, std::less<>> more;
    for (const std::string& name : added) {
      const Feature* const feature = FindFeature(name);
      if (feature == nullptr) {
        return Fail(Error(ErrorCode::kUnsupported,
                          fmt::format("this program does not know the feature {}", Excerpt(name)))
                        .With("features", Excerpt(name)));
      }
      if (feature->required.empty()) continue;
      if (features.emplace(feature->required).second) more.emplace(feature->required);
    }
    added = std::move(more);
  }
  return features;
}

// Says by name what the versions said.
void ListFeatures(Protocol& protocol) {
  const auto features = FeaturesOf(protocol);
  protocol.min_writer_version = kWriterVersionWithFeatures;
  if (!protocol.writer_features) protocol.writer_features.emplace(features.begin(), features.end());
}

void ListReaderFeatures(Protocol& protocol) {
  protocol.min_reader_version = kReaderVersionWithFeatures;
  if (protocol.reader_features) return;
  protocol.reader_features.emplace();
  for (const std::string& name : *protocol.writer_features) {
    const Feature* const feature = FindFeature(name);
    if (feature != nullptr && feature->kind == Kind::kReaderWriter) {
      protocol.reader_features->push_back(name);
    }
  }
}

}  // namespace

Result<Protocol> RaiseProtocol(const Protocol& before, const ProtocolNeeds& needs) {
  if (needs.min_reader_version > kReaderVersionWithFeatures) {
    return UnknownVersion("minReaderVersion", needs.min_reader_version, kReaderVersionWithFeatures);
  }
  if (needs.min_writer_version > kWriterVersionWithFeatures) {
    return UnknownVersion("minWriterVersion", needs.min_writer_version, kWriterVersionWithFeatures);
  }
  DELTALAKEDB_ASSIGN(const auto features, WithRequired(needs.features));
  Protocol after = before;
  const bool asks_for_lists = needs.min_writer_version == kWriterVersionWithFeatures ||
                              needs.min_reader_version == kReaderVersionWithFeatures;
  if (asks_for_lists && before.min_writer_version < kWriterVersionWithFeatures) ListFeatures(after);
  after.min_writer_version = std::max(after.min_writer_version, needs.min_writer_version);
  if (needs.min_reader_version == kReaderVersionWithFeatures) {
    ListReaderFeatures(after);
  } else {
    after.min_reader_version = std::max(after.min_reader_version, needs.min_reader_version);
  }

  std::vector<const Feature*> missing;
  for (const std::string& name : features) {
    if (!Supports(after, name)) missing.push_back(FindFeature(name));
  }
  const bool has_lists = after.min_writer_version >= kWriterVersionWithFeatures;
  const auto is_legacy = [](const Feature* feature) { return feature->legacy_writer != 0; };
  if (!has_lists && std::ranges::all_of(missing, is_legacy)) {
    for (const Feature* const feature : missing) {
      after.min_reader_version = std::max(after.min_reader_version, feature->legacy_reader);
      after.min_writer_version = std::max(after.min_writer_version, feature->legacy_writer);
    }
    return after;
  }
  if (!has_lists) ListFeatures(after);
  for (const Feature* const feature : missing) {
    const std::string name(feature->name);
    if (feature->kind == Kind::kReaderWriter && feature->legacy_reader == 0) {
      ListReaderFeatures(after);
    }
    if (!Contains(*after.writer_features, name)) after.writer_features->push_back(name);
    if (feature->kind == Kind::kWriter) continue;
    if (after.reader_features) {
      if (!Contains(*after.reader_features, name)) after.reader_features->push_back(name);
    } else {
      after.min_reader_version = std::max(after.min_reader_version, feature->legacy_reader);
    }
  }
  return after;
}

bool MayPassAddedFeature(std::string_view feature) {
  return std::ranges::find(kPassingFeatures, feature) != kPassingFeatures.end();
}

}  // namespace deltalakedb::protocol
