#include "store/postgres/postgres_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "store/postgres/postgres_copy.h"
#include "store/postgres/postgres_rows_internal.h"
#include "store/postgres/postgres_session.h"

namespace deltalakedb::store {

namespace {

// Commands that go out before answers are read.
constexpr std::size_t kBatchCommandsMax = 512;
// What a batch of rows of a stream aims at, and its bounds.
constexpr std::size_t kFetchBytes = 4 * 1024 * 1024;
constexpr std::int64_t kFetchRowsFirst = 64;
constexpr std::int64_t kFetchRowsMax = 16 * 1024;
// What is encoded for COPY before it is sent.
constexpr std::size_t kCopyBytes = 128 * 1024;

class PostgresConnection final : public Connection {
 public:
  PostgresConnection(std::unique_ptr<PostgresSession> session, const Uri& uri)
      : session_(std::move(session)),
        schema_(uri.postgres()->schema),
        prepares_(uri.options()->prepare.value_or(true)),
        statement_timeout_(uri.options()->statement_timeout_ms.value_or(0)) {
    if (statement_timeout_.count() > 0) {
      session_->SetSilenceMax(statement_timeout_ + kSilenceAfterTimeoutMax);
    }
  }

  Dialect dialect() const override { return Dialect::kPostgres; }
  // Settings of the session, where there may be such.
  Result<void> Prepare();

  Result<void> Begin(TransactionMode mode) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;
  Result<std::unique_ptr<Cursor>> Query(StatementId statement,
                                        std::span<const Value> parameters) override;
  Result<std::unique_ptr<Cursor>> Stream(StatementId statement,
                                         std::span<const Value> parameters) override;
  Result<std::unique_ptr<Cursor>> StreamAlone(StatementId statement,
                                              std::span<const Value> parameters) override;
  Result<void> QueryMany(StatementId statement, std::size_t columns,
                         std::span<const Value> parameters, const VisitAnswer& visit) override;
  Result<std::int64_t> Execute(StatementId statement, std::span<const Value> parameters) override;
  Result<void> ExecuteMany(StatementId statement, std::size_t columns,
                           std::span<const Value> parameters) override;
  bool runs_units() const override { return true; }
  Result<UnitAnswer> RunUnit(std::span<const UnitStep> steps) override;
  bool IsHealthy() const noexcept override { return session_->IsHealthy(); }
  void Cancel() noexcept override { session_->Cancel(); }
  Result<void> PrepareForSharing() override { return {}; }
  Result<void> MakeSchema() override;
  Result<void> RunScript(std::string_view name, std::string_view sql) override;

 private:
  friend class FetchCursor;
  friend class CopyCursor;
  enum class Phase { kNone, kToBegin, kOpen };

  // Commands that are on their way together.
  struct Batch {
    std::size_t commands = 0;
    std::optional<StatementId> prepared;  // what it prepares, as its command …
    std::size_t prepared_at = 0;          // … of this number
  };

  Result<Batch> StartBatch();
  Result<void> Queue(Batch& batch, std::string_view sql, std::span<const Value> parameters = {});
  Result<void> QueueSettings(Batch& batch, bool is_local);
  Result<void> QueuePrepare(Batch& batch, StatementId statement);
  Result<void> QueueExecute(Batch& batch, StatementId statement, std::span<const Value> parameters);
  Result<std::vector<PostgresResult>> Finish(Batch& batch, std::string_view what);
  // The results of a statement for each row of parameters, in batches.
  using TakeResult = std::function<Result<void>(std::size_t index, PostgresResult result)>;
  Result<void> RunMany(StatementId statement, std::size_t columns,
                       std::span<const Value> parameters, const TakeResult& take);
  Result<void> CopyIn(StatementId statement, const InsertTarget& target,
                      std::span<const Value> parameters);
  Result<const Description*> Describe(StatementId statement);
  Result<std::vector<std::string>> ListsOf(const UnitStep& step);
  // A transaction of its own for what runs without one where no settings may be left behind.
  Result<bool> BeginOwn();
  Result<void> EndOwn(bool is_own);
  std::string NameOf(StatementId statement) const {
    return prepares_ ? std::string(StatementName(statement)) : std::string();
  }
  Error With(Error error, StatementId statement) const {
    error.AddFact("statement", std::string(StatementName(statement)));
    return error;
  }

  std::unique_ptr<PostgresSession> session_;
  std::string schema_;
  bool prepares_;
  std::chrono::milliseconds statement_timeout_;
  Phase phase_ = Phase::kNone;
  TransactionMode mode_ = TransactionMode::kRead;
  std::int64_t cursors_ = 0;  // so many were opened
  std::array<bool, kStatementCount> is_prepared_{};
  std::array<std::unique_ptr<Description>, kStatementCount> descriptions_;
};

// The rows of a server-side cursor, some at a time.
class FetchCursor final : public ResultCursor {
 public:
  FetchCursor(PostgresConnection& connection, StatementId statement, std::string name,
              PostgresResult first)
      : ResultCursor(std::move(first)),
        connection_(connection),
        statement_(statement),
        name_(std::move(name)) {}
  FetchCursor(const FetchCursor&) = delete;
  FetchCursor& operator=(const FetchCursor&) = delete;
  ~FetchCursor() override;

  Result<bool> Next() override;

 private:
  PostgresConnection& connection_;
  StatementId statement_;
  std::string name_;
  std::int64_t rows_wanted_ = kFetchRowsFirst;
};

// The rows of a COPY.
class CopyCursor final : public FieldsCursor {
 public:
  CopyCursor(PostgresConnection& connection, StatementId statement, const Description& description)
      : connection_(connection),
        statement_(statement),
        description_(description),
        decoder_(description.columns.size()) {
    fields_ = decoder_.fields();
  }
  CopyCursor(const CopyCursor&) = delete;
  CopyCursor& operator=(const CopyCursor&) = delete;
  ~CopyCursor() override {
    if (!is_done_) connection_.session_->AbandonCopyOut();
  }

  std::string_view column_name(int column) const override {
    return description_.names[static_cast<std::size_t>(column)];
  }
  Result<bool> Next() override;

 private:
  PostgresType TypeOf(int column) const override {
    return description_.columns[static_cast<std::size_t>(column)];
  }

  PostgresConnection& connection_;
  StatementId statement_;
  const Description& description_;
  CopyDecoder decoder_;
  UniqueHandle<char, PQfreemem> message_;
  bool is_done_ = false;
};

// ---- batches ------------------------------------------------------------------------------------

std::string_view BeginText(TransactionMode mode) {
  // Each statement of a writer sees what others committed before it began, also while it waited for
  // a lock; a reader sees one moment.
  return mode == TransactionMode::kWrite ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                                         : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
}

Result<void> PostgresConnection::Queue(Batch& batch, std::string_view sql,
                                       std::span<const Value> parameters) {
  const BoundValues bound(parameters);
  const std::string text(sql);
  ++batch.commands;
  return session_->CheckSent(PQsendQueryParams(session_->handle(), text.c_str(), bound.count(),
                                               nullptr, bound.values(), bound.lengths(),
                                               bound.formats(), 1));
}

Result<void> PostgresConnection::QueueSettings(Batch& batch, bool is_local) {
  // A name in search_path is quoted like any other identifier.
  std::string path = "\"";
  for (const char c : schema_) path += c == '"' ? "\"\"" : std::string(1, c);
  path += '"';
  const std::string statement_timeout = std::to_string(statement_timeout_.count());
  const std::string lock_timeout = std::to_string(kPostgresLockWaitMax.count());
  const std::string_view local = is_local ? "true" : "false";
  const std::array<Value, 5> values = {local, path, schema_, statement_timeout, lock_timeout};
  return Queue(batch, StatementText(Dialect::kPostgres, StatementId::kApplySettings), values);
}

Result<PostgresConnection::Batch> PostgresConnection::StartBatch() {
  Batch batch;
  DELTALAKEDB_TRY(session_->StartBatch());
  if (phase_ != Phase::kToBegin) return batch;
  DELTALAKEDB_TRY(Queue(batch, BeginText(mode_)));
  if (!prepares_) DELTALAKEDB_TRY(QueueSettings(batch, /*is_local=*/true));
  phase_ = Phase::kOpen;
  return batch;
}

Result<void> PostgresConnection::QueuePrepare(Batch& batch, StatementId statement) {
  if (is_prepared_[static_cast<std::size_t>(statement)]) return {};
  const std::string text(StatementText(Dialect::kPostgres, statement));
  const std::string name = NameOf(statement);
  if (prepares_) {
    batch.prepared = statement;
    batch.prepared_at = batch.commands;
  }
  ++batch.commands;
  return session_->CheckSent(
      PQsendPrepare(session_->handle(), name.c_str(), text.c_str(), 0, nullptr));
}

Result<void> PostgresConnection::QueueExecute(Batch& batch, StatementId statement,
                                              std::span<const Value> parameters) {
  const BoundValues bound(parameters);
  const std::string name = NameOf(statement);
  ++batch.commands;
  return session_->CheckSent(PQsendQueryPrepared(session_->handle(), name.c_str(), bound.count(),
                                                 bound.values(), bound.lengths(), bound.formats(),
                                                 1));
}

Result<std::vector<PostgresResult>> PostgresConnection::Finish(Batch& batch,
                                                               std::string_view what) {
  std::size_t done = batch.commands;
  auto results = session_->FinishBatch(batch.commands, what, &done);
  // What is prepared stays so, whatever becomes of the transaction.
  if (batch.prepared && done > batch.prepared_at && !session_->is_lost()) {
    is_prepared_[static_cast<std::size_t>(*batch.prepared)] = true;
  }
  return results;
}

Result<void> PostgresConnection::Prepare() {
  if (!prepares_) return {};
  DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
  DELTALAKEDB_TRY(QueueSettings(batch, /*is_local=*/false));
  DELTALAKEDB_TRY(Finish(batch, "settings"));
  return {};
}

// ---- transactions -------------------------------------------------------------------------------

Result<void> PostgresConnection::Begin(TransactionMode mode) {
  if (phase_ != Phase::kNone) return Fail(ErrorCode::kInternal, "a transaction is open already");
  phase_ = Phase::kToBegin;
  mode_ = mode;
  return {};
}

Result<void> PostgresConnection::Commit() {
  if (std::exchange(phase_, Phase::kNone) != Phase::kOpen) return {};
  Batch batch;
  DELTALAKEDB_TRY(session_->StartBatch());
  DELTALAKEDB_TRY(Queue(batch, "COMMIT"));
  DELTALAKEDB_ASSIGN(const auto results, Finish(batch, "COMMIT"));
  // The answer to COMMIT of a transaction that had failed is ROLLBACK, which is no error.
  if (std::string_view(PQcmdStatus(results.back().get())) == "COMMIT") return {};
  return Fail(
      Error(ErrorCode::kInternal,
            fmt::format("{}: a transaction that had failed was to be committed", session_->name()))
          .With("database", session_->name()));
}

void PostgresConnection::Rollback() noexcept {
  if (std::exchange(phase_, Phase::kNone) != Phase::kOpen || session_->is_lost()) return;
  Batch batch;
  if (!session_->StartBatch() || !Queue(batch, "ROLLBACK")) return;
  [[maybe_unused]] const auto results = Finish(batch, "ROLLBACK");
}

Result<bool> PostgresConnection::BeginOwn() {
  if (prepares_ || phase_ != Phase::kNone) return false;
  DELTALAKEDB_TRY(Begin(TransactionMode::kWrite));
  return true;
}

Result<void> PostgresConnection::EndOwn(bool is_own) { return is_own ? Commit() : Result<void>(); }

// ---- statements ---------------------------------------------------------------------------------

Result<void> PostgresConnection::RunMany(StatementId statement, std::size_t columns,
                                         std::span<const Value> parameters,
                                         const TakeResult& take) {
  DELTALAKEDB_ASSIGN(const bool is_own, BeginOwn());
  const std::size_t rows = columns == 0 ? 1 : parameters.size() / columns;
  for (std::size_t row = 0; row < rows;) {
    const std::size_t count = std::min(rows - row, kBatchCommandsMax);
    DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
    DELTALAKEDB_TRY(QueuePrepare(batch, statement));
    for (std::size_t i = 0; i < count; ++i) {
      DELTALAKEDB_TRY(
          QueueExecute(batch, statement, parameters.subspan((row + i) * columns, columns)));
    }
    auto results = Finish(batch, StatementName(statement));
    if (!results) return Fail(With(std::move(results).error(), statement));
    for (std::size_t i = 0; i < count; ++i) {
      DELTALAKEDB_TRY(take(row + i, std::move((*results)[results->size() - count + i])));
    }
    row += count;
  }
  return EndOwn(is_own);
}

Result<std::unique_ptr<Cursor>> PostgresConnection::Query(StatementId statement,
                                                          std::span<const Value> parameters) {
  std::unique_ptr<Cursor> cursor;
  DELTALAKEDB_TRY(RunMany(statement, parameters.size(), parameters,
                          [&](std::size_t, PostgresResult result) -> Result<void> {
                            cursor = std::make_unique<ResultCursor>(std::move(result));
                            return {};
                          }));
  return cursor;
}

Result<void> PostgresConnection::QueryMany(StatementId statement, std::size_t columns,
                                           std::span<const Value> parameters,
                                           const VisitAnswer& visit) {
  return RunMany(statement, columns, parameters,
                 [&](std::size_t index, PostgresResult result) -> Result<void> {
                   ResultCursor row(std::move(result));
                   DELTALAKEDB_ASSIGN(const bool has_row, row.Next());
                   return visit(index, has_row ? &row : nullptr);
                 });
}

Result<std::int64_t> PostgresConnection::Execute(StatementId statement,
                                                 std::span<const Value> parameters) {
  std::int64_t changed = 0;
  DELTALAKEDB_TRY(RunMany(statement, parameters.size(), parameters,
                          [&](std::size_t, const PostgresResult& result) -> Result<void> {
                            changed = std::strtoll(PQcmdTuples(result.get()), nullptr, 10);
                            return {};
                          }));
  return changed;
}

Result<void> PostgresConnection::ExecuteMany(StatementId statement, std::size_t columns,
                                             std::span<const Value> parameters) {
  const InsertTarget target = InsertTargetOf(statement);
  if (!target.table.empty() && parameters.size() / columns >= kCopyRowsMin) {
    auto copied = CopyIn(statement, target, parameters);
    if (!copied) return Fail(With(std::move(copied).error(), statement));
    return {};
  }
  return RunMany(statement, columns, parameters,
                 [](std::size_t, const PostgresResult&) -> Result<void> { return {}; });
}

Result<const Description*> PostgresConnection::Describe(StatementId statement) {
  auto& description = descriptions_[static_cast<std::size_t>(statement)];
  if (description != nullptr) return description.get();
  DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
  DELTALAKEDB_TRY(QueuePrepare(batch, statement));
  const std::string name = NameOf(statement);
  ++batch.commands;
  DELTALAKEDB_TRY(session_->CheckSent(PQsendDescribePrepared(session_->handle(), name.c_str())));
  auto results = Finish(batch, StatementName(statement));
  if (!results) return Fail(With(std::move(results).error(), statement));
  const PGresult* const result = results->back().get();
  auto made = std::make_unique<Description>();
  for (int i = 0; i < PQnparams(result); ++i) {
    made->parameters.push_back(static_cast<PostgresType>(PQparamtype(result, i)));
  }
  for (int i = 0; i < PQnfields(result); ++i) {
    made->columns.push_back(static_cast<PostgresType>(PQftype(result, i)));
    made->names.emplace_back(PQfname(result, i));
  }
  description = std::move(made);
  return description.get();
}

// ---- many rows in -------------------------------------------------------------------------------

Result<void> PostgresConnection::CopyIn(StatementId statement, const InsertTarget& target,
                                        std::span<const Value> parameters) {
  DELTALAKEDB_ASSIGN(const bool is_own, BeginOwn());
  DELTALAKEDB_ASSIGN(const Description* const description, Describe(statement));
  if (phase_ == Phase::kToBegin) {  // COPY cannot go along with other commands
    DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
    DELTALAKEDB_TRY(Finish(batch, "BEGIN"));
  }
  std::string sql = fmt::format("COPY {} (", target.table);
  for (const std::string_view column : target.columns) {
    if (!sql.ends_with('(')) sql += ", ";
    sql += column;
  }
  sql += ") FROM STDIN (FORMAT binary)";
  DELTALAKEDB_TRY(session_->StartCopy(sql, PGRES_COPY_IN, StatementName(statement)));
  CopyEncoder encoder(description->parameters);
  const std::size_t columns = target.columns.size();
  for (std::size_t at = 0; at < parameters.size(); at += columns) {
    DELTALAKEDB_TRY(encoder.AddRow(parameters.subspan(at, columns)));
    if (encoder.bytes().size() < kCopyBytes) continue;
    DELTALAKEDB_TRY(session_->PutCopy(encoder.bytes()));
    encoder.Clear();
  }
  encoder.Finish();
  DELTALAKEDB_TRY(session_->PutCopy(encoder.bytes()));
  DELTALAKEDB_ASSIGN(const std::int64_t rows, session_->FinishCopyIn(StatementName(statement)));
  if (rows != static_cast<std::int64_t>(parameters.size() / columns)) {
    return Fail(ErrorCode::kInternal,
                fmt::format("COPY took {} of {} rows", rows, parameters.size() / columns));
  }
  return EndOwn(is_own);
}

// ---- units --------------------------------------------------------------------------------------

Result<Connection::UnitAnswer> PostgresConnection::RunUnit(std::span<const UnitStep> steps) {
  if (phase_ != Phase::kNone) return Fail(ErrorCode::kInternal, "a unit is its own transaction");
  // A list's type is the server's to say; it is asked once per session.
  for (const UnitStep& step : steps) {
    if (descriptions_[static_cast<std::size_t>(step.statement)] != nullptr) continue;
    DELTALAKEDB_ASSIGN(const bool is_own, BeginOwn());
    DELTALAKEDB_TRY(Describe(step.statement));
    DELTALAKEDB_TRY(EndOwn(is_own));
  }
  std::vector<std::vector<std::string>> lists(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    DELTALAKEDB_ASSIGN(lists[i], ListsOf(steps[i]));
  }
  DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
  if (!prepares_) {
    // Sessions that keep settings have it as their default.
    DELTALAKEDB_TRY(Queue(batch, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"));
    DELTALAKEDB_TRY(QueueSettings(batch, /*is_local=*/true));
  }
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    DELTALAKEDB_TRY(QueuePrepare(batch, steps[i].statement));
    std::vector<Value> parameters = steps[i].parameters;
    for (const std::string& list : lists[i]) parameters.emplace_back(Blob{list});
    at.push_back(batch.commands);
    DELTALAKEDB_TRY(QueueExecute(batch, steps[i].statement, parameters));
  }
  // Without BEGIN all commands up to the synchronization are one transaction, which it commits.
  std::size_t done = batch.commands;
  bool is_sent = false;
  auto results = session_->FinishBatch(batch.commands, "a commit", &done, &is_sent);
  if (!results) {
    if (is_sent && session_->is_lost()) return UnitAnswer();
    const auto failed = std::ranges::find_if(at, [&](std::size_t n) { return n >= done; });
    const std::size_t step = static_cast<std::size_t>(failed - at.begin());
    if (step >= steps.size()) return Fail(std::move(results).error());
    return Fail(With(std::move(results).error(), steps[step].statement)
                    .With("step", static_cast<std::int64_t>(step)));
  }
  UnitAnswer answer(std::in_place);
  for (const std::size_t command : at) {
    answer->push_back(std::make_unique<ResultCursor>(std::move((*results)[command])));
  }
  return answer;
}

Result<std::vector<std::string>> PostgresConnection::ListsOf(const UnitStep& step) {
  std::vector<std::string> lists;
  DELTALAKEDB_ASSIGN(const Description* const description, Describe(step.statement));
  std::size_t parameter = step.parameters.size();
  for (const UnitRows& rows : step.rows) {
    for (std::size_t column = 0; column < rows.columns; ++column, ++parameter) {
      const auto type =
          parameter < description->parameters.size()
              ? ElementOf(static_cast<std::uint32_t>(description->parameters[parameter]))
              : std::nullopt;
      if (!type) {
        return Fail(ErrorCode::kInternal, fmt::format("the statement {} does not take these lists",
                                                      StatementName(step.statement)));
      }
      DELTALAKEDB_ASSIGN(lists.emplace_back(),
                         EncodeList(rows.values, rows.columns, column, *type));
    }
  }
  return lists;
}

// ---- many rows out ------------------------------------------------------------------------------

Result<std::unique_ptr<Cursor>> PostgresConnection::Stream(StatementId statement,
                                                           std::span<const Value> parameters) {
  if (phase_ == Phase::kNone) return Fail(ErrorCode::kInternal, "a stream needs a transaction");
  std::string name = fmt::format("dl_stream_{}", cursors_++);
  const std::string declare = fmt::format("DECLARE {} NO SCROLL CURSOR FOR {}", name,
                                          StatementText(Dialect::kPostgres, statement));
  const std::string fetch = fmt::format("FETCH {} FROM {}", kFetchRowsFirst, name);
  DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
  DELTALAKEDB_TRY(Queue(batch, declare, parameters));
  DELTALAKEDB_TRY(Queue(batch, fetch));
  auto results = Finish(batch, StatementName(statement));
  if (!results) return Fail(With(std::move(results).error(), statement));
  return std::make_unique<FetchCursor>(*this, statement, std::move(name),
                                       std::move(results->back()));
}

FetchCursor::~FetchCursor() {
  if (connection_.phase_ != PostgresConnection::Phase::kOpen || connection_.session_->is_lost() ||
      PQtransactionStatus(connection_.session_->handle()) != PQTRANS_INTRANS) {
    return;
  }
  auto batch = connection_.StartBatch();
  if (!batch || !connection_.Queue(*batch, "CLOSE " + name_)) return;
  [[maybe_unused]] const auto closed = connection_.Finish(*batch, "CLOSE");
}

Result<bool> FetchCursor::Next() {
  DELTALAKEDB_ASSIGN(const bool has_row, ResultCursor::Next());
  if (has_row) return true;
  const std::int64_t rows = PQntuples(result());
  if (rows < rows_wanted_) return false;
  const std::size_t bytes_per_row =
      std::max<std::size_t>(1, PQresultMemorySize(result()) / static_cast<std::size_t>(rows));
  rows_wanted_ = std::clamp<std::int64_t>(static_cast<std::int64_t>(kFetchBytes / bytes_per_row), 1,
                                          kFetchRowsMax);
  const std::string fetch = fmt::format("FETCH {} FROM {}", rows_wanted_, name_);
  DELTALAKEDB_ASSIGN(PostgresConnection::Batch batch, connection_.StartBatch());
  DELTALAKEDB_TRY(connection_.Queue(batch, fetch));
  auto results = connection_.Finish(batch, StatementName(statement_));
  if (!results) return Fail(connection_.With(std::move(results).error(), statement_));
  Replace(std::move(results->back()));
  return ResultCursor::Next();
}

// The name of a type in a cast; empty for one that no parameter of ours has.
std::string_view CastName(PostgresType type) {
  switch (type) {
    case PostgresType::kUuid:
      return "uuid";
    case PostgresType::kInt8:
      return "bigint";
    case PostgresType::kText:
      return "text";
    default:
      return "";
  }
}

// As the input of its type takes it.
std::string TextOf(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  std::string hex;
  if (const auto* blob = std::get_if<Blob>(&value)) {
    for (const char c : blob->bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return hex;
}

// COPY has no parameters of its own: they are settings of the transaction, which are bound. Each is
// a subquery, which is evaluated once and not for every row.
std::string CopyOutText(std::string_view statement, const Description& description) {
  std::string sql = "COPY (";
  for (std::size_t at = 0; at < statement.size(); ++at) {
    std::size_t number = 0;
    if (statement[at] == '$') {
      while (at + 1 < statement.size() && statement[at + 1] >= '0' && statement[at + 1] <= '9') {
        number = number * 10 + static_cast<std::size_t>(statement[++at] - '0');
      }
    }
    if (number == 0) {
      sql += statement[at];
    } else {
      sql += fmt::format("(SELECT current_setting('deltalakedb.p{}')::{})", number,
                         CastName(description.parameters[number - 1]));
    }
  }
  return sql + ") TO STDOUT (FORMAT binary)";
}

Result<std::unique_ptr<Cursor>> PostgresConnection::StreamAlone(StatementId statement,
                                                                std::span<const Value> parameters) {
  if (phase_ == Phase::kNone) return Fail(ErrorCode::kInternal, "a stream needs a transaction");
  DELTALAKEDB_ASSIGN(const Description* const description, Describe(statement));
  const bool is_known = description->parameters.size() == parameters.size() &&
                        std::ranges::none_of(description->parameters, [](PostgresType type) {
                          return CastName(type).empty();
                        });
  if (!is_known) {
    return Fail(ErrorCode::kInternal,
                fmt::format("the statement {} cannot be streamed alone", StatementName(statement)));
  }
  DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string name = fmt::format("deltalakedb.p{}", i + 1);
    const std::string text = TextOf(parameters[i]);
    const std::array<Value, 2> setting = {name, text};
    DELTALAKEDB_TRY(
        Queue(batch, StatementText(Dialect::kPostgres, StatementId::kBindSetting), setting));
  }
  DELTALAKEDB_TRY(Finish(batch, StatementName(statement)));
  const std::string sql = CopyOutText(StatementText(Dialect::kPostgres, statement), *description);
  auto started = session_->StartCopy(sql, PGRES_COPY_OUT, StatementName(statement));
  if (!started) return Fail(With(std::move(started).error(), statement));
  return std::make_unique<CopyCursor>(*this, statement, *description);
}

Result<bool> CopyCursor::Next() {
  if (is_done_) return false;
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, decoder_.NextRow());
    if (has_row) return true;
    auto message = connection_.session_->GetCopy(StatementName(statement_));
    if (!message) {
      is_done_ = true;
      return Fail(connection_.With(std::move(message).error(), statement_));
    }
    message_.reset(message->first);
    if (message->first == nullptr) {
      is_done_ = true;
      return false;
    }
    decoder_.Take({message->first, message->second});
  }
}

// ---- migrations ---------------------------------------------------------------------------------

Result<void> PostgresConnection::MakeSchema() {
  DELTALAKEDB_TRY(Execute(StatementId::kMakeSchema, {}));
  return {};
}

Result<void> PostgresConnection::RunScript(std::string_view name, std::string_view sql) {
  if (phase_ == Phase::kToBegin) {
    DELTALAKEDB_ASSIGN(Batch batch, StartBatch());
    DELTALAKEDB_TRY(Finish(batch, "BEGIN"));
  }
  return session_->RunScript(std::string(sql), name);
}

}  // namespace

Result<std::unique_ptr<Connection>> OpenPostgres(const Uri& uri) {
  DELTALAKEDB_ASSIGN(auto session, PostgresSession::Open(uri));
  auto connection = std::make_unique<PostgresConnection>(std::move(session), uri);
  DELTALAKEDB_TRY(connection->Prepare());
  return connection;
}

}  // namespace deltalakedb::store
