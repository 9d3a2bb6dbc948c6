#include "log/sql_log_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "protocol/json_document.h"
#include "protocol/path_key.h"
#include "protocol/paths.h"
#include "store/metadata_store.h"

namespace deltalakedb::log {

namespace {

using Pipeline = base::OrderedPipeline<FileBatch>;

// Few, so that a batch stays in a core's cache, and the thread that takes rows from the database is
// never kept from it for long: with 4,096 a server's answers back up and listing takes a fifth
// more.
constexpr std::size_t kBatchFiles = 512;
// Of a map's text.
constexpr std::size_t kMapBytesMax = 64 * 1024 * 1024;

// The columns of scan_live_files.
enum Column {
  kPath,
  kPartitionValues,
  kSize,
  kModificationTime,
  kDataChange,
  kStats,
  kTags,
  kDvStorageType,
  kDvPathOrInline,
  kDvOffset,
  kDvSizeInBytes,
  kDvCardinality,
  kBaseRowId,
  kDefaultRowCommitVersion,
  kClusteringProvider,
};

Result<StringMapView> ParseMap(std::string_view json, protocol::Arena& arena) {
  DELTALAKEDB_ASSIGN(const auto document, protocol::JsonDocument::ParseObject(json, kMapBytesMax));
  std::vector<StringMapEntry> entries;
  const bool is_map =
      document.root().ForEachMember([&](std::string_view key, protocol::JsonValue value) {
        const auto text = value.AsString();
        if (!text && !value.is_null()) return false;
        StringMapEntry& entry = entries.emplace_back();
        entry.key = arena.Copy(key);
        if (text) entry.value = arena.Copy(*text);
        return true;
      });
  if (!is_map) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} is no object of texts", json));
  }
  return arena.Copy(entries);
}

}  // namespace

Result<StringMapView> StoredMaps::Read(std::string_view json) {
  if (json == "{}") return StringMapView{};
  if (const auto known = known_.find(json); known != known_.end()) return known->second;
  DELTALAKEDB_ASSIGN(const StringMapView map, ParseMap(json, arena_));
  if (known_.size() < kKnownMax) known_.emplace(arena_.Copy(json), map);
  return map;
}

namespace {

Error NotComplete(const StoredFiles& files, std::string_view what) {
  return Error(ErrorCode::kUnavailable,
               fmt::format("table {}: {}; the table was dropped or made anew meanwhile, or "
                           "`deltalakedb verify` tells what is wrong with it",
                           files.table_name, what))
      .With("table", files.table_name)
      .With("version", files.version.value());
}

// The rows that have the key, and of these the ones that have the path, which is canonical.
Result<FileBatch> ReadFilesOfPath(const StoredFiles& files, store::Cursor& rows,
                                  std::string_view path) {
  auto arena = std::make_shared<protocol::Arena>();
  StoredMaps maps(*arena);
  std::vector<AddFile> found;
  std::string canonical;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows.Next());
    if (!has_row) return FileBatch(std::move(found), {std::move(arena)});
    canonical.clear();
    protocol::AppendCanonicalPath(rows.Text(kPath), files.table_root, canonical);
    if (canonical != path) continue;
    DELTALAKEDB_ASSIGN(found.emplace_back(), ReadStoredAdd(rows, 0, maps));
  }
}

// Steps through the rows on the pipeline's threads.
class Source {
 public:
  Source(StoredFiles files, store::ConnectionLease connection, std::unique_ptr<store::Cursor> rows)
      : files_(std::move(files)), connection_(std::move(connection)), rows_(std::move(rows)) {}

  Result<std::optional<Pipeline::Task>> Next() {
    auto arena = std::make_shared<protocol::Arena>();
    StoredMaps maps(*arena);
    std::vector<AddFile> adds;
    adds.reserve(kBatchFiles);
    while (adds.size() < kBatchFiles) {
      DELTALAKEDB_ASSIGN(const bool has_row, rows_->Next());
      if (!has_row) break;
      DELTALAKEDB_ASSIGN(adds.emplace_back(), ReadStoredAdd(*rows_, 0, maps));
    }
    seen_ += static_cast<std::int64_t>(adds.size());
    if (adds.empty()) {
      DELTALAKEDB_TRY(CheckComplete());
      return std::optional<Pipeline::Task>();
    }
    return std::optional<Pipeline::Task>(
        [batch = FileBatch(std::move(adds), {std::move(arena)})]() -> Result<FileBatch> {
          return batch;
        });
  }

 private:
  // Rows of a version do not change, so another number of them means that the table is gone, or
  // that somebody changed the database by hand.
  Result<void> CheckComplete() const {
    if (seen_ == files_.totals.num_files) return {};
    return Fail(NotComplete(files_, fmt::format("{} of the {} files of version {} are there", seen_,
                                                files_.totals.num_files, files_.version.value())));
  }

  StoredFiles files_;
  store::ConnectionLease connection_;
  std::unique_ptr<store::Cursor> rows_;
  std::int64_t seen_ = 0;
};

class StoredFileStream final : public FileStream {
 public:
  explicit StoredFileStream(std::unique_ptr<Source> source)
      // One thread steps while the caller works; rows come one after the other.
      : source_(std::move(source)), pipeline_([this] { return source_->Next(); }, 1) {}

  Result<std::optional<FileBatch>> Next() override { return pipeline_.Next(); }

 private:
  std::unique_ptr<Source> source_;
  Pipeline pipeline_;  // its threads use source_, so it goes first
};

}  // namespace

Result<AddFile> ReadStoredAdd(const store::Cursor& row, int first, StoredMaps& maps) {
  protocol::Arena& arena = maps.arena();
  const auto text = [&](Column column) { return arena.Copy(row.Text(first + column)); };
  const auto number = [&](Column column) { return row.Int(first + column); };
  const auto is_null = [&](Column column) { return row.IsNull(first + column); };
  const auto optional_text = [&](Column column) {
    return is_null(column) ? std::nullopt : std::optional(text(column));
  };
  AddFile add;
  add.path = text(kPath);
  if (!is_null(kPartitionValues)) {
    DELTALAKEDB_ASSIGN(add.partition_values, maps.Read(row.Text(first + kPartitionValues)));
  }
  add.size = number(kSize);
  add.modification_time = number(kModificationTime);
  add.data_change = number(kDataChange) != 0;
  add.stats = optional_text(kStats);
  if (!is_null(kTags)) {
    DELTALAKEDB_ASSIGN(add.tags.emplace(), maps.Read(row.Text(first + kTags)));
  }
  if (!is_null(kDvStorageType)) {
    DeletionVector& vector = add.deletion_vector.emplace();
    vector.storage_type = text(kDvStorageType);
    vector.path_or_inline_dv = text(kDvPathOrInline);
    if (!is_null(kDvOffset)) vector.offset = static_cast<std::int32_t>(number(kDvOffset));
    vector.size_in_bytes = static_cast<std::int32_t>(number(kDvSizeInBytes));
    vector.cardinality = number(kDvCardinality);
  }
  add.base_row_id = row.OptionalInt(first + kBaseRowId);
  add.default_row_commit_version = row.OptionalInt(first + kDefaultRowCommitVersion);
  add.clustering_provider = optional_text(kClusteringProvider);
  return add;
}

Result<std::unique_ptr<FileStream>> StreamStoredFiles(const StoredFiles& files, bool with_stats) {
  const auto open = [&]() -> Result<std::unique_ptr<Source>> {
    DELTALAKEDB_ASSIGN(auto connection, files.database->Acquire());
    DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kRead));
    store::MetadataStore store(*connection);
    DELTALAKEDB_ASSIGN(auto rows, store.ScanLiveFiles(files.table, files.version, with_stats));
    return std::make_unique<Source>(files, std::move(connection), std::move(rows));
  };
  DELTALAKEDB_ASSIGN(auto source, files.database->Retry(open));
  return std::make_unique<StoredFileStream>(std::move(source));
}

Result<std::optional<FileBatch>> FindStoredFile(const StoredFiles& files, std::string_view path) {
  std::string canonical;
  const protocol::Hash128 key = protocol::PathKey(path, files.table_root, canonical);
  return files.database->Retry([&]() -> Result<std::optional<FileBatch>> {
    DELTALAKEDB_ASSIGN(const auto connection, files.database->Acquire());
    store::MetadataStore store(*connection);
    {
      DELTALAKEDB_ASSIGN(const auto rows,
                         store.FindLiveFile(files.table, key.view(), files.version));
      DELTALAKEDB_ASSIGN(FileBatch found, ReadFilesOfPath(files, *rows, canonical));
      if (!found.files().empty()) return std::optional(std::move(found));
    }
    // Nothing is also what a table says that was dropped.
    DELTALAKEDB_ASSIGN(const auto version, store.FindVersion(files.table, files.version));
    if (version) return std::optional<FileBatch>();
    return Fail(NotComplete(files, fmt::format("version {} is not there", files.version.value())));
  });
}

}  // namespace deltalakedb::log
