// Which driver opens which kind of database.
#pragma once

#include <memory>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "store/connection.h"

namespace deltalakedb::store {

enum class DatabaseMode {
  kRead,    // the catalog has to be there
  kWrite,   // likewise, and it has to be writable
  kCreate,  // what is missing may be made
};

// Opens a connection to the database of a deltasql:// URI. Errors: those of Connection.
Result<std::unique_ptr<Connection>> OpenConnection(const Uri& uri, DatabaseMode mode);

}  // namespace deltalakedb::store
