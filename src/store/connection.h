// The thin layer that each database's driver implements: statements by name, rows in and out,
// transactions. Everything above it is written once.
//
// Thread-safety: a connection and its cursors belong to one thread at a time.
// Ownership: a cursor uses its connection and dies before it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "deltalakedb/result.h"
#include "store/sql_text.h"
#include "store/value.h"

namespace deltalakedb::store {

// The rows of a query, one at a time.
class Cursor {
 public:
  virtual ~Cursor() = default;
  // Goes to the next row, the first one at first; false at the end. Errors: see Connection.
  virtual Result<bool> Next() = 0;

  // Columns of the current row, from 0. Views live until the next call of Next.
  virtual int column_count() const = 0;
  virtual std::string_view column_name(int column) const = 0;
  virtual bool IsNull(int column) const = 0;
  virtual std::int64_t Int(int column) const = 0;
  virtual std::string_view Text(int column) const = 0;
  virtual std::string_view Bytes(int column) const = 0;
  // Whatever is there, in its own type.
  virtual Value Get(int column) const = 0;

  std::optional<std::int64_t> OptionalInt(int column) const {
    return IsNull(column) ? std::nullopt : std::optional(Int(column));
  }
  std::optional<std::string_view> OptionalText(int column) const {
    return IsNull(column) ? std::nullopt : std::optional(Text(column));
  }
  std::string OwnedText(int column) const { return std::string(Text(column)); }
  std::optional<std::string> OwnedOptionalText(int column) const {
    return IsNull(column) ? std::nullopt : std::optional(OwnedText(column));
  }
};

enum class TransactionMode {
  kRead,   // one unchanging view of the database
  kWrite,  // also takes the right to write, waiting for it
};

// Rows that a statement of a unit takes as lists, one for each column.
struct UnitRows {
  std::size_t columns = 0;
  std::vector<Value> values;  // `columns` of them for each row
};

// A statement of a unit: its parameters, and behind them the lists.
struct UnitStep {
  StatementId statement{};
  std::vector<Value> parameters;
  std::vector<UnitRows> rows;
};

// Errors of all members carry the fact `statement` where one was at fault, and the database's own
// code, and are decided by that code, never by a message: Busy (locked by somebody else for too
// long), Permission, Io (full disk among them), Corrupt (damaged, or no such database), NotFound,
// LimitExceeded, Unavailable, Internal (a mistake of ours).
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Dialect dialect() const = 0;

  virtual Result<void> Begin(TransactionMode mode) = 0;
  // After an error the transaction has been rolled back, but after InDoubt (DuckDB) and where a
  // server's answer was lost: then it may be there.
  virtual Result<void> Commit() = 0;
  // Does nothing without a transaction.
  virtual void Rollback() noexcept = 0;

  // For few rows, which are fetched at once. `parameters` are $1, $2, … and only have to live until
  // the call returns, here and below.
  virtual Result<std::unique_ptr<Cursor>> Query(StatementId statement,
                                                std::span<const Value> parameters) = 0;
  // For many rows, of which only some are held at a time, within a transaction. Other statements
  // may run on the connection meanwhile.
  virtual Result<std::unique_ptr<Cursor>> Stream(StatementId statement,
                                                 std::span<const Value> parameters) = 0;
  // The same as fast as the database gives rows out: nothing else may run on the connection until
  // the cursor is gone.
  virtual Result<std::unique_ptr<Cursor>> StreamAlone(StatementId statement,
                                                      std::span<const Value> parameters) = 0;
  // A statement that gives at most one row, for many rows of parameters, `columns` values each, in
  // their order: `visit` gets the index of each row of parameters and its answer, null for none.
  using VisitAnswer = std::function<Result<void>(std::size_t index, const Cursor* row)>;
  virtual Result<void> QueryMany(StatementId statement, std::size_t columns,
                                 std::span<const Value> parameters, const VisitAnswer& visit) = 0;
  // A statement that takes lists, where the database has such outside of units (DuckDB): one of
  // each of the `columns`.
  virtual Result<std::unique_ptr<Cursor>> QueryLists(StatementId statement, std::size_t columns,
                                                     std::span<const Value> parameters);
  // For statements that give no rows: answers how many were changed.
  virtual Result<std::int64_t> Execute(StatementId statement,
                                       std::span<const Value> parameters) = 0;
  // The same for many rows of parameters, `columns` values each, as fast as the database takes
  // them: what is wrong with one may come to light at the next statement or at Commit.
  virtual Result<void> ExecuteMany(StatementId statement, std::size_t columns,
                                   std::span<const Value> parameters) = 0;
  Result<std::unique_ptr<Cursor>> Query(StatementId statement,
                                        std::initializer_list<Value> parameters) {
    return Query(statement, std::span(parameters.begin(), parameters.size()));
  }
  Result<std::unique_ptr<Cursor>> Stream(StatementId statement,
                                         std::initializer_list<Value> parameters) {
    return Stream(statement, std::span(parameters.begin(), parameters.size()));
  }
  Result<std::unique_ptr<Cursor>> StreamAlone(StatementId statement,
                                              std::initializer_list<Value> parameters) {
    return StreamAlone(statement, std::span(parameters.begin(), parameters.size()));
  }
  Result<std::int64_t> Execute(StatementId statement, std::initializer_list<Value> parameters) {
    return Execute(statement, std::span(parameters.begin(), parameters.size()));
  }
  // All steps in a transaction of their own, in one round trip and with nothing in between: each
  // sees what those before it did, and the first that fails undoes them all. Answers each step's
  // rows; nullopt where the connection was lost once everything was on its way, so that nobody
  // knows whether it was committed. Errors also have the fact `step`, from 0. Only where
  // runs_units().
  using UnitAnswer = std::optional<std::vector<std::unique_ptr<Cursor>>>;
  virtual bool runs_units() const { return false; }
  virtual Result<UnitAnswer> RunUnit(std::span<const UnitStep> steps);
  // Whether it can be used again; a connection that is lost cannot.
  virtual bool IsHealthy() const noexcept = 0;
  // Asks the database to give up what the connection is doing, from any thread: that statement then
  // answers Cancelled. Does nothing when it is idle.
  virtual void Cancel() noexcept = 0;

  // Outside of transactions: makes a new database fit for many processes, where that takes a
  // setting that it remembers.
  virtual Result<void> PrepareForSharing() = 0;
  // Within a write transaction: makes the SQL schema that the URI names, where the database has
  // such and it is not there.
  virtual Result<void> MakeSchema() { return {}; }
  // A migration: several statements without parameters.
  virtual Result<void> RunScript(std::string_view name, std::string_view sql) = 0;
};

inline Result<std::unique_ptr<Cursor>> Connection::QueryLists(StatementId /*statement*/,
                                                              std::size_t /*columns*/,
                                                              std::span<const Value> /*lists*/) {
  return Fail(ErrorCode::kInternal, "this database takes no lists here");
}

inline Result<Connection::UnitAnswer> Connection::RunUnit(std::span<const UnitStep> /*steps*/) {
  return Fail(ErrorCode::kInternal, "this database takes no units");
}

}  // namespace deltalakedb::store
