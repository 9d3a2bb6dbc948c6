#include "store/sqlite/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/try.h"
#include "store/database_file.h"
#include "store/unique_handle.h"

namespace deltalakedb::store {

namespace {

using Handle = UniqueHandle<sqlite3, sqlite3_close_v2>;
using StatementHandle = UniqueHandle<sqlite3_stmt, sqlite3_finalize>;

// SQLite, Result and Error Codes: the primary code is the low byte of an extended one.
ErrorCode CodeFor(int extended) {
  switch (extended & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return ErrorCode::kBusy;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::kPermission;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_FULL:
      return ErrorCode::kIo;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    // Our statements fit the schema, and our rows its keys: another one made or changed these.
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return ErrorCode::kCorrupt;
    case SQLITE_NOMEM:
      return ErrorCode::kUnavailable;
    case SQLITE_TOOBIG:
      return ErrorCode::kLimitExceeded;
    case SQLITE_INTERRUPT:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kInternal;
  }
}

// What to do about it, where SQLite's own words leave that open.
std::string_view AdviceFor(int extended) {
  switch (extended & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another process is writing to it: try again when it is done";
    case SQLITE_FULL:
      return "; make room on the disk: nothing was changed";
    case SQLITE_READONLY:
      return "; the file or its folder must be writable for this";
    case SQLITE_NOTADB:
      return "; the file is something else or is encrypted";
    case SQLITE_ERROR:
      return "; the catalog's tables are not as this program makes them, or belong to another one";
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return "; rows of the catalog contradict each other: `deltalakedb verify` tells more";
    case SQLITE_CORRUPT:
      return "; restore it from a backup, or import the tables again";
    default:
      return "";
  }
}

// The shortest page, of which a database has at least one (SQLite, Database File Format).
constexpr ::off_t kDatabaseBytesMin = 512;
// Of SQLite's virtual machine, between two looks at the clock.
constexpr int kInstructionsBetweenLooks = 10'000;

class SqliteConnection;

class SqliteCursor final : public Cursor {
 public:
  // `statement` is the connection's cached one, or this cursor's own.
  SqliteCursor(SqliteConnection& connection, StatementId id, sqlite3_stmt* statement,
               StatementHandle own)
      : connection_(connection), id_(id), statement_(statement), own_(std::move(own)) {}
  SqliteCursor(const SqliteCursor&) = delete;
  SqliteCursor& operator=(const SqliteCursor&) = delete;
  ~SqliteCursor() override;

  Result<bool> Next() override;
  int column_count() const override { return sqlite3_column_count(statement_); }
  std::string_view column_name(int column) const override {
    const char* const name = sqlite3_column_name(statement_, column);
    return name == nullptr ? "" : name;
  }
  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  std::int64_t Int(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string_view Text(int column) const override {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {text == nullptr ? "" : text, Size(column)};
  }
  std::string_view Bytes(int column) const override {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {bytes == nullptr ? "" : bytes, Size(column)};
  }
  Value Get(int column) const override {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_NULL:
        return {};
      case SQLITE_INTEGER:
        return Int(column);
      case SQLITE_BLOB:
        return Blob{Bytes(column)};
      default:
        return Text(column);
    }
  }

 private:
  std::size_t Size(int column) const {
    return static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  }

  SqliteConnection& connection_;
  StatementId id_;
  sqlite3_stmt* statement_;
  StatementHandle own_;
  bool is_done_ = false;
};

class SqliteConnection final : public Connection {
 public:
  SqliteConnection(Handle handle, const SqliteOptions& options)
      : statement_timeout_(options.statement_timeout),
        handle_(std::move(handle)),
        path_(options.path) {
    if (statement_timeout_.count() > 0 && handle_ != nullptr) {
      sqlite3_progress_handler(handle_.get(), kInstructionsBetweenLooks, MustStop, this);
    }
  }

  Dialect dialect() const override { return Dialect::kSqlite; }
  Result<void> Begin(TransactionMode mode) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;
  Result<std::unique_ptr<Cursor>> Query(StatementId statement,
                                        std::span<const Value> parameters) override;
  // SQLite steps through rows as they are asked for, whatever else runs.
  Result<std::unique_ptr<Cursor>> Stream(StatementId statement,
                                         std::span<const Value> parameters) override {
    return Query(statement, parameters);
  }
  Result<std::unique_ptr<Cursor>> StreamAlone(StatementId statement,
                                              std::span<const Value> parameters) override {
    return Query(statement, parameters);
  }
  Result<void> QueryMany(StatementId statement, std::size_t columns,
                         std::span<const Value> parameters, const VisitAnswer& visit) override;
  Result<std::int64_t> Execute(StatementId statement, std::span<const Value> parameters) override;
  Result<void> ExecuteMany(StatementId statement, std::size_t columns,
                           std::span<const Value> parameters) override;
  bool IsHealthy() const noexcept override { return true; }
  void Cancel() noexcept override { sqlite3_interrupt(handle_.get()); }
  Result<void> PrepareForSharing() override;
  Result<void> RunScript(std::string_view name, std::string_view sql) override;

  Result<void> Run(const char* sql);
  // For a database that is read without locks: errors from now on when its file is changed.
  Result<void> WatchFile();
  // The error that SQLite has just reported, at `what`.
  Error ErrorAt(std::string_view what, int code) const;
  Error ErrorAt(StatementId id, int code) const {
    return ErrorAt(StatementName(id), code).With("statement", std::string(StatementName(id)));
  }

 private:
  friend class SqliteCursor;
  struct Prepared {
    StatementHandle handle;
    std::vector<int> indexes;  // of $1, $2, …, 0 for one that the statement does not have
    bool in_use = false;       // by a cursor
  };

  // What begins and ends transactions.
  Result<void> RunPrepared(StatementHandle& prepared, const char* sql);
  Result<StatementHandle> Prepare(StatementId id) const;
  Result<Prepared*> FindPrepared(StatementId id);
  // `lifetime` is SQLITE_STATIC where the values outlive the execution, else SQLITE_TRANSIENT.
  Result<void> Bind(StatementId id, sqlite3_stmt* statement, std::span<const Value> parameters,
                    sqlite3_destructor_type lifetime) const;
  Result<void> StepToEnd(StatementId id, sqlite3_stmt* statement);

  Result<void> CheckUnchanged() const;
  // One step, within the limits of time.
  int Step(sqlite3_stmt* statement);
  // SQLite asks from time to time while it works; other than 0 interrupts it.
  static int MustStop(void* connection);

  std::chrono::milliseconds statement_timeout_;  // 0: none
  std::chrono::steady_clock::time_point deadline_;
  bool is_timed_out_ = false;
  Handle handle_;
  std::string path_;
  std::optional<struct stat> watched_;
  std::array<Prepared, kStatementCount> prepared_;  // dies before the handle, as those below
  StatementHandle begin_, begin_write_, commit_;
};

int SqliteConnection::MustStop(void* connection) {
  auto& self = *static_cast<SqliteConnection*>(connection);
  self.is_timed_out_ = std::chrono::steady_clock::now() > self.deadline_;
  return self.is_timed_out_ ? 1 : 0;
}

int SqliteConnection::Step(sqlite3_stmt* statement) {
  if (statement_timeout_.count() > 0) {
    is_timed_out_ = false;
    deadline_ = std::chrono::steady_clock::now() + statement_timeout_;
  }
  return sqlite3_step(statement);
}

std::vector<int> ParameterIndexes(sqlite3_stmt* statement) {
  std::vector<int> indexes;
  for (int left = sqlite3_bind_parameter_count(statement); left > 0;) {
    const std::string name = "$" + std::to_string(indexes.size() + 1);
    indexes.push_back(sqlite3_bind_parameter_index(statement, name.c_str()));
    if (indexes.back() != 0) --left;
  }
  return indexes;
}

SqliteCursor::~SqliteCursor() {
  sqlite3_reset(statement_);
  if (own_ == nullptr) {
    sqlite3_clear_bindings(statement_);
    connection_.prepared_[static_cast<std::size_t>(id_)].in_use = false;
  }
}

Result<bool> SqliteCursor::Next() {
  if (is_done_) return false;  // another step would start over
  const int code = connection_.Step(statement_);
  if (code == SQLITE_ROW) return true;
  is_done_ = true;
  if (code == SQLITE_DONE) {
    DELTALAKEDB_TRY(connection_.CheckUnchanged());
    return false;
  }
  return Fail(connection_.ErrorAt(id_, code));
}

Error SqliteConnection::ErrorAt(std::string_view what, int code) const {
  const int extended = handle_ == nullptr ? code : sqlite3_extended_errcode(handle_.get());
  const int known = extended == SQLITE_OK ? code : extended;
  if (known == SQLITE_INTERRUPT && is_timed_out_) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("SQLite database {}: no answer within {} ms, the URI's option "
                             "statement_timeout ({})",
                             path_, statement_timeout_.count(), what))
        .With("database", path_)
        .With("sqliteCode", std::int64_t{known});
  }
  const char* const words =
      handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_.get());
  return Error(CodeFor(known),
               fmt::format("SQLite database {}: {} ({}){}", path_, words, what, AdviceFor(known)))
      .With("database", path_)
      .With("sqliteCode", std::int64_t{known});
}

Result<void> SqliteConnection::WatchFile() {
  struct stat status = {};
  if (::stat(path_.c_str(), &status) != 0) {
    return Fail(Error(ErrorCode::kIo, fmt::format("SQLite database {}: its file is gone", path_))
                    .With("database", path_));
  }
  watched_ = status;
  return {};
}

Result<void> SqliteConnection::CheckUnchanged() const {
  if (!watched_) return {};
  struct stat status = {};
  if (::stat(path_.c_str(), &status) == 0 && status.st_ino == watched_->st_ino &&
      status.st_size == watched_->st_size && status.st_mtim.tv_sec == watched_->st_mtim.tv_sec &&
      status.st_mtim.tv_nsec == watched_->st_mtim.tv_nsec) {
    return {};
  }
  return Fail(Error(ErrorCode::kBusy,
                    fmt::format("SQLite database {}: it was written to while it was read; try "
                                "again",
                                path_))
                  .With("database", path_));
}

Result<void> SqliteConnection::Run(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Fail(ErrorAt(sql, code));
  return {};
}

Result<void> SqliteConnection::RunPrepared(StatementHandle& prepared, const char* sql) {
  if (prepared == nullptr) {
    sqlite3_stmt* statement = nullptr;
    const int code =
        sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    prepared.reset(statement);
    if (code != SQLITE_OK) return Fail(ErrorAt(sql, code));
  }
  const int code = sqlite3_step(prepared.get());
  if (code == SQLITE_DONE) {
    sqlite3_reset(prepared.get());
    return {};
  }
  Error error = ErrorAt(sql, code);
  sqlite3_reset(prepared.get());
  return Fail(std::move(error));
}

Result<void> SqliteConnection::Begin(TransactionMode mode) {
  return mode == TransactionMode::kWrite ? RunPrepared(begin_write_, "BEGIN IMMEDIATE")
                                         : RunPrepared(begin_, "BEGIN");
}

Result<void> SqliteConnection::Commit() {
  if (auto done = RunPrepared(commit_, "COMMIT"); !done) {
    Rollback();
    return done;
  }
  return {};
}

void SqliteConnection::Rollback() noexcept {
  if (sqlite3_get_autocommit(handle_.get()) == 0) {
    sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

Result<StatementHandle> SqliteConnection::Prepare(StatementId id) const {
  const std::string_view text = StatementText(Dialect::kSqlite, id);
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), text.data(), static_cast<int>(text.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  StatementHandle handle(statement);
  if (code != SQLITE_OK || statement == nullptr) return Fail(ErrorAt(id, code));
  return handle;
}

Result<SqliteConnection::Prepared*> SqliteConnection::FindPrepared(StatementId id) {
  Prepared& prepared = prepared_[static_cast<std::size_t>(id)];
  if (prepared.handle == nullptr) {
    DELTALAKEDB_ASSIGN(prepared.handle, Prepare(id));
    prepared.indexes = ParameterIndexes(prepared.handle.get());
  }
  return &prepared;
}

Result<void> SqliteConnection::Bind(StatementId id, sqlite3_stmt* statement,
                                    std::span<const Value> parameters,
                                    sqlite3_destructor_type lifetime) const {
  const std::vector<int>& indexes = prepared_[static_cast<std::size_t>(id)].indexes;
  if (indexes.size() != parameters.size()) {
    return Fail(ErrorCode::kInternal,
                fmt::format("the statement {} takes {} parameters and got {}", StatementName(id),
                            indexes.size(), parameters.size()));
  }
  int code = SQLITE_OK;
  for (std::size_t i = 0; i < indexes.size() && code == SQLITE_OK; ++i) {
    const int index = indexes[i];
    if (const auto* number = std::get_if<std::int64_t>(&parameters[i])) {
      code = sqlite3_bind_int64(statement, index, *number);
    } else if (const auto* text = std::get_if<std::string_view>(&parameters[i])) {
      code = sqlite3_bind_text64(statement, index, text->empty() ? "" : text->data(), text->size(),
                                 lifetime, SQLITE_UTF8);
    } else if (const auto* blob = std::get_if<Blob>(&parameters[i])) {
      code = sqlite3_bind_blob64(statement, index, blob->bytes.empty() ? "" : blob->bytes.data(),
                                 blob->bytes.size(), lifetime);
    } else {
      code = sqlite3_bind_null(statement, index);
    }
  }
  if (code != SQLITE_OK) return Fail(ErrorAt(id, code));
  return {};
}

Result<std::unique_ptr<Cursor>> SqliteConnection::Query(StatementId statement,
                                                        std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(Prepared* const prepared, FindPrepared(statement));
  StatementHandle own;  // where a cursor is already reading from the prepared one
  if (prepared->in_use) {
    DELTALAKEDB_ASSIGN(own, Prepare(statement));
  } else {
    prepared->in_use = true;
  }
  sqlite3_stmt* const handle = own != nullptr ? own.get() : prepared->handle.get();
  auto cursor = std::make_unique<SqliteCursor>(*this, statement, handle, std::move(own));
  DELTALAKEDB_TRY(Bind(statement, handle, parameters, SQLITE_TRANSIENT));
  return cursor;
}

Result<void> SqliteConnection::QueryMany(StatementId statement, std::size_t columns,
                                         std::span<const Value> parameters,
                                         const VisitAnswer& visit) {
  for (std::size_t i = 0; i * columns < parameters.size(); ++i) {
    DELTALAKEDB_ASSIGN(const auto row, Query(statement, parameters.subspan(i * columns, columns)));
    DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
    DELTALAKEDB_TRY(visit(i, has_row ? row.get() : nullptr));
    if (has_row) DELTALAKEDB_TRY(row->Next());  // to its end, so that it takes effect
  }
  return {};
}

Result<void> SqliteConnection::StepToEnd(StatementId id, sqlite3_stmt* statement) {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = Step(statement);
  if (code != SQLITE_DONE) {
    Error error = ErrorAt(id, code);
    sqlite3_reset(statement);
    return Fail(std::move(error));
  }
  sqlite3_reset(statement);
  return {};
}

Result<std::int64_t> SqliteConnection::Execute(StatementId statement,
                                               std::span<const Value> parameters) {
  DELTALAKEDB_TRY(ExecuteMany(statement, parameters.size(), parameters));
  return sqlite3_changes64(handle_.get());
}

Result<void> SqliteConnection::ExecuteMany(StatementId statement, std::size_t columns,
                                           std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(Prepared* const prepared, FindPrepared(statement));
  sqlite3_stmt* const handle = prepared->handle.get();
  std::size_t begin = 0;
  do {
    DELTALAKEDB_TRY(Bind(statement, handle, parameters.subspan(begin, columns), SQLITE_STATIC));
    DELTALAKEDB_TRY(StepToEnd(statement, handle));
    begin += columns;
  } while (begin < parameters.size());
  sqlite3_clear_bindings(handle);
  return {};
}

// Until then a rollback journal does: a database that is filled from nothing has no old pages to
// keep, while a WAL would write every page twice.
Result<void> SqliteConnection::PrepareForSharing() { return Run("PRAGMA journal_mode = WAL"); }

Result<void> SqliteConnection::RunScript(std::string_view name, std::string_view sql) {
  const std::string text(sql);
  const int code = sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Fail(ErrorAt(name, code));
  return {};
}

// What SQLite does not say of a file that it cannot open.
Result<void> CheckFile(const SqliteOptions& options) {
  DELTALAKEDB_ASSIGN(const bool is_there, CheckDatabaseFile(options.path, options.may_create));
  // SQLite takes anything this short for a database that is still empty.
  struct stat status = {};
  if (is_there && ::stat(options.path.c_str(), &status) == 0 && status.st_size > 0 &&
      status.st_size < kDatabaseBytesMin) {
    return Fail(Error(ErrorCode::kCorrupt, options.path + " is too short to be a database")
                    .With("database", options.path));
  }
  return {};
}

std::string EncodedForUri(std::string_view path) {
  std::string encoded;
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      encoded.push_back(c);
    }
  }
  return encoded;
}

Result<std::unique_ptr<SqliteConnection>> OpenAs(const std::string& name, int flags,
                                                 const SqliteOptions& options) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  auto connection = std::make_unique<SqliteConnection>(Handle(opened), options);
  if (code != SQLITE_OK) return Fail(connection->ErrorAt("opening it", code));
  sqlite3_busy_timeout(opened, static_cast<int>(options.busy_wait_max.count()));
  const std::string settings =
      fmt::format("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -{}",
                  kSqliteCacheKib);
  DELTALAKEDB_TRY(connection->RunScript("settings", settings));
  // The first read shows whether this is a database.
  DELTALAKEDB_TRY(connection->RunScript("opening it", "PRAGMA schema_version"));
  return connection;
}

// Counting allocations takes a lock each time. Has no effect where the program has used SQLite
// before, which does no harm.
void ConfigureOnce() {
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(configured);
}

}  // namespace

bool IsTransientSqliteCode(std::int64_t extended) {
  return extended == SQLITE_BUSY_RECOVERY || extended == SQLITE_BUSY_SNAPSHOT ||
         extended == SQLITE_PROTOCOL;
}

Result<std::unique_ptr<Connection>> OpenSqlite(const SqliteOptions& options) {
  ConfigureOnce();
  if (options.path == ":memory:") {
    return OpenAs(options.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options);
  }
  DELTALAKEDB_TRY(CheckFile(options));
  // A leading "./" keeps a name such as "file:x" from being taken for a URI.
  const std::string name = options.path.starts_with('/') ? options.path : "./" + options.path;
  // Reading a database takes a shared-memory file beside it, which somebody who may not write
  // either cannot make or would leave behind for those who may. Where no WAL holds newer pages the
  // file can be read as it lies there (SQLite, Read-Only WAL-mode Databases).
  struct stat status = {};
  const bool has_wal = ::stat((options.path + "-wal").c_str(), &status) == 0 && status.st_size > 0;
  const bool can_share = IsWritable(options.path) && IsWritable(FolderOf(options.path));
  if (!options.may_write && !can_share && !has_wal) {
    DELTALAKEDB_ASSIGN(auto connection, OpenAs("file:" + EncodedForUri(name) + "?immutable=1",
                                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, options));
    DELTALAKEDB_TRY(connection->WatchFile());
    return connection;
  }
  // A file that is write-protected is opened for reading by this too.
  return OpenAs(name, SQLITE_OPEN_READWRITE | (options.may_create ? SQLITE_OPEN_CREATE : 0),
                options);
}

}  // namespace deltalakedb::store
