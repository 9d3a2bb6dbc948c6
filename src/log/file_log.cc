#include "log/file_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "log/action_lines.h"
#include "log/checkpoint_file.h"
#include "log/commit_times.h"
#include "log/file_log_snapshot.h"
#include "log/file_log_stream.h"
#include "log/rebuild.h"
#include "protocol/action_json.h"
#include "protocol/paths.h"

namespace deltalakedb::log {

namespace {

// How often the log is listed anew when it changes while it is read.
constexpr int kListAttemptsMax = 5;

// Of one commit, or of a chunk of one.
struct CommitFacts {
  std::optional<CommitInfo> info;
  std::int64_t num_added = 0;
  std::int64_t num_removed = 0;
};

Result<CommitFacts> ReadFacts(const LineChunk& chunk, const std::string& path) {
  thread_local protocol::ActionParser parser;
  protocol::Arena arena;
  CommitFacts facts;
  std::optional<Error> error;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (IsBlank(line)) return true;
    arena.Reset();
    auto action = parser.Parse(line, protocol::FileDetail::kIdentity, arena);
    if (!action) {
      error = AtLine(std::move(action).error(), path, number);
      return false;
    }
    if (auto* info = std::get_if<CommitInfo>(&*action); info != nullptr && !facts.info) {
      facts.info = std::move(*info);
    }
    facts.num_added += std::holds_alternative<AddFile>(*action) ? 1 : 0;
    facts.num_removed += std::holds_alternative<RemoveFile>(*action) ? 1 : 0;
    return true;
  });
  if (error) return Fail(*std::move(error));
  return facts;
}

// Reads commits newest first and keeps those that the options ask for.
class HistoryReader {
 public:
  HistoryReader(const LogFolder& folder, const CommitTimes& times, const HistoryOptions& options)
      : folder_(folder), times_(times), options_(options) {}

  // Whether the wanted times exclude a commit before it is read, as file times can.
  Result<bool> IsExcluded(Version version) const;
  Result<std::vector<HistoryEntry>> Read(const std::vector<Version>& versions);

 private:
  bool IsFull() const {
    return options_.limit && static_cast<std::int64_t>(entries_.size()) >= *options_.limit;
  }
  Result<void> Take(Version version, CommitFacts facts);

  const LogFolder& folder_;
  const CommitTimes& times_;
  const HistoryOptions& options_;
  std::vector<HistoryEntry> entries_;
};

Result<bool> HistoryReader::IsExcluded(Version version) const {
  if (!times_.IsFileTime(version) || (!options_.since && !options_.until)) return false;
  DELTALAKEDB_ASSIGN(const Timestamp time, times_.Find(version));
  return (options_.since && time < *options_.since) || (options_.until && time > *options_.until);
}

Result<void> HistoryReader::Take(Version version, CommitFacts facts) {
  HistoryEntry entry;
  entry.version = version;
  DELTALAKEDB_ASSIGN(entry.timestamp, times_.Find(version, facts.info ? &*facts.info : nullptr));
  if (options_.since && entry.timestamp < *options_.since) return {};
  if (options_.until && entry.timestamp > *options_.until) return {};
  if (options_.operation && (!facts.info || facts.info->operation != options_.operation)) return {};
  if (facts.info) entry.commit_id = facts.info->txn_id;
  entry.commit_info = std::move(facts.info);
  entry.num_added = facts.num_added;
  entry.num_removed = facts.num_removed;
  entries_.push_back(std::move(entry));
  return {};
}

Result<std::vector<HistoryEntry>> HistoryReader::Read(const std::vector<Version>& versions) {
  struct Part {
    std::size_t file = 0;
    CommitFacts facts;
  };
  std::vector<LinesFile> files;
  for (const Version version : versions) {
    const storage::FileInfo& file = folder_.listing.commits.at(version);
    files.emplace_back(folder_.PathOf(file.name), file.size_bytes);
  }
  ChunkSource<Part> source(*folder_.file_system, files,
                           [&](std::size_t file, const LineChunk& chunk) -> Result<Part> {
                             DELTALAKEDB_ASSIGN(auto facts, ReadFacts(chunk, files[file].path));
                             return Part{file, std::move(facts)};
                           });
  base::OrderedPipeline<Part> pipeline(std::move(source));
  std::optional<Part> current;  // of one commit, put together from its chunks
  for (;;) {
    DELTALAKEDB_ASSIGN(std::optional<Part> part, pipeline.Next());
    if (current && (!part || part->file != current->file)) {
      DELTALAKEDB_TRY(Take(versions[current->file], std::move(current->facts)));
      current.reset();
      if (IsFull()) break;
    }
    if (!part) break;
    if (!current) {
      current = std::move(part);
      continue;
    }
    if (!current->facts.info) current->facts.info = std::move(part->facts.info);
    current->facts.num_added += part->facts.num_added;
    current->facts.num_removed += part->facts.num_removed;
  }
  return std::move(entries_);
}

// The version that a moment means.
Result<Version> ResolveTimestamp(const LogFolder& folder, const Metadata& latest,
                                 Timestamp moment) {
  DELTALAKEDB_ASSIGN(const VersionRange range, FindAvailableRange(folder));
  DELTALAKEDB_ASSIGN(const auto times, CommitTimes::Make(folder, latest));
  DELTALAKEDB_ASSIGN(const auto found, times.FindLastUpTo(moment, range));
  if (found) return *found;
  DELTALAKEDB_ASSIGN(const Timestamp first, times.Find(range.first));
  DELTALAKEDB_ASSIGN(const Timestamp last, times.Find(range.last));
  return Fail(NoVersionAsOld("the table", moment, range, first, last));
}

Result<std::shared_ptr<const Snapshot>> LoadListedSnapshot(
    const std::shared_ptr<const LogFolder>& folder, TableVersion which) {
  if (const Version* version = which.version()) {
    if (*version < Version(0)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no version; versions start at 0", version->value()));
    }
    return RebuildSnapshot(folder, *version);
  }
  DELTALAKEDB_ASSIGN(auto latest, RebuildSnapshot(folder, folder->listing.Latest()));
  if (which.timestamp() == nullptr) return latest;
  DELTALAKEDB_ASSIGN(const Version version,
                     ResolveTimestamp(*folder, latest->metadata(), *which.timestamp()));
  if (version == latest->version()) return latest;
  return RebuildSnapshot(folder, version, &latest->metadata());
}

Result<std::vector<HistoryEntry>> LoadListedHistory(const std::shared_ptr<const LogFolder>& folder,
                                                    const HistoryOptions& options) {
  DELTALAKEDB_ASSIGN(const auto latest, RebuildSnapshot(folder, folder->listing.Latest()));
  DELTALAKEDB_ASSIGN(const auto times, CommitTimes::Make(*folder, latest->metadata()));
  HistoryReader reader(*folder, times, options);
  std::vector<Version> versions;
  if (options.limit && *options.limit == 0) return std::vector<HistoryEntry>();
  // Where nothing but their number counts, no more commits are read than that.
  const bool is_limited_alone =
      options.limit && !options.since && !options.until && !options.operation;
  for (auto it = folder->listing.commits.rbegin(); it != folder->listing.commits.rend(); ++it) {
    DELTALAKEDB_ASSIGN(const bool is_excluded, reader.IsExcluded(it->first));
    if (!is_excluded) versions.push_back(it->first);
    if (is_limited_alone && std::ssize(versions) == *options.limit) break;
  }
  return reader.Read(versions);
}

// Once more from another base where one proves damaged only then.
Result<void> VisitListed(const std::shared_ptr<const LogFolder>& folder, Version version,
                         const TransactionLog::TombstoneVisitor& visit) {
  DamagedSet damaged;
  for (;;) {
    DELTALAKEDB_ASSIGN(Attempt attempt, TryBases(folder, version, damaged));
    if (!attempt.rebuilt) return Fail(ErrorFor(*folder, version, std::move(attempt.no_way)));
    const auto sources = std::make_shared<const FileSources>(std::move(attempt.rebuilt->sources));
    const auto tombstones = StreamTombstones(sources);
    for (;;) {
      auto batch = tombstones->Next();
      if (!batch) {
        if (!sources->base || !IsDamage(batch.error())) return Fail(std::move(batch).error());
        damaged.insert(NameOf(*sources->segment.base));
        WarnDamaged(*folder, batch.error());
        break;
      }
      if (!*batch) return {};
      DELTALAKEDB_TRY(visit(**batch));
    }
  }
}

Error LacksVersion(const LogFolder& folder, Version missing, Version version) {
  return Error(
             ErrorCode::kNotFound,
             fmt::format("cannot write version {}: {} has no version {}, and versions have no gaps",
                         version.value(), folder.path, missing.value()))
      .With("version", missing.value());
}

Error NoCommitToCheckpoint(const LogFolder& folder, Version version) {
  return Error(ErrorCode::kNotFound,
               fmt::format("{} has no commit of version {}, of which a checkpoint can be made",
                           folder.path, version.value()))
      .With("version", version.value());
}

}  // namespace

Result<std::unique_ptr<FileLog>> FileLog::Open(const storage::FileSystem& file_system,
                                               std::string table_path, LogSink& sink) {
  std::unique_ptr<FileLog> log(new FileLog(file_system, std::move(table_path), sink));
  DELTALAKEDB_TRY(log->ListFolder());
  return log;
}

// Calls load(folder) on a fresh listing; again on another when files of the first are gone by then,
// as log clean-up removes them.
template <typename Load>
std::invoke_result_t<Load, const std::shared_ptr<const LogFolder>&> FileLog::WithListing(
    Load load) const {
  for (int attempt = 1;; ++attempt) {
    DELTALAKEDB_ASSIGN(const auto folder, ListFolder());
    auto loaded = load(folder);
    const bool has_changed = !loaded && HasLogChanged(loaded.error());
    if (!has_changed || attempt == kListAttemptsMax) return loaded;
  }
}

std::unique_ptr<FileLog> FileLog::At(const storage::FileSystem& file_system, std::string table_path,
                                     LogSink& sink) {
  return std::unique_ptr<FileLog>(new FileLog(file_system, std::move(table_path), sink));
}

Result<storage::PutResult> FileLog::PutCommit(Version version, std::string_view body) const {
  if (version < Version(0)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no version; versions start at 0", version.value()));
  }
  const std::string folder_path = table_path_ + "/_delta_log/";
  if (version > Version(0)) {
    const Version before(version.value() - 1);
    const auto commit = file_system_.Open(folder_path + CommitName(before));
    if (!commit && commit.error().code() != ErrorCode::kNotFound) return Fail(commit.error());
    if (!commit) {
      DELTALAKEDB_ASSIGN(const auto folder, ListFolder());
      const LogListing& listing = folder->listing;
      const bool is_there =
          listing.commits.contains(before) ||
          std::ranges::find(listing.checkpoints, before, &CheckpointFiles::version) !=
              listing.checkpoints.end();
      if (!is_there) return Fail(LacksVersion(*folder, before, version));
    }
  }
  return file_system_.PutIfAbsent(folder_path + CommitName(version), body, {});
}

Result<PutCheckpoint> FileLog::WriteCheckpoint(Version version, Timestamp now) const {
  return WithListing([&](const auto& folder) -> Result<PutCheckpoint> {
    if (!folder->listing.commits.contains(version)) {
      return Fail(NoCommitToCheckpoint(*folder, version));
    }
    return WriteCheckpointOfLog(folder, version, now);
  });
}

Result<std::shared_ptr<const LogFolder>> FileLog::ListFolder() const {
  auto folder = std::make_shared<LogFolder>();
  folder->file_system = &file_system_;
  folder->sink = &sink_;
  folder->path = table_path_ + "/_delta_log";
  folder->table_root = protocol::CanonicalRoot(table_path_);
  auto files = file_system_.List(folder->path);
  if (!files) {
    if (files.error().code() != ErrorCode::kNotFound) return Fail(std::move(files).error());
    const auto* const bucket = files.error().FindFact("bucket");
    const std::string missing =
        bucket != nullptr ? "bucket " + std::get<std::string>(*bucket) : "folder " + folder->path;
    return Fail(Error(ErrorCode::kNotFound,
                      fmt::format("no Delta table at {}: there is no {}", table_path_, missing))
                    .With("table", table_path_));
  }
  folder->listing = ArrangeListing(*std::move(files));
  if (folder->listing.IsEmpty()) {
    return Fail(Error(ErrorCode::kNotFound,
                      fmt::format("no Delta table at {}: {} holds neither commits nor checkpoints",
                                  table_path_, folder->path))
                    .With("table", table_path_));
  }
  return folder;
}

Result<Version> FileLog::LoadLatestVersion() const {
  DELTALAKEDB_ASSIGN(const auto folder, ListFolder());
  return folder->listing.Latest();
}

Result<std::shared_ptr<const Snapshot>> FileLog::LoadSnapshot(TableVersion which) const {
  return WithListing([&](const auto& folder) { return LoadListedSnapshot(folder, which); });
}

Result<TableState> FileLog::LoadState(TableVersion which) const {
  DELTALAKEDB_ASSIGN(const auto snapshot, LoadSnapshot(which));
  return snapshot->state();
}

Result<void> FileLog::VisitTombstones(Version version, Timestamp /*expiry*/,
                                      const TombstoneVisitor& visit) const {
  return WithListing([&](const auto& folder) { return VisitListed(folder, version, visit); });
}

Result<std::vector<HistoryEntry>> FileLog::LoadHistory(const HistoryOptions& options) const {
  return WithListing([&](const auto& folder) { return LoadListedHistory(folder, options); });
}

}  // namespace deltalakedb::log
