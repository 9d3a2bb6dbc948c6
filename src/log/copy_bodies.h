// The texts of a file-based log, on their way into another log.
#pragma once

#include <memory>
#include <optional>

#include "deltalakedb/result.h"
#include "log/action_lines.h"
#include "log/body_index.h"
#include "log/copy_source.h"

namespace deltalakedb::log {

class CopyBodies final : public BodySource {
 public:
  // `source` and `options` outlive this. Errors of its members: those of CopySource's streams,
  // Unavailable with the fact `file` (the log changed meanwhile), Corrupt, Io, Permission.
  CopyBodies(const CopySource& source, const ChunkOptions& options);

  Result<std::optional<Task>> Next() override;
  Result<std::unique_ptr<LineChunkStream>> Reopen(const BodyId& body) override;

 private:
  const CopySource& source_;
  const ChunkOptions& options_;
  bool has_base_left_;
  std::unique_ptr<LineChunkStream> base_;
  ChunkSource<ChunkRows> commits_;
};

}  // namespace deltalakedb::log
