#include "data/data_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "protocol/absolute_paths.h"
#include "protocol/deletion_bitmap.h"
#include "protocol/deletion_vector.h"
#include "protocol/paths.h"
#include "storage/data_file_footer.h"
#include "storage/file_system.h"
#include "storage/object_store.h"

namespace deltalakedb::data {

namespace {

constexpr std::string_view kFileScheme = "file:";

Result<std::shared_ptr<const storage::InputFile>> OpenFile(const std::string& path) {
  DELTALAKEDB_ASSIGN(const storage::FileSystem* const files, FileSystemOf(path));
  return files->Open(path);
}

// What stands at `offset` of a file of vectors.
Result<std::string> ReadStoredVector(const std::string& path, std::int64_t offset,
                                     std::int32_t size_in_bytes) {
  DELTALAKEDB_ASSIGN(const auto file, OpenFile(path));
  const auto wanted = static_cast<std::int64_t>(protocol::kBitmapLengthBytes) + size_in_bytes +
                      static_cast<std::int64_t>(protocol::kBitmapChecksumBytes);
  const std::int64_t there = std::max<std::int64_t>(file->size_bytes() - offset, 0);
  std::string stored(static_cast<std::size_t>(std::min(wanted, there)), '\0');
  DELTALAKEDB_ASSIGN(const std::size_t read, file->ReadAt(offset, stored));
  stored.resize(read);
  return stored;
}

}  // namespace

Result<const storage::FileSystem*> FileSystemOf(const std::string& path) {
  const auto scheme = path.find("://");
  if (path.starts_with('/') || scheme == std::string::npos) return &storage::LocalFileSystem();
  // The bucket says where to ask; what follows may have to be encoded.
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(path.substr(0, path.find('/', scheme + 3))));
  return storage::OpenObjectStore(uri);
}

DataFolder::DataFolder(std::string_view location)
    : root_(protocol::CanonicalRootOfLocation(location)) {}

std::string DataFolder::path() const {
  return root_.starts_with(kFileScheme) ? root_.substr(kFileScheme.size()) : root_;
}

std::string DataFolder::PathOf(std::string_view path) const {
  std::string absolute;
  if (protocol::IsRelativePath(path)) absolute = root_ + '/';
  protocol::AppendCanonicalPath(path, /*table_root=*/"", absolute);
  if (absolute.starts_with(kFileScheme)) absolute.erase(0, kFileScheme.size());
  return absolute;
}

Result<std::vector<std::int64_t>> DataFolder::LoadDeletedRows(const DeletionVector& vector) const {
  DELTALAKEDB_ASSIGN(const protocol::VectorPlace place, protocol::ResolveDeletionVector(vector));
  if (const auto* bitmap = std::get_if<protocol::InlineVector>(&place)) {
    return protocol::DecodeBitmap(bitmap->bytes, vector.cardinality);
  }
  std::string path;
  std::int64_t offset = 0;
  if (const auto* relative = std::get_if<protocol::RelativeVectorFile>(&place)) {
    path = root_ + '/' + relative->path;
    if (path.starts_with(kFileScheme)) path.erase(0, kFileScheme.size());
    offset = relative->offset;
  } else {
    const auto& absolute = std::get<protocol::AbsoluteVectorFile>(place);
    path = PathOf(absolute.uri);
    offset = absolute.offset;
  }
  const auto in_file = [&](Error error) {
    return Fail(std::move(error).In("the deletion vector in " + path).With("file", path));
  };
  auto stored = ReadStoredVector(path, offset, vector.size_in_bytes);
  if (!stored) return in_file(std::move(stored).error());
  const auto bitmap = protocol::TakeStoredBitmap(*stored, vector.size_in_bytes);
  if (!bitmap) return in_file(bitmap.error());
  auto rows = protocol::DecodeBitmap(*bitmap, vector.cardinality);
  if (!rows) return in_file(std::move(rows).error());
  return rows;
}

Result<bool> DataFolder::HasZonelessTimestamps(const std::string& path,
                                               const std::set<std::string>& columns) {
  const auto is_told_by_reading = [](const Error& error) {
    return error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kCorrupt;
  };
  auto file = OpenFile(path);
  if (!file && is_told_by_reading(file.error())) return false;
  if (!file) return Fail(std::move(file).error());
  auto found = storage::HasZonelessTimestamps(*std::move(file), columns);
  if (!found && is_told_by_reading(found.error())) return false;
  return found;
}

}  // namespace deltalakedb::data
