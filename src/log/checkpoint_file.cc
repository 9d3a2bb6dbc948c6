#include "log/checkpoint_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "base/try.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {

namespace {

using storage::CheckpointWriter;

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
