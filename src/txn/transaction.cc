#include "deltalakedb/transaction.h"

#include <utility>

#include "base/try.h"
#include "log/transaction_log.h"
#include "protocol/features.h"
#include "protocol/staged_actions.h"
#include "table/open_log.h"
#include "txn/commit.h"
#include "txn/commit_id.h"
#include "txn/commit_report.h"

namespace deltalakedb {

namespace {

Result<void> CheckOptions(const TransactionOptions& options) {
  if (options.read_version && options.expected_version) {
    return Fail(ErrorCode::kInvalidArgument,
                "a read version and an expected version exclude each other");
  }
  return txn::CheckCommitId(options.commit_id);
}

}  // namespace

class Transaction::Impl {
 public:
  Impl(std::shared_ptr<const TransactionLog> log, CommitBase base, TransactionOptions options)
      : log_(std::move(log)), base_(std::move(base)), options_(std::move(options)) {}

  Version read_version() const { return base_.state.version; }

  template <typename Action>
  Result<void> Add(Action&& action) {
    DELTALAKEDB_TRY(CheckOpen());
    return staged_.Append(std::forward<Action>(action));
  }
  Result<void> AddLine(std::string_view line, std::int64_t number) {
    DELTALAKEDB_TRY(CheckOpen());
    return staged_.Take(line, number);
  }

  Result<CommitReport> Commit() {
    DELTALAKEDB_TRY(CheckOpen());
    is_open_ = false;
    const bool adds_only = staged_.removes().empty() && !staged_.metadata() && !staged_.protocol();
    txn::CommitOptions options;
    options.reads.whole_table = options_.reads == ReadScope::kWholeTable ||
                                (options_.reads == ReadScope::kByActions && !adds_only);
    options.isolation = options_.isolation;
    options.is_exact = options_.expected_version.has_value();
    options.info.operation = options_.operation;
    options.info.operation_parameters = options_.operation_parameters;
    options.info.operation_metrics = options_.operation_metrics;
    options.info.user_metadata = options_.user_metadata;
    options.info.engine_info = txn::kEngineInfo;
    options.commit_id = options_.commit_id;
    options.app_transaction = options_.app_transaction;
    DELTALAKEDB_ASSIGN(auto outcome, txn::Commit(*log_, base_, staged_, std::move(options)));
    return txn::ToReport(std::move(outcome));
  }

 private:
  Result<void> CheckOpen() const {
    if (is_open_) return {};
    return Fail(ErrorCode::kInvalidArgument, "the transaction has been committed already");
  }

  std::shared_ptr<const TransactionLog> log_;
  CommitBase base_;
  TransactionOptions options_;
  protocol::StagedActions staged_;
  bool is_open_ = true;
};

class TableWriter::Impl {
 public:
  explicit Impl(std::shared_ptr<const TransactionLog> log) : log_(std::move(log)) {}
  const std::shared_ptr<const TransactionLog>& log() const { return log_; }

 private:
  std::shared_ptr<const TransactionLog> log_;
};

Result<TableWriter> TableWriter::Open(std::string_view uri, const WriterOptions& options) {
  DELTALAKEDB_ASSIGN(auto log,
                     OpenTransactionLog(uri, store::DatabaseMode::kWrite, options.log_sink));
  return TableWriter(std::make_shared<Impl>(std::move(log)));
}

Result<Transaction> TableWriter::Begin(const TransactionOptions& options) const {
  DELTALAKEDB_TRY(CheckOptions(options));
  const auto wanted = options.read_version ? options.read_version : options.expected_version;
  DELTALAKEDB_ASSIGN(
      CommitBase base,
      impl_->log()->LoadCommitBase(wanted ? TableVersion::At(*wanted) : TableVersion::Latest()));
  DELTALAKEDB_TRY(protocol::CheckWritable(base.state.protocol, base.state.metadata));
  return Transaction(std::make_unique<Transaction::Impl>(impl_->log(), std::move(base), options));
}

TableWriter::TableWriter(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TableWriter::TableWriter(TableWriter&&) noexcept = default;
TableWriter& TableWriter::operator=(TableWriter&&) noexcept = default;
TableWriter::~TableWriter() = default;

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Version Transaction::read_version() const { return impl_->read_version(); }
Result<void> Transaction::Add(const AddFile& add) { return impl_->Add(add); }
Result<void> Transaction::Add(const RemoveFile& remove) { return impl_->Add(remove); }
Result<void> Transaction::Add(const CdcFile& cdc) { return impl_->Add(cdc); }
Result<void> Transaction::Add(Metadata metadata) { return impl_->Add(std::move(metadata)); }
Result<void> Transaction::Add(Protocol protocol) { return impl_->Add(std::move(protocol)); }
Result<void> Transaction::Add(AppTransaction transaction) {
  return impl_->Add(std::move(transaction));
}
Result<void> Transaction::Add(DomainMetadata domain) { return impl_->Add(std::move(domain)); }
Result<void> Transaction::AddLine(std::string_view line, std::int64_t number) {
  return impl_->AddLine(line, number);
}
Result<CommitReport> Transaction::Commit() { return impl_->Commit(); }

}  // namespace deltalakedb
