#include "protocol/features.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace deltalakedb::protocol {

namespace {

// Reader versions 1 and 2 need nothing that reading a log could miss: 2 is column mapping.
constexpr std::int32_t kReaderVersionMax = 3;
constexpr std::int32_t kReaderVersionWithFeatures = 3;

// Names as the protocol spells them, previews included. None of these changes how a log is read
// beyond what FileLog does; deletion vectors are part of a file's identity, V2 checkpoints are
// read.
constexpr auto kReadableFeatures = std::to_array<std::string_view>({
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "timestampWithoutTimezone",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "variantShredding",
    "variantShredding-preview",
    "variantType",
    "variantType-preview",
});

// The file system is not the authority for these (PROTOCOL.md, catalogManaged).
constexpr auto kCatalogFeatures = std::to_array<std::string_view>({
    "catalogManaged",
    "catalogOwned",
    "catalogOwned-preview",
});

bool IsOneOf(std::string_view name, auto& names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Result<void> CheckManagedByFiles(const Protocol& protocol) {
  for (const auto* features : {&protocol.reader_features, &protocol.writer_features}) {
    for (const std::string& feature : features->value_or(std::vector<std::string>())) {
      if (!IsOneOf(feature, kCatalogFeatures)) continue;
      return Fail(Error(ErrorCode::kUnsupported,
                        fmt::format("the table is managed by a catalog (feature {}): its files "
                                    "alone do not say what its latest version is; read it through "
                                    "that catalog",
                                    feature))
                      .With("features", feature));
    }
  }
  return {};
}

Result<void> CheckReadable(const Protocol& protocol) {
  if (auto managed = CheckManagedByFiles(protocol); !managed) return managed;
  if (protocol.min_reader_version > kReaderVersionMax) {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("the table needs a reader of version {}, this one knows versions "
                                  "up to {}; a newer program may read it",
                                  protocol.min_reader_version, kReaderVersionMax))
                    .With("minReaderVersion", protocol.min_reader_version));
  }
  if (protocol.min_reader_version < 1) {
    return Fail(ErrorCode::kCorrupt, fmt::format("the protocol's minReaderVersion is {}, below 1",
                                                 protocol.min_reader_version));
  }
  if (protocol.min_reader_version < kReaderVersionWithFeatures) {
    if (protocol.reader_features && !protocol.reader_features->empty()) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("the protocol lists readerFeatures, which minReaderVersion {} does "
                              "not allow; it has to be {}",
                              protocol.min_reader_version, kReaderVersionWithFeatures));
    }
    return {};
  }
  if (!protocol.reader_features) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the protocol has minReaderVersion {} and no readerFeatures",
                            protocol.min_reader_version));
  }
  std::vector<std::string_view> unknown;
  for (const std::string& feature : *protocol.reader_features) {
    if (!IsOneOf(feature, kReadableFeatures)) unknown.push_back(feature);
  }
  if (!unknown.empty()) {
    const std::string names = fmt::format("{}", fmt::join(unknown, ", "));
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("the table uses reader features that this program does not "
                                  "know: {}; a newer program may read it",
                                  names))
                    .With("features", names));
  }
  return {};
}

}  // namespace deltalakedb::protocol
