#include <utility>

#include "base/try.h"
#include "deltalakedb/table.h"
#include "log/transaction_log.h"
#include "table/open_log.h"

namespace deltalakedb {

DeltaTable::DeltaTable(std::unique_ptr<TransactionLog> log) : log_(std::move(log)) {}
DeltaTable::DeltaTable(DeltaTable&&) noexcept = default;
DeltaTable& DeltaTable::operator=(DeltaTable&&) noexcept = default;
DeltaTable::~DeltaTable() = default;

Result<DeltaTable> DeltaTable::Open(std::string_view uri, const OpenOptions& options) {
  DELTALAKEDB_ASSIGN(OpenedLog opened,
                     OpenTransactionLog(uri, store::DatabaseMode::kRead, options.log_sink));
  return DeltaTable(std::move(opened.log));
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
