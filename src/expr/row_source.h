// Arrow batches as rows that DuckDB's statements read.
//
// Not DuckDB's own scan of Arrow streams: that one leaves conditions and the choice of columns to
// the stream, which gives wrong rows where it does not heed them.
// Thread-safety: belongs to one thread at a time, that of the statement.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>

#include "deltalakedb/result.h"
#include "expr/session.h"

namespace deltalakedb::expr {

class RowSource {
 public:
  // Makes sources known to the connection's database. Once for each.
  static Result<void> Register(duckdb_connection connection);

  // Errors: InvalidArgument (two columns of one name, a type that DuckDB does not know).
  static Result<std::unique_ptr<RowSource>> Make(Session& session,
                                                 std::shared_ptr<arrow::Schema> schema);

  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  // After all statements that name it.
  ~RowSource();

  const arrow::Schema& schema() const;
  // What stands after FROM.
  std::string Reference() const;

  // What the next execution of a statement reads: one batch, or all of a stream. Batches of other
  // types are an error of the statement.
  void Give(std::shared_ptr<arrow::RecordBatch> batch);
  void Give(std::shared_ptr<arrow::RecordBatchReader> reader);

  // Why the stream ended early, if it did.
  const arrow::Status& status() const;

 private:
  struct State;
  explicit RowSource(std::unique_ptr<State> state);
  static void Bind(duckdb_bind_info info);
  static void Begin(duckdb_init_info info);
  static void Next(duckdb_function_info info, duckdb_data_chunk output);

  std::unique_ptr<State> state_;
  std::uint64_t id_;
};

}  // namespace deltalakedb::expr
