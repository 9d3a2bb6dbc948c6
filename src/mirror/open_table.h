// The table, or the catalog, whose mirrors a URI asks for.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "store/database.h"
#include "store/rows.h"

namespace deltalakedb::mirror {

struct OpenCatalog {
  Uri uri;
  std::shared_ptr<store::Database> database;
  // An error that names the catalog.
  std::unexpected<Error> Fail(Error error) const {
    return deltalakedb::Fail(store::InDatabase(std::move(error), uri.ToString()));
  }
};

// Errors: InvalidArgument (no catalog), NotFound, Unsupported (another schema), those of the
// database.
Result<OpenCatalog> OpenCatalogOf(std::string_view uri, store::DatabaseMode mode);

struct OpenTable {
  OpenCatalog catalog;
  store::TableRow row;
};

// Errors also: NotFound (no such table).
Result<OpenTable> OpenTableOf(std::string_view uri, store::DatabaseMode mode);

}  // namespace deltalakedb::mirror
