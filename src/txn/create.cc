// CreateTable: a table by its version 0, in a catalog or in a folder.
#include "deltalakedb/create.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "base/retry.h"
#include "base/try.h"
#include "deltalakedb/uri.h"
#include "log/file_log.h"
#include "log/sql_log_create.h"
#include "protocol/paths.h"
#include "storage/table_folder.h"
#include "store/catalog_file.h"
#include "store/metadata_store.h"
#include "store/migrations.h"
#include "txn/commit.h"
#include "txn/conflict.h"
#include "txn/first_version.h"

namespace deltalakedb {

namespace {

using store::MetadataStore;
using txn::FirstBody;
using txn::TablePlan;

constexpr std::int64_t kMicrosecondsPerMs = 1000;

using AnswerKind = ProposalAnswer::Kind;

Error InDoubt(const Error& cause, const std::string& commit_id) {
  return Error(ErrorCode::kInDoubt,
               fmt::format("whether the table was made is not known, as the answer was lost ({}): "
                           "create it again with the commit id {}, which finds it if it is there",
                           cause.message(), commit_id))
      .With("commitId", commit_id);
}

// ---- where it is to be --------------------------------------------------------------------------

struct Place {
  storage::TableFolder folder;
  std::string real_location;  // with links followed
};

// Whether a folder is at the path, or can be made there.
Result<void> CheckCanBeFolder(const std::string& location) {
  for (std::filesystem::path path = location;; path = path.parent_path()) {
    std::error_code failure;  // what cannot be looked at is for whoever uses it to refuse
    const auto status = std::filesystem::status(path, failure);
    if (std::filesystem::is_directory(status)) return {};
    if (std::filesystem::exists(status)) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the location {} cannot be a folder, since {} is none",
                                    location, path.string()))
                      .With("location", location));
    }
    if (path == path.parent_path()) return {};
  }
}

Result<Place> FindPlace(const Uri& uri) {
  Place place;
  DELTALAKEDB_ASSIGN(place.folder, storage::FindTableFolder(uri));
  place.real_location = place.folder.location;
  if (uri.file() != nullptr) {
    std::error_code failure;  // what cannot be followed is left as it is
    const auto real = std::filesystem::weakly_canonical(place.folder.location, failure);
    if (!failure) place.real_location = real.string();
    DELTALAKEDB_TRY(CheckCanBeFolder(place.folder.location));
  }
  return place;
}

Result<Place> FindLocation(const std::string& text) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(text));
  if (!uri.is_database()) return FindPlace(uri);
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: the location has to be where the table's files are, a path for "
                          "instance",
                          uri.ToString()));
}

std::unexpected<Error> HasLog(const std::string& location) {
  return Fail(Error(ErrorCode::kAlreadyExists,
                    fmt::format("{} has a Delta log already: `deltalakedb import` takes such a "
                                "table into a catalog",
                                location))
                  .With("location", location));
}

// The log in a folder, null where there is none.
Result<std::unique_ptr<log::FileLog>> FindLog(const Place& place) {
  auto log = log::FileLog::Open(*place.folder.file_system, place.folder.path, NullLogSink());
  if (log || log.error().code() != ErrorCode::kNotFound) return log;
  return std::unique_ptr<log::FileLog>();
}

// ---- in a catalog -------------------------------------------------------------------------------

class CatalogCreation {
 public:
  // `has_log`: at the location, of another table then.
  CatalogCreation(const Uri& uri, const TablePlan& plan, Place place, bool has_log)
      : uri_(uri), plan_(plan), place_(std::move(place)), has_log_(has_log) {}

  Result<CreateReport> Run();

 private:
  // An answer where the table is there already, by the same commit.
  Result<std::optional<CreateReport>> CheckFree(MetadataStore& store) const;
  Result<void> Insert(MetadataStore& store) const;
  Result<std::optional<CreateReport>> Prepare(store::Connection& connection, bool& makes_catalog);
  Result<CreateReport> Settle(const std::shared_ptr<store::Database>& database, Error lost) const;
  Result<bool> IsThere(store::Database& database) const;
  // Whoever makes the same table at once, or another of the same place, goes first or waits.
  Result<void> LockNames(MetadataStore& store) const {
    DELTALAKEDB_TRY(store.LockName("location " + place_.folder.location));
    return store.LockName("table " + *uri_.table());
  }
  std::unexpected<Error> InTarget(Error error) const {
    return Fail(store::InDatabase(std::move(error), uri_.ToString()));
  }
  CreateReport Report(std::string table_id) const {
    return {*uri_.table(),          std::move(table_id), Version(0),
            place_.folder.location, plan_.commit_id,     false};
  }

  const Uri& uri_;
  const TablePlan& plan_;
  Place place_;
  bool has_log_;
};

Result<std::optional<CreateReport>> CatalogCreation::CheckFree(MetadataStore& store) const {
  const std::string& name = *uri_.table();
  DELTALAKEDB_ASSIGN(const auto table, store.FindTable(name));
  if (table) {
    DELTALAKEDB_ASSIGN(const auto commit, store.FindCommit(table->table_id, plan_.commit_id));
    if (commit && commit->version == Version(0)) {
      CreateReport report = Report(table->table_id.ToString());
      report.location = table->location;  // which need not be the one that is asked for now
      report.was_there = true;
      return std::optional(std::move(report));
    }
    return Fail(
        Error(ErrorCode::kAlreadyExists,
              fmt::format("the catalog has a table {} already, of {}", name, table->location))
            .With("table", name)
            .With("location", table->location));
  }
  for (const std::string& location :
       std::set<std::string>{place_.folder.location, place_.real_location}) {
    DELTALAKEDB_ASSIGN(const auto others, store.ListTablesAt(location));
    if (others.empty()) continue;
    return Fail(
        Error(ErrorCode::kAlreadyExists,
              fmt::format("the catalog has {} already, as table {}", location, others.front().name))
            .With("table", others.front().name)
            .With("location", location));
  }
  if (has_log_) return HasLog(place_.folder.location);
  return std::optional<CreateReport>();
}

Result<void> CatalogCreation::Insert(MetadataStore& store) const {
  DELTALAKEDB_ASSIGN(const std::int64_t now_us, store.LoadClock());
  const Timestamp now(now_us / kMicrosecondsPerMs);
  const std::string& location = place_.folder.location;
  DELTALAKEDB_ASSIGN(const FirstBody body,
                     txn::MakeFirstBody(plan_, now, protocol::CanonicalRootOfLocation(location)));
  return log::InsertNewTable(store, {.table_id = plan_.table_id,
                                     .name = *uri_.table(),
                                     .location = location,
                                     .body = body.text,
                                     .timestamp = now,
                                     .is_in_commit = body.has_in_commit_timestamp,
                                     .commit_id = plan_.commit_id,
                                     .now_us = now_us});
}

// All but the commit of the transaction.
Result<std::optional<CreateReport>> CatalogCreation::Prepare(store::Connection& connection,
                                                             bool& makes_catalog) {
  MetadataStore store(connection);
  DELTALAKEDB_ASSIGN(const bool has_catalog, store::HasCatalog(connection));
  makes_catalog = !has_catalog;
  if (makes_catalog) DELTALAKEDB_TRY(store::ApplyMigrations(connection));
  DELTALAKEDB_TRY(LockNames(store));
  DELTALAKEDB_ASSIGN(auto there, CheckFree(store));
  if (!there) DELTALAKEDB_TRY(Insert(store));
  return there;
}

Result<bool> CatalogCreation::IsThere(store::Database& database) const {
  DELTALAKEDB_ASSIGN(const auto connection, database.Acquire());
  DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kWrite));
  const auto has_catalog = store::HasCatalog(*connection);
  if (!has_catalog || !*has_catalog) return has_catalog;
  MetadataStore store(*connection);
  // The transaction whose answer was lost has this lock for as long as it can still happen.
  DELTALAKEDB_TRY(LockNames(store));
  DELTALAKEDB_ASSIGN(const auto table, store.FindTable(plan_.table_id));
  return table.has_value();
}

Result<CreateReport> CatalogCreation::Settle(const std::shared_ptr<store::Database>& database,
                                             Error lost) const {
  for (int ask = 1; ask <= txn::kSettleAttemptsMax; ++ask) {
    if (ask > 1) std::this_thread::sleep_for(base::PauseBefore(ask - 1, {}));
    const auto is_there = IsThere(*database);
    if (!is_there) continue;
    return *is_there ? Result<CreateReport>(Report(plan_.table_id.ToString()))
                     : Fail(std::move(lost));
  }
  return Fail(InDoubt(lost, plan_.commit_id));
}

Result<CreateReport> CatalogCreation::Run() {
  DELTALAKEDB_ASSIGN(auto created, store::CreatedDatabase::Open(uri_));
  std::optional<Error> lost;
  {
    DELTALAKEDB_ASSIGN(const auto connection, created.database()->Acquire());
    DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kWrite));
    bool makes_catalog = false;
    auto prepared = Prepare(*connection, makes_catalog);
    if (!prepared || *prepared) {
      connection->Rollback();
      if (!prepared) return InTarget(std::move(prepared).error());
      return **std::move(prepared);
    }
    DELTALAKEDB_TRY(created.CheckStillThere());
    auto committed = connection->Commit();
    if (committed) {
      if (makes_catalog) created.Keep(*connection);
      return Report(plan_.table_id.ToString());
    }
    if (connection->IsHealthy()) return InTarget(std::move(committed).error());
    lost = std::move(committed).error();
  }
  return Settle(created.database(), *std::move(lost));
}

Result<CreateReport> CreateInCatalog(const Uri& uri, const NewTable& table, const TablePlan& plan) {
  DELTALAKEDB_TRY(uri.RequireTable());
  if (!table.location) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a table in a catalog needs a location, the folder where its files "
                            "are",
                            uri.ToString()));
  }
  DELTALAKEDB_ASSIGN(Place place, FindLocation(*table.location));
  DELTALAKEDB_ASSIGN(const auto log, FindLog(place));
  return CatalogCreation(uri, plan, std::move(place), log != nullptr).Run();
}

// ---- in a folder --------------------------------------------------------------------------------

class FolderCreation {
 public:
  FolderCreation(const TablePlan& plan, Place place) : plan_(plan), place_(std::move(place)) {}

  Result<CreateReport> Run();

 private:
  // Whether the log that is there was begun by the same commit.
  Result<CreateReport> LookAt(const log::FileLog& log) const;
  Result<ProposalAnswer> Propose(const log::FileLog& log, const ProposedCommit& commit) const;

  CreateReport Report(std::string table_id) const {
    const std::string& location = place_.folder.location;
    return {location, std::move(table_id), Version(0), location, plan_.commit_id, false};
  }

  const TablePlan& plan_;
  Place place_;
};

Result<CreateReport> FolderCreation::LookAt(const log::FileLog& log) const {
  const auto text = log.LoadCommitText(Version(0));
  if (!text && text.error().code() != ErrorCode::kNotFound) return Fail(text.error());
  if (!text) return HasLog(place_.folder.location);
  const auto first = txn::SummarizeCommit(Version(0), *text, log.table_root());
  const bool is_own = first && first->commit_info && first->metadata && first->metadata->id &&
                      first->commit_info->txn_id == plan_.commit_id;
  if (!is_own) return HasLog(place_.folder.location);
  CreateReport report = Report(*first->metadata->id);
  report.was_there = true;
  return report;
}

// As the loop of commits does: after a lost answer the same text is put again.
Result<ProposalAnswer> FolderCreation::Propose(const log::FileLog& log,
                                               const ProposedCommit& commit) const {
  DELTALAKEDB_ASSIGN(ProposalAnswer answer, log.Propose(commit));
  std::optional<Error> lost;
  for (int ask = 1; answer.kind == AnswerKind::kUnknown && ask <= txn::kSettleAttemptsMax; ++ask) {
    if (ask > 1) std::this_thread::sleep_for(base::PauseBefore(ask - 1, {}));
    auto settled = log.Settle(commit, {});
    if (settled) {
      answer = *settled;
    } else {
      lost = std::move(settled).error();
    }
  }
  if (answer.kind != AnswerKind::kUnknown) return answer;
  if (!lost) lost = Error(ErrorCode::kUnavailable, "the store did not answer");
  return Fail(InDoubt(*lost, plan_.commit_id));
}

Result<CreateReport> FolderCreation::Run() {
  DELTALAKEDB_ASSIGN(const auto there, FindLog(place_));
  if (there != nullptr) return LookAt(*there);
  const auto log = log::FileLog::At(*place_.folder.file_system, place_.folder.path, NullLogSink());
  DELTALAKEDB_ASSIGN(const Timestamp now, log->LoadClock());
  DELTALAKEDB_ASSIGN(const FirstBody body, txn::MakeFirstBody(plan_, now, log->table_root()));
  ProposedCommit commit;
  commit.body = body.text;
  commit.timestamp = now;
  commit.is_in_commit = body.has_in_commit_timestamp;
  commit.commit_id = plan_.commit_id;
  DELTALAKEDB_ASSIGN(const ProposalAnswer answer, Propose(*log, commit));
  const bool is_ours = answer.kind == AnswerKind::kCommitted || answer.kind == AnswerKind::kThere;
  if (is_ours) return Report(plan_.table_id.ToString());
  return LookAt(*log);
}

Result<CreateReport> CreateInFolder(const Uri& uri, const NewTable& table, const TablePlan& plan) {
  DELTALAKEDB_ASSIGN(Place place, FindPlace(uri));
  if (table.location) {
    DELTALAKEDB_ASSIGN(const Place given, FindLocation(*table.location));
    if (given.folder.location != place.folder.location &&
        given.real_location != place.real_location) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the table {} is a folder, which is its location: leave the "
                                    "other one, {}, out",
                                    place.folder.location, given.folder.location))
                      .With("location", given.folder.location));
    }
  }
  return FolderCreation(plan, std::move(place)).Run();
}

}  // namespace

Result<CreateReport> CreateTable(std::string_view uri_text, const NewTable& table) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(uri_text));
  DELTALAKEDB_ASSIGN(const TablePlan plan, txn::PlanTable(table));
  return uri.is_database() ? CreateInCatalog(uri, table, plan) : CreateInFolder(uri, table, plan);
}

}  // namespace deltalakedb
