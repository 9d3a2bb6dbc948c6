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

// Of one file with all its fields.
class FileHasher {
 public:
  FileHasher();
  ~FileHasher();
  FileHasher(FileHasher&&) = delete;
  SetHash Hash(const AddFile& add);

 private:
  struct Buffer;
  std::unique_ptr<Buffer> buffer_;
};

struct ReplayedVersion {
  Version version;
  FileTotals totals;
  SetHash files;               // all zero unless content was asked for
  bool is_state_only = false;  // the actions and text of its commit were not looked at
  std::int64_t adds = 0;       // actions
  std::int64_t removes = 0;    // actions
  std::optional<std::string> body_hash;
  // Canonical JSON, where the version is the first of the run or changes it.
  std::optional<std::string> metadata;
  std::optional<std::string> protocol;
};

struct SourceReplay {
  std::vector<ReplayedVersion> versions;
  log::LogState state;  // at the last version
};

// Replays a run of versions of the log that it is planned for. A run that continues the state of a
// version, `before`, includes that state; where the log can no longer say what it was, the last
// version alone is replayed. Features are not checked.
// Errors: those of reading the log.
Result<SourceReplay> ReplayRun(const log::FileLog& log, const log::CopySource& run,
                               std::optional<Version> before, bool with_content);

// Canonical JSON of an action, for comparing.
std::string TextOf(const Metadata& metadata);
std::string TextOf(const Protocol& protocol);

}  // namespace deltalakedb::importer
