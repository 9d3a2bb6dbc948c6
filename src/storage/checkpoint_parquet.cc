#include "storage/checkpoint_parquet.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>
#include <new>
#include <string_view>

#include "base/try.h"
#include "storage/arrow_columns_internal.h"
#include "storage/arrow_input.h"
#include "storage/checkpoint_files_internal.h"
#include "storage/checkpoint_state_internal.h"
#include "storage/parquet_memory.h"

namespace deltalakedb::storage {

namespace {

// What a column chunk is read with at a time instead of whole. Unit: bytes.
constexpr std::int64_t kReadBufferBytes = 1024 * 1024;
// Of a remote file the columns of one row group are read at once, as few large ranges: what lies
// between two columns is read along when it takes less time than another request, and no range is
// longer than is good for reading several side by side. Unit: bytes.
constexpr std::int64_t kRemoteHoleBytesMax = 256 * 1024;
constexpr std::int64_t kRemoteRangeBytesMax = 8 * 1024 * 1024;

// A Parquet leaf column by its dotted path, such as "add.partitionValues.key_value.key".
bool IsUnder(std::string_view path, std::string_view field) {
  return path.starts_with(field) && (path.size() == field.size() || path[field.size()] == '.');
}

// Nulls of a leaf column over the whole file; nullopt when some row group does not say.
std::optional<std::int64_t> CountNulls(const parquet::FileMetaData& metadata, int column) {
  std::int64_t nulls = 0;
  for (int group = 0; group < metadata.num_row_groups(); ++group) {
    const auto chunk = metadata.RowGroup(group)->ColumnChunk(column);
    const auto statistics = chunk->statistics();
    if (statistics == nullptr || !statistics->HasNullCount()) return std::nullopt;
    nulls += statistics->null_count();
  }
  return nulls;
}

// A Parquet reader of some columns, batch by batch.
struct OpenBatches {
  std::vector<int> leaves;
  int next_group = 0;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::unique_ptr<arrow::RecordBatchReader> batches;  // of the row groups before `next_group`
};

class Checkpoint final : public ParquetCheckpoint, public std::enable_shared_from_this<Checkpoint> {
 public:
  explicit Checkpoint(std::shared_ptr<const InputFile> file)
      : path_(file->path()),
        is_remote_(file->is_remote()),
        input_(std::make_shared<ArrowInput>(std::move(file))) {}

  Result<void> ReadFooter();
  Result<CheckpointState> LoadState() const override;
  Result<std::unique_ptr<AddStream>> OpenAdds(CheckpointColumns columns) const override;
  Result<std::unique_ptr<RemoveStream>> OpenRemoves() const override;

  const std::string& path() const { return path_; }
  // The machine's fault, or that of a damaged file that asks for absurd amounts.
  static Error OutOfMemory() {
    return Error(ErrorCode::kUnavailable, "there is not enough memory to read a checkpoint")
        .With("outOfMemory", 1);
  }
  // Parquet's reader takes columns that end early for the end of the file.
  Result<void> CheckRowsRead(std::int64_t rows) const {
    if (rows == metadata_->num_rows()) return {};
    return Fail(
        ErrorFor(fmt::format("it gives {} rows and announces {}", rows, metadata_->num_rows())));
  }
  Error ErrorFor(std::string_view problem) const { return input_->ErrorFor(problem); }

 private:
  template <typename Batch>
  friend class Rows;

  // Runs `work`, which may throw as Parquet's own classes do, or return an Arrow status.
  template <typename Work>
  Result<void> Guard(Work work) const {
    try {
      const arrow::Status status = work();
      if (status.IsOutOfMemory()) return Fail(OutOfMemory());
      if (!status.ok()) return Fail(ErrorFor(status.message()));
      return {};
    } catch (const std::bad_alloc&) {
      return Fail(OutOfMemory());
    } catch (const std::exception& exception) {
      return Fail(ErrorFor(exception.what()));
    }
  }

  // A reader of its own, since one must not be shared between threads.
  Result<std::unique_ptr<parquet::arrow::FileReader>> MakeReader() const;
  Result<OpenBatches> OpenLeaves(std::vector<int> leaves) const;
  Result<void> OpenNextGroups(OpenBatches& open) const;
  // The next rows; null at the end.
  Result<std::shared_ptr<arrow::RecordBatch>> ReadBatch(OpenBatches& open) const;
  std::vector<int> StateColumns() const;
  std::vector<int> AddLeaves(CheckpointColumns columns) const;
  bool NeedsParsedStats() const;
  template <typename Keep>
  std::vector<int> Leaves(Keep keep) const;

  std::string path_;
  bool is_remote_;
  std::shared_ptr<ArrowInput> input_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
};

// The rows of some columns, decoded by `decode`.
template <typename Batch>
class Rows final : public ParquetCheckpoint::RowStream<Batch> {
 public:
  using Decoder = ParquetCheckpoint::Decoder<Batch>;
  using Decode = std::function<Result<Batch>(const std::shared_ptr<arrow::RecordBatch>&)>;

  Rows(std::shared_ptr<const Checkpoint> checkpoint, OpenBatches open, Decode decode)
      : checkpoint_(std::move(checkpoint)), open_(std::move(open)), decode_(std::move(decode)) {}

  Result<std::optional<Decoder>> Next() override {
    DELTALAKEDB_ASSIGN(auto batch, checkpoint_->ReadBatch(open_));
    if (batch == nullptr) {
      DELTALAKEDB_TRY(checkpoint_->CheckRowsRead(rows_read_));
      return std::optional<Decoder>();
    }
    rows_read_ += batch->num_rows();
    return Decoder([checkpoint = checkpoint_, batch = std::move(batch), decode = decode_] {
      Result<Batch> actions = decode(batch);
      if (!actions) {
        actions.error().AddContext(checkpoint->path()).AddFact("file", checkpoint->path());
      }
      return actions;
    });
  }

 private:
  std::shared_ptr<const Checkpoint> checkpoint_;
  OpenBatches open_;
  Decode decode_;
  std::int64_t rows_read_ = 0;
};

// Of a file that has none.
class NoRemoves final : public ParquetCheckpoint::RemoveStream {
 public:
  Result<std::optional<ParquetCheckpoint::Decoder<RemoveBatch>>> Next() override {
    return std::optional<ParquetCheckpoint::Decoder<RemoveBatch>>();
  }
};

// What is wrong with the columns of a file that is to be a checkpoint: without this, one that is
// none would pass for a checkpoint without files.
std::optional<std::string> FindColumnProblem(const parquet::schema::GroupNode& root) {
  int actions = 0;
  for (int i = 0; i < root.field_count(); ++i) {
    const std::string& name = root.field(i)->name();
    const bool is_state = std::ranges::find(kStateActions, name) != kStateActions.end();
    if (!is_state && name != "add" && name != "remove") continue;
    ++actions;
    for (int j = 0; j < i; ++j) {
      if (root.field(j)->name() == name) return fmt::format("it has two columns {}", name);
    }
    if (name != "add") continue;
    for (const std::string_view required : {"path", "size"}) {
      const auto* const add =
          root.field(i)->is_group()
              ? static_cast<const parquet::schema::GroupNode*>(root.field(i).get())
              : nullptr;
      if (add == nullptr || add->FieldIndex(std::string(required)) < 0) {
        return fmt::format("it has no column add.{}", required);
      }
    }
  }
  if (actions == 0) return "it has none of a checkpoint's columns";
  return std::nullopt;
}

Result<void> Checkpoint::ReadFooter() {
  return Guard([&] {
    metadata_ = parquet::ReadMetaData(input_);
    auto problem = FindColumnProblem(*metadata_->schema()->group_node());
    for (int i = 0; i < metadata_->num_columns() && !problem; ++i) {
      // Names of columns get into statistics as JSON.
      if (!IsUtf8(metadata_->schema()->Column(i)->path()->ToDotString())) {
        problem = "the name of a column is not UTF-8";
      }
    }
    return problem ? arrow::Status::Invalid(*problem) : arrow::Status::OK();
  });
}

Result<std::unique_ptr<parquet::arrow::FileReader>> Checkpoint::MakeReader() const {
  std::unique_ptr<parquet::arrow::FileReader> reader;
  DELTALAKEDB_TRY(Guard([&] {
    parquet::ReaderProperties properties(ParquetMemory());
    if (!is_remote_) properties.enable_buffered_stream();
    properties.set_buffer_size(kReadBufferBytes);
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/true);
    arrow_properties.set_batch_size(kBatchRows);
    arrow_properties.set_pre_buffer(is_remote_);
    arrow_properties.set_cache_options({.hole_size_limit = kRemoteHoleBytesMax,
                                        .range_size_limit = kRemoteRangeBytesMax,
                                        .lazy = false});
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(input_, properties, metadata_));
    builder.memory_pool(ParquetMemory())->properties(arrow_properties);
    return builder.Build(&reader);
  }));
  return reader;
}

Result<OpenBatches> Checkpoint::OpenLeaves(std::vector<int> leaves) const {
  OpenBatches open;
  open.leaves = std::move(leaves);
  DELTALAKEDB_TRY(OpenNextGroups(open));
  return open;
}

// The ranges of a remote file stay in memory as long as their reader, which therefore gets one row
// group at a time.
Result<void> Checkpoint::OpenNextGroups(OpenBatches& open) const {
  const int groups_end = is_remote_ ? std::min(open.next_group + 1, metadata_->num_row_groups())
                                    : metadata_->num_row_groups();
  open.batches.reset();
  DELTALAKEDB_ASSIGN(open.reader, MakeReader());
  return Guard([&] {
    std::vector<int> groups(static_cast<std::size_t>(groups_end - open.next_group));
    std::ranges::generate(groups, [&] { return open.next_group++; });
    return open.reader->GetRecordBatchReader(groups, open.leaves).Value(&open.batches);
  });
}

Result<std::shared_ptr<arrow::RecordBatch>> Checkpoint::ReadBatch(OpenBatches& open) const {
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    DELTALAKEDB_TRY(Guard([&] { return open.batches->ReadNext(&batch); }));
    if (batch != nullptr || open.next_group == metadata_->num_row_groups()) return batch;
    DELTALAKEDB_TRY(OpenNextGroups(open));
  }
}

template <typename Keep>
std::vector<int> Checkpoint::Leaves(Keep keep) const {
  std::vector<int> leaves;
  for (int i = 0; i < metadata_->num_columns(); ++i) {
    if (keep(metadata_->schema()->Column(i)->path()->ToDotString())) leaves.push_back(i);
  }
  return leaves;
}

// Columns that hold nothing but nulls by the file's own statistics are not read.
std::vector<int> Checkpoint::StateColumns() const {
  std::array<bool, kStateActions.size()> has_rows{};
  const auto action_of = [](std::string_view path) {
    return static_cast<std::size_t>(
        std::ranges::find_if(kStateActions, [&](auto name) { return IsUnder(path, name); }) -
        kStateActions.begin());
  };
  for (int i = 0; i < metadata_->num_columns(); ++i) {
    const std::size_t action = action_of(metadata_->schema()->Column(i)->path()->ToDotString());
    if (action == kStateActions.size() || has_rows[action]) continue;
    has_rows[action] = CountNulls(*metadata_, i) != metadata_->num_rows();
  }
  return Leaves([&](const std::string& path) {
    const std::size_t action = action_of(path);
    return action != kStateActions.size() && has_rows[action];
  });
}

Result<CheckpointState> Checkpoint::LoadState() const {
  CheckpointState state;
  const auto read = [&] -> Result<void> {
    std::vector<int> leaves;
    DELTALAKEDB_TRY(Guard([&] {
      leaves = StateColumns();
      return arrow::Status::OK();
    }));
    if (leaves.empty()) return {};
    DELTALAKEDB_ASSIGN(OpenBatches open, OpenLeaves(std::move(leaves)));
    std::int64_t rows_read = 0;
    for (;;) {
      DELTALAKEDB_ASSIGN(const auto batch, ReadBatch(open));
      if (batch == nullptr) return CheckRowsRead(rows_read);
      rows_read += batch->num_rows();
      if (Result<void> done = ReadState(*batch, state); !done) {
        return Fail(std::move(done).error().In(path_));
      }
    }
  };
  if (Result<void> done = read(); !done) {
    return Fail(std::move(done).error().With("file", path_));
  }
  return state;
}

// Statistics as a struct are read only where some file may lack them as JSON.
bool Checkpoint::NeedsParsedStats() const {
  int stats = -1;
  int size = -1;
  for (int i = 0; i < metadata_->num_columns(); ++i) {
    const std::string path = metadata_->schema()->Column(i)->path()->ToDotString();
    if (path == "add.stats") stats = i;
    if (path == "add.size") size = i;
  }
  if (stats < 0 || size < 0) return true;
  const auto stats_nulls = CountNulls(*metadata_, stats);
  return !stats_nulls || stats_nulls != CountNulls(*metadata_, size);
}

std::vector<int> Checkpoint::AddLeaves(CheckpointColumns columns) const {
  constexpr auto kIdentityFields =
      std::to_array<std::string_view>({"add.path", "add.size", "add.deletionVector"});
  constexpr auto kOtherFields = std::to_array<std::string_view>(
      {"add.partitionValues", "add.modificationTime", "add.dataChange", "add.tags", "add.baseRowId",
       "add.defaultRowCommitVersion", "add.clusteringProvider"});
  const bool parsed_stats = columns == CheckpointColumns::kAll && NeedsParsedStats();
  return Leaves([&](const std::string& path) {
    const auto under = [&](std::string_view field) { return IsUnder(path, field); };
    if (columns == CheckpointColumns::kSize) return under("add.size");
    if (std::ranges::any_of(kIdentityFields, under)) return true;
    if (columns == CheckpointColumns::kIdentity) return false;
    if (std::ranges::any_of(kOtherFields, under)) return true;
    return columns == CheckpointColumns::kAll &&
           (under("add.stats") || (parsed_stats && under("add.stats_parsed")));
  });
}

Result<std::unique_ptr<ParquetCheckpoint::AddStream>> Checkpoint::OpenAdds(
    CheckpointColumns columns) const {
  std::vector<int> leaves;
  DELTALAKEDB_TRY(Guard([&] {
    leaves = AddLeaves(columns);
    return arrow::Status::OK();
  }));
  DELTALAKEDB_ASSIGN(auto open, OpenLeaves(leaves));
  return std::make_unique<Rows<FileBatch>>(
      shared_from_this(), std::move(open),
      [columns](const auto& batch) { return DecodeAdds(batch, columns); });
}

Result<std::unique_ptr<ParquetCheckpoint::RemoveStream>> Checkpoint::OpenRemoves() const {
  std::vector<int> leaves;
  bool has_rows = false;
  DELTALAKEDB_TRY(Guard([&] {
    leaves = Leaves([](const std::string& path) { return IsUnder(path, "remove"); });
    // As of state: what the file's own statistics call null throughout is not read.
    has_rows = std::ranges::any_of(leaves, [&](int column) {
      return CountNulls(*metadata_, column) != metadata_->num_rows();
    });
    return arrow::Status::OK();
  }));
  if (!has_rows) return std::make_unique<NoRemoves>();
  DELTALAKEDB_ASSIGN(auto open, OpenLeaves(leaves));
  return std::make_unique<Rows<RemoveBatch>>(shared_from_this(), std::move(open), DecodeRemoves);
}

}  // namespace

Result<std::shared_ptr<const ParquetCheckpoint>> ParquetCheckpoint::Open(
    std::shared_ptr<const InputFile> file) {
  auto checkpoint = std::make_shared<Checkpoint>(std::move(file));
  DELTALAKEDB_TRY(checkpoint->ReadFooter());
  return checkpoint;
}

}  // namespace deltalakedb::storage
