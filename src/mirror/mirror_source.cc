#include "mirror/mirror_source.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/try.h"
#include "protocol/commit_body.h"
#include "store/metadata_store.h"

namespace deltalakedb {

Result<std::unique_ptr<MirrorSource::Impl>> MirrorSource::Impl::Open(
    std::shared_ptr<store::Database> database, const TableId& table) {
  auto impl = std::make_unique<Impl>();
  impl->database_ = std::move(database);
  impl->table_ = table;
  impl->table_id_ = table.ToString();
  DELTALAKEDB_ASSIGN(impl->texts_, importer::ExportSource::OpenStored(impl->database_, table));
  DELTALAKEDB_ASSIGN(impl->log_, log::SqlLog::Open(impl->database_, table));
  return impl;
}

Result<std::unique_ptr<log::TombstoneStream>> MirrorSource::Impl::StreamTombstones(
    Version version, Timestamp expiry) const {
  const std::optional<Version> base =
      texts_->has_base() ? std::optional(texts_->versions().first) : std::nullopt;
  return log::StreamStoredTombstones({database_, table_, base, version, expiry});
}

Result<bool> MirrorSource::Impl::MayBeImported() const {
  return database_->Read([&](store::Connection& connection) -> Result<bool> {
    DELTALAKEDB_ASSIGN(
        const auto row,
        store::MetadataStore(connection).LoadVersion(table_, texts_->versions().first));
    return row.times.timestamp_source != store::kTimeOfOurs;
  });
}

const std::string& MirrorSource::table() const { return impl_.texts().table(); }
const std::string& MirrorSource::table_id() const { return impl_.table_id(); }
const std::string& MirrorSource::location() const { return impl_.texts().location(); }
const VersionRange& MirrorSource::versions() const { return impl_.texts().versions(); }

Result<std::shared_ptr<const Snapshot>> MirrorSource::LoadSnapshot(Version version) const {
  return impl_.log().LoadSnapshot(TableVersion::At(version));
}

Result<std::vector<HistoryEntry>> MirrorSource::LoadHistory(const HistoryOptions& options) const {
  return impl_.log().LoadHistory(options);
}

Result<std::optional<std::string>> MirrorSource::LoadCommit(Version version) const {
  std::string text;
  const auto take = [&](log::LineChunkStream& chunks) -> Result<void> {
    for (;;) {
      DELTALAKEDB_ASSIGN(const auto chunk, chunks.Next());
      if (!chunk) return {};
      if (text.size() + chunk->text.size() > protocol::kCommitBodyBytesMax) {
        return Fail(Error(ErrorCode::kLimitExceeded,
                          fmt::format("the commit of version {} has more than {} bytes",
                                      version.value(), protocol::kCommitBodyBytesMax))
                        .With("version", version.value()));
      }
      text += chunk->text;
    }
  };
  DELTALAKEDB_ASSIGN(const bool is_there, impl_.texts().ReadCommit(version, take));
  return is_there ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace deltalakedb
