// The text of one commit as the rows of a store::TableCommit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "deltalakedb/result.h"
#include "log/body_rows.h"
#include "store/commit_unit.h"

namespace deltalakedb::log {

// Owns what the commit points into, so it outlives it and stays where it is.
class CommitRows {
 public:
  // `body` is a whole commit in the form of `_delta_log`, valid on its own
  // (PROTOCOL.md, One-commit validity).
  // Errors: InvalidArgument (it names a file twice), those of MakeChunkRows.
  static Result<CommitRows> Make(std::string_view body, const ChunkOptions& options);
  CommitRows(CommitRows&&) = default;
  CommitRows& operator=(CommitRows&&) = delete;

  // All that follows from the text: rows, text, hash and the files that end. The rest is the
  // caller's.
  void FillIn(store::TableCommit& commit) const;

  const ChunkRows& rows() const { return *rows_; }

 private:
  explicit CommitRows(ChunkRows rows) : rows_(std::make_unique<ChunkRows>(std::move(rows))) {}

  // Rows point into these, also into short texts that move with their owner.
  std::unique_ptr<ChunkRows> rows_;
  std::unique_ptr<TableId> table_;
  std::vector<std::pair<std::string, std::int64_t>>
      parts_;  // of a long text: compressed, and bytes
  std::vector<store::Value> metadata_;
  std::vector<store::Value> protocol_;
  std::vector<store::Value> app_transactions_;
  std::vector<store::Value> domains_;
  std::string hash_;
};

}  // namespace deltalakedb::log
