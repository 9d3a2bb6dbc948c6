// Databases in memory that compute what SQL expressions and joins ask for, and connections to them.
//
// They see no files, no extensions but the built-in ones, and no settings that could be changed;
// their time zone is UTC.
// Thread-safety: a Database may be used from any thread, a Session belongs to one at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deltalakedb/result.h"
#include "store/duckdb/duckdb_api.h"

namespace deltalakedb::expr {

struct DatabaseOptions {
  unsigned threads = 1;   // 1: statements run on the thread that calls, and nowhere else
  int memory_mib = 1024;  // unit: MiB
  std::string temp_path;  // a folder for what does not fit into memory; nowhere when empty
};

// What DuckDB said.
struct Failure {
  duckdb_error_type type = DUCKDB_ERROR_INVALID;
  std::string words;  // for people only
};
template <typename T>
using Outcome = std::expected<T, Failure>;

// Failures that lie in the machine and not in what was asked: no memory, no room on the disk, an
// interrupt, a bug. Nullopt for the others, which the caller explains.
std::optional<Error> SystemError(const Failure& failure, std::string_view doing);

class Database {
 public:
  // Errors: Unsupported (no DuckDB library), Unavailable (it cannot be started).
  static Result<std::shared_ptr<Database>> Make(const DatabaseOptions& options);
  // The one of this process for expressions, made when it is first asked for.
  static Result<std::shared_ptr<Database>> Shared();

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Result<store::DuckDbConnectionHandle> Connect();

  // What is known of the functions of a name.
  struct Function {
    bool is_scalar = true;            // all of that name give a value for each row
    bool is_stable = true;            // and the same for the same arguments, always
    std::vector<std::string> macros;  // what they stand for, where they are macros
  };
  // Null when there is none. `name` in lower case. Errors: as statements.
  Result<const Function*> FindFunction(const std::string& name);

 private:
  explicit Database(duckdb_database database) : database_(database) {}
  Result<void> LoadFunctions();

  duckdb_database database_;
  std::mutex mutex_;
  std::optional<std::unordered_map<std::string, Function>> functions_;  // guarded by mutex_
};

class Session {
 public:
  static Result<std::unique_ptr<Session>> Open(std::shared_ptr<Database> database);

  Database& database() { return *database_; }
  duckdb_connection connection() const { return connection_.get(); }

  // Exactly one statement.
  Outcome<store::DuckDbPrepared> Prepare(const std::string& sql);
  Outcome<void> Run(const std::string& sql);
  // Runs a statement with one text as its parameter, which answers with one text.
  Outcome<std::string> Ask(const std::string& sql, std::string_view parameter);

  Session(std::shared_ptr<Database> database, store::DuckDbConnectionHandle connection)
      : database_(std::move(database)), connection_(std::move(connection)) {}

 private:
  std::shared_ptr<Database> database_;
  store::DuckDbConnectionHandle connection_;
};

// What a result says about its failure.
Failure FailureOf(duckdb_result* result);
Failure FailureOf(duckdb_error_data error);
// The text of a vector of strings.
std::string_view TextAt(duckdb_vector vector, std::uint64_t row);
bool IsValidAt(duckdb_vector vector, std::uint64_t row);

}  // namespace deltalakedb::expr
