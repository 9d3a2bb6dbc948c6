#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii_case.h"
#include "data/file_schema_internal.h"

namespace deltalakedb::data {

namespace {

// How Arrow keeps Parquet's field ids.
constexpr const char* kFieldIdKey = "PARQUET:field_id";

std::optional<int> FieldIdOf(const arrow::Field& field) {
  if (!field.HasMetadata()) return std::nullopt;
  const int at = field.metadata()->FindKey(kFieldIdKey);
  if (at < 0) return std::nullopt;
  const std::string& text = field.metadata()->value(at);
  int id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0) return std::nullopt;
  return id;
}

}  // namespace

const arrow::DataType& StorageTypeOf(const arrow::DataType& type) {
  const arrow::DataType* bare = &type;
  while (bare->id() == arrow::Type::EXTENSION) {
    bare = static_cast<const arrow::ExtensionType&>(*bare).storage_type().get();
  }
  return *bare;
}

arrow::Status FileSchema::Read(const parquet::FileMetaData& metadata,
                               const parquet::ArrowReaderProperties& properties) {
  ARROW_RETURN_NOT_OK(parquet::arrow::SchemaManifest::Make(
      metadata.schema(), metadata.key_value_metadata(), properties, &manifest_));
  indexes_.clear();
  AddGroup(manifest_.schema_fields);
  return arrow::Status::OK();
}

void FileSchema::AddGroup(const Group& group) {
  Index& index = indexes_[&group];
  for (const Field& field : group) {
    // Of two that are called alike the first counts.
    index.by_name.emplace(field.field->name(), &field);
    index.by_folded_name.emplace(base::FoldCase(field.field->name()), &field);
    if (const auto id = FieldIdOf(*field.field)) {
      index.by_id.emplace(*id, &field);
      has_ids_ = true;
    }
  }
  // Adding another group moves the index.
  for (const Field& field : group) {
    if (!field.is_leaf()) AddGroup(field.children);
  }
}

const FileSchema::Field* FileSchema::Find(const Group& group, const deltalakedb::Field& field,
                                          const TableShape& shape) const {
  const auto found_index = indexes_.find(&group);
  if (found_index == indexes_.end()) return nullptr;
  const Index& index = found_index->second;
  if (shape.mapping() == ColumnMapping::kId) {
    const auto found = index.by_id.find(field.column_mapping_id().value_or(-1));
    return found == index.by_id.end() ? nullptr : found->second;
  }
  const std::string_view name = shape.PhysicalName(field);
  const auto exact = index.by_name.find(name);
  if (exact != index.by_name.end()) return exact->second;
  const auto folded = index.by_folded_name.find(base::FoldCase(name));
  return folded == index.by_folded_name.end() ? nullptr : folded->second;
}

const FileSchema::Field* FileSchema::FindColumn(std::string_view name) const {
  const Index& index = indexes_.at(&manifest_.schema_fields);
  const auto found = index.by_name.find(name);
  return found == index.by_name.end() ? nullptr : found->second;
}

int FirstLeafOf(const FileSchema::Field& field) {
  const FileSchema::Field* at = &field;
  while (!at->is_leaf()) {
    if (at->children.empty()) return -1;
    at = &at->children.front();
  }
  return at->column_index;
}

}  // namespace deltalakedb::data
