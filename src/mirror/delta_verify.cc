#include "mirror/delta_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/try.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/uri.h"
#include "importer/log_publisher.h"
#include "log/checkpoint_file.h"
#include "log/file_log.h"
#include "log/log_files.h"
#include "mirror/mirror_source.h"
#include "protocol/absolute_paths.h"
#include "protocol/arena.h"
#include "storage/table_folder.h"

namespace deltalakedb::mirror {

namespace {

using importer::LogPublisher;

class Comparison {
 public:
  Comparison(const MirrorSource& source, const MirrorPlace& place, Version published,
             storage::TableFolder folder)
      : source_(source),
        published_(published),
        folder_(std::move(folder)),
        is_own_log_(place.place == source.location()),
        table_uri_(place.absolute_paths ? std::optional(protocol::UriOfLocation(source.location()))
                                        : std::nullopt),
        publisher_(source.impl().texts(), *folder_.file_system, folder_.path + "/_delta_log",
                   {.absolute_paths = place.absolute_paths,
                    .is_mirror = true,
                    .is_own_log = is_own_log_}) {}

  Result<std::vector<Difference>> Run() {
    auto files = folder_.file_system->List(folder_.path + "/_delta_log");
    // Without a folder everything is missing.
    const bool is_absent = !files && files.error().code() == ErrorCode::kNotFound &&
                           files.error().FindFact("bucket") == nullptr;
    if (!files && !is_absent) return Fail(std::move(files).error());
    if (files) listing_ = log::ArrangeListing(*std::move(files));
    DELTALAKEDB_TRY(CompareCommits());
    DELTALAKEDB_TRY(CheckHint());
    if (differences_.empty()) DELTALAKEDB_TRY(CompareState());
    return std::move(differences_);
  }

 private:
  void Add(std::optional<Version> version, std::string message) {
    if (differences_.size() < kDifferencesMax) {
      differences_.push_back({"mirror", version, std::move(message)});
    }
  }

  // Whether readers of the mirror can do without the commits before that version.
  bool HasCheckpoint(Version version) const {
    return std::ranges::any_of(listing_.checkpoints, [&](const log::CheckpointFiles& checkpoint) {
      return checkpoint.version > version;
    });
  }
  Result<void> CompareCommits();
  // `_last_checkpoint` has to name one that is there.
  Result<void> CheckHint();
  Result<void> CompareState();
  Result<void> CompareFiles(const Snapshot& ours, const Snapshot& theirs);

  const MirrorSource& source_;
  Version published_;
  storage::TableFolder folder_;
  bool is_own_log_;
  std::optional<std::string> table_uri_;
  LogPublisher publisher_;
  log::LogListing listing_;
  std::vector<Difference> differences_;
};

Result<void> Comparison::CompareCommits() {
  const Version first = source_.versions().first;
  bool has_begun = false;
  for (Version version = first; version <= published_; version = version.next()) {
    if (!listing_.commits.contains(version)) {
      DELTALAKEDB_ASSIGN(const auto text, source_.LoadCommit(version));
      const bool is_cleaned_up = !has_begun && HasCheckpoint(version);
      if (text && !is_cleaned_up) Add(version, "the commit is not in the mirror");
      continue;
    }
    has_begun = true;
    auto compared = publisher_.CompareCommit(version);
    if (compared) continue;
    if (compared.error().code() != ErrorCode::kConflict) return compared;
    Add(version, compared.error().message());
  }
  for (const auto& [version, file] : listing_.commits) {
    if (version <= source_.versions().last) continue;
    Add(version, is_own_log_ ? fmt::format("{} is not in the catalog; `deltalakedb mirror sync` "
                                           "takes it in",
                                           file.name)
                             : fmt::format("{} is not in the catalog", file.name));
  }
  for (const log::CheckpointFiles& checkpoint : listing_.checkpoints) {
    if (checkpoint.version <= source_.versions().last) continue;
    Add(checkpoint.version, fmt::format("{} is not of the catalog", checkpoint.files.front().name));
  }
  return {};
}

// By path and vector, which tell files apart.
using FileMap = std::map<std::string, std::int64_t>;

// `table_uri`: where relative paths are made absolute from; none to leave them.
Result<FileMap> LoadFiles(const Snapshot& snapshot, const std::optional<std::string>& table_uri) {
  FileMap files;
  protocol::Arena arena;
  DELTALAKEDB_ASSIGN(const auto stream, snapshot.OpenFiles({.with_stats = false}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, stream->Next());
    if (!batch) return files;
    for (AddFile add : batch->files()) {
      arena.Reset();
      if (table_uri) DELTALAKEDB_TRY(protocol::MakeAbsolute(add, *table_uri, arena));
      std::string name(add.path);
      if (add.deletion_vector) {
        name += fmt::format(" with the deletion vector {}", add.deletion_vector->path_or_inline_dv);
      }
      files.emplace(std::move(name), add.size);
    }
  }
}

Result<void> Comparison::CompareFiles(const Snapshot& ours, const Snapshot& theirs) {
  DELTALAKEDB_ASSIGN(const FileMap expected, LoadFiles(ours, table_uri_));
  DELTALAKEDB_ASSIGN(const FileMap found, LoadFiles(theirs, std::nullopt));
  for (const auto& [name, size] : expected) {
    const auto other = found.find(name);
    if (other == found.end()) {
      Add(published_, fmt::format("the file {} is not in the mirror's state", name));
    } else if (other->second != size) {
      Add(published_, fmt::format("the file {} has the size {} in the mirror's state, and {} in "
                                  "the catalog",
                                  name, other->second, size));
    }
  }
  for (const auto& [name, size] : found) {
    if (!expected.contains(name)) {
      Add(published_, fmt::format("the mirror's state has the file {}, which is not live", name));
    }
  }
  return {};
}

Result<void> Comparison::CheckHint() {
  DELTALAKEDB_ASSIGN(const auto hint,
                     log::FindLastCheckpoint(*folder_.file_system, folder_.path + "/_delta_log"));
  if (!hint) return {};
  const bool is_there = std::ranges::any_of(
      listing_.checkpoints,
      [&](const log::CheckpointFiles& checkpoint) { return checkpoint.version == *hint; });
  if (!is_there) {
    Add(hint, fmt::format("{} names a checkpoint that is not there", log::kLastCheckpointName));
  }
  return {};
}

// Keeps what a log's readers are warned of, such as a checkpoint that is damaged.
class Warnings final : public LogSink {
 public:
  void Write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    if (level == LogLevel::kWarning) messages_.emplace_back(message);
  }
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  std::mutex mutex_;
  std::vector<std::string> messages_;
};

// What a reader of the mirror gets, who begins with its newest checkpoint.
Result<void> Comparison::CompareState() {
  const auto ours = source_.LoadSnapshot(published_);
  if (!ours && ours.error().code() == ErrorCode::kUnsupported) return {};
  if (!ours) return Fail(ours.error());
  Warnings warnings;
  const auto log = log::FileLog::At(*folder_.file_system, folder_.path, warnings);
  const auto theirs = log->LoadSnapshot(TableVersion::At(published_));
  if (!theirs) {
    Add(published_, fmt::format("the mirror cannot be read: {}", theirs.error().message()));
    return {};
  }
  if ((*ours)->metadata().schema_string != (*theirs)->metadata().schema_string) {
    Add(published_, "the mirror's state has another schema");
  }
  if ((*ours)->metadata().configuration != (*theirs)->metadata().configuration) {
    Add(published_, "the mirror's state has other table properties");
  }
  if ((*ours)->domain_metadata() != (*theirs)->domain_metadata()) {
    Add(published_, "the mirror's state has other domain metadata");
  }
  const auto versions_of = [](const Snapshot& snapshot) {
    std::map<std::string, std::int64_t> versions;
    for (const auto& [id, transaction] : snapshot.app_transactions()) {
      versions.emplace(id, transaction.version);
    }
    return versions;
  };
  if (versions_of(**ours) != versions_of(**theirs)) {
    Add(published_, "the mirror's state has other app transactions");
  }
  DELTALAKEDB_TRY(CompareFiles(**ours, **theirs));
  for (const std::string& warning : warnings.messages()) Add(std::nullopt, warning);
  return {};
}

}  // namespace

Result<std::vector<Difference>> VerifyDeltaMirror(const MirrorSource& source,
                                                  const MirrorPlace& place,
                                                  const MirrorProgress& progress) {
  if (!progress.published) return std::vector<Difference>();
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(place.place));
  DELTALAKEDB_ASSIGN(storage::TableFolder folder, importer::FindLogDestination(uri));
  return Comparison(source, place, *progress.published, std::move(folder)).Run();
}

}  // namespace deltalakedb::mirror
