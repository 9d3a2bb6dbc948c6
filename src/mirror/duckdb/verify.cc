#include "mirror/duckdb/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "data/data_folder.h"
#include "deltalakedb/schema.h"
#include "mirror/duckdb/mirror_file.h"
#include "mirror/duckdb/mirrored_file.h"

namespace deltalakedb::mirror {

namespace {

class Comparison {
 public:
  Comparison(const TableFeed& feed, MirrorFile& mirror, const MirroredTable& table)
      : feed_(feed), mirror_(mirror), table_(table) {}

  Result<std::vector<Difference>> Run(const MirrorProgress& progress);
  void Note(std::string_view where, std::optional<Version> version, std::string message) {
    if (differences_.size() >= kDifferencesMax) return;
    differences_.push_back(
        {.where = std::string(where), .version = version, .message = std::move(message)});
  }

 private:
  Result<void> CompareVersions();
  Result<void> CompareFiles();
  void CompareFile(const MirroredFile& ours, const ListedFile& theirs);

  const TableFeed& feed_;
  MirrorFile& mirror_;
  const MirroredTable& table_;
  std::vector<Difference> differences_;
};

Result<std::vector<Difference>> Comparison::Run(const MirrorProgress& progress) {
  if (progress.published && table_.version < *progress.published) {
    Note("tables", table_.version,
         fmt::format("the mirror is at this version, not at {}", progress.published->value()));
  }
  if (table_.version > feed_.versions.last || table_.version < feed_.versions.first) {
    Note("tables", table_.version, "the catalog does not have this version of the mirror");
    return std::move(differences_);
  }
  DELTALAKEDB_ASSIGN(const bool has_view, mirror_.IsNameTaken(table_.view_name));
  if (!has_view) Note("tables", std::nullopt, fmt::format("no view {}", table_.view_name));
  if (table_.view_name != feed_.table) {
    Note("tables", std::nullopt, fmt::format("the view is called {}", table_.view_name));
  }
  DELTALAKEDB_TRY(CompareVersions());
  DELTALAKEDB_TRY(CompareFiles());
  DELTALAKEDB_ASSIGN(const std::int64_t wrong, mirror_.CountWrongDeletions(table_.table_no));
  if (wrong > 0) {
    Note("deleted_rows", table_.version,
         fmt::format("{} files have not as many deleted rows as their vectors", wrong));
  }
  return std::move(differences_);
}

Result<void> Comparison::CompareVersions() {
  DELTALAKEDB_ASSIGN(const auto theirs, mirror_.ListVersions(table_.table_no));
  DELTALAKEDB_ASSIGN(const auto history, feed_.load_history({}));
  std::unordered_map<std::int64_t, const MirroredVersion*> by_version;
  for (const MirroredVersion& each : theirs) by_version[each.version.value()] = &each;
  for (const HistoryEntry& entry : history) {
    if (entry.version > table_.version) continue;
    const auto found = by_version.find(entry.version.value());
    if (found == by_version.end()) {
      Note("versions", entry.version, "the mirror lacks it");
    } else if (*found->second != MirroredVersion::Of(entry)) {
      Note("versions", entry.version, "the mirror tells something else of it");
    }
    if (found != by_version.end()) by_version.erase(found);
  }
  for (const MirroredVersion* each : by_version | std::views::values) {
    if (each->version < feed_.versions.first) continue;
    Note("versions", each->version, "only the mirror has it");
  }
  return {};
}

Result<void> Comparison::CompareFiles() {
  DELTALAKEDB_ASSIGN(const auto listed, mirror_.ListFiles(table_.table_no));
  std::unordered_map<std::string_view, const ListedFile*> by_path;
  for (const ListedFile& file : listed) {
    if (by_path.try_emplace(file.path, &file).second) continue;
    Note("files", table_.version, fmt::format("the mirror has {} twice", file.path));
  }
  DELTALAKEDB_ASSIGN(const auto snapshot, feed_.load_snapshot(table_.version));
  const Metadata& metadata = snapshot->metadata();
  DELTALAKEDB_ASSIGN(const Schema schema, Schema::Parse(metadata.schema_string.value_or("")));
  if (snapshot->timestamp() != table_.timestamp) {
    Note("tables", table_.version, "the mirror has another time of it");
  }
  const data::DataFolder folder(feed_.location);
  const FileReader reader(folder);
  DELTALAKEDB_ASSIGN(const auto stream, snapshot->OpenFiles({.with_stats = false}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, stream->Next());
    if (!batch) break;
    for (const AddFile& add : batch->files()) {
      MirroredFile file = reader.Read(add);
      DELTALAKEDB_TRY(NormalizePartitionValues(metadata, schema, file));
      const auto found = by_path.find(file.path);
      if (found == by_path.end()) {
        Note("files", table_.version, fmt::format("the mirror lacks {}", file.path));
        continue;
      }
      CompareFile(file, *found->second);
      by_path.erase(found);
    }
  }
  for (const std::string_view path : by_path | std::views::keys) {
    Note("files", table_.version, fmt::format("only the mirror has {}", path));
  }
  return {};
}

void Comparison::CompareFile(const MirroredFile& ours, const ListedFile& theirs) {
  using nlohmann::json;
  const bool has_same_values =
      json::parse(ours.partition_values, nullptr, /*allow_exceptions=*/false) ==
      json::parse(theirs.partition_values, nullptr, /*allow_exceptions=*/false);
  if (ours.size == theirs.size && ours.modification_time == theirs.modification_time &&
      has_same_values && ours.VectorId() == theirs.vector_id &&
      ours.num_deleted() == theirs.num_deleted) {
    return;
  }
  Note("files", table_.version, fmt::format("the mirror tells something else of {}", ours.path));
}

Difference Missing(std::string_view where, std::string message) {
  return {.where = std::string(where), .version = std::nullopt, .message = std::move(message)};
}

}  // namespace

Result<std::vector<Difference>> VerifyDuckDb(const TableFeed& feed, const std::string& place,
                                             const MirrorProgress& progress) {
  std::vector<Difference> differences;
  auto mirror = MirrorFile::Open(place, /*may_create=*/false);
  if (!mirror && mirror.error().code() == ErrorCode::kNotFound) {
    if (progress.published) differences.push_back(Missing(place, "there is no such file"));
    return differences;
  }
  if (!mirror) return Fail(std::move(mirror).error());
  const auto begun = mirror->BeginReading();
  if (!begun && begun.error().code() == ErrorCode::kNotFound) {
    if (progress.published) differences.push_back(Missing(place, "the file is empty"));
    return differences;
  }
  if (!begun) return Fail(begun.error());
  DELTALAKEDB_ASSIGN(const auto table, mirror->FindTable(feed.table_id));
  if (!table) {
    if (progress.published) differences.push_back(Missing("tables", "the mirror lacks the table"));
    return differences;
  }
  return Comparison(feed, *mirror, *table).Run(progress);
}

}  // namespace deltalakedb::mirror
