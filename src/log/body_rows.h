// The text of a commit, or of the state that history starts with, made into rows of the catalog.
//
// Everything that reading takes from rows comes from here, on the way in as well as when rows are
// made again or checked, so that the same text always gives the same rows.
// Thread-safety: pure functions; a ChunkRows is a value.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/line_chunks.h"
#include "protocol/arena.h"
#include "protocol/file_key.h"
#include "protocol/hash128.h"
#include "store/rows.h"
#include "store/value.h"

namespace deltalakedb::log {

// Which text a chunk belongs to.
struct BodyId {
  Version version;
  store::Origin origin = store::Origin::kCommit;

  friend bool operator==(const BodyId&, const BodyId&) = default;
};

// Where a file is named, and how.
struct FileMention {
  protocol::FileKey key;        // in this process
  protocol::Hash128 path_key;   // in the database
  std::string_view dv_id;       // empty without a deletion vector
  std::string_view path;        // as written
  std::int64_t size_bytes = 0;  // of an add
  std::int64_t line = 0;
};

// Lines of one text that a later line of it overrules. Nearly always empty: a commit names a file
// once (PROTOCOL.md, One-commit validity).
struct OverruledLines {
  std::vector<std::int64_t> dropped;  // the same action on the same file comes again
  std::vector<std::int64_t> dead;     // adds whose file the text removes later

  bool IsDropped(std::int64_t line) const;
  bool IsDead(std::int64_t line) const;
};

// Finds them. Takes the mentions in the order of the text.
class OverruledFinder {
 public:
  void TakeAdd(const protocol::FileKey& key, std::int64_t line);
  void TakeRemove(const protocol::FileKey& key, std::int64_t line);
  OverruledLines Finish() const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  struct Last {
    std::uint32_t add_line = kNone;
    std::uint32_t remove_line = kNone;
  };

  tsl::robin_map<protocol::FileKey, Last, protocol::FileKeyHash> last_;
  std::vector<std::int64_t> dropped_;
};

// The fields of an action, verbatim JSON by name.
using VerbatimFields = std::map<std::string, std::string, std::less<>>;

struct ProtocolText {
  std::int32_t min_reader_version = 0;
  std::int32_t min_writer_version = 0;
  std::optional<std::string> reader_features;  // JSON array, verbatim
  std::optional<std::string> writer_features;
  std::optional<std::string> unknown_fields;  // JSON object
};

// What a chunk says. Rows lack what others decide: the file id, in front, and where an add ends, at
// the back.
struct ChunkRows {
  BodyId body;
  bool is_whole_body = false;  // the text has no other chunk

  std::vector<FileMention> adds;
  std::vector<FileMention> removes;
  std::vector<FileMention> cdc;
  std::vector<store::Value> add_rows;  // as many values as the relation has columns, per mention
  std::vector<store::Value> remove_rows;
  std::vector<store::Value> cdc_rows;

  std::optional<VerbatimFields> metadata;
  std::optional<ProtocolText> protocol;
  std::vector<AppTransaction> app_transactions;
  std::vector<DomainMetadata> domain_metadata;
  std::optional<CommitInfo> commit_info;  // the first

  OverruledLines overruled;  // only of a whole body

  LineChunk text;                     // keeps what rows point into
  std::shared_ptr<const void> owner;  // likewise
  std::string compressed;             // zstd, when asked for
};

struct ChunkOptions {
  TableId table;
  std::string table_root;  // as protocol/paths.h takes it
  bool compress = false;
  std::string name;  // of the text, for messages
};

// Errors: Corrupt, LimitExceeded (with file and line).
Result<ChunkRows> MakeChunkRows(const BodyId& body, LineChunk chunk, bool is_whole_body,
                                const ChunkOptions& options);

// zstd, at the level that texts are stored at. Errors: Internal.
Result<std::string> CompressText(std::string_view text);

// Lines of a text in many chunks that others overrule: a pass of its own, before its rows are made.
// Takes one chunk after the other. Errors as MakeChunkRows.
Result<void> TakeMentions(const LineChunk& chunk, const ChunkOptions& options,
                          OverruledFinder& finder);

}  // namespace deltalakedb::log
