#include "log/write_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "log/checkpoint_file.h"
#include "log/file_log_stream.h"
#include "log/rebuild.h"
#include "protocol/features.h"
#include "protocol/hash128.h"
#include "protocol/interval.h"
#include "protocol/parsed_columns.h"
#include "protocol/table_rules.h"

namespace deltalakedb::log {

namespace {

using storage::CheckpointRows;
using storage::CheckpointSize;
using storage::CheckpointWriter;
using storage::CheckpointWriterOptions;
using storage::PutResult;

// delta.deletedFileRetentionDuration where it is not set (PROTOCOL.md, Table properties).
constexpr std::chrono::milliseconds kTombstoneRetentionDefault = std::chrono::weeks(1);

// ---- what the table asks for --------------------------------------------------------------------

const std::string* FindProperty(const Metadata& metadata, std::string_view name) {
  const auto found = metadata.configuration.find(std::string(name));
  return found == metadata.configuration.end() ? nullptr : &found->second;
}

// Spark takes flags in either case.
bool IsOff(const Metadata& metadata, std::string_view name) {
  const std::string* const text = FindProperty(metadata, name);
  return text != nullptr && std::ranges::equal(*text, std::string_view("false"), {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? c + 32 : c;
         });
}

bool WantsV2(const TableState& state) {
  const std::string* const policy = FindProperty(state.metadata, protocol::kCheckpointPolicy);
  return policy != nullptr && *policy == "v2" && protocol::Supports(state.protocol, "v2Checkpoint");
}

// ---- rows ---------------------------------------------------------------------------------------

Result<void> PutState(const TableState& state, CheckpointWriter& writer) {
  DELTALAKEDB_TRY(writer.Put(state.protocol));
  DELTALAKEDB_TRY(writer.Put(state.metadata));
  for (const auto& [app_id, transaction] : state.app_transactions) {
    DELTALAKEDB_TRY(writer.Put(transaction));
  }
  for (const auto& [domain, configuration] : state.domain_metadata) {
    DELTALAKEDB_TRY(writer.Put(DomainMetadata{domain, configuration, /*removed=*/false}));
  }
  return {};
}

template <typename Writer>
Result<void> PutFiles(const CheckpointInput& input, Writer& writer) {
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, input.adds.Next());
    if (!batch) break;
    for (const AddFile& add : batch->files()) DELTALAKEDB_TRY(writer.Put(add));
  }
  const Timestamp expiry = TombstoneExpiry(input.state.metadata, input.now);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, input.tombstones.Next());
    if (!batch) return {};
    for (const RemoveFile& remove : batch->files) {
      // One without a time counts as the oldest (PROTOCOL.md, remove).
      if (Timestamp(remove.deletion_timestamp.value_or(0)) <= expiry) continue;
      DELTALAKEDB_TRY(writer.Put(remove));
    }
  }
}

// ---- files of a V2 checkpoint -------------------------------------------------------------------

// Where a checkpoint goes.
struct Destination {
  const storage::FileSystem& file_system;
  const std::string& log_path;
  storage::PutOptions options;
};

// A file that has no name before all of it is there: it is made of the content.
class Draft final : public storage::OutputFile {
 public:
  std::int64_t size_bytes() const override { return std::ssize(content_); }
  Result<void> Append(std::string_view bytes) override {
    content_ += bytes;
    return {};
  }
  Result<PutResult> Finish() override {
    return Fail(ErrorCode::kInternal, "a draft has no name of its own");
  }

  // A UUID whose bits are our own affair (RFC 9562, version 8).
  std::string Uuid(const TableState& state) const {
    protocol::Hash128Builder hash;
    hash.Update(fmt::format("{}\n{}\n", state.metadata.id.value_or(""), state.version.value()));
    hash.Update(content_);
    protocol::Hash128 bits = hash.Finish();
    bits.bytes[6] = (bits.bytes[6] & std::byte{0x0F}) | std::byte{0x80};
    bits.bytes[8] = (bits.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
    return TableId::FromBytes(bits.view())->ToString();
  }

  // `path` is in the log's folder.
  Result<PutResult> Put(const Destination& to, const std::string& path,
                        const storage::PutOptions& options) const {
    return to.file_system.PutIfAbsent(fmt::format("{}/{}", to.log_path, path), content_, options);
  }

 private:
  std::string content_;
};

// File actions, spread over as many sidecars as they take.
class SidecarWriter {
 public:
  SidecarWriter(const Destination& to, const TableState& state,
                const CheckpointWriterOptions& options)
      : to_(to), state_(state), options_(options) {
    options_.rows = CheckpointRows::kFiles;
  }

  template <typename Action>
  Result<void> Put(const Action& action) {
    if (writer_ == nullptr) {
      draft_ = std::make_unique<Draft>();
      DELTALAKEDB_ASSIGN(writer_, CheckpointWriter::Make(*draft_, options_));
    }
    DELTALAKEDB_TRY(writer_->Put(action));
    ++actions_;
    const bool is_full = actions_ == kSidecarActionsMax || draft_->size_bytes() > kSidecarBytesMax;
    return is_full ? Finish() : Result<void>();
  }

  // Puts what there is in its place. Nothing is lost by calling it once more.
  Result<void> Finish() {
    if (writer_ == nullptr) return {};
    DELTALAKEDB_ASSIGN(const CheckpointSize size, writer_->Finish());
    const std::string name = draft_->Uuid(state_) + ".parquet";
    // With its true time, by which log clean-up knows that its checkpoint may still be coming.
    DELTALAKEDB_TRY(draft_->Put(to_, "_sidecars/" + name, {}));
    sidecars_.push_back({.name = name,
                         .size_in_bytes = size.size_in_bytes,
                         .modified = to_.options.modified.value_or(state_.timestamp)});
    size_.num_actions += size.num_actions;
    size_.num_adds += size.num_adds;
    size_.size_in_bytes += size.size_in_bytes;
    writer_ = nullptr;
    draft_ = nullptr;
    actions_ = 0;
    return {};
  }

  const std::vector<storage::WrittenSidecar>& sidecars() const { return sidecars_; }
  const CheckpointSize& size() const { return size_; }  // of all of them

 private:
  const Destination& to_;
  const TableState& state_;
  CheckpointWriterOptions options_;
  std::unique_ptr<Draft> draft_;
  std::unique_ptr<CheckpointWriter> writer_;  // writes into draft_
  std::int64_t actions_ = 0;                  // in it
  std::vector<storage::WrittenSidecar> sidecars_;
  CheckpointSize size_;
};

Result<PutCheckpoint> WriteV2(const Destination& to, const CheckpointInput& input,
                              const CheckpointWriterOptions& options) {
  const TableState& state = input.state;
  SidecarWriter files(to, state, options);
  DELTALAKEDB_TRY(PutFiles(input, files));
  DELTALAKEDB_TRY(files.Finish());

  Draft draft;
  DELTALAKEDB_ASSIGN(const auto writer,
                     CheckpointWriter::Make(draft, {.rows = CheckpointRows::kTop}));
  DELTALAKEDB_TRY(writer->PutCheckpointMetadata(
      state.version, {{"sidecarNumActions", fmt::to_string(files.size().num_actions)},
                      {"sidecarSizeInBytes", fmt::to_string(files.size().size_in_bytes)},
                      {"numOfAddFiles", fmt::to_string(files.size().num_adds)}}));
  DELTALAKEDB_TRY(PutState(state, *writer));
  for (const auto& sidecar : files.sidecars()) DELTALAKEDB_TRY(writer->PutSidecar(sidecar));
  DELTALAKEDB_ASSIGN(const CheckpointSize top, writer->Finish());

  PutCheckpoint put;
  put.version = state.version;
  put.size = files.size();
  put.size.num_actions += top.num_actions;
  put.size.size_in_bytes += top.size_in_bytes;
  put.name = fmt::format("{:020}.checkpoint.{}.parquet", state.version.value(), draft.Uuid(state));
  DELTALAKEDB_ASSIGN(put.result, draft.Put(to, put.name, to.options));
  return put;
}

Result<PutCheckpoint> WriteClassic(const Destination& to, const CheckpointInput& input,
                                   const CheckpointWriterOptions& options) {
  PutCheckpoint put;
  put.version = input.state.version;
  put.name = ClassicCheckpointName(put.version);
  DELTALAKEDB_ASSIGN(const auto file, to.file_system.Create(
                                          fmt::format("{}/{}", to.log_path, put.name), to.options));
  DELTALAKEDB_ASSIGN(const auto writer, CheckpointWriter::Make(*file, options));
  DELTALAKEDB_TRY(PutState(input.state, *writer));
  DELTALAKEDB_TRY(PutFiles(input, *writer));
  DELTALAKEDB_ASSIGN(put.size, writer->Finish());
  DELTALAKEDB_ASSIGN(put.result, file->Finish());
  return put;
}

// ---- of a log -----------------------------------------------------------------------------------

// A stream that keeps what went wrong in it, as writing may fail just as well.
template <typename Stream, typename Batch>
class Watched final : public Stream {
 public:
  Watched(std::unique_ptr<Stream> stream, std::optional<Error>& error)
      : stream_(std::move(stream)), error_(error) {}

  Result<std::optional<Batch>> Next() override {
    auto batch = stream_->Next();
    if (!batch) error_ = batch.error();
    return batch;
  }

 private:
  std::unique_ptr<Stream> stream_;
  std::optional<Error>& error_;
};

TableState StateOf(const LogFolder& folder, Version version, LogState state) {
  return {version,
          folder.listing.commits.at(version).modified,
          *std::move(state.protocol),
          *std::move(state.metadata),
          std::move(state.app_transactions),
          std::move(state.domain_metadata)};
}

}  // namespace

Timestamp TombstoneExpiry(const Metadata& metadata, Timestamp now) {
  const std::string* const text = FindProperty(metadata, "delta.deletedFileRetentionDuration");
  const auto retention =
      text == nullptr ? std::optional(kTombstoneRetentionDefault) : protocol::ParseInterval(*text);
  if (!retention || retention->count() > now.ms()) return Timestamp(-1);
  return Timestamp(now.ms() - retention->count());
}

Result<PutCheckpoint> WriteCheckpoint(const storage::FileSystem& file_system,
                                      const std::string& log_path, const CheckpointInput& input,
                                      const storage::PutOptions& options) {
  const TableState& state = input.state;
  const Destination to{file_system, log_path, options};
  CheckpointWriterOptions columns;
  columns.with_stats = !IsOff(state.metadata, "delta.checkpoint.writeStatsAsJson");
  std::optional<protocol::ParsedColumns> parsed;
  if (!IsOff(state.metadata, "delta.checkpoint.writeStatsAsStruct")) {
    parsed = protocol::FindParsedColumns(state.protocol, state.metadata);
  }
  if (parsed) columns.parsed = &*parsed;
  const bool is_v2 = WantsV2(state);
  DELTALAKEDB_ASSIGN(auto put,
                     is_v2 ? WriteV2(to, input, columns) : WriteClassic(to, input, columns));
  // A classic one that was there may be another's, of which nothing is known.
  if (put.result == PutResult::kExists && !is_v2) return put;
  DELTALAKEDB_TRY(PutLastCheckpoint(file_system, log_path, put.version, put.size));
  return put;
}

Result<PutCheckpoint> WriteCheckpointOfLog(const std::shared_ptr<const LogFolder>& folder,
                                           Version version, Timestamp now) {
  DamagedSet damaged;
  for (;;) {
    DELTALAKEDB_ASSIGN(Attempt attempt, TryBases(folder, version, damaged));
    if (!attempt.rebuilt) return Fail(ErrorFor(*folder, version, std::move(attempt.no_way)));
    LogState& log_state = attempt.rebuilt->state;
    if (!log_state.protocol) return Fail(LacksAction(*folder, "protocol", version));
    if (!log_state.metadata) return Fail(LacksAction(*folder, "metaData", version));
    DELTALAKEDB_TRY(protocol::CheckReadable(*log_state.protocol));
    const TableState state = StateOf(*folder, version, std::move(log_state));
    const auto sources = std::make_shared<const FileSources>(std::move(attempt.rebuilt->sources));
    std::optional<Error> error;
    Watched<FileStream, FileBatch> adds(StreamFiles(sources, storage::CheckpointColumns::kAll),
                                        error);
    Watched<TombstoneStream, storage::RemoveBatch> tombstones(StreamTombstones(sources), error);
    auto put =
        WriteCheckpoint(*folder->file_system, folder->path,
                        {.state = state, .adds = adds, .tombstones = tombstones, .now = now}, {});
    if (put || !error || !sources->base || !IsDamage(*error)) return put;
    damaged.insert(NameOf(*sources->segment.base));
    WarnDamaged(*folder, *error);
  }
}

}  // namespace deltalakedb::log
