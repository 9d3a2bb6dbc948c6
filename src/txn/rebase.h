// What a commit changes in itself to come after a version (PROTOCOL.md, Row tracking and In-commit
// timestamps).
//
// Thread-safety: pure functions on values of the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "protocol/staged_actions.h"
#include "txn/conflict.h"

namespace deltalakedb::txn {

// The configuration of `delta.rowTracking`: {"rowIdHighWaterMark":n}.
inline constexpr std::string_view kRowTrackingDomain = "delta.rowTracking";
// Errors: Corrupt (fact domain).
Result<std::int64_t> ParseRowIdHighWaterMark(std::string_view configuration);
std::string RowTrackingConfiguration(std::int64_t high_water_mark);

// Of a file's statistics. Errors: InvalidArgument (no stats, no numRecords, or no such number;
// facts action, field and path).
Result<std::int64_t> NumRecords(const AddFile& add);

struct RowIdOptions {
  // What the transaction read first: larger ids and later versions in staged adds are from an
  // earlier attempt of this commit, or made up, and are given anew. No version for a new table.
  std::int64_t read_high_water_mark = -1;
  std::optional<Version> read_version = std::nullopt;
  // At the version that the commit comes after.
  std::int64_t high_water_mark = -1;
  // That the commit will be.
  Version version = Version(0);
  // Ids that winners gave to files which the commit names again; they are taken over.
  const BackfilledRowIds* backfilled = nullptr;
};

// Gives every add that needs one a fresh row id, and the version to those without. Sets the own
// domain of `staged` when ids were given, and takes it away otherwise. Removes keep the ids that
// they were given, but for backfilled ones. Call it only where TableRules::assigns_row_ids. Calling
// it again, after a rebase, gives what a first call would. `table_root` as protocol/paths.h takes
// it. Errors: InvalidArgument (as NumRecords; `staged` is unchanged), LimitExceeded (ids are used
// up).
Result<void> AssignRowIds(protocol::StagedActions& staged, const RowIdOptions& options,
                          std::string_view table_root);

// The in-commit timestamp of a commit that is attempted at `now` after one of `previous`.
Timestamp NextInCommitTimestamp(Timestamp now, Timestamp previous);

// Whether `after` turns in-commit timestamps on, for a table of `before` (null for a new one).
bool EnablesInCommitTimestamps(const Metadata* before, const Metadata& after);
// What such a commit has to note about itself, unless it is version 0; again after each rebase.
void NoteInCommitTimestampEnablement(Metadata& metadata, Version version, Timestamp timestamp);

// Whether two metadata differ in nothing but the high-water marks of identity columns.
// Errors: Corrupt (a schema that cannot be parsed).
Result<bool> DifferOnlyInIdentity(const Metadata& before, const Metadata& after);

// A schemaString with each identity column's high-water mark at the further one of two schemas'
// (further along its step). The rest is `ours`, byte for byte.
// Errors: Corrupt.
Result<std::string> MergeIdentityHighWaterMarks(std::string_view ours, std::string_view theirs);

// A schemaString in which the type changes that were to be made by version `from` are made by
// version `to`: the preview of type widening notes the version (`tableVersion` in
// `delta.typeChanges`). The rest is the same, byte for byte.
// Errors: Corrupt.
Result<std::string> MoveTypeChanges(std::string_view schema, Version from, Version to);

}  // namespace deltalakedb::txn
