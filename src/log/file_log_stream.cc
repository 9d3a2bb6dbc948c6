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
using Pipeline = base::OrderedPipeline<FileBatch>;

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

// The adds among the lines of a chunk for which is_wanted(line_number) holds.
template <typename IsWanted>
Result<FileBatch> ParseAdds(const LineChunk& chunk, const std::string& path,
                            protocol::FileDetail detail, IsWanted is_wanted) {
  thread_local protocol::ActionParser parser;
  auto arena = std::make_shared<protocol::Arena>();
  std::vector<AddFile> files;
  std::optional<Error> error;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (!is_wanted(number) || IsBlank(line)) return true;
    auto action = parser.Parse(line, detail, *arena);
    if (!action) {
      error = AtLine(std::move(action).error(), path, number);
      return false;
    }
    if (const auto* add = std::get_if<AddFile>(&*action)) files.push_back(*add);
    return true;
  });
  if (error) return Fail(*std::move(error));
  return FileBatch(std::move(files), {std::move(arena)});
}

// Drops the base's files that a later commit names.
FileBatch DropNamed(FileBatch batch, const FileSources& sources) {
  if (sources.scan.named.empty()) return batch;
  protocol::FileKeyHasher hasher(sources.folder->table_root);
  std::vector<AddFile> files = batch.files();
  std::erase_if(files, [&](const AddFile& add) {
    return sources.scan.named.contains(hasher.Hash(add.path, add.deletion_vector));
  });
  return FileBatch(std::move(files), batch.owners());
}

// The tasks of a whole stream: Parquet files of the base, its JSON file, then the commits.
class Source {
 public:
  Source(std::shared_ptr<const FileSources> sources, CheckpointColumns columns, bool base_only)
      : sources_(std::move(sources)), columns_(columns) {
    const auto& folder = *sources_->folder;
    if (sources_->base && sources_->base->json_file) {
      const storage::FileInfo& json = *sources_->base->json_file;
      lines_.emplace_back(folder.PathOf(json.name), json.size_bytes);
      pieces_.push_back(std::nullopt);
    }
    for (std::size_t piece = 0; piece < sources_->segment.pieces.size() && !base_only; ++piece) {
      if (sources_->scan.live[piece].num_live == 0) continue;
      const storage::FileInfo& file = sources_->segment.pieces[piece].file;
      lines_.emplace_back(folder.PathOf(file.name), file.size_bytes);
      pieces_.emplace_back(piece);
    }
  }

  Result<std::optional<Pipeline::Task>> Next() {
    while (sources_->base && next_parquet_ < sources_->base->parquet_files.size()) {
      if (adds_ == nullptr) {
        DELTALAKEDB_ASSIGN(adds_, sources_->base->parquet_files[next_parquet_]->OpenAdds(columns_));
      }
      DELTALAKEDB_ASSIGN(auto decoder, adds_->Next());
      if (decoder) {
        return std::optional<Pipeline::Task>(
            [sources = sources_, decode = *std::move(decoder)] -> Result<FileBatch> {
              DELTALAKEDB_ASSIGN(auto batch, decode());
              return DropNamed(std::move(batch), *sources);
            });
      }
      adds_.reset();
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
  Result<FileBatch> Parse(std::size_t index, const LineChunk& chunk) const {
    const auto detail = DetailFor(columns_);
    if (!pieces_[index]) {
      DELTALAKEDB_ASSIGN(auto batch, ParseAdds(chunk, lines_[index].path, detail,
                                               [](std::int64_t) { return true; }));
      return DropNamed(std::move(batch), *sources_);
    }
    const std::vector<bool>& is_live = sources_->scan.live[*pieces_[index]].is_live;
    return ParseAdds(chunk, lines_[index].path, detail, [&](std::int64_t number) {
      const auto line = static_cast<std::size_t>(number);
      return line < is_live.size() && is_live[line];
    });
  }

  std::shared_ptr<const FileSources> sources_;
  CheckpointColumns columns_;
  std::size_t next_parquet_ = 0;
  std::unique_ptr<ParquetCheckpoint::AddStream> adds_;
  std::vector<LinesFile> lines_;
  std::vector<std::optional<std::size_t>> pieces_;  // of lines_; nullopt for the base's JSON file
  std::optional<ChunkSource<FileBatch>> chunks_;
};

class LiveFiles final : public FileStream {
 public:
  LiveFiles(std::shared_ptr<const FileSources> sources, CheckpointColumns columns, bool base_only)
      : source_(std::move(sources), columns, base_only),
        pipeline_([this] { return source_.Next(); }) {}

  Result<std::optional<FileBatch>> Next() override {
    for (;;) {
      DELTALAKEDB_ASSIGN(auto batch, pipeline_.Next());
      if (!batch || !batch->files().empty()) return batch;
    }
  }

 private:
  Source source_;
  Pipeline pipeline_;  // its threads use source_, so it goes first
};

}  // namespace

std::unique_ptr<FileStream> StreamFiles(std::shared_ptr<const FileSources> sources,
                                        CheckpointColumns columns) {
  return std::make_unique<LiveFiles>(std::move(sources), columns, /*base_only=*/false);
}

Result<FileTotals> CountBaseFiles(const std::shared_ptr<const FileSources>& sources) {
  FileTotals totals;
  if (!sources->base) return totals;
  // Without later commits nothing has to be matched, and sizes alone are read.
  const auto columns =
      sources->scan.named.empty() ? CheckpointColumns::kSize : CheckpointColumns::kIdentity;
  LiveFiles files(sources, columns, /*base_only=*/true);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files.Next());
    if (!batch) return totals;
    totals.num_files += static_cast<std::int64_t>(batch->files().size());
    for (const AddFile& add : batch->files()) DELTALAKEDB_TRY(AddSize(add.size, totals));
  }
}

}  // namespace deltalakedb::log
