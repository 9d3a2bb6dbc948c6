#include "table/change.h"

#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/try.h"
#include "data/arrow_types.h"
#include "data/data_file_reader.h"
#include "data/row_stream.h"
#include "protocol/features.h"
#include "protocol/json_document.h"
#include "protocol/new_table.h"
#include "protocol/paths.h"
#include "protocol/schema_merge.h"
#include "protocol/table_rules.h"
#include "txn/commit_id.h"
#include "txn/commit_report.h"

namespace deltalakedb::table {

namespace {

constexpr std::size_t kStatsBytesMax = 16UL * 1024 * 1024;  // beyond, they are made anew
constexpr std::string_view kTargetFileSize = "delta.targetFileSize";
constexpr std::string_view kEnableChangeDataFeed = "delta.enableChangeDataFeed";

// The statistics of a file that lost rows: the bounds stay, but no longer need to occur
// (PROTOCOL.md, Statistics).
std::string LooseStats(std::optional<std::string_view> stats, std::int64_t stored_rows) {
  std::string text = fmt::format(R"({{"numRecords":{},"tightBounds":false)", stored_rows);
  if (stats) {
    const auto parsed = protocol::JsonDocument::ParseObject(*stats, kStatsBytesMax);
    if (parsed) {
      parsed->root().ForEachMember([&](std::string_view name, const protocol::JsonValue& value) {
        if (name == "numRecords" || name == "tightBounds") return true;
        text += ',' + nlohmann::json(name).dump() + ':';
        text += value.text();
        return true;
      });
    }
  }
  return text + '}';
}

// "134217728", "128mb", "1g": as Spark reads sizes.
std::optional<std::int64_t> ParseSize(std::string_view text) {
  std::int64_t value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && digits < 15) {
    value = value * 10 + (text[digits++] - '0');
  }
  std::string unit;
  for (const char c : text.substr(digits)) unit += static_cast<char>(c | 0x20);
  constexpr std::int64_t kKibi = 1024;
  if (digits == 0 || value == 0) return std::nullopt;
  if (unit.empty() || unit == "b") return value;
  if (unit == "k" || unit == "kb") return value * kKibi;
  if (unit == "m" || unit == "mb") return value * kKibi * kKibi;
  if (value < kKibi * kKibi && (unit == "g" || unit == "gb")) return value * kKibi * kKibi * kKibi;
  return std::nullopt;
}

std::int64_t TargetFileBytes(const ChangeOptions& options, const Metadata& metadata) {
  if (options.target_file_bytes > 0) return options.target_file_bytes;
  const auto found = metadata.configuration.find(std::string(kTargetFileSize));
  if (found == metadata.configuration.end()) return data::kTargetFileBytes;
  return ParseSize(found->second).value_or(data::kTargetFileBytes);
}

bool KeepsRowIds(const Protocol& protocol, const Metadata& metadata) {
  return protocol::Supports(protocol, "rowTracking") &&
         protocol::IsTrue(metadata, protocol::kEnableRowTracking) &&
         metadata.configuration.contains(std::string(protocol::kMaterializedRowIdColumn)) &&
         metadata.configuration.contains(
             std::string(protocol::kMaterializedRowCommitVersionColumn));
}

// New rows among others that keep their ids: theirs follow from the file and their place in it.
Result<std::shared_ptr<arrow::RecordBatch>> WithoutIdsYet(
    std::shared_ptr<arrow::RecordBatch> rows) {
  for (const std::string_view name : {data::kRowId, data::kRowCommitVersion}) {
    const auto nulls = arrow::MakeArrayOfNull(arrow::int64(), rows->num_rows());
    if (!nulls.ok()) return Fail(data::ToError(nulls.status()));
    auto added = rows->AddColumn(rows->num_columns(), std::string(name), *nulls);
    if (!added.ok()) return Fail(data::ToError(added.status()));
    rows = *std::move(added);
  }
  return rows;
}

std::string ParametersJson(const Operation& operation) {
  std::string text = "{";
  for (const auto& [name, value] : operation.parameters) {
    if (text.size() > 1) text += ',';
    text += nlohmann::json(name).dump() + ':' + value;
  }
  return text + '}';
}

}  // namespace

std::string JsonText(std::string_view text) { return nlohmann::json(text).dump(); }

Change::Change(const txn::WrittenLog& table, const ChangeOptions& options,
               std::shared_ptr<const CommitBase> base)
    : table_(table),
      options_(options),
      base_(std::move(base)),
      metadata_(base_->state.metadata),
      protocol_(base_->state.protocol),
      folder_(data::DataFolder::OfRoot(table.log().table_root())),
      vectors_(table.log().table_root()) {}

Result<std::unique_ptr<Change>> Change::Begin(const txn::WrittenLog& table,
                                              const ChangeOptions& options) {
  DELTALAKEDB_TRY(txn::CheckCommitId(options.commit_id));
  DELTALAKEDB_ASSIGN(CommitBase loaded, table.log().LoadCommitBase(TableVersion::Latest()));
  DELTALAKEDB_TRY(protocol::CheckReadable(loaded.state.protocol));
  DELTALAKEDB_TRY(protocol::CheckWritable(loaded.state.protocol, loaded.state.metadata));
  std::unique_ptr<Change> change(
      new Change(table, options, std::make_shared<const CommitBase>(std::move(loaded))));
  DELTALAKEDB_TRY(change->LookAtTable());
  DELTALAKEDB_ASSIGN(const Timestamp now, table.log().LoadClock());
  change->now_ms_ = now.ms();
  change->report_.commit.version = change->state().version;
  change->report_.commit.timestamp = change->state().timestamp;
  DELTALAKEDB_ASSIGN(change->is_done_, change->FindDone());
  return change;
}

Result<bool> Change::FindDone() {
  if (!options_.commit_id.empty()) {
    DELTALAKEDB_ASSIGN(const auto there, table_.log().FindCommit(options_.commit_id));
    if (there) {
      report_.commit.version = there->version;
      report_.commit.timestamp = there->timestamp;
      report_.commit.commit_id = options_.commit_id;
      return true;
    }
  }
  if (!options_.app_transaction) return false;
  const auto found = state().app_transactions.find(options_.app_transaction->app_id);
  if (found == state().app_transactions.end()) return false;
  report_.commit.is_skipped = found->second.version >= options_.app_transaction->version;
  return report_.commit.is_skipped;
}

Result<void> Change::LookAtTable() {
  DELTALAKEDB_ASSIGN(shape_, data::TableShape::Make(metadata_));
  DELTALAKEDB_TRY(CheckRowsWritable(protocol_, *shape_));
  uses_deletion_vectors_ = protocol::Supports(protocol_, "deletionVectors") &&
                           protocol::IsTrue(metadata_, protocol::kEnableDeletionVectors);
  keeps_row_ids_ = KeepsRowIds(protocol_, metadata_);
  return {};
}

Result<void> Change::SetSchema(std::string_view schema_json) {
  const auto make_uuid = [] { return TableId::MakeRandom().ToString(); };
  DELTALAKEDB_ASSIGN(auto change,
                     protocol::ChangeSchema({protocol_, metadata_}, schema_json, make_uuid));
  if (change.protocol) {
    protocol_ = *std::move(change.protocol);
    has_new_protocol_ = true;
  }
  if (!change.metadata) return {};
  return SetMetadata(*std::move(change.metadata));
}

Result<void> Change::SetMetadata(Metadata metadata) {
  metadata_ = std::move(metadata);
  has_new_metadata_ = true;
  return LookAtTable();
}

Result<void> Change::CheckMayChangeRows() const {
  if (protocol::IsTrue(metadata_, kEnableChangeDataFeed)) {
    return Fail(Error(ErrorCode::kUnsupported,
                      "the table's change data feed would have to be told of single rows, which "
                      "this program does not do; use an engine that does, or set "
                      "delta.enableChangeDataFeed to false")
                    .With("features", "changeDataFeed"));
  }
  return {};
}

Result<std::shared_ptr<const Snapshot>> Change::LoadSnapshot() const {
  return table_.log().LoadSnapshot(TableVersion::At(state().version));
}

std::int64_t Change::target_file_bytes() const { return TargetFileBytes(options_, metadata_); }

Result<void> Change::OpenWriter() {
  if (writer_ != nullptr) return {};
  data::DataWriterOptions options;
  options.root = table_.log().table_root();
  options.target_file_bytes = target_file_bytes();
  options.threads = options_.threads;
  options.with_row_ids = keeps_row_ids_ && writes_row_ids_;
  DELTALAKEDB_ASSIGN(writer_,
                     data::DataWriter::Make(protocol_, metadata_, shape_, std::move(options)));
  DELTALAKEDB_ASSIGN(checks_, RowChecks::Make(metadata_, *shape_));
  return {};
}

Result<void> Change::Write(const std::shared_ptr<arrow::RecordBatch>& rows, RowsAre rows_are) {
  const std::lock_guard lock(mutex_);
  DELTALAKEDB_TRY(OpenWriter());
  if (rows_are == RowsAre::kNew) {
    DELTALAKEDB_TRY(checks_->Check(rows));
  } else {
    report_.rows_copied += rows->num_rows();
  }
  if (!keeps_row_ids_ || !writes_row_ids_ ||
      rows->num_columns() != static_cast<int>(shape_->columns().size())) {
    return writer_->Write(rows);
  }
  DELTALAKEDB_ASSIGN(const auto with_ids, WithoutIdsYet(rows));
  return writer_->Write(with_ids);
}

Result<void> Change::CutFiles() {
  const std::lock_guard lock(mutex_);
  if (writer_ == nullptr) return {};
  return writer_->CutFiles();
}

void Change::NoteRead(const AddFile& add) {
  std::string path;
  protocol::AppendCanonicalPath(add.path, table_.log().table_root(), path);
  const std::lock_guard lock(mutex_);
  reads_.files.insert(std::move(path));
}

void Change::NoteCopied(std::int64_t rows) {
  const std::lock_guard lock(mutex_);
  report_.rows_copied += rows;
}

Result<void> Change::Remove(const AddFile& add, bool data_change) {
  const std::lock_guard lock(mutex_);
  ++report_.files_removed;
  report_.bytes_removed += add.size;
  return staged_.Append(RemoveOf(add, now_ms_, data_change));
}

Result<void> Change::ReplaceVector(const AddFile& add, const std::vector<std::int64_t>& deleted,
                                   std::int64_t stored_rows) {
  const std::lock_guard lock(mutex_);
  DELTALAKEDB_ASSIGN(const data::WrittenVector vector, vectors_.Write(deleted));
  const std::string stats = LooseStats(add.stats, stored_rows);
  AddFile replaced = add;
  replaced.deletion_vector = vector.View();
  replaced.stats = stats;
  replaced.data_change = true;
  DELTALAKEDB_TRY(staged_.Append(RemoveOf(add, now_ms_, /*data_change=*/true)));
  ++report_.vectors_added;
  return staged_.Append(replaced);
}

Result<void> Change::FinishFiles() {
  if (is_finished_) return {};
  is_finished_ = true;
  DELTALAKEDB_TRY(vectors_.Finish());
  if (writer_ == nullptr) return {};
  DELTALAKEDB_ASSIGN(new_files_, writer_->Finish());
  return {};
}

Result<void> Change::StageFiles(bool data_change) {
  DELTALAKEDB_TRY(FinishFiles());
  for (const data::WrittenFile& file : new_files_) {
    std::vector<StringMapEntry> partition_values;
    partition_values.reserve(file.partition_values.size());
    for (const auto& [name, value] : file.partition_values) {
      partition_values.push_back({name, value});
    }
    AddFile add;
    add.path = file.path;
    add.partition_values = partition_values;
    add.size = file.size_bytes;
    add.modification_time = file.modification_time;
    add.data_change = data_change;
    add.stats = file.stats;
    DELTALAKEDB_TRY(staged_.Append(add));
    ++report_.files_added;
    report_.bytes_added += file.size_bytes;
  }
  return {};
}

std::string Change::MetricsJson() const {
  nlohmann::ordered_json metrics;
  const auto set = [&](const char* name, std::int64_t value) {
    metrics[name] = std::to_string(value);
  };
  set("numFiles", report_.files_added);
  set("numAddedFiles", report_.files_added);
  set("numRemovedFiles", report_.files_removed);
  set("numOutputRows", report_.rows_added + report_.rows_updated + report_.rows_copied);
  set("numOutputBytes", report_.bytes_added);
  set("numAddedBytes", report_.bytes_added);
  set("numRemovedBytes", report_.bytes_removed);
  set("numInsertedRows", report_.rows_added);
  set("numDeletedRows", report_.rows_deleted);
  set("numUpdatedRows", report_.rows_updated);
  set("numCopiedRows", report_.rows_copied);
  set("numDeletionVectorsAdded", report_.vectors_added);
  return metrics.dump();
}

Result<ChangeReport> Change::Commit(const Operation& operation, bool data_change) {
  DELTALAKEDB_TRY(StageFiles(data_change));
  if (has_new_protocol_) DELTALAKEDB_TRY(staged_.Append(protocol_));
  if (has_new_metadata_) DELTALAKEDB_TRY(staged_.Append(metadata_));
  if (staged_.empty() && !options_.app_transaction) return report_;
  txn::CommitOptions options;
  options.reads = std::move(reads_);
  options.isolation = options_.isolation;
  options.info.operation = operation.name;
  options.info.operation_parameters = ParametersJson(operation);
  options.info.operation_metrics = operation.metrics.empty() ? MetricsJson() : operation.metrics;
  options.info.user_metadata = options_.user_metadata;
  options.info.engine_info = txn::kEngineInfo;
  if (keeps_row_ids_) options.info.tags["delta.rowTracking.preserved"] = "true";
  options.commit_id = options_.commit_id;
  options.app_transaction = options_.app_transaction;
  DELTALAKEDB_ASSIGN(auto outcome, txn::Commit(table_.log(), base_, staged_, std::move(options)));
  // In doubt the commit may be there, and needs its files.
  if (outcome.kind != txn::CommitOutcome::Kind::kConflicted && !outcome.is_skipped) {
    vectors_.Keep();
    if (writer_ != nullptr) writer_->Keep();
  }
  if (outcome.kind == txn::CommitOutcome::Kind::kCommitted && !outcome.is_skipped) {
    table_.NoteCommitted(outcome.version);
    report_.has_changed = true;
  }
  report_.commit = txn::ToReport(std::move(outcome));
  if (report_.commit.outcome != CommitReport::Outcome::kCommitted) {
    return Fail(std::move(*report_.commit.error).With("commitId", report_.commit.commit_id));
  }
  return report_;
}

Result<ChangeReport> MakeChange(const txn::WrittenLog& table, const ChangeOptions& options,
                                Attempts attempts_allowed,
                                const std::function<Result<ChangeReport>(Change&)>& attempt) {
  for (int attempts = 1;; ++attempts) {
    DELTALAKEDB_ASSIGN(const auto change, Change::Begin(table, options));
    if (change->is_done()) return change->report();
    auto report = attempt(*change);
    const bool is_last = attempts_allowed == Attempts::kOnce || attempts >= options.attempts_max;
    if (report || report.error().code() != ErrorCode::kConflict || is_last) return report;
  }
}

Result<std::shared_ptr<IncomingRows>> TakeIncoming(Change& change,
                                                   std::shared_ptr<arrow::RecordBatchReader> rows,
                                                   SchemaMode mode) {
  if (mode != SchemaMode::kStrict) {
    for (const auto& field : rows->schema()->fields()) {
      if (field->type()->id() != arrow::Type::NA || change.shape()->FindColumn(field->name())) {
        continue;
      }
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the new column {} has nulls of no type; give it one, or leave "
                                    "it out",
                                    field->name()))
                      .With("column", field->name()));
    }
    DELTALAKEDB_ASSIGN(const std::string given, data::DeltaSchemaOf(*rows->schema()));
    std::string schema = given;
    if (mode == SchemaMode::kMerge) {
      const bool may_widen = protocol::IsTrue(change.metadata(), protocol::kEnableTypeWidening);
      DELTALAKEDB_ASSIGN(schema,
                         protocol::MergeSchemas(change.metadata().schema_string.value_or(""), given,
                                                {.may_widen = may_widen}));
    }
    DELTALAKEDB_TRY(change.SetSchema(schema));
  }
  return IncomingRows::Make(std::move(rows), change.shape());
}

}  // namespace deltalakedb::table
