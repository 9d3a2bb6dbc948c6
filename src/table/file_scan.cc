#include "table/file_scan.h"

#include <arrow/compute/api_vector.h>
#include <arrow/compute/initialize.h>
#include <arrow/datum.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "data/row_stream.h"
#include "expr/evaluator.h"

namespace deltalakedb::table {

namespace {

// The name of the condition's own column.
constexpr std::string_view kMatches = "matches";

// Leaves out the rows that a condition is not true for. Belongs to one thread.
class RowFilter {
 public:
  // `columns` are those of the batches to come, of which the first `num_wanted` stay.
  static Result<RowFilter> Make(const std::shared_ptr<arrow::Schema>& columns, int num_wanted,
                                const expr::Predicate& where) {
    RowFilter filter;
    filter.num_wanted_ = num_wanted;
    arrow::FieldVector inputs;
    for (int i = 0; i < columns->num_fields(); ++i) {
      if (!where.columns().contains(columns->field(i)->name())) continue;
      filter.inputs_.push_back(i);
      inputs.push_back(columns->field(i));
    }
    std::vector<expr::NamedExpression> matches = {
        {std::string(kMatches), where.text(), arrow::boolean()}};
    DELTALAKEDB_ASSIGN(filter.evaluator_,
                       expr::Evaluator::Make(arrow::schema(std::move(inputs)), std::move(matches)));
    return filter;
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Apply(
      const std::shared_ptr<arrow::RecordBatch>& rows) {
    const auto inputs = rows->SelectColumns(inputs_);
    if (!inputs.ok()) return Fail(data::ToError(inputs.status()));
    DELTALAKEDB_ASSIGN(const auto matches, evaluator_->Evaluate(*inputs));
    const auto filtered = arrow::compute::Filter(Wanted(rows), matches->column(0));
    if (!filtered.ok()) return Fail(data::ToError(filtered.status()));
    return filtered->record_batch();
  }

  // The same where the condition is known to be true for all.
  std::shared_ptr<arrow::RecordBatch> Wanted(
      const std::shared_ptr<arrow::RecordBatch>& rows) const {
    return FirstColumns(rows, num_wanted_);
  }

  static std::shared_ptr<arrow::RecordBatch> FirstColumns(
      const std::shared_ptr<arrow::RecordBatch>& rows, int count) {
    if (rows->num_columns() == count) return rows;
    arrow::FieldVector fields(rows->schema()->fields().begin(),
                              rows->schema()->fields().begin() + count);
    arrow::ArrayVector columns;
    columns.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) columns.push_back(rows->column(i));
    return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows->num_rows(),
                                    std::move(columns));
  }

 private:
  RowFilter() = default;

  int num_wanted_ = 0;
  std::vector<int> inputs_;
  std::unique_ptr<expr::Evaluator> evaluator_;
};

class FileScan final : public arrow::RecordBatchReader {
 public:
  static Result<std::shared_ptr<FileScan>> Make(FileScanInput input) {
    data::ReadOptions options;
    options.columns = input.columns;
    options.with_row_ids = input.with_row_ids;
    DELTALAKEDB_ASSIGN(auto wanted, data::ReadSchema(*input.shape, options));
    if (input.where != nullptr) {
      for (const std::string& name : input.where->columns()) {
        const std::optional<int> position = input.shape->FindColumn(name);
        if (position && std::ranges::find(options.columns, *position) == options.columns.end()) {
          options.columns.push_back(*position);
        }
      }
    }
    // Row ids come behind all columns, so that columns of the condition alone would stand between.
    if (input.with_row_ids && options.columns.size() != input.columns.size()) {
      return Fail(ErrorCode::kInternal, "a scan with row ids reads all columns of its condition");
    }
    DELTALAKEDB_ASSIGN(auto read, data::ReadSchema(*input.shape, options));
    auto scan = std::make_shared<FileScan>(std::move(input), std::move(options), std::move(wanted),
                                           std::move(read));
    scan->StartThreads();
    return scan;
  }

  FileScan(FileScanInput input, data::ReadOptions options, std::shared_ptr<arrow::Schema> wanted,
           std::shared_ptr<arrow::Schema> read)
      : input_(std::move(input)),
        options_(std::move(options)),
        wanted_(std::move(wanted)),
        read_(std::move(read)),
        num_threads_(input_.threads != 0 ? input_.threads : base::PipelineThreads()) {}
  FileScan(const FileScan&) = delete;
  FileScan& operator=(const FileScan&) = delete;

  ~FileScan() override {
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    may_work_.notify_all();
  }

  std::shared_ptr<arrow::Schema> schema() const override { return wanted_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (error_) {
        is_stopped_ = true;
        may_work_.notify_all();
        return data::ToStatus(*error_);
      }
      *out = TakeBatch();
      if (*out != nullptr) break;
      if (IsAtEnd()) return arrow::Status::OK();
      may_work_
          .notify_all();  // what was taken wholly may have made room, or another unit the first
      has_result_.wait(lock);
    }
    may_work_.notify_all();
    return arrow::Status::OK();
  }

 private:
  // A row group.
  struct Unit {
    int row_group = 0;
    bool matches_all = false;
    bool is_started = false;
    bool is_done = false;
    std::deque<std::pair<std::shared_ptr<arrow::RecordBatch>, std::int64_t>> batches;  // and bytes
  };
  struct File {
    std::shared_ptr<data::DataFileReader> reader;
    bool is_opening = true;
    std::deque<std::shared_ptr<Unit>> units;  // that were not taken wholly
  };
  struct Task {
    std::shared_ptr<data::DataFileReader> reader;
    std::shared_ptr<Unit> unit;
  };

  void StartThreads() {
    const auto work = [this] {
      try {
        if (auto done = Work(); !done) Stop(std::move(done).error());
      } catch (const std::bad_alloc&) {
        Stop(Error(ErrorCode::kUnavailable, "there is not enough memory"));
      }
    };
    for (std::size_t i = 0; i < num_threads_; ++i) {
      try {
        threads_.emplace_back(work);
      } catch (const std::system_error&) {
        // Where the system gives no more threads, those that there are do the work.
        if (threads_.empty()) throw;
      }
    }
  }

  void Stop(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    is_stopped_ = true;
    has_result_.notify_all();
    may_work_.notify_all();
  }

  // ---- for ReadNext, under the lock ----

  std::shared_ptr<arrow::RecordBatch> TakeBatch() {
    for (auto file = files_.begin(); file != files_.end();) {
      if ((*file)->is_opening) {
        if (input_.in_order) return nullptr;
        ++file;
        continue;
      }
      auto& units = (*file)->units;
      for (auto unit = units.begin(); unit != units.end();) {
        if (!(*unit)->batches.empty()) {
          auto [batch, bytes] = std::move((*unit)->batches.front());
          (*unit)->batches.pop_front();
          buffered_bytes_ -= bytes;
          return batch;
        }
        if ((*unit)->is_done) {
          unit = units.erase(unit);
          continue;
        }
        if (input_.in_order) return nullptr;
        ++unit;
      }
      file = units.empty() ? files_.erase(file) : std::next(file);
    }
    return nullptr;
  }

  bool IsAtEnd() const { return has_all_files_ && files_.empty(); }

  // ---- for the workers ----

  Result<void> Work() {
    std::optional<RowFilter> filter;
    std::unique_lock lock(mutex_);
    for (;;) {
      std::optional<Task> task;
      may_work_.wait(lock, [&] {
        return is_stopped_ || (task = FindUnit()) || MayOpenFile() || IsAllTaken();
      });
      if (is_stopped_) return {};
      if (task) {
        task->unit->is_started = true;
        lock.unlock();
        if (input_.where != nullptr && !filter) {
          DELTALAKEDB_ASSIGN(filter, RowFilter::Make(read_, wanted_->num_fields(), *input_.where));
        }
        DELTALAKEDB_TRY(ReadUnit(*task, filter ? &*filter : nullptr));
        lock.lock();
      } else if (MayOpenFile()) {
        DELTALAKEDB_TRY(OpenFile(lock));
      } else {
        return {};
      }
    }
  }

  std::optional<Task> FindUnit() const {
    for (const auto& file : files_) {
      for (const auto& unit : file->units) {
        if (!unit->is_started) return Task{file->reader, unit};
      }
    }
    return std::nullopt;
  }

  bool MayOpenFile() const {
    return !has_all_files_ && !is_source_busy_ && files_.size() < 2 * num_threads_;
  }

  // Nothing is left for another thread, nor will be.
  bool IsAllTaken() const {
    return has_all_files_ && std::ranges::none_of(files_, [](const auto& file) {
             return file->is_opening || std::ranges::any_of(file->units, [](const auto& unit) {
                      return !unit->is_started;
                    });
           });
  }

  Result<void> OpenFile(std::unique_lock<std::mutex>& lock) {
    is_source_busy_ = true;
    lock.unlock();
    auto next = input_.next_file();
    lock.lock();
    is_source_busy_ = false;
    if (!next) return Fail(std::move(next).error());
    if (!*next) {
      has_all_files_ = true;
      may_work_.notify_all();
      has_result_.notify_all();
      return {};
    }
    const auto file = files_.emplace_back(std::make_shared<File>());
    may_work_.notify_all();  // for the file after this one
    lock.unlock();
    DELTALAKEDB_ASSIGN(auto data_file, LoadDataFile(input_.folder, (*next)->add()));
    DELTALAKEDB_ASSIGN(
        std::shared_ptr<data::DataFileReader> reader,
        data::DataFileReader::Open(input_.shape, input_.metadata, std::move(data_file), options_));
    auto units = FindUnits(*reader, (*next)->match);
    lock.lock();
    file->reader = std::move(reader);
    file->units = std::move(units);
    file->is_opening = false;
    may_work_.notify_all();
    has_result_.notify_all();
    return {};
  }

  // The row groups that may have rows.
  std::deque<std::shared_ptr<Unit>> FindUnits(const data::DataFileReader& reader,
                                              expr::Match match_of_file) const {
    std::deque<std::shared_ptr<Unit>> units;
    for (int row_group = 0; row_group < reader.num_row_groups(); ++row_group) {
      expr::Match match = match_of_file;
      if (match != expr::Match::kAll) {
        match = input_.where->Evaluate(
            [&](const auto& column) { return reader.FactsOf(row_group, column); });
      }
      if (match == expr::Match::kNone) continue;
      auto unit = std::make_shared<Unit>();
      unit->row_group = row_group;
      unit->matches_all = match == expr::Match::kAll;
      units.push_back(std::move(unit));
    }
    return units;
  }

  Result<void> ReadUnit(const Task& task, RowFilter* filter) {
    DELTALAKEDB_ASSIGN(const auto stream, task.reader->ReadRowGroup(task.unit->row_group));
    for (;;) {
      DELTALAKEDB_ASSIGN(auto batch, stream->Next());
      if (batch == nullptr) break;
      if (filter != nullptr && !task.unit->matches_all) {
        DELTALAKEDB_ASSIGN(batch, filter->Apply(batch));
      } else if (filter != nullptr) {
        batch = filter->Wanted(batch);
      }
      if (batch->num_rows() == 0) continue;
      const std::int64_t bytes =
          arrow::util::ReferencedBufferSize(*batch).ValueOr(batch->num_rows());
      std::unique_lock lock(mutex_);
      may_work_.wait(lock, [&] {
        return is_stopped_ || buffered_bytes_ < kBufferedBytesMax || IsFirst(*task.unit);
      });
      if (is_stopped_) return {};
      buffered_bytes_ += bytes;
      task.unit->batches.emplace_back(std::move(batch), bytes);
      has_result_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    task.unit->is_done = true;
    has_result_.notify_all();
    may_work_.notify_all();
    return {};
  }

  // Whether it is the one that ReadNext waits for, which has to go on however much others have
  // buffered; one batch at a time, though.
  bool IsFirst(const Unit& unit) const {
    if (!unit.batches.empty()) return false;
    for (const auto& file : files_) {
      if (!file->units.empty()) return file->units.front().get() == &unit;
      if (file->is_opening) return false;
    }
    return false;
  }

  const FileScanInput input_;
  const data::ReadOptions options_;
  const std::shared_ptr<arrow::Schema> wanted_;  // what is given out
  const std::shared_ptr<arrow::Schema> read_;    // with the columns of the condition
  const std::size_t num_threads_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable may_work_;
  std::condition_variable has_result_;
  std::deque<std::shared_ptr<File>> files_;  // in order, from the first that is not wholly taken
  std::int64_t buffered_bytes_ = 0;
  bool is_source_busy_ = false;
  bool has_all_files_ = false;
  bool is_stopped_ = false;
  std::optional<Error> error_;

  std::vector<std::jthread> threads_;
};

}  // namespace

Result<std::shared_ptr<arrow::RecordBatchReader>> ScanFiles(FileScanInput input) {
  if (const auto ready = arrow::compute::Initialize(); !ready.ok()) {
    return Fail(data::ToError(ready));
  }
  DELTALAKEDB_ASSIGN(auto scan, FileScan::Make(std::move(input)));
  return std::shared_ptr<arrow::RecordBatchReader>(std::move(scan));
}

}  // namespace deltalakedb::table
