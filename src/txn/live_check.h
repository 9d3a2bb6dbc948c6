// Whether the files that a commit names are as it takes them to be (PROTOCOL.md, One-commit
// validity).
#pragma once

#include <string>

#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "protocol/staged_actions.h"
#include "protocol/table_rules.h"

namespace deltalakedb::txn {

// A file that is removed has to be live at the snapshot, with the deletion vector that is named;
// one that is added must not be live with another vector, unless that one is removed. Either is
// spelled as the log spells it: other engines compare the text. Reads all
// files of the snapshot once. `table_root` as protocol/paths.h takes it. Errors: InvalidArgument
// (facts action, path, and line where there is one), those of the snapshot.
Result<void> CheckLiveFiles(const protocol::StagedActions& staged, const Snapshot& snapshot,
                            const std::string& table_root);

// That a commit whose metaData does not fit live files (protocol::FindMisfit) removes all of them.
// Errors: InvalidArgument (facts action, field, path), those of reading the snapshot.
Result<void> CheckNoneStays(const protocol::StagedActions& staged, const Snapshot& snapshot,
                            const std::string& table_root, const protocol::Misfit& misfit);

}  // namespace deltalakedb::txn
