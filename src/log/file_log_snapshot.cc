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
#include "log/sorted_files.h"
#include "protocol/features.h"

namespace deltalakedb::log {

namespace {

// Names of checkpoint files that turned out unreadable.
using DamagedSet = std::set<std::string>;

const std::string& NameOf(const CheckpointFiles& checkpoint) {
  return checkpoint.files.front().name;
}

// A failure that another base may get around. Anything else concerns the whole log.
bool IsDamage(const Error& error) {
  return error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kLimitExceeded || error.FindFact("outOfMemory") != nullptr;
}

// A version rebuilt but for the checks on its state.
struct Rebuilt {
  FileSources sources;
  LogState state;
};

// Why a version cannot be rebuilt.
struct NoWay {
  std::optional<Version> missing_commit;
  std::optional<Error> damage;  // of the most preferred base
};

// What came of trying all bases: the version, or why not.
struct Attempt {
  std::optional<Rebuilt> rebuilt;
  NoWay no_way;
};

// Candidate bases for `version`, the best first: the newest, then the most preferred of its
// version.
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

// Tries bases until one can be opened and continued with commits. `damaged` gets those that cannot.
// Errors: those that no other base gets around.
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

Result<void> CheckState(const LogFolder& folder, const LogState& state, Version version) {
  const auto missing = [&](std::string_view action) {
    return Fail(Error(ErrorCode::kCorrupt, fmt::format("the log in {} has no {} up to version {}",
                                                       folder.path, action, version.value()))
                    .With("version", version.value()));
  };
  if (!state.protocol) return missing("protocol");
  if (auto readable = protocol::CheckReadable(*state.protocol); !readable) {
    return Fail(std::move(readable).error().With("version", version.value()));
  }
  if (!state.metadata) return missing("metaData");
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

// A missing commit below the run that can be read is cleaned-up history, not damage.
Error OutOfRange(const LogFolder& folder, Version version, const VersionRange& range) {
  return Error(ErrorCode::kNotFound,
               fmt::format("version {} of the table is not available; {} has versions {} to {}",
                           version.value(), folder.path, range.first.value(), range.last.value()))
      .With("version", version.value())
      .With("earliestVersion", range.first.value())
      .With("latestVersion", range.last.value());
}

// The same where the latest version cannot be rebuilt, so that there is no range to tell.
Error LaterThanLatest(const LogFolder& folder, Version version) {
  const Version latest = folder.listing.Latest();
  return Error(ErrorCode::kNotFound,
               fmt::format("version {} of the table is not available; the latest in {} is {}",
                           version.value(), folder.path, latest.value()))
      .With("version", version.value())
      .With("latestVersion", latest.value());
}

}  // namespace

Result<std::shared_ptr<const Snapshot>> RebuildSnapshot(
    const std::shared_ptr<const LogFolder>& folder, Version version) {
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
  DELTALAKEDB_ASSIGN(const auto times, CommitTimes::Make(*folder, *state.metadata));
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
