// Actions whose files are named so that the log can stand anywhere (CLI.md, export
// --absolute-paths). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "protocol/arena.h"

namespace deltalakedb::protocol {

// The URI of a table's folder: of a location as catalogs keep it, a local absolute path or an
// encoded URI. "file:///data/a%20b", "s3://bucket/orders".
std::string UriOfLocation(std::string_view location);

// Whether a path is relative to the table: neither a URI nor beginning with a slash.
bool IsRelativePath(std::string_view path);

// A record of a commit in which the relative path of an add, remove or cdc is that path below
// `table_uri`, and a deletion vector of type `u` one of type `p`; all else is as it was, byte for
// byte. What is no such action comes back as it is.
// Errors: Corrupt (no JSON object, a path that is no text, a vector that names no file).
Result<std::string> WithAbsolutePaths(std::string_view record, std::string_view table_uri);

// The same of a file's actions as values; new texts go into `arena`.
// Errors: Corrupt (a vector that names no file).
Result<void> MakeAbsolute(AddFile& add, std::string_view table_uri, Arena& arena);
Result<void> MakeAbsolute(RemoveFile& remove, std::string_view table_uri, Arena& arena);

}  // namespace deltalakedb::protocol
