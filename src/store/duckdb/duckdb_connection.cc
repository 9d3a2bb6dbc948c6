#include "store/duckdb/duckdb_connection.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/try.h"
#include "store/duckdb/duckdb_errors.h"
#include "store/duckdb/duckdb_held_rows.h"
#include "store/duckdb/duckdb_instance.h"
#include "store/duckdb/duckdb_values.h"
#include "store/rows.h"

namespace deltalakedb::store {

namespace {

// Outside of transactions, so many rows go in by statement; creating an appender takes longer.
constexpr std::size_t kRowsByStatementMax = 4;
// Rows that a stream which is read in parts has in memory, half of what DuckDB stores together.
constexpr std::int64_t kRowsPerPart = 61'440;

class DuckDbConnection;

class DuckDbCursor final : public Cursor {
 public:
  DuckDbCursor(DuckDbConnection& connection, StatementId id, std::unique_ptr<DuckDbResult> result,
               const std::vector<duckdb_type>& types)
      : connection_(connection),
        id_(id),
        result_(std::move(result)),
        rows_(types),
        column_count_(static_cast<int>(types.size())) {}
  DuckDbCursor(const DuckDbCursor&) = delete;
  DuckDbCursor& operator=(const DuckDbCursor&) = delete;
  ~DuckDbCursor() override;

  Result<bool> Next() override;
  int column_count() const override { return column_count_; }
  std::string_view column_name(int column) const override {
    const char* const name =
        DuckDb().column_name(result_->get(), static_cast<std::uint64_t>(column));
    return name == nullptr ? "" : name;
  }
  bool IsNull(int column) const override { return rows_.IsNull(column); }
  std::int64_t Int(int column) const override { return rows_.Int(column); }
  std::string_view Text(int column) const override { return rows_.Bytes(column); }
  std::string_view Bytes(int column) const override { return rows_.Bytes(column); }
  Value Get(int column) const override { return rows_.Get(column); }

  // Before something else runs on the connection, which ends the stream of this one: what is left
  // of it is held from now on.
  void HoldRest();
  // The transaction is over, and with it the stream.
  void Abandon() { is_abandoned_ = true; }

 private:
  // Null at the end.
  Result<DuckDbChunk> Fetch();
  Result<DuckDbChunk> NextChunk();

  DuckDbConnection& connection_;
  StatementId id_;
  std::unique_ptr<DuckDbResult> result_;
  DuckDbRows rows_;
  int column_count_;
  std::deque<DuckDbChunk> held_;
  std::optional<Error> held_error_;  // after what is held
  bool is_fetched_ = false;          // to its end
  bool is_done_ = false;
  bool is_abandoned_ = false;
};

// A table's rows by a statement that takes the first and the last file id of a part: so many of
// them are sorted and in memory at a time, and anything may run between two parts. Ids have no
// gaps; behind the first one comes all the rest at once.
class DuckDbPartsCursor final : public Cursor {
 public:
  // `first` is that of the first part, which begins with `first_id`.
  DuckDbPartsCursor(Connection& connection, StatementId id, std::int64_t first_id,
                    std::unique_ptr<Cursor> first)
      : connection_(connection),
        id_(id),
        part_(std::move(first)),
        next_id_(first_id + kRowsPerPart),
        last_id_(first_id + kFileIdsPerTable - 1) {}

  Result<bool> Next() override;
  int column_count() const override { return part_->column_count(); }
  std::string_view column_name(int column) const override { return part_->column_name(column); }
  bool IsNull(int column) const override { return part_->IsNull(column); }
  std::int64_t Int(int column) const override { return part_->Int(column); }
  std::string_view Text(int column) const override { return part_->Text(column); }
  std::string_view Bytes(int column) const override { return part_->Bytes(column); }
  Value Get(int column) const override { return part_->Get(column); }

 private:
  Connection& connection_;
  StatementId id_;
  std::unique_ptr<Cursor> part_;
  std::int64_t rows_ = 0;  // of the part so far
  std::int64_t next_id_;
  std::int64_t last_id_;
};

Result<bool> DuckDbPartsCursor::Next() {
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, part_->Next());
    rows_ += has_row ? 1 : 0;
    if (has_row || next_id_ > last_id_) return has_row;
    const std::int64_t first = next_id_;
    next_id_ = std::exchange(rows_, 0) < kRowsPerPart ? last_id_ + 1 : first + kRowsPerPart;
    const std::array<Value, 2> parameters = {first, next_id_ - 1};
    DELTALAKEDB_ASSIGN(part_, connection_.Query(id_, parameters));
  }
}

// Interrupts a connection when it takes too long. (Working on a statement task by task would do
// without a thread, but loses the types of errors.)
class Watch {
 public:
  Watch(duckdb_connection connection, std::chrono::milliseconds limit,
        std::atomic<bool>& is_timed_out)
      : thread_([=, this, &is_timed_out](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          if (ended_.wait_for(lock, stop, limit, [&] { return stop.stop_requested(); })) return;
          if (stop.stop_requested()) return;
          is_timed_out = true;
          DuckDb().interrupt(connection);
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;  // goes first
};

class DuckDbConnection final : public Connection {
 public:
  DuckDbConnection(std::shared_ptr<DuckDbInstance> instance, DuckDbConnectionHandle handle,
                   const DuckDbOptions& options)
      : options_(options), instance_(std::move(instance)), handle_(std::move(handle)) {}
  DuckDbConnection(const DuckDbConnection&) = delete;
  DuckDbConnection& operator=(const DuckDbConnection&) = delete;
  ~DuckDbConnection() override { DuckDbConnection::Rollback(); }

  Dialect dialect() const override { return options_.dialect; }
  Result<void> Begin(TransactionMode mode) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;
  Result<std::unique_ptr<Cursor>> Query(StatementId statement,
                                        std::span<const Value> parameters) override {
    DELTALAKEDB_ASSIGN(auto cursor, Open(statement, parameters, /*is_stream=*/false));
    return cursor;
  }
  // In parts where the statement is made for that. The rest of any other is held in memory as soon
  // as something else runs.
  Result<std::unique_ptr<Cursor>> Stream(StatementId statement,
                                         std::span<const Value> parameters) override;
  Result<std::unique_ptr<Cursor>> StreamAlone(StatementId statement,
                                              std::span<const Value> parameters) override {
    DELTALAKEDB_ASSIGN(auto cursor, Open(statement, parameters, /*is_stream=*/true));
    streaming_ = cursor.get();
    return cursor;
  }
  Result<void> QueryMany(StatementId statement, std::size_t columns,
                         std::span<const Value> parameters, const VisitAnswer& visit) override;
  Result<std::unique_ptr<Cursor>> QueryLists(StatementId statement, std::size_t columns,
                                             std::span<const Value> parameters) override;
  Result<std::int64_t> Execute(StatementId statement, std::span<const Value> parameters) override;
  Result<void> ExecuteMany(StatementId statement, std::size_t columns,
                           std::span<const Value> parameters) override;
  bool IsHealthy() const noexcept override { return is_healthy_; }
  void Cancel() noexcept override { DuckDb().interrupt(handle_.get()); }
  Result<void> PrepareForSharing() override { return {}; }
  Result<void> RunScript(std::string_view name, std::string_view sql) override;

 private:
  friend class DuckDbCursor;

  Error ErrorAt(StatementId id, duckdb_error_type type, const char* words);
  Error ErrorOf(std::string_view what, DuckDbResult& result);
  Error CommitError(DuckDbResult& result);
  Error AppenderError(StatementId id, duckdb_appender appender);
  Result<void> Run(const char* sql);

  Result<duckdb_prepared_statement> FindPrepared(StatementId id);
  Error PrepareError(StatementId id, const std::string& text);
  Result<void> CheckCount(StatementId id, std::size_t wanted, std::size_t given) const;
  Result<void> BindAll(StatementId id, duckdb_prepared_statement statement,
                       std::span<const Value> parameters) const;

  // Before a statement of this text runs: what it may see goes in, and no stream is lost.
  Result<void> MakeReady(std::string_view text);
  Result<std::unique_ptr<DuckDbResult>> Run(StatementId id, duckdb_prepared_statement statement,
                                            bool is_stream);
  // For as long as a statement runs.
  std::optional<Watch> MakeWatch() {
    is_timed_out_ = false;
    if (options_.statement_timeout.count() == 0) return std::nullopt;
    return std::optional<Watch>(std::in_place, handle_.get(), options_.statement_timeout,
                                is_timed_out_);
  }
  Result<std::unique_ptr<DuckDbCursor>> Open(StatementId id, std::span<const Value> parameters,
                                             bool is_stream);
  std::unique_ptr<DuckDbCursor> MakeCursor(StatementId id, std::unique_ptr<DuckDbResult> result);

  Result<std::unique_ptr<DuckDbResult>> RunAtOnce(StatementId id,
                                                  duckdb_prepared_statement statement,
                                                  std::size_t columns,
                                                  std::span<const Value> parameters);
  Result<DuckDbHeldRows*> FindHeld(StatementId id);
  Result<void> Flush(StatementId id, DuckDbHeldRows& held);
  // In a transaction of its own where there is none: work().
  template <typename Work>
  auto InTransaction(Work work) -> decltype(work());
  void EndTransaction() noexcept;

  DuckDbOptions options_;
  std::shared_ptr<DuckDbInstance> instance_;
  DuckDbConnectionHandle handle_;
  std::array<DuckDbPrepared, kStatementCount> prepared_;
  std::map<StatementId, DuckDbHeldRows> held_;
  DuckDbCursor* streaming_ = nullptr;
  bool is_in_transaction_ = false;
  bool is_writer_ = false;
  std::atomic<bool> is_timed_out_ = false;
  bool is_healthy_ = true;
};

// ---- cursors ------------------------------------------------------------------------------------

DuckDbCursor::~DuckDbCursor() {
  if (connection_.streaming_ == this) connection_.streaming_ = nullptr;
}

Result<DuckDbChunk> DuckDbCursor::Fetch() {
  DuckDbChunk chunk(DuckDb().fetch_chunk(*result_->get()));
  if (chunk != nullptr) return chunk;
  is_fetched_ = true;
  if (connection_.streaming_ == this) connection_.streaming_ = nullptr;
  const duckdb_error_type type = DuckDb().result_error_type(result_->get());
  if (type == DUCKDB_ERROR_INVALID) return chunk;
  return Fail(connection_.ErrorAt(id_, type, DuckDb().result_error(result_->get())));
}

void DuckDbCursor::HoldRest() {
  while (!is_fetched_) {
    auto chunk = Fetch();
    if (!chunk) {
      held_error_ = std::move(chunk).error();
    } else if (*chunk != nullptr) {
      held_.push_back(*std::move(chunk));
    }
  }
}

Result<DuckDbChunk> DuckDbCursor::NextChunk() {
  if (!held_.empty()) {
    DuckDbChunk chunk = std::move(held_.front());
    held_.pop_front();
    return chunk;
  }
  if (held_error_) return Fail(*std::exchange(held_error_, std::nullopt));
  if (is_fetched_) return DuckDbChunk();
  if (is_abandoned_) {
    return Fail(ErrorCode::kInternal,
                fmt::format("{}: rows were asked for after the end of their transaction",
                            StatementName(id_)));
  }
  return Fetch();
}

Result<bool> DuckDbCursor::Next() {
  if (is_done_) return false;
  while (!rows_.Next()) {
    auto chunk = NextChunk();
    is_done_ = !chunk || *chunk == nullptr;
    if (!chunk) return Fail(std::move(chunk).error());
    if (is_done_) return false;
    rows_.Take(*std::move(chunk));
  }
  return true;
}

// ---- errors -------------------------------------------------------------------------------------

Error DuckDbConnection::ErrorAt(StatementId id, duckdb_error_type type, const char* words) {
  if (IsFatalDuckDbError(type)) is_healthy_ = false;
  const std::string name(StatementName(id));
  if (type == DUCKDB_ERROR_INTERRUPT && is_timed_out_) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("DuckDB database {}: no answer within {} ms, the URI's option "
                             "statement_timeout ({})",
                             options_.path, options_.statement_timeout.count(), name))
        .With("database", options_.path)
        .With("duckdbErrorType", std::int64_t{type})
        .With("statement", name);
  }
  return DuckDbError(options_.path, name, type, words == nullptr ? "" : words)
      .With("statement", name);
}

Error DuckDbConnection::ErrorOf(std::string_view what, DuckDbResult& result) {
  const duckdb_error_type type = DuckDb().result_error_type(result.get());
  if (IsFatalDuckDbError(type)) is_healthy_ = false;
  const char* const words = DuckDb().result_error(result.get());
  return DuckDbError(options_.path, what, type, words == nullptr ? "" : words);
}

Error DuckDbConnection::AppenderError(StatementId id, duckdb_appender appender) {
  const DuckDbErrorData data(DuckDb().appender_error_data(appender));
  return ErrorAt(id, DuckDb().error_data_error_type(data.get()),
                 DuckDb().error_data_message(data.get()));
}

Error DuckDbConnection::CommitError(DuckDbResult& result) {
  if (!is_writer_) return ErrorOf("COMMIT", result);
  const duckdb_error_type type = DuckDb().result_error_type(result.get());
  if (IsFatalDuckDbError(type)) is_healthy_ = false;
  const char* const words = DuckDb().result_error(result.get());
  return DuckDbCommitError(options_.path, type, words == nullptr ? "" : words);
}

Result<void> DuckDbConnection::Run(const char* sql) {
  DuckDbResult result;
  if (DuckDb().query(handle_.get(), sql, result.get()) == DuckDBSuccess) return {};
  return Fail(ErrorOf(sql, result));
}

// ---- transactions -------------------------------------------------------------------------------

Result<void> DuckDbConnection::Begin(TransactionMode mode) {
  if (mode == TransactionMode::kWrite) {
    DELTALAKEDB_TRY(instance_->LockForWriting(options_.busy_wait_max));
    is_writer_ = true;
  }
  auto begun = Run("BEGIN TRANSACTION");
  is_in_transaction_ = begun.has_value();
  if (!begun) EndTransaction();
  return begun;
}

void DuckDbConnection::EndTransaction() noexcept {
  held_.clear();
  if (streaming_ != nullptr) streaming_->Abandon();
  streaming_ = nullptr;
  is_in_transaction_ = false;
  if (std::exchange(is_writer_, false)) instance_->UnlockForWriting();
}

Result<void> DuckDbConnection::Commit() {
  auto done = [&]() -> Result<void> {
    for (auto& [id, held] : held_) DELTALAKEDB_TRY(Flush(id, held));
    DuckDbResult result;
    if (DuckDb().query(handle_.get(), "COMMIT", result.get()) == DuckDBSuccess) return {};
    return Fail(CommitError(result));
  }();
  if (done) {
    EndTransaction();
  } else {
    Rollback();
  }
  return done;
}

void DuckDbConnection::Rollback() noexcept {
  if (!is_in_transaction_) return;
  held_.clear();
  DuckDbResult result;
  DuckDb().query(handle_.get(), "ROLLBACK", result.get());
  EndTransaction();
}

template <typename Work>
auto DuckDbConnection::InTransaction(Work work) -> decltype(work()) {
  if (is_in_transaction_) return work();
  DELTALAKEDB_TRY(Begin(TransactionMode::kWrite));
  auto result = work();
  if (!result) {
    Rollback();
    return result;
  }
  DELTALAKEDB_TRY(Commit());
  return result;
}

// ---- statements ---------------------------------------------------------------------------------

// The library tells why a statement cannot be prepared in words only, but an error of PREPARE has a
// type.
Error DuckDbConnection::PrepareError(StatementId id, const std::string& text) {
  DuckDbResult result;
  const std::string again = "PREPARE dl_refused AS " + text;
  if (DuckDb().query(handle_.get(), again.c_str(), result.get()) != DuckDBSuccess) {
    return ErrorOf(StatementName(id), result).With("statement", std::string(StatementName(id)));
  }
  DuckDbResult dropped;
  DuckDb().query(handle_.get(), "DEALLOCATE dl_refused", dropped.get());
  return ErrorAt(id, DUCKDB_ERROR_INTERNAL, "it could not be prepared");
}

Result<duckdb_prepared_statement> DuckDbConnection::FindPrepared(StatementId id) {
  DuckDbPrepared& prepared = prepared_[static_cast<std::size_t>(id)];
  if (prepared != nullptr) return prepared.get();
  const std::string text(StatementText(options_.dialect, id));
  if (streaming_ != nullptr) streaming_->HoldRest();
  duckdb_prepared_statement made = nullptr;
  const auto state = DuckDb().prepare(handle_.get(), text.c_str(), &made);
  DuckDbPrepared statement(made);
  if (state != DuckDBSuccess) return Fail(PrepareError(id, text));
  prepared = std::move(statement);
  return prepared.get();
}

Result<void> DuckDbConnection::CheckCount(StatementId id, std::size_t wanted,
                                          std::size_t given) const {
  if (wanted == given) return {};
  return Fail(ErrorCode::kInternal, fmt::format("the statement {} takes {} parameters and got {}",
                                                StatementName(id), wanted, given));
}

Result<void> DuckDbConnection::BindAll(StatementId id, duckdb_prepared_statement statement,
                                       std::span<const Value> parameters) const {
  DELTALAKEDB_TRY(CheckCount(id, DuckDb().nparams(statement), parameters.size()));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    DELTALAKEDB_TRY(BindDuckDbValue(statement, i + 1, parameters[i]));
  }
  return {};
}

Result<void> DuckDbConnection::MakeReady(std::string_view text) {
  if (streaming_ != nullptr) streaming_->HoldRest();
  for (auto& [id, held] : held_) {
    if (held.is_empty() || !text.contains(InsertTargetOf(id).table)) continue;
    DELTALAKEDB_TRY(Flush(id, held));
  }
  return {};
}

Result<std::unique_ptr<DuckDbResult>> DuckDbConnection::Run(StatementId id,
                                                            duckdb_prepared_statement statement,
                                                            bool is_stream) {
  const auto watch = MakeWatch();
  auto result = std::make_unique<DuckDbResult>();
  const auto state = (is_stream ? DuckDb().execute_prepared_streaming : DuckDb().execute_prepared)(
      statement, result->get());
  if (state == DuckDBSuccess) return result;
  return Fail(
      ErrorAt(id, DuckDb().result_error_type(result->get()), DuckDb().result_error(result->get())));
}

std::unique_ptr<DuckDbCursor> DuckDbConnection::MakeCursor(StatementId id,
                                                           std::unique_ptr<DuckDbResult> result) {
  std::vector<duckdb_type> types(DuckDb().column_count(result->get()));
  for (std::size_t i = 0; i < types.size(); ++i) {
    types[i] = DuckDb().column_type(result->get(), i);
  }
  return std::make_unique<DuckDbCursor>(*this, id, std::move(result), types);
}

Result<std::unique_ptr<DuckDbCursor>> DuckDbConnection::Open(StatementId id,
                                                             std::span<const Value> parameters,
                                                             bool is_stream) {
  DELTALAKEDB_TRY(MakeReady(StatementText(options_.dialect, id)));
  DELTALAKEDB_ASSIGN(const duckdb_prepared_statement statement, FindPrepared(id));
  DELTALAKEDB_TRY(BindAll(id, statement, parameters));
  DELTALAKEDB_ASSIGN(auto result, Run(id, statement, is_stream));
  return MakeCursor(id, std::move(result));
}

Result<std::unique_ptr<Cursor>> DuckDbConnection::Stream(StatementId statement,
                                                         std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(const duckdb_prepared_statement prepared, FindPrepared(statement));
  const bool is_in_parts = parameters.size() == 1 && DuckDb().nparams(prepared) == 2;
  if (!is_in_parts) return StreamAlone(statement, parameters);
  DELTALAKEDB_ASSIGN(const auto range, Query(StatementId::kFindFirstFileId, parameters));
  DELTALAKEDB_ASSIGN(const bool has_range, range->Next());
  const std::int64_t first_id = has_range ? range->Int(0) : 0;
  const std::array<Value, 2> part = {first_id, first_id + kRowsPerPart - 1};
  DELTALAKEDB_ASSIGN(auto first, Query(statement, part));
  return std::make_unique<DuckDbPartsCursor>(*this, statement, first_id, std::move(first));
}

Result<void> DuckDbConnection::QueryMany(StatementId statement, std::size_t columns,
                                         std::span<const Value> parameters,
                                         const VisitAnswer& visit) {
  return InTransaction([&]() -> Result<void> {
    for (std::size_t i = 0; i * columns < parameters.size(); ++i) {
      DELTALAKEDB_ASSIGN(const auto row,
                         Query(statement, parameters.subspan(i * columns, columns)));
      DELTALAKEDB_ASSIGN(const bool has_row, row->Next());
      DELTALAKEDB_TRY(visit(i, has_row ? row.get() : nullptr));
    }
    return {};
  });
}

// ---- rows that go in ----------------------------------------------------------------------------

Result<DuckDbHeldRows*> DuckDbConnection::FindHeld(StatementId id) {
  if (const auto found = held_.find(id); found != held_.end()) return &found->second;
  if (streaming_ != nullptr) streaming_->HoldRest();
  const InsertTarget target = InsertTargetOf(id);
  duckdb_appender made = nullptr;
  auto state = DuckDb().appender_create_ext(handle_.get(), nullptr, nullptr,
                                            std::string(target.table).c_str(), &made);
  DuckDbAppender appender(made);
  for (std::size_t i = 0; i < target.columns.size() && state == DuckDBSuccess; ++i) {
    state = DuckDb().appender_add_column(made, std::string(target.columns[i]).c_str());
  }
  if (state != DuckDBSuccess) return Fail(AppenderError(id, made));
  std::vector<duckdb_type> types;
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    const DuckDbType type(DuckDb().appender_column_type(made, i));
    types.push_back(DuckDb().get_type_id(type.get()));
  }
  return &held_.try_emplace(id, std::move(appender), std::move(types)).first->second;
}

Result<void> DuckDbConnection::Flush(StatementId id, DuckDbHeldRows& held) {
  if (held.is_empty()) return {};
  if (streaming_ != nullptr) streaming_->HoldRest();
  const auto watch = MakeWatch();
  if (held.Flush()) return {};
  return Fail(AppenderError(id, held.appender()));
}

Result<void> DuckDbConnection::ExecuteMany(StatementId statement, std::size_t columns,
                                           std::span<const Value> parameters) {
  const InsertTarget target = InsertTargetOf(statement);
  const bool is_few = columns == 0 || parameters.size() <= columns * kRowsByStatementMax;
  if (!target.table.empty() && (is_in_transaction_ || !is_few)) {
    DELTALAKEDB_TRY(CheckCount(statement, target.columns.size(), columns));
    return InTransaction([&]() -> Result<void> {
      DELTALAKEDB_ASSIGN(DuckDbHeldRows* const held, FindHeld(statement));
      DELTALAKEDB_ASSIGN(const bool is_taken, held->Append(columns, parameters));
      if (!is_taken) return Fail(AppenderError(statement, held->appender()));
      return held->is_full() ? Flush(statement, *held) : Result<void>();
    });
  }
  return InTransaction([&]() -> Result<void> {
    DELTALAKEDB_ASSIGN(const duckdb_prepared_statement prepared, FindPrepared(statement));
    if (columns > 0 && DuckDb().param_type(prepared, 1) == DUCKDB_TYPE_LIST) {
      DELTALAKEDB_TRY(RunAtOnce(statement, prepared, columns, parameters));
      return {};
    }
    std::size_t begin = 0;
    do {
      DELTALAKEDB_TRY(Open(statement, parameters.subspan(begin, columns), /*is_stream=*/false));
      begin += columns;
    } while (begin < parameters.size());
    return {};
  });
}

// A statement whose parameters are lists gets all rows at once.
Result<std::unique_ptr<DuckDbResult>> DuckDbConnection::RunAtOnce(
    StatementId id, duckdb_prepared_statement statement, std::size_t columns,
    std::span<const Value> parameters) {
  DELTALAKEDB_TRY(CheckCount(id, DuckDb().nparams(statement), columns));
  DELTALAKEDB_TRY(MakeReady(StatementText(options_.dialect, id)));
  for (std::size_t i = 1; i <= columns; ++i) {
    DELTALAKEDB_TRY(BindDuckDbList(statement, i, parameters, columns));
  }
  return Run(id, statement, /*is_stream=*/false);
}

Result<std::unique_ptr<Cursor>> DuckDbConnection::QueryLists(StatementId statement,
                                                             std::size_t columns,
                                                             std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(const duckdb_prepared_statement prepared, FindPrepared(statement));
  DELTALAKEDB_ASSIGN(auto result, RunAtOnce(statement, prepared, columns, parameters));
  return MakeCursor(statement, std::move(result));
}

Result<std::int64_t> DuckDbConnection::Execute(StatementId statement,
                                               std::span<const Value> parameters) {
  if (!InsertTargetOf(statement).table.empty()) {
    DELTALAKEDB_TRY(ExecuteMany(statement, parameters.size(), parameters));
    return 1;
  }
  return InTransaction([&]() -> Result<std::int64_t> {
    DELTALAKEDB_TRY(MakeReady(StatementText(options_.dialect, statement)));
    DELTALAKEDB_ASSIGN(const duckdb_prepared_statement prepared, FindPrepared(statement));
    DELTALAKEDB_TRY(BindAll(statement, prepared, parameters));
    DELTALAKEDB_ASSIGN(const auto result, Run(statement, prepared, /*is_stream=*/false));
    return static_cast<std::int64_t>(DuckDb().rows_changed(result->get()));
  });
}

Result<void> DuckDbConnection::RunScript(std::string_view name, std::string_view sql) {
  return InTransaction([&]() -> Result<void> {
    if (streaming_ != nullptr) streaming_->HoldRest();
    for (auto& [id, held] : held_) DELTALAKEDB_TRY(Flush(id, held));
    held_.clear();  // its tables may change
    DuckDbResult result;
    if (DuckDb().query(handle_.get(), std::string(sql).c_str(), result.get()) == DuckDBSuccess) {
      return {};
    }
    return Fail(ErrorOf(name, result));
  });
}

}  // namespace

Result<std::unique_ptr<Connection>> OpenDuckDb(const DuckDbOptions& options) {
  DELTALAKEDB_ASSIGN(auto instance, DuckDbInstance::Open(options));
  DELTALAKEDB_ASSIGN(auto handle, instance->Connect());
  return std::make_unique<DuckDbConnection>(std::move(instance), std::move(handle), options);
}

}  // namespace deltalakedb::store
