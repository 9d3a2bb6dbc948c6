// The numbered steps by which the schema of a catalog comes to be: sql/DIALECT/migrations.
//
// Each step is applied in a transaction that also records it, under the right to write, so that two
// processes that migrate at once do it once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/result.h"
#include "store/connection.h"

namespace deltalakedb::store {

struct Migration {
  std::int64_t version = 0;
  std::string name;
  std::optional<std::int64_t> applied_at;  // µs since 1970; none while it is to be applied
};

// Every migration that the database has or this program knows, oldest first.
// Errors: those of Connection.
Result<std::vector<Migration>> LoadMigrations(Connection& connection);

// Whether this program can work with what is there. Errors: NotFound (no catalog: `init` makes
// one), Unsupported (a newer schema, or an older one that `migrate up` brings forward), Corrupt (a
// migration that was applied is not the one that this program knows by its number).
Result<void> CheckSchema(Connection& connection);

// Whether there is a catalog, which this program then can work with. Errors: those of CheckSchema
// but that.
Result<bool> HasCatalog(Connection& connection);

// Applies what is missing; answers how many steps. Within the caller's write transaction.
// Errors: Unsupported, Corrupt as CheckSchema; those of Connection.
Result<int> ApplyMigrations(Connection& connection);

// The same in a transaction of its own, and only if something is missing.
Result<int> MigrateUp(Connection& connection);

// Takes the newest step back; answers which. `may_discard` allows it to drop tables that hold
// something. Errors: InvalidArgument (there are tables, and it is not allowed), NotFound (nothing
// to take back), Unsupported, Corrupt.
Result<Migration> MigrateDown(Connection& connection, bool may_discard);

}  // namespace deltalakedb::store
