// The log of a table that is written to, and what follows its commits.
#pragma once

#include <memory>
#include <string_view>

#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "deltalakedb/transaction.h"
#include "log/transaction_log.h"
#include "mirror/after_commit.h"

namespace deltalakedb::txn {

class WrittenLog {
 public:
  // `sink` outlives this; null for none. Errors: as DeltaTable::Open.
  static Result<WrittenLog> Open(std::string_view uri, Mirroring mirroring, LogSink* sink);

  const TransactionLog& log() const { return *log_; }
  // After a commit has become durable.
  void NoteCommitted(Version version) const;

 private:
  WrittenLog(std::unique_ptr<TransactionLog> log, Mirroring mirroring)
      : log_(std::move(log)), mirroring_(mirroring) {}

  std::unique_ptr<TransactionLog> log_;
  Mirroring mirroring_;
  std::unique_ptr<mirror::AfterCommit> mirrors_;  // null where nothing is to be mirrored from here
};

}  // namespace deltalakedb::txn
