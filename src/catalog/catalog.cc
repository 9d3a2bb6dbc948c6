#include "deltalakedb/catalog.h"

#include <fmt/format.h>

#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "store/catalog_file.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "store/migrations.h"

namespace deltalakedb {

namespace {

using store::Database;
using store::DatabaseMode;

constexpr std::int64_t kMicrosecondsPerMs = 1000;

Result<Uri> ParseCatalog(std::string_view text) {
  DELTALAKEDB_ASSIGN(Uri uri, Uri::Parse(text));
  if (uri.is_database() && !uri.is_catalog()) return uri.WithoutTable();
  DELTALAKEDB_TRY(uri.RequireCatalog());
  return uri;
}

// Runs work(connection) on a connection to an existing database; errors name the database.
template <typename Work>
std::invoke_result_t<Work, store::Connection&> WithConnection(std::string_view catalog_uri,
                                                              DatabaseMode mode, Work work) {
  DELTALAKEDB_ASSIGN(const Uri uri, ParseCatalog(catalog_uri));
  DELTALAKEDB_ASSIGN(const auto database, Database::Open(uri, mode));
  auto result = [&] {
    if (mode == DatabaseMode::kRead) return database->Read(work);
    auto connection = database->Acquire();
    using Answer = std::invoke_result_t<Work, store::Connection&>;
    return connection ? work(**connection) : Answer(Fail(std::move(connection).error()));
  }();
  if (!result) return Fail(store::InDatabase(std::move(result).error(), uri.ToString()));
  return result;
}

TableInfo ToInfo(store::TableRow row) {
  return {std::move(row.name),     row.table_id,  row.current_version, row.earliest_version,
          std::move(row.location), row.num_files, std::move(row.mode)};
}

MigrationInfo ToInfo(store::Migration migration) {
  MigrationInfo info{migration.version, std::move(migration.name), std::nullopt};
  if (migration.applied_at) info.applied_at = Timestamp(*migration.applied_at / kMicrosecondsPerMs);
  return info;
}

}  // namespace

Result<std::vector<TableInfo>> ListTables(std::string_view catalog_uri) {
  return WithConnection(catalog_uri, DatabaseMode::kRead,
                        [](store::Connection& connection) -> Result<std::vector<TableInfo>> {
                          DELTALAKEDB_TRY(store::CheckSchema(connection));
                          DELTALAKEDB_ASSIGN(auto rows,
                                             store::MetadataStore(connection).ListTables());
                          std::vector<TableInfo> tables;
                          for (store::TableRow& row : rows)
                            tables.push_back(ToInfo(std::move(row)));
                          return tables;
                        });
}

namespace {

Result<TableInfo> TakeOut(store::Connection& connection, const Uri& uri) {
  const std::string& name = *uri.table();
  store::MetadataStore store(connection);
  DELTALAKEDB_TRY(store::CheckSchema(connection));
  DELTALAKEDB_TRY(store.LockName("table " + name));
  DELTALAKEDB_ASSIGN(auto table, store.FindTable(name));
  if (!table) {
    return Fail(Error(ErrorCode::kNotFound,
                      fmt::format("the catalog has no table {}; `deltalakedb tables` lists those "
                                  "it has",
                                  name))
                    .With("table", name));
  }
  DELTALAKEDB_TRY(store.DeleteTable(table->table_id));
  DELTALAKEDB_TRY(connection.Commit());
  return ToInfo(*std::move(table));
}

}  // namespace

Result<TableInfo> DropTable(std::string_view table_uri) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(table_uri));
  if (!uri.is_database()) {
    return Fail(ErrorCode::kInvalidArgument,
                uri.ToString() +
                    ": only a table in a catalog can be dropped; one in a folder is "
                    "its files, which you delete yourself");
  }
  DELTALAKEDB_TRY(uri.RequireTable());
  return WithConnection(table_uri, DatabaseMode::kWrite,
                        [&](store::Connection& connection) -> Result<TableInfo> {
                          DELTALAKEDB_TRY(connection.Begin(store::TransactionMode::kWrite));
                          auto dropped = TakeOut(connection, uri);
                          connection.Rollback();
                          return dropped;
                        });
}

Result<int> InitCatalog(std::string_view catalog_uri) {
  DELTALAKEDB_ASSIGN(const Uri uri, ParseCatalog(catalog_uri));
  DELTALAKEDB_ASSIGN(auto created, store::CreatedDatabase::Open(uri));
  DELTALAKEDB_ASSIGN(const auto connection, created.database()->Acquire());
  auto steps = store::MigrateUp(*connection);
  if (!steps) return Fail(store::InDatabase(std::move(steps).error(), uri.ToString()));
  if (*steps > 0) created.Keep(*connection);
  return steps;
}

Result<std::vector<MigrationInfo>> ListMigrations(std::string_view catalog_uri) {
  return WithConnection(catalog_uri, DatabaseMode::kRead,
                        [](store::Connection& connection) -> Result<std::vector<MigrationInfo>> {
                          DELTALAKEDB_ASSIGN(auto migrations, store::LoadMigrations(connection));
                          std::vector<MigrationInfo> infos;
                          for (store::Migration& migration : migrations) {
                            infos.push_back(ToInfo(std::move(migration)));
                          }
                          return infos;
                        });
}

Result<int> MigrateCatalogUp(std::string_view catalog_uri) {
  return WithConnection(catalog_uri, DatabaseMode::kWrite,
                        [](store::Connection& connection) { return store::MigrateUp(connection); });
}

Result<MigrationInfo> MigrateCatalogDown(std::string_view catalog_uri, bool may_discard) {
  return WithConnection(catalog_uri, DatabaseMode::kWrite,
                        [&](store::Connection& connection) -> Result<MigrationInfo> {
                          DELTALAKEDB_ASSIGN(auto migration,
                                             store::MigrateDown(connection, may_discard));
                          return ToInfo(std::move(migration));
                        });
}

}  // namespace deltalakedb
