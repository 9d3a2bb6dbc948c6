// What the user gave, as messages may show it. People mix arguments up, so that any of them may be
// a URI with a password.
//
// Pure functions, safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace deltalakedb::cli {

// The text, or where it could hold a password what RedactUriText leaves of it. Absolute paths, and
// those that begin with a dot, are shown as they are. For every text of the user that a message or
// a fact of this program quotes.
std::string Shown(std::string_view text);

// Whether the text was meant to be the URI of a database: ours, or one that libpq takes.
bool IsDatabaseUri(std::string_view text);

}  // namespace deltalakedb::cli
