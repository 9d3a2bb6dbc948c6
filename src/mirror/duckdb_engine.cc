#include "mirror/duckdb_engine.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "mirror/duckdb/publish.h"
#include "mirror/duckdb/table_feed.h"
#include "mirror/duckdb/verify.h"
#include "storage/file_system.h"

namespace deltalakedb::mirror {

namespace {

// Lives no longer than the source.
TableFeed FeedOf(const MirrorSource& source) {
  return {
      .table = source.table(),
      .table_id = source.table_id(),
      .location = source.location(),
      .versions = source.versions(),
      .load_snapshot = [&](Version version) { return source.LoadSnapshot(version); },
      .load_history = [&](const HistoryOptions& options) { return source.LoadHistory(options); },
      .load_commit = [&](Version version) { return source.LoadCommit(version); }};
}

class DuckdbEngine final : public MirrorEngine {
 public:
  std::string_view name() const override { return kDuckdbEngine; }
  Result<std::string> FindPlace(const std::string& location,
                                const std::optional<std::string>& to) const override;
  Result<void> Publish(const MirrorSource& source, const MirrorPlace& place,
                       const MirrorProgress& progress, const Note& note) const override {
    return PublishToDuckDb(FeedOf(source), place.place, progress, note);
  }
  Result<std::vector<Difference>> Verify(const MirrorSource& source, const MirrorPlace& place,
                                         const MirrorProgress& progress) const override {
    return VerifyDuckDb(FeedOf(source), place.place, progress);
  }
};

Result<std::string> DuckdbEngine::FindPlace(const std::string& location,
                                            const std::optional<std::string>& to) const {
  if (!to && location.starts_with('/')) return location + '/' + kDuckdbFileName;
  if (!to) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the table is at {}, and a DuckDB file has to be on a disk: say where "
                            "it is to be",
                            location));
  }
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(*to));
  if (uri.kind() != UriKind::kFile) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a duckdb mirror is a file on a disk, which {} does not name", *to));
  }
  return storage::AbsolutePath(uri.file()->path);
}

}  // namespace

std::unique_ptr<MirrorEngine> MakeDuckdbEngine() { return std::make_unique<DuckdbEngine>(); }

}  // namespace deltalakedb::mirror
