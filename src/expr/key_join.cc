#include "expr/key_join.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/try.h"
#include "expr/result_batches.h"
#include "expr/row_source.h"
#include "expr/session.h"
#include "expr/statements.h"
#include "protocol/excerpt.h"

namespace deltalakedb::expr {

using store::DuckDb;

namespace {

constexpr const char* kDoing = "joining rows by their keys";
constexpr const char* kIsUnmatched = "deltalakedb_is_unmatched";
constexpr unsigned kJoinThreadsMax = 4;
constexpr int kMemoryMibMin = 64;

Error JoinError(const Failure& failure) {
  if (auto error = SystemError(failure, kDoing)) return *std::move(error);
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}: {}", kDoing, failure.words));
}

Error ArrowError(const arrow::Status& status) {
  ErrorCode code = ErrorCode::kInternal;
  if (status.IsIOError()) code = ErrorCode::kIo;
  if (status.IsInvalid()) code = ErrorCode::kInvalidArgument;
  if (status.IsOutOfMemory() || status.IsCapacityError()) code = ErrorCode::kLimitExceeded;
  return Error(code, fmt::format("{}: {}", kDoing, status.message()));
}

// A folder that goes with its owner.
class SpillFolder {
 public:
  static Result<std::unique_ptr<SpillFolder>> Make() {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    std::string path = ((error ? "/tmp" : parent) / "deltalakedb-join-XXXXXX").native();
    if (::mkdtemp(path.data()) != nullptr) return std::make_unique<SpillFolder>(std::move(path));
    return Fail(ErrorCode::kIo, fmt::format("no folder for temporary files can be made at {}: {}",
                                            path, std::strerror(errno)));
  }
  explicit SpillFolder(std::string path) : path_(std::move(path)) {}
  SpillFolder(const SpillFolder&) = delete;
  SpillFolder& operator=(const SpillFolder&) = delete;
  ~SpillFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Which rows of the source were matched: a bit for each.
class MatchedRows {
 public:
  explicit MatchedRows(std::size_t rows) : words_((rows + 63) / 64) {}
  void Set(std::uint64_t row) { words_[row / 64] |= std::uint64_t{1} << (row % 64); }
  bool Has(std::uint64_t row) const {
    return row / 64 < words_.size() && (words_[row / 64] >> (row % 64) & 1) != 0;
  }

 private:
  std::vector<std::uint64_t> words_;
};

// What the join and the streams that it gives share. Members are destroyed from the last to the
// first: the folder after the database in it.
struct JoinState {
  std::unique_ptr<SpillFolder> folder;
  std::shared_ptr<Database> database;
  std::unique_ptr<Session> session;
  std::shared_ptr<arrow::Schema> schema;  // of the source
  JoinShape shape;
  std::optional<MatchedRows> matched;
};

// `matched` is read by DuckDB's threads while a statement runs, and written between statements.
void IsUnmatched(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const auto& matched =
      *static_cast<const MatchedRows*>(DuckDb().scalar_function_get_extra_info(info));
  const auto* const rows = static_cast<const std::int64_t*>(
      DuckDb().vector_get_data(DuckDb().data_chunk_get_vector(input, 0)));
  auto* const unmatched = static_cast<bool*>(DuckDb().vector_get_data(output));
  const std::uint64_t count = DuckDb().data_chunk_get_size(input);
  for (std::uint64_t i = 0; i < count; ++i) {
    unmatched[i] = !matched.Has(static_cast<std::uint64_t>(rows[i]));
  }
}

Result<void> RegisterIsUnmatched(Session& session, MatchedRows& matched) {
  const store::DuckDbScalarFunction function(DuckDb().create_scalar_function());
  const store::DuckDbType row(DuckDb().create_logical_type(DUCKDB_TYPE_BIGINT));
  const store::DuckDbType truth(DuckDb().create_logical_type(DUCKDB_TYPE_BOOLEAN));
  DuckDb().scalar_function_set_name(function.get(), kIsUnmatched);
  DuckDb().scalar_function_add_parameter(function.get(), row.get());
  DuckDb().scalar_function_set_return_type(function.get(), truth.get());
  DuckDb().scalar_function_set_volatile(function.get());
  DuckDb().scalar_function_set_extra_info(function.get(), &matched, nullptr);
  DuckDb().scalar_function_set_function(function.get(), &IsUnmatched);
  if (DuckDb().register_scalar_function(session.connection(), function.get()) == DuckDBSuccess) {
    return {};
  }
  return Fail(ErrorCode::kInternal, "DuckDB does not take a function that finds unmatched rows");
}

// The source's types where DuckDB's values lie in memory alike, else DuckDB's.
std::shared_ptr<arrow::Schema> OutputSchema(const arrow::Schema& source, const arrow::Schema& given,
                                            int first) {
  arrow::FieldVector fields;
  for (int i = 0; i < source.num_fields(); ++i) {
    const auto& wanted = source.field(i);
    const auto& type = given.field(first + i)->type();
    const bool is_alike =
        wanted->type()->id() == arrow::Type::NA || IsSameLayout(*wanted->type(), *type);
    fields.push_back(is_alike ? wanted : wanted->WithType(type));
  }
  return arrow::schema(std::move(fields));
}

class UnmatchedReader final : public arrow::RecordBatchReader {
 public:
  UnmatchedReader(std::shared_ptr<JoinState> state, std::unique_ptr<Session> session,
                  store::DuckDbPrepared statement, std::unique_ptr<ResultBatches> results)
      : state_(std::move(state)),
        session_(std::move(session)),
        statement_(std::move(statement)),
        results_(std::move(results)),
        schema_(OutputSchema(*state_->schema, *results_->schema(), 0)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    const auto next = results_->Next();
    if (!next) return arrow::Status::IOError(JoinError(next.error()).message());
    *out = nullptr;
    if (*next == nullptr) return arrow::Status::OK();
    const auto relabelled = Relabel(*next, schema_);
    if (!relabelled) return arrow::Status::UnknownError(relabelled.error().message());
    *out = *relabelled;
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<JoinState> state_;
  std::unique_ptr<Session> session_;
  store::DuckDbPrepared statement_;
  std::unique_ptr<ResultBatches> results_;
  std::shared_ptr<arrow::Schema> schema_;
};

class DuckDbKeyJoin final : public KeyJoin {
 public:
  static Result<std::unique_ptr<KeyJoin>> Make(std::shared_ptr<arrow::RecordBatchReader> source,
                                               std::vector<std::string> keys,
                                               const KeyJoinOptions& options);

  ~DuckDbKeyJoin() override {
    // Before the rows that they name.
    find_repeated_.reset();
    match_.reset();
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Match(
      const std::shared_ptr<arrow::RecordBatch>& target) override;
  Result<std::shared_ptr<arrow::RecordBatchReader>> Unmatched() override;
  Result<std::shared_ptr<arrow::RecordBatch>> Bounds(const std::string& key) override;

 private:
  Result<void> Open(const KeyJoinOptions& options);
  Result<void> Load(std::shared_ptr<arrow::RecordBatchReader> source);
  Result<std::int64_t> Count(std::string_view table);
  Result<std::shared_ptr<arrow::RecordBatch>> ReadAll(duckdb_prepared_statement statement);
  Result<std::shared_ptr<arrow::RecordBatch>> Run(const std::string& sql);
  Result<void> PrepareFor(const std::shared_ptr<arrow::Schema>& schema);
  Result<std::shared_ptr<arrow::RecordBatch>> KeysOf(const arrow::RecordBatch& target) const;
  Result<void> CheckUnique();

  std::shared_ptr<JoinState> state_ = std::make_shared<JoinState>();
  std::vector<std::string> keys_;
  bool has_repeated_keys_ = false;
  std::unique_ptr<RowSource> target_;
  std::shared_ptr<arrow::Schema> target_schema_;
  store::DuckDbPrepared find_repeated_;
  store::DuckDbPrepared match_;
};

Result<std::unique_ptr<KeyJoin>> DuckDbKeyJoin::Make(
    std::shared_ptr<arrow::RecordBatchReader> source, std::vector<std::string> keys,
    const KeyJoinOptions& options) {
  auto join = std::make_unique<DuckDbKeyJoin>();
  if (keys.empty()) return Fail(ErrorCode::kInvalidArgument, "rows are joined by one key at least");
  JoinState& state = *join->state_;
  state.schema = source->schema();
  state.shape.columns = static_cast<std::size_t>(state.schema->num_fields());
  for (const std::string& key : keys) {
    const int column = state.schema->GetFieldIndex(key);
    if (column < 0) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the rows have no column {}, which is to be a key",
                                    protocol::Excerpt(key)))
                      .With("column", key));
    }
    state.shape.keys.push_back(static_cast<std::size_t>(column));
  }
  join->keys_ = std::move(keys);
  DELTALAKEDB_TRY(join->Open(options));
  DELTALAKEDB_TRY(join->Load(std::move(source)));
  return join;
}

Result<void> DuckDbKeyJoin::Open(const KeyJoinOptions& options) {
  DELTALAKEDB_TRY(store::LoadDuckDb());
  DELTALAKEDB_ASSIGN(state_->folder, SpillFolder::Make());
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kJoinThreadsMax);
  DELTALAKEDB_ASSIGN(state_->database,
                     Database::Make({.threads = threads,
                                     .memory_mib = std::max(options.memory_mib, kMemoryMibMin),
                                     .temp_path = state_->folder->path()}));
  DELTALAKEDB_ASSIGN(state_->session, Session::Open(state_->database));
  return {};
}

Result<void> DuckDbKeyJoin::Load(std::shared_ptr<arrow::RecordBatchReader> source) {
  Session& session = *state_->session;
  // Its own names may be anything; the statements name columns by position.
  arrow::FieldVector fields;
  for (int i = 0; i < state_->schema->num_fields(); ++i) {
    fields.push_back(state_->schema->field(i)->WithName(fmt::format("c{}", i)));
  }
  DELTALAKEDB_ASSIGN(const auto rows, RowSource::Make(session, arrow::schema(std::move(fields))));
  rows->Give(std::move(source));
  const auto loaded = session.Run(SourceTableStatement(state_->shape, rows->Reference()));
  if (!rows->status().ok()) return Fail(ArrowError(rows->status()));
  if (!loaded) return Fail(JoinError(loaded.error()));
  DELTALAKEDB_ASSIGN(const std::int64_t count, Count(kSourceTable));
  state_->matched.emplace(static_cast<std::size_t>(count));
  if (const auto made = session.Run(RepeatedKeysStatement(state_->shape)); !made) {
    return Fail(JoinError(made.error()));
  }
  DELTALAKEDB_ASSIGN(const std::int64_t repeated, Count(kRepeatedKeysTable));
  has_repeated_keys_ = repeated > 0;
  return RegisterIsUnmatched(session, *state_->matched);
}

Result<std::shared_ptr<arrow::RecordBatch>> DuckDbKeyJoin::ReadAll(
    duckdb_prepared_statement statement) {
  const auto results = ResultBatches::Execute(statement);
  if (!results) return Fail(JoinError(results.error()));
  auto batch = (*results)->ReadAll();
  if (!batch) return Fail(JoinError(batch.error()));
  return *std::move(batch);
}

Result<std::shared_ptr<arrow::RecordBatch>> DuckDbKeyJoin::Run(const std::string& sql) {
  const auto prepared = state_->session->Prepare(sql);
  if (!prepared) return Fail(JoinError(prepared.error()));
  return ReadAll(prepared->get());
}

Result<std::int64_t> DuckDbKeyJoin::Count(std::string_view table) {
  DELTALAKEDB_ASSIGN(const auto batch, Run(CountStatement(table)));
  return static_cast<const arrow::Int64Array&>(*batch->column(0)).Value(0);
}

// The keys and the position of each row.
Result<std::shared_ptr<arrow::RecordBatch>> DuckDbKeyJoin::KeysOf(
    const arrow::RecordBatch& target) const {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const auto column = target.GetColumnByName(keys_[i]);
    if (column == nullptr) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the table's rows have no column {}, which is a key", keys_[i]))
                      .With("column", keys_[i]));
    }
    fields.push_back(arrow::field(fmt::format("t{}", i), column->type()));
    columns.push_back(column);
  }
  arrow::Int64Builder builder;
  if (auto status = builder.Reserve(target.num_rows()); !status.ok())
    return Fail(ArrowError(status));
  for (std::int64_t row = 0; row < target.num_rows(); ++row) builder.UnsafeAppend(row);
  auto rows = builder.Finish();
  if (!rows.ok()) return Fail(ArrowError(rows.status()));
  fields.push_back(arrow::field("row", arrow::int64()));
  columns.push_back(*std::move(rows));
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), target.num_rows(),
                                  std::move(columns));
}

Result<void> DuckDbKeyJoin::PrepareFor(const std::shared_ptr<arrow::Schema>& schema) {
  if (target_schema_ != nullptr && target_schema_->Equals(*schema)) return {};
  find_repeated_.reset();
  match_.reset();
  target_schema_ = nullptr;
  Session& session = *state_->session;
  DELTALAKEDB_ASSIGN(target_, RowSource::Make(session, schema));
  auto match = session.Prepare(MatchStatement(state_->shape, target_->Reference()));
  if (!match) return Fail(JoinError(match.error()));
  match_ = *std::move(match);
  if (has_repeated_keys_) {
    auto find = session.Prepare(FindRepeatedStatement(state_->shape, target_->Reference()));
    if (!find) return Fail(JoinError(find.error()));
    find_repeated_ = *std::move(find);
  }
  target_schema_ = schema;
  return {};
}

// Where keys are repeated, whether the target has none of them.
Result<void> DuckDbKeyJoin::CheckUnique() {
  DELTALAKEDB_ASSIGN(const auto found, ReadAll(find_repeated_.get()));
  if (found->num_rows() == 0) return {};
  std::string values;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const auto& texts = static_cast<const arrow::StringArray&>(*found->column(static_cast<int>(i)));
    values +=
        fmt::format("{}{} = {}", i == 0 ? "" : ", ", keys_[i], protocol::Excerpt(texts.GetView(0)));
  }
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("several of the rows are for one row of the table, {}: leave one "
                                "of them, or join by more keys",
                                values))
                  .With("keys", values));
}

Result<std::shared_ptr<arrow::RecordBatch>> DuckDbKeyJoin::Match(
    const std::shared_ptr<arrow::RecordBatch>& target) {
  DELTALAKEDB_ASSIGN(const auto keys, KeysOf(*target));
  DELTALAKEDB_TRY(PrepareFor(keys->schema()));
  if (has_repeated_keys_) {
    target_->Give(keys);
    DELTALAKEDB_TRY(CheckUnique());
  }
  target_->Give(keys);
  auto matches = ReadAll(match_.get());
  target_->Give(std::shared_ptr<arrow::RecordBatch>());
  if (!matches) return Fail(std::move(matches).error());
  const arrow::RecordBatch& found = **matches;
  const auto& rows = static_cast<const arrow::Int64Array&>(*found.column(1));
  for (std::int64_t i = 0; i < rows.length(); ++i) {
    state_->matched->Set(static_cast<std::uint64_t>(rows.Value(i)));
  }
  const auto without_row = found.RemoveColumn(1);
  if (!without_row.ok()) return Fail(ArrowError(without_row.status()));
  auto fields = OutputSchema(*state_->schema, *(*without_row)->schema(), 1)->fields();
  fields.insert(fields.begin(), arrow::field(std::string(kTargetRow), arrow::int64(), false));
  return Relabel(*without_row, arrow::schema(std::move(fields)));
}

Result<std::shared_ptr<arrow::RecordBatchReader>> DuckDbKeyJoin::Unmatched() {
  // A connection of its own: a statement ends what another of its connection still has to give.
  DELTALAKEDB_ASSIGN(auto session, Session::Open(state_->database));
  auto prepared = session->Prepare(WantedStatement(state_->shape, kIsUnmatched));
  if (!prepared) return Fail(JoinError(prepared.error()));
  auto results = ResultBatches::Execute(prepared->get());
  if (!results) return Fail(JoinError(results.error()));
  return std::make_shared<UnmatchedReader>(state_, std::move(session), *std::move(prepared),
                                           *std::move(results));
}

Result<std::shared_ptr<arrow::RecordBatch>> DuckDbKeyJoin::Bounds(const std::string& key) {
  const auto found = std::ranges::find(keys_, key);
  if (found == keys_.end()) {
    return Fail(
        Error(ErrorCode::kInvalidArgument, fmt::format("{} is no key", key)).With("column", key));
  }
  const std::size_t column = state_->shape.keys[static_cast<std::size_t>(found - keys_.begin())];
  DELTALAKEDB_ASSIGN(const auto bounds, Run(BoundsStatement(column)));
  const auto field = state_->schema->field(static_cast<int>(column));
  const auto types = arrow::schema(
      {field->WithName("min")->WithNullable(true), field->WithName("max")->WithNullable(true)});
  return Relabel(bounds, OutputSchema(*types, *bounds->schema(), 0));
}

}  // namespace

Result<std::unique_ptr<KeyJoin>> KeyJoin::Make(std::shared_ptr<arrow::RecordBatchReader> source,
                                               std::vector<std::string> keys,
                                               const KeyJoinOptions& options) {
  return DuckDbKeyJoin::Make(std::move(source), std::move(keys), options);
}

}  // namespace deltalakedb::expr
