#include "txn/written_log.h"

#include <utility>

#include "base/try.h"
#include "catalog/open_log.h"
#include "mirror/shared_log.h"

namespace deltalakedb::txn {

Result<WrittenLog> WrittenLog::Open(std::string_view uri, Mirroring mirroring, LogSink* sink) {
  DELTALAKEDB_ASSIGN(OpenedLog opened, OpenTransactionLog(uri, store::DatabaseMode::kWrite, sink));
  if (!opened.database) return WrittenLog(std::move(opened.log), mirroring);
  LogSink& warnings = SinkOrNull(sink);
  if (opened.table->mode == store::kModeShared) {
    DELTALAKEDB_ASSIGN(opened.log,
                       mirror::SharedLog::Open(uri, opened.database, *opened.table, warnings));
  }
  WrittenLog written(std::move(opened.log), mirroring);
  if (mirroring != Mirroring::kNone) {
    written.mirrors_ = std::make_unique<mirror::AfterCommit>(std::move(opened.database),
                                                             opened.table->table_id, warnings);
  }
  return written;
}

void WrittenLog::NoteCommitted(Version version) const {
  if (!mirrors_) return;
  mirrors_->Wake(version);
  if (mirroring_ == Mirroring::kWait) mirrors_->Wait(version);
}

}  // namespace deltalakedb::txn
