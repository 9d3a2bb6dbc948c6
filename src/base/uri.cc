#include "deltalakedb/uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/try.h"
#include "base/uri_internal.h"

namespace deltalakedb {

using base::AppendLibpqKeyword;
using base::CheckPath;
using base::CheckText;
using base::PercentEncode;
using base::UriError;

namespace {

constexpr std::size_t kBucketBytesMax = 255;

Result<void> CheckTableName(const std::optional<std::string>& table) {
  if (table) DELTALAKEDB_TRY(CheckText(*table, "table", kTableNameBytesMax));
  return {};
}

Result<void> CheckHosts(const std::vector<PostgresHost>& hosts) {
  for (const PostgresHost& host : hosts) {
    DELTALAKEDB_TRY(CheckText(host.name, "host"));
    if (host.name.contains(',')) {
      return Fail(UriError("host",
                           "a host in the URI has a comma, which libpq takes for the end of a "
                           "host; write several hosts as h1:5432,h2:5432, each from its own "
                           "variable"));
    }
    if (host.port == 0) {
      return Fail(UriError("port", "a port in the URI is 0; ports are from 1 to 65535"));
    }
  }
  return {};
}

Result<void> CheckPassword(const PostgresParts& parts) {
  if (!parts.password) return {};
  if (!parts.user) {
    return Fail(UriError("user",
                         "the URI has a password and no user; write user:password@, or leave the "
                         "password to libpq's own password file"));
  }
  const std::string& password = parts.password->reveal();
  if (password.size() > kUriBytesMax) {
    return Fail(UriError("password",
                         fmt::format("the URI's password has more than {} bytes", kUriBytesMax)));
  }
  if (password.contains('\0')) {
    return Fail(UriError("password",
                         "the URI's password has a NUL byte, which PostgreSQL cannot "
                         "take; change the password"));
  }
  return {};
}

std::string HostText(const PostgresHost& host) {
  std::string text = base::IsIpv6(host.name) ? fmt::format("[{}]", PercentEncode(host.name, ":"))
                                             : PercentEncode(host.name);
  if (host.port) text += fmt::format(":{}", *host.port);
  return text;
}

struct Hidden {
  bool user = false;
  bool password = false;
};

std::string PostgresText(const PostgresParts& parts, Hidden hidden) {
  std::string text = "deltasql://postgres/";
  if (parts.user) {
    text += hidden.user ? std::string(base::kMask) : PercentEncode(*parts.user);
    if (parts.password) {
      text += ':';
      text += hidden.password ? std::string(base::kMask) : PercentEncode(parts.password->reveal());
    }
    text += '@';
  }
  for (std::size_t i = 0; i < parts.hosts.size(); ++i) {
    if (i > 0) text += ',';
    text += HostText(parts.hosts[i]);
  }
  if (!parts.hosts.empty()) text += '/';
  text += PercentEncode(parts.database);
  text += '/';
  text += PercentEncode(parts.schema);
  text += '/';
  if (parts.table) text += PercentEncode(*parts.table);
  return text + base::QueryText(parts.options, std::nullopt);
}

std::string FileText(const FileParts& parts) {
  if (!parts.path.starts_with('/')) return parts.path;
  return "file://" + PercentEncode(parts.path, "/:=");
}

std::string ObjectStoreText(UriKind kind, const ObjectStoreParts& parts) {
  const std::string key = PercentEncode(parts.key, "/:=");
  switch (kind) {
    case UriKind::kS3:
      return fmt::format("s3://{}/{}", parts.bucket, key);
    case UriKind::kGcs:
      return fmt::format("gs://{}/{}", parts.bucket, key);
    default:
      return fmt::format("abfss://{}@{}/{}", PercentEncode(parts.bucket), parts.account_host, key);
  }
}

void DropTrailingSlashes(std::string& path, std::size_t bytes_min) {
  while (path.size() > bytes_min && path.ends_with('/')) path.pop_back();
}

bool IsHostNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.';
}

// libpq's keywords; the password only where it is asked for.
std::string LibpqText(const PostgresParts& parts, bool with_password) {
  std::string names;
  std::string ports;
  bool any_port = false;
  for (const PostgresHost& host : parts.hosts) {
    if (&host != &parts.hosts.front()) {
      names += ',';
      ports += ',';
    }
    names += host.name;
    if (host.port) ports += std::to_string(*host.port);
    any_port = any_port || host.port.has_value();
  }
  std::string text;
  if (!names.empty()) AppendLibpqKeyword(text, "host", names);
  if (any_port) AppendLibpqKeyword(text, "port", ports);  // an empty one in the list is the default
  if (parts.user) AppendLibpqKeyword(text, "user", *parts.user);
  if (parts.password && with_password) {
    AppendLibpqKeyword(text, "password", parts.password->reveal());
  }
  AppendLibpqKeyword(text, "dbname", parts.database);
  base::AppendLibpqOptions(text, parts.options);
  return text;
}

Error NoClient() {
  return UriError("scheme",
                  "the URI names a table in files, which no database client opens; give "
                  "a deltasql:// URI");
}

}  // namespace

// These stand here because g++ 12, when it inlines a variant's destructor into a function that
// propagates errors, warns of uninitialized members that are never touched.
Uri::Uri(UriKind kind, Parts parts) : kind_(kind), parts_(std::move(parts)) {}
Uri::Uri(const Uri&) = default;
Uri::Uri(Uri&&) noexcept = default;
Uri& Uri::operator=(const Uri&) = default;
Uri& Uri::operator=(Uri&&) noexcept = default;
Uri::~Uri() = default;

// ---- from parts

Result<Uri> Uri::FromPostgres(PostgresParts parts) {
  if (parts.user) DELTALAKEDB_TRY(CheckText(*parts.user, "user"));
  if (parts.password && parts.password->reveal().empty()) parts.password.reset();
  DELTALAKEDB_TRY(CheckPassword(parts));
  DELTALAKEDB_TRY(CheckHosts(parts.hosts));
  DELTALAKEDB_TRY(CheckText(parts.database, "database", kPostgresNameBytesMax));
  DELTALAKEDB_TRY(CheckText(parts.schema, "schema", kPostgresNameBytesMax));
  DELTALAKEDB_TRY(CheckTableName(parts.table));
  DELTALAKEDB_TRY(base::CheckOptions(parts.options, UriKind::kPostgres));
  return Uri(UriKind::kPostgres, std::move(parts));
}

Result<Uri> Uri::FromEmbedded(UriKind kind, EmbeddedParts parts) {
  DELTALAKEDB_TRY(CheckPath(parts.path, "path"));
  if (parts.path.ends_with('/')) {
    return Fail(UriError("path",
                         "the URI's path ends in '/' and so names a folder; give the path "
                         "of the database's file"));
  }
  DELTALAKEDB_TRY(CheckTableName(parts.table));
  DELTALAKEDB_TRY(base::CheckOptions(parts.options, kind));
  return Uri(kind, std::move(parts));
}

Result<Uri> Uri::FromSqlite(EmbeddedParts parts) {
  return FromEmbedded(UriKind::kSqlite, std::move(parts));
}

Result<Uri> Uri::FromDuckDb(EmbeddedParts parts) {
  return FromEmbedded(UriKind::kDuckDb, std::move(parts));
}

Result<Uri> Uri::FromFile(FileParts parts) {
  DELTALAKEDB_TRY(CheckPath(parts.path, "path"));
  DropTrailingSlashes(parts.path, 1);
  parts.path = base::GuardedPath(parts.path);
  return Uri(UriKind::kFile, std::move(parts));
}

Result<Uri> Uri::FromBucket(UriKind kind, ObjectStoreParts parts) {
  const std::string_view extra = kind == UriKind::kAbfss ? "$" : "._";
  DELTALAKEDB_TRY(CheckText(parts.bucket, "bucket", kBucketBytesMax));
  if (!std::ranges::all_of(parts.bucket,
                           [extra](char c) { return IsHostNameByte(c) || extra.contains(c); })) {
    return Fail(UriError("bucket",
                         "the URI's bucket or container has a character that no such "
                         "name has; credentials do not belong into the URI either, they "
                         "come from the environment"));
  }
  if (kind == UriKind::kAbfss) {
    DELTALAKEDB_TRY(CheckText(parts.account_host, "account", kBucketBytesMax));
    if (!std::ranges::all_of(parts.account_host, IsHostNameByte)) {
      return Fail(UriError("account",
                           "the URI's account is not a host name such as "
                           "account.dfs.core.windows.net"));
    }
  } else if (!parts.account_host.empty()) {
    return Fail(UriError("account", "only abfss:// URIs have an account; leave it empty"));
  }
  DropTrailingSlashes(parts.key, 0);
  if (!parts.key.empty()) DELTALAKEDB_TRY(CheckText(parts.key, "path"));
  return Uri(kind, std::move(parts));
}

Result<Uri> Uri::FromS3(ObjectStoreParts parts) {
  return FromBucket(UriKind::kS3, std::move(parts));
}

Result<Uri> Uri::FromGcs(ObjectStoreParts parts) {
  return FromBucket(UriKind::kGcs, std::move(parts));
}

Result<Uri> Uri::FromAbfss(ObjectStoreParts parts) {
  return FromBucket(UriKind::kAbfss, std::move(parts));
}

// ---- what it says

const std::optional<std::string>& Uri::table() const {
  static const std::optional<std::string> none;
  if (const PostgresParts* parts = postgres()) return parts->table;
  if (const EmbeddedParts* parts = embedded()) return parts->table;
  return none;
}

const UriOptions* Uri::options() const {
  if (const PostgresParts* parts = postgres()) return &parts->options;
  if (const EmbeddedParts* parts = embedded()) return &parts->options;
  return nullptr;
}

Result<void> Uri::RequireTable() const {
  if (!is_catalog()) return {};
  if (postgres() != nullptr) {
    return Fail(UriError("table",
                         "the URI names a catalog, and a table is needed here; add the "
                         "table's name after the last '/'"));
  }
  return Fail(UriError("table",
                       "the URI names a catalog, and a table is needed here; add "
                       "table=NAME to its options, as in ?table=NAME"));
}

Result<void> Uri::RequireCatalog() const {
  if (is_catalog()) return {};
  if (!is_database()) {
    return Fail(UriError("scheme",
                         "the URI names a table in files, and a catalog is needed here; "
                         "give a deltasql:// URI"));
  }
  if (postgres() != nullptr) {
    return Fail(UriError("table",
                         "the URI names a table, and a catalog is needed here; leave out "
                         "the table's name, but not the '/' before it"));
  }
  return Fail(UriError("table",
                       "the URI names a table, and a catalog is needed here; leave out "
                       "the option table"));
}

Result<Uri> Uri::WithTable(std::string name) const {
  if (!is_database()) {
    return Fail(UriError("table",
                         "the URI names a table in files, which has no name to give; give "
                         "a deltasql:// URI"));
  }
  const std::optional<std::string> table = std::move(name);
  DELTALAKEDB_TRY(CheckTableName(table));
  Uri changed = *this;
  if (auto* parts = std::get_if<PostgresParts>(&changed.parts_)) parts->table = table;
  if (auto* parts = std::get_if<EmbeddedParts>(&changed.parts_)) parts->table = table;
  return changed;
}

Result<Uri> Uri::WithoutTable() const {
  if (!is_database()) return Fail(RequireCatalog().error());
  Uri changed = *this;
  if (auto* parts = std::get_if<PostgresParts>(&changed.parts_)) parts->table.reset();
  if (auto* parts = std::get_if<EmbeddedParts>(&changed.parts_)) parts->table.reset();
  return changed;
}

// ---- as text

namespace {

// What has no password, so that there is nothing to hide.
std::string EmbeddedText(UriKind kind, const EmbeddedParts& parts) {
  return fmt::format("deltasql://{}/{}{}", kind == UriKind::kSqlite ? "sqlite" : "duckdb",
                     PercentEncode(parts.path, "/:="), base::QueryText(parts.options, parts.table));
}

std::string TextOf(const Uri& uri, Hidden hidden) {
  if (const PostgresParts* parts = uri.postgres()) return PostgresText(*parts, hidden);
  if (const EmbeddedParts* parts = uri.embedded()) return EmbeddedText(uri.kind(), *parts);
  if (const FileParts* parts = uri.file()) return FileText(*parts);
  return ObjectStoreText(uri.kind(), *uri.object_store());
}

Result<std::string> ClientText(const Uri& uri, bool with_password) {
  if (const PostgresParts* parts = uri.postgres()) return LibpqText(*parts, with_password);
  if (const EmbeddedParts* parts = uri.embedded()) {
    return parts->in_memory() ? parts->path : base::GuardedPath(parts->path);
  }
  return Fail(NoClient());
}

}  // namespace

std::string Uri::ToString() const { return TextOf(*this, {.user = hides_user_, .password = true}); }

Secret Uri::ToStringWithPassword() const { return Secret(TextOf(*this, {})); }

Result<std::string> Uri::ClientConnectionString() const { return ClientText(*this, false); }

Result<Secret> Uri::ClientConnectionStringWithPassword() const {
  DELTALAKEDB_ASSIGN(std::string text, ClientText(*this, true));
  return Secret(std::move(text));
}

std::ostream& operator<<(std::ostream& out, const Uri& uri) { return out << uri.ToString(); }

}  // namespace deltalakedb
