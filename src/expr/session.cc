#include "expr/session.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/try.h"
#include "expr/row_source.h"
#include "expr/statements.h"

namespace deltalakedb::expr {

using store::DuckDb;

namespace {

Failure Failed(duckdb_error_type type, const char* words) {
  std::string_view text = words == nullptr ? "" : words;
  // What follows shows the statement around the expression, or how to set what is locked.
  text = text.substr(0, text.find('\n'));
  return {.type = type, .words = std::string(text)};
}

Result<duckdb_database> OpenInMemory(const DatabaseOptions& options) {
  duckdb_config made = nullptr;
  const bool is_made = DuckDb().create_config(&made) == DuckDBSuccess;
  const store::DuckDbConfigHandle config(made);
  // Without access to files the folder could not be set any more, so that comes after it.
  const std::array<std::pair<const char*, std::string>, 7> settings = {{
      {"threads", std::to_string(options.threads)},
      {"memory_limit", fmt::format("{}MiB", options.memory_mib)},
      {"temp_directory", options.temp_path},
      {"autoload_known_extensions", "false"},
      {"autoinstall_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"enable_external_access", "false"},
  }};
  for (const auto& [name, value] : settings) {
    if (is_made && DuckDb().set_config(made, name, value.c_str()) == DuckDBSuccess) continue;
    return Fail(ErrorCode::kInternal, fmt::format("DuckDB does not take the setting {}", name));
  }
  duckdb_database opened = nullptr;
  char* problem = nullptr;
  if (DuckDb().open_ext(":memory:", &opened, made, &problem) == DuckDBSuccess) return opened;
  const Failure failure = Failed(DUCKDB_ERROR_INVALID, problem);
  DuckDb().free(problem);
  return Fail(ErrorCode::kUnavailable, fmt::format("DuckDB cannot be started: {}", failure.words));
}

// The one chunk of a short answer; null when there is no row.
store::DuckDbChunk FirstChunk(store::DuckDbResult& result) {
  return store::DuckDbChunk(DuckDb().fetch_chunk(*result.get()));
}

}  // namespace

std::optional<Error> SystemError(const Failure& failure, std::string_view doing) {
  const auto make = [&](ErrorCode code, std::string_view advice) {
    return Error(code, fmt::format("{}: {}{}", doing, failure.words, advice));
  };
  switch (failure.type) {
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return make(ErrorCode::kLimitExceeded, "; do it in smaller parts");
    case DUCKDB_ERROR_IO:
      return make(ErrorCode::kIo, "; make room on the disk for temporary files");
    case DUCKDB_ERROR_INTERRUPT:
      return make(ErrorCode::kCancelled, "");
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL:
      return make(ErrorCode::kInternal, "");
    default:
      return std::nullopt;
  }
}

Result<std::shared_ptr<Database>> Database::Make(const DatabaseOptions& options) {
  DELTALAKEDB_TRY(store::LoadDuckDb());
  DELTALAKEDB_ASSIGN(const duckdb_database opened, OpenInMemory(options));
  std::shared_ptr<Database> database(new Database(opened));
  DELTALAKEDB_ASSIGN(const auto session, Session::Open(database));
  // A library without ICU has no such setting, and knows no other zone than UTC.
  std::ignore = session->Run("SET GLOBAL TimeZone = 'UTC'");
  if (const auto locked = session->Run("SET GLOBAL lock_configuration = true"); !locked) {
    return Fail(ErrorCode::kInternal, locked.error().words);
  }
  DELTALAKEDB_TRY(RowSource::Register(session->connection()));
  return database;
}

Result<std::shared_ptr<Database>> Database::Shared() {
  // Never destroyed: threads may still compute while the process ends.
  static auto* const shared = new Result<std::shared_ptr<Database>>(Make({}));
  return *shared;
}

Database::~Database() { DuckDb().close(&database_); }

Result<store::DuckDbConnectionHandle> Database::Connect() {
  duckdb_connection connection = nullptr;
  if (DuckDb().connect(database_, &connection) == DuckDBSuccess) {
    return store::DuckDbConnectionHandle(connection);
  }
  return Fail(ErrorCode::kUnavailable, "DuckDB gives no connection to its database in memory");
}

Result<void> Database::LoadFunctions() {
  DELTALAKEDB_ASSIGN(const auto connection, Connect());
  store::DuckDbResult result;
  if (DuckDb().query(connection.get(), FunctionsStatement().c_str(), result.get()) !=
      DuckDBSuccess) {
    return Fail(ErrorCode::kInternal, FailureOf(result.get()).words);
  }
  std::unordered_map<std::string, Function> functions;
  while (const store::DuckDbChunk chunk = FirstChunk(result)) {
    const auto column = [&](std::uint64_t i) {
      return DuckDb().data_chunk_get_vector(chunk.get(), i);
    };
    const auto* const is_scalar = static_cast<const bool*>(DuckDb().vector_get_data(column(1)));
    const auto* const is_stable = static_cast<const bool*>(DuckDb().vector_get_data(column(2)));
    for (std::uint64_t row = 0; row < DuckDb().data_chunk_get_size(chunk.get()); ++row) {
      Function& function = functions[std::string(TextAt(column(0), row))];
      function.is_scalar = function.is_scalar && is_scalar[row];
      function.is_stable = function.is_stable && is_stable[row];
      if (IsValidAt(column(3), row)) function.macros.emplace_back(TextAt(column(3), row));
    }
  }
  functions_ = std::move(functions);
  return {};
}

Result<const Database::Function*> Database::FindFunction(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!functions_) DELTALAKEDB_TRY(LoadFunctions());
  const auto found = functions_->find(name);
  return found == functions_->end() ? nullptr : &found->second;
}

Result<std::unique_ptr<Session>> Session::Open(std::shared_ptr<Database> database) {
  DELTALAKEDB_ASSIGN(auto connection, database->Connect());
  return std::make_unique<Session>(std::move(database), std::move(connection));
}

Outcome<store::DuckDbPrepared> Session::Prepare(const std::string& sql) {
  duckdb_prepared_statement statement = nullptr;
  const auto state = DuckDb().prepare(connection_.get(), sql.c_str(), &statement);
  store::DuckDbPrepared prepared(statement);
  if (state == DuckDBSuccess) return prepared;
  return std::unexpected(Failed(DUCKDB_ERROR_BINDER, DuckDb().prepare_error(statement)));
}

Outcome<void> Session::Run(const std::string& sql) {
  store::DuckDbResult result;
  if (DuckDb().query(connection_.get(), sql.c_str(), result.get()) == DuckDBSuccess) return {};
  return std::unexpected(FailureOf(result.get()));
}

Outcome<std::string> Session::Ask(const std::string& sql, std::string_view parameter) {
  auto prepared = Prepare(sql);
  if (!prepared) return std::unexpected(std::move(prepared).error());
  if (DuckDb().bind_varchar_length(prepared->get(), 1, parameter.data(), parameter.size()) !=
      DuckDBSuccess) {
    return std::unexpected(Failed(DUCKDB_ERROR_INVALID_INPUT, "it is no text in UTF-8"));
  }
  store::DuckDbResult result;
  if (DuckDb().execute_prepared(prepared->get(), result.get()) != DuckDBSuccess) {
    return std::unexpected(FailureOf(result.get()));
  }
  const store::DuckDbChunk chunk = FirstChunk(result);
  if (chunk == nullptr) return std::unexpected(Failed(DUCKDB_ERROR_INTERNAL, "no answer"));
  const duckdb_vector vector = DuckDb().data_chunk_get_vector(chunk.get(), 0);
  if (!IsValidAt(vector, 0)) return std::unexpected(Failed(DUCKDB_ERROR_INTERNAL, "null"));
  return std::string(TextAt(vector, 0));
}

Failure FailureOf(duckdb_result* result) {
  return Failed(DuckDb().result_error_type(result), DuckDb().result_error(result));
}

Failure FailureOf(duckdb_error_data error) {
  return Failed(DuckDb().error_data_error_type(error), DuckDb().error_data_message(error));
}

std::string_view TextAt(duckdb_vector vector, std::uint64_t row) {
  const auto& text = static_cast<const duckdb_string_t*>(DuckDb().vector_get_data(vector))[row];
  // As duckdb_string_is_inlined has it.
  const std::uint32_t length = text.value.inlined.length;
  constexpr std::uint32_t kInlinedMax = 12;
  return {length <= kInlinedMax ? text.value.inlined.inlined : text.value.pointer.ptr, length};
}

bool IsValidAt(duckdb_vector vector, std::uint64_t row) {
  const std::uint64_t* const validity = DuckDb().vector_get_validity(vector);
  return validity == nullptr || (validity[row / 64] >> (row % 64) & 1) != 0;
}

}  // namespace deltalakedb::expr
