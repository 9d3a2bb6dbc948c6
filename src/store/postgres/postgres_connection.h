// The PostgreSQL driver.
//
// A question is one round trip: BEGIN and what prepares a statement go out with its first use. Rows
// come in and go out in binary form, many of them by COPY.
//
// Every session and transaction sets search_path to the catalog's SQL schema, so statements name
// its tables alone. With the URI's option prepare=off nothing is left behind in a session, neither
// prepared statements nor settings, as poolers in transaction mode need it.
#pragma once

#include <chrono>
#include <memory>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "store/connection.h"

namespace deltalakedb::store {

// How long a statement waits for a lock that somebody else holds.
inline constexpr std::chrono::milliseconds kPostgresLockWaitMax{10'000};
// So many rows and more go into a table by COPY.
inline constexpr std::size_t kCopyRowsMin = 16;

// Errors: those of PostgresSession::Open.
Result<std::unique_ptr<Connection>> OpenPostgres(const Uri& uri);

}  // namespace deltalakedb::store
