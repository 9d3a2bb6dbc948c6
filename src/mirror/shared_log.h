// SharedLog: the log of a table in shared mode. The log file at the table's location decides every
// version, by put-if-absent with no database transaction open, and the catalog takes it in.
//
// Other engines write the same log. Everything that asks for the newest version takes in first what
// they have written.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "log/file_log.h"
#include "log/sql_log.h"
#include "log/transaction_log.h"
#include "mirror/publisher.h"
#include "store/database.h"
#include "store/rows.h"

namespace deltalakedb::mirror {

class SharedLog final : public TransactionLog {
 public:
  // `uri` is the table's, as the user gave it; `sink` outlives the log.
  // Errors: NotFound, those of the database and of the file system.
  static Result<std::unique_ptr<SharedLog>> Open(std::string_view uri,
                                                 std::shared_ptr<store::Database> database,
                                                 const store::TableRow& table, LogSink& sink);

  Result<Version> LoadLatestVersion() const override;
  Result<std::shared_ptr<const Snapshot>> LoadSnapshot(TableVersion which) const override;
  Result<TableState> LoadState(TableVersion which) const override;
  Result<std::vector<HistoryEntry>> LoadHistory(const HistoryOptions& options) const override;

  Result<CommitBase> LoadCommitBase(TableVersion which) const override;
  Result<std::string> LoadCommitText(Version version) const override;
  Result<ProposalAnswer> Propose(const ProposedCommit& commit) const override;
  Result<ProposalAnswer> Settle(const ProposedCommit& commit,
                                std::string_view attempt_id) const override;
  bool takes_any_version() const override { return false; }
  Result<std::optional<ProposalAnswer>> FindCommit(std::string_view commit_id) const override;
  Result<Timestamp> LoadClock() const override { return catalog_->LoadClock(); }
  Result<Timestamp> EstimateClock() const override { return catalog_->EstimateClock(); }
  std::string table_root() const override { return catalog_->table_root(); }
  Result<void> VisitTombstones(Version version, Timestamp expiry,
                               const TombstoneVisitor& visit) const override {
    return catalog_->VisitTombstones(version, expiry, visit);
  }
  Result<std::vector<std::string>> ListOtherPlaces() const override {
    return catalog_->ListOtherPlaces();
  }

 private:
  SharedLog(std::string_view uri, std::shared_ptr<store::Database> database,
            const store::TableRow& table, LogSink& sink)
      : uri_(uri), database_(std::move(database)), table_(table), sink_(sink) {}

  // Errors: Conflict (the mirror has diverged), those of publishing.
  Result<void> CheckInStep() const;
  Result<void> Publish() const;
  Result<void> TakeInNew() const;
  Result<void> TakeInNew(TableVersion which) const;

  std::string uri_;
  std::shared_ptr<store::Database> database_;
  store::TableRow table_;  // as it was when the log was opened
  LogSink& sink_;
  std::unique_ptr<log::FileLog> files_;
  std::unique_ptr<log::SqlLog> catalog_;
};

}  // namespace deltalakedb::mirror
