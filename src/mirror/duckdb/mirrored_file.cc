#include "mirror/duckdb/mirrored_file.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "base/try.h"
#include "mirror/duckdb/view_text.h"
#include "protocol/action_json.h"
#include "protocol/arena.h"
#include "protocol/partition_value.h"

namespace deltalakedb::mirror {

namespace {

std::optional<OwnedVector> Own(const std::optional<DeletionVector>& vector) {
  if (!vector) return std::nullopt;
  OwnedVector owned = {.storage_type = std::string(vector->storage_type),
                       .path_or_inline_dv = std::string(vector->path_or_inline_dv),
                       .descriptor = *vector};
  owned.descriptor.storage_type = owned.descriptor.path_or_inline_dv = {};
  return owned;
}

}  // namespace

DeletionVector OwnedVector::View() const {
  DeletionVector view = descriptor;
  view.storage_type = storage_type;
  view.path_or_inline_dv = path_or_inline_dv;
  return view;
}

std::optional<std::string> MirroredFile::VectorId() const {
  return deletion_vector ? std::optional(deletion_vector->UniqueId()) : std::nullopt;
}

std::int64_t MirroredFile::num_deleted() const {
  return deletion_vector ? deletion_vector->descriptor.cardinality : 0;
}

MirroredFile FileReader::Read(const AddFile& add) const {
  MirroredFile file = {.path = folder_.PathOf(add.path),
                       .size = add.size,
                       .modification_time = add.modification_time,
                       .raw_partition_values = {},
                       .partition_values = {},
                       .deletion_vector = Own(add.deletion_vector)};
  for (const StringMapEntry& entry : add.partition_values) {
    file.raw_partition_values.emplace_back(entry.key, entry.value);
  }
  return file;
}

Result<void> NormalizePartitionValues(const Metadata& metadata, const Schema& schema,
                                      MirroredFile& file) {
  nlohmann::json values = nlohmann::json::object();
  for (const std::string& name : metadata.partition_columns) {
    const Field* const field = schema.FindField(name);
    if (field == nullptr) continue;
    const std::string& physical = PhysicalName(metadata, *field);
    const auto entry =
        std::ranges::find(file.raw_partition_values, physical,
                          &std::pair<std::string, std::optional<std::string>>::first);
    std::optional<std::string_view> text;
    if (entry != file.raw_partition_values.end()) text = entry->second;
    DELTALAKEDB_ASSIGN(const auto value,
                       protocol::PartitionValue::Parse({field->name(), field->type()}, text));
    const std::optional<std::string> normal = value.NormalText();
    values[physical] = normal ? nlohmann::json(*normal) : nlohmann::json();
  }
  file.partition_values = values.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return {};
}

Result<void> FileReader::ReadCommit(std::string text, std::vector<FileAction>& actions) const {
  const std::size_t size = text.size();
  text.append(protocol::kLinePaddingBytes, '\0');
  protocol::ActionParser parser;
  protocol::Arena arena;
  std::vector<FileAction> added;
  for (std::size_t begin = 0; begin < size;) {
    const std::size_t end = std::min(text.find('\n', begin), size);
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    arena.Reset();
    DELTALAKEDB_ASSIGN(const auto action,
                       parser.Parse(line, protocol::FileDetail::kWithoutStats, arena));
    if (const auto* add = std::get_if<AddFile>(&action)) {
      added.push_back({.is_add = true, .file = Read(*add)});
    } else if (const auto* remove = std::get_if<RemoveFile>(&action)) {
      MirroredFile file = {.path = folder_.PathOf(remove->path),
                           .raw_partition_values = {},
                           .partition_values = {},
                           .deletion_vector = Own(remove->deletion_vector)};
      actions.push_back({.is_add = false, .file = std::move(file)});
    }
  }
  std::ranges::move(added, std::back_inserter(actions));
  return {};
}

}  // namespace deltalakedb::mirror
