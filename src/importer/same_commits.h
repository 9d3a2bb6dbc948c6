// Whether a table in a catalog and a file-based log have the same commits.
#pragma once

#include <optional>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "log/log_folder.h"
#include "store/metadata_store.h"
#include "store/rows.h"

namespace deltalakedb::importer {

// The lowest of `versions` whose text is not the same in both, by the hash that the catalog keeps.
// Versions of which either has no text are passed over.
// Errors: those of the database and of reading the log; Unavailable when the log changed meanwhile.
Result<std::optional<Version>> FindOtherCommit(store::MetadataStore& store,
                                               const store::TableRow& table,
                                               const log::LogFolder& folder,
                                               const VersionRange& versions);

}  // namespace deltalakedb::importer
