#include "table/row_changes.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "data/row_stream.h"
#include "protocol/partition_value.h"

namespace deltalakedb::table {

namespace {

// The deleted rows of a file and some more.
std::vector<std::int64_t> Union(const std::vector<std::int64_t>& a,
                                const std::vector<std::int64_t>& b) {
  std::vector<std::int64_t> all;
  all.reserve(a.size() + b.size());
  std::ranges::set_union(a, b, std::back_inserter(all));
  return all;
}

}  // namespace

data::ReadOptions WholeRows(const Change& change) {
  data::ReadOptions options;
  for (std::size_t i = 0; i < change.shape()->columns().size(); ++i) {
    options.columns.push_back(static_cast<int>(i));
  }
  options.with_row_ids = change.keeps_row_ids();
  return options;
}

Result<std::unique_ptr<data::DataFileReader>> OpenDataFile(const Change& change,
                                                           data::DataFile file,
                                                           data::ReadOptions options) {
  return data::DataFileReader::Open(change.shape(), change.metadata(), std::move(file),
                                    std::move(options));
}

Result<FoundRows> RowFinder::Find(const LiveFile& file) {
  FoundRows found;
  DELTALAKEDB_ASSIGN(found.file, LoadDataFile(change_.folder(), file.add()));
  data::ReadOptions options;
  options.with_row_positions = true;
  const bool is_asked = where_ != nullptr && file.match != expr::Match::kAll;
  if (is_asked) {
    for (const std::string& name : where_->columns()) {
      if (const auto position = change_.shape()->FindColumn(name)) {
        options.columns.push_back(*position);
      }
    }
  }
  DELTALAKEDB_ASSIGN(const auto reader, OpenDataFile(change_, found.file, std::move(options)));
  for (int row_group = 0; row_group < reader->num_row_groups(); ++row_group) {
    found.stored_rows += reader->num_rows(row_group);
    const auto match = is_asked ? where_->Evaluate([&](const auto& column) {
      return reader->FactsOf(row_group, column);
    })
                                : expr::Match::kAll;
    if (match == expr::Match::kNone) continue;
    DELTALAKEDB_TRY(FindIn(*reader, row_group, match == expr::Match::kAll, found));
  }
  return found;
}

Result<void> RowFinder::FindIn(const data::DataFileReader& reader, int row_group, bool is_all,
                               FoundRows& found) {
  DELTALAKEDB_ASSIGN(const auto stream, reader.ReadRowGroup(row_group));
  std::unique_ptr<expr::Evaluator> evaluator;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, stream->Next());
    if (batch == nullptr) break;
    const int last = batch->num_columns() - 1;
    const auto& positions = static_cast<const arrow::Int64Array&>(*batch->column(last));
    if (is_all) {
      found.rows.insert(found.rows.end(), positions.raw_values(),
                        positions.raw_values() + positions.length());
      continue;
    }
    const auto inputs = batch->RemoveColumn(last);
    if (!inputs.ok()) return Fail(data::ToError(inputs.status()));
    if (evaluator == nullptr) {
      DELTALAKEDB_ASSIGN(evaluator, TakeEvaluator((*inputs)->schema()));
    }
    DELTALAKEDB_ASSIGN(const auto answers, evaluator->Evaluate(*inputs));
    const auto& matches = static_cast<const arrow::BooleanArray&>(*answers->column(0));
    for (std::int64_t i = 0; i < matches.length(); ++i) {
      if (matches.IsValid(i) && matches.Value(i)) found.rows.push_back(positions.Value(i));
    }
  }
  if (evaluator != nullptr) {
    const std::lock_guard lock(mutex_);
    evaluators_.push_back(std::move(evaluator));
  }
  return {};
}

Result<std::unique_ptr<expr::Evaluator>> RowFinder::TakeEvaluator(
    const std::shared_ptr<arrow::Schema>& columns) {
  {
    const std::lock_guard lock(mutex_);
    if (!evaluators_.empty()) {
      auto evaluator = std::move(evaluators_.back());
      evaluators_.pop_back();
      return evaluator;
    }
  }
  return expr::Evaluator::Make(columns, {{"matches", where_->text(), arrow::boolean()}});
}

Result<void> TakeOut(Change& change, const AddFile& add, const FoundRows& found) {
  if (found.is_whole_file()) return change.Remove(add);
  auto deleted = Union(found.file.deleted_rows, found.rows);
  if (change.uses_deletion_vectors()) {
    return change.ReplaceVector(add, deleted, found.stored_rows);
  }
  data::DataFile rest = found.file;
  rest.deleted_rows = std::move(deleted);
  DELTALAKEDB_ASSIGN(const auto reader, OpenDataFile(change, std::move(rest), WholeRows(change)));
  for (int row_group = 0; row_group < reader->num_row_groups(); ++row_group) {
    DELTALAKEDB_ASSIGN(const auto stream, reader->ReadRowGroup(row_group));
    for (;;) {
      DELTALAKEDB_ASSIGN(const auto batch, stream->Next());
      if (batch == nullptr) break;
      DELTALAKEDB_TRY(change.Write(batch, Change::RowsAre::kCopies));
    }
  }
  return change.Remove(add);
}

Result<void> ForEachFile(LiveFiles files, std::size_t threads,
                         const std::function<Result<void>(const LiveFile&)>& visit) {
  using Pipeline = base::OrderedPipeline<bool>;
  const auto source = [&]() -> Result<std::optional<Pipeline::Task>> {
    DELTALAKEDB_ASSIGN(auto file, files.Next());
    if (!file) return std::optional<Pipeline::Task>();
    return Pipeline::Task([&visit, file = *std::move(file)]() -> Result<bool> {
      DELTALAKEDB_TRY(visit(file));
      return true;
    });
  };
  Pipeline pipeline(source, threads != 0 ? threads : base::PipelineThreads());
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto done, pipeline.Next());
    if (!done) return {};
  }
}

Result<void> DeleteRows(Change& change, std::shared_ptr<const expr::Predicate> where) {
  DELTALAKEDB_ASSIGN(const auto snapshot, change.LoadSnapshot());
  DELTALAKEDB_ASSIGN(auto files, LiveFiles::Open(*snapshot, LiveFiles::Stats::kWith,
                                                 *change.shape(), where.get()));
  RowFinder finder(change, where.get());
  std::atomic<std::int64_t> deleted = 0;
  const auto visit = [&](const LiveFile& file) -> Result<void> {
    const std::optional<std::int64_t> count = CountRows(file.add());
    if (file.match == expr::Match::kAll && count) {
      deleted += *count;
      return change.Remove(file.add());
    }
    DELTALAKEDB_ASSIGN(const FoundRows found, finder.Find(file));
    change.NoteRead(file.add());
    if (found.rows.empty()) return {};
    if (!found.is_whole_file()) DELTALAKEDB_TRY(change.CheckMayChangeRows());
    deleted += static_cast<std::int64_t>(found.rows.size());
    return TakeOut(change, file.add(), found);
  };
  DELTALAKEDB_TRY(ForEachFile(std::move(files), change.options().threads, visit));
  change.report().rows_deleted += deleted;
  DependOn(change, std::move(where));
  return {};
}

void DependOn(Change& change, std::shared_ptr<const expr::Predicate> where) {
  if (where == nullptr) {
    change.reads().whole_table = true;
    return;
  }
  change.reads().may_match = [shape = change.shape(), where = std::move(where)](
                                 const txn::WinnerFile::PartitionValues& values) {
    std::vector<StringMapEntry> entries;
    for (const auto& [name, value] : values) entries.push_back({name, value});
    AddFile add;
    add.partition_values = entries;
    const auto match = MatchByPartition(add, *shape, *where);
    return !match || *match != expr::Match::kNone;
  };
}

}  // namespace deltalakedb::table
