#include "log/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace deltalakedb::log {

namespace {

// Checkpoints of which parts are missing would have saved reading from the older `base` on.
void WarnIncomplete(const LogFolder& folder, std::optional<Version> base, Version version) {
  for (const IncompleteCheckpoint& incomplete : folder.listing.incomplete_checkpoints) {
    if (incomplete.version > version || (base && incomplete.version <= *base)) continue;
    folder.sink->Write(LogLevel::kWarning,
                       fmt::format("the checkpoint of version {} in {} has {} of its {} parts and "
                                   "is not used",
                                   incomplete.version.value(), folder.path, incomplete.parts_found,
                                   incomplete.parts_expected));
  }
}

Result<Attempt> Replay(const std::shared_ptr<const LogFolder>& folder, LogSegment segment,
                       std::optional<BaseCheckpoint> base, LogState state) {
  Rebuilt rebuilt{{folder, std::move(segment), std::move(base), {}}, std::move(state)};
  DELTALAKEDB_ASSIGN(rebuilt.sources.scan,
                     ScanCommits(*folder, rebuilt.sources.segment, rebuilt.state));
  return Attempt{std::move(rebuilt), {}};
}

bool IsCompacted(const LogListing& listing, Version version) {
  return std::ranges::any_of(listing.compactions, [&](const CompactionFile& compaction) {
    return compaction.first <= version && version <= compaction.last;
  });
}

}  // namespace

bool IsDamage(const Error& error) {
  return error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kLimitExceeded || error.FindFact("outOfMemory") != nullptr;
}

std::vector<const CheckpointFiles*> FindBases(const LogListing& listing, Version version,
                                              const DamagedSet& damaged) {
  std::vector<const CheckpointFiles*> bases;
  for (auto it = listing.checkpoints.rbegin(); it != listing.checkpoints.rend(); ++it) {
    if (it->version <= version && !damaged.contains(NameOf(*it))) bases.push_back(&*it);
  }
  return bases;
}

Error ErrorFor(const LogFolder& folder, Version version, NoWay no_way) {
  if (no_way.damage) {
    Error error = *std::move(no_way.damage);
    if (error.code() == ErrorCode::kNotFound) {
      error = Error(ErrorCode::kCorrupt, error.message()).With("file", folder.path);
    }
    error.AddContext(
        fmt::format("version {} cannot be rebuilt: its checkpoint is unusable and the "
                    "commits that could replace it are not all there",
                    version.value()));
    return std::move(error).With("version", version.value());
  }
  std::string message =
      fmt::format("version {} cannot be rebuilt: {} is missing from {}", version.value(),
                  CommitName(no_way.missing_commit.value_or(Version(0))), folder.path);
  for (const IncompleteCheckpoint& incomplete : folder.listing.incomplete_checkpoints) {
    if (incomplete.version > version) continue;
    message +=
        fmt::format(", and the checkpoint of version {} has {} of its {} parts",
                    incomplete.version.value(), incomplete.parts_found, incomplete.parts_expected);
  }
  return Error(ErrorCode::kCorrupt, std::move(message))
      .With("version", version.value())
      .With("missingVersion", no_way.missing_commit.value_or(Version(0)).value());
}

void WarnDamaged(const LogFolder& folder, const Error& error) {
  folder.sink->Write(
      LogLevel::kWarning,
      fmt::format("a checkpoint cannot be used, other files of the log replace it: {}",
                  error.message()));
}

Result<Attempt> TryBases(const std::shared_ptr<const LogFolder>& folder, Version version,
                         DamagedSet& damaged) {
  NoWay no_way;
  for (const CheckpointFiles* files : FindBases(folder->listing, version, damaged)) {
    auto segment = PlanSegment(folder->listing, *files, version);
    if (!segment) {
      const Version missing = segment.error().commit;
      if (!no_way.missing_commit) no_way.missing_commit = missing;
      // Older bases would need the same commit.
      if (!IsCompacted(folder->listing, missing)) return Attempt{std::nullopt, std::move(no_way)};
      continue;
    }
    LogState state;
    auto base = OpenCheckpoint(*folder, *files, state);
    if (!base) {
      if (!IsDamage(base.error())) return Fail(std::move(base).error());
      damaged.insert(NameOf(*files));
      if (!no_way.damage) no_way.damage = std::move(base).error();
      continue;
    }
    if (no_way.damage) WarnDamaged(*folder, *no_way.damage);
    WarnIncomplete(*folder, files->version, version);
    return Replay(folder, *std::move(segment), *std::move(base), std::move(state));
  }
  auto segment = PlanSegment(folder->listing, std::nullopt, version);
  if (!segment) {
    if (!no_way.missing_commit) no_way.missing_commit = segment.error().commit;
    return Attempt{std::nullopt, std::move(no_way)};
  }
  if (no_way.damage) WarnDamaged(*folder, *no_way.damage);
  WarnIncomplete(*folder, std::nullopt, version);
  return Replay(folder, *std::move(segment), std::nullopt, LogState{});
}

Result<std::optional<Metadata>> LoadLatestMetadata(const LogFolder& folder) {
  auto quiet = std::make_shared<LogFolder>(folder);
  quiet->sink = &NullLogSink();
  DamagedSet damaged;
  auto attempt = TryBases(quiet, folder.listing.Latest(), damaged);
  if (!attempt && !IsDamage(attempt.error())) return Fail(std::move(attempt).error());
  if (!attempt || !attempt->rebuilt) return std::optional<Metadata>();
  return std::move(attempt->rebuilt->state.metadata);
}

Error OutOfRange(const LogFolder& folder, Version version, const VersionRange& range) {
  return Error(ErrorCode::kNotFound,
               fmt::format("version {} of the table is not available; {} has versions {} to {}",
                           version.value(), folder.path, range.first.value(), range.last.value()))
      .With("version", version.value())
      .With("earliestVersion", range.first.value())
      .With("latestVersion", range.last.value());
}

Error LacksAction(const LogFolder& folder, std::string_view action, Version version) {
  return Error(ErrorCode::kCorrupt, fmt::format("the log in {} has no {} up to version {}",
                                                folder.path, action, version.value()))
      .With("version", version.value());
}

}  // namespace deltalakedb::log
