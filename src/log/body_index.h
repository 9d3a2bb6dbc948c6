// All texts of a table, oldest first, turned into rows: what importing, making rows again and
// checking them have in common.
//
// Thread-safety: texts are parsed on several threads; the sink is called from the caller's alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/ordered_pipeline.h"
#include "deltalakedb/file_stream.h"
#include "deltalakedb/result.h"
#include "log/body_rows.h"
#include "store/rows.h"

namespace deltalakedb::log {

// Chunks that are worked on or wait at a time are bounded by this. Unit: threads.
inline constexpr std::size_t kIndexThreadsMax = 3;
// So many files are remembered while a table is indexed from its beginning; from then on every file
// is looked up. About 40 bytes each at worst.
inline constexpr std::size_t kSeenFilesMax = 4'000'000;

// Where the texts come from.
class BodySource {
 public:
  using Task = base::OrderedPipeline<ChunkRows>::Task;

  virtual ~BodySource() = default;
  // What makes the rows of the next chunk; nullopt at the end. Texts come by version, and at the
  // base version the base's first.
  virtual Result<std::optional<Task>> Next() = 0;
  // A text that has several chunks, once more.
  virtual Result<std::unique_ptr<LineChunkStream>> Reopen(const BodyId& body) = 0;
};

// Where the rows go. An error ends the work.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // A chunk of a text, before its rows.
  virtual Result<void> PutText(const ChunkRows& chunk) = 0;
  // Rows of InfoOf(relation).columns values each, in the order of the relation's list statement.
  virtual Result<void> PutRows(store::Relation relation, std::span<const store::Value> rows) = 0;
  // `version` removes these files or adds them again. Those of them that were live before.
  virtual Result<FileTotals> EndFiles(Version version,
                                      std::span<const FileMention* const> files) = 0;
  // The version's rows and texts are complete.
  virtual Result<void> FinishVersion(Version version, const store::VersionIndex& index,
                                     const CommitInfo* info) = 0;
};

struct IndexOptions {
  ChunkOptions chunk;
  std::optional<Version> base_version;
  // What the rows before the first text add up to.
  store::VersionIndex start;
  // Whether there are such rows. Without any, no file can end.
  bool has_start = false;
};

// For a table from its first text on.
IndexOptions OptionsFromStart(const store::TableRow& table);

// The newest versions that changed metaData and protocol; nullopt when no text had any.
struct IndexResult {
  std::optional<Version> metadata_version;
  std::optional<Version> protocol_version;
};

// Errors: those of the source and of the sink, Corrupt (a text), LimitExceeded (too many files).
Result<IndexResult> IndexBodies(BodySource& source, RowSink& sink, const IndexOptions& options);

}  // namespace deltalakedb::log
