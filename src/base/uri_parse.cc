// Cuts the text of a URI into parts. The order is what keeps data from being taken for syntax: all
// cuts come first, on the text as written; only then are the pieces expanded and decoded.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "base/try.h"
#include "base/uri_internal.h"
#include "deltalakedb/uri.h"

namespace deltalakedb {

using base::CutAtFirst;
using base::ExpandedText;
using base::ExpandPart;
using base::UriError;

namespace {

constexpr std::string_view kSupported =
    "deltasql://postgres/, deltasql://sqlite/, deltasql://duckdb/, file://, s3://, gs://, "
    "abfss:// and paths without a scheme";

// ---- schemes

// What users of other programs write, and what to write here.
struct Misspelling {
  std::string_view scheme;
  std::string_view advice;
};
constexpr std::string_view kPostgresAdvice =
    "write deltasql://postgres/[user[:password]@][host[:port]/]database/schema/table";
constexpr std::array<Misspelling, 12> kMisspellings = {{
    {"postgres", kPostgresAdvice},
    {"postgresql", kPostgresAdvice},
    {"jdbc", kPostgresAdvice},
    {"sqlite", "write deltasql://sqlite/PATH?table=NAME"},
    {"sqlite3", "write deltasql://sqlite/PATH?table=NAME"},
    {"duckdb", "write deltasql://duckdb/PATH?table=NAME"},
    {"s3a", "write s3://"},
    {"s3n", "write s3://"},
    {"gcs", "write gs://"},
    {"abfs", "write abfss://"},
    {"az", "write abfss://container@account.dfs.core.windows.net/path"},
    {"wasbs", "write abfss://container@account.dfs.core.windows.net/path"},
}};

// The word, if it is one that may be quoted, as ` word`.
std::string Quoted(std::string_view word) {
  return base::IsPlainWord(word) ? fmt::format(" {}", word) : "";
}

Error UnknownScheme(std::string_view scheme) {
  const std::string lower = base::AsciiLowerCase(scheme);
  const auto known = std::ranges::find(kMisspellings, lower, &Misspelling::scheme);
  const std::string advice = known == kMisspellings.end() ? "" : fmt::format("; {}", known->advice);
  return UriError("scheme",
                  fmt::format("the URI has an unknown scheme{}{}; supported are {}, and a path "
                              "with a ':' in its first name begins with ./",
                              Quoted(scheme), advice, kSupported));
}

Error UnknownDatabase(std::string_view name) {
  const bool has_host = name.find_first_of("@:") != std::string_view::npos;
  return UriError("scheme",
                  fmt::format("the URI names no known database{} after deltasql://; write "
                              "deltasql://postgres/ (or postgresql), deltasql://sqlite/ or "
                              "deltasql://duckdb/{}",
                              Quoted(name), has_host ? " before the user and the host" : ""));
}

Error NoOptions(std::string_view scheme) {
  return UriError("options", fmt::format("a {}:// URI takes no options; write %3F for a '?' in its "
                                         "path",
                                         scheme));
}

// ---- PostgreSQL

// The pieces of the text after `postgres/`, not yet expanded.
struct PostgresPieces {
  std::optional<std::string_view> user;
  std::optional<std::string_view> password;
  std::optional<std::string_view> hosts;
  std::string_view database;
  std::string_view schema;
  std::optional<std::string_view> table;
  std::optional<std::string_view> query;
};

constexpr std::string_view kShapes =
    "write database/schema/table, or database/schema/ for the catalog, with host:port/ in front "
    "where there is a host";

Error WrongShape(std::string_view part, std::string_view fault) {
  return UriError(part, fmt::format("the PostgreSQL URI {}; {}", fault, kShapes));
}

// An '@' that is no end of a userinfo is refused: it may be that of a password with a raw '/' or
// '?', whose second half would otherwise pass for a database or an option and be printed.
Error StrayAt(std::string_view part) {
  return UriError(part,
                  fmt::format("the {} part of the PostgreSQL URI has an '@'; write it %40, and "
                              "write '/' as %2F and '?' as %3F in a user or password",
                              part));
}

// Gives the segments their meaning: three are database/schema/table, two and a slash a catalog, and
// a host is one more in front.
Result<void> PlaceSegments(std::string_view path, PostgresPieces& pieces) {
  std::vector<std::string_view> segments;
  for (std::optional<std::string_view> rest = path; rest;) {
    const auto [segment, after] = CutAtFirst(*rest, '/');
    segments.push_back(segment);
    rest = after;
  }
  const bool slash_last = segments.size() > 1 && segments.back().empty();
  const std::size_t named = segments.size() - (slash_last ? 1 : 0);
  if (path.empty()) return Fail(WrongShape("database", "has no database"));
  if (named == 1) return Fail(WrongShape("schema", "has no schema"));
  if (named == 2 && !slash_last) return Fail(WrongShape("table", "has no table"));
  if (named > 4) return Fail(WrongShape("path", "has too many segments"));
  if (named == 4 && slash_last) {
    return Fail(WrongShape("table",
                           "has a '/' after the table, as if a part were missing or one "
                           "too many"));
  }
  const bool has_host = slash_last ? named == 3 : named == 4;
  std::size_t next = 0;
  if (has_host) pieces.hosts = segments[next++];
  pieces.database = segments[next++];
  pieces.schema = segments[next++];
  if (!slash_last) pieces.table = segments[next];
  return {};
}

Result<PostgresPieces> CutPostgres(std::string_view text) {
  PostgresPieces pieces;
  std::string_view path;
  std::tie(path, pieces.query) = CutAtFirst(text, '?');
  if (pieces.query && pieces.query->contains('@')) return Fail(StrayAt("options"));

  // The last '@' before the first '/', so that a password may have a raw '@': taking the first one
  // would make the rest of the password a host name, which clients print.
  const std::size_t at = path.substr(0, path.find('/')).rfind('@');
  if (at != std::string_view::npos) {
    std::tie(pieces.user, pieces.password) = CutAtFirst(path.substr(0, at), ':');
    path.remove_prefix(at + 1);
  }
  if (path.contains('@')) return Fail(StrayAt("path"));
  DELTALAKEDB_TRY(PlaceSegments(path, pieces));
  if (!pieces.hosts && pieces.database.find_first_of(":,[]") != std::string_view::npos) {
    return Fail(UriError("database",
                         fmt::format("the first of the PostgreSQL URI's parts has one of :,[] as "
                                     "a host would, but with so many parts it is the database, "
                                     "where they are written %3A %2C %5B %5D; {}",
                                     kShapes)));
  }
  if (pieces.hosts && pieces.hosts->empty()) {
    return Fail(UriError("host", fmt::format("the PostgreSQL URI has an empty host; leave out the "
                                             "'/' after it to connect where libpq does by "
                                             "default; {}",
                                             kShapes)));
  }
  return pieces;
}

Result<std::uint16_t> ParsePort(std::string_view raw, const Environment& environment) {
  DELTALAKEDB_ASSIGN(const ExpandedText text, ExpandPart(raw, "port", environment));
  constexpr std::int64_t kPortMax = 65'535;
  const auto port = base::ParseNumber(text.text, 1, kPortMax);
  if (!port) {
    return Fail(UriError("port",
                         "a port in the URI is no number from 1 to 65535; write host:port/, or "
                         "user:password@host/ if it was to be a password"));
  }
  return static_cast<std::uint16_t>(*port);
}

// `name`, `name:port`, `[address]` or `[address]:port`.
Result<PostgresHost> ParseHost(std::string_view raw, const Environment& environment) {
  std::string_view raw_name = raw;
  std::optional<std::string_view> raw_port;
  const bool bracketed = raw.starts_with('[');
  if (bracketed) {
    const std::size_t end = raw.find(']');
    const std::string_view after = end == std::string_view::npos ? "" : raw.substr(end + 1);
    if (end == std::string_view::npos || (!after.empty() && !after.starts_with(':'))) {
      return Fail(UriError("host",
                           "an IPv6 address in the URI is not written [address] or "
                           "[address]:port"));
    }
    raw_name = raw.substr(1, end - 1);
    if (!after.empty()) raw_port = after.substr(1);
  } else {
    std::tie(raw_name, raw_port) = CutAtFirst(raw, ':');
    if (raw_port && raw_port->contains(':')) {
      return Fail(UriError("host",
                           "a host in the URI has more than one ':'; write an IPv6 address "
                           "as [address]:port, and a password as user:password@host"));
    }
  }
  PostgresHost host;
  DELTALAKEDB_ASSIGN(ExpandedText name, ExpandPart(raw_name, "host", environment));
  if (bracketed && !base::IsIpv6(name.text)) {
    return Fail(UriError("host", "what stands in [] in the URI is no IPv6 address"));
  }
  host.name = std::move(name.text);
  if (raw_port) {
    DELTALAKEDB_ASSIGN(host.port, ParsePort(*raw_port, environment));
  }
  return host;
}

Error MaskedText(std::string_view part) {
  return UriError(part, fmt::format("the {} part of the URI is ***, as programs print what they "
                                    "hide; give the {} itself, and write %2A%2A%2A if it really "
                                    "is ***",
                                    part, part));
}

// ---- files and object stores

Result<Uri> ParsePath(std::string_view path) {
  if (base::LooksLikeCredentials(path)) {
    return Fail(UriError("scheme", fmt::format("the text looks like a connection string without "
                                               "deltasql://; {}, or ./ in front if it is a path",
                                               kPostgresAdvice)));
  }
  return Uri::FromFile({.path = std::string(path)});
}

// `rest` is what follows `file:`; `file:/path` is as good as `file:///path` (RFC 8089, Appendix B).
Result<Uri> ParseFile(std::string_view rest, const Environment& environment) {
  std::string_view host;
  std::string_view path = rest;
  if (rest.starts_with("//")) {
    host = rest.substr(2, rest.find('/', 2) - 2);
    path = rest.substr(2 + host.size());
  }
  if (rest.contains('?')) return Fail(NoOptions("file"));
  DELTALAKEDB_ASSIGN(const ExpandedText host_text, ExpandPart(host, "host", environment));
  if (!host_text.text.empty() && base::AsciiLowerCase(host_text.text) != "localhost") {
    return Fail(UriError("host",
                         "the file URI names another host; write file:///PATH with three "
                         "slashes, or the path alone"));
  }
  if (!path.starts_with('/')) {
    return Fail(UriError("path",
                         "the file URI has no absolute path; write file:///PATH, or a "
                         "relative path alone"));
  }
  DELTALAKEDB_ASSIGN(ExpandedText path_text, ExpandPart(path, "path", environment));
  return Uri::FromFile({.path = std::move(path_text.text)});
}

// The text after `s3://` and the like.
struct BucketPieces {
  std::string_view authority;
  std::string_view key;
};

Result<BucketPieces> CutBucket(std::string_view text, std::string_view scheme) {
  const auto [authority, key] = CutAtFirst(text, '/');
  if (text.contains('?')) return Fail(NoOptions(scheme));
  return BucketPieces{authority, key.value_or("")};
}

Result<ObjectStoreParts> ExpandBucket(const BucketPieces& pieces, const Environment& environment) {
  ObjectStoreParts parts;
  DELTALAKEDB_ASSIGN(ExpandedText bucket, ExpandPart(pieces.authority, "bucket", environment));
  DELTALAKEDB_ASSIGN(ExpandedText key, ExpandPart(pieces.key, "path", environment));
  parts.bucket = std::move(bucket.text);
  parts.key = std::move(key.text);
  return parts;
}

Result<Uri> ParseAbfss(std::string_view text, const Environment& environment) {
  DELTALAKEDB_ASSIGN(BucketPieces pieces, CutBucket(text, "abfss"));
  const auto [container, account] = CutAtFirst(pieces.authority, '@');
  if (!account) {
    return Fail(UriError("account",
                         "the abfss URI has no account; write "
                         "abfss://container@account.dfs.core.windows.net/path"));
  }
  pieces.authority = container;
  DELTALAKEDB_ASSIGN(ObjectStoreParts parts, ExpandBucket(pieces, environment));
  DELTALAKEDB_ASSIGN(ExpandedText host, ExpandPart(*account, "account", environment));
  parts.account_host = std::move(host.text);
  return Uri::FromAbfss(std::move(parts));
}

// ---- SQLite and DuckDB

Result<Uri> ParseEmbedded(UriKind kind, std::string_view text, const Environment& environment) {
  const auto [path, query] = CutAtFirst(text, '?');
  EmbeddedParts parts;
  DELTALAKEDB_ASSIGN(ExpandedText expanded, ExpandPart(path, "path", environment));
  DELTALAKEDB_ASSIGN(base::ParsedQuery parsed,
                     base::ParseQuery(query.value_or(""), kind, environment));
  parts.path = std::move(expanded.text);
  parts.table = std::move(parsed.table);
  parts.options = std::move(parsed.options);
  return kind == UriKind::kSqlite ? Uri::FromSqlite(std::move(parts))
                                  : Uri::FromDuckDb(std::move(parts));
}

}  // namespace

Result<Uri> Uri::ParsePostgres(std::string_view rest, const Environment& environment) {
  DELTALAKEDB_ASSIGN(const PostgresPieces pieces, CutPostgres(rest));
  if (pieces.user == base::kMask) return Fail(MaskedText("user"));
  if (pieces.password == base::kMask) return Fail(MaskedText("password"));

  PostgresParts parts;
  bool hides_user = false;
  const auto expand = [&environment](std::string_view raw, std::string_view part) {
    return ExpandPart(raw, part, environment);
  };
  if (pieces.user) {
    DELTALAKEDB_ASSIGN(ExpandedText user, expand(*pieces.user, "user"));
    hides_user = user.has_reference;
    parts.user = std::move(user.text);
  }
  if (pieces.password) {
    DELTALAKEDB_ASSIGN(ExpandedText password, expand(*pieces.password, "password"));
    parts.password = Secret(std::move(password.text));
  }
  for (std::optional<std::string_view> hosts = pieces.hosts; hosts;) {
    const auto [host_text, after] = CutAtFirst(*hosts, ',');
    DELTALAKEDB_ASSIGN(PostgresHost host, ParseHost(host_text, environment));
    parts.hosts.push_back(std::move(host));
    hosts = after;
  }
  DELTALAKEDB_ASSIGN(ExpandedText database, expand(pieces.database, "database"));
  parts.database = std::move(database.text);
  DELTALAKEDB_ASSIGN(ExpandedText schema, expand(pieces.schema, "schema"));
  parts.schema = std::move(schema.text);
  if (pieces.table) {
    DELTALAKEDB_ASSIGN(ExpandedText table, expand(*pieces.table, "table"));
    parts.table = std::move(table.text);
  }
  DELTALAKEDB_ASSIGN(base::ParsedQuery parsed,
                     base::ParseQuery(pieces.query.value_or(""), UriKind::kPostgres, environment));
  parts.options = std::move(parsed.options);
  DELTALAKEDB_ASSIGN(Uri uri, FromPostgres(std::move(parts)));
  uri.hides_user_ = hides_user;
  return uri;
}

Result<Uri> Uri::ParseDatabase(std::string_view text, const Environment& environment) {
  const std::size_t end = text.find_first_of("/?");
  const std::string_view name = text.substr(0, end);
  const std::string lower = base::AsciiLowerCase(name);
  const bool is_postgres = lower == "postgres" || lower == "postgresql";
  if (!is_postgres && lower != "sqlite" && lower != "duckdb") return Fail(UnknownDatabase(name));
  std::string_view rest = text.substr(name.size());
  if (rest.starts_with('/')) {
    rest.remove_prefix(1);
  } else if (!is_postgres) {
    return Fail(
        UriError("path", fmt::format("the URI has no path; write deltasql://{}/PATH", lower)));
  }
  if (is_postgres) return ParsePostgres(rest, environment);
  return ParseEmbedded(lower == "sqlite" ? UriKind::kSqlite : UriKind::kDuckDb, rest, environment);
}

Result<Uri> Uri::Parse(std::string_view text, const Environment& environment) {
  if (text.empty()) {
    return Fail(UriError("scheme", fmt::format("the URI is empty; supported are {}", kSupported)));
  }
  if (text.size() > kUriBytesMax) {
    return Fail(UriError("path", fmt::format("the URI has {} bytes, and {} are the most; shorten "
                                             "it",
                                             text.size(), kUriBytesMax)));
  }
  // A ':' before the first '/' ends a scheme (RFC 3986, Relative Reference).
  const auto [scheme, rest] = CutAtFirst(text, ':');
  if (!rest || scheme.contains('/')) return ParsePath(text);
  const std::string lower = base::AsciiLowerCase(scheme);
  if (lower == "file") return ParseFile(*rest, environment);
  if (lower != "deltasql" && lower != "s3" && lower != "gs" && lower != "abfss") {
    return Fail(UnknownScheme(scheme));
  }
  if (!rest->starts_with("//")) {
    return Fail(
        UriError("scheme", fmt::format("the URI has no // after its scheme; write {}://", lower)));
  }
  const std::string_view after = rest->substr(2);
  if (lower == "deltasql") return ParseDatabase(after, environment);
  if (lower == "abfss") return ParseAbfss(after, environment);
  DELTALAKEDB_ASSIGN(const BucketPieces pieces, CutBucket(after, lower));
  if (pieces.authority.contains('@')) {
    return Fail(UriError("bucket",
                         "the URI has an '@' before its path; credentials do not belong "
                         "into it, they come from the environment"));
  }
  DELTALAKEDB_ASSIGN(ObjectStoreParts parts, ExpandBucket(pieces, environment));
  return lower == "s3" ? FromS3(std::move(parts)) : FromGcs(std::move(parts));
}

}  // namespace deltalakedb
