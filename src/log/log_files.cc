#include "log/log_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <expected>
#include <limits>
#include <ranges>
#include <set>
#include <tuple>
#include <utility>

namespace deltalakedb::log {

namespace {

constexpr std::size_t kVersionDigits = 20;
constexpr std::size_t kPartDigits = 10;

// A number of exactly `digits` digits, or nothing.
std::optional<std::int64_t> ParseDigits(std::string_view text, std::size_t digits) {
  std::int64_t value = 0;
  if (text.size() != digits) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;  // beyond 63 bits
  return value;
}

// A version as names have it, or nothing. The very last number is none: no version could follow it.
std::optional<std::int64_t> ParseVersion(std::string_view text) {
  const auto version = ParseDigits(text, kVersionDigits);
  if (version == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return version;
}

std::vector<std::string_view> SplitAtDots(std::string_view name) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t dot = name.find('.');
    parts.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    name.remove_prefix(dot + 1);
  }
}

struct PartName {
  std::int64_t part = 0;
  std::int64_t parts = 0;
};

// Parts of checkpoints as they are found, until all are known.
using PartSets =
    std::map<std::pair<Version, std::int64_t>, std::map<std::int64_t, storage::FileInfo>>;

std::optional<PartName> ParsePart(std::string_view part, std::string_view parts) {
  const auto number = ParseDigits(part, kPartDigits);
  const auto count = ParseDigits(parts, kPartDigits);
  if (!number || !count || *number < 1 || *number > *count) return std::nullopt;
  return PartName{*number, *count};
}

void ArrangeCheckpoint(Version version, const std::vector<std::string_view>& words,
                       storage::FileInfo file, LogListing& listing, PartSets& parts) {
  const bool is_parquet = words.back() == "parquet";
  if (words.size() == 3 && is_parquet) {
    listing.checkpoints.push_back({version, CheckpointKind::kClassic, {std::move(file)}});
  } else if (words.size() == 4 && !words[2].empty() && (is_parquet || words.back() == "json")) {
    const auto kind = is_parquet ? CheckpointKind::kUuidParquet : CheckpointKind::kUuidJson;
    listing.checkpoints.push_back({version, kind, {std::move(file)}});
  } else if (words.size() == 5 && is_parquet) {
    if (const auto name = ParsePart(words[2], words[3])) {
      parts[{version, name->parts}].emplace(name->part, std::move(file));
    }
  }
}

void ArrangeFile(storage::FileInfo file, LogListing& listing, PartSets& parts) {
  const std::string name = file.name;
  const std::vector<std::string_view> words = SplitAtDots(name);
  const auto number = ParseVersion(words[0]);
  if (!number || words.size() < 2) return;
  const Version version(*number);
  if (words.size() == 2 && words[1] == "json") {
    listing.commits.emplace(version, std::move(file));
  } else if (words.size() == 2 && words[1] == "crc") {
    listing.checksums.emplace(version, std::move(file));
  } else if (words[1] == "checkpoint") {
    ArrangeCheckpoint(version, words, std::move(file), listing, parts);
  } else if (words.size() == 4 && words[2] == "compacted" && words[3] == "json") {
    const auto last = ParseVersion(words[1]);
    if (last && *last > *number) {
      listing.compactions.push_back({version, Version(*last), std::move(file)});
    }
  }
}

// Preference among checkpoints of one version: kind, then number of parts, then name.
auto Rank(const CheckpointFiles& checkpoint) {
  int kind = 2;
  if (checkpoint.kind == CheckpointKind::kClassic) kind = 0;
  if (checkpoint.kind == CheckpointKind::kMultiPart) kind = 1;
  return std::tuple(checkpoint.version, kind, checkpoint.files.size(),
                    std::string_view(checkpoint.files.front().name));
}

LogSegment::Piece PieceOf(Version version, const storage::FileInfo& commit) {
  return {version, version, commit};
}
LogSegment::Piece PieceOf(const CompactionFile& compaction) {
  return {compaction.first, compaction.last, compaction.file};
}

// The compaction that starts at `version` and reaches furthest without passing `last`, among those
// for which may_end(version after it) holds.
template <typename MayEnd>
const CompactionFile* FindCompaction(const LogListing& listing, Version version, Version last,
                                     MayEnd may_end) {
  const auto candidates =
      std::ranges::equal_range(listing.compactions, version, {}, &CompactionFile::first);
  for (const CompactionFile& compaction : candidates | std::views::reverse) {
    if (compaction.last <= last && may_end(compaction.last.next())) return &compaction;
  }
  return nullptr;
}

// The versions from `first` on at which a piece can begin so that pieces lead up to `last`.
std::set<Version> FindStarts(const LogListing& listing, Version first, Version last) {
  std::set<Version> candidates;
  for (const CompactionFile& compaction : listing.compactions) candidates.insert(compaction.first);
  for (const auto& [version, commit] : listing.commits) candidates.insert(version);
  std::set<Version> starts = {last.next()};
  for (auto it = candidates.upper_bound(last); it != candidates.begin();) {
    const Version version = *--it;
    if (version < first) break;
    const auto is_start = [&](Version next) { return starts.contains(next); };
    if ((listing.commits.contains(version) && is_start(version.next())) ||
        FindCompaction(listing, version, last, is_start) != nullptr) {
      starts.insert(version);
    }
  }
  return starts;
}

// The pieces from `first` to `last`, each beginning at a version that may_start allows.
template <typename MayStart>
std::expected<std::vector<LogSegment::Piece>, MissingCommit> FindPieces(const LogListing& listing,
                                                                        Version first, Version last,
                                                                        MayStart may_start) {
  std::vector<LogSegment::Piece> pieces;
  while (first <= last) {
    const auto commit = listing.commits.find(first);
    if (commit != listing.commits.end() && may_start(first.next())) {
      pieces.push_back(PieceOf(first, commit->second));
    } else if (const auto* compaction = FindCompaction(listing, first, last, may_start)) {
      pieces.push_back(PieceOf(*compaction));
    } else {
      return std::unexpected(MissingCommit{first});
    }
    first = pieces.back().last.next();
  }
  return pieces;
}

}  // namespace

std::string CommitName(Version version) { return fmt::format("{:020}.json", version.value()); }

Version LogListing::Latest() const {
  Version latest;
  if (!commits.empty()) latest = commits.rbegin()->first;
  if (!checkpoints.empty()) latest = std::max(latest, checkpoints.back().version);
  for (const auto& incomplete : incomplete_checkpoints) {
    if (commits.empty() && checkpoints.empty()) latest = std::max(latest, incomplete.version);
  }
  return latest;
}

LogListing ArrangeListing(std::vector<storage::FileInfo> files) {
  LogListing listing;
  PartSets part_sets;
  for (storage::FileInfo& file : files) ArrangeFile(std::move(file), listing, part_sets);
  for (auto& [key, found] : part_sets) {
    const auto [version, parts] = key;
    if (static_cast<std::int64_t>(found.size()) != parts) {
      listing.incomplete_checkpoints.push_back(
          {version, parts, static_cast<std::int64_t>(found.size())});
      continue;
    }
    CheckpointFiles checkpoint{version, CheckpointKind::kMultiPart, {}};
    for (auto& [part, file] : found) checkpoint.files.push_back(std::move(file));
    listing.checkpoints.push_back(std::move(checkpoint));
  }
  std::ranges::sort(listing.checkpoints, {}, Rank);
  std::ranges::sort(listing.compactions, {}, [](const CompactionFile& compaction) {
    return std::pair(compaction.first, compaction.last);
  });
  return listing;
}

std::expected<LogSegment, MissingCommit> PlanSegment(const LogListing& listing,
                                                     std::optional<CheckpointFiles> base,
                                                     Version version) {
  LogSegment segment{version, std::move(base), {}};
  const Version first = segment.base ? segment.base->version.next() : Version(0);
  auto pieces = FindPieces(listing, first, version, [](Version) { return true; });
  if (!pieces && !listing.compactions.empty()) {
    // A commit that is there, or a compaction that reaches far, may have led into a dead end.
    const std::set<Version> starts = FindStarts(listing, first, version);
    if (starts.contains(first)) {
      pieces =
          FindPieces(listing, first, version, [&](Version next) { return starts.contains(next); });
    }
  }
  if (!pieces) return std::unexpected(pieces.error());
  segment.pieces = *std::move(pieces);
  return segment;
}

}  // namespace deltalakedb::log
