#include "mirror/table_checkpoint.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/try.h"
#include "log/write_checkpoint.h"
#include "mirror/mirror_source.h"
#include "protocol/absolute_paths.h"
#include "protocol/arena.h"
#include "protocol/number_text.h"

namespace deltalakedb::mirror {

namespace {

// delta.checkpointInterval where it is not set, or no number (PROTOCOL.md, Table properties).
constexpr std::int64_t kIntervalDefault = 10;

std::int64_t IntervalOf(const Metadata& metadata) {
  const auto found = metadata.configuration.find("delta.checkpointInterval");
  if (found == metadata.configuration.end()) return kIntervalDefault;
  const auto interval = protocol::ParseInt(found->second);
  return interval && *interval > 0 ? *interval : kIntervalDefault;
}

// Files named by where they are, for a log that stands elsewhere.
class AbsoluteFiles final : public FileStream {
 public:
  AbsoluteFiles(std::unique_ptr<FileStream> files, std::string table_uri)
      : files_(std::move(files)), table_uri_(std::move(table_uri)) {}

  Result<std::optional<FileBatch>> Next() override {
    DELTALAKEDB_ASSIGN(const auto batch, files_->Next());
    if (!batch) return std::optional<FileBatch>();
    auto arena = std::make_shared<protocol::Arena>();
    std::vector<AddFile> files = batch->files();
    for (AddFile& add : files) DELTALAKEDB_TRY(protocol::MakeAbsolute(add, table_uri_, *arena));
    auto owners = batch->owners();
    owners.push_back(std::move(arena));
    return std::optional(FileBatch(std::move(files), std::move(owners)));
  }

 private:
  std::unique_ptr<FileStream> files_;
  std::string table_uri_;
};

class AbsoluteTombstones final : public log::TombstoneStream {
 public:
  AbsoluteTombstones(std::unique_ptr<log::TombstoneStream> tombstones, std::string table_uri)
      : tombstones_(std::move(tombstones)), table_uri_(std::move(table_uri)) {}

  Result<std::optional<storage::RemoveBatch>> Next() override {
    DELTALAKEDB_ASSIGN(auto batch, tombstones_->Next());
    if (!batch) return batch;
    auto arena = std::make_shared<protocol::Arena>();
    for (RemoveFile& remove : batch->files) {
      DELTALAKEDB_TRY(protocol::MakeAbsolute(remove, table_uri_, *arena));
    }
    batch->owners.push_back(std::move(arena));
    return batch;
  }

 private:
  std::unique_ptr<log::TombstoneStream> tombstones_;
  std::string table_uri_;
};

}  // namespace

std::optional<Version> FindDueCheckpoint(const MirrorSource& source,
                                         const MirrorProgress& progress) {
  if (!progress.published) return std::nullopt;
  const std::int64_t interval = IntervalOf(source.impl().texts().metadata());
  const Version due(progress.published->value() / interval * interval);
  if (due <= source.versions().first || due <= progress.checkpoint.value_or(Version(0))) {
    return std::nullopt;
  }
  return due;
}

Result<void> WriteTableCheckpoint(const MirrorSource& source,
                                  const storage::FileSystem& file_system,
                                  const std::string& log_path, Version version,
                                  bool absolute_paths) {
  const auto loaded = source.LoadSnapshot(version);
  if (!loaded && loaded.error().code() == ErrorCode::kUnsupported) return {};
  if (!loaded) return Fail(loaded.error());
  const Snapshot& snapshot = **loaded;
  // By the version's own time, so that everybody writes the same.
  const Timestamp now = snapshot.timestamp();
  DELTALAKEDB_ASSIGN(auto adds, snapshot.OpenFiles({}));
  DELTALAKEDB_ASSIGN(auto tombstones, source.impl().StreamTombstones(
                                          version, log::TombstoneExpiry(snapshot.metadata(), now)));
  if (absolute_paths) {
    const std::string table_uri = protocol::UriOfLocation(source.location());
    adds = std::make_unique<AbsoluteFiles>(std::move(adds), table_uri);
    tombstones = std::make_unique<AbsoluteTombstones>(std::move(tombstones), table_uri);
  }
  DELTALAKEDB_TRY(log::WriteCheckpoint(
      file_system, log_path, {snapshot.state(), *adds, *tombstones, now}, {.modified = now}));
  return {};
}

}  // namespace deltalakedb::mirror
