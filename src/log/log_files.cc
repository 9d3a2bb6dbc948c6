#include "log/log_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <expected>
#include <tuple>

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
  const auto number = ParseDigits(words[0], kVersionDigits);
  if (!number || words.size() < 2) return;
  const Version version(*number);
  if (words.size() == 2 && words[1] == "json") {
    listing.commits.emplace(version, std::move(file));
  } else if (words.size() == 2 && words[1] == "crc") {
    listing.checksums.emplace(version, std::move(file));
  } else if (words[1] == "checkpoint") {
    ArrangeCheckpoint(version, words, std::move(file), listing, parts);
  } else if (words.size() == 4 && words[2] == "compacted" && words[3] == "json") {
    const auto last = ParseDigits(words[1], kVersionDigits);
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

// The compaction that starts at `version` and reaches furthest without passing `last`.
const CompactionFile* FindCompaction(const LogListing& listing, Version version, Version last) {
  const CompactionFile* best = nullptr;
  for (const CompactionFile& compaction : listing.compactions) {
    if (compaction.first != version || compaction.last > last) continue;
    if (best == nullptr || compaction.last > best->last) best = &compaction;
  }
  return best;
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
  return listing;
}

std::expected<LogSegment, MissingCommit> PlanSegment(const LogListing& listing,
                                                     std::optional<CheckpointFiles> base,
                                                     Version version) {
  LogSegment segment{version, std::move(base), {}};
  Version next = segment.base ? segment.base->version.next() : Version(0);
  while (next <= version) {
    if (const auto commit = listing.commits.find(next); commit != listing.commits.end()) {
      segment.pieces.push_back({next, next, commit->second});
    } else if (const auto* compaction = FindCompaction(listing, next, version)) {
      segment.pieces.push_back({compaction->first, compaction->last, compaction->file});
    } else {
      return std::unexpected(MissingCommit{next});
    }
    next = segment.pieces.back().last.next();
  }
  return segment;
}

}  // namespace deltalakedb::log
