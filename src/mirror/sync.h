// Taking in what other engines wrote at a table's location.
#pragma once

#include <string_view>

#include "deltalakedb/import.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "store/rows.h"

namespace deltalakedb::mirror {

// Copies the commits of the folder that the catalog lacks, in order; whoever does the same at once
// waits or finds nothing left. `uri` is the table's, as the user gave it.
// Errors: Conflict (both sides have a version: facts version, table), those of ImportTable.
Result<ImportReport> TakeIn(std::string_view uri, const store::TableRow& table,
                            Verification verification, LogSink& sink);

// Whether the folder has the version after the one that the catalog has, for which one file is
// looked for. Errors: those of the file system.
Result<bool> HasMore(const store::TableRow& table);

}  // namespace deltalakedb::mirror
