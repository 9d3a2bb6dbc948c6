#include "deltalakedb/transaction.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/try.h"
#include "log/transaction_log.h"
#include "protocol/features.h"
#include "protocol/staged_actions.h"
#include "protocol/table_rules.h"
#include "txn/commit.h"
#include "txn/commit_id.h"
#include "txn/commit_report.h"
#include "txn/written_log.h"

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

// What transactions of one writer share.
class TableWriter::Impl {
 public:
  explicit Impl(txn::WrittenLog log) : log_(std::move(log)) {}
  const TransactionLog& log() const { return log_.log(); }
  void NoteCommitted(Version version) const { log_.NoteCommitted(version); }

  struct Base {
    std::shared_ptr<const CommitBase> read;
    std::shared_ptr<const protocol::TableRules> rules;
  };

  // What was read of the table last, for who reads nothing.
  std::optional<Base> known() const {
    const std::lock_guard lock(mutex_);
    return known_;
  }
  Result<Base> Load(TableVersion which) {
    DELTALAKEDB_ASSIGN(CommitBase loaded, log().LoadCommitBase(which));
    DELTALAKEDB_TRY(protocol::CheckWritable(loaded.state.protocol, loaded.state.metadata));
    DELTALAKEDB_ASSIGN(auto rules,
                       protocol::TableRules::Make(loaded.state.protocol, loaded.state.metadata));
    Base base{std::make_shared<const CommitBase>(std::move(loaded)),
              std::make_shared<const protocol::TableRules>(std::move(rules))};
    const std::lock_guard lock(mutex_);
    if (!known_ || known_->read->state.version < base.read->state.version) known_ = base;
    return base;
  }
  // It has become too old to commit on.
  void Forget(const Base& base) {
    const std::lock_guard lock(mutex_);
    if (known_ && known_->read == base.read) known_.reset();
  }

 private:
  txn::WrittenLog log_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<Base> known_;
};

class Transaction::Impl {
 public:
  using Base = TableWriter::Impl::Base;

  Impl(std::shared_ptr<TableWriter::Impl> table, Base base, bool is_known,
       TransactionOptions options)
      : table_(std::move(table)),
        base_(std::move(base)),
        is_known_(is_known),
        options_(std::move(options)) {}

  Version read_version() const { return base_.read->state.version; }

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
    options.may_stand_anywhere = is_known_;
    options.base_rules = base_.rules;
    const CommitInfo given = staged_.commit_info() ? staged_.commit_info()->action : CommitInfo();
    const auto& operation = options_.operation ? options_.operation : given.operation;
    const auto& parameters =
        options_.operation_parameters ? options_.operation_parameters : given.operation_parameters;
    options.info.operation = operation.value_or("WRITE");
    options.info.operation_parameters = parameters.value_or("{}");
    options.info.operation_metrics = std::move(options_.operation_metrics);
    options.info.user_metadata = std::move(options_.user_metadata);
    options.info.engine_info = given.engine_info.value_or(std::string(txn::kEngineInfo));
    options.commit_id = std::move(options_.commit_id);
    options.app_transaction = std::move(options_.app_transaction);
    DELTALAKEDB_ASSIGN(auto outcome,
                       txn::Commit(table_->log(), base_.read, staged_, std::move(options)));
    if (is_known_ && outcome.attempts > 1) table_->Forget(base_);
    if (outcome.kind == txn::CommitOutcome::Kind::kCommitted && !outcome.is_skipped) {
      table_->NoteCommitted(outcome.version);
    }
    return txn::ToReport(std::move(outcome));
  }

 private:
  Result<void> CheckOpen() const {
    if (is_open_) return {};
    return Fail(ErrorCode::kInvalidArgument, "the transaction has been committed already");
  }

  std::shared_ptr<TableWriter::Impl> table_;
  Base base_;
  bool is_known_;  // the base was not read for this transaction
  TransactionOptions options_;
  protocol::StagedActions staged_;
  bool is_open_ = true;
};

Result<TableWriter> TableWriter::Open(std::string_view uri, const WriterOptions& options) {
  DELTALAKEDB_ASSIGN(auto log, txn::WrittenLog::Open(uri, options.mirroring, options.log_sink));
  return TableWriter(std::make_shared<Impl>(std::move(log)));
}

Result<Transaction> TableWriter::Begin(const TransactionOptions& options) const {
  DELTALAKEDB_TRY(CheckOptions(options));
  const auto wanted = options.read_version ? options.read_version : options.expected_version;
  std::optional<Impl::Base> base;
  if (options.reads == ReadScope::kNothing && !wanted) base = impl_->known();
  const bool is_known = base.has_value();
  if (!is_known) {
    DELTALAKEDB_ASSIGN(base,
                       impl_->Load(wanted ? TableVersion::At(*wanted) : TableVersion::Latest()));
  }
  return Transaction(
      std::make_unique<Transaction::Impl>(impl_, *std::move(base), is_known, options));
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
