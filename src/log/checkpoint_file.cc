#include "log/checkpoint_file.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "base/try.h"
#include "log/file_log_stream.h"
#include "log/rebuild.h"
#include "protocol/action_json.h"
#include "protocol/features.h"
#include "protocol/interval.h"

namespace deltalakedb::log {

namespace {

using storage::CheckpointWriter;

// delta.deletedFileRetentionDuration where it is not set (PROTOCOL.md, Table properties).
constexpr std::chrono::milliseconds kTombstoneRetentionDefault = std::chrono::weeks(1);

const std::string* FindProperty(const Metadata& metadata, const std::string& name) {
  const auto found = metadata.configuration.find(name);
  return found == metadata.configuration.end() ? nullptr : &found->second;
}

// Tombstones of this moment and before may go. One that nobody can read keeps all of them.
Timestamp TombstoneExpiry(const Metadata& metadata, Timestamp now) {
  const std::string* const text = FindProperty(metadata, "delta.deletedFileRetentionDuration");
  const auto retention =
      text == nullptr ? std::optional(kTombstoneRetentionDefault) : protocol::ParseInterval(*text);
  if (!retention || retention->count() > now.ms()) return Timestamp(-1);
  return Timestamp(now.ms() - retention->count());
}

Result<storage::CheckpointSize> WriteState(const Rebuilt& rebuilt, Timestamp now,
                                           storage::OutputFile& file) {
  const LogState& state = rebuilt.state;
  const std::string* const as_json =
      FindProperty(*state.metadata, "delta.checkpoint.writeStatsAsJson");
  DELTALAKEDB_ASSIGN(
      const auto writer,
      CheckpointWriter::Make(file, {.with_stats = as_json == nullptr || *as_json != "false"}));
  DELTALAKEDB_TRY(writer->Put(*state.protocol));
  DELTALAKEDB_TRY(writer->Put(*state.metadata));
  for (const auto& [app_id, transaction] : state.app_transactions) {
    DELTALAKEDB_TRY(writer->Put(transaction));
  }
  for (const auto& [domain, configuration] : state.domain_metadata) {
    DELTALAKEDB_TRY(writer->Put(DomainMetadata{domain, configuration, /*removed=*/false}));
  }
  const auto sources = std::make_shared<const FileSources>(rebuilt.sources);
  const auto adds = StreamFiles(sources, storage::CheckpointColumns::kAll);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, adds->Next());
    if (!batch) break;
    for (const AddFile& add : batch->files()) DELTALAKEDB_TRY(writer->Put(add));
  }
  const Timestamp expiry = TombstoneExpiry(*state.metadata, now);
  const auto removes = StreamTombstones(sources);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, removes->Next());
    if (!batch) break;
    for (const RemoveFile& remove : batch->files) {
      // One without a time counts as the oldest (PROTOCOL.md, remove).
      if (Timestamp(remove.deletion_timestamp.value_or(0)) <= expiry) continue;
      DELTALAKEDB_TRY(writer->Put(remove));
    }
  }
  return writer->Finish();
}

// One action of a checkpoint's text.
class LinePutter {
 public:
  explicit LinePutter(CheckpointWriter& writer) : writer_(writer) {}

  template <typename Action>
  Result<void> operator()(const Action& action) const {
    if constexpr (requires { writer_.Put(action); }) {
      return writer_.Put(action);
    } else {
      return {};
    }
  }

 private:
  CheckpointWriter& writer_;
};

Result<void> PutChunk(const LineChunk& chunk, const std::string& name, CheckpointWriter& writer) {
  protocol::ActionParser parser;
  protocol::Arena arena;
  std::optional<Error> error;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (IsBlank(line)) return true;
    arena.Reset();
    const auto action = parser.Parse(line, protocol::FileDetail::kAll, arena);
    if (!action) {
      error = AtLine(action.error(), name, number);
      return false;
    }
    if (auto put = std::visit(LinePutter(writer), *action); !put) {
      error = std::move(put).error();
      return false;
    }
    return true;
  });
  if (error) return Fail(*std::move(error));
  return {};
}

}  // namespace

std::string ClassicCheckpointName(Version version) {
  return fmt::format("{:020}.checkpoint.parquet", version.value());
}

Result<storage::CheckpointSize> WriteCheckpointOfLines(LineChunkStream& lines,
                                                       const std::string& name,
                                                       storage::OutputFile& file) {
  DELTALAKEDB_ASSIGN(const auto writer, CheckpointWriter::Make(file, {}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto chunk, lines.Next());
    if (!chunk) return writer->Finish();
    DELTALAKEDB_TRY(PutChunk(*chunk, name, *writer));
  }
}

Result<CheckpointDraft> WriteCheckpointOfLog(const std::shared_ptr<const LogFolder>& folder,
                                             Version version, Timestamp now,
                                             const MakeFile& make_file) {
  DamagedSet damaged;
  for (;;) {
    DELTALAKEDB_ASSIGN(Attempt attempt, TryBases(folder, version, damaged));
    if (!attempt.rebuilt) return Fail(ErrorFor(*folder, version, std::move(attempt.no_way)));
    const Rebuilt& rebuilt = *attempt.rebuilt;
    if (!rebuilt.state.protocol) return Fail(LacksAction(*folder, "protocol", version));
    if (!rebuilt.state.metadata) return Fail(LacksAction(*folder, "metaData", version));
    DELTALAKEDB_TRY(protocol::CheckReadable(*rebuilt.state.protocol));
    CheckpointDraft draft;
    DELTALAKEDB_ASSIGN(draft.file, make_file());
    auto size = WriteState(rebuilt, now, *draft.file);
    if (size) {
      draft.size = *size;
      return draft;
    }
    if (!rebuilt.sources.base || !IsDamage(size.error())) return Fail(std::move(size).error());
    damaged.insert(NameOf(*rebuilt.sources.segment.base));
    WarnDamaged(*folder, size.error());
  }
}

Result<std::optional<Version>> FindLastCheckpoint(const storage::FileSystem& file_system,
                                                  const std::string& log_path) {
  constexpr std::int64_t kHintBytesMax = 16 * 1024 * 1024;
  const auto file = file_system.Open(fmt::format("{}/{}", log_path, kLastCheckpointName));
  if (!file && file.error().code() == ErrorCode::kNotFound) return std::optional<Version>();
  if (!file) return Fail(file.error());
  if ((*file)->size_bytes() > kHintBytesMax) return std::optional<Version>();
  std::string text(static_cast<std::size_t>((*file)->size_bytes()), '\0');
  DELTALAKEDB_TRY((*file)->ReadAt(0, text));
  const auto hint = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!hint.is_object()) return std::optional<Version>();
  const auto found = hint.find("version");
  if (found == hint.end() || !found->is_number_integer()) return std::optional<Version>();
  return std::optional(Version(found->get<std::int64_t>()));
}

Result<void> PutLastCheckpoint(const storage::FileSystem& file_system, const std::string& log_path,
                               Version version, const storage::CheckpointSize& size) {
  DELTALAKEDB_ASSIGN(const auto present, FindLastCheckpoint(file_system, log_path));
  if (present && *present > version) return {};
  return file_system.Put(fmt::format("{}/{}", log_path, kLastCheckpointName),
                         storage::LastCheckpointText(version, size));
}

}  // namespace deltalakedb::log
