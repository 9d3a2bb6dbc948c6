// SqlLog: the transaction log of one table in a catalog.
//
// Reading takes one short transaction per question; what was read belongs to one version and never
// changes, so that files can be streamed later, and again, while commits go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"
#include "log/append_queue.h"
#include "log/transaction_log.h"
#include "store/database.h"
#include "store/rows.h"

namespace deltalakedb::log {

class SqlLog final : public TransactionLog {
 public:
  // The table of that name.
  // Errors: NotFound (no such table, or no catalog), Unsupported (another schema), those of the
  // database.
  static Result<std::unique_ptr<SqlLog>> Open(std::shared_ptr<store::Database> database,
                                              std::string table_name);
  // The table of that id, whatever it is called. Errors: the same.
  static Result<std::unique_ptr<SqlLog>> Open(std::shared_ptr<store::Database> database,
                                              const TableId& table);

  Result<Version> LoadLatestVersion() const override;
  Result<std::shared_ptr<const Snapshot>> LoadSnapshot(TableVersion which) const override;
  Result<TableState> LoadState(TableVersion which) const override;
  Result<std::vector<HistoryEntry>> LoadHistory(const HistoryOptions& options) const override;

  Result<CommitBase> LoadCommitBase(TableVersion which) const override;
  Result<std::string> LoadCommitText(Version version) const override;
  Result<ProposalAnswer> Propose(const ProposedCommit& commit) const override;
  Result<ProposalAnswer> Settle(const ProposedCommit& commit,
                                std::string_view attempt_id) const override;
  bool takes_any_version() const override { return true; }
  Result<std::optional<ProposalAnswer>> FindCommit(std::string_view commit_id) const override;
  Result<Timestamp> LoadClock() const override;
  Result<Timestamp> EstimateClock() const override;
  std::string table_root() const override;
  Result<void> VisitTombstones(Version version, Timestamp expiry,
                               const TombstoneVisitor& visit) const override;
  Result<std::vector<std::string>> ListOtherPlaces() const override;
  // As it was when the log was opened.
  const store::TableRow& table() const { return table_; }

 private:
  struct StoredVersion {
    store::VersionRow row;
    TableState state;
  };
  Result<StoredVersion> LoadVersion(store::Connection& connection, TableVersion which) const;

  // The database's clock by ours, µs since 1970, measured where it has not been.
  Result<std::int64_t> EstimateClockUs() const;
  Result<std::int64_t> MeasureClock(store::Connection& connection) const;

  SqlLog(std::shared_ptr<store::Database> database, store::TableRow table)
      : database_(std::move(database)), table_(std::move(table)), appends_(*database_) {}

  static constexpr std::int64_t kNotMeasured = std::numeric_limits<std::int64_t>::min();

  std::shared_ptr<store::Database> database_;
  store::TableRow table_;  // as it was when the log was opened; its id and name do not change
  mutable AppendQueue appends_;
  // What the database's clock is ahead of our steady one. Unit: µs.
  mutable std::atomic<std::int64_t> clock_offset_us_ = kNotMeasured;
};

// What the rows say of the version of `row`, from within a transaction of the caller's.
// Errors: Corrupt, those of the database.
Result<TableState> LoadStoredState(store::Connection& connection, const TableId& table,
                                   const store::VersionRow& row);

// The table's protocol or metaData at a version, as the log would have it.
Result<Protocol> LoadStoredProtocol(store::Connection& connection, const TableId& table,
                                    Version version);
Result<Metadata> LoadStoredMetadata(store::Connection& connection, const TableId& table,
                                    Version version);

}  // namespace deltalakedb::log
