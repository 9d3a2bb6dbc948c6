#include "tests/test_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "base/temp_folder.h"
#include "store/drivers.h"
#include "store/migrations.h"
#include "store/unique_handle.h"
#include "tests/catalog_file.h"

namespace deltalakedb::testing {

namespace {

using store::UniqueHandle;

// A database that is a file: what its class of test file answers.
template <typename File>
class FileTestDatabase : public TestDatabase {
 public:
  explicit FileTestDatabase(std::string_view name) : file_(folder_.path() / name) {}
  std::string UriText(std::string_view table, std::string_view options) const override {
    std::string text = table.empty() ? file_.uri() : file_.TableUri(table);
    if (!options.empty()) text += fmt::format("{}{}", table.empty() ? '?' : '&', options);
    return text;
  }
  std::vector<Row> Sql(const std::string& text) const override { return file_.Query(text); }
  std::string Dump(std::string_view table_name) const override { return file_.Dump(table_name); }
  std::string Everything() const override {
    return std::filesystem::is_empty(folder_.path()) ? "" : file_.Everything();
  }
  std::string CommitText(std::string_view table_name, std::int64_t version) const override {
    return file_.CommitText(table_name, version);
  }

 private:
  TempFolder folder_;

 protected:
  File file_;
};

class SqliteTestDatabase final : public FileTestDatabase<CatalogFile> {
 public:
  SqliteTestDatabase() : FileTestDatabase("meta.db") {}
  const Quirks& quirks() const override {
    static const Quirks quirks{.dialect = store::Dialect::kSqlite};
    return quirks;
  }
  std::string WhyNotPrepared(const std::string& sql) const override {
    sqlite3* opened = nullptr;
    sqlite3_open(file_.path().c_str(), &opened);
    const UniqueHandle<sqlite3, sqlite3_close_v2> database(opened);
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v2(opened, sql.c_str(), -1, &prepared, nullptr);
    const UniqueHandle<sqlite3_stmt, sqlite3_finalize> statement(prepared);
    return code == SQLITE_OK ? "" : sqlite3_errmsg(opened);
  }
  std::vector<std::string> Schema() const override {
    return Column(
        "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema "
        "ORDER BY type, name");
  }
  std::string HashLiteral(std::string_view hex) const override { return fmt::format("x'{}'", hex); }
};

class DuckDbTestDatabase final : public FileTestDatabase<DuckDbCatalogFile> {
 public:
  DuckDbTestDatabase() : FileTestDatabase("meta.duckdb") {}
  const Quirks& quirks() const override {
    static const Quirks quirks{
        .dialect = store::Dialect::kDuckdb, .has_foreign_keys = false, .has_unique_keys = false};
    return quirks;
  }
  std::string WhyNotPrepared(const std::string& sql) const override {
    return file_.WhyNotPrepared(sql);
  }
  std::vector<std::string> Schema() const override {
    return Column(
        "SELECT line FROM (SELECT concat(table_name, ' ', sql) AS line FROM duckdb_tables() "
        "UNION ALL SELECT concat(index_name, ' ', sql) FROM duckdb_indexes()) ORDER BY line");
  }
  std::string HashLiteral(std::string_view hex) const override {
    return fmt::format("from_hex('{}')", hex);
  }
  void Hold() override { file_.Hold(); }
};

class PostgresTestDatabase final : public TestDatabase {
 public:
  explicit PostgresTestDatabase(bool is_pooled)
      : quirks_{.dialect = store::Dialect::kPostgres,
                .has_many_writers = true,
                .has_sessions = !is_pooled,
                .takes_nul = false},
        schema_(fmt::format("catalog {}", next_number++)),
        server_(PostgresServer::Shared()) {}
  PostgresTestDatabase(const PostgresTestDatabase&) = delete;
  PostgresTestDatabase& operator=(const PostgresTestDatabase&) = delete;
  ~PostgresTestDatabase() override {
    Sql(fmt::format("SET client_min_messages = warning; DROP SCHEMA IF EXISTS \"{}\" CASCADE",
                    schema_));
  }

  const Quirks& quirks() const override { return quirks_; }
  std::string UriText(std::string_view table, std::string_view options) const override {
    return server_.UriText(schema_, table, options, /*is_pooled=*/!quirks_.has_sessions);
  }
  std::vector<Row> Sql(const std::string& text) const override {
    const auto connection = OpenSession();
    const UniqueHandle<PGresult, PQclear> result(PQexec(connection.get(), text.c_str()));
    const ExecStatusType status = PQresultStatus(result.get());
    EXPECT_TRUE(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        << text << ": " << PQerrorMessage(connection.get());
    std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      for (int column = 0; column < PQnfields(result.get()); ++column) {
        const bool is_null = PQgetisnull(result.get(), row, column) != 0;
        rows[static_cast<std::size_t>(row)].emplace_back(
            is_null ? "NULL" : PQgetvalue(result.get(), row, column));
      }
    }
    return rows;
  }

  std::string WhyNotPrepared(const std::string& sql) const override {
    const auto connection = OpenSession();
    const UniqueHandle<PGresult, PQclear> result(
        PQprepare(connection.get(), "", sql.c_str(), 0, nullptr));
    return PQresultErrorMessage(result.get());
  }
  std::vector<std::string> Schema() const override {
    return Column(fmt::format(
        "SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable,"
        " collation_name) AS line FROM information_schema.columns WHERE table_schema = '{0}'"
        " UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = '{0}'"
        " UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(c.oid))"
        " FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace WHERE nspname = '{0}'"
        " UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = '{0}'"
        " UNION ALL SELECT definition FROM pg_views WHERE schemaname = '{0}' ORDER BY line",
        schema_));
  }
  std::string HashLiteral(std::string_view hex) const override {
    return fmt::format("'{}'::uuid", hex);
  }
  std::string Dump(std::string_view table_name) const override {
    return RowsOf(fmt::format(
        " r WHERE table_id = (SELECT table_id FROM dl_tables WHERE name = '{}')", table_name));
  }
  std::string Everything() const override { return RowsOf(" r"); }
  std::string CommitText(std::string_view table_name, std::int64_t version) const override;

 private:
  static inline std::atomic<int> next_number = 1;

  // The rows of every table, all or some.
  std::string RowsOf(const std::string& which) const {
    std::string all;
    for (const std::string& name : Column(fmt::format(
             "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables "
             "t"
             " USING (table_schema, table_name) WHERE table_schema = '{}' AND column_name = "
             "'table_id' AND table_type = 'BASE TABLE' ORDER BY 1",
             schema_))) {
      all += "-- " + name + "\n";
      for (const std::string& row : Column("SELECT r::text FROM " + name + which + " ORDER BY 1")) {
        all += row + "\n";
      }
    }
    return all;
  }
  UniqueHandle<PGconn, PQfinish> OpenSession() const {
    UniqueHandle<PGconn, PQfinish> connection(PQconnectdb(server_.ConnectionString().c_str()));
    const std::string settings = fmt::format(
        "SET search_path = \"{0}\"; SET deltalakedb.schema = '{0}'; SET client_min_messages = "
        "warning",
        schema_);
    const UniqueHandle<PGresult, PQclear> done(PQexec(connection.get(), settings.c_str()));
    EXPECT_EQ(PQresultStatus(done.get()), PGRES_COMMAND_OK) << PQerrorMessage(connection.get());
    return connection;
  }

  Quirks quirks_;
  std::string schema_;
  PostgresServer& server_;
};

std::string PostgresTestDatabase::CommitText(std::string_view table_name,
                                             std::int64_t version) const {
  const std::string where =
      fmt::format(" v JOIN dl_tables t USING (table_id) WHERE t.name = '{}' AND v.version = {}",
                  table_name, version);
  const auto bytes = [](const std::string& text) {  // "\\x" and hexadecimal digits
    std::string decoded;
    for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
      decoded += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    }
    return decoded;
  };
  const auto row = Sql("SELECT body_parts, body_bytes, body FROM dl_table_versions" + where);
  if (row.size() != 1 || row[0][1] == "NULL") return "no text";
  if (row[0][0] == "0") return Decompressed(bytes(row[0][2]), std::stoull(row[0][1]));
  std::string text;
  for (const Row& part : Sql("SELECT v.text_bytes, v.body FROM dl_body_parts" + where +
                             " AND v.origin = 0 ORDER BY v.part")) {
    text += Decompressed(bytes(part[1]), std::stoull(part[0]));
  }
  return text;
}

std::string ReadLine(int file) {
  std::string line;
  char c = 0;
  while (::read(file, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

}  // namespace

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::vector<std::string> TestDatabase::Kinds() {
  return {"sqlite", "duckdb", "postgres", "pgbouncer"};
}

std::unique_ptr<TestDatabase> TestDatabase::Make(const std::string& kind) {
  if (kind == "sqlite") return std::make_unique<SqliteTestDatabase>();
  if (kind == "duckdb") return std::make_unique<DuckDbTestDatabase>();
  return std::make_unique<PostgresTestDatabase>(/*is_pooled=*/kind == "pgbouncer");
}

std::unique_ptr<store::Connection> TestDatabase::Connect(std::string_view options) const {
  auto connection = store::OpenConnection(uri(options), store::DatabaseMode::kCreate);
  EXPECT_TRUE(connection.has_value()) << connection.error().message();
  return *std::move(connection);
}

std::unique_ptr<store::Connection> TestDatabase::ConnectMigrated(std::string_view options) const {
  auto connection = Connect(options);
  const auto steps = store::MigrateUp(*connection);
  EXPECT_TRUE(steps.has_value()) << steps.error().message();
  return connection;
}

std::vector<std::string> TestDatabase::Column(const std::string& text) const {
  std::vector<std::string> values;
  for (const Row& row : Sql(text)) values.push_back(row.empty() ? "" : row.front());
  return values;
}

PostgresServer& PostgresServer::Shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  std::array<int, 2> to{};
  std::array<int, 2> from{};
  if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipes for the PostgreSQL server");
  }
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
  std::string python = DELTALAKEDB_PYTHON;
  std::string program = DELTALAKEDB_SOURCE_DIR "/tests/postgres_server.py";
  std::string pooled = "--pgbouncer";
  std::string tls = "--tls";
  const std::array<char*, 5> arguments = {python.data(), program.data(), pooled.data(), tls.data(),
                                          nullptr};
  const int failure =
      ::posix_spawn(&process_, python.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(to[0]);
  ::close(from[1]);
  input_ = to[1];
  output_ = from[0];
  const auto said = nlohmann::json::parse(ReadLine(output_), nullptr, false);
  if (failure != 0 || !said.is_object()) throw std::runtime_error("PostgreSQL does not start");
  host_ = said["host"];
  port_ = said["port"];
  pgbouncer_port_ = said["pgbouncerPort"];
  user_ = said["user"];
  password_ = said["password"];
  database_ = said["database"];
}

PostgresServer::~PostgresServer() {
  ::close(input_);
  ::waitpid(process_, nullptr, 0);
  ::close(output_);
}

void PostgresServer::Tell(std::string_view command) {
  const std::string line = std::string(command) + "\n";
  EXPECT_EQ(::write(input_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  EXPECT_EQ(ReadLine(output_), "ok") << command;
}

std::string PostgresServer::UriText(std::string_view schema, std::string_view table,
                                    std::string_view options, bool is_pooled) const {
  std::string text =
      fmt::format("deltasql://postgres/{}@{}:{}/{}/{}/{}", user_, Encoded(host_),
                  is_pooled ? pgbouncer_port_ : port_, database_, Encoded(schema), Encoded(table));
  std::string all = is_pooled ? "prepare=off" : "";
  if (!options.empty()) all += (all.empty() ? "" : "&") + std::string(options);
  return all.empty() ? text : text + "?" + all;
}

std::string PostgresServer::ConnectionString() const {
  return fmt::format("host={} port={} user={} dbname={}", host_, port_, user_, database_);
}

}  // namespace deltalakedb::testing
