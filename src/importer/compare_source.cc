#include "importer/compare_source.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <utility>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "log/sql_log.h"
#include "log/sql_log_files.h"
#include "protocol/file_key.h"
#include "protocol/paths.h"
#include "store/metadata_store.h"

namespace deltalakedb::importer {

namespace {

using store::MetadataStore;
using store::Relation;

// Columns of list_add_files.
constexpr int kVersionColumn = 2;
constexpr int kFirstAddColumn = 6;
constexpr int kEndedColumn = 21;

// How many files of a difference are named.
constexpr int kPathsNamedMax = 10;

// What a version's rows add to the live files and take from them.
struct Change {
  SetHash files;
  std::int64_t num_files = 0;
  std::int64_t size_in_bytes = 0;
};

struct HashedRow {
  Version added;
  std::optional<Version> ended;
  SetHash content;
  std::int64_t size_bytes = 0;
};

// Hashes rows on other threads than the one that steps through them.
class HashedRows {
 public:
  HashedRows(store::Cursor& rows, const SourceReplay& replay)
      : rows_(rows), replay_(replay), pipeline_([this] { return NextTask(); }) {}

  Result<std::optional<std::vector<HashedRow>>> Next() { return pipeline_.Next(); }

 private:
  using Pipeline = base::OrderedPipeline<std::vector<HashedRow>>;
  static constexpr std::size_t kBatchRows = 4 * 1024;

  Result<std::optional<Pipeline::Task>> NextTask() {
    auto arena = std::make_shared<protocol::Arena>();
    log::StoredMaps maps(*arena);
    std::vector<std::pair<AddFile, HashedRow>> batch;
    while (batch.size() < kBatchRows) {
      DELTALAKEDB_ASSIGN(const bool has_row, rows_.Next());
      if (!has_row) break;
      HashedRow row;
      row.added = Version(rows_.Int(kVersionColumn));
      if (!rows_.IsNull(kEndedColumn)) row.ended = Version(rows_.Int(kEndedColumn));
      DELTALAKEDB_ASSIGN(AddFile add, log::ReadStoredAdd(rows_, kFirstAddColumn, maps));
      row.size_bytes = add.size;
      batch.emplace_back(add, row);
    }
    if (batch.empty()) return std::optional<Pipeline::Task>();
    return std::optional<Pipeline::Task>(
        [this, arena, adds = std::move(batch)]() -> Result<std::vector<HashedRow>> {
          FileHasher hasher;
          std::vector<HashedRow> rows;
          rows.reserve(adds.size());
          for (const auto& [add, row] : adds) {
            rows.push_back(row);
            rows.back().content = hasher.Hash(add, replay_.ToldOf(row.added));
          }
          return rows;
        });
  }

  store::Cursor& rows_;
  const SourceReplay& replay_;
  Pipeline pipeline_;
};

// What the rows have of a file.
struct StoredFile {
  SetHash content;  // without dataChange
  SetHash content_without_stats;
  bool data_change = false;
  Told told = Told::kAll;
};

enum class Alike { kYes, kMaybeNot, kNo };

// With a file of a snapshot, which may come from a newer checkpoint than the replay and have lost
// dataChange there, or statistics.
Alike Compare(const StoredFile& file, const AddFile& add, FileHasher& hasher) {
  if (file.content_without_stats != hasher.Hash(add, Told::kNeitherDataChangeNorStats)) {
    return Alike::kNo;
  }
  if (file.told != Told::kNeitherDataChangeNorStats &&
      file.content != hasher.Hash(add, Told::kAllButDataChange)) {
    return add.has_written_stats ? Alike::kNo : Alike::kMaybeNot;
  }
  const bool same_change = file.told != Told::kAll || file.data_change == add.data_change;
  return same_change ? Alike::kYes : Alike::kMaybeNot;
}

class Comparison {
 public:
  Comparison(store::Connection& connection, const store::TableRow& table, const SourceView& source,
             Differences& differences)
      : connection_(connection),
        store_(connection),
        table_(table),
        replay_(source.replay),
        log_(source.log),
        differences_(differences) {}

  Result<void> CompareVersions();
  Result<void> CompareContent();
  Result<void> CompareState();

 private:
  Result<void> CompareVersion(const ReplayedVersion& expected);
  Result<std::vector<Change>> SumChanges();
  Result<void> NameFiles(Version version);

  void Differ(Version version, std::string message) {
    differences_.Add("source", version, std::move(message));
  }

  store::Connection& connection_;
  MetadataStore store_;
  const store::TableRow& table_;
  const SourceReplay& replay_;
  const log::FileLog& log_;
  Differences& differences_;
};

Result<void> Comparison::CompareVersion(const ReplayedVersion& expected) {
  const Version version = expected.version;
  DELTALAKEDB_ASSIGN(const auto row, store_.FindVersion(table_.table_id, version));
  if (!row) {
    Differ(version, "the catalog lacks the version");
    return {};
  }
  const auto compare = [&](std::string_view what, std::int64_t stored, std::int64_t source) {
    if (stored == source) return;
    Differ(version, fmt::format("the catalog has {} {}, the source {}", stored, what, source));
  };
  compare("live files", row->index.num_files, expected.totals.num_files);
  compare("bytes in live files", row->index.size_in_bytes, expected.totals.size_in_bytes);
  if (!expected.is_state_only) {
    compare("adds", row->index.num_added, expected.adds);
    compare("removes", row->index.num_removed, expected.removes);
    if (row->body_hash != expected.body_hash) {
      Differ(version, "the text of the commit is not that of the source");
    }
  }
  if (expected.metadata) {
    DELTALAKEDB_ASSIGN(const Metadata metadata,
                       log::LoadStoredMetadata(connection_, table_.table_id, version));
    if (TextOf(metadata) != *expected.metadata) Differ(version, "metaData differs");
  }
  if (expected.protocol) {
    DELTALAKEDB_ASSIGN(const Protocol protocol,
                       log::LoadStoredProtocol(connection_, table_.table_id, version));
    if (TextOf(protocol) != *expected.protocol) Differ(version, "protocol differs");
  }
  return {};
}

Result<void> Comparison::CompareVersions() {
  for (const ReplayedVersion& version : replay_.versions) {
    DELTALAKEDB_TRY(CompareVersion(version));
  }
  const Version last = replay_.versions.back().version;
  if (table_.current_version != last) {
    Differ(last, fmt::format("the catalog's newest version is {}, the source's {}",
                             table_.current_version.value(), last.value()));
  }
  return {};
}

Result<std::vector<Change>> Comparison::SumChanges() {
  const std::int64_t first = table_.earliest_version.value();
  const std::int64_t count = table_.current_version.value() - first + 1;
  std::vector<Change> changes(static_cast<std::size_t>(count));
  const auto change_of = [&](Version version) -> Change* {
    const std::int64_t index = version.value() - first;
    if (index < 0 || index >= count) return nullptr;
    return &changes[static_cast<std::size_t>(index)];
  };
  DELTALAKEDB_ASSIGN(const auto cursor, store_.ListRows(Relation::kAddFiles, table_.table_id));
  HashedRows rows(*cursor, replay_);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, rows.Next());
    if (!batch) return changes;
    for (const HashedRow& row : *batch) {
      if (row.ended == row.added) continue;
      if (Change* const added = change_of(row.added)) {
        added->files.Add(row.content);
        ++added->num_files;
        added->size_in_bytes += row.size_bytes;
      }
      if (Change* const ended = row.ended ? change_of(*row.ended) : nullptr) {
        ended->files.Subtract(row.content);
        --ended->num_files;
        ended->size_in_bytes -= row.size_bytes;
      }
    }
  }
}

Result<void> Comparison::CompareContent() {
  DELTALAKEDB_ASSIGN(const auto changes, SumChanges());
  Change live;
  std::int64_t version = table_.earliest_version.value();
  auto expected = replay_.versions.begin();
  for (const Change& change : changes) {
    live.files.Add(change.files);
    live.num_files += change.num_files;
    live.size_in_bytes += change.size_in_bytes;
    if (expected != replay_.versions.end() && expected->version == Version(version)) {
      if (live.files != expected->files || live.num_files != expected->totals.num_files ||
          live.size_in_bytes != expected->totals.size_in_bytes) {
        return NameFiles(expected->version);
      }
      ++expected;
    }
    ++version;
  }
  return {};
}

// The files by which a version differs; later versions differ by the same and more.
Result<void> Comparison::NameFiles(Version version) {
  protocol::FileKeyHasher keys(protocol::CanonicalRootOfLocation(table_.location));
  tsl::robin_map<protocol::FileKey, StoredFile, protocol::FileKeyHash> stored;
  FileHasher hasher;
  const auto for_each_stored = [&](auto visit) -> Result<void> {
    DELTALAKEDB_ASSIGN(const auto rows, store_.ListRows(Relation::kAddFiles, table_.table_id));
    protocol::Arena arena;
    for (;;) {
      DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
      if (!has_row) return {};
      const Version added(rows->Int(kVersionColumn));
      const bool is_live = added <= version && (rows->IsNull(kEndedColumn) ||
                                                Version(rows->Int(kEndedColumn)) > version);
      if (!is_live) continue;
      arena.Reset();
      log::StoredMaps maps(arena);
      DELTALAKEDB_ASSIGN(const AddFile add, log::ReadStoredAdd(*rows, kFirstAddColumn, maps));
      visit(add, added);
    }
  };
  DELTALAKEDB_TRY(for_each_stored([&](const AddFile& add, Version added) {
    stored.insert_or_assign(keys.Hash(add.path, add.deletion_vector),
                            StoredFile{hasher.Hash(add, Told::kAllButDataChange),
                                       hasher.Hash(add, Told::kNeitherDataChangeNorStats),
                                       add.data_change, replay_.ToldOf(added)});
  }));
  int named = 0;
  const auto name = [&](std::string_view path, std::string_view problem) {
    if (++named <= kPathsNamedMax) Differ(version, fmt::format("file {}: {}", path, problem));
  };
  std::vector<std::string> maybe_other;  // only what is left to explain the difference
  DELTALAKEDB_ASSIGN(const auto snapshot, log_.LoadSnapshot(TableVersion::At(version)));
  DELTALAKEDB_ASSIGN(const auto files, snapshot->OpenFiles({}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files->Next());
    if (!batch) break;
    for (const AddFile& add : batch->files()) {
      const auto found = stored.find(keys.Hash(add.path, add.deletion_vector));
      if (found == stored.end()) {
        name(add.path, "the catalog lacks it");
        continue;
      }
      const Alike alike = Compare(found->second, add, hasher);
      if (alike == Alike::kNo) name(add.path, "its fields differ");
      if (alike == Alike::kMaybeNot && maybe_other.size() < kPathsNamedMax) {
        maybe_other.emplace_back(add.path);
      }
      stored.erase(found);
    }
  }
  DELTALAKEDB_TRY(for_each_stored([&](const AddFile& add, Version) {
    if (stored.contains(keys.Hash(add.path, add.deletion_vector))) {
      name(add.path, "the source does not have it");
    }
  }));
  if (named == 0) {
    for (const std::string& path : maybe_other) name(path, "its fields differ");
  }
  if (named == 0) Differ(version, "the live files differ from those of an independent replay");
  return {};
}

Result<void> Comparison::CompareState() {
  const Version last = replay_.versions.back().version;
  DELTALAKEDB_ASSIGN(const auto row, store_.LoadVersion(table_.table_id, last));
  DELTALAKEDB_ASSIGN(const TableState stored,
                     log::LoadStoredState(connection_, table_.table_id, row));
  const log::LogState& expected = replay_.state;
  const bool same_transactions = std::ranges::equal(
      stored.app_transactions, expected.app_transactions, [](const auto& left, const auto& right) {
        return left.first == right.first && left.second.version == right.second.version &&
               left.second.last_updated == right.second.last_updated;
      });
  if (!same_transactions) Differ(last, "the application transactions differ");
  if (stored.domain_metadata != expected.domain_metadata) {
    Differ(last, "the domain metadata differs");
  }
  return {};
}

}  // namespace

void Differences::Add(std::string where, std::optional<Version> version, std::string message) {
  if (list_.size() == kDifferencesMax) {
    has_more_ = true;
    return;
  }
  list_.push_back({std::move(where), version, std::move(message)});
}

Result<void> CompareWithSource(store::Connection& connection, const store::TableRow& table,
                               const SourceView& source, Differences& differences) {
  if (source.replay.versions.empty()) return {};
  Comparison comparison(connection, table, source, differences);
  DELTALAKEDB_TRY(comparison.CompareVersions());
  if (!source.with_content) return {};
  DELTALAKEDB_TRY(comparison.CompareContent());
  return comparison.CompareState();
}

}  // namespace deltalakedb::importer
