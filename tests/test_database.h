// The databases that a catalog can be in, each behind the same few calls, so that one suite runs on
// all of them. What differs between them is said by Quirks and nowhere else.
//
// Real ones: SQLite and DuckDB in folders of their own; a PostgreSQL server that is started for the
// test program (tests/postgres_server.py), reached directly or through pgbouncer in transaction
// mode.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/uri.h"
#include "store/connection.h"

namespace deltalakedb::testing {

struct Quirks {
  store::Dialect dialect;
  // Deleting the row of a table deletes what belongs to it.
  bool has_foreign_keys = true;
  // Rows that contradict each other are refused when they are written.
  bool has_unique_keys = true;
  // Writers of different tables work side by side.
  bool has_many_writers = false;
  // Statements keep their plans and names in a session.
  bool has_sessions = true;
  // A text may hold the character U+0000.
  bool takes_nul = true;
};

// A part of a URI's path or a name in its options, percent-encoded.
std::string Encoded(std::string_view text);

class TestDatabase {
 public:
  virtual ~TestDatabase() = default;

  // "sqlite", "duckdb", "postgres", "pgbouncer": all that this build knows.
  static std::vector<std::string> Kinds();
  // One that is empty. A service that is missing fails the test.
  static std::unique_ptr<TestDatabase> Make(const std::string& kind);

  virtual const Quirks& quirks() const = 0;
  // The catalog's URI, or a table's in it; options as in "pool_size=2&retries=0".
  virtual std::string UriText(std::string_view table = "", std::string_view options = "") const = 0;
  // Statements past the library; rows as the database prints them, null as "NULL". A test that uses
  // a wrong one fails.
  using Row = std::vector<std::string>;
  virtual std::vector<Row> Sql(const std::string& text) const = 0;

  // Why the database cannot prepare a statement; empty when it can.
  virtual std::string WhyNotPrepared(const std::string& sql) const = 0;
  // Every object of the catalog's schema with its definition.
  virtual std::vector<std::string> Schema() const = 0;
  // 16 bytes, given by their hexadecimal digits, as a literal of the type that hashes have.
  virtual std::string HashLiteral(std::string_view hex) const = 0;

  // Keeps the database open between calls, where opening it takes a while.
  virtual void Hold() {}
  // Every row of every relation that belongs to the table.
  virtual std::string Dump(std::string_view table_name) const = 0;
  // All that there is, such that two of them differ when anything was changed; empty for nothing.
  virtual std::string Everything() const = 0;
  // The text of a commit as it is kept, decompressed.
  virtual std::string CommitText(std::string_view table_name, std::int64_t version) const = 0;

  Uri uri(std::string_view options = "") const { return *Uri::Parse(UriText("", options)); }
  // A connection by the driver itself; with the schema in it.
  std::unique_ptr<store::Connection> Connect(std::string_view options = "") const;
  std::unique_ptr<store::Connection> ConnectMigrated(std::string_view options = "") const;
  // The first column of all rows.
  std::vector<std::string> Column(const std::string& text) const;
};

// A PostgreSQL server for this test program; it can be killed and started again.
class PostgresServer {
 public:
  // The one that all tests of the program share; the first call starts it.
  static PostgresServer& Shared();

  PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  // SIGKILL to all its processes; starting, with recovery; both wait until it is done.
  void Kill() { Tell("kill"); }
  void Start() { Tell("start"); }

  const std::string& host() const { return host_; }  // the folder of its socket
  int port() const { return port_; }
  int pgbouncer_port() const { return pgbouncer_port_; }
  const std::string& user() const { return user_; }
  const std::string& password() const { return password_; }  // over TCP, on 127.0.0.1
  const std::string& database() const { return database_; }
  std::string ConnectionString() const;
  // Over the socket, or through pgbouncer; options as in "pool_size=2&retries=0".
  std::string UriText(std::string_view schema, std::string_view table,
                      std::string_view options = "", bool is_pooled = false) const;

 private:
  void Tell(std::string_view command);

  int process_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string host_;
  int port_ = 0;
  int pgbouncer_port_ = 0;
  std::string user_;
  std::string password_;
  std::string database_;
};

}  // namespace deltalakedb::testing
