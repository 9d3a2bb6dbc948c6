#include "store/live_files.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "store/rows.h"

namespace deltalakedb::store {

namespace {

// Columns of insert_add_file.
enum AddColumn {
  kFileId,
  kTableId,
  kVersion,
  kOrigin,
  kPathKey,
  kDvId,
  kPath,
  kSize = 8,
  kEnded = 21
};

// Ends that wait to be written together: two values each.
constexpr std::size_t kEndValuesMax = 2 * 1024 * 1024;

std::uint64_t HashOfPath(std::string_view path) { return XXH3_64bits(path.data(), path.size()); }

std::string_view BytesOf(const Value& value) {
  const auto* blob = std::get_if<Blob>(&value);
  return blob == nullptr ? std::string_view() : blob->bytes;
}

std::string_view TextOf(const Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  return text == nullptr ? std::string_view() : *text;
}

}  // namespace

protocol::Hash128 LiveFiles::KeyOf(std::string_view path_key, std::string_view dv_id) {
  scratch_.assign(path_key).append(dv_id);
  return protocol::HashOf(scratch_);
}

void LiveFiles::Insert(std::span<const Value> rows) {
  if (!table_) return;
  const std::size_t columns = InfoOf(Relation::kAddFiles).columns;
  for (std::size_t i = 0; i < rows.size(); i += columns) {
    const auto row = rows.subspan(i, columns);
    if (BytesOf(row[kTableId]) != table_->bytes()) return Forget();
    if (!std::holds_alternative<std::monostate>(row[kEnded])) continue;
    files_.insert_or_assign(
        KeyOf(BytesOf(row[kPathKey]), TextOf(row[kDvId])),
        File{std::get<std::int64_t>(row[kFileId]), std::get<std::int64_t>(row[kVersion]),
             std::get<std::int64_t>(row[kSize]), HashOfPath(TextOf(row[kPath]))});
  }
}

Result<void> LiveFiles::Load(const TableId& table) {
  if (table_ == table) return {};
  DELTALAKEDB_TRY(Flush());
  Forget();
  DELTALAKEDB_ASSIGN(const auto rows,
                     connection_.StreamAlone(StatementId::kListLiveFiles, {ToValue(table)}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) break;
    files_.insert_or_assign(
        KeyOf(rows->Bytes(0), rows->Text(1)),
        File{rows->Int(2), rows->Int(3), rows->Int(4), HashOfPath(rows->Text(5))});
  }
  table_ = table;
  return {};
}

Result<std::string> LiveFiles::LoadPath(std::int64_t file_id) const {
  DELTALAKEDB_ASSIGN(const auto row,
                     connection_.Query(StatementId::kFindFilePath, {ToValue(*table_), file_id}));
  DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
  if (has_row) return std::string(row->Text(0));
  return Fail(ErrorCode::kInternal, fmt::format("the row of file {} is gone", file_id));
}

Result<std::optional<EndedFile>> LiveFiles::EndOne(Version version, const FileName& name) {
  const auto found = files_.find(KeyOf(name.path_key, name.dv_id));
  if (found == files_.end() || found->second.version >= version.value()) {
    return std::optional<EndedFile>();
  }
  const File file = found->second;
  files_.erase(found);
  EndedFile ended{std::string(name.path), file.size_bytes};
  if (HashOfPath(name.path) != file.path_hash) {
    // Written in another way, or another path of the same key.
    DELTALAKEDB_ASSIGN(ended.path, LoadPath(file.file_id));
  }
  ends_.insert(ends_.end(), {file.file_id, version.value()});
  if (ends_.size() >= kEndValuesMax) DELTALAKEDB_TRY(Flush());
  return std::optional(std::move(ended));
}

Result<void> LiveFiles::Flush() {
  if (ends_.empty()) return {};
  DELTALAKEDB_TRY(connection_.ExecuteMany(StatementId::kEndFilesById, 2, ends_));
  ends_.clear();
  return {};
}

void LiveFiles::Forget() {
  table_.reset();
  files_.clear();
}

}  // namespace deltalakedb::store
