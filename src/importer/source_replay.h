// A replay of a file-based log that is independent of the rows that an import makes: straight
// forward through the commits, keeping what is live.
//
// Memory: about 100 bytes per live file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "log/copy_source.h"
#include "log/file_log.h"
#include "log/log_state.h"
#include "protocol/hash128.h"

namespace deltalakedb::importer {

// The sum of the hashes of a set's members: equal sets have equal sums, whatever the order, and
// members can be taken out again.
struct SetHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  void Add(const SetHash& other) {
    high += other.high;
    low += other.low;
  }
  void Subtract(const SetHash& other) {
    high -= other.high;
    low -= other.low;
  }
  friend bool operator==(const SetHash&, const SetHash&) = default;
};

// What of a file is told by what both sides have it from.
enum class Told { kAll, kAllButDataChange, kNeitherDataChangeNorStats };

// Of one file with all its fields.
class FileHasher {
 public:
  FileHasher();
  ~FileHasher();
  FileHasher(FileHasher&&) = delete;
  // What is not told is taken for absent, whatever it is.
  SetHash Hash(const AddFile& add, Told told);

 private:
  struct Buffer;
  std::unique_ptr<Buffer> buffer_;
};

struct ReplayedVersion {
  Version version;
  FileTotals totals;
  SetHash files;               // all zero unless content was asked for
  bool is_state_only = false;  // its commit is gone or was not looked at
  std::int64_t adds = 0;       // actions
  std::int64_t removes = 0;    // actions
  std::optional<std::string> body_hash;
  // Canonical JSON, where the version is the first of the run or changes it.
  std::optional<std::string> metadata;
  std::optional<std::string> protocol;
};

// What the catalog has of the table that the replay is compared with.
struct ReplayOptions {
  // The version whose state the run continues.
  std::optional<Version> before;
  // The catalog's own base.
  std::optional<Version> catalog_base;
  // Whether files are hashed with all their fields.
  bool with_content = true;
};

struct SourceReplay {
  std::vector<ReplayedVersion> versions;
  log::LogState state;  // at the last version
  // The newest version that either side starts from as a state. A checkpoint does not keep
  // dataChange (PROTOCOL.md, Checkpoints: replay sets it to false), so of files that were added up
  // to here it says nothing.
  std::optional<Version> newest_state;
  // Whether the source starts from a state without the text of statistics, and the catalog from
  // another: then those of files up to that version say nothing either.
  bool lacks_stats = false;

  Told ToldOf(Version added) const {
    if (!newest_state || added > *newest_state) return Told::kAll;
    return lacks_stats ? Told::kNeitherDataChangeNorStats : Told::kAllButDataChange;
  }
};

// Replays a run of versions of the log that it is planned for. A run that continues a version's
// state includes that state; where the log can no longer say what it was, the last version alone is
// replayed. Features are not checked.
// Errors: those of reading the log.
Result<SourceReplay> ReplayRun(const log::FileLog& log, const log::CopySource& run,
                               const ReplayOptions& options);

// Canonical JSON of an action, for comparing.
std::string TextOf(const Metadata& metadata);
std::string TextOf(const Protocol& protocol);

}  // namespace deltalakedb::importer
