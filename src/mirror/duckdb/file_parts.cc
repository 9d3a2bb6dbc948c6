#include "mirror/duckdb/file_parts.h"

#include <ranges>
#include <vector>

#include "base/try.h"

namespace deltalakedb::mirror {

Result<FileParts> FileParts::Load(MirrorFile& mirror, std::int64_t table_no) {
  FileParts parts;
  DELTALAKEDB_ASSIGN(const auto listed, mirror.ListParts(table_no));
  for (const FilePart& each : listed) {
    parts.parts_[each.part] = {.group = each.is_zoneless ? FileGroup::kZoneless : FileGroup::kPlain,
                               .num_files = each.num_files};
  }
  return parts;
}

std::int64_t FileParts::Assign(FileGroup group) {
  auto& open = open_[static_cast<std::size_t>(group)];
  if (!open || parts_[*open].num_files >= kPathsPerPart) {
    open.reset();
    // The fullest with room, so that few parts are left half empty.
    std::int64_t most = -1;
    for (const auto& [number, part] : parts_) {
      const bool has_room = part.num_files < kPathsPerPart && part.num_files > most;
      if (part.group != group || !has_room) continue;
      open = number;
      most = part.num_files;
    }
    if (!open) {
      open = parts_.empty() ? 1 : parts_.rbegin()->first + 1;
      parts_[*open] = {.group = group, .is_new = true};
    }
  }
  Part& part = parts_[*open];
  ++part.num_files;
  part.is_changed = true;
  return *open;
}

void FileParts::Remove(std::int64_t number) {
  Part& part = parts_[number];
  --part.num_files;
  part.is_changed = true;
}

void FileParts::RemoveAll() {
  for (Part& part : parts_ | std::views::values) {
    part.num_files = 0;
    part.is_changed = true;
  }
}

std::array<bool, kFileGroups> FileParts::has_files() const {
  std::array<bool, kFileGroups> has_files = {};
  for (const Part& part : parts_ | std::views::values) {
    if (part.num_files > 0) has_files[static_cast<std::size_t>(part.group)] = true;
  }
  return has_files;
}

Result<void> FileParts::Write(MirrorFile& mirror, std::int64_t table_no, bool is_new_table) {
  std::array<std::vector<std::int64_t>, kFileGroups> listed;
  std::array<bool, kFileGroups> has_others = {is_new_table, is_new_table};
  for (const auto& [number, part] : parts_) {
    const auto group = static_cast<std::size_t>(part.group);
    if (part.num_files > 0) listed[group].push_back(number);
    if (!part.is_changed) continue;
    if (part.is_new || part.num_files == 0) has_others[group] = true;
    if (part.num_files == 0) continue;
    DELTALAKEDB_ASSIGN(const auto paths, mirror.ListPaths(table_no, number));
    DELTALAKEDB_TRY(mirror.Define("part", PartText(table_no, number, paths)));
  }
  for (const FileGroup group : {FileGroup::kPlain, FileGroup::kZoneless}) {
    const auto index = static_cast<std::size_t>(group);
    if (!has_others[index]) continue;
    DELTALAKEDB_TRY(mirror.Define("paths", PathsText(table_no, group, listed[index])));
  }
  for (const auto& [number, part] : parts_) {
    if (part.num_files > 0 || part.is_new || !part.is_changed) continue;
    DELTALAKEDB_TRY(mirror.Define("part", DropPartText(table_no, number)));
  }
  return {};
}

}  // namespace deltalakedb::mirror
