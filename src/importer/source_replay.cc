#include "importer/source_replay.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <variant>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "log/action_lines.h"
#include "log/commit_scan.h"
#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "protocol/file_key.h"

namespace deltalakedb::importer {

namespace {

using log::LineChunk;
using protocol::FileKey;

// An add or remove, reduced to what the replay needs.
struct Mention {
  FileKey key;
  SetHash content;
  std::int64_t size_bytes = 0;
  bool is_add = false;
};

struct ChunkActions {
  std::size_t commit = 0;
  std::vector<Mention> files;
  log::StateActions state;
  LineChunk text;
};

struct ContentHashing {
  bool is_wanted = true;
  Told told = Told::kAll;
};

Result<ChunkActions> ParseChunk(const log::CopySource& source, std::size_t commit,
                                const LineChunk& chunk, ContentHashing hashing) {
  thread_local protocol::ActionParser parser;
  protocol::Arena arena;
  protocol::FileKeyHasher keys(source.folder().table_root);
  FileHasher contents;
  ChunkActions actions{commit, {}, {}, chunk};
  std::optional<Error> error;
  const auto detail =
      hashing.is_wanted ? protocol::FileDetail::kAll : protocol::FileDetail::kIdentity;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (log::IsBlank(line)) return true;
    arena.Reset();
    auto action = parser.Parse(line, detail, arena);
    if (!action) {
      error = log::AtLine(std::move(action).error(), source.commits()[commit].file.path, number);
      return false;
    }
    if (const auto* add = std::get_if<AddFile>(&*action)) {
      actions.files.push_back({keys.Hash(add->path, add->deletion_vector),
                               hashing.is_wanted ? contents.Hash(*add, hashing.told) : SetHash{},
                               add->size, true});
    } else if (const auto* remove = std::get_if<RemoveFile>(&*action)) {
      actions.files.push_back({keys.Hash(remove->path, remove->deletion_vector), {}, 0, false});
    } else if (auto* metadata = std::get_if<Metadata>(&*action)) {
      actions.state.metadata = std::move(*metadata);
    } else if (auto* protocol = std::get_if<Protocol>(&*action)) {
      actions.state.protocol = std::move(*protocol);
    } else if (auto* transaction = std::get_if<AppTransaction>(&*action)) {
      actions.state.app_transactions.push_back(std::move(*transaction));
    } else if (auto* domain = std::get_if<DomainMetadata>(&*action)) {
      actions.state.domain_metadata.push_back(std::move(*domain));
    }
    return true;
  });
  if (error) return Fail(*std::move(error));
  return actions;
}

class Replayer {
 public:
  Replayer(const log::CopySource& source, const ReplayOptions& options)
      : source_(source), keys_(source.folder().table_root), options_(options) {}

  // From `start`, the state of the run's first version or of the one that it continues; from
  // nothing when there is neither.
  Result<SourceReplay> Run(const Snapshot* start);

 private:
  struct Live {
    SetHash content;
    std::int64_t size_bytes = 0;
  };

  Result<void> TakeStart(const Snapshot& snapshot);
  // Ends early, and tells so, at statistics that turn out to say nothing.
  Result<bool> TakeFilesOf(const Snapshot& snapshot);
  Result<void> Take(const FileKey& key, const SetHash& content, std::int64_t size_bytes);
  void Drop(const FileKey& key);
  Result<void> TakeChunk(ChunkActions& chunk, bool is_told);
  void FinishVersion(Version version);

  const log::CopySource& source_;
  protocol::FileKeyHasher keys_;
  ReplayOptions options_;
  tsl::robin_map<FileKey, Live, protocol::FileKeyHash> live_;
  ReplayedVersion current_;
  bool metadata_changed_ = true;
  bool protocol_changed_ = true;
  protocol::Hash128Builder body_hash_;
  SourceReplay result_;
};

Result<void> Replayer::Take(const FileKey& key, const SetHash& content, std::int64_t size_bytes) {
  Drop(key);
  live_.insert_or_assign(key, Live{content, size_bytes});
  current_.files.Add(content);
  ++current_.totals.num_files;
  return log::AddSize(size_bytes, current_.totals);
}

void Replayer::Drop(const FileKey& key) {
  const auto found = live_.find(key);
  if (found == live_.end()) return;
  current_.files.Subtract(found->second.content);
  --current_.totals.num_files;
  current_.totals.size_in_bytes -= found->second.size_bytes;
  live_.erase(found);
}

Result<void> Replayer::TakeStart(const Snapshot& snapshot) {
  result_.state.metadata = snapshot.metadata();
  result_.state.protocol = snapshot.protocol();
  result_.state.app_transactions = snapshot.app_transactions();
  result_.state.domain_metadata = snapshot.domain_metadata();
  DELTALAKEDB_ASSIGN(const bool is_all, TakeFilesOf(snapshot));
  if (is_all) return {};
  result_.lacks_stats = true;
  live_.clear();
  current_ = {};
  DELTALAKEDB_TRY(TakeFilesOf(snapshot));
  return {};
}

Result<bool> Replayer::TakeFilesOf(const Snapshot& snapshot) {
  // What the catalog has from the same state is spelled as that state is.
  const bool may_end = options_.catalog_base != snapshot.version() && !result_.lacks_stats;
  const Told told =
      result_.lacks_stats ? Told::kNeitherDataChangeNorStats : Told::kAllButDataChange;
  DELTALAKEDB_ASSIGN(const auto files, snapshot.OpenFiles({.with_stats = options_.with_content}));
  FileHasher contents;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files->Next());
    if (!batch) return true;
    for (const AddFile& add : batch->files()) {
      if (!add.has_written_stats && may_end) return false;
      const FileKey key = keys_.Hash(add.path, add.deletion_vector);
      // A checkpoint that names a file twice: the first time counts.
      if (live_.contains(key)) continue;
      const SetHash content = options_.with_content ? contents.Hash(add, told) : SetHash{};
      DELTALAKEDB_TRY(Take(key, content, add.size));
    }
  }
}

Result<void> Replayer::TakeChunk(ChunkActions& chunk, bool is_told) {
  body_hash_.Update(chunk.text.text);
  for (const Mention& file : chunk.files) {
    ++(file.is_add ? current_.adds : current_.removes);
    if (is_told) continue;
    if (file.is_add) {
      DELTALAKEDB_TRY(Take(file.key, file.content, file.size_bytes));
    } else {
      Drop(file.key);
    }
  }
  if (is_told) return {};
  metadata_changed_ |= chunk.state.metadata.has_value();
  protocol_changed_ |= chunk.state.protocol.has_value();
  result_.state.Apply(std::move(chunk.state));
  return {};
}

void Replayer::FinishVersion(Version version) {
  current_.version = version;
  const auto& state = result_.state;
  if (metadata_changed_ && state.metadata) current_.metadata = TextOf(*state.metadata);
  if (protocol_changed_ && state.protocol) current_.protocol = TextOf(*state.protocol);
  result_.versions.push_back(current_);
  current_.adds = current_.removes = 0;
  current_.is_state_only = false;
  current_.body_hash.reset();
  current_.metadata.reset();
  current_.protocol.reset();
  metadata_changed_ = protocol_changed_ = false;
  body_hash_ = {};
}

Result<SourceReplay> Replayer::Run(const Snapshot* start) {
  const std::optional<Version>& before = options_.before;
  result_.newest_state = options_.catalog_base;
  if (start != nullptr) {
    result_.newest_state = std::max(result_.newest_state, std::optional(start->version()));
    DELTALAKEDB_TRY(TakeStart(*start));
  }
  const Version first = source_.versions().first;
  const auto& commits = source_.commits();
  // The commit of a base tells what led to the state that is there already.
  const bool has_told = source_.has_base() && !commits.empty() && commits[0].version == first;
  if (before || (source_.has_base() && !has_told)) {
    current_.is_state_only = true;
    FinishVersion(before.value_or(first));
  }
  std::vector<log::LinesFile> files;
  for (const auto& commit : commits) files.push_back(commit.file);
  log::ChunkSource<ChunkActions> chunks(
      *source_.folder().file_system, std::move(files),
      [this](std::size_t index, const LineChunk& chunk) {
        const Version version = source_.commits()[index].version;
        return ParseChunk(source_, index, chunk, {options_.with_content, result_.ToldOf(version)});
      });
  base::OrderedPipeline<ChunkActions> pipeline(std::move(chunks));
  std::optional<std::size_t> open;  // the commit that is being read
  const auto finish = [&] {
    current_.body_hash = std::string(body_hash_.Finish().view());
    FinishVersion(commits[*open].version);
  };
  for (;;) {
    DELTALAKEDB_ASSIGN(auto chunk, pipeline.Next());
    if (open && (!chunk || chunk->commit != *open)) finish();
    if (!chunk) return std::move(result_);
    open = chunk->commit;
    DELTALAKEDB_TRY(TakeChunk(*chunk, has_told && *open == 0));
  }
}

template <typename T>
std::string TextOfAction(const T& action, void (*write)(const T&, protocol::JsonWriter&)) {
  rapidjson::StringBuffer buffer;
  protocol::JsonWriter writer(buffer);
  write(action, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

struct FileHasher::Buffer {
  rapidjson::StringBuffer text;
  protocol::JsonWriter writer{text};
};

FileHasher::FileHasher() : buffer_(std::make_unique<Buffer>()) {}
FileHasher::~FileHasher() = default;

SetHash FileHasher::Hash(const AddFile& add, Told told) {
  AddFile hashed = add;
  if (told != Told::kAll) hashed.data_change = false;
  if (told == Told::kNeitherDataChangeNorStats) hashed.stats.reset();
  buffer_->text.Clear();
  buffer_->writer.Reset(buffer_->text);
  protocol::WriteAdd(hashed, buffer_->writer);
  const protocol::Hash128 hash =
      protocol::HashOf({buffer_->text.GetString(), buffer_->text.GetSize()});
  SetHash result;
  std::memcpy(&result.high, hash.bytes.data(), sizeof(result.high));
  std::memcpy(&result.low, hash.bytes.data() + sizeof(result.high), sizeof(result.low));
  return result;
}

Result<SourceReplay> ReplayRun(const log::FileLog& log, const log::CopySource& run,
                               const ReplayOptions& options) {
  const std::optional<Version>& before = options.before;
  if (!run.has_base() && !before) return Replayer(run, options).Run(nullptr);
  const Version from = before.value_or(run.versions().first);
  auto start = log.LoadSnapshot(TableVersion::At(from));
  if (start) return Replayer(run, options).Run(start->get());
  if (!before || start.error().code() != ErrorCode::kNotFound) return Fail(start.error());
  const Version last = run.versions().last;
  DELTALAKEDB_ASSIGN(auto folder, log.ListFolder());
  DELTALAKEDB_ASSIGN(const auto last_alone,
                     log::CopySource::Plan(std::move(folder), {last, true, std::nullopt}));
  DELTALAKEDB_ASSIGN(const auto snapshot, log.LoadSnapshot(TableVersion::At(last)));
  ReplayOptions alone = options;
  alone.before.reset();
  return Replayer(last_alone, alone).Run(snapshot.get());
}

std::string TextOf(const Metadata& metadata) {
  return TextOfAction(metadata, protocol::WriteMetadata);
}
std::string TextOf(const Protocol& protocol) {
  return TextOfAction(protocol, protocol::WriteProtocol);
}

}  // namespace deltalakedb::importer
