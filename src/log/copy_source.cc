#include "log/copy_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ranges>
#include <string>
#include <utility>
#include <variant>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "log/file_log_snapshot.h"
#include "log/rebuild.h"
#include "protocol/action_json.h"
#include "protocol/action_writer.h"

namespace deltalakedb::log {

namespace {

// ---- the base as text ---------------------------------------------------------------------------

// Verbatim JSON may hold line ends where somebody spread its commit over several lines.
UnknownFields OnOneLine(UnknownFields fields) {
  for (auto& [name, json] : fields) {
    std::ranges::replace_if(json, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  }
  return fields;
}

class BaseLines final : public LineChunkStream {
 public:
  BaseLines(std::shared_ptr<const FileSources> sources, std::shared_ptr<const LogState> state)
      : sources_(std::move(sources)), state_(std::move(state)), writer_(buffer_) {
    WriteState();
  }

  Result<std::optional<LineChunk>> Next() override {
    while (buffer_.GetSize() < kChunkBytes) {
      if (next_add_ < adds_.files().size()) {
        WriteLine("add", adds_.files()[next_add_++], protocol::WriteAdd);
      } else if (next_remove_ < removes_.files.size()) {
        WriteLine("remove", removes_.files[next_remove_++], protocol::WriteRemove);
      } else {
        DELTALAKEDB_ASSIGN(const bool has_more, LoadFiles());
        if (!has_more) break;
      }
    }
    return TakeChunk();
  }

 private:
  template <typename T>
  void WriteLine(std::string_view name, const T& action,
                 void (*write)(const T&, protocol::JsonWriter&)) {
    writer_.Reset(buffer_);
    writer_.StartObject();
    protocol::WriteKey(name, writer_);
    write(action, writer_);
    writer_.EndObject();
    buffer_.Put('\n');
    ++lines_written_;
  }

  void WriteState() {
    Protocol protocol = *state_->protocol;
    protocol.unknown_fields = OnOneLine(std::move(protocol.unknown_fields));
    WriteLine("protocol", protocol, protocol::WriteProtocol);
    Metadata metadata = *state_->metadata;
    metadata.unknown_fields = OnOneLine(std::move(metadata.unknown_fields));
    WriteLine("metaData", metadata, protocol::WriteMetadata);
    for (const auto& [app_id, transaction] : state_->app_transactions) {
      WriteLine("txn", transaction, protocol::WriteAppTransaction);
    }
    for (const auto& [domain, configuration] : state_->domain_metadata) {
      WriteLine("domainMetadata", DomainMetadata{domain, configuration, /*removed=*/false},
                protocol::WriteDomainMetadata);
    }
  }

  // Gets the next files; false at the end. The tombstones are opened when the adds are through, so
  // that one stream reads ahead at a time.
  Result<bool> LoadFiles() {
    if (!has_all_adds_) {
      if (add_stream_ == nullptr) {
        add_stream_ = StreamFiles(sources_, storage::CheckpointColumns::kAll);
      }
      DELTALAKEDB_ASSIGN(auto batch, add_stream_->Next());
      has_all_adds_ = !batch;
      adds_ = batch ? *std::move(batch) : FileBatch();
      next_add_ = 0;
      if (has_all_adds_) add_stream_.reset();
      return true;
    }
    if (has_all_removes_) return false;
    if (remove_stream_ == nullptr) remove_stream_ = StreamTombstones(sources_);
    DELTALAKEDB_ASSIGN(auto batch, remove_stream_->Next());
    has_all_removes_ = !batch;
    removes_ = batch ? *std::move(batch) : storage::RemoveBatch();
    next_remove_ = 0;
    if (has_all_removes_) remove_stream_.reset();
    return true;
  }

  std::optional<LineChunk> TakeChunk() {
    const std::size_t size = buffer_.GetSize();
    if (size == 0) return std::nullopt;
    const auto memory = std::make_shared_for_overwrite<char[]>(size + protocol::kLinePaddingBytes);
    std::memcpy(memory.get(), buffer_.GetString(), size);
    std::memset(memory.get() + size, 0, protocol::kLinePaddingBytes);
    LineChunk chunk{memory, {memory.get(), size}, first_line_};
    first_line_ += lines_written_;
    lines_written_ = 0;
    buffer_.Clear();
    return chunk;
  }

  std::shared_ptr<const FileSources> sources_;
  std::shared_ptr<const LogState> state_;
  std::unique_ptr<FileStream> add_stream_;
  std::unique_ptr<TombstoneStream> remove_stream_;
  bool has_all_adds_ = false;
  bool has_all_removes_ = false;
  FileBatch adds_;
  storage::RemoveBatch removes_;
  std::size_t next_add_ = 0;
  std::size_t next_remove_ = 0;
  rapidjson::StringBuffer buffer_;
  protocol::JsonWriter writer_;
  std::int64_t first_line_ = 0;     // of the chunk in the buffer
  std::int64_t lines_written_ = 0;  // into the buffer
};

// ---- the latest metadata ------------------------------------------------------------------------

// Whether a line can hold a metaData action; without an escape its name stands there as it is.
bool MayHoldMetadata(std::string_view line) {
  return line.contains("metaData") || line.contains("\\u");
}

// The last metaData among some lines.
Result<std::optional<Metadata>> FindMetadata(const LineChunk& chunk, const std::string& path) {
  thread_local protocol::ActionParser parser;
  protocol::Arena arena;
  std::optional<Metadata> metadata;
  std::optional<Error> error;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (!MayHoldMetadata(line)) return true;
    arena.Reset();
    auto action = parser.Parse(line, protocol::FileDetail::kIdentity, arena);
    if (!action) {
      error = AtLine(std::move(action).error(), path, number);
      return false;
    }
    if (auto* found = std::get_if<Metadata>(&*action)) metadata = std::move(*found);
    return true;
  });
  if (error) return Fail(*std::move(error));
  return metadata;
}

// Errors: Corrupt (a line that is no action, with file and line).
Result<void> CheckLines(const LogFolder& folder, const LinesFile& commit) {
  DELTALAKEDB_ASSIGN(auto file, OpenListed(*folder.file_system, commit));
  LineChunkReader reader(std::move(file));
  protocol::ActionParser parser;
  protocol::Arena arena;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto chunk, reader.Next());
    if (!chunk) return {};
    std::optional<Error> error;
    chunk->ForEachRecord([&](std::int64_t number, std::string_view line) {
      arena.Reset();
      auto action = IsBlank(line) ? Result<protocol::Action>(protocol::UnknownAction())
                                  : parser.Parse(line, protocol::FileDetail::kIdentity, arena);
      if (!action) error = AtLine(std::move(action).error(), commit.path, number);
      return !error;
    });
    if (error) return Fail(*std::move(error));
  }
}

// The metaData of the newest of some commits that has one; they are given newest first.
Result<std::optional<Metadata>> FindMetadata(const LogFolder& folder,
                                             std::vector<LinesFile> commits) {
  struct Part {
    std::size_t file = 0;
    std::optional<Metadata> metadata;
  };
  ChunkSource<Part> source(
      *folder.file_system, commits, [&](std::size_t file, const LineChunk& chunk) -> Result<Part> {
        DELTALAKEDB_ASSIGN(auto metadata, FindMetadata(chunk, commits[file].path));
        return Part{file, std::move(metadata)};
      });
  base::OrderedPipeline<Part> pipeline(std::move(source));
  std::optional<Part> found;
  for (;;) {
    DELTALAKEDB_ASSIGN(std::optional<Part> part, pipeline.Next());
    if (!part || (found && part->file != found->file)) break;
    if (part->metadata) found = std::move(part);
  }
  return found ? std::move(found->metadata) : std::nullopt;
}

// ---- the run ------------------------------------------------------------------------------------

// The first of the commits that lead up to `last` without a gap; the one after `last` when its own
// is not there.
Version FindFirstCommit(const LogListing& listing, Version last) {
  Version first = last.next();
  for (auto it = listing.commits.upper_bound(last); it != listing.commits.begin();) {
    --it;
    if (it->first.next() != first) break;
    first = it->first;
  }
  return first;
}

struct Base {
  Version version;
  std::shared_ptr<const FileSources> sources;
  std::shared_ptr<const LogState> state;
};

// What a base has to have. Whether its features can be read is for others to say.
Result<void> CheckComplete(const LogFolder& folder, const LogState& state, Version version) {
  if (!state.protocol) return Fail(LacksAction(folder, "protocol", version));
  if (!state.metadata) return Fail(LacksAction(folder, "metaData", version));
  return {};
}

// Looks for bases of a folder and remembers what turned out damaged.
class BaseFinder {
 public:
  explicit BaseFinder(std::shared_ptr<const LogFolder> folder) : folder_(std::move(folder)) {}

  // The lowest base from version `first` to `last` that commits alone continue: of a checkpoint,
  // else rebuilt through a compaction.
  Result<std::optional<Base>> FindLowest(Version first, Version last);
  // A base at that version from whatever there is. Nothing when there is no way.
  Result<std::optional<Base>> Rebuild(Version version);

  // Why nothing was found, when that was damage.
  std::optional<Error> damage() const {
    return damages_.empty() ? std::nullopt : std::optional(damages_.front());
  }

 private:
  Result<std::optional<Base>> TryCheckpoint(const CheckpointFiles& files);
  Result<Base> OpenBase(const CheckpointFiles& files) const;
  // A base that can be read to its end, the damage of others told.
  Base Accept(Base base) const {
    for (const Error& error : damages_) WarnDamaged(*folder_, error);
    return base;
  }

  std::shared_ptr<const LogFolder> folder_;
  DamagedSet damaged_;
  std::vector<Error> damages_;
};

Result<Base> BaseFinder::OpenBase(const CheckpointFiles& files) const {
  LogState state;
  DELTALAKEDB_ASSIGN(auto opened, OpenCheckpoint(*folder_, files, state));
  DELTALAKEDB_TRY(CheckComplete(*folder_, state, files.version));
  Base base{files.version,
            std::make_shared<FileSources>(
                FileSources{folder_, {files.version, files, {}}, std::move(opened), {}}),
            std::make_shared<LogState>(std::move(state))};
  DELTALAKEDB_TRY(ReadBaseThrough(base.sources));
  return base;
}

Result<std::optional<Base>> BaseFinder::TryCheckpoint(const CheckpointFiles& files) {
  auto base = OpenBase(files);
  if (base) return std::optional(*std::move(base));
  if (!IsDamage(base.error())) return Fail(std::move(base).error());
  damaged_.insert(NameOf(files));
  damages_.push_back(std::move(base).error());
  return std::optional<Base>();
}

Result<std::optional<Base>> BaseFinder::FindLowest(Version first, Version last) {
  std::vector<const CheckpointFiles*> candidates;
  for (const CheckpointFiles& files : folder_->listing.checkpoints) {
    if (first <= files.version && files.version <= last) candidates.push_back(&files);
  }
  // Within a version the most preferred is listed last.
  std::ranges::sort(candidates, [](const CheckpointFiles* a, const CheckpointFiles* b) {
    return a->version != b->version ? a->version < b->version : a > b;
  });
  for (const CheckpointFiles* files : candidates) {
    DELTALAKEDB_ASSIGN(auto base, TryCheckpoint(*files));
    if (base) return std::optional(Accept(*std::move(base)));
  }
  std::vector<Version> ends;
  for (const CompactionFile& compaction : folder_->listing.compactions) {
    if (first <= compaction.last && compaction.last <= last) ends.push_back(compaction.last);
  }
  std::ranges::sort(ends);
  for (const Version end : ends) {
    DELTALAKEDB_ASSIGN(auto base, Rebuild(end));
    if (base) return base;
  }
  return std::optional<Base>();
}

Result<std::optional<Base>> BaseFinder::Rebuild(Version version) {
  for (;;) {
    DELTALAKEDB_ASSIGN(Attempt attempt, TryBases(folder_, version, damaged_));
    if (!attempt.rebuilt) {
      if (attempt.no_way.damage) damages_.push_back(*std::move(attempt.no_way.damage));
      return std::optional<Base>();
    }
    DELTALAKEDB_TRY(CheckComplete(*folder_, attempt.rebuilt->state, version));
    Base base{version, std::make_shared<FileSources>(std::move(attempt.rebuilt->sources)),
              std::make_shared<LogState>(std::move(attempt.rebuilt->state))};
    const auto read = ReadBaseThrough(base.sources);
    if (read) return std::optional(Accept(std::move(base)));
    if (!base.sources->base || !IsDamage(read.error())) return Fail(read.error());
    damaged_.insert(NameOf(*base.sources->segment.base));
    damages_.push_back(read.error());
  }
}

// The error of a log that has no base for `version`: what reading that version says.
Error NoBase(const std::shared_ptr<const LogFolder>& folder, Version version,
             std::optional<Error> damage) {
  auto snapshot = RebuildSnapshot(folder, version);
  if (!snapshot) return std::move(snapshot).error();
  return ErrorFor(*folder, version, {std::nullopt, std::move(damage)});
}

std::vector<CopySource::Commit> ListCommits(const LogFolder& folder, Version first, Version last) {
  std::vector<CopySource::Commit> commits;
  for (auto it = folder.listing.commits.lower_bound(first);
       it != folder.listing.commits.end() && it->first <= last; ++it) {
    commits.push_back({it->first, {folder.PathOf(it->second.name), it->second.size_bytes}});
  }
  return commits;
}

// The log's latest metadata: of the commits after `known`, else that of `known` itself. Without it
// the commits from 0 on have to have one.
Result<Metadata> FindLatestMetadata(const LogFolder& folder, const CopyRange::Copied* known) {
  const Version latest = folder.listing.Latest();
  const Version first = known != nullptr ? known->version.next() : Version(0);
  const bool is_whole = first > latest || FindFirstCommit(folder.listing, latest) <= first;
  if (!is_whole) {
    DELTALAKEDB_ASSIGN(auto found, LoadLatestMetadata(folder));
    if (found) return *std::move(found);
  }
  std::vector<LinesFile> files;
  for (CopySource::Commit& commit : ListCommits(folder, first, latest) | std::views::reverse) {
    files.push_back(std::move(commit.file));
  }
  DELTALAKEDB_ASSIGN(auto found, FindMetadata(folder, std::move(files)));
  if (found) return *std::move(found);
  if (known != nullptr) return known->metadata;
  // A line that cannot be read may be the one that is missing.
  for (const CopySource::Commit& commit : ListCommits(folder, first, latest)) {
    DELTALAKEDB_TRY(CheckLines(folder, commit.file));
  }
  return Fail(LacksAction(folder, "metaData", latest));
}

}  // namespace

Result<CopySource> CopySource::Make(std::shared_ptr<const LogFolder> folder, VersionRange versions,
                                    const CopyRange::Copied* known) {
  DELTALAKEDB_ASSIGN(const Metadata metadata, FindLatestMetadata(*folder, known));
  DELTALAKEDB_ASSIGN(auto times, CommitTimes::Make(*folder, metadata));
  CopySource source(std::move(folder), versions, std::move(times));
  source.commits_ = ListCommits(*source.folder_, versions.first, versions.last);
  return source;
}

Result<CopySource> CopySource::Plan(std::shared_ptr<const LogFolder> folder,
                                    const CopyRange& range) {
  const LogListing& listing = folder->listing;
  const Version latest = listing.Latest();
  const Version last = range.up_to.value_or(latest);
  if (last < Version(0)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no version; versions start at 0", last.value()));
  }
  if (last > latest) return Fail(NoBase(folder, last, std::nullopt));
  if (range.after && !range.latest_only) {
    const Version next = range.after->version.next();
    if (FindFirstCommit(listing, last) <= next) {
      return Make(std::move(folder), {next, last}, &*range.after);
    }
  }
  // The run leads up to the latest version, even where less of it is wanted: a copy goes on later.
  const Version end = range.latest_only ? last : latest;
  const Version first_commit = FindFirstCommit(listing, end);
  if (first_commit == Version(0) && (!range.latest_only || last == Version(0))) {
    return Make(std::move(folder), {Version(0), last}, nullptr);
  }
  BaseFinder finder(folder);
  DELTALAKEDB_ASSIGN(auto base, range.latest_only
                                    ? finder.Rebuild(last)
                                    : finder.FindLowest(Version(first_commit.value() - 1), latest));
  if (!base) return Fail(NoBase(folder, end, finder.damage()));
  if (last < base->version) return Fail(OutOfRange(*folder, last, {base->version, latest}));
  const CopyRange::Copied known{base->version, *base->state->metadata};
  DELTALAKEDB_ASSIGN(CopySource source, Make(std::move(folder), {base->version, last}, &known));
  source.base_ = std::move(base->sources);
  source.base_state_ = std::move(base->state);
  return source;
}

Result<std::unique_ptr<LineChunkStream>> CopySource::OpenBase() const {
  return std::make_unique<BaseLines>(base_, base_state_);
}

}  // namespace deltalakedb::log
