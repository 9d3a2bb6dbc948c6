// Uri: where a table or a catalog is, from one line of text. docs/uri.md is its guide.
//
// For taking apart what users write (`deltasql://postgres/…`, `file://…`, `s3://…`, a plain path)
// and for building the same from parts. Not for connecting or for looking whether anything is
// there: nothing here does I/O, apart from reading the environment.
// Thread-safety: a value type; distinct objects may be used from distinct threads. The process
// environment must not be changed while it is read.
// Secrets: no error and no ToString() holds a password; it takes a call that has Password in its
// name, and reveal() on what that returns.
//
//   Result<Uri> uri = Uri::Parse("deltasql://postgres/alice:${PW}@db.example/shop/public/orders");
//   if (!uri) return uri.error().message();
//   log << *uri;  // deltasql://postgres/alice:***@db.example/shop/public/orders
//   if (const PostgresParts* parts = uri->postgres()) {
//     Connect(uri->ClientConnectionStringWithPassword()->reveal(), parts->schema);
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "deltalakedb/result.h"
#include "deltalakedb/secret.h"

namespace deltalakedb {

// The longest text of a URI, and of each of its parts once references are expanded.
inline constexpr std::size_t kUriBytesMax = 65'536;
// The longest name of a table (CLI.md, URIs).
inline constexpr std::size_t kTableNameBytesMax = 255;
// PostgreSQL cuts longer names off (PostgreSQL documentation, Identifiers: NAMEDATALEN - 1).
inline constexpr std::size_t kPostgresNameBytesMax = 63;

// Looks a variable up by its name; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The variables of this process.
Environment ProcessEnvironment();

enum class UriKind { kPostgres, kSqlite, kDuckDb, kFile, kS3, kGcs, kAbfss };

// The parts of a URI. Every field has an initializer, so that g++ does not warn callers who name
// only the fields they need (-Wmissing-field-initializers).
// NOLINTBEGIN(readability-redundant-member-init)

// What may follow `?`. An option that was not given is nullopt: whoever uses it has the default.
// The pool, statement and prepare options are ours; the rest are libpq's and mean what they mean
// there (PostgreSQL documentation, Parameter Key Words). docs/uri.md lists names and ranges.
struct UriOptions {
  std::optional<int> pool_size = {};                // connections, 1 to 1,000
  std::optional<int> statement_timeout_ms = {};     // 0 (none) to 86,400,000
  std::optional<int> retries = {};                  // of what failed for a passing reason, 0 to 100
  std::optional<bool> prepare = {};                 // whether statements are prepared under a name
  std::optional<int> connect_timeout_seconds = {};  // for each host, 1 to 3,600
  std::optional<std::string> application_name = {};  // 63 bytes at most
  std::optional<std::string> target_session_attrs = {};
  std::optional<std::string> ssl_mode = {};
  std::optional<std::string> ssl_root_cert = {};
  std::optional<std::string> ssl_cert = {};
  std::optional<std::string> ssl_key = {};  // the path of the file that holds it

  friend bool operator==(const UriOptions&, const UriOptions&) = default;
};

struct PostgresHost {
  std::string name = {};  // a name, an address without brackets, or the folder of a socket
  std::optional<std::uint16_t> port = {};

  friend bool operator==(const PostgresHost&, const PostgresHost&) = default;
};

// Parts are what is meant: nothing in them is encoded or a reference.
struct PostgresParts {
  std::optional<std::string> user = {};
  std::optional<Secret> password = {};   // only with a user; an empty one is none
  std::vector<PostgresHost> hosts = {};  // tried in this order; empty means libpq's default
  std::string database = {};
  std::string schema = {};                // the SQL schema that holds the dl_* tables
  std::optional<std::string> table = {};  // none names the catalog
  UriOptions options = {};

  friend bool operator==(const PostgresParts&, const PostgresParts&) = default;
};

// SQLite or DuckDB.
struct EmbeddedParts {
  std::string path = {};
  std::optional<std::string> table = {};  // none names the catalog
  UriOptions options = {};

  bool in_memory() const { return path == ":memory:"; }
  friend bool operator==(const EmbeddedParts&, const EmbeddedParts&) = default;
};

struct FileParts {
  std::string path = {};  // no slash at its end; relative paths are relative to the working folder

  friend bool operator==(const FileParts&, const FileParts&) = default;
};

struct ObjectStoreParts {
  std::string bucket = {};        // Azure: the container
  std::string key = {};           // no slash at its end; empty for the bucket itself
  std::string account_host = {};  // Azure only: "account.dfs.core.windows.net"

  friend bool operator==(const ObjectStoreParts&, const ObjectStoreParts&) = default;
};

// NOLINTEND(readability-redundant-member-init)

class Uri {
 public:
  // Cuts the text, expands $NAME and ${NAME} from the environment, decodes %XX and checks every
  // part. A text without a scheme is a path and is taken as it is, nothing expanded or decoded.
  // Errors: InvalidArgument, whose fact `uriPart` names the part (scheme, user, password, host,
  // port, database, schema, table, path, bucket, account, options, or an option by its name), whose
  // fact `variable` names a variable that is not set, and which quotes no text of the URI except
  // the names of schemes, databases, options and variables.
  static Result<Uri> Parse(std::string_view text,
                           const Environment& environment = ProcessEnvironment());

  // The same from parts, with the same checks and errors.
  static Result<Uri> FromPostgres(PostgresParts parts);
  static Result<Uri> FromSqlite(EmbeddedParts parts);
  static Result<Uri> FromDuckDb(EmbeddedParts parts);
  static Result<Uri> FromFile(FileParts parts);
  static Result<Uri> FromS3(ObjectStoreParts parts);
  static Result<Uri> FromGcs(ObjectStoreParts parts);
  static Result<Uri> FromAbfss(ObjectStoreParts parts);

  Uri(const Uri&);
  Uri(Uri&&) noexcept;
  Uri& operator=(const Uri&);
  Uri& operator=(Uri&&) noexcept;
  ~Uri();

  UriKind kind() const { return kind_; }
  // The parts, or null where the URI is of another kind.
  const PostgresParts* postgres() const { return std::get_if<PostgresParts>(&parts_); }
  const EmbeddedParts* embedded() const { return std::get_if<EmbeddedParts>(&parts_); }
  const FileParts* file() const { return std::get_if<FileParts>(&parts_); }
  const ObjectStoreParts* object_store() const { return std::get_if<ObjectStoreParts>(&parts_); }

  // Whether the log is in a database; else it is in files, and the URI always names a table.
  bool is_database() const { return postgres() != nullptr || embedded() != nullptr; }
  // Whether it names a database as a whole rather than one table.
  bool is_catalog() const { return is_database() && !table(); }
  // The table's name in its catalog; none for a catalog and for file-based tables, which have none.
  const std::optional<std::string>& table() const;
  // Null for file-based tables.
  const UriOptions* options() const;

  // For calls that need a table, or a catalog: InvalidArgument that says how to write one.
  Result<void> RequireTable() const;
  Result<void> RequireCatalog() const;

  // The same database with another table, or as a catalog. InvalidArgument: the name breaks a rule
  // for table names, or the URI is of a file-based table.
  Result<Uri> WithTable(std::string name) const;
  Result<Uri> WithoutTable() const;

  // The canonical text, safe to print. Where it hides something it has `***`, which Parse refuses,
  // so that a line of a log is never taken for a password; anything else it parses to the same Uri.
  // Hidden are the password, and a user that a variable gave.
  std::string ToString() const;
  bool hides_user() const { return hides_user_; }
  // The canonical text with nothing hidden; Parse of it gives the same Uri.
  Secret ToStringWithPassword() const;

  // What the database's own client takes: for PostgreSQL libpq's keyword='value' text, without the
  // schema and the options that are ours; for SQLite and DuckDB the path.
  // Errors: InvalidArgument for file-based tables.
  Result<std::string> ClientConnectionString() const;
  Result<Secret> ClientConnectionStringWithPassword() const;

  // Whether both name the same place in the same way.
  friend bool operator==(const Uri& left, const Uri& right) {
    return left.kind_ == right.kind_ && left.parts_ == right.parts_;
  }
  // Writes ToString().
  friend std::ostream& operator<<(std::ostream& out, const Uri& uri);

 private:
  using Parts = std::variant<PostgresParts, EmbeddedParts, FileParts, ObjectStoreParts>;
  Uri(UriKind kind, Parts parts);

  static Result<Uri> ParseDatabase(std::string_view text, const Environment& environment);
  static Result<Uri> ParsePostgres(std::string_view rest, const Environment& environment);
  static Result<Uri> FromEmbedded(UriKind kind, EmbeddedParts parts);
  static Result<Uri> FromBucket(UriKind kind, ObjectStoreParts parts);

  UriKind kind_;
  Parts parts_;
  bool hides_user_ = false;  // no part of what the URI means
};

// What may be printed of a text that was meant to be a URI, whether or not it is one: anything that
// could be a password is `***`. It hides too much rather than too little; print a Uri where there
// is one.
std::string RedactUriText(std::string_view text);

}  // namespace deltalakedb
