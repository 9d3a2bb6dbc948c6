// FileLog: the transaction log in a `_delta_log` folder.
//
// Every question lists the folder anew, so it sees what others commit. `_last_checkpoint` is not
// consulted: it is a hint that saves object stores a listing, and the listing is needed anyway.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "log/log_folder.h"
#include "log/transaction_log.h"
#include "log/write_checkpoint.h"
#include "storage/file_system.h"

namespace deltalakedb::log {

class FileLog final : public TransactionLog {
 public:
  // The log of the table in the folder `table_path`, named as `file_system` takes it. `file_system`
  // and `sink` outlive it. Errors: NotFound (no such folder, or one without a log), Permission, Io.
  static Result<std::unique_ptr<FileLog>> Open(const storage::FileSystem& file_system,
                                               std::string table_path, LogSink& sink);

  // The same without looking whether there is a log; PutCommit can begin one.
  static std::unique_ptr<FileLog> At(const storage::FileSystem& file_system, std::string table_path,
                                     LogSink& sink);

  // The folder as it is now. It refers to this log's file system and sink, not to the log.
  // Errors: NotFound (no longer a log), Permission, Io.
  Result<std::shared_ptr<const LogFolder>> ListFolder() const;

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
  Result<Timestamp> LoadClock() const override;
  Result<Timestamp> EstimateClock() const override;
  std::string table_root() const override;
  Result<void> VisitTombstones(Version version, Timestamp expiry,
                               const TombstoneVisitor& visit) const override;
  Result<std::vector<std::string>> ListOtherPlaces() const override {
    return std::vector<std::string>();
  }

  // Writes the commit file of a version, unless it is there, in which case it is left alone.
  // `body` is its exact text. The version before has to be in the log, as a commit or a checkpoint;
  // that of version 0 begins the log. What the text says is not looked at.
  // Errors: InvalidArgument (a negative version), NotFound (the version before is not there: fact
  // version), those of storage::FileSystem::PutIfAbsent; after Unavailable the same call may be
  // made again, which answers kWritten where this one was in time.
  Result<storage::PutResult> PutCommit(Version version, std::string_view body) const;

  // Writes the checkpoint of a version whose commit is there, of the kind that the table asks for
  // (log/write_checkpoint.h), and `_last_checkpoint` unless that is of a later version. `now`
  // decides which tombstones have expired.
  // Errors: as LoadSnapshot and PutCommit.
  Result<PutCheckpoint> WriteCheckpoint(Version version, Timestamp now) const;

 private:
  FileLog(const storage::FileSystem& file_system, std::string table_path, LogSink& sink)
      : file_system_(file_system), table_path_(std::move(table_path)), sink_(sink) {}

  template <typename Load>
  std::invoke_result_t<Load, const std::shared_ptr<const LogFolder>&> WithListing(Load load) const;

  const storage::FileSystem& file_system_;
  std::string table_path_;
  LogSink& sink_;
};

}  // namespace deltalakedb::log
