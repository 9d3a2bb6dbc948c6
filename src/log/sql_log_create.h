// A new table in a catalog, made by its first version.
//
// Thread-safety: as the connection. What failure leaves behind goes with the caller's transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "store/metadata_store.h"

namespace deltalakedb::log {

struct FirstVersion {
  TableId table_id;
  std::string name;
  std::string location;   // as a catalog keeps it (storage/table_folder.h)
  std::string_view body;  // the text of version 0, without files
  Timestamp timestamp;    // its time
  bool is_in_commit = false;
  std::string_view commit_id;
  std::int64_t now_us = 0;  // the database's clock
};

// Puts the table's row and its version 0, within the caller's write transaction; name and id have
// to be free. Errors: those of the connection, and of the text.
Result<void> InsertNewTable(store::MetadataStore& store, const FirstVersion& first);

}  // namespace deltalakedb::log
