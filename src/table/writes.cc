// Rows in: Append and Overwrite.
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/try.h"
#include "data/row_stream.h"
#include "deltalakedb/table.h"
#include "table/change.h"
#include "table/delta_table_impl.h"
#include "table/incoming_rows.h"
#include "table/row_changes.h"

namespace deltalakedb {

namespace {

using table::Change;
using table::IncomingRows;
using table::JsonText;
using table::LiveFiles;

table::Operation WriteOperation(const Change& change, std::string_view mode,
                                std::string_view where = {}) {
  const std::string columns = nlohmann::json(change.metadata().partition_columns).dump();
  table::Operation operation{
      "WRITE", {{"mode", JsonText(mode)}, {"partitionBy", JsonText(columns)}}, {}};
  if (!where.empty()) operation.parameters.emplace_back("predicate", JsonText(where));
  return operation;
}

// Writes all rows; `check` sees each batch first.
template <typename Check>
Result<void> WriteRows(Change& change, IncomingRows& rows, Check&& check) {
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, rows.NextRows());
    if (batch == nullptr) return {};
    DELTALAKEDB_ASSIGN(auto all,
                       IncomingRows::WithAllColumns(batch, rows.columns(), *change.shape()));
    DELTALAKEDB_TRY(check(all));
    DELTALAKEDB_TRY(change.Write(all, Change::RowsAre::kNew));
    change.report().rows_added += all->num_rows();
  }
}

Result<void> Unchecked(const std::shared_ptr<arrow::RecordBatch>& /*rows*/) { return {}; }

// New rows have to be among those that they replace.
class WhereCheck {
 public:
  static Result<WhereCheck> Make(const Change& change, const expr::Predicate& where) {
    WhereCheck check;
    check.text_ = where.text();
    arrow::FieldVector fields;
    for (const std::string& name : where.columns()) {
      const int position = change.shape()->FindColumn(name).value_or(0);
      check.columns_.push_back(position);
      fields.push_back(change.shape()->arrow_schema()->field(position));
    }
    DELTALAKEDB_ASSIGN(check.evaluator_,
                       expr::Evaluator::Make(arrow::schema(std::move(fields)),
                                             {{"matches", where.text(), arrow::boolean()}}));
    return check;
  }

  Result<void> operator()(const std::shared_ptr<arrow::RecordBatch>& rows) {
    const auto inputs = rows->SelectColumns(columns_);
    if (!inputs.ok()) return Fail(data::ToError(inputs.status()));
    DELTALAKEDB_ASSIGN(const auto answers, evaluator_->Evaluate(*inputs));
    const auto& matches = static_cast<const arrow::BooleanArray&>(*answers->column(0));
    if (matches.true_count() == rows->num_rows()) return {};
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("{} of {} new rows are not among those to be replaced ({}); "
                                  "nothing was written",
                                  rows->num_rows() - matches.true_count(), rows->num_rows(), text_))
                    .With("expression", text_));
  }

 private:
  WhereCheck() = default;
  std::string text_;
  std::vector<int> columns_;
  std::unique_ptr<expr::Evaluator> evaluator_;
};

Result<void> RemoveAll(Change& change) {
  DELTALAKEDB_ASSIGN(const auto snapshot, change.LoadSnapshot());
  DELTALAKEDB_ASSIGN(auto files,
                     LiveFiles::Open(*snapshot, LiveFiles::Stats::kWith, *change.shape(), nullptr));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto file, files.Next());
    if (!file) return {};
    change.report().rows_deleted += table::CountRows(file->add()).value_or(0);
    DELTALAKEDB_TRY(change.Remove(file->add()));
  }
}

// Removes the files of the partitions that new files are in.
Result<void> RemovePartitions(Change& change) {
  DELTALAKEDB_TRY(change.FinishFiles());
  std::set<std::string> partitions;
  for (const data::WrittenFile& file : change.new_files()) {
    std::vector<StringMapEntry> values;
    for (const auto& [name, value] : file.partition_values) values.push_back({name, value});
    DELTALAKEDB_ASSIGN(auto key, table::PartitionKey(*change.shape(), values));
    partitions.insert(std::move(key));
  }
  DELTALAKEDB_ASSIGN(const auto snapshot, change.LoadSnapshot());
  DELTALAKEDB_ASSIGN(auto files,
                     LiveFiles::Open(*snapshot, LiveFiles::Stats::kWith, *change.shape(), nullptr));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto file, files.Next());
    if (!file) break;
    DELTALAKEDB_ASSIGN(const auto key,
                       table::PartitionKey(*change.shape(), file->add().partition_values));
    if (!partitions.contains(key)) continue;
    change.report().rows_deleted += table::CountRows(file->add()).value_or(0);
    DELTALAKEDB_TRY(change.Remove(file->add()));
  }
  change.reads().may_match = [shape = change.shape(),
                              partitions](const txn::WinnerFile::PartitionValues& values) {
    std::vector<StringMapEntry> entries;
    for (const auto& [name, value] : values) entries.push_back({name, value});
    const auto key = table::PartitionKey(*shape, entries);
    return !key || partitions.contains(*key);
  };
  return {};
}

Result<void> CheckOverwrite(const OverwriteOptions& options) {
  if (options.mode == OverwriteMode::kWhere && options.where.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a condition is needed to replace the rows of one");
  }
  if (options.mode != OverwriteMode::kWhere && !options.where.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a condition is for replacing the rows of one only");
  }
  if (options.mode != OverwriteMode::kTable && options.schema_mode == SchemaMode::kOverwrite) {
    return Fail(ErrorCode::kInvalidArgument, "the schema can be replaced only where all rows are");
  }
  return {};
}

}  // namespace

Result<ChangeReport> DeltaTable::Append(ArrowArrayStream* rows, const WriteOptions& options) {
  DELTALAKEDB_ASSIGN(auto reader, data::ImportStream(rows));
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  if (options.schema_mode == SchemaMode::kOverwrite) {
    return Fail(ErrorCode::kInvalidArgument, "the schema can be replaced only where all rows are");
  }
  return table::MakeChange(
      *written, options, table::Attempts::kOnce, [&](Change& change) -> Result<ChangeReport> {
        DELTALAKEDB_ASSIGN(const auto incoming,
                           table::TakeIncoming(change, std::move(reader), options.schema_mode));
        change.BringNewRowsOnly();
        DELTALAKEDB_TRY(WriteRows(change, *incoming, Unchecked));
        return change.Commit(WriteOperation(change, "Append"));
      });
}

Result<ChangeReport> DeltaTable::Overwrite(ArrowArrayStream* rows,
                                           const OverwriteOptions& options) {
  DELTALAKEDB_ASSIGN(auto reader, data::ImportStream(rows));
  DELTALAKEDB_TRY(CheckOverwrite(options));
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  return table::MakeChange(
      *written, options, table::Attempts::kOnce, [&](Change& change) -> Result<ChangeReport> {
        DELTALAKEDB_ASSIGN(const auto incoming,
                           table::TakeIncoming(change, std::move(reader), options.schema_mode));
        if (options.mode == OverwriteMode::kWhere) {
          DELTALAKEDB_ASSIGN(auto parsed,
                             expr::Predicate::Parse(options.where, change.shape()->schema()));
          const auto where = std::make_shared<const expr::Predicate>(std::move(parsed));
          DELTALAKEDB_TRY(table::DeleteRows(change, where));
          DELTALAKEDB_ASSIGN(auto check, WhereCheck::Make(change, *where));
          DELTALAKEDB_TRY(WriteRows(change, *incoming, check));
          return change.Commit(WriteOperation(change, "Overwrite", options.where));
        }
        change.BringNewRowsOnly();
        DELTALAKEDB_TRY(WriteRows(change, *incoming, Unchecked));
        if (options.mode == OverwriteMode::kPartitions &&
            !change.shape()->partition_columns().empty()) {
          DELTALAKEDB_TRY(RemovePartitions(change));
        } else {
          change.reads().whole_table = true;
          DELTALAKEDB_TRY(RemoveAll(change));
        }
        return change.Commit(WriteOperation(change, "Overwrite"));
      });
}

}  // namespace deltalakedb
