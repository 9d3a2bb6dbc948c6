#include <utility>

#include "base/try.h"
#include "deltalakedb/table.h"
#include "deltalakedb/uri.h"
#include "log/file_log.h"
#include "log/sql_log.h"
#include "log/transaction_log.h"
#include "storage/table_folder.h"
#include "store/database.h"

namespace deltalakedb {

DeltaTable::DeltaTable(std::unique_ptr<TransactionLog> log) : log_(std::move(log)) {}
DeltaTable::DeltaTable(DeltaTable&&) noexcept = default;
DeltaTable& DeltaTable::operator=(DeltaTable&&) noexcept = default;
DeltaTable::~DeltaTable() = default;

Result<DeltaTable> DeltaTable::Open(std::string_view uri, const OpenOptions& options) {
  DELTALAKEDB_ASSIGN(const Uri parsed, Uri::Parse(uri));
  LogSink& sink = options.log_sink == nullptr ? NullLogSink() : *options.log_sink;
  if (!parsed.is_database()) {
    DELTALAKEDB_ASSIGN(auto folder, storage::FindTableFolder(parsed));
    DELTALAKEDB_ASSIGN(auto log,
                       log::FileLog::Open(*folder.file_system, std::move(folder.path), sink));
    return DeltaTable(std::move(log));
  }
  DELTALAKEDB_TRY(parsed.RequireTable());
  DELTALAKEDB_ASSIGN(auto database, store::Database::Open(parsed, store::DatabaseMode::kRead));
  DELTALAKEDB_ASSIGN(auto log, log::SqlLog::Open(std::move(database), *parsed.table()));
  return DeltaTable(std::move(log));
}

Result<Version> DeltaTable::LoadLatestVersion() const { return log_->LoadLatestVersion(); }

Result<std::shared_ptr<const Snapshot>> DeltaTable::LoadSnapshot(TableVersion which) const {
  return log_->LoadSnapshot(which);
}

Result<TableState> DeltaTable::LoadState(TableVersion which) const {
  return log_->LoadState(which);
}

Result<std::vector<HistoryEntry>> DeltaTable::LoadHistory(const HistoryOptions& options) const {
  return log_->LoadHistory(options);
}

}  // namespace deltalakedb
