// Rows changed: Delete, Update and Merge.
#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/initialize.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

#include "base/try.h"
#include "data/arrow_types.h"
#include "data/row_stream.h"
#include "deltalakedb/table.h"
#include "expr/key_join.h"
#include "protocol/schema_merge.h"
#include "protocol/table_rules.h"
#include "table/change.h"
#include "table/delta_table_impl.h"
#include "table/incoming_rows.h"
#include "table/row_changes.h"

namespace deltalakedb {

namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;
using table::Change;
using table::FoundRows;
using table::IncomingRows;
using table::JsonText;
using table::LiveFile;
using table::LiveFiles;
using table::RowFinder;

// As Spark has it: a list of one text, as a text.
std::string PredicateJson(std::string_view where) {
  nlohmann::json list = nlohmann::json::array();
  if (!where.empty()) list.push_back(where);
  return JsonText(list.dump());
}

using SharedPredicate = std::shared_ptr<const expr::Predicate>;

// Null for no condition.
Result<SharedPredicate> ParseWhere(const Change& change, std::string_view where) {
  if (where.empty()) return SharedPredicate();
  DELTALAKEDB_ASSIGN(auto parsed, expr::Predicate::Parse(where, change.shape()->schema()));
  return std::make_shared<const expr::Predicate>(std::move(parsed));
}

Result<Batch> TakeRows(const Batch& rows, const std::shared_ptr<arrow::Array>& indices) {
  const auto taken = arrow::compute::Take(arrow::Datum(rows), arrow::Datum(indices));
  if (!taken.ok()) return Fail(data::ToError(taken.status()));
  return taken->record_batch();
}

Result<std::shared_ptr<arrow::Array>> MakeIndices(std::span<const std::int64_t> indices) {
  arrow::Int64Builder builder;
  auto status = builder.AppendValues(indices.data(), static_cast<std::int64_t>(indices.size()));
  std::shared_ptr<arrow::Array> array;
  if (status.ok()) status = builder.Finish(&array);
  if (!status.ok()) return Fail(data::ToError(status));
  return array;
}

// The column of that name, which a batch has next to the table's own ones.
int FindExtra(const Batch& rows, std::string_view name) {
  return rows->schema()->GetFieldIndex(name);
}

// Versions of rows that a commit changes: the one that their file gets (PROTOCOL.md, Row tracking).
Result<std::shared_ptr<arrow::Array>> VersionsToCome(std::int64_t num_rows) {
  auto nulls = arrow::MakeArrayOfNull(arrow::int64(), num_rows);
  if (!nulls.ok()) return Fail(data::ToError(nulls.status()));
  return *std::move(nulls);
}

// ---- update -------------------------------------------------------------------------------------

// Computes new values of some columns. Belongs to one thread.
class Setter {
 public:
  using ColumnValue = DeltaTable::ColumnValue;

  static Result<Setter> Make(const Change& change, const std::vector<ColumnValue>& values) {
    Setter setter;
    std::vector<expr::NamedExpression> expressions;
    std::set<std::string> names;
    for (const ColumnValue& value : values) {
      const std::optional<int> position = change.shape()->FindColumn(value.column);
      if (!position) {
        return Fail(Error(ErrorCode::kInvalidArgument,
                          "the table has no column " + value.column + " to be set")
                        .With("column", value.column));
      }
      if (std::ranges::find(setter.targets_, *position) != setter.targets_.end()) {
        return Fail(Error(ErrorCode::kInvalidArgument, "column " + value.column + " is set twice")
                        .With("column", value.column));
      }
      setter.targets_.push_back(*position);
      // What the expression reads, found by making a condition of it.
      DELTALAKEDB_ASSIGN(
          const auto parsed,
          expr::Predicate::Parse("(" + value.expression + ") IS NULL", change.shape()->schema()));
      names.insert(parsed.columns().begin(), parsed.columns().end());
      const auto& field = change.shape()->arrow_schema()->field(*position);
      expressions.push_back({field->name(), value.expression, field->type()});
    }
    arrow::FieldVector inputs;
    for (const std::string& name : names) {
      const int position = change.shape()->FindColumn(name).value_or(0);
      setter.inputs_.push_back(position);
      inputs.push_back(change.shape()->arrow_schema()->field(position));
    }
    DELTALAKEDB_ASSIGN(setter.evaluator_, expr::Evaluator::Make(arrow::schema(std::move(inputs)),
                                                                std::move(expressions)));
    return setter;
  }

  // The rows with the new values; `rows` begin with the table's columns.
  Result<Batch> Apply(const Batch& rows) {
    const auto inputs = rows->SelectColumns(inputs_);
    if (!inputs.ok()) return Fail(data::ToError(inputs.status()));
    DELTALAKEDB_ASSIGN(const auto values, evaluator_->Evaluate(*inputs));
    arrow::ArrayVector columns = rows->columns();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      columns[static_cast<std::size_t>(targets_[i])] = values->column(static_cast<int>(i));
    }
    if (const int versions = FindExtra(rows, data::kRowCommitVersion); versions >= 0) {
      DELTALAKEDB_ASSIGN(columns[static_cast<std::size_t>(versions)],
                         VersionsToCome(rows->num_rows()));
    }
    return arrow::RecordBatch::Make(rows->schema(), rows->num_rows(), std::move(columns));
  }

 private:
  Setter() = default;
  std::vector<int> targets_;
  std::vector<int> inputs_;
  std::unique_ptr<expr::Evaluator> evaluator_;
};

// Which rows of a batch are among the found ones, by their position in the file.
struct Split {
  std::vector<std::int64_t> found;  // indices in the batch, ascending
  std::vector<std::int64_t> rest;
};
Split SplitRows(const arrow::Int64Array& positions, const std::vector<std::int64_t>& found) {
  Split split;
  auto next = std::ranges::lower_bound(found, positions.length() > 0 ? positions.Value(0) : 0);
  for (std::int64_t i = 0; i < positions.length(); ++i) {
    while (next != found.end() && *next < positions.Value(i)) ++next;
    const bool is_found = next != found.end() && *next == positions.Value(i);
    (is_found ? split.found : split.rest).push_back(i);
  }
  return split;
}

// The batch with some rows in the place of others: `changed` are the rows `split.found`.
Result<Batch> PutBack(const Batch& rows, const Split& split, const Batch& changed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows->num_rows()));
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) order[static_cast<std::size_t>(i)] = i;
  for (std::size_t i = 0; i < split.found.size(); ++i) {
    order[static_cast<std::size_t>(split.found[i])] =
        rows->num_rows() + static_cast<std::int64_t>(i);
  }
  DELTALAKEDB_ASSIGN(const auto indices, MakeIndices(order));
  arrow::ArrayVector columns;
  for (int i = 0; i < rows->num_columns(); ++i) {
    const auto both = arrow::Concatenate({rows->column(i), changed->column(i)});
    if (!both.ok()) return Fail(data::ToError(both.status()));
    const auto taken = arrow::compute::Take(**both, *indices);
    if (!taken.ok()) return Fail(data::ToError(taken.status()));
    columns.push_back(*taken);
  }
  return arrow::RecordBatch::Make(rows->schema(), rows->num_rows(), std::move(columns));
}

// Sets values in the rows of a file that were found.
Result<void> UpdateFile(Change& change, const LiveFile& file, const FoundRows& found,
                        Setter& setter) {
  const bool keeps_file = change.uses_deletion_vectors() && !found.is_whole_file();
  data::ReadOptions options = table::WholeRows(change);
  options.with_row_positions = true;
  DELTALAKEDB_ASSIGN(const auto reader,
                     table::OpenDataFile(change, found.file, std::move(options)));
  for (int row_group = 0; row_group < reader->num_row_groups(); ++row_group) {
    DELTALAKEDB_ASSIGN(const auto stream, reader->ReadRowGroup(row_group));
    for (;;) {
      DELTALAKEDB_ASSIGN(Batch rows, stream->Next());
      if (rows == nullptr) break;
      const int extra = FindExtra(rows, data::kRowPosition);
      const auto positions = std::static_pointer_cast<arrow::Int64Array>(rows->column(extra));
      const auto without = rows->RemoveColumn(extra);
      if (!without.ok()) return Fail(data::ToError(without.status()));
      const Split split = SplitRows(*positions, found.rows);
      if (split.found.empty()) {
        if (!keeps_file) DELTALAKEDB_TRY(change.Write(*without, Change::RowsAre::kCopies));
        continue;
      }
      DELTALAKEDB_ASSIGN(const auto indices, MakeIndices(split.found));
      DELTALAKEDB_ASSIGN(const Batch old_rows, TakeRows(*without, indices));
      DELTALAKEDB_ASSIGN(Batch changed, setter.Apply(old_rows));
      if (!keeps_file && !split.rest.empty()) {
        DELTALAKEDB_ASSIGN(changed, PutBack(*without, split, changed));
        change.NoteCopied(static_cast<std::int64_t>(split.rest.size()));
      }
      DELTALAKEDB_TRY(change.Write(changed, Change::RowsAre::kNew));
    }
  }
  return keeps_file ? table::TakeOut(change, file.add(), found) : change.Remove(file.add());
}

Result<void> UpdateRows(Change& change, const std::vector<DeltaTable::ColumnValue>& values,
                        const SharedPredicate& where) {
  DELTALAKEDB_TRY(change.CheckMayChangeRows());
  DELTALAKEDB_TRY(Setter::Make(change, values));  // before any file is looked at
  DELTALAKEDB_ASSIGN(const auto snapshot, change.LoadSnapshot());
  DELTALAKEDB_ASSIGN(auto files, LiveFiles::Open(*snapshot, LiveFiles::Stats::kWith,
                                                 *change.shape(), where.get()));
  RowFinder finder(change, where.get());
  std::atomic<std::int64_t> updated = 0;
  const auto visit = [&](const LiveFile& file) -> Result<void> {
    DELTALAKEDB_ASSIGN(const FoundRows found, finder.Find(file));
    change.NoteRead(file.add());
    if (found.rows.empty()) return {};
    updated += static_cast<std::int64_t>(found.rows.size());
    DELTALAKEDB_ASSIGN(Setter setter, Setter::Make(change, values));
    return UpdateFile(change, file, found, setter);
  };
  DELTALAKEDB_TRY(table::ForEachFile(std::move(files), change.options().threads, visit));
  change.report().rows_updated += updated;
  table::DependOn(change, where);
  return {};
}

// ---- merge --------------------------------------------------------------------------------------

// A condition that is true for no row that the keys could match, as far as that can be told by
// their bounds; null where nothing can.
Result<SharedPredicate> BoundsOfKeys(const Change& change, expr::KeyJoin& join,
                                     const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) {
    const int position = change.shape()->FindColumn(key).value_or(0);
    const auto& type = change.shape()->arrow_schema()->field(position)->type();
    const bool is_plain = arrow::is_integer(type->id()) || type->id() == arrow::Type::DATE32;
    if (!is_plain) continue;
    DELTALAKEDB_ASSIGN(const Batch bounds, join.Bounds(key));
    if (bounds->column(0)->IsNull(0)) continue;
    const auto min = bounds->column(0)->GetScalar(0);
    const auto max = bounds->column(1)->GetScalar(0);
    if (!min.ok() || !max.ok()) continue;
    const std::string quote = type->id() == arrow::Type::DATE32 ? "'" : "";
    text += fmt::format("{}{} BETWEEN {}{}{} AND {}{}{}", text.empty() ? "" : " AND ",
                        expr::QuoteName(key), quote, (*min)->ToString(), quote, quote,
                        (*max)->ToString(), quote);
  }
  return ParseWhere(change, text);
}

// Rows of a table that are joined at once: each join looks at all keys of the rows to be merged.
constexpr std::int64_t kJoinedRows = 131'072;

class Merging {
 public:
  Merging(Change& change, expr::KeyJoin& join, std::vector<int> source_columns,
          std::vector<int> keys)
      : change_(change), join_(join), source_columns_(std::move(source_columns)) {
    // Keys first, then the table's columns that the rows do not bring, which stay as they are.
    for (std::size_t i = 0; i < keys.size(); ++i) keys_.push_back(static_cast<int>(i));
    read_columns_ = std::move(keys);
    for (std::size_t i = 0; i < change_.shape()->columns().size(); ++i) {
      const int position = static_cast<int>(i);
      if (std::ranges::find(source_columns_, position) == source_columns_.end()) {
        read_columns_.push_back(position);
      }
    }
  }

  Result<void> MergeFile(const LiveFile& file) {
    FoundRows found;
    DELTALAKEDB_ASSIGN(found.file, table::LoadDataFile(change_.folder(), file.add()));
    data::ReadOptions options;
    options.columns = read_columns_;
    options.batch_rows_max = kJoinedRows;
    options.with_row_positions = true;
    options.with_row_ids = change_.keeps_row_ids();
    DELTALAKEDB_ASSIGN(const auto reader,
                       table::OpenDataFile(change_, found.file, std::move(options)));
    for (int row_group = 0; row_group < reader->num_row_groups(); ++row_group) {
      found.stored_rows += reader->num_rows(row_group);
      DELTALAKEDB_ASSIGN(const auto stream, reader->ReadRowGroup(row_group));
      for (;;) {
        DELTALAKEDB_ASSIGN(const Batch rows, stream->Next());
        if (rows == nullptr) break;
        DELTALAKEDB_TRY(MergeBatch(rows, found));
      }
    }
    change_.NoteRead(file.add());
    if (found.rows.empty()) return {};
    change_.report().rows_updated += static_cast<std::int64_t>(found.rows.size());
    return table::TakeOut(change_, file.add(), found);
  }

  Result<void> InsertUnmatched() {
    DELTALAKEDB_ASSIGN(const auto rest, join_.Unmatched());
    for (;;) {
      Batch rows;
      if (const auto read = rest->ReadNext(&rows); !read.ok()) return Fail(data::ToError(read));
      if (rows == nullptr) return {};
      if (rows->num_rows() == 0) continue;
      DELTALAKEDB_ASSIGN(const Batch all,
                         IncomingRows::WithAllColumns(rows, source_columns_, *change_.shape()));
      change_.report().rows_added += all->num_rows();
      DELTALAKEDB_TRY(change_.Write(all, Change::RowsAre::kNew));
    }
  }

 private:
  Result<void> MergeBatch(const Batch& rows, FoundRows& found) {
    const auto keys = rows->SelectColumns(keys_);
    if (!keys.ok()) return Fail(data::ToError(keys.status()));
    DELTALAKEDB_ASSIGN(const Batch matched, join_.Match(*keys));
    if (matched->num_rows() == 0) return {};
    const auto target = matched->GetColumnByName(std::string(expr::kTargetRow));
    DELTALAKEDB_ASSIGN(const Batch old_rows, TakeRows(rows, target));
    const int extra = FindExtra(rows, data::kRowPosition);
    const auto& positions = static_cast<const arrow::Int64Array&>(*old_rows->column(extra));
    found.rows.insert(found.rows.end(), positions.raw_values(),
                      positions.raw_values() + positions.length());
    arrow::FieldVector fields = change_.shape()->arrow_schema()->fields();
    if (change_.keeps_row_ids()) {
      for (const std::string_view name : {data::kRowId, data::kRowCommitVersion}) {
        fields.push_back(arrow::field(std::string(name), arrow::int64()));
      }
    }
    arrow::ArrayVector columns;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const bool is_brought =
          std::ranges::find(source_columns_, static_cast<int>(i)) != source_columns_.end();
      columns.push_back((is_brought ? matched : old_rows)->GetColumnByName(fields[i]->name()));
    }
    if (change_.keeps_row_ids()) {
      DELTALAKEDB_ASSIGN(columns.back(), VersionsToCome(matched->num_rows()));
    }
    return change_.Write(arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                                  matched->num_rows(), std::move(columns)),
                         Change::RowsAre::kNew);
  }

  Change& change_;
  expr::KeyJoin& join_;
  std::vector<int> source_columns_;
  std::vector<int> keys_;          // in batches that are read
  std::vector<int> read_columns_;  // of the table
};

Result<void> MergeRows(Change& change, const std::shared_ptr<IncomingRows>& incoming,
                       const std::vector<std::string>& keys) {
  DELTALAKEDB_TRY(change.CheckMayChangeRows());
  std::vector<int> key_columns;
  std::vector<std::string> key_names;
  for (const std::string& key : keys) {
    const std::optional<int> position = change.shape()->FindColumn(key);
    if (!position ||
        std::ranges::find(incoming->columns(), *position) == incoming->columns().end()) {
      return Fail(
          Error(ErrorCode::kInvalidArgument, fmt::format("the key {} is no column of {}", key,
                                                         position ? "the rows" : "the table"))
              .With("column", key));
    }
    key_columns.push_back(*position);
    key_names.push_back(change.shape()->arrow_schema()->field(*position)->name());
  }
  DELTALAKEDB_ASSIGN(const auto join, expr::KeyJoin::Make(incoming, key_names));
  DELTALAKEDB_ASSIGN(const auto bounds, BoundsOfKeys(change, *join, key_names));
  DELTALAKEDB_ASSIGN(const auto snapshot, change.LoadSnapshot());
  DELTALAKEDB_ASSIGN(auto files, LiveFiles::Open(*snapshot, LiveFiles::Stats::kWith,
                                                 *change.shape(), bounds.get()));
  Merging merging(change, *join, incoming->columns(), key_columns);
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto file, files.Next());
    if (!file) break;
    DELTALAKEDB_TRY(merging.MergeFile(*file));
  }
  DELTALAKEDB_TRY(merging.InsertUnmatched());
  table::DependOn(change, bounds);
  return {};
}

}  // namespace

Result<ChangeReport> DeltaTable::Delete(std::string_view where, const ChangeOptions& options) {
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  return table::MakeChange(
      *written, options, table::Attempts::kAsOptionsSay,
      [&](Change& change) -> Result<ChangeReport> {
        DELTALAKEDB_ASSIGN(const auto parsed, ParseWhere(change, where));
        DELTALAKEDB_TRY(table::DeleteRows(change, parsed));
        return change.Commit({"DELETE", {{"predicate", PredicateJson(where)}}, {}});
      });
}

Result<ChangeReport> DeltaTable::Update(const std::vector<ColumnValue>& values,
                                        std::string_view where, const ChangeOptions& options) {
  if (values.empty()) return Fail(ErrorCode::kInvalidArgument, "no column is to be set");
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  return table::MakeChange(
      *written, options, table::Attempts::kAsOptionsSay,
      [&](Change& change) -> Result<ChangeReport> {
        DELTALAKEDB_ASSIGN(const auto parsed, ParseWhere(change, where));
        DELTALAKEDB_TRY(UpdateRows(change, values, parsed));
        return change.Commit({"UPDATE", {{"predicate", PredicateJson(where)}}, {}});
      });
}

Result<ChangeReport> DeltaTable::Merge(ArrowArrayStream* rows, const std::vector<std::string>& keys,
                                       const WriteOptions& options) {
  DELTALAKEDB_ASSIGN(auto reader, data::ImportStream(rows));
  if (keys.empty()) return Fail(ErrorCode::kInvalidArgument, "no key is named to merge by");
  if (options.schema_mode == SchemaMode::kOverwrite) {
    return Fail(ErrorCode::kInvalidArgument, "the schema can be replaced only where all rows are");
  }
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  return table::MakeChange(
      *written, options, table::Attempts::kOnce, [&](Change& change) -> Result<ChangeReport> {
        DELTALAKEDB_ASSIGN(const auto incoming,
                           table::TakeIncoming(change, std::move(reader), options.schema_mode));
        DELTALAKEDB_TRY(MergeRows(change, incoming, keys));
        std::string condition;
        for (const std::string& key : keys) {
          condition += fmt::format("{}target.{} = source.{}", condition.empty() ? "" : " AND ",
                                   expr::QuoteName(key), expr::QuoteName(key));
        }
        return change.Commit({"MERGE", {{"predicate", JsonText(condition)}}, {}});
      });
}

}  // namespace deltalakedb
