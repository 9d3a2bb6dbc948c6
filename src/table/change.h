// One attempt to make the next version of a table out of changes of its rows: what was read, what
// is written, and the commit.
//
// New files belong to the attempt until its commit is there: whatever ends it before removes them.
// Thread-safety: Write, WriteVector, Add and Remove may be called from several threads at once; the
// rest belongs to one.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/data_folder.h"
#include "data/data_writer.h"
#include "data/deletion_vector_writer.h"
#include "data/table_shape.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "deltalakedb/table.h"
#include "log/transaction_log.h"
#include "protocol/staged_actions.h"
#include "table/incoming_rows.h"
#include "table/live_files.h"
#include "table/row_checks.h"
#include "txn/commit.h"
#include "txn/written_log.h"

namespace deltalakedb::table {

// What commitInfo says was done.
struct Operation {
  std::string name;                                             // "WRITE", "DELETE", …
  std::vector<std::pair<std::string, std::string>> parameters;  // values are JSON
  std::string metrics;  // a JSON object; those of the change's report when empty
};

// A text as JSON.
std::string JsonText(std::string_view text);

class Change {
 public:
  // Reads the latest version and checks that this program can write rows to the table.
  // Errors: those of LoadCommitBase, Unsupported (facts features, or column).
  static Result<std::unique_ptr<Change>> Begin(const txn::WrittenLog& table,
                                               const ChangeOptions& options);
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  // There already, by the commit id or app transaction: nothing is left to do.
  bool is_done() const { return is_done_; }

  const TableState& state() const { return base_->state; }
  const Metadata& metadata() const { return metadata_; }  // as of the commit
  const std::shared_ptr<const data::TableShape>& shape() const { return shape_; }
  const data::DataFolder& folder() const { return folder_; }
  const ChangeOptions& options() const { return options_; }
  std::int64_t now_ms() const { return now_ms_; }
  // What new files are cut at.
  std::int64_t target_file_bytes() const;
  // Whether rows are deleted by deletion vectors.
  bool uses_deletion_vectors() const { return uses_deletion_vectors_; }
  // Whether rows that are written again keep their ids (PROTOCOL.md, Row tracking).
  bool keeps_row_ids() const { return keeps_row_ids_; }
  ChangeReport& report() { return report_; }
  protocol::StagedActions& staged() { return staged_; }
  txn::TransactionReads& reads() { return reads_; }

  // The files as of what was read.
  Result<std::shared_ptr<const Snapshot>> LoadSnapshot() const;

  // Gives the table another schema from here on, and raises its protocol where that is needed;
  // before anything is written. Errors: those of protocol::ChangeSchema and CheckRowsWritable.
  Result<void> SetSchema(std::string_view schema_json);
  // The same for all of metaData.
  Result<void> SetMetadata(Metadata metadata);
  // No row is written again, so that none has an id; before anything is written.
  void BringNewRowsOnly() { writes_row_ids_ = false; }
  // Refuses a change of single rows that readers of the change data feed would have to be told of.
  Result<void> CheckMayChangeRows() const;

  // Rows of the table's columns, which may be followed by their ids where keeps_row_ids(); new ones
  // are checked by the table's constraints.
  enum class RowsAre : std::uint8_t { kNew, kCopies };
  Result<void> Write(const std::shared_ptr<arrow::RecordBatch>& rows, RowsAre rows_are);
  // What follows is in other files.
  Result<void> CutFiles();

  // Of rows that were written as new ones, those that stayed as they were.
  void NoteCopied(std::int64_t rows);
  Result<void> Remove(const AddFile& add, bool data_change = true);
  // Deletes rows of a live file: `deleted` are all of them, those that were before included.
  // `stored_rows`: how many the file has, the deleted ones among them.
  Result<void> ReplaceVector(const AddFile& add, const std::vector<std::int64_t>& deleted,
                             std::int64_t stored_rows);
  // Notes a file as read, for the rules of conflicts.
  void NoteRead(const AddFile& add);

  // Closes the new files, for who wants to know them before the commit; Commit does it too.
  Result<void> FinishFiles();
  const std::vector<data::WrittenFile>& new_files() const { return new_files_; }

  // Closes the files and commits. `data_change` is of the new files. Nothing is committed where
  // there is nothing to commit. Errors: those of DataWriter and txn::Commit, Conflict, InDoubt.
  Result<ChangeReport> Commit(const Operation& operation, bool data_change = true);

 private:
  Change(const txn::WrittenLog& table, const ChangeOptions& options,
         std::shared_ptr<const CommitBase> base);

  Result<bool> FindDone();
  Result<void> LookAtTable();
  Result<void> OpenWriter();
  Result<void> StageFiles(bool data_change);
  std::string MetricsJson() const;

  const txn::WrittenLog& table_;
  const ChangeOptions& options_;
  std::shared_ptr<const CommitBase> base_;
  Metadata metadata_;
  Protocol protocol_;
  std::shared_ptr<const data::TableShape> shape_;
  data::DataFolder folder_;
  std::int64_t now_ms_ = 0;
  bool is_done_ = false;
  bool uses_deletion_vectors_ = false;
  bool keeps_row_ids_ = false;
  bool writes_row_ids_ = true;
  bool has_new_metadata_ = false;
  bool has_new_protocol_ = false;
  ChangeReport report_;
  protocol::StagedActions staged_;
  txn::TransactionReads reads_;

  std::mutex mutex_;  // guards what follows, and staged_ and reads_ while files are looked at
  std::unique_ptr<data::DataWriter> writer_;
  std::unique_ptr<RowChecks> checks_;
  data::DeletionVectorWriter vectors_;
  bool is_finished_ = false;
  std::vector<data::WrittenFile> new_files_;
};

// How often a change is made where others are in the way. A stream of rows is there but once.
enum class Attempts : std::uint8_t { kOnce, kAsOptionsSay };

// Makes the change, again on a newer version where others were in the way.
// Errors: those of the change.
Result<ChangeReport> MakeChange(const txn::WrittenLog& table, const ChangeOptions& options,
                                Attempts attempts_allowed,
                                const std::function<Result<ChangeReport>(Change&)>& attempt);

// Rows in the table's form, after it was given the columns that the mode allows.
// Errors: those of Change::SetSchema and IncomingRows.
Result<std::shared_ptr<IncomingRows>> TakeIncoming(Change& change,
                                                   std::shared_ptr<arrow::RecordBatchReader> rows,
                                                   SchemaMode mode);

}  // namespace deltalakedb::table
