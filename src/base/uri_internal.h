// The pieces that the URI's files share: text, references, checks, options.
//
// Pure functions, safe from any thread; not for use outside of src/base/uri*.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "deltalakedb/uri.h"

namespace deltalakedb::base {

// What ToString() prints in place of a secret, and what Parse refuses as user or password.
inline constexpr std::string_view kMask = "***";

// InvalidArgument about one part. The message quotes no text that a user could have written.
Error UriError(std::string_view part, std::string message);

// ---- text (uri_text.cc)

// Everything but ASCII letters, digits, `-._~` (RFC 3986, Unreserved Characters) and what is in
// `kept` as %XX.
std::string PercentEncode(std::string_view text, std::string_view kept = "");

// `left` cut at its first `separator`; the second is nullopt where there is none.
std::pair<std::string_view, std::optional<std::string_view>> CutAtFirst(std::string_view text,
                                                                        char separator);
std::string AsciiLowerCase(std::string_view text);
// Whether it is short and made of letters, digits and `_+.-`, so that a message may quote it.
bool IsPlainWord(std::string_view text);
// Whether it is UTF-8 in its shortest form without surrogates (RFC 3629, section 3).
bool IsUtf8(std::string_view text);

// The value of a number that is all digits and within the range.
std::optional<std::int64_t> ParseNumber(std::string_view text, std::int64_t min, std::int64_t max);

struct ExpandedText {
  std::string text;
  bool has_reference = false;
};
// Expands the references of one part and decodes the %XX of the text between them; what a reference
// stands for is put in as it is.
Result<ExpandedText> ExpandPart(std::string_view raw, std::string_view part,
                                const Environment& environment);

// Not empty, UTF-8, no control characters, and no longer than that.
Result<void> CheckText(std::string_view text, std::string_view part,
                       std::size_t bytes_max = kUriBytesMax);
// Not empty, no control bytes; any encoding, as file systems have it.
Result<void> CheckPath(std::string_view path, std::string_view part);

// Whether the host is an IPv6 address, with a zone (`fe80::1%eth0`) or without.
bool IsIpv6(std::string_view host);

// Whether a path written without a scheme could be a connection string gone wrong, which is then
// better refused than printed: `postgres/alice:pw@host/…`, `host=db password=…`.
bool LooksLikeCredentials(std::string_view path);
// A relative path that no client takes for anything else: "./" comes before `a:b`.
std::string GuardedPath(const std::string& path);

// ---- options (uri_options.cc)

// Whether each set option is in its range and one that the database knows.
Result<void> CheckOptions(const UriOptions& options, UriKind kind);

// What stands after `?`. The table is none of the options: for SQLite and DuckDB it stands there.
struct ParsedQuery {
  UriOptions options;
  std::optional<std::string> table;
};
Result<ParsedQuery> ParseQuery(std::string_view query, UriKind kind,
                               const Environment& environment);

// "?table=a&pool_size=4", or nothing.
std::string QueryText(const UriOptions& options, const std::optional<std::string>& table);

// Appends ` sslmode='require'` and so on for the options that libpq has.
void AppendLibpqOptions(std::string& text, const UriOptions& options);
// Appends ` key='value'`, quoted as libpq reads it (PostgreSQL documentation, Connection Strings).
void AppendLibpqKeyword(std::string& text, std::string_view key, std::string_view value);

// Whether the name is that of an option of any database, or `table`.
bool IsOptionName(std::string_view name);

}  // namespace deltalakedb::base
