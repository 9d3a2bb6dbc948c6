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
// file:/x, file:///x and file://localhost/x become file:/x; whatever lies under `table_root`
// becomes relative to it; other URIs are decoded only. `table_root` is in this form itself, without
// a slash at its end, e.g. "file:/data/orders"; empty when unknown.
void AppendCanonicalPath(std::string_view path, std::string_view table_root, std::string& out);

// The canonical form of a local absolute folder, as `table_root`.
std::string CanonicalLocalRoot(std::string_view absolute_path);

}  // namespace deltalakedb::protocol
