#include "mirror/log_cleanup_plan.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/try.h"
#include "protocol/features.h"
#include "protocol/interval.h"

namespace deltalakedb::mirror {

namespace {

using std::chrono::milliseconds;

// delta.logRetentionDuration where it is not set (PROTOCOL.md, Table properties).
constexpr milliseconds kRetentionDefault = std::chrono::days(30);

const std::string* FindProperty(const Metadata& metadata, std::string_view name) {
  const auto found = metadata.configuration.find(std::string(name));
  return found == metadata.configuration.end() ? nullptr : &found->second;
}

// As Spark reads booleans, in any case.
bool IsTrue(std::string_view text) {
  constexpr std::string_view kTrue = "true";
  return std::ranges::equal(
      text, kTrue, [](char c, char wanted) { return c == wanted || c == wanted - 'a' + 'A'; });
}

// A file's place in the order of removal.
struct Place {
  enum class Kind { kCompaction, kChecksum, kCommit, kCheckpoint };

  Version version;
  Kind kind = Kind::kCommit;
  std::string name;
};

// Nullopt for files that are not the protocol's.
std::optional<Place> PlaceOf(const storage::FileInfo& file) {
  using Kind = Place::Kind;
  const log::LogListing alone = log::ArrangeListing({file});
  if (!alone.commits.empty()) return Place{alone.commits.begin()->first, Kind::kCommit, file.name};
  if (!alone.checksums.empty()) {
    return Place{alone.checksums.begin()->first, Kind::kChecksum, file.name};
  }
  if (!alone.checkpoints.empty()) {
    return Place{alone.checkpoints.front().version, Kind::kCheckpoint, file.name};
  }
  // One part of several.
  if (!alone.incomplete_checkpoints.empty()) {
    return Place{alone.incomplete_checkpoints.front().version, Kind::kCheckpoint, file.name};
  }
  if (!alone.compactions.empty()) {
    return Place{alone.compactions.front().first, Kind::kCompaction, file.name};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Timestamp> FindCleanupCutoff(const CleanupTable& table, Timestamp now) {
  const std::string* const enabled = FindProperty(table.metadata, "delta.enableExpiredLogCleanup");
  if (enabled == nullptr ? table.is_imported : !IsTrue(*enabled)) return std::nullopt;
  if (FindProperty(table.metadata, "delta.requireCheckpointProtectionBeforeVersion") != nullptr) {
    return std::nullopt;
  }
  // checkpointProtection is among those that are not known.
  if (!protocol::CheckWritable(table.protocol, table.metadata)) return std::nullopt;
  const std::string* const text = FindProperty(table.metadata, "delta.logRetentionDuration");
  const auto retention =
      text == nullptr ? std::optional(kRetentionDefault) : protocol::ParseInterval(*text);
  if (!retention || retention->count() > now.ms()) return std::nullopt;
  const auto day = std::chrono::floor<std::chrono::days>(milliseconds(now.ms()) - *retention);
  return Timestamp(milliseconds(day).count());
}

Result<std::optional<Version>> FindCutoffCheckpoint(const log::LogListing& listing,
                                                    Version published, Timestamp cutoff,
                                                    const FindTime& find_time) {
  std::vector<Version> candidates;  // from the oldest
  Version connected = published;    // all commits from here to `published` are there
  if (!listing.commits.contains(published)) return std::optional<Version>();
  while (connected > Version(0) && listing.commits.contains(Version(connected.value() - 1))) {
    connected = Version(connected.value() - 1);
  }
  for (const log::CheckpointFiles& checkpoint : listing.checkpoints) {
    const Version version = checkpoint.version;
    if (version < connected || version > published) continue;
    if (candidates.empty() || candidates.back() != version) candidates.push_back(version);
  }
  std::size_t old = 0;  // so many at least are not later than the cutoff
  std::size_t end = candidates.size();
  while (old < end) {
    const std::size_t middle = old + ((end - old) / 2);
    DELTALAKEDB_ASSIGN(const Timestamp time, find_time(candidates[middle]));
    if (time <= cutoff) {
      old = middle + 1;
    } else {
      end = middle;
    }
  }
  return old == 0 ? std::nullopt : std::optional(candidates[old - 1]);
}

std::vector<std::string> PlanCleanup(const std::vector<storage::FileInfo>& files,
                                     Version checkpoint) {
  std::vector<Place> places;
  for (const storage::FileInfo& file : files) {
    auto place = PlaceOf(file);
    if (!place) continue;
    const bool goes = place->version < checkpoint ||
                      (place->kind == Place::Kind::kCompaction && place->version == checkpoint);
    if (goes) places.push_back(*std::move(place));
  }
  std::ranges::sort(places, {}, [](const Place& place) {
    return std::tuple(place.version, place.kind, std::string_view(place.name));
  });
  std::vector<std::string> names;
  names.reserve(places.size());
  for (Place& place : places) names.push_back(std::move(place.name));
  return names;
}

}  // namespace deltalakedb::mirror
