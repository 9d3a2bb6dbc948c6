// What a transaction promises about the commits of others (PROTOCOL.md, Conflict resolution).
//
// Thread-safety: plain values and pure functions.
#pragma once

#include <string_view>

#include "deltalakedb/result.h"

namespace deltalakedb {

// How much of what others committed since the version that was read makes a commit fail, strictest
// first.
enum class IsolationLevel {
  kSerializable,       // any file that the transaction should have read
  kWriteSerializable,  // the same, but files of blind appends count as added after this commit
  kSnapshotIsolation,  // no added file: only what both change
};

// What a table has where neither the caller nor `delta.isolationLevel` says otherwise.
inline constexpr IsolationLevel kDefaultIsolationLevel = IsolationLevel::kSerializable;

// "Serializable", "WriteSerializable", "SnapshotIsolation": as commitInfo has them.
std::string_view IsolationLevelName(IsolationLevel level);

// By name, ASCII letters of either case being equal: engines spell `delta.isolationLevel` in
// several ways. Errors: InvalidArgument (fact `isolationLevel`).
Result<IsolationLevel> ParseIsolationLevel(std::string_view name);

}  // namespace deltalakedb
