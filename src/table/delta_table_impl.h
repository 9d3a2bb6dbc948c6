// What a DeltaTable is made of. Its calls are in several files: delta_table.cc (state and rows
// out), writes.cc (rows in), row_changes.cc (rows changed), upkeep.cc (the rest).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "deltalakedb/table.h"
#include "log/transaction_log.h"
#include "txn/written_log.h"

namespace deltalakedb {

class DeltaTable::Impl {
 public:
  Impl(std::string uri, OpenOptions options, std::unique_ptr<TransactionLog> log)
      : uri_(std::move(uri)), options_(options), log_(std::move(log)) {}

  const TransactionLog& log() const { return *log_; }
  // Opened for writing by the first call. Errors: as DeltaTable::Open.
  Result<const txn::WrittenLog*> OpenWritten();

 private:
  std::string uri_;
  OpenOptions options_;
  std::unique_ptr<TransactionLog> log_;
  std::mutex mutex_;  // guards what follows
  std::optional<txn::WrittenLog> written_;
};

}  // namespace deltalakedb
