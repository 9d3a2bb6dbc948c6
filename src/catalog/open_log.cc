#include "catalog/open_log.h"

#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "log/file_log.h"
#include "log/sql_log.h"
#include "storage/table_folder.h"
#include "store/database.h"

namespace deltalakedb {

Result<OpenedLog> OpenTransactionLog(std::string_view uri, store::DatabaseMode mode,
                                     LogSink* sink) {
  OpenedLog opened;
  DELTALAKEDB_ASSIGN(const Uri parsed, Uri::Parse(uri));
  if (!parsed.is_database()) {
    DELTALAKEDB_ASSIGN(auto folder, storage::FindTableFolder(parsed));
    DELTALAKEDB_ASSIGN(opened.log, log::FileLog::Open(*folder.file_system, std::move(folder.path),
                                                      SinkOrNull(sink)));
    return opened;
  }
  DELTALAKEDB_TRY(parsed.RequireTable());
  DELTALAKEDB_ASSIGN(opened.database, store::Database::Open(parsed, mode));
  DELTALAKEDB_ASSIGN(auto log, log::SqlLog::Open(opened.database, *parsed.table()));
  opened.table = log->table();
  opened.log = std::move(log);
  return opened;
}

}  // namespace deltalakedb
