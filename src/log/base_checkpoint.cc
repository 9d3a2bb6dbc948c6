#include "log/base_checkpoint.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "base/try.h"
#include "log/action_lines.h"
#include "log/line_chunks.h"
#include "protocol/action_json.h"
#include "protocol/paths.h"

namespace deltalakedb::log {

namespace {

StateActions ToStateActions(storage::CheckpointState state) {
  return {std::move(state.protocol), std::move(state.metadata), std::move(state.app_transactions),
          std::move(state.domain_metadata)};
}

// A file of the listing.
Result<std::shared_ptr<const storage::InputFile>> OpenLogFile(const LogFolder& folder,
                                                              const storage::FileInfo& info) {
  return OpenListed(*folder.file_system, {folder.PathOf(info.name), info.size_bytes});
}

// Sidecars live in `_sidecars`, whatever folder their path names beside (PROTOCOL.md, V2 rules).
std::string SidecarName(const protocol::Sidecar& sidecar) {
  const std::string path = protocol::PercentDecode(sidecar.path);
  return path.substr(path.rfind('/') + 1);
}

// A sidecar that a checkpoint names must be there, and be the one that was written: anything else
// is damage.
Result<std::shared_ptr<const storage::InputFile>> OpenSidecar(const LogFolder& folder,
                                                              const protocol::Sidecar& sidecar) {
  const std::string path = folder.PathOf("_sidecars/" + SidecarName(sidecar));
  const auto damage = [&](const std::string& problem) {
    return Fail(Error(ErrorCode::kCorrupt, path + problem).With("file", path));
  };
  auto file = folder.file_system->Open(path);
  if (!file && file.error().code() == ErrorCode::kNotFound) return damage(" is missing");
  if (file && sidecar.size_in_bytes > 0 && (*file)->size_bytes() != sidecar.size_in_bytes) {
    return damage(fmt::format(" has {} bytes, its checkpoint says {}", (*file)->size_bytes(),
                              sidecar.size_in_bytes));
  }
  return file;
}

// Reads the top file of a V2 checkpoint in JSON, all but its file actions.
Result<storage::CheckpointState> ReadJsonState(const LogFolder& folder,
                                               const storage::FileInfo& info) {
  DELTALAKEDB_ASSIGN(auto file, OpenLogFile(folder, info));
  LineChunkReader reader(file);
  protocol::ActionParser parser;
  protocol::Arena arena;
  storage::CheckpointState state;
  std::optional<Error> error;
  const auto take = [&](std::int64_t number, std::string_view line) {
    if (IsBlank(line)) return true;
    arena.Reset();
    auto action = parser.Parse(line, protocol::FileDetail::kIdentity, arena);
    if (!action) {
      error = AtLine(std::move(action).error(), reader.path(), number);
      return false;
    }
    if (auto* protocol = std::get_if<Protocol>(&*action)) {
      state.protocol = std::move(*protocol);
    } else if (auto* metadata = std::get_if<Metadata>(&*action)) {
      state.metadata = std::move(*metadata);
    } else if (auto* transaction = std::get_if<AppTransaction>(&*action)) {
      state.app_transactions.push_back(std::move(*transaction));
    } else if (auto* domain = std::get_if<DomainMetadata>(&*action)) {
      state.domain_metadata.push_back(std::move(*domain));
    } else if (auto* checkpoint = std::get_if<protocol::CheckpointMetadata>(&*action)) {
      state.checkpoint_metadata = *checkpoint;
    } else if (auto* sidecar = std::get_if<protocol::Sidecar>(&*action)) {
      state.sidecars.push_back(std::move(*sidecar));
    }
    return true;
  };
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto chunk, reader.Next());
    if (!chunk) break;
    chunk->ForEachRecord(take);
    if (error) return Fail(*std::move(error));
  }
  if (!state.checkpoint_metadata) {
    return Fail(Error(ErrorCode::kCorrupt,
                      fmt::format("{} has no checkpointMetadata; it may have been cut short",
                                  reader.path()))
                    .With("file", reader.path()));
  }
  return state;
}

}  // namespace

Result<BaseCheckpoint> OpenCheckpoint(const LogFolder& folder, const CheckpointFiles& files,
                                      LogState& state) {
  BaseCheckpoint base{files.version, {}, {}, {}};
  std::vector<protocol::Sidecar> sidecars;
  const auto take = [&](storage::CheckpointState read) {
    std::ranges::move(read.sidecars, std::back_inserter(sidecars));
    state.Apply(ToStateActions(std::move(read)));
  };
  if (files.kind == CheckpointKind::kUuidJson) {
    DELTALAKEDB_ASSIGN(auto read, ReadJsonState(folder, files.files.front()));
    take(std::move(read));
    base.json_file = files.files.front();
  } else {
    for (const storage::FileInfo& info : files.files) {
      DELTALAKEDB_ASSIGN(auto file, OpenLogFile(folder, info));
      DELTALAKEDB_ASSIGN(auto parquet, storage::ParquetCheckpoint::Open(std::move(file)));
      DELTALAKEDB_ASSIGN(auto read, parquet->LoadState());
      take(std::move(read));
      base.parquet_files.push_back(std::move(parquet));
    }
  }
  for (const protocol::Sidecar& sidecar : sidecars) {
    DELTALAKEDB_ASSIGN(auto file, OpenSidecar(folder, sidecar));
    DELTALAKEDB_ASSIGN(auto parquet, storage::ParquetCheckpoint::Open(std::move(file)));
    base.parquet_files.push_back(std::move(parquet));
    base.sidecars.push_back(SidecarName(sidecar));
  }
  return base;
}

}  // namespace deltalakedb::log
