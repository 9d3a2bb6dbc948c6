#include "store/migrations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "protocol/hash128.h"
#include "store/metadata_store.h"

namespace deltalakedb::store {

namespace {

// Who changes the schema holds this name meanwhile. It has no table's form.
constexpr std::string_view kSchemaLock = "schema";

struct Applied {
  std::int64_t version = 0;
  std::string name;
  std::string checksum;
  std::int64_t applied_at = 0;
};

std::string ChecksumOf(const MigrationScript& script) {
  protocol::Hash128Builder builder;
  builder.Update(script.up);
  builder.Update(script.down);
  return std::string(builder.Finish().view());
}

Result<std::vector<Applied>> LoadApplied(Connection& connection) {
  std::vector<Applied> applied;
  {
    DELTALAKEDB_ASSIGN(const auto found, connection.Query(StatementId::kFindMigrationsTable, {}));
    DELTALAKEDB_ASSIGN(const bool is_there, found->Next());
    if (!is_there) return applied;
    if (found->Int(1) == 0) {
      return Fail(ErrorCode::kPermission,
                  "the user may not look into the catalog's SQL schema: it needs the privilege "
                  "USAGE on it, and SELECT on its tables");
    }
  }
  DELTALAKEDB_ASSIGN(const auto rows, connection.Query(StatementId::kListMigrations, {}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return applied;
    applied.push_back(
        {rows->Int(0), std::string(rows->Text(1)), std::string(rows->Bytes(2)), rows->Int(3)});
  }
}

// What was applied has to be the beginning of what this program knows.
Result<void> CheckKnown(Connection& connection, const std::vector<Applied>& applied) {
  const auto scripts = MigrationScripts(connection.dialect());
  if (applied.size() > scripts.size()) {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("the database has schema version {} and this program knows up to "
                                  "{}; use a newer deltalakedb",
                                  applied.back().version, scripts.size()))
                    .With("schemaVersion", applied.back().version)
                    .With("knownSchemaVersion", static_cast<std::int64_t>(scripts.size())));
  }
  for (std::size_t i = 0; i < applied.size(); ++i) {
    if (applied[i].version == scripts[i].version && applied[i].checksum == ChecksumOf(scripts[i])) {
      continue;
    }
    return Fail(
        Error(ErrorCode::kCorrupt,
              fmt::format("migration {} ({}) of the database is not the one that this "
                          "program knows as {} ({})",
                          applied[i].version, applied[i].name, scripts[i].version, scripts[i].name))
            .With("schemaVersion", applied[i].version));
  }
  return {};
}

}  // namespace

Result<std::vector<Migration>> LoadMigrations(Connection& connection) {
  DELTALAKEDB_ASSIGN(const auto applied, LoadApplied(connection));
  std::vector<Migration> migrations;
  for (const Applied& each : applied) {
    migrations.push_back({each.version, each.name, each.applied_at});
  }
  const auto scripts = MigrationScripts(connection.dialect());
  for (std::size_t i = applied.size(); i < scripts.size(); ++i) {
    migrations.push_back({scripts[i].version, std::string(scripts[i].name), std::nullopt});
  }
  return migrations;
}

Result<void> CheckSchema(Connection& connection) {
  DELTALAKEDB_ASSIGN(const auto applied, LoadApplied(connection));
  if (applied.empty()) {
    return Fail(ErrorCode::kNotFound,
                "the database holds no catalog: `deltalakedb init` makes one");
  }
  DELTALAKEDB_TRY(CheckKnown(connection, applied));
  const auto known = MigrationScripts(connection.dialect()).size();
  if (applied.size() == known) return {};
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("the database has schema version {} and this program needs {}: run "
                                "`deltalakedb migrate up`",
                                applied.back().version, known))
                  .With("schemaVersion", applied.back().version)
                  .With("knownSchemaVersion", static_cast<std::int64_t>(known)));
}

Result<bool> HasCatalog(Connection& connection) {
  DELTALAKEDB_ASSIGN(const auto migrations, LoadMigrations(connection));
  if (migrations.empty() || !migrations.front().applied_at) return false;
  DELTALAKEDB_TRY(CheckSchema(connection));
  return true;
}

Result<int> ApplyMigrations(Connection& connection) {
  DELTALAKEDB_TRY(MetadataStore(connection).LockName(kSchemaLock));
  DELTALAKEDB_ASSIGN(const auto applied, LoadApplied(connection));
  DELTALAKEDB_TRY(CheckKnown(connection, applied));
  if (applied.empty()) {
    DELTALAKEDB_ASSIGN(const auto found, connection.Query(StatementId::kFindMigrationsTable, {}));
    DELTALAKEDB_ASSIGN(const bool is_there, found->Next());
    if (!is_there) {
      DELTALAKEDB_TRY(connection.MakeSchema());
      DELTALAKEDB_TRY(connection.Execute(StatementId::kCreateMigrationsTable, {}));
    }
  }
  int steps = 0;
  for (const MigrationScript& script :
       MigrationScripts(connection.dialect()).subspan(applied.size())) {
    DELTALAKEDB_TRY(connection.RunScript(script.name, script.up));
    const std::string checksum = ChecksumOf(script);
    DELTALAKEDB_ASSIGN(const std::int64_t now, MetadataStore(connection).LoadClock());
    DELTALAKEDB_TRY(connection.Execute(StatementId::kInsertMigration,
                                       {script.version, script.name, Blob{checksum}, now}));
    ++steps;
  }
  return steps;
}

Result<int> MigrateUp(Connection& connection) {
  DELTALAKEDB_TRY(connection.Begin(TransactionMode::kWrite));
  auto steps = ApplyMigrations(connection);
  if (!steps || *steps == 0) {
    connection.Rollback();
    return steps;
  }
  DELTALAKEDB_TRY(connection.Commit());
  return steps;
}

namespace {

Result<Migration> TakeBackNewest(Connection& connection, bool may_discard) {
  DELTALAKEDB_TRY(MetadataStore(connection).LockName(kSchemaLock));
  DELTALAKEDB_ASSIGN(const auto applied, LoadApplied(connection));
  if (applied.empty()) {
    return Fail(ErrorCode::kNotFound,
                "the database holds no catalog: there is nothing to take back");
  }
  DELTALAKEDB_TRY(CheckKnown(connection, applied));
  const MigrationScript& script = MigrationScripts(connection.dialect())[applied.size() - 1];
  if (!may_discard) {
    DELTALAKEDB_ASSIGN(const auto tables, connection.Query(StatementId::kFindAnyTable, {}));
    DELTALAKEDB_ASSIGN(const bool has_table, tables->Next());
    if (has_table) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("the catalog holds tables, which taking back migration {} ({}) would "
                              "drop: give --yes if that is meant",
                              script.version, script.name));
    }
  }
  DELTALAKEDB_TRY(connection.RunScript(script.name, script.down));
  DELTALAKEDB_TRY(connection.Execute(StatementId::kDeleteMigration, {script.version}));
  return Migration{script.version, std::string(script.name), applied.back().applied_at};
}

}  // namespace

Result<Migration> MigrateDown(Connection& connection, bool may_discard) {
  DELTALAKEDB_TRY(connection.Begin(TransactionMode::kWrite));
  auto taken_back = TakeBackNewest(connection, may_discard);
  if (!taken_back) {
    connection.Rollback();
    return taken_back;
  }
  DELTALAKEDB_TRY(connection.Commit());
  return taken_back;
}

}  // namespace deltalakedb::store
