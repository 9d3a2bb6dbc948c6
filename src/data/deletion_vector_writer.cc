#include "data/deletion_vector_writer.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "base/try.h"
#include "data/data_folder.h"
#include "deltalakedb/ids.h"
#include "protocol/deletion_bitmap.h"
#include "protocol/deletion_vector.h"

namespace deltalakedb::data {

namespace {

// A bitmap of no more bytes stands in the log itself: some forty rows, or a few runs of any length.
// Its text is a quarter longer, and no reader has to open a file for it.
constexpr std::size_t kInlineBytesMax = 128;
// The first byte of a file of vectors (PROTOCOL.md, Deletion vectors).
constexpr char kFileVersion = 1;
// What a file is cut at: offsets are 32-bit integers.
constexpr std::int64_t kFileBytesMax = std::int64_t{1} << 30;
// The largest bitmap that sizeInBytes can say in a file that begins with it.
constexpr std::size_t kBitmapBytesMax = (std::size_t{1} << 31) - 1;

}  // namespace

class DeletionVectorWriter::Impl {
 public:
  Impl(std::string root, const storage::FileSystem* file_system)
      : folder_(DataFolder::OfRoot(std::move(root)).path()), file_system_(file_system) {}
  ~Impl() {
    file_.reset();
    if (is_kept_) return;
    // What cannot be removed is named by nothing and is for vacuum.
    for (const std::string& path : made_) {
      [[maybe_unused]] const auto removed = file_system_->Remove(path);
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<WrittenVector> Write(const std::vector<std::int64_t>& rows);
  Result<void> Finish();
  void Keep() { is_kept_ = true; }

 private:
  Result<void> OpenFile();

  std::string folder_;
  const storage::FileSystem* file_system_;  // null: not asked for yet
  std::unique_ptr<storage::OutputFile> file_;
  TableId file_id_;
  std::string file_path_;
  std::vector<std::string> made_;
  bool is_kept_ = false;
};

Result<void> DeletionVectorWriter::Impl::OpenFile() {
  if (file_system_ == nullptr) {
    DELTALAKEDB_ASSIGN(file_system_, FileSystemOf(folder_));
  }
  file_id_ = TableId::MakeRandom();
  file_path_ = fmt::format("{}/deletion_vector_{}.bin", folder_, file_id_.ToString());
  DELTALAKEDB_ASSIGN(file_, file_system_->Create(file_path_, {}));
  return file_->Append({&kFileVersion, 1});
}

Result<WrittenVector> DeletionVectorWriter::Impl::Write(const std::vector<std::int64_t>& rows) {
  if (rows.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a deletion vector without rows cannot be written");
  }
  DELTALAKEDB_ASSIGN(const std::string bitmap, protocol::EncodeBitmap(rows));
  if (bitmap.size() > kBitmapBytesMax) {
    return Fail(Error(ErrorCode::kLimitExceeded,
                      "a deletion vector would take more than 2 GiB; rewrite its file instead")
                    .With("limit", static_cast<std::int64_t>(kBitmapBytesMax)));
  }
  WrittenVector written;
  written.size_in_bytes = static_cast<std::int32_t>(bitmap.size());
  written.cardinality = std::ssize(rows);
  if (bitmap.size() <= kInlineBytesMax) {
    written.storage_type = "i";
    written.path_or_inline_dv = protocol::EncodeZ85(bitmap);
    return written;
  }
  if (file_ != nullptr && file_->size_bytes() > kFileBytesMax) DELTALAKEDB_TRY(Finish());
  if (file_ == nullptr) DELTALAKEDB_TRY(OpenFile());
  written.storage_type = "u";
  written.path_or_inline_dv = protocol::EncodeZ85(file_id_.bytes());
  written.offset = static_cast<std::int32_t>(file_->size_bytes());
  DELTALAKEDB_TRY(file_->Append(protocol::StoredBitmap(bitmap)));
  return written;
}

Result<void> DeletionVectorWriter::Impl::Finish() {
  if (file_ == nullptr) return {};
  // Where the answer is lost the file may be there.
  made_.push_back(file_path_);
  const auto finished = std::exchange(file_, nullptr)->Finish();
  if (!finished) return Fail(finished.error());
  if (*finished == storage::PutResult::kExists) {
    made_.pop_back();
    return Fail(Error(ErrorCode::kAlreadyExists,
                      fmt::format("there is a file under the new name {} already", file_path_))
                    .With("file", file_path_));
  }
  return {};
}

DeletionVectorWriter::DeletionVectorWriter(std::string root, const storage::FileSystem* file_system)
    : impl_(std::make_unique<Impl>(std::move(root), file_system)) {}
DeletionVectorWriter::~DeletionVectorWriter() = default;

Result<WrittenVector> DeletionVectorWriter::Write(const std::vector<std::int64_t>& rows) {
  return impl_->Write(rows);
}
Result<void> DeletionVectorWriter::Finish() { return impl_->Finish(); }
void DeletionVectorWriter::Keep() { impl_->Keep(); }

}  // namespace deltalakedb::data
