#include "table/restore_plan.h"

#include <fmt/format.h>
#include <tsl/robin_set.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "data/data_folder.h"
#include "protocol/column_changes.h"
#include "protocol/deletion_vector.h"
#include "protocol/file_key.h"
#include "protocol/number_text.h"
#include "protocol/table_rules.h"
#include "storage/file_system.h"
#include "table/live_files.h"

namespace deltalakedb::table {

namespace {

using FileKeySet = tsl::robin_set<protocol::FileKey, protocol::FileKeyHash>;

// Looked for at once, by one thread.
constexpr std::size_t kFilesPerTask = 16;
constexpr std::size_t kThreadsMax = 16;

// Calls visit(add) for each file of a stream. Errors: those of both.
template <typename Visit>
Result<void> ForEachFile(const Snapshot& snapshot, bool with_stats, Visit visit) {
  DELTALAKEDB_ASSIGN(const auto files, snapshot.OpenFiles({.with_stats = with_stats}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files->Next());
    if (!batch) return {};
    for (const AddFile& add : batch->files()) {
      if (auto visited = visit(add); !visited) return visited;
    }
  }
}

// ---- files --------------------------------------------------------------------------------------

// The file that a deletion vector is in; nullopt where it is in the log.
Result<std::optional<std::string>> PathOfVector(const data::DataFolder& folder,
                                                const DeletionVector& vector) {
  DELTALAKEDB_ASSIGN(const protocol::VectorPlace place, protocol::ResolveDeletionVector(vector));
  if (const auto* relative = std::get_if<protocol::RelativeVectorFile>(&place)) {
    return folder.path() + "/" + relative->path;
  }
  if (const auto* absolute = std::get_if<protocol::AbsoluteVectorFile>(&place)) {
    return folder.PathOf(absolute->uri);
  }
  return std::optional<std::string>();
}

struct Missing {
  std::optional<std::string> first;
  std::int64_t count = 0;
};

Result<Missing> FindMissing(std::span<const std::string> paths) {
  Missing missing;
  for (const std::string& path : paths) {
    DELTALAKEDB_ASSIGN(const auto* const files, data::FileSystemOf(path));
    const auto opened = files->Open(path);
    if (opened) continue;
    const bool is_gone = opened.error().code() == ErrorCode::kNotFound &&
                         opened.error().FindFact("bucket") == nullptr;
    if (!is_gone) return Fail(opened.error());
    if (!missing.first) missing.first = path;
    ++missing.count;
  }
  return missing;
}

Result<void> CheckFilesAreThere(const std::vector<std::string>& paths) {
  if (paths.empty()) return {};
  DELTALAKEDB_ASSIGN(const auto* const files, data::FileSystemOf(paths.front()));
  const std::size_t threads = std::clamp<std::size_t>(files->reads_ahead(), 1, kThreadsMax);
  using Pipeline = base::OrderedPipeline<Missing>;
  std::span<const std::string> rest = paths;
  Pipeline pipeline(
      [&]() -> Result<std::optional<Pipeline::Task>> {
        if (rest.empty()) return std::optional<Pipeline::Task>();
        const auto some = rest.first(std::min(kFilesPerTask, rest.size()));
        rest = rest.subspan(some.size());
        return Pipeline::Task([some] { return FindMissing(some); });
      },
      threads);
  Missing all;
  for (;;) {
    DELTALAKEDB_ASSIGN(auto some, pipeline.Next());
    if (!some) break;
    if (!all.first) all.first = std::move(some->first);
    all.count += some->count;
  }
  if (!all.first) return {};
  return Fail(Error(ErrorCode::kNotFound,
                    fmt::format("{} of the files that the version needs {} gone, {} the first: "
                                "vacuum removes what later versions do not need; restore a version "
                                "whose files are there",
                                all.count, all.count == 1 ? "is" : "are", *all.first))
                  .With("file", *all.first)
                  .With("missingFiles", all.count));
}

Result<void> PlanFiles(const RestoreInput& input, RestorePlan& plan) {
  const data::DataFolder folder = data::DataFolder::OfRoot(input.table_root);
  protocol::FileKeyHasher hasher(input.table_root);
  FileKeySet surplus;  // live now, and not then as far as is known
  DELTALAKEDB_TRY(
      ForEachFile(input.current, /*with_stats=*/false, [&](const AddFile& add) -> Result<void> {
        surplus.insert(hasher.Hash(add.path, add.deletion_vector));
        return {};
      }));
  std::vector<std::string> wanted;
  std::set<std::string> vectors;  // many share a file
  const auto put_back = [&](const AddFile& add) -> Result<void> {
    ++plan.num_files_after;
    plan.table_size_after += add.size;
    if (surplus.erase(hasher.Hash(add.path, add.deletion_vector)) > 0) return {};
    ++plan.num_restored_files;
    plan.restored_files_size += add.size;
    wanted.push_back(folder.PathOf(add.path));
    if (add.deletion_vector) {
      DELTALAKEDB_ASSIGN(auto path, PathOfVector(folder, *add.deletion_vector));
      if (path) vectors.insert(*std::move(path));
    }
    AddFile restored = add;
    restored.data_change = true;
    return plan.actions.Append(restored);
  };
  DELTALAKEDB_TRY(ForEachFile(input.restored, /*with_stats=*/true, put_back));
  wanted.insert(wanted.end(), vectors.begin(), vectors.end());
  DELTALAKEDB_TRY(CheckFilesAreThere(wanted));
  if (surplus.empty()) return {};
  return ForEachFile(input.current, /*with_stats=*/true, [&](const AddFile& add) -> Result<void> {
    if (!surplus.contains(hasher.Hash(add.path, add.deletion_vector))) return {};
    ++plan.num_removed_files;
    plan.removed_files_size += add.size;
    return plan.actions.Append(RemoveOf(add, input.now.ms(), /*data_change=*/true));
  });
}

// ---- metaData -----------------------------------------------------------------------------------

// Properties that stay as they are, or stay away.
constexpr auto kKeptProperties = std::to_array<std::string_view>(
    {protocol::kEnableInCommitTimestamps, protocol::kInCommitTimestampEnablementVersion,
     protocol::kInCommitTimestampEnablementTimestamp, protocol::kEnableRowTracking,
     protocol::kRowTrackingSuspended});
// Properties that stay as they are where they are set.
constexpr auto kAssignedProperties = std::to_array<std::string_view>(
    {protocol::kMaterializedRowIdColumn, protocol::kMaterializedRowCommitVersionColumn});

const std::string* FindProperty(const Metadata& metadata, std::string_view name) {
  const auto found = metadata.configuration.find(std::string(name));
  return found == metadata.configuration.end() ? nullptr : &found->second;
}

// The highest column id that was ever given out.
void KeepColumnId(const Metadata& current, Metadata& restored) {
  const std::string* const now = FindProperty(current, protocol::kColumnMappingMaxColumnId);
  const std::string* const then = FindProperty(restored, protocol::kColumnMappingMaxColumnId);
  if (now == nullptr || then == nullptr) return;
  const auto highest = protocol::ParseInt(*now);
  const auto lower = protocol::ParseInt(*then);
  if (highest && lower && *highest > *lower) {
    restored.configuration[std::string(protocol::kColumnMappingMaxColumnId)] = *now;
  }
}

using Json = nlohmann::ordered_json;

// A number in the metadata of a column.
std::optional<std::int64_t> FindNumber(const Json& field, std::string_view key) {
  const auto metadata = field.find("metadata");
  if (metadata == field.end() || !metadata->is_object()) return std::nullopt;
  const auto number = metadata->find(key);
  if (number == metadata->end() || !number->is_number_integer()) return std::nullopt;
  return number->get<std::int64_t>();
}

// By which a column is known whatever it is called.
Json IdentityOf(const Json& field) {
  constexpr std::string_view kPhysicalName = "delta.columnMapping.physicalName";
  const auto metadata = field.find("metadata");
  if (metadata != field.end() && metadata->is_object() && metadata->contains(kPhysicalName)) {
    return metadata->at(kPhysicalName);
  }
  return field.value("name", Json());
}

// No value of an identity column may come twice, so its mark does not go back.
Result<void> KeepIdentityMarks(const Metadata& current, Metadata& restored) {
  if (!restored.schema_string || !restored.schema_string->contains(protocol::kIdentityPrefix) ||
      !current.schema_string || *current.schema_string == *restored.schema_string) {
    return {};
  }
  const Json now = Json::parse(*current.schema_string, nullptr, /*allow_exceptions=*/false);
  Json then = Json::parse(*restored.schema_string, nullptr, /*allow_exceptions=*/false);
  const auto has_fields = [](const Json& schema) {
    return schema.is_object() && schema.contains("fields") && schema["fields"].is_array() &&
           std::ranges::all_of(schema["fields"], &Json::is_object);
  };
  if (!has_fields(now) || !has_fields(then)) {
    return Fail(ErrorCode::kCorrupt, "schemaString of the table's metaData is no struct");
  }
  bool has_changed = false;
  for (Json& field : then["fields"]) {
    const auto same = std::ranges::find(now["fields"], IdentityOf(field), IdentityOf);
    if (same == now["fields"].end()) continue;
    const auto mark = FindNumber(*same, protocol::kIdentityMark);
    const auto step = FindNumber(field, protocol::kIdentityStep);
    if (!mark || !step) continue;
    const auto old = FindNumber(field, protocol::kIdentityMark);
    if (old && (*step > 0 ? *old >= *mark : *old <= *mark)) continue;
    field["metadata"][std::string(protocol::kIdentityMark)] = *mark;
    has_changed = true;
  }
  if (has_changed) restored.schema_string = then.dump();
  return {};
}

bool IsSame(const Metadata& a, const Metadata& b) {
  const auto fields = [](const Metadata& metadata) {
    return std::tie(metadata.id, metadata.name, metadata.description, metadata.format_provider,
                    metadata.format_options, metadata.schema_string, metadata.partition_columns,
                    metadata.created_time, metadata.configuration, metadata.unknown_fields);
  };
  return fields(a) == fields(b);
}

}  // namespace

std::string RestorePlan::MetricsJson() const {
  const nlohmann::ordered_json metrics = {
      {"tableSizeAfterRestore", fmt::to_string(table_size_after)},
      {"numOfFilesAfterRestore", fmt::to_string(num_files_after)},
      {"numRemovedFiles", fmt::to_string(num_removed_files)},
      {"numRestoredFiles", fmt::to_string(num_restored_files)},
      {"removedFilesSize", fmt::to_string(removed_files_size)},
      {"restoredFilesSize", fmt::to_string(restored_files_size)}};
  return metrics.dump();
}

Result<Metadata> RestoredMetadata(const Metadata& current, const Metadata& restored) {
  Metadata metadata = restored;
  metadata.id = current.id;
  for (const std::string_view name : kKeptProperties) {
    const std::string* const value = FindProperty(current, name);
    metadata.configuration.erase(std::string(name));
    if (value != nullptr) metadata.configuration.emplace(name, *value);
  }
  for (const std::string_view name : kAssignedProperties) {
    const std::string* const value = FindProperty(current, name);
    if (value != nullptr) metadata.configuration[std::string(name)] = *value;
  }
  KeepColumnId(current, metadata);
  DELTALAKEDB_TRY(KeepIdentityMarks(current, metadata));
  return metadata;
}

Result<RestorePlan> PlanRestore(const RestoreInput& input) {
  RestorePlan plan;
  DELTALAKEDB_TRY(PlanFiles(input, plan));
  DELTALAKEDB_ASSIGN(Metadata metadata,
                     RestoredMetadata(input.current.metadata(), input.restored.metadata()));
  if (!IsSame(metadata, input.current.metadata())) {
    DELTALAKEDB_TRY(plan.actions.Append(std::move(metadata)));
  }
  return plan;
}

}  // namespace deltalakedb::table
