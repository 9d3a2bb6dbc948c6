#include "log/sorted_files.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <queue>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/try.h"
#include "protocol/arena.h"
#include "storage/temp_file.h"

namespace deltalakedb::log {

namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;  // of a run, before compression
constexpr std::size_t kBatchFiles = 4096;        // given out at a time
constexpr int kZstdLevel = 1;

std::size_t TextBytes(StringMapView map) {
  std::size_t bytes = map.size_bytes();
  for (const StringMapEntry& entry : map) {
    bytes += entry.key.size() + (entry.value ? entry.value->size() : 0);
  }
  return bytes;
}

// The memory that a file takes while it is sorted.
std::size_t TextBytes(const AddFile& add) {
  std::size_t bytes = sizeof(AddFile) + add.path.size() + TextBytes(add.partition_values);
  if (add.stats) bytes += add.stats->size();
  if (add.tags) bytes += TextBytes(*add.tags);
  if (add.deletion_vector) bytes += add.deletion_vector->path_or_inline_dv.size();
  if (add.clustering_provider) bytes += add.clustering_provider->size();
  return bytes;
}

bool ComesBefore(const AddFile& a, const AddFile& b) {
  if (const int order = a.path.compare(b.path); order != 0) return order < 0;
  const auto id = [](const AddFile& add) {
    return add.deletion_vector ? add.deletion_vector->UniqueId() : std::string();
  };
  return id(a) < id(b);
}

// Files as bytes and back, for the temporary file of this process only.
class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  void Put(const AddFile& add) {
    PutText(add.path);
    PutMap(add.partition_values);
    PutValue(add.size);
    PutValue(add.modification_time);
    PutValue(add.data_change);
    PutOptional(add.stats, &Encoder::PutText);
    PutOptional(add.tags, &Encoder::PutMap);
    PutOptional(add.deletion_vector, &Encoder::PutDeletionVector);
    PutOptional(add.base_row_id, &Encoder::PutValue<std::int64_t>);
    PutOptional(add.default_row_commit_version, &Encoder::PutValue<std::int64_t>);
    PutOptional(add.clustering_provider, &Encoder::PutText);
    PutValue(add.has_written_stats);
  }

 private:
  template <typename T>
  void PutValue(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void PutText(std::string_view text) {
    PutValue(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  void PutMap(StringMapView map) {
    PutValue(static_cast<std::uint32_t>(map.size()));
    for (const StringMapEntry& entry : map) {
      PutText(entry.key);
      PutOptional(entry.value, &Encoder::PutText);
    }
  }
  void PutDeletionVector(const DeletionVector& dv) {
    PutText(dv.storage_type);
    PutText(dv.path_or_inline_dv);
    PutOptional(dv.offset, &Encoder::PutValue<std::int32_t>);
    PutValue(dv.size_in_bytes);
    PutValue(dv.cardinality);
  }
  template <typename T, typename Put>
  void PutOptional(const std::optional<T>& value, Put put) {
    PutValue(value.has_value());
    if (value) (this->*put)(*value);
  }

  std::string& out_;
};

class Decoder {
 public:
  Decoder(std::string_view text, protocol::Arena& arena) : rest_(text), arena_(arena) {}

  bool at_end() const { return rest_.empty(); }

  AddFile Get() {
    AddFile add;
    add.path = GetText();
    add.partition_values = GetMap();
    add.size = GetValue<std::int64_t>();
    add.modification_time = GetValue<std::int64_t>();
    add.data_change = GetValue<bool>();
    GetOptional(add.stats, &Decoder::GetText);
    GetOptional(add.tags, &Decoder::GetMap);
    GetOptional(add.deletion_vector, &Decoder::GetDeletionVector);
    GetOptional(add.base_row_id, &Decoder::GetValue<std::int64_t>);
    GetOptional(add.default_row_commit_version, &Decoder::GetValue<std::int64_t>);
    GetOptional(add.clustering_provider, &Decoder::GetText);
    add.has_written_stats = GetValue<bool>();
    return add;
  }

 private:
  template <typename T>
  T GetValue() {
    T value;
    std::copy_n(rest_.begin(), sizeof(value), reinterpret_cast<char*>(&value));
    rest_.remove_prefix(sizeof(value));
    return value;
  }
  std::string_view GetText() {
    const auto size = GetValue<std::uint32_t>();
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  StringMapView GetMap() {
    entries_.clear();
    for (auto left = GetValue<std::uint32_t>(); left > 0; --left) {
      StringMapEntry& entry = entries_.emplace_back(GetText(), std::nullopt);
      GetOptional(entry.value, &Decoder::GetText);
    }
    return arena_.Copy(entries_);
  }
  DeletionVector GetDeletionVector() {
    DeletionVector dv;
    dv.storage_type = GetText();
    dv.path_or_inline_dv = GetText();
    GetOptional(dv.offset, &Decoder::GetValue<std::int32_t>);
    dv.size_in_bytes = GetValue<std::int32_t>();
    dv.cardinality = GetValue<std::int64_t>();
    return dv;
  }
  template <typename T, typename Get>
  void GetOptional(std::optional<T>& value, Get get) {
    if (GetValue<bool>()) value = (this->*get)();
  }

  std::string_view rest_;
  protocol::Arena& arena_;
  std::vector<StringMapEntry> entries_;
};

// A compressed block of a run in the temporary file.
struct Block {
  std::int64_t offset = 0;
  std::size_t stored_bytes = 0;
  std::size_t raw_bytes = 0;
};

using Run = std::vector<Block>;

Result<Run> WriteRun(const std::vector<const AddFile*>& files, storage::TempFile& file) {
  Run run;
  std::string raw;
  std::vector<char> stored;
  const auto flush = [&] -> Result<void> {
    if (raw.empty()) return {};
    stored.resize(ZSTD_compressBound(raw.size()));
    const std::size_t size =
        ZSTD_compress(stored.data(), stored.size(), raw.data(), raw.size(), kZstdLevel);
    if (ZSTD_isError(size) != 0) return Fail(ErrorCode::kInternal, ZSTD_getErrorName(size));
    DELTALAKEDB_ASSIGN(const std::int64_t offset, file.Append({stored.data(), size}));
    run.push_back({offset, size, raw.size()});
    raw.clear();
    return {};
  };
  Encoder encoder(raw);
  for (const AddFile* add : files) {
    encoder.Put(*add);
    if (raw.size() >= kBlockBytes) DELTALAKEDB_TRY(flush());
  }
  DELTALAKEDB_TRY(flush());
  return run;
}

// A decoded block: the files and all that their views point into.
struct DecodedBlock {
  std::vector<char> raw;
  protocol::Arena arena;
  std::vector<AddFile> files;
};

// Reads one run from its first file to its last.
class RunCursor {
 public:
  explicit RunCursor(Run run) : run_(std::move(run)) {}

  // Moves to the next file; false at the end.
  Result<bool> Advance(const storage::TempFile& file) {
    if (block_ != nullptr && ++next_file_ < block_->files.size()) return true;
    if (next_block_ == run_.size()) return false;
    const Block& stored = run_[next_block_++];
    std::vector<char> bytes(stored.stored_bytes);
    DELTALAKEDB_TRY(file.ReadAt(stored.offset, bytes));
    auto block = std::make_shared<DecodedBlock>();
    block->raw.resize(stored.raw_bytes);
    const std::size_t size =
        ZSTD_decompress(block->raw.data(), block->raw.size(), bytes.data(), bytes.size());
    if (size != stored.raw_bytes) return Fail(ErrorCode::kIo, "a temporary file changed");
    for (Decoder decoder({block->raw.data(), size}, block->arena); !decoder.at_end();) {
      block->files.push_back(decoder.Get());
    }
    block_ = std::move(block);
    next_file_ = 0;
    return true;
  }

  const AddFile& current() const { return block_->files[next_file_]; }
  const std::shared_ptr<DecodedBlock>& block() const { return block_; }

 private:
  Run run_;
  std::size_t next_block_ = 0;
  std::shared_ptr<DecodedBlock> block_;
  std::size_t next_file_ = 0;
};

class MergedRuns final : public FileStream {
 public:
  MergedRuns(storage::TempFile file, std::vector<Run> runs) : file_(std::move(file)) {
    for (Run& run : runs) cursors_.emplace_back(std::move(run));
  }

  Result<void> Start() {
    for (std::size_t i = 0; i < cursors_.size(); ++i) DELTALAKEDB_TRY(Push(i));
    return {};
  }

  Result<std::optional<FileBatch>> Next() override {
    std::vector<AddFile> files;
    std::vector<std::shared_ptr<const void>> owners;
    while (!queue_.empty() && files.size() < kBatchFiles) {
      const std::size_t index = queue_.top().index;
      queue_.pop();
      RunCursor& cursor = cursors_[index];
      files.push_back(cursor.current());
      if (std::ranges::find(owners, std::shared_ptr<const void>(cursor.block())) == owners.end()) {
        owners.push_back(cursor.block());
      }
      DELTALAKEDB_TRY(Push(index));
    }
    if (files.empty()) return std::optional<FileBatch>();
    return std::optional<FileBatch>(std::in_place, std::move(files), std::move(owners));
  }

 private:
  struct Head {
    const AddFile* add;
    std::size_t index;
    friend bool operator<(const Head& a, const Head& b) { return ComesBefore(*b.add, *a.add); }
  };

  Result<void> Push(std::size_t index) {
    DELTALAKEDB_ASSIGN(const bool has_more, cursors_[index].Advance(file_));
    if (has_more) queue_.push({&cursors_[index].current(), index});
    return {};
  }

  storage::TempFile file_;
  std::vector<RunCursor> cursors_;
  std::priority_queue<Head> queue_;
};

// A single run, which never left memory.
class SortedInMemory final : public FileStream {
 public:
  SortedInMemory(std::vector<const AddFile*> files, std::vector<FileBatch> batches)
      : files_(std::move(files)),
        batches_(std::make_shared<std::vector<FileBatch>>(std::move(batches))) {}

  Result<std::optional<FileBatch>> Next() override {
    if (next_ == files_.size()) return std::optional<FileBatch>();
    const std::size_t end = std::min(next_ + kBatchFiles, files_.size());
    std::vector<AddFile> files;
    files.reserve(end - next_);
    for (; next_ < end; ++next_) files.push_back(*files_[next_]);
    return std::optional<FileBatch>(std::in_place, std::move(files),
                                    std::vector<std::shared_ptr<const void>>{batches_});
  }

 private:
  std::vector<const AddFile*> files_;
  std::shared_ptr<std::vector<FileBatch>> batches_;
  std::size_t next_ = 0;
};

std::vector<const AddFile*> Sorted(const std::vector<FileBatch>& batches) {
  std::vector<const AddFile*> files;
  for (const FileBatch& batch : batches) {
    for (const AddFile& add : batch.files()) files.push_back(&add);
  }
  std::ranges::sort(files, [](const AddFile* a, const AddFile* b) { return ComesBefore(*a, *b); });
  return files;
}

}  // namespace

Result<std::unique_ptr<FileStream>> SortByPath(FileStream& files, std::size_t run_bytes) {
  std::vector<FileBatch> batches;
  std::size_t bytes = 0;
  std::optional<storage::TempFile> temp_file;
  std::vector<Run> runs;
  const auto write_run = [&] -> Result<void> {
    if (!temp_file) {
      DELTALAKEDB_ASSIGN(temp_file, storage::TempFile::Make());
    }
    DELTALAKEDB_ASSIGN(auto run, WriteRun(Sorted(batches), *temp_file));
    runs.push_back(std::move(run));
    batches.clear();
    bytes = 0;
    return {};
  };
  for (;;) {
    DELTALAKEDB_ASSIGN(auto batch, files.Next());
    if (!batch) break;
    if (bytes >= run_bytes) DELTALAKEDB_TRY(write_run());
    for (const AddFile& add : batch->files()) bytes += TextBytes(add);
    batches.push_back(*std::move(batch));
  }
  if (runs.empty()) {
    std::vector<const AddFile*> sorted = Sorted(batches);
    return std::make_unique<SortedInMemory>(std::move(sorted), std::move(batches));
  }
  DELTALAKEDB_TRY(write_run());
  auto merged = std::make_unique<MergedRuns>(*std::move(temp_file), std::move(runs));
  DELTALAKEDB_TRY(merged->Start());
  return merged;
}

}  // namespace deltalakedb::log
