// Paths of table files: decoding and the canonical form that says which texts name one file
// (PROTOCOL.md, Reconciliation and Path encoding). Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace deltalakedb::protocol {

// Appends `text` with each %XX replaced by its byte, once; a % without two hex digits stays as it
// is.
void AppendPercentDecoded(std::string_view text, std::string& out);
std::string PercentDecode(std::string_view text);

// The canonical form of an add's or remove's path, appended to `out`: decoded once; absolute paths,
// file:/x, file:///x and file://localhost/x become file:/x; s3a:// and s3n:// become s3://, and
// abfs:// becomes abfss://, since they name the same objects in other words; whatever lies under
// `table_root` becomes relative to it; other URIs are decoded only. `table_root` is in this form
// itself, without a slash at its end, e.g. "file:/data/orders"; empty when unknown.
void AppendCanonicalPath(std::string_view path, std::string_view table_root, std::string& out);

// The canonical form of a table's folder, as `table_root`. The folder is named as file systems name
// it (storage/file_system.h): a local absolute path, or a decoded URI of an object store.
std::string CanonicalRoot(std::string_view folder);

// The same of a location as catalogs keep it: a local absolute path, or an encoded URI.
std::string CanonicalRootOfLocation(std::string_view location);

}  // namespace deltalakedb::protocol
