// Vacuum: the files below a table's folder that no version within its retention needs, and no write
// that may still be going on (PROTOCOL.md, Log compaction and cleanup).
//
// What is needed is told by the log, not by the database or folder alone, so that it is the same
// for every kind of log. Of a file that was removed the later of two moments counts, where both are
// known: the one that its remove has, and that of the commit. A remove without a moment, whose
// commit the log no longer has, counts as just made.
#pragma once

#include "deltalakedb/result.h"
#include "deltalakedb/table.h"
#include "log/transaction_log.h"
#include "storage/file_system.h"

namespace deltalakedb::table {

struct VacuumInput {
  const TransactionLog& log;
  const storage::FileSystem& file_system;  // of the table's folder
};

// Removes them, or with `is_dry_run` only finds them. Left alone are: what any commit within the
// retention names, adds, removes and change data alike; what was written within it; other tables
// and mirrors below the folder; links; and names that begin with `_` or `.`, but `_change_data` and
// folders of partition columns.
//
// What a commit of others takes up while files are removed is noticed within kVacuumFilesAtOnce of
// them. A table that nobody knows of and that refers to this one's files (a shallow clone) is not.
// Errors: InvalidArgument (a retention that is negative, or too short; facts retentionMs and
// tableRetentionMs), Unsupported (what this program cannot write, catalog-managed tables), Corrupt
// (a log or deletion vector that cannot be understood), those of the log and file system. All come
// before anything is removed but those of removing itself, whose fact `removed` says how many files
// went.
Result<VacuumReport> VacuumTable(const VacuumInput& input, const VacuumOptions& options);

// Between two looks at the log. Unit: files.
inline constexpr std::size_t kVacuumFilesAtOnce = 1000;

}  // namespace deltalakedb::table
