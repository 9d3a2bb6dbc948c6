#include "mirror/open_table.h"

#include <fmt/format.h>

#include "base/try.h"
#include "store/metadata_store.h"
#include "store/migrations.h"

namespace deltalakedb::mirror {

Result<OpenCatalog> OpenCatalogOf(std::string_view text, store::DatabaseMode mode) {
  DELTALAKEDB_ASSIGN(Uri uri, Uri::Parse(text));
  if (!uri.is_database()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: only a table in a catalog has mirrors, as "
                            "deltasql://sqlite/meta.db?table=orders",
                            uri.ToString()));
  }
  DELTALAKEDB_ASSIGN(auto database, store::Database::Open(uri, mode));
  OpenCatalog catalog{std::move(uri), std::move(database)};
  auto fits = catalog.database->Read(
      [](store::Connection& connection) { return store::CheckSchema(connection); });
  if (!fits) return catalog.Fail(std::move(fits).error());
  return catalog;
}

Result<OpenTable> OpenTableOf(std::string_view text, store::DatabaseMode mode) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(text));
  if (uri.is_database()) DELTALAKEDB_TRY(uri.RequireTable());
  DELTALAKEDB_ASSIGN(OpenCatalog catalog, OpenCatalogOf(text, mode));
  auto row = catalog.database->Read([&](store::Connection& connection) {
    return store::MetadataStore(connection).FindTable(*uri.table());
  });
  if (!row) return catalog.Fail(std::move(row).error());
  if (!*row) return Fail(store::NoSuchTable(uri));
  return OpenTable{std::move(catalog), **std::move(row)};
}

}  // namespace deltalakedb::mirror
