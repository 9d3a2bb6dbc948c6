// The log that a URI names, in a database or in a folder.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "log/transaction_log.h"
#include "store/database.h"
#include "store/drivers.h"
#include "store/rows.h"

namespace deltalakedb {

struct OpenedLog {
  std::unique_ptr<TransactionLog> log;
  // Of a table in a catalog.
  std::shared_ptr<store::Database> database;
  std::optional<store::TableRow> table;
};

// `mode` is for databases. `sink` outlives the log; null for none. Errors: as DeltaTable::Open.
Result<OpenedLog> OpenTransactionLog(std::string_view uri, store::DatabaseMode mode, LogSink* sink);

}  // namespace deltalakedb
