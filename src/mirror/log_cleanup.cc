#include "mirror/log_cleanup.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "log/base_checkpoint.h"
#include "log/checkpoint_file.h"
#include "log/file_log_snapshot.h"
#include "mirror/log_cleanup_plan.h"
#include "mirror/mirror_source.h"
#include "protocol/absolute_paths.h"
#include "protocol/arena.h"
#include "protocol/hash128.h"
#include "protocol/paths.h"

namespace deltalakedb::mirror {

namespace {

// A sidecar that no checkpoint names may be of one that is being written.
constexpr std::chrono::milliseconds kSidecarAgeMin = std::chrono::days(1);

Result<std::optional<Timestamp>> FindCutoff(const MirrorSource& source, Timestamp now) {
  const auto state = source.impl().log().LoadState(TableVersion::At(source.versions().last));
  if (!state && state.error().code() == ErrorCode::kUnsupported) return std::optional<Timestamp>();
  if (!state) return Fail(state.error());
  DELTALAKEDB_ASSIGN(const bool is_imported, source.impl().MayBeImported());
  return FindCleanupCutoff(
      {.protocol = state->protocol, .metadata = state->metadata, .is_imported = is_imported}, now);
}

FindTime TimesOf(const MirrorSource& source) {
  return [&source](Version version) { return source.impl().texts().FindTime(version); };
}

// Whether the catalog has all that a log has up to the version that it published.
Result<bool> IsAllInCatalog(const MirrorSource& source, const log::LogListing& listing) {
  const Version first = source.versions().first;
  const bool has_older =
      (!listing.commits.empty() && listing.commits.begin()->first < first) ||
      (!listing.checkpoints.empty() && listing.checkpoints.front().version < first);
  if (has_older) return false;
  // The commit that made the state which the catalog begins with may never have been read.
  if (!source.impl().texts().has_base() || !listing.commits.contains(first)) return true;
  DELTALAKEDB_ASSIGN(const auto text, source.LoadCommit(first));
  return text.has_value();
}

// The live files of a version, told by numbers that do not depend on their order.
struct FilesDigest {
  std::int64_t num_files = 0;
  std::int64_t size_in_bytes = 0;
  std::uint64_t hash = 0;

  friend bool operator==(const FilesDigest&, const FilesDigest&) = default;
};

// `table_uri`: where relative paths are made absolute from; none to leave them.
Result<FilesDigest> LoadDigest(const Snapshot& snapshot,
                               const std::optional<std::string>& table_uri) {
  FilesDigest digest;
  protocol::Arena arena;
  DELTALAKEDB_ASSIGN(const auto stream, snapshot.OpenFiles({.with_stats = false}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, stream->Next());
    if (!batch) return digest;
    for (AddFile add : batch->files()) {
      arena.Reset();
      if (table_uri) DELTALAKEDB_TRY(protocol::MakeAbsolute(add, *table_uri, arena));
      std::string name = fmt::format("{} {}\n", add.size, add.path);
      if (const auto& vector = add.deletion_vector) {
        name += fmt::format("{} {} {}", vector->storage_type, vector->path_or_inline_dv,
                            vector->offset.value_or(0));
      }
      ++digest.num_files;
      digest.size_in_bytes += add.size;
      std::uint64_t bits = 0;
      for (const std::byte byte : protocol::HashOf(name).bytes) {
        bits = (bits * 257) + std::to_integer<std::uint64_t>(byte);
      }
      digest.hash += bits;
    }
  }
}

class Run {
 public:
  Run(const MirrorSource& source, const LogCleanup& cleanup) : source_(source), cleanup_(cleanup) {}

  Result<std::size_t> CleanUp();

 private:
  std::string PathOf(std::string_view name) const {
    return fmt::format("{}/{}", cleanup_.log_path, name);
  }
  Result<std::shared_ptr<const log::LogFolder>> List(const std::vector<std::string>& without) const;
  // Reads what is to be left, and compares it with the catalog.
  Result<void> CheckWhatStays(Version checkpoint, const std::vector<std::string>& names) const;
  Result<void> Remove(const std::vector<std::string>& names);
  // The sidecars that no checkpoint names any more.
  Result<std::vector<std::string>> FindSidecars() const;
  std::size_t left() const { return cleanup_.files_max - num_removed_; }

  const MirrorSource& source_;
  const LogCleanup& cleanup_;
  std::size_t num_removed_ = 0;
};

Result<std::shared_ptr<const log::LogFolder>> Run::List(
    const std::vector<std::string>& without) const {
  DELTALAKEDB_ASSIGN(auto files, cleanup_.file_system.List(cleanup_.log_path));
  const std::set<std::string_view> gone(without.begin(), without.end());
  std::erase_if(files, [&](const storage::FileInfo& file) { return gone.contains(file.name); });
  auto folder = std::make_shared<log::LogFolder>();
  folder->file_system = &cleanup_.file_system;
  folder->sink = &NullLogSink();
  folder->path = cleanup_.log_path;
  folder->table_root =
      protocol::CanonicalRoot(cleanup_.log_path.substr(0, cleanup_.log_path.rfind('/')));
  folder->listing = log::ArrangeListing(std::move(files));
  return folder;
}

Result<void> Run::CheckWhatStays(Version checkpoint, const std::vector<std::string>& names) const {
  const auto differs = [&](std::string_view what) {
    return Fail(Error(ErrorCode::kCorrupt, fmt::format("{} version {}", what, checkpoint.value()))
                    .With("file", cleanup_.log_path)
                    .With("version", checkpoint.value()));
  };
  DELTALAKEDB_ASSIGN(const auto hint,
                     log::FindLastCheckpoint(cleanup_.file_system, cleanup_.log_path));
  if (hint && *hint < checkpoint) return differs("_last_checkpoint is of a version before");
  DELTALAKEDB_ASSIGN(const auto folder, List(names));
  const auto rebuilt = log::RebuildSnapshot(folder, checkpoint);
  if (!rebuilt && rebuilt.error().code() == ErrorCode::kCorrupt) {
    return differs("nothing can be read from the checkpoint of");
  }
  if (!rebuilt) return Fail(rebuilt.error());
  const auto& theirs = *rebuilt;
  DELTALAKEDB_ASSIGN(const auto ours, source_.LoadSnapshot(checkpoint));
  const bool is_same_state = ours->metadata().schema_string == theirs->metadata().schema_string &&
                             ours->metadata().configuration == theirs->metadata().configuration &&
                             ours->domain_metadata() == theirs->domain_metadata() &&
                             ours->app_transactions().size() == theirs->app_transactions().size();
  if (!is_same_state) return differs("the checkpoint has another state than the catalog has at");
  std::optional<std::string> table_uri;
  if (cleanup_.absolute_paths) table_uri = protocol::UriOfLocation(source_.location());
  DELTALAKEDB_ASSIGN(const FilesDigest expected, LoadDigest(*ours, table_uri));
  DELTALAKEDB_ASSIGN(const FilesDigest found, LoadDigest(*theirs, std::nullopt));
  if (expected != found) return differs("the checkpoint has other files than the catalog has at");
  return {};
}

Result<void> Run::Remove(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (left() == 0) return {};
    DELTALAKEDB_TRY(cleanup_.note());
    DELTALAKEDB_TRY(cleanup_.file_system.Remove(PathOf(name)));
    ++num_removed_;
  }
  return {};
}

Result<std::vector<std::string>> Run::FindSidecars() const {
  auto files = cleanup_.file_system.List(PathOf("_sidecars"));
  if (!files && files.error().code() == ErrorCode::kNotFound) return std::vector<std::string>();
  if (!files) return Fail(std::move(files).error());
  const Timestamp oldest(cleanup_.now.ms() - kSidecarAgeMin.count());
  std::erase_if(*files, [&](const storage::FileInfo& file) {
    return !file.name.ends_with(".parquet") || file.modified >= oldest;
  });
  std::vector<std::string> names;
  if (files->empty()) return names;
  // Listed after the sidecars: what names one of those is there by now, or is not a day old.
  DELTALAKEDB_ASSIGN(const auto folder, List({}));
  // A part that is missing may name some.
  if (!folder->listing.incomplete_checkpoints.empty()) return names;
  std::set<std::string> named;
  for (const log::CheckpointFiles& checkpoint : folder->listing.checkpoints) {
    DELTALAKEDB_TRY(cleanup_.note());
    log::LogState state;
    DELTALAKEDB_ASSIGN(const auto base, log::OpenCheckpoint(*folder, checkpoint, state));
    named.insert(base.sidecars.begin(), base.sidecars.end());
  }
  for (const storage::FileInfo& file : *files) {
    if (!named.contains(file.name)) names.push_back("_sidecars/" + file.name);
  }
  return names;
}

Result<std::size_t> Run::CleanUp() {
  DELTALAKEDB_ASSIGN(const auto cutoff, FindCutoff(source_, cleanup_.now));
  if (!cutoff) return num_removed_;
  // Most often nothing is old enough, and no folder has to be listed.
  DELTALAKEDB_ASSIGN(const Timestamp oldest, TimesOf(source_)(source_.versions().first));
  if (oldest > *cutoff) return num_removed_;
  DELTALAKEDB_ASSIGN(auto files, cleanup_.file_system.List(cleanup_.log_path));
  const log::LogListing listing = log::ArrangeListing(files);
  DELTALAKEDB_ASSIGN(const bool is_all_in_catalog, IsAllInCatalog(source_, listing));
  if (!is_all_in_catalog) return num_removed_;
  DELTALAKEDB_ASSIGN(const auto checkpoint,
                     FindCutoffCheckpoint(listing, cleanup_.published, *cutoff, TimesOf(source_)));
  if (!checkpoint) return num_removed_;
  const std::vector<std::string> names = PlanCleanup(files, *checkpoint);
  if (names.empty()) return num_removed_;
  DELTALAKEDB_TRY(CheckWhatStays(*checkpoint, names));
  DELTALAKEDB_TRY(Remove(names));
  if (left() == 0) return num_removed_;
  DELTALAKEDB_ASSIGN(const auto sidecars, FindSidecars());
  DELTALAKEDB_TRY(Remove(sidecars));
  return num_removed_;
}

}  // namespace

Result<std::size_t> CleanUpLog(const MirrorSource& source, const LogCleanup& cleanup) {
  return Run(source, cleanup).CleanUp();
}

Result<std::optional<Version>> FindCleanedUpStart(const MirrorSource& source,
                                                  const log::LogListing& listing) {
  if (listing.commits.empty()) return std::optional<Version>();
  DELTALAKEDB_ASSIGN(const Timestamp now, source.impl().log().LoadClock());
  DELTALAKEDB_ASSIGN(const auto cutoff, FindCutoff(source, now));
  if (!cutoff) return std::optional<Version>();
  const Version newest = std::min(listing.commits.rbegin()->first, source.versions().last);
  return FindCutoffCheckpoint(listing, newest, *cutoff, TimesOf(source));
}

}  // namespace deltalakedb::mirror
