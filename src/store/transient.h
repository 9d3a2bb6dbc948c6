// Which failures of a database pass by themselves: by SQLSTATE, SQLite's extended result code or
// DuckDB's kind of error, never by a message.
#pragma once

#include "deltalakedb/error.h"

namespace deltalakedb::store {

// The same read, made again, may succeed. True for a connection that was lost or refused, a server
// that starts or stops, too many connections, a serialization failure or deadlock, and for SQLite's
// recovery of a database after a crash. False where a limit of time has been waited for already.
bool IsTransient(const Error& error);

// There is no server at that place, as far as one can tell from here.
bool IsNobodyThere(const Error& error);

}  // namespace deltalakedb::store
