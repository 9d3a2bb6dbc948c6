#include <algorithm>
#include <utility>

#include "base/try.h"
#include "catalog/open_log.h"
#include "data/row_stream.h"
#include "deltalakedb/table.h"
#include "protocol/features.h"
#include "table/delta_table_impl.h"
#include "table/file_scan.h"
#include "table/live_files.h"

namespace deltalakedb {

namespace {

Result<std::vector<int>> FindColumns(const data::TableShape& shape,
                                     const std::optional<std::vector<std::string>>& names) {
  std::vector<int> columns;
  if (!names) {
    for (std::size_t i = 0; i < shape.columns().size(); ++i) columns.push_back(static_cast<int>(i));
    return columns;
  }
  for (const std::string& name : *names) {
    const std::optional<int> position = shape.FindColumn(name);
    if (!position) {
      std::string known;
      for (const auto& column : shape.columns()) {
        known += (known.empty() ? "" : ", ") + column.field->name();
      }
      return Fail(Error(ErrorCode::kInvalidArgument,
                        "the table has no column " + name + "; it has " + known)
                      .With("column", name));
    }
    if (std::ranges::find(columns, *position) != columns.end()) {
      return Fail(Error(ErrorCode::kInvalidArgument, "the column " + name + " is asked for twice")
                      .With("column", name));
    }
    columns.push_back(*position);
  }
  return columns;
}

}  // namespace

DeltaTable::DeltaTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeltaTable::DeltaTable(DeltaTable&&) noexcept = default;
DeltaTable& DeltaTable::operator=(DeltaTable&&) noexcept = default;
DeltaTable::~DeltaTable() = default;

Result<const txn::WrittenLog*> DeltaTable::Impl::OpenWritten() {
  const std::lock_guard lock(mutex_);
  if (!written_) {
    DELTALAKEDB_ASSIGN(written_,
                       txn::WrittenLog::Open(uri_, options_.mirroring, options_.log_sink));
  }
  return &*written_;
}

Result<DeltaTable> DeltaTable::Open(std::string_view uri, const OpenOptions& options) {
  DELTALAKEDB_ASSIGN(OpenedLog opened,
                     OpenTransactionLog(uri, store::DatabaseMode::kRead, options.log_sink));
  return DeltaTable(std::make_unique<Impl>(std::string(uri), options, std::move(opened.log)));
}

Result<Version> DeltaTable::LoadLatestVersion() const { return impl_->log().LoadLatestVersion(); }

Result<std::shared_ptr<const Snapshot>> DeltaTable::LoadSnapshot(TableVersion which) const {
  return impl_->log().LoadSnapshot(which);
}

Result<TableState> DeltaTable::LoadState(TableVersion which) const {
  return impl_->log().LoadState(which);
}

Result<std::vector<HistoryEntry>> DeltaTable::LoadHistory(const HistoryOptions& options) const {
  return impl_->log().LoadHistory(options);
}

Result<void> DeltaTable::Scan(const ScanOptions& options, ArrowArrayStream* out) const {
  DELTALAKEDB_ASSIGN(const auto snapshot, LoadSnapshot(options.version));
  table::FileScanInput input(data::DataFolder::OfRoot(impl_->log().table_root()));
  input.metadata = snapshot->metadata();
  input.in_order = options.in_order;
  input.threads = options.threads;
  DELTALAKEDB_ASSIGN(input.shape, data::TableShape::Make(snapshot->metadata()));
  DELTALAKEDB_ASSIGN(input.columns, FindColumns(*input.shape, options.columns));
  if (!options.where.empty()) {
    DELTALAKEDB_ASSIGN(auto where, expr::Predicate::Parse(options.where, input.shape->schema()));
    input.where = std::make_shared<const expr::Predicate>(std::move(where));
  }
  DELTALAKEDB_ASSIGN(auto live, table::LiveFiles::Open(*snapshot, table::LiveFiles::Stats::kWithout,
                                                       *input.shape, input.where.get()));
  // What the files are read with stays with whoever reads them.
  input.next_file = [snapshot, shape = input.shape, where = input.where,
                     live = std::make_shared<table::LiveFiles>(std::move(live))] {
    return live->Next();
  };
  DELTALAKEDB_ASSIGN(auto rows, table::ScanFiles(std::move(input)));
  data::ExportStream(std::move(rows), out);
  return {};
}

}  // namespace deltalakedb
