// The log that a URI names, in a database or in a folder.
#pragma once

#include <memory>
#include <string_view>

#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "log/transaction_log.h"
#include "store/drivers.h"

namespace deltalakedb {

// `mode` is for databases. `sink` outlives the log; null for none. Errors: as DeltaTable::Open.
Result<std::unique_ptr<TransactionLog>> OpenTransactionLog(std::string_view uri,
                                                           store::DatabaseMode mode, LogSink* sink);

}  // namespace deltalakedb
