#include "log/commit_scan.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <utility>
#include <variant>

#include "base/try.h"
#include "log/action_lines.h"
#include "protocol/action_json.h"
#include "protocol/arena.h"

namespace deltalakedb::log {

namespace {

// An add or remove, reduced to what decides who is live.
struct FileRef {
  protocol::FileKey key;
  std::int64_t size_bytes = 0;
  std::uint32_t line = 0;
  bool is_add = false;
};

// What one chunk of a piece says.
struct ChunkScan {
  std::size_t piece = 0;
  std::int64_t lines_end = 0;  // one past its last line's number
  std::vector<FileRef> files;
  StateActions state;
  std::optional<CommitInfo> commit_info;
};

// Takes one action; views into the arena are dead afterwards.
class ChunkCollector {
 public:
  ChunkCollector(ChunkScan& scan, protocol::FileKeyHasher& hasher, std::uint32_t line)
      : scan_(scan), hasher_(hasher), line_(line) {}

  void operator()(const AddFile& add) {
    scan_.files.push_back({hasher_.Hash(add.path, add.deletion_vector), add.size, line_, true});
  }
  void operator()(const RemoveFile& remove) {
    scan_.files.push_back({hasher_.Hash(remove.path, remove.deletion_vector), 0, line_, false});
  }
  void operator()(Protocol& protocol) { scan_.state.protocol = std::move(protocol); }
  void operator()(Metadata& metadata) { scan_.state.metadata = std::move(metadata); }
  void operator()(AppTransaction& transaction) {
    scan_.state.app_transactions.push_back(std::move(transaction));
  }
  void operator()(DomainMetadata& domain) {
    scan_.state.domain_metadata.push_back(std::move(domain));
  }
  void operator()(CommitInfo& info) {
    if (!scan_.commit_info) scan_.commit_info = std::move(info);
  }
  // Not state: change data, actions we do not know, and those of checkpoints only.
  void operator()(const CdcFile&) {}
  void operator()(const protocol::UnknownAction&) {}
  void operator()(const protocol::CheckpointMetadata&) {}
  void operator()(const protocol::Sidecar&) {}

 private:
  ChunkScan& scan_;
  protocol::FileKeyHasher& hasher_;
  std::uint32_t line_;
};

Result<ChunkScan> ScanChunk(const LogFolder& folder, const LogSegment& segment, std::size_t piece,
                            const LineChunk& chunk) {
  thread_local protocol::ActionParser parser;
  protocol::Arena arena;
  protocol::FileKeyHasher hasher(folder.table_root);
  ChunkScan scan{
      .piece = piece, .lines_end = chunk.first_line, .files = {}, .state = {}, .commit_info = {}};
  std::optional<Error> error;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    scan.lines_end = number + 1;
    if (IsBlank(line)) return true;
    arena.Reset();
    auto action = parser.Parse(line, protocol::FileDetail::kIdentity, arena);
    if (!action) {
      error =
          AtLine(std::move(action).error(), folder.PathOf(segment.pieces[piece].file.name), number);
      return false;
    }
    std::visit(ChunkCollector(scan, hasher, static_cast<std::uint32_t>(number)), *action);
    return true;
  });
  if (error) return Fail(*std::move(error));
  return scan;
}

// Where a file was named last.
struct Mention {
  std::uint32_t piece = 0;
  std::uint32_t line = 0;
  bool is_add = false;
};

// A commit without any action breaks no rule of the protocol, but no writer makes one.
void WarnEmpty(const LogFolder& folder, const std::string& path) {
  folder.sink->Write(LogLevel::kWarning,
                     fmt::format("{} is empty and counts as a commit without actions; a crash of "
                                 "its writer may have cut it short",
                                 path));
}

// Who spoke last of each file, over all pieces seen so far.
class LiveIndex {
 public:
  explicit LiveIndex(const LogSegment& segment)
      : segment_(segment), lines_(segment.pieces.size()) {}

  void Take(const ChunkScan& chunk) {
    PieceLines& lines = lines_[chunk.piece];
    lines.count = static_cast<std::size_t>(chunk.lines_end);
    for (const FileRef& file : chunk.files) {
      const Mention mention{static_cast<std::uint32_t>(chunk.piece), file.line, file.is_add};
      const auto [entry, is_new] = last_.try_emplace(file.key, mention);
      // Within a commit the later line wins, as in Spark's replay; within a compaction the first:
      // reconciled, it names a file once, but some are merely commits in reverse.
      if (!is_new && (!IsCompaction(chunk.piece) || entry->second.piece != chunk.piece)) {
        entry.value() = mention;
      }
      if (file.is_add) lines.add_sizes.emplace_back(file.line, file.size_bytes);
    }
  }

  Result<void> Finish(CommitScan& scan) const {
    scan.live.resize(lines_.size());
    for (std::size_t piece = 0; piece < lines_.size(); ++piece) {
      scan.live[piece].is_live.resize(lines_[piece].count);
      scan.live[piece].is_tombstone.resize(lines_[piece].count);
    }
    for (const auto& [key, mention] : last_) {
      LiveLines& lines = scan.live[mention.piece];
      (mention.is_add ? lines.is_live : lines.is_tombstone)[mention.line] = true;
      if (!mention.is_add) ++lines.num_tombstones;
      if (segment_.base) scan.named.insert(key);
    }
    for (std::size_t piece = 0; piece < lines_.size(); ++piece) {
      LiveLines& live = scan.live[piece];
      for (const auto& [line, size_bytes] : lines_[piece].add_sizes) {
        if (!live.is_live[line]) continue;
        ++live.num_live;
        DELTALAKEDB_TRY(AddSize(size_bytes, scan.totals));
      }
      scan.totals.num_files += live.num_live;
    }
    return {};
  }

 private:
  struct PieceLines {
    std::size_t count = 0;
    std::vector<std::pair<std::uint32_t, std::int64_t>> add_sizes;  // line, bytes
  };

  bool IsCompaction(std::size_t piece) const {
    return segment_.pieces[piece].first != segment_.pieces[piece].last;
  }

  const LogSegment& segment_;
  tsl::robin_map<protocol::FileKey, Mention, protocol::FileKeyHash> last_;
  std::vector<PieceLines> lines_;
};

}  // namespace

Result<void> AddSize(std::int64_t size_bytes, FileTotals& totals) {
  if (__builtin_add_overflow(totals.size_in_bytes, size_bytes, &totals.size_in_bytes)) {
    return Fail(ErrorCode::kCorrupt, "the sizes of the table's files add up to more than 63 bits");
  }
  return {};
}

Result<CommitScan> ScanCommits(const LogFolder& folder, const LogSegment& segment,
                               LogState& state) {
  std::vector<LinesFile> files;
  files.reserve(segment.pieces.size());
  for (const LogSegment::Piece& piece : segment.pieces) {
    files.emplace_back(folder.PathOf(piece.file.name), piece.file.size_bytes);
    if (piece.file.size_bytes == 0) WarnEmpty(folder, files.back().path);
  }
  CommitScan scan;
  LiveIndex index(segment);
  ChunkSource<ChunkScan> source(*folder.file_system, std::move(files),
                                [&](std::size_t piece, const LineChunk& chunk) {
                                  return ScanChunk(folder, segment, piece, chunk);
                                });
  base::OrderedPipeline<ChunkScan> pipeline(std::move(source));
  for (;;) {
    DELTALAKEDB_ASSIGN(std::optional<ChunkScan> chunk, pipeline.Next());
    if (!chunk) break;
    index.Take(*chunk);
    state.Apply(std::move(chunk->state));
    const LogSegment::Piece& piece = segment.pieces[chunk->piece];
    if (piece.first == segment.version && chunk->commit_info) {
      scan.last_commit_info = std::move(chunk->commit_info);
    }
  }
  DELTALAKEDB_TRY(index.Finish(scan));
  return scan;
}

}  // namespace deltalakedb::log
