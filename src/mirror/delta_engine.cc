#include "mirror/delta_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "importer/log_publisher.h"
#include "log/log_files.h"
#include "mirror/delta_verify.h"
#include "mirror/engines.h"
#include "mirror/log_cleanup.h"
#include "mirror/mirror_source.h"
#include "mirror/table_checkpoint.h"
#include "protocol/features.h"
#include "storage/table_folder.h"

namespace deltalakedb::mirror {

namespace {

using importer::LogPublisher;

class DeltaEngine final : public MirrorEngine {
 public:
  std::string_view name() const override { return kDeltaEngine; }

  Result<std::string> FindPlace(const std::string& location,
                                const std::optional<std::string>& to) const override {
    DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(to.value_or(location)));
    DELTALAKEDB_ASSIGN(storage::TableFolder folder, importer::FindLogDestination(uri));
    return std::move(folder.location);
  }

  Result<void> Publish(const MirrorSource& source, const MirrorPlace& place,
                       const MirrorProgress& progress, const Note& note) const override;

  Result<std::vector<Difference>> Verify(const MirrorSource& source, const MirrorPlace& place,
                                         const MirrorProgress& progress) const override {
    return VerifyDeltaMirror(source, place, progress);
  }
};

// Compares what is there, and begins with the state of the first version where that is not 0. The
// version to go on with: those that clean-up took away, or would, are not brought back.
Result<Version> Begin(const MirrorSource& source, LogPublisher& publisher) {
  importer::ExportSource& texts = source.impl().texts();
  if (texts.base_protocol()) {
    // What the program does not know of a state would be lost in a checkpoint.
    DELTALAKEDB_TRY(protocol::CheckReadable(*texts.base_protocol()));
  }
  DELTALAKEDB_TRY(publisher.CheckDestination());
  DELTALAKEDB_ASSIGN(const auto start, FindCleanedUpStart(source, publisher.listing()));
  if (start) return *start;
  const Version first = source.versions().first;
  if (!texts.has_base()) return first;
  DELTALAKEDB_TRY(publisher.PutBase());
  DELTALAKEDB_TRY(publisher.PutHint());
  return first;
}

Result<void> CleanUpNow(const MirrorSource& source, LogCleanup cleanup) {
  DELTALAKEDB_ASSIGN(cleanup.now, source.impl().log().LoadClock());
  DELTALAKEDB_TRY(CleanUpLog(source, cleanup));
  return {};
}

// What goes wrong with it is no failure of the mirror: it is done after the next checkpoint.
void CleanUp(const MirrorSource& source, const LogCleanup& cleanup) {
  const auto done = CleanUpNow(source, cleanup);
  if (done) return;
  source.log_sink().Write(LogLevel::kWarning,
                          fmt::format("the log of table {} in {} was not cleaned up: {}",
                                      source.table(), cleanup.log_path, done.error().message()));
}

// Another engine may have gone on and have removed what it made next: then nothing stands in the
// way of what is put below it.
Result<void> CheckNotLeftBehind(const MirrorSource& source, LogPublisher& publisher,
                                const storage::FileSystem& file_system, const std::string& log_path,
                                Version published) {
  const auto commit = file_system.Open(fmt::format("{}/{}", log_path, log::CommitName(published)));
  if (commit) return {};
  if (commit.error().code() != ErrorCode::kNotFound) return Fail(commit.error());
  auto files = file_system.List(log_path);
  if (!files && files.error().code() == ErrorCode::kNotFound) return {};
  if (!files) return Fail(std::move(files).error());
  const log::LogListing listing = log::ArrangeListing(*std::move(files));
  if (listing.IsEmpty() || listing.Latest() <= published) return {};
  const Version latest = listing.Latest();
  if (latest > source.versions().last) {
    return Fail(Error(ErrorCode::kConflict,
                      fmt::format("{} goes up to version {}, and that of version {}, which was "
                                  "published, is gone: another engine has gone on and cleaned up",
                                  log_path, latest.value(), published.value()))
                    .With("file", log_path)
                    .With("version", latest.value()));
  }
  // What a process published that was killed before the catalog knew.
  return listing.commits.contains(latest) ? publisher.CompareCommit(latest) : Result<void>();
}

Result<void> DeltaEngine::Publish(const MirrorSource& source, const MirrorPlace& place,
                                  const MirrorProgress& progress, const Note& note) const {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(place.place));
  DELTALAKEDB_ASSIGN(const storage::TableFolder folder, importer::FindLogDestination(uri));
  const std::string log_path = folder.path + "/_delta_log";
  LogPublisher publisher(source.impl().texts(), *folder.file_system, log_path,
                         {.absolute_paths = place.absolute_paths,
                          .is_mirror = true,
                          .is_own_log = place.place == source.location()});
  MirrorProgress now = progress;
  const VersionRange& versions = source.versions();
  Version next;
  if (progress.published) {
    DELTALAKEDB_TRY(
        CheckNotLeftBehind(source, publisher, *folder.file_system, log_path, *progress.published));
    next = progress.published->next();
  } else {
    DELTALAKEDB_ASSIGN(next, Begin(source, publisher));
  }
  for (; next <= versions.last; next = next.next()) {
    auto put = publisher.PutCommit(next);
    if (!put) {
      return Fail(std::move(put).error().In(
          fmt::format("publishing version {} of {}", next.value(), source.table())));
    }
    now.published = next;
    DELTALAKEDB_TRY(note(now));
  }
  const auto due = FindDueCheckpoint(source, now);
  if (!due) return {};
  DELTALAKEDB_TRY(
      WriteTableCheckpoint(source, *folder.file_system, log_path, *due, place.absolute_paths));
  now.checkpoint = due;
  DELTALAKEDB_TRY(note(now));
  CleanUp(source, {.file_system = *folder.file_system,
                   .log_path = log_path,
                   .published = *now.published,
                   .absolute_paths = place.absolute_paths,
                   .now = Timestamp(),
                   .note = [&] { return note(now); }});
  return note(now);
}

}  // namespace

Result<bool> HasLogAt(const std::string& place) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(place));
  DELTALAKEDB_ASSIGN(const auto folder, storage::FindTableFolder(uri));
  auto files = folder.file_system->List(folder.path + "/_delta_log");
  if (files) return !log::ArrangeListing(*std::move(files)).IsEmpty();
  const bool is_absent = files.error().code() == ErrorCode::kNotFound;
  return is_absent ? Result<bool>(false) : Fail(std::move(files).error());
}

std::unique_ptr<MirrorEngine> MakeDeltaEngine() { return std::make_unique<DeltaEngine>(); }

}  // namespace deltalakedb::mirror
