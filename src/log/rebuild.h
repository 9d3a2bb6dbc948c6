// What a version is rebuilt from: bases are tried until one serves.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/error.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/file_log_stream.h"
#include "log/log_folder.h"
#include "log/log_state.h"

namespace deltalakedb::log {

// Names of checkpoint files that turned out unreadable.
using DamagedSet = std::set<std::string>;

inline const std::string& NameOf(const CheckpointFiles& checkpoint) {
  return checkpoint.files.front().name;
}

// A failure that another base may get around. Anything else concerns the whole log.
bool IsDamage(const Error& error);

// A version rebuilt but for the checks on its state.
struct Rebuilt {
  FileSources sources;
  LogState state;
};

// Why a version cannot be rebuilt.
struct NoWay {
  std::optional<Version> missing_commit;
  std::optional<Error> damage;  // of the most preferred base
};

// What came of trying all bases: the version, or why not.
struct Attempt {
  std::optional<Rebuilt> rebuilt;
  NoWay no_way;
};

// Candidate bases for `version`, the best first: the newest, then the most preferred of its
// version.
std::vector<const CheckpointFiles*> FindBases(const LogListing& listing, Version version,
                                              const DamagedSet& damaged);

// Tries bases until one can be opened and continued with commits. `damaged` gets those that cannot.
// Errors: those that no other base gets around.
Result<Attempt> TryBases(const std::shared_ptr<const LogFolder>& folder, Version version,
                         DamagedSet& damaged);

// The table's latest metadata; nullopt when the latest version cannot be rebuilt. Nothing is warned
// of: it is not the version that was asked for.
// Errors: those that no base gets around and that are no damage.
Result<std::optional<Metadata>> LoadLatestMetadata(const LogFolder& folder);

// Tells the sink of a checkpoint that something else replaces.
void WarnDamaged(const LogFolder& folder, const Error& error);

// The error of a version that cannot be rebuilt: Corrupt in most cases.
Error ErrorFor(const LogFolder& folder, Version version, NoWay no_way);
// That of a log whose actions up to `version` are no table: Corrupt.
Error LacksAction(const LogFolder& folder, std::string_view action, Version version);
// NotFound: a missing commit below the run that can be read is cleaned-up history, not damage.
Error OutOfRange(const LogFolder& folder, Version version, const VersionRange& range);

}  // namespace deltalakedb::log
