#include "table/open_log.h"

#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "log/file_log.h"
#include "log/sql_log.h"
#include "storage/table_folder.h"
#include "store/database.h"

namespace deltalakedb {

Result<std::unique_ptr<TransactionLog>> OpenTransactionLog(std::string_view uri,
                                                           store::DatabaseMode mode,
                                                           LogSink* sink) {
  DELTALAKEDB_ASSIGN(const Uri parsed, Uri::Parse(uri));
  if (!parsed.is_database()) {
    DELTALAKEDB_ASSIGN(auto folder, storage::FindTableFolder(parsed));
    return log::FileLog::Open(*folder.file_system, std::move(folder.path),
                              sink == nullptr ? NullLogSink() : *sink);
  }
  DELTALAKEDB_TRY(parsed.RequireTable());
  DELTALAKEDB_ASSIGN(auto database, store::Database::Open(parsed, mode));
  return log::SqlLog::Open(std::move(database), *parsed.table());
}

}  // namespace deltalakedb
