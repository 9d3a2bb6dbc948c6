#include "data/data_writer.h"

#include <arrow/array/array_base.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "data/data_folder.h"
#include "data/file_names_internal.h"
#include "data/parquet_file_internal.h"
#include "data/partition_split_internal.h"
#include "data/row_check_internal.h"
#include "data/row_stream.h"
#include "data/work_queue_internal.h"
#include "protocol/number_text.h"
#include "protocol/partition_path.h"

namespace deltalakedb::data {

namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

// A file whose size is this near to the target is done: a row group more would be a small one.
constexpr double kFullShare = 15.0 / 16;
// Before anything is known rows are taken to be as large in files as they are in memory.
constexpr double kDensityGuess = 1.0;
// Batches of fewer rows are made into one when there are so many of them: each costs memory beside
// its rows.
constexpr std::int64_t kSmallBatchRows = 4096;
constexpr std::size_t kSmallBatchesMax = 32;
// What an array takes beside its values. Unit: bytes.
constexpr std::int64_t kArrayBytes = 512;

// delta.targetFileSize: "134217728", "128mb". Nullopt where it is no such text.
std::optional<std::int64_t> ParseBytes(std::string_view text) {
  constexpr std::string_view kUnits = "kmgtp";
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = protocol::ParseInt(text.substr(0, digits));
  std::string unit;
  for (const char c : text.substr(digits)) {
    if (c != ' ') unit += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  if (unit.ends_with('b')) unit.pop_back();
  const std::size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (!count || unit.size() > 1 || power > kUnits.size()) return std::nullopt;
  const double bytes = std::ldexp(static_cast<double>(*count), static_cast<int>(10 * power));
  constexpr double kMax = 0x1p62;
  return bytes >= 1 && bytes < kMax ? std::optional(static_cast<std::int64_t>(bytes))
                                    : std::nullopt;
}

std::int64_t TargetBytes(const Metadata& metadata, const DataWriterOptions& options) {
  if (options.target_file_bytes != kTargetFileBytes) {
    return std::max<std::int64_t>(options.target_file_bytes, 1);
  }
  const auto set = metadata.configuration.find("delta.targetFileSize");
  if (set == metadata.configuration.end()) return kTargetFileBytes;
  return ParseBytes(set->second).value_or(kTargetFileBytes);
}

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t BytesOf(const arrow::RecordBatch& rows) {
  const auto bytes = arrow::util::ReferencedBufferSize(rows);
  return (bytes.ok() ? *bytes : arrow::util::TotalBufferSize(rows)) +
         (rows.num_columns() * kArrayBytes);
}

arrow::Result<Batch> Concatenated(const std::vector<Batch>& batches) {
  arrow::ArrayVector columns;
  std::int64_t num_rows = 0;
  for (const Batch& batch : batches) num_rows += batch->num_rows();
  for (int i = 0; i < batches.front()->num_columns(); ++i) {
    arrow::ArrayVector chunks;
    for (const Batch& batch : batches) chunks.push_back(batch->column(i));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::Concatenate(chunks));
  }
  return arrow::RecordBatch::Make(batches.front()->schema(), num_rows, std::move(columns));
}

// Rows of a partition that wait for their row group.
struct WaitingRows {
  std::vector<Batch> batches;
  std::int64_t num_rows = 0;
  std::int64_t num_bytes = 0;
  std::size_t small_batches = 0;  // the last ones

  arrow::Status Add(Batch batch, std::int64_t batch_bytes) {
    num_rows += batch->num_rows();
    num_bytes += batch_bytes;
    small_batches = batch->num_rows() < kSmallBatchRows ? small_batches + 1 : 0;
    batches.push_back(std::move(batch));
    return small_batches < kSmallBatchesMax ? arrow::Status::OK() : Compact();
  }

 private:
  arrow::Status Compact() {
    const auto first = batches.end() - static_cast<std::ptrdiff_t>(small_batches);
    std::vector<Batch> small(first, batches.end());
    batches.erase(first, batches.end());
    ARROW_ASSIGN_OR_RAISE(Batch whole, Concatenated(small));
    num_bytes -= std::min(num_bytes, static_cast<std::int64_t>(small.size() - 1) *
                                         whole->num_columns() * kArrayBytes);
    small_batches = whole->num_rows() < kSmallBatchRows ? 1 : 0;
    batches.push_back(std::move(whole));
    return arrow::Status::OK();
  }
};

// A file that rows are still put into.
struct OpenFile {
  std::string path;  // below the table, not encoded
  std::string absolute_path;
  PartitionKey key;
  std::size_t number = 0;  // in the order of making
  std::shared_ptr<WorkQueue::Lane> lane = std::make_shared<WorkQueue::Lane>();
  std::unique_ptr<ParquetFile> file;  // belongs to the lane
  std::int64_t written_bytes = 0;     // guarded by Outcome::mutex, as is the next
  std::int64_t waiting_bytes = 0;     // Arrow data of tasks of the lane
};

struct Partition {
  WaitingRows waiting;
  std::vector<std::shared_ptr<OpenFile>> files;
};

// What tasks leave behind.
struct Outcome {
  struct File {
    PartitionKey key;
    std::size_t number = 0;
    WrittenFile written;
  };

  std::mutex mutex;
  std::vector<File> files;         // guarded by mutex
  std::vector<std::string> paths;  // absolute, of what may be there; guarded by mutex
  // Of all row groups, for guessing how large the next will be; guarded by mutex.
  std::int64_t arrow_bytes = 0;
  std::int64_t file_bytes = 0;
};

class ParquetDataWriter final : public DataWriter {
 public:
  struct Parts {
    FilePlan plan;
    PartitionSplit split;
    FileNames names;
    DataFolder folder;
    const storage::FileSystem& file_system;
    std::int64_t target_bytes;
    std::size_t threads;
  };

  explicit ParquetDataWriter(Parts parts)
      : parts_(std::move(parts)),
        queue_(std::make_unique<WorkQueue>(std::max<std::size_t>(parts_.threads, 1))) {}

  ~ParquetDataWriter() override {
    // Tasks use what follows, and files in the making vanish with the last of them.
    queue_.reset();
    partitions_.clear();
    if (is_kept_) return;
    // What cannot be removed is named by nothing and is for vacuum.
    for (const std::string& path : outcome_.paths) {
      [[maybe_unused]] const auto removed = parts_.file_system.Remove(path);
    }
  }
  ParquetDataWriter(const ParquetDataWriter&) = delete;
  ParquetDataWriter& operator=(const ParquetDataWriter&) = delete;

  Result<void> Write(const Batch& rows) override { return Noted(WriteRows(rows)); }
  Result<void> CutFiles() override { return Noted(CloseAll()); }
  Result<std::vector<WrittenFile>> Finish() override;
  void Keep() override { is_kept_ = true; }

 private:
  Result<void> WriteRows(const Batch& rows);
  Result<void> Append(const PartitionKey& key, Partition& partition, const Batch& rows);
  Result<void> WriteLargest();
  Result<void> CloseAll();

  // What to cut the waiting rows of a partition at.
  std::int64_t BytesWanted(const Partition& partition);
  // File bytes for each byte of Arrow data; nullopt before the first row group is written.
  std::optional<double> Density();
  std::int64_t SizeOf(const OpenFile& file);
  bool IsFull(const OpenFile& file) {
    return static_cast<double>(SizeOf(file)) >=
           kFullShare * static_cast<double>(parts_.target_bytes);
  }

  // Hands the rows that wait over to a thread. `is_whole`: there are as many as wanted.
  void Encode(const PartitionKey& key, Partition& partition, bool is_whole);
  std::shared_ptr<OpenFile> PickFile(const PartitionKey& key, Partition& partition, bool is_whole);
  std::shared_ptr<OpenFile> MakeFile(const PartitionKey& key);
  void CloseFullFiles(Partition& partition);
  void CloseLargestFile();
  void Close(const std::shared_ptr<OpenFile>& file);

  Result<void> RunEncode(OpenFile& file, const std::vector<Batch>& rows, std::int64_t num_bytes);
  Result<void> RunClose(OpenFile& file);

  Result<void> Noted(Result<void> result) {
    if (!result && !error_) error_ = result.error();
    return result;
  }

  Parts parts_;
  std::map<PartitionKey, Partition> partitions_;
  std::int64_t waiting_bytes_ = 0;
  std::size_t open_files_ = 0;
  std::size_t next_number_ = 0;
  bool is_finished_ = false;
  bool is_kept_ = false;
  std::optional<Error> error_;
  Outcome outcome_;
  std::unique_ptr<WorkQueue> queue_;
};

// ---- rows ---------------------------------------------------------------------------------------

Result<void> ParquetDataWriter::WriteRows(const Batch& rows) {
  if (error_) return Fail(*error_);
  if (is_finished_) return Fail(ErrorCode::kInternal, "rows were written after the last file");
  DELTALAKEDB_TRY(queue_->Check());
  DELTALAKEDB_TRY(CheckLayout(*rows->schema(), *parts_.plan.columns.row_schema()));
  DELTALAKEDB_ASSIGN(const std::vector<PartitionRows> split, parts_.split.Split(rows));
  for (const auto& [key, part] : split) {
    DELTALAKEDB_TRY(Append(key, partitions_[key], part));
    while (waiting_bytes_ > kWaitingBytesMax) DELTALAKEDB_TRY(WriteLargest());
  }
  return {};
}

Result<void> ParquetDataWriter::Append(const PartitionKey& key, Partition& partition,
                                       const Batch& rows) {
  const double row_bytes =
      static_cast<double>(BytesOf(*rows)) / static_cast<double>(rows->num_rows());
  for (std::int64_t begin = 0; begin < rows->num_rows();) {
    WaitingRows& waiting = partition.waiting;
    const std::int64_t bytes_wanted = BytesWanted(partition);
    const double room = static_cast<double>(bytes_wanted - waiting.num_bytes) / row_bytes;
    const std::int64_t rows_left = rows->num_rows() - begin;
    const std::int64_t count =
        std::min({rows_left, kRowGroupRows - waiting.num_rows,
                  static_cast<std::int64_t>(std::clamp(room, 1.0, double{kRowGroupRows}))});
    const std::int64_t bytes_before = waiting.num_bytes;
    const auto added =
        waiting.Add(count == rows->num_rows() ? rows : rows->Slice(begin, count),
                    static_cast<std::int64_t>(std::ceil(row_bytes * static_cast<double>(count))));
    if (!added.ok()) return Fail(ToError(added));
    waiting_bytes_ += waiting.num_bytes - bytes_before;
    begin += count;
    if (begin < rows->num_rows() || waiting.num_rows >= kRowGroupRows ||
        waiting.num_bytes >= bytes_wanted) {
      Encode(key, partition, /*is_whole=*/true);
    }
  }
  return {};
}

Result<void> ParquetDataWriter::WriteLargest() {
  const auto largest = std::ranges::max_element(
      partitions_, {}, [](const auto& entry) { return entry.second.waiting.num_bytes; });
  Encode(largest->first, largest->second, /*is_whole=*/false);
  return queue_->Check();
}

// ---- sizes --------------------------------------------------------------------------------------

std::optional<double> ParquetDataWriter::Density() {
  const std::lock_guard lock(outcome_.mutex);
  if (outcome_.arrow_bytes == 0) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(outcome_.file_bytes, 1)) /
         static_cast<double>(outcome_.arrow_bytes);
}

std::int64_t ParquetDataWriter::SizeOf(const OpenFile& file) {
  const double density = Density().value_or(kDensityGuess);
  const std::lock_guard lock(outcome_.mutex);
  return file.written_bytes +
         static_cast<std::int64_t>(density * static_cast<double>(file.waiting_bytes));
}

std::int64_t ParquetDataWriter::BytesWanted(const Partition& partition) {
  std::int64_t room = parts_.target_bytes;
  for (const auto& file : partition.files) {
    if (!IsFull(*file)) room = std::min(room, parts_.target_bytes - SizeOf(*file));
  }
  const double wanted = static_cast<double>(room) / Density().value_or(kDensityGuess);
  return static_cast<std::int64_t>(std::clamp(wanted, 1.0, double{kRowGroupBytes}));
}

// ---- files --------------------------------------------------------------------------------------

void ParquetDataWriter::Encode(const PartitionKey& key, Partition& partition, bool is_whole) {
  auto waiting = std::make_shared<const WaitingRows>(std::exchange(partition.waiting, {}));
  waiting_bytes_ -= waiting->num_bytes;
  if (waiting->num_rows == 0) return;
  const std::shared_ptr<OpenFile> file = PickFile(key, partition, is_whole);
  {
    const std::lock_guard lock(outcome_.mutex);
    file->waiting_bytes += waiting->num_bytes;
  }
  queue_->Post(file->lane, [this, file, rows = std::move(waiting)] {
    return RunEncode(*file, rows->batches, rows->num_bytes);
  });
}

std::shared_ptr<OpenFile> ParquetDataWriter::PickFile(const PartitionKey& key, Partition& partition,
                                                      bool is_whole) {
  CloseFullFiles(partition);
  // Best is one that nobody works on, of these the one that is done for soonest; else the one that
  // has least to wait for.
  const auto rank = [&](const std::shared_ptr<OpenFile>& file) {
    const bool is_idle = queue_->IsIdle(*file->lane);
    const std::lock_guard lock(outcome_.mutex);
    return std::pair(!is_idle, is_idle ? -file->written_bytes : file->waiting_bytes);
  };
  std::vector<std::shared_ptr<OpenFile>>& files = partition.files;
  const auto best = std::ranges::min_element(files, {}, rank);
  // A further file is worth while only where a whole row group would have to wait although a
  // thread has nothing to do: small inputs become one file.
  const bool may_add =
      files.empty() || (is_whole && files.size() < queue_->threads() &&
                        !queue_->IsIdle(*(*best)->lane) && queue_->HasIdleThread());
  if (!may_add) return *best;
  while (open_files_ >= kOpenFilesMax) CloseLargestFile();
  return files.emplace_back(MakeFile(key));
}

std::shared_ptr<OpenFile> ParquetDataWriter::MakeFile(const PartitionKey& key) {
  auto file = std::make_shared<OpenFile>();
  file->path = parts_.names.Next(key);
  file->absolute_path = parts_.folder.PathOf(protocol::EncodePath(file->path));
  file->key = key;
  file->number = next_number_++;
  ++open_files_;
  return file;
}

void ParquetDataWriter::CloseFullFiles(Partition& partition) {
  // No file is closed for its size on a guess.
  if (!Density() &&
      std::ranges::any_of(partition.files, [&](const auto& file) { return IsFull(*file); })) {
    [[maybe_unused]] const auto done = queue_->Wait();  // the next call tells of errors
  }
  std::erase_if(partition.files, [&](const std::shared_ptr<OpenFile>& file) {
    if (!IsFull(*file)) return false;
    Close(file);
    return true;
  });
}

void ParquetDataWriter::CloseLargestFile() {
  Partition* holder = nullptr;
  std::shared_ptr<OpenFile> largest;
  for (auto& [key, partition] : partitions_) {
    for (const auto& file : partition.files) {
      if (largest != nullptr && SizeOf(*file) <= SizeOf(*largest)) continue;
      largest = file;
      holder = &partition;
    }
  }
  std::erase(holder->files, largest);
  Close(largest);
}

void ParquetDataWriter::Close(const std::shared_ptr<OpenFile>& file) {
  --open_files_;
  queue_->Post(file->lane, [this, file] { return RunClose(*file); });
}

Result<void> ParquetDataWriter::CloseAll() {
  if (error_) return Fail(*error_);
  for (auto& [key, partition] : partitions_) {
    Encode(key, partition, /*is_whole=*/false);
    for (const auto& file : partition.files) Close(file);
    partition.files.clear();
    DELTALAKEDB_TRY(queue_->Check());
  }
  partitions_.clear();
  return {};
}

// ---- on other threads ---------------------------------------------------------------------------

Result<void> ParquetDataWriter::RunEncode(OpenFile& file, const std::vector<Batch>& rows,
                                          std::int64_t num_bytes) {
  if (file.file == nullptr) {
    DELTALAKEDB_ASSIGN(file.file,
                       ParquetFile::Make(parts_.plan, parts_.file_system, file.absolute_path));
  }
  DELTALAKEDB_TRY(file.file->WriteRowGroup(rows));
  const std::int64_t size_bytes = file.file->size_bytes();
  const std::lock_guard lock(outcome_.mutex);
  outcome_.file_bytes += size_bytes - std::exchange(file.written_bytes, size_bytes);
  outcome_.arrow_bytes += num_bytes;
  file.waiting_bytes -= num_bytes;
  return {};
}

Result<void> ParquetDataWriter::RunClose(OpenFile& file) {
  {
    // Where the answer is lost the file may be there.
    const std::lock_guard lock(outcome_.mutex);
    outcome_.paths.push_back(file.absolute_path);
  }
  if (const auto finished = file.file->Finish(); !finished) {
    if (finished.error().code() == ErrorCode::kAlreadyExists) {
      // That one is somebody else's.
      const std::lock_guard lock(outcome_.mutex);
      std::erase(outcome_.paths, file.absolute_path);
    }
    return finished;
  }
  Outcome::File done{.key = std::move(file.key), .number = file.number, .written = {}};
  done.written.path = protocol::EncodePath(file.path);
  done.written.size_bytes = file.file->size_bytes();
  done.written.modification_time = NowMs();
  done.written.num_rows = file.file->statistics().num_rows();
  done.written.stats = file.file->statistics().ToJson();
  file.file.reset();
  const std::lock_guard lock(outcome_.mutex);
  outcome_.files.push_back(std::move(done));
  return {};
}

Result<std::vector<WrittenFile>> ParquetDataWriter::Finish() {
  DELTALAKEDB_TRY(Noted(CloseAll()));
  DELTALAKEDB_TRY(Noted(queue_->Wait()));
  is_finished_ = true;
  std::ranges::sort(outcome_.files, {},
                    [](const Outcome::File& file) { return std::tie(file.key, file.number); });
  const TableShape& shape = *parts_.plan.shape;
  std::vector<WrittenFile> files;
  for (Outcome::File& file : std::exchange(outcome_.files, {})) {
    for (std::size_t i = 0; i < file.key.size(); ++i) {
      const auto position = static_cast<std::size_t>(shape.partition_columns()[i]);
      file.written.partition_values.emplace_back(shape.columns()[position].physical_name,
                                                 std::move(file.key[i]));
    }
    files.push_back(std::move(file.written));
  }
  return files;
}

}  // namespace

Result<std::unique_ptr<DataWriter>> DataWriter::Make(const Protocol& protocol,
                                                     const Metadata& metadata,
                                                     std::shared_ptr<const TableShape> shape,
                                                     DataWriterOptions options) {
  DELTALAKEDB_ASSIGN(FilePlan plan,
                     FilePlan::Make(protocol, metadata, shape, options.with_row_ids));
  DELTALAKEDB_ASSIGN(PartitionSplit split, PartitionSplit::Make(shape));
  DataFolder folder = DataFolder::OfRoot(options.root);
  const storage::FileSystem* file_system = options.file_system;
  if (file_system == nullptr) {
    DELTALAKEDB_ASSIGN(file_system, FileSystemOf(folder.path()));
  }
  FileNames names(metadata, std::move(shape), std::move(options.folder), plan.suffix);
  const std::int64_t target_bytes = TargetBytes(metadata, options);
  return std::make_unique<ParquetDataWriter>(ParquetDataWriter::Parts{
      std::move(plan), std::move(split), std::move(names), std::move(folder), *file_system,
      target_bytes, options.threads == 0 ? base::PipelineThreads() : options.threads});
}

}  // namespace deltalakedb::data
