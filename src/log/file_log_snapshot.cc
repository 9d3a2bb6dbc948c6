#include "log/file_log_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "log/base_checkpoint.h"
#include "log/commit_scan.h"
#include "log/commit_times.h"
#include "log/file_log_stream.h"
#include "log/rebuild.h"
#include "log/sorted_files.h"
#include "protocol/features.h"
#include "protocol/paths.h"

namespace deltalakedb::log {

namespace {

Result<void> CheckState(const LogFolder& folder, const LogState& state, Version version) {
  if (!state.protocol) return Fail(LacksAction(folder, "protocol", version));
  if (auto readable = protocol::CheckReadable(*state.protocol); !readable) {
    return Fail(std::move(readable).error().With("version", version.value()));
  }
  if (!state.metadata) return Fail(LacksAction(folder, "metaData", version));
  return {};
}

// Reads `files` again from other parts of the log when the base proves damaged only now.
class FileLogSnapshot final : public Snapshot,
                              public std::enable_shared_from_this<FileLogSnapshot> {
 public:
  FileLogSnapshot(TableState state, FileSources sources, DamagedSet damaged)
      : Snapshot(std::move(state)),
        sources_(std::make_shared<const FileSources>(std::move(sources))),
        damaged_(std::move(damaged)) {}

  Result<std::unique_ptr<FileStream>> OpenFiles(const FileOptions& options) const override;
  Result<std::optional<FileBatch>> FindFile(std::string_view path) const override;
  Result<FileTotals> LoadTotals() const override;

  std::unique_ptr<FileStream> Stream(const FileOptions& options) const {
    return StreamFiles(sources_, options.with_stats ? storage::CheckpointColumns::kAll
                                                    : storage::CheckpointColumns::kWithoutStats);
  }

  // The same version from another base than this one's, when that is what `error` is about; else
  // `error`.
  Result<std::shared_ptr<const FileLogSnapshot>> WithoutBase(Error error) const;

 private:
  // Whether an error that came while files were streamed is about the base rather than a commit.
  bool IsAboutBase(const Error& error) const;

  std::shared_ptr<const FileSources> sources_;
  DamagedSet damaged_;
};

// An unordered stream that starts over without the base when that fails before anything was given
// out.
class FallingBackFiles final : public FileStream {
 public:
  FallingBackFiles(std::shared_ptr<const FileLogSnapshot> snapshot, const FileOptions& options)
      : snapshot_(std::move(snapshot)), options_(options), files_(snapshot_->Stream(options)) {}

  Result<std::optional<FileBatch>> Next() override {
    for (;;) {
      auto batch = files_->Next();
      if (batch) {
        has_given_ = true;
        return batch;
      }
      if (has_given_) return batch;
      DELTALAKEDB_ASSIGN(snapshot_, snapshot_->WithoutBase(std::move(batch).error()));
      files_ = snapshot_->Stream(options_);
    }
  }

 private:
  std::shared_ptr<const FileLogSnapshot> snapshot_;
  FileOptions options_;
  std::unique_ptr<FileStream> files_;
  bool has_given_ = false;
};

bool FileLogSnapshot::IsAboutBase(const Error& error) const {
  if (error.FindFact("outOfMemory") != nullptr) return true;
  const auto* const file = error.FindFact("file");
  return file != nullptr && std::ranges::none_of(sources_->segment.pieces, [&](const auto& piece) {
           return *file == Error::FactValue(sources_->folder->PathOf(piece.file.name));
         });
}

Result<std::shared_ptr<const FileLogSnapshot>> FileLogSnapshot::WithoutBase(Error error) const {
  if (!IsDamage(error) || !sources_->base || !IsAboutBase(error)) return Fail(std::move(error));
  DamagedSet damaged = damaged_;
  damaged.insert(NameOf(*sources_->segment.base));
  DELTALAKEDB_ASSIGN(Attempt attempt, TryBases(sources_->folder, version(), damaged));
  if (!attempt.rebuilt) return Fail(std::move(error));
  WarnDamaged(*sources_->folder, error);
  TableState state{version(),  timestamp(),        protocol(),
                   metadata(), app_transactions(), domain_metadata()};
  return std::make_shared<const FileLogSnapshot>(
      std::move(state), std::move(attempt.rebuilt->sources), std::move(damaged));
}

Result<std::unique_ptr<FileStream>> FileLogSnapshot::OpenFiles(const FileOptions& options) const {
  if (options.order == FileOrder::kNone) {
    return std::make_unique<FallingBackFiles>(shared_from_this(), options);
  }
  std::shared_ptr<const FileLogSnapshot> snapshot = shared_from_this();
  for (;;) {
    const auto files = snapshot->Stream(options);
    auto sorted = SortByPath(*files);
    if (sorted) return sorted;
    DELTALAKEDB_ASSIGN(snapshot, snapshot->WithoutBase(std::move(sorted).error()));
  }
}

// The files of the stream that have the path, which is canonical; nullopt where there are none.
Result<std::optional<FileBatch>> FilesOfPath(FileStream& files, std::string_view table_root,
                                             std::string_view path) {
  std::vector<AddFile> found;
  std::vector<std::shared_ptr<const void>> owners;
  std::string canonical;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files.Next());
    if (!batch) break;
    const std::size_t found_before = found.size();
    for (const AddFile& add : batch->files()) {
      canonical.clear();
      protocol::AppendCanonicalPath(add.path, table_root, canonical);
      if (canonical == path) found.push_back(add);
    }
    if (found.size() == found_before) continue;
    owners.insert(owners.end(), batch->owners().begin(), batch->owners().end());
  }
  if (found.empty()) return std::optional<FileBatch>();
  return FileBatch(std::move(found), std::move(owners));
}

Result<std::optional<FileBatch>> FileLogSnapshot::FindFile(std::string_view path) const {
  const std::string& table_root = sources_->folder->table_root;
  std::string canonical;
  protocol::AppendCanonicalPath(path, table_root, canonical);
  std::shared_ptr<const FileLogSnapshot> snapshot = shared_from_this();
  for (;;) {
    const auto files = snapshot->Stream({});
    auto found = FilesOfPath(*files, table_root, canonical);
    if (found) return found;
    DELTALAKEDB_ASSIGN(snapshot, snapshot->WithoutBase(std::move(found).error()));
  }
}

Result<FileTotals> FileLogSnapshot::LoadTotals() const {
  auto totals = CountBaseFiles(sources_);
  if (!totals) {
    DELTALAKEDB_ASSIGN(const auto other, WithoutBase(std::move(totals).error()));
    return other->LoadTotals();
  }
  totals->num_files += sources_->scan.totals.num_files;
  DELTALAKEDB_TRY(AddSize(sources_->scan.totals.size_in_bytes, *totals));
  return totals;
}

// The versions that can be rebuilt without a break down from the latest, and the checkpoints that
// this takes.
struct Run {
  VersionRange versions;
  std::set<const CheckpointFiles*> bases;
};

// That run if all checkpoints but the damaged ones can be read; nullopt when the latest version
// itself is out of reach.
std::optional<Run> FindRun(const LogListing& listing, const DamagedSet& damaged) {
  std::map<Version, const CheckpointFiles*> checkpoints;  // the most preferred of each version
  for (const CheckpointFiles& files : listing.checkpoints) {
    if (!damaged.contains(NameOf(files))) checkpoints.insert_or_assign(files.version, &files);
  }
  std::multimap<Version, Version> compactions;  // last version to first
  std::set<Version> candidates;
  const Version latest = listing.Latest();
  for (const CompactionFile& compaction : listing.compactions) {
    if (compaction.last > latest) continue;
    compactions.emplace(compaction.last, compaction.first);
    candidates.insert(compaction.last);
  }
  for (const auto& [version, commit] : listing.commits)
    candidates.insert(candidates.end(), version);
  for (const auto& [version, files] : checkpoints) candidates.insert(version);
  // Of each version within reach the checkpoint that it goes back to; null for version 0.
  std::map<Version, const CheckpointFiles*> bases;
  for (const Version version : candidates) {
    std::optional<const CheckpointFiles*> base;
    const auto continue_from = [&](Version first) {
      if (base) return;
      if (first == Version(0)) base = nullptr;
      if (const auto before = bases.find(Version(first.value() - 1)); before != bases.end()) {
        base = before->second;
      }
    };
    if (listing.commits.contains(version)) continue_from(version);
    const auto [begin, end] = compactions.equal_range(version);
    for (auto it = begin; it != end; ++it) continue_from(it->second);
    if (const auto own = checkpoints.find(version); !base && own != checkpoints.end()) {
      base = own->second;
    }
    if (base) bases.emplace_hint(bases.end(), version, *base);
  }
  Run run{{latest.next(), latest}, {}};
  for (auto it = bases.rbegin(); it != bases.rend(); ++it) {
    if (it->first.next() != run.versions.first) break;
    run.versions.first = it->first;
    if (it->second != nullptr) run.bases.insert(it->second);
  }
  if (run.versions.first > latest) return std::nullopt;
  return run;
}

// OutOfRange where the latest version cannot be rebuilt, so that there is no range to tell.
Error LaterThanLatest(const LogFolder& folder, Version version) {
  const Version latest = folder.listing.Latest();
  return Error(ErrorCode::kNotFound,
               fmt::format("version {} of the table is not available; the latest in {} is {}",
                           version.value(), folder.path, latest.value()))
      .With("version", version.value())
      .With("latestVersion", latest.value());
}

// The times of commits go by the latest metadata, in history and time travel alike. Looking it up
// costs what loading the latest version does, and is spared where `metadata`, that of `version`,
// says the same: a commit has no in-commit timestamp unless they were enabled at it.
Result<CommitTimes> MakeTimes(const LogFolder& folder, Version version, const Metadata& metadata,
                              const Metadata* latest) {
  if (latest != nullptr) return CommitTimes::Make(folder, *latest);
  DELTALAKEDB_ASSIGN(const auto in_commit, FindInCommitTimestamps(metadata));
  if (!in_commit || version == folder.listing.Latest()) return CommitTimes::Make(folder, metadata);
  DELTALAKEDB_ASSIGN(const auto loaded, LoadLatestMetadata(folder));
  return CommitTimes::Make(folder, loaded ? *loaded : metadata);
}

}  // namespace

Result<std::shared_ptr<const Snapshot>> RebuildSnapshot(
    const std::shared_ptr<const LogFolder>& folder, Version version, const Metadata* latest) {
  if (version > folder->listing.Latest()) {
    const auto range = FindAvailableRange(*folder);
    if (range) return Fail(OutOfRange(*folder, version, *range));
    if (!IsDamage(range.error())) return Fail(range.error());
    return Fail(LaterThanLatest(*folder, version));
  }
  DamagedSet damaged;
  DELTALAKEDB_ASSIGN(Attempt attempt, TryBases(folder, version, damaged));
  if (!attempt.rebuilt) {
    if (!attempt.no_way.damage) {
      const auto range = FindAvailableRange(*folder);
      if (!range && !IsDamage(range.error())) return Fail(range.error());
      if (range && version < range->first) return Fail(OutOfRange(*folder, version, *range));
    }
    return Fail(ErrorFor(*folder, version, std::move(attempt.no_way)));
  }
  Rebuilt& rebuilt = *attempt.rebuilt;
  DELTALAKEDB_TRY(CheckState(*folder, rebuilt.state, version));
  LogState& state = rebuilt.state;
  DELTALAKEDB_ASSIGN(const auto times, MakeTimes(*folder, version, *state.metadata, latest));
  const auto& info = rebuilt.sources.scan.last_commit_info;
  DELTALAKEDB_ASSIGN(const Timestamp time, times.Find(version, info ? &*info : nullptr));
  return std::make_shared<FileLogSnapshot>(
      TableState{version, time, *std::move(state.protocol), *std::move(state.metadata),
                 std::move(state.app_transactions), std::move(state.domain_metadata)},
      std::move(rebuilt.sources), std::move(damaged));
}

Result<VersionRange> FindAvailableRange(const LogFolder& folder) {
  NoWay no_way;
  DamagedSet damaged;
  std::set<std::string> readable;
  for (;;) {
    const auto run = FindRun(folder.listing, damaged);
    if (!run) break;
    const std::size_t damaged_before = damaged.size();
    for (const CheckpointFiles* files : run->bases) {
      if (readable.contains(NameOf(*files))) continue;
      LogState state;
      const auto base = OpenCheckpoint(folder, *files, state);
      if (base) {
        readable.insert(NameOf(*files));
        continue;
      }
      if (!IsDamage(base.error())) return Fail(base.error());
      damaged.insert(NameOf(*files));
      if (!no_way.damage) no_way.damage = base.error();
      break;
    }
    if (damaged.size() == damaged_before) return run->versions;
  }
  const Version latest = folder.listing.Latest();
  const auto bases = FindBases(folder.listing, latest, damaged);
  const auto plan = PlanSegment(
      folder.listing, bases.empty() ? std::nullopt : std::optional(*bases.front()), latest);
  if (!plan) no_way.missing_commit = plan.error().commit;
  return Fail(ErrorFor(folder, latest, std::move(no_way)));
}

}  // namespace deltalakedb::log
