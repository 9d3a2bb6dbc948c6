#include "log/commit_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <ranges>

#include "base/time_text.h"
#include "base/try.h"
#include "log/action_lines.h"
#include "log/line_chunks.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {

namespace {

// A time that counts as it was found.
CommitTime Exactly(Timestamp time, TimeSource source) { return {time, time, source}; }

Result<std::optional<std::int64_t>> FindNumber(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.configuration.find(key);
  if (found == metadata.configuration.end()) return std::optional<std::int64_t>();
  const std::string& text = found->second;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the table property {} is '{}', not a number", key, text));
  }
  return std::optional(value);
}

Timestamp JustBefore(Timestamp time) {
  return time.ms() == std::numeric_limits<std::int64_t>::min() ? time : Timestamp(time.ms() - 1);
}

// As Spark reads a boolean property: in any case.
bool IsTrue(std::string_view text) {
  return std::ranges::equal(text, std::string_view("true"), {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

// The commitInfo of a commit. It has to come first where it carries an in-commit timestamp; one
// that comes later is found all the same, as in every other place that reads it.
Result<std::optional<CommitInfo>> ReadCommitInfo(const LogFolder& folder,
                                                 const storage::FileInfo& commit) {
  DELTALAKEDB_ASSIGN(
      auto file, OpenListed(*folder.file_system, {folder.PathOf(commit.name), commit.size_bytes}));
  LineChunkReader reader(std::move(file));
  std::optional<CommitInfo> info;
  std::optional<Error> error;
  protocol::ActionParser parser;
  protocol::Arena arena;
  const auto find = [&](std::int64_t number, std::string_view line) {
    if (IsBlank(line)) return true;
    arena.Reset();
    auto action = parser.Parse(line, protocol::FileDetail::kIdentity, arena);
    if (!action) {
      error = AtLine(std::move(action).error(), reader.path(), number);
    } else if (auto* found = std::get_if<CommitInfo>(&*action)) {
      info = std::move(*found);
    }
    return !error && !info;
  };
  while (!error && !info) {
    DELTALAKEDB_ASSIGN(const auto chunk, reader.Next());
    if (!chunk) break;
    chunk->ForEachRecord(find);
  }
  if (error) return Fail(*std::move(error));
  return info;
}

// The in-commit timestamp that a version checksum repeats; it is only a second source, so one that
// cannot be read counts as absent.
std::optional<Timestamp> ReadChecksumTimestamp(const LogFolder& folder, const std::string& name) {
  const auto file = folder.file_system->Open(folder.PathOf(name));
  if (!file) return std::nullopt;
  constexpr std::int64_t kChecksumBytesMax = 64 * 1024 * 1024;
  const std::int64_t size = (*file)->size_bytes();
  if (size > kChecksumBytesMax) return std::nullopt;
  std::string text(static_cast<std::size_t>(size), '\0');
  if (!(*file)->ReadAt(0, text)) return std::nullopt;
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("inCommitTimestampOpt");
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  return Timestamp(found->get<std::int64_t>());
}

}  // namespace

Result<std::optional<InCommitTimestamps>> FindInCommitTimestamps(const Metadata& metadata) {
  const auto enabled = metadata.configuration.find("delta.enableInCommitTimestamps");
  if (enabled == metadata.configuration.end() || !IsTrue(enabled->second)) {
    return std::optional<InCommitTimestamps>();
  }
  DELTALAKEDB_ASSIGN(const auto since,
                     FindNumber(metadata, "delta.inCommitTimestampEnablementVersion"));
  DELTALAKEDB_ASSIGN(const auto since_ms,
                     FindNumber(metadata, "delta.inCommitTimestampEnablementTimestamp"));
  InCommitTimestamps result{Version(since.value_or(0)), std::nullopt};
  if (since_ms) result.since_time = Timestamp(*since_ms);
  return std::optional(result);
}

Result<CommitTimes> CommitTimes::Make(const LogFolder& folder, const Metadata& metadata) {
  DELTALAKEDB_ASSIGN(auto in_commit, FindInCommitTimestamps(metadata));
  return CommitTimes(folder, in_commit);
}

CommitTimes::CommitTimes(const LogFolder& folder, std::optional<InCommitTimestamps> in_commit)
    : folder_(&folder), in_commit_(in_commit) {
  std::optional<Timestamp> previous;
  for (const auto& [version, file] : folder.listing.commits) {
    const bool is_later = !previous || file.modified > *previous;
    previous = is_later ? file.modified : Timestamp(previous->ms() + 1);
    file_times_.emplace_hint(file_times_.end(), version,
                             CommitTime{*previous, file.modified, TimeSource::kFile});
  }
  // A version whose commit is gone goes by its checkpoint's time; but a checkpoint is written at
  // leisure, and does not move the commits around it.
  for (const CheckpointFiles& checkpoint : folder.listing.checkpoints | std::views::reverse) {
    const auto next = file_times_.lower_bound(checkpoint.version);
    const Timestamp written = checkpoint.files.front().modified;
    Timestamp time = written;
    if (next != file_times_.begin()) {
      time = std::max(time, Timestamp(std::prev(next)->second.time.ms() + 1));
    }
    if (next != file_times_.end()) {
      if (next->first == checkpoint.version) continue;
      time = std::min(time, JustBefore(next->second.time));
    }
    file_times_.emplace(checkpoint.version, CommitTime{time, written, TimeSource::kCheckpoint});
  }
}

Result<CommitTime> CommitTimes::ReadInCommitTimestamp(Version version) const {
  if (const auto commit = folder_->listing.commits.find(version);
      commit != folder_->listing.commits.end()) {
    const std::string& name = commit->second.name;
    DELTALAKEDB_ASSIGN(const auto info, ReadCommitInfo(*folder_, commit->second));
    if (info && info->in_commit_timestamp) {
      return Exactly(Timestamp(*info->in_commit_timestamp), TimeSource::kInCommit);
    }
    return Fail(
        Error(ErrorCode::kCorrupt, fmt::format("{} has no inCommitTimestamp, though the "
                                               "table has in-commit timestamps since version {}",
                                               folder_->PathOf(name), in_commit_->since.value()))
            .With("file", folder_->PathOf(name)));
  }
  if (const auto checksum = folder_->listing.checksums.find(version);
      checksum != folder_->listing.checksums.end()) {
    if (const auto time = ReadChecksumTimestamp(*folder_, checksum->second.name)) {
      return Exactly(*time, TimeSource::kChecksum);
    }
  }
  // What is left is the time of its checkpoint, which may have been written after the next commit.
  const auto& checkpoints = folder_->listing.checkpoints;
  const auto checkpoint = std::ranges::find(checkpoints, version, &CheckpointFiles::version);
  if (checkpoint == checkpoints.end()) {
    return Fail(
        ErrorCode::kNotFound,
        fmt::format("the time of version {} is not known: its commit is gone", version.value()));
  }
  const Timestamp written = checkpoint->files.front().modified;
  CommitTime time{written, written, TimeSource::kCheckpoint};
  if (folder_->listing.commits.contains(version.next())) {
    DELTALAKEDB_ASSIGN(const CommitTime next, ReadInCommitTimestamp(version.next()));
    time.time = std::min(written, JustBefore(next.time));
  }
  return time;
}

Result<Timestamp> CommitTimes::Find(Version version, const CommitInfo* info) const {
  DELTALAKEDB_ASSIGN(const CommitTime found, FindDetailed(version, info));
  return found.time;
}

Result<CommitTime> CommitTimes::FindDetailed(Version version, const CommitInfo* info) const {
  if (!IsFileTime(version)) {
    if (info != nullptr && info->in_commit_timestamp) {
      return Exactly(Timestamp(*info->in_commit_timestamp), TimeSource::kInCommit);
    }
    return ReadInCommitTimestamp(version);
  }
  if (const auto time = file_times_.find(version); time != file_times_.end()) return time->second;
  // Only a compaction stands for this version: no later than the next one that has a time.
  const auto next = file_times_.upper_bound(version);
  if (next != file_times_.end()) return next->second;
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("the time of version {} is not known: its commit is gone", version.value()));
}

Result<std::optional<Version>> CommitTimes::FindLastUpTo(Timestamp moment,
                                                         VersionRange range) const {
  return log::FindLastUpTo(in_commit_, moment, range,
                           [this](Version version) { return Find(version); });
}

Error NoVersionAsOld(std::string_view subject, Timestamp moment, VersionRange range,
                     Timestamp first, Timestamp last) {
  return Error(
             ErrorCode::kNotFound,
             fmt::format("{} has no version as old as {}; its versions {} to {} were committed "
                         "from {} to {}",
                         subject, base::FormatRfc3339(moment), range.first.value(),
                         range.last.value(), base::FormatRfc3339(first), base::FormatRfc3339(last)))
      .With("earliestTimestamp", first.ms())
      .With("latestTimestamp", last.ms())
      .With("earliestVersion", range.first.value())
      .With("latestVersion", range.last.value());
}

}  // namespace deltalakedb::log
