// VerifyTable and ReindexTable.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "deltalakedb/import.h"
#include "deltalakedb/uri.h"
#include "importer/compare_source.h"
#include "importer/row_checker.h"
#include "importer/source_replay.h"
#include "importer/source_table.h"
#include "log/sql_bodies.h"
#include "log/sql_log.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "store/migrations.h"

namespace deltalakedb {

namespace {

using importer::Differences;
using store::Database;
using store::MetadataStore;
using store::TableRow;

// One that works on rows, one that reads texts ahead, one for a text that is opened again.
constexpr int kConnectionsMin = 3;

struct OpenTable {
  std::shared_ptr<Database> database;
  store::ConnectionLease connection;  // in a transaction
  TableRow table;
};

Result<OpenTable> Open(std::string_view uri_text, store::DatabaseMode mode) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(uri_text));
  if (!uri.is_database()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: only a table in a catalog has rows, as "
                            "deltasql://sqlite/meta.db?table=orders",
                            uri.ToString()));
  }
  DELTALAKEDB_TRY(uri.RequireTable());
  DELTALAKEDB_ASSIGN(auto database, Database::Open(uri, mode, kConnectionsMin));
  DELTALAKEDB_ASSIGN(auto connection, database->Acquire());
  DELTALAKEDB_TRY(connection->Begin(mode == store::DatabaseMode::kWrite
                                        ? store::TransactionMode::kWrite
                                        : store::TransactionMode::kRead));
  if (auto fits = store::CheckSchema(*connection); !fits) {
    return Fail(store::InDatabase(std::move(fits).error(), uri.ToString()));
  }
  DELTALAKEDB_ASSIGN(auto table, MetadataStore(*connection).FindTable(*uri.table()));
  if (!table) return Fail(store::NoSuchTable(uri));
  return OpenTable{std::move(database), std::move(connection), *std::move(table)};
}

// A text that is not what was put in is a finding; a database that cannot be read is a failure.
bool IsAboutText(const Error& error) {
  return (error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kLimitExceeded) &&
         error.FindFact("database") == nullptr;
}

std::optional<Version> VersionOf(const Error& error) {
  const auto* fact = error.FindFact("version");
  const auto* number = fact == nullptr ? nullptr : std::get_if<std::int64_t>(fact);
  return number == nullptr ? std::nullopt : std::optional(Version(*number));
}

Result<std::int64_t> CompareRows(const OpenTable& open, Differences& differences) {
  MetadataStore store(*open.connection);
  const log::IndexOptions options = log::OptionsFromStart(open.table);
  DELTALAKEDB_ASSIGN(const auto bodies,
                     log::SqlBodies::Open(open.database, open.table, options.chunk));
  importer::RowChecker checker(store, open.table, differences);
  DELTALAKEDB_TRY(checker.Start());
  const auto result = log::IndexBodies(*bodies, checker, options);
  if (result) {
    DELTALAKEDB_TRY(checker.Finish(*result));
  } else if (IsAboutText(result.error())) {
    differences.Add("dl_table_versions", VersionOf(result.error()), result.error().message());
  } else {
    return Fail(result.error());
  }
  return checker.rows_compared();
}

// Replays the source over the versions that both have, as far as the source still can.
Result<void> CompareSource(const OpenTable& open, std::string_view source_uri, LogSink& sink,
                           Differences& differences) {
  DELTALAKEDB_ASSIGN(const auto source, importer::OpenSource(source_uri, sink));
  DELTALAKEDB_ASSIGN(auto folder, source.log->ListFolder());
  const Version latest = folder->listing.Latest();
  const TableRow& table = open.table;
  if (latest < table.earliest_version) {
    differences.Add("source", std::nullopt,
                    fmt::format("the source has versions up to {} only", latest.value()));
    return {};
  }
  if (latest > table.current_version) {
    differences.Add("source", std::nullopt,
                    fmt::format("the source has versions up to {}, the catalog up to {}",
                                latest.value(), table.current_version.value()));
  }
  log::CopyRange range;
  range.up_to = std::min(latest, table.current_version);
  std::optional<Version> before = table.base_version;
  if (before) {
    DELTALAKEDB_ASSIGN(auto metadata,
                       log::LoadStoredMetadata(*open.connection, table.table_id, *before));
    range.after = {*before, std::move(metadata)};
  }
  DELTALAKEDB_ASSIGN(const auto run, log::CopySource::Plan(std::move(folder), range));
  if (run.has_base()) before = std::nullopt;  // the source has lost commits meanwhile
  DELTALAKEDB_ASSIGN(const auto replay,
                     importer::ReplayRun(*source.log, run,
                                         {.before = before, .catalog_base = table.base_version}));
  return importer::CompareWithSource(*open.connection, table, {replay, *source.log}, differences);
}

// Writes rows anew.
class Reindexer final : public log::RowSink {
 public:
  Reindexer(MetadataStore& store, const TableRow& table, std::string table_root)
      : store_(store), table_(table), table_root_(std::move(table_root)) {}

  Result<void> PutText(const log::ChunkRows& chunk) override {
    if (hash_.chunks() > 0 && hash_.body() != chunk.body) DELTALAKEDB_TRY(CheckText());
    hash_.Take(chunk);
    return {};
  }
  Result<void> PutRows(store::Relation relation, std::span<const store::Value> rows) override {
    return store_.InsertRows(relation, rows);
  }
  Result<FileTotals> EndFiles(Version version,
                              std::span<const log::FileMention* const> files) override {
    return log::EndStoredFiles(store_, {table_.table_id, table_root_}, version, files);
  }
  Result<void> FinishVersion(Version version, const store::VersionIndex& index,
                             const CommitInfo*) override {
    num_files_ = index.num_files;
    return store_.UpdateVersionIndex(table_.table_id, version, index);
  }
  // That the newest text is what was put in; the others were checked on the way.
  Result<void> CheckText();
  std::int64_t num_files() const { return num_files_; }

 private:
  MetadataStore& store_;
  const TableRow& table_;
  std::string table_root_;
  log::BodyHash hash_;
  std::int64_t num_files_ = 0;
};

Result<void> Reindexer::CheckText() {
  const Version version = hash_.body().version;
  std::optional<std::string> wanted = table_.base_body_hash;
  if (hash_.body().origin == store::Origin::kCommit) {
    DELTALAKEDB_ASSIGN(auto row, store_.LoadVersion(table_.table_id, version));
    wanted = std::move(row.body_hash);
  }
  if (wanted == hash_.Finish()) return {};
  return Fail(Error(ErrorCode::kCorrupt,
                    fmt::format("the text of version {} of table {} is not what was put in: its "
                                "hash differs",
                                version.value(), table_.name))
                  .With("version", version.value()));
}

}  // namespace

Result<VerifyReport> VerifyTable(std::string_view table_uri, const VerifyOptions& options) {
  LogSink& sink = SinkOrNull(options.log_sink);
  DELTALAKEDB_ASSIGN(const OpenTable open, Open(table_uri, store::DatabaseMode::kRead));
  Differences differences;
  DELTALAKEDB_ASSIGN(const std::int64_t rows, CompareRows(open, differences));
  if (options.against) {
    DELTALAKEDB_TRY(CompareSource(open, *options.against, sink, differences));
  }
  VerifyReport report;
  report.table = open.table.name;
  report.versions = {open.table.earliest_version, open.table.current_version};
  report.rows = rows;
  report.has_more = differences.has_more();
  report.differences = std::move(differences).Take();
  return report;
}

Result<ReindexReport> ReindexTable(std::string_view table_uri, LogSink*) {
  DELTALAKEDB_ASSIGN(const OpenTable open, Open(table_uri, store::DatabaseMode::kWrite));
  MetadataStore store(*open.connection);
  for (std::size_t i = 0; i < store::kRelations.size(); ++i) {
    DELTALAKEDB_TRY(store.ClearRows(static_cast<store::Relation>(i), open.table.table_id));
  }
  const log::IndexOptions options = log::OptionsFromStart(open.table);
  DELTALAKEDB_ASSIGN(const auto bodies,
                     log::SqlBodies::Open(open.database, open.table, options.chunk));
  Reindexer sink(store, open.table, options.chunk.table_root);
  DELTALAKEDB_ASSIGN(const auto result, log::IndexBodies(*bodies, sink, options));
  DELTALAKEDB_TRY(sink.CheckText());
  TableRow table = open.table;
  table.metadata_version = result.metadata_version.value_or(table.earliest_version);
  table.protocol_version = result.protocol_version.value_or(table.earliest_version);
  DELTALAKEDB_TRY(store.AdvanceTable(table, table.current_version));
  DELTALAKEDB_TRY(open.connection->Commit());
  return ReindexReport{
      table.name, {table.earliest_version, table.current_version}, sink.num_files()};
}

}  // namespace deltalakedb
