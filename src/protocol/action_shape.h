// What can be said about a commit without knowing its table (PROTOCOL.md, One-commit validity).
//
// Pure functions, safe from any thread.
#pragma once

#include <string>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "protocol/staged_actions.h"

namespace deltalakedb::protocol {

// Checks each action and that no two of them contradict each other. `table_root` as
// protocol/paths.h takes it: paths that name one file in different spellings are one path.
//
// Users do not write system domains (`delta.*`): those of features belong to whoever implements the
// feature. The program keeps `delta.rowTracking` itself (StagedActions::SetOwnDomain).
//
// Errors: InvalidArgument and, for a deletion vector of a kind that this program does not know,
// Unsupported; with the facts action and field, and line and path where there are any.
Result<void> CheckShape(const StagedActions& staged, const std::string& table_root);

// The same for one metaData or protocol by itself, such as those of a table to be created.
Result<void> CheckMetadataShape(const Metadata& metadata);
Result<void> CheckProtocolShape(const Protocol& protocol);

}  // namespace deltalakedb::protocol
