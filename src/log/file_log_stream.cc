#include "log/file_log_stream.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "log/action_lines.h"
#include "protocol/action_json.h"
#include "protocol/arena.h"

namespace deltalakedb::log {

namespace {

using storage::CheckpointColumns;
using storage::ParquetCheckpoint;

protocol::FileDetail DetailFor(CheckpointColumns columns) {
  switch (columns) {
    case CheckpointColumns::kSize:
    case CheckpointColumns::kIdentity:
      return protocol::FileDetail::kIdentity;
    case CheckpointColumns::kWithoutStats:
      return protocol::FileDetail::kWithoutStats;
    case CheckpointColumns::kAll:
      return protocol::FileDetail::kAll;
  }
  return protocol::FileDetail::kAll;
}

// What differs between the two kinds of file actions.
struct Adds {
  using Action = AddFile;
  using Batch = FileBatch;
  using Rows = ParquetCheckpoint::AddStream;
  using Stream = FileStream;

  static Result<std::unique_ptr<Rows>> Open(const ParquetCheckpoint& checkpoint,
                                            CheckpointColumns columns) {
    return checkpoint.OpenAdds(columns);
  }
  static const std::vector<bool>& Wanted(const LiveLines& lines) { return lines.is_live; }
  static std::int64_t Count(const LiveLines& lines) { return lines.num_live; }
  static const std::vector<AddFile>& Files(const FileBatch& batch) { return batch.files(); }
  static const auto& Owners(const FileBatch& batch) { return batch.owners(); }
};

struct Tombstones {
  using Action = RemoveFile;
  using Batch = storage::RemoveBatch;
  using Rows = ParquetCheckpoint::RemoveStream;
  using Stream = TombstoneStream;

  static Result<std::unique_ptr<Rows>> Open(const ParquetCheckpoint& checkpoint,
                                            CheckpointColumns) {
    return checkpoint.OpenRemoves();
  }
  static const std::vector<bool>& Wanted(const LiveLines& lines) { return lines.is_tombstone; }
  static std::int64_t Count(const LiveLines& lines) { return lines.num_tombstones; }
  static const std::vector<RemoveFile>& Files(const Batch& batch) { return batch.files; }
  static const auto& Owners(const Batch& batch) { return batch.owners; }
};

// The actions of a kind among the lines of a chunk for which is_wanted(line_number) holds.
template <typename Kind, typename IsWanted>
Result<typename Kind::Batch> ParseFiles(const LineChunk& chunk, const std::string& path,
                                        protocol::FileDetail detail, IsWanted is_wanted) {
  thread_local protocol::ActionParser parser;
  auto arena = std::make_shared<protocol::Arena>();
  std::vector<typename Kind::Action> files;
  std::optional<Error> error;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (!is_wanted(number) || IsBlank(line)) return true;
    auto action = parser.Parse(line, detail, *arena);
    if (!action) {
      error = AtLine(std::move(action).error(), path, number);
      return false;
    }
    if (const auto* file = std::get_if<typename Kind::Action>(&*action)) files.push_back(*file);
    return true;
  });
  if (error) return Fail(*std::move(error));
  return typename Kind::Batch{std::move(files), {std::move(arena)}};
}

// Drops the base's files that a later commit names.
template <typename Kind>
typename Kind::Batch DropNamed(typename Kind::Batch batch, const FileSources& sources) {
  if (sources.scan.named.empty()) return batch;
  protocol::FileKeyHasher hasher(sources.folder->table_root);
  std::vector<typename Kind::Action> files = Kind::Files(batch);
  std::erase_if(files, [&](const auto& file) {
    return sources.scan.named.contains(hasher.Hash(file.path, file.deletion_vector));
  });
  return typename Kind::Batch{std::move(files), Kind::Owners(batch)};
}

// The tasks of a whole stream: Parquet files of the base, its JSON file, then the commits.
template <typename Kind>
class Source {
 public:
  using Batch = Kind::Batch;
  using Task = base::OrderedPipeline<Batch>::Task;

  Source(std::shared_ptr<const FileSources> sources, CheckpointColumns columns, bool base_only)
      : sources_(std::move(sources)), columns_(columns) {
    const auto& folder = *sources_->folder;
    if (sources_->base && sources_->base->json_file) {
      const storage::FileInfo& json = *sources_->base->json_file;
      lines_.emplace_back(folder.PathOf(json.name), json.size_bytes);
      pieces_.push_back(std::nullopt);
    }
    for (std::size_t piece = 0; piece < sources_->segment.pieces.size() && !base_only; ++piece) {
      if (Kind::Count(sources_->scan.live[piece]) == 0) continue;
      const storage::FileInfo& file = sources_->segment.pieces[piece].file;
      lines_.emplace_back(folder.PathOf(file.name), file.size_bytes);
      pieces_.emplace_back(piece);
    }
  }

  Result<std::optional<Task>> Next() {
    while (sources_->base && next_parquet_ < sources_->base->parquet_files.size()) {
      if (rows_ == nullptr) {
        DELTALAKEDB_ASSIGN(rows_,
                           Kind::Open(*sources_->base->parquet_files[next_parquet_], columns_));
      }
      DELTALAKEDB_ASSIGN(auto decoder, rows_->Next());
      if (decoder) {
        return std::optional<Task>(
            [sources = sources_, decode = *std::move(decoder)] -> Result<Batch> {
              DELTALAKEDB_ASSIGN(auto batch, decode());
              return DropNamed<Kind>(std::move(batch), *sources);
            });
      }
      rows_.reset();
      ++next_parquet_;
    }
    if (!chunks_) {
      chunks_.emplace(
          *sources_->folder->file_system, lines_,
          [this](std::size_t index, const LineChunk& chunk) { return Parse(index, chunk); });
    }
    return (*chunks_)();
  }

 private:
  Result<Batch> Parse(std::size_t index, const LineChunk& chunk) const {
    const auto detail = DetailFor(columns_);
    if (!pieces_[index]) {
      DELTALAKEDB_ASSIGN(auto batch, ParseFiles<Kind>(chunk, lines_[index].path, detail,
                                                      [](std::int64_t) { return true; }));
      return DropNamed<Kind>(std::move(batch), *sources_);
    }
    const std::vector<bool>& wanted = Kind::Wanted(sources_->scan.live[*pieces_[index]]);
    return ParseFiles<Kind>(chunk, lines_[index].path, detail, [&](std::int64_t number) {
      const auto line = static_cast<std::size_t>(number);
      return line < wanted.size() && wanted[line];
    });
  }

  std::shared_ptr<const FileSources> sources_;
  CheckpointColumns columns_;
  std::size_t next_parquet_ = 0;
  std::unique_ptr<typename Kind::Rows> rows_;
  std::vector<LinesFile> lines_;
  std::vector<std::optional<std::size_t>> pieces_;  // of lines_; nullopt for the base's JSON file
  std::optional<ChunkSource<Batch>> chunks_;
};

template <typename Kind>
class Files final : public Kind::Stream {
 public:
  using Batch = Kind::Batch;

  Files(std::shared_ptr<const FileSources> sources, CheckpointColumns columns, bool base_only)
      : source_(std::move(sources), columns, base_only),
        pipeline_([this] { return source_.Next(); }) {}

  Result<std::optional<Batch>> Next() override {
    for (;;) {
      DELTALAKEDB_ASSIGN(auto batch, pipeline_.Next());
      if (!batch || !Kind::Files(*batch).empty()) return batch;
    }
  }

 private:
  Source<Kind> source_;
  base::OrderedPipeline<Batch> pipeline_;  // its threads use source_, so it goes first
};

template <typename Kind>
Result<void> ReadThrough(const std::shared_ptr<const FileSources>& sources) {
  Files<Kind> files(sources, CheckpointColumns::kAll, /*base_only=*/true);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files.Next());
    if (!batch) return {};
  }
}

}  // namespace

std::unique_ptr<FileStream> StreamFiles(std::shared_ptr<const FileSources> sources,
                                        CheckpointColumns columns) {
  return std::make_unique<Files<Adds>>(std::move(sources), columns, /*base_only=*/false);
}

std::unique_ptr<TombstoneStream> StreamTombstones(std::shared_ptr<const FileSources> sources) {
  return std::make_unique<Files<Tombstones>>(std::move(sources), CheckpointColumns::kAll,
                                             /*base_only=*/false);
}

Result<void> ReadBaseThrough(const std::shared_ptr<const FileSources>& sources) {
  DELTALAKEDB_TRY(ReadThrough<Adds>(sources));
  return ReadThrough<Tombstones>(sources);
}

Result<FileTotals> CountBaseFiles(const std::shared_ptr<const FileSources>& sources) {
  FileTotals totals;
  if (!sources->base) return totals;
  // Without later commits nothing has to be matched, and sizes alone are read.
  const auto columns =
      sources->scan.named.empty() ? CheckpointColumns::kSize : CheckpointColumns::kIdentity;
  Files<Adds> files(sources, columns, /*base_only=*/true);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files.Next());
    if (!batch) return totals;
    totals.num_files += static_cast<std::int64_t>(batch->files().size());
    for (const AddFile& add : batch->files()) DELTALAKEDB_TRY(AddSize(add.size, totals));
  }
}

}  // namespace deltalakedb::log
