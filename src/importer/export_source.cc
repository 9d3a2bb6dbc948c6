#include "importer/export_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "importer/source_replay.h"
#include "importer/source_table.h"
#include "log/action_lines.h"
#include "log/copy_source.h"
#include "log/sql_bodies.h"
#include "log/sql_log.h"
#include "protocol/features.h"
#include "protocol/hash128.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "store/migrations.h"

namespace deltalakedb::importer {

namespace {

using log::BodyId;
using store::MetadataStore;
using store::Origin;

// Passes chunks on and hashes them.
class HashedChunks final : public log::LineChunkStream {
 public:
  explicit HashedChunks(log::LineChunkStream& chunks) : chunks_(chunks) {}

  Result<std::optional<log::LineChunk>> Next() override {
    auto chunk = chunks_.Next();
    if (chunk && *chunk) hash_.Update((*chunk)->text);
    return chunk;
  }
  protocol::Hash128 Finish() const { return hash_.Finish(); }

 private:
  log::LineChunkStream& chunks_;
  protocol::Hash128Builder hash_;
};

// Every text is read in a transaction of its own, which is over when it is handed on.
class CatalogSource final : public ExportSource {
 public:
  static Result<std::unique_ptr<ExportSource>> Open(const Uri& uri) {
    DELTALAKEDB_TRY(uri.RequireTable());
    DELTALAKEDB_ASSIGN(auto database, store::Database::Open(uri, store::DatabaseMode::kRead));
    std::unique_ptr<CatalogSource> source(new CatalogSource(std::move(database)));
    DELTALAKEDB_TRY(source->database_->Read(
        [&](store::Connection& connection) { return source->Find(connection, uri); }));
    return source;
  }
  static Result<std::unique_ptr<ExportSource>> Open(std::shared_ptr<store::Database> database,
                                                    const TableId& table) {
    std::unique_ptr<CatalogSource> source(new CatalogSource(std::move(database)));
    DELTALAKEDB_TRY(source->database_->Read([&](store::Connection& connection) -> Result<void> {
      DELTALAKEDB_ASSIGN(const auto row, MetadataStore(connection).FindTable(table));
      if (!row) return Fail(ErrorCode::kNotFound, "the table is no longer in the catalog");
      return source->Load(connection, *row);
    }));
    return source;
  }

  Result<void> ReadBase(const TakeText& take) override {
    DELTALAKEDB_ASSIGN(const bool is_there, ReadText({versions_.first, Origin::kBase}, take));
    static_cast<void>(is_there);  // it always is
    return {};
  }

  Result<bool> ReadCommit(Version version, const TakeText& take) override {
    return ReadText({version, Origin::kCommit}, take);
  }

  Result<Timestamp> FindTime(Version version) override {
    return InTransaction([&](MetadataStore& store) -> Result<Timestamp> {
      DELTALAKEDB_ASSIGN(const auto row, store.LoadVersion(id_, version));
      return row.times.timestamp;
    });
  }

 private:
  explicit CatalogSource(std::shared_ptr<store::Database> database)
      : database_(std::move(database)) {}

  Result<void> Find(store::Connection& connection, const Uri& uri) {
    if (auto fits = store::CheckSchema(connection); !fits) {
      return Fail(store::InDatabase(std::move(fits).error(), uri.ToString()));
    }
    DELTALAKEDB_ASSIGN(const auto row, MetadataStore(connection).FindTable(*uri.table()));
    if (!row) return Fail(store::NoSuchTable(uri));
    return Load(connection, *row);
  }

  Result<void> Load(store::Connection& connection, const store::TableRow& row) {
    id_ = row.table_id;
    table_ = row.name;
    location_ = row.location;
    versions_ = {row.earliest_version, row.current_version};
    has_base_ = row.base_version.has_value();
    DELTALAKEDB_ASSIGN(metadata_, log::LoadStoredMetadata(connection, id_, versions_.last));
    if (has_base_) {
      DELTALAKEDB_ASSIGN(base_protocol_, log::LoadStoredProtocol(connection, id_, versions_.first));
      base_hash_ = row.base_body_hash;
    }
    return {};
  }

  template <typename Work>
  std::invoke_result_t<Work, MetadataStore&> InTransaction(Work work) {
    return database_->Read([&](store::Connection& connection) {
      MetadataStore store(connection);
      return work(store);
    });
  }

  Result<bool> ReadText(const BodyId& body, const TakeText& take) {
    // Not made again after a failure: `take` has got a part of it.
    DELTALAKEDB_ASSIGN(const auto connection, database_->Acquire());
    DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kRead));
    MetadataStore store(*connection);
    DELTALAKEDB_ASSIGN(const auto text, log::OpenStoredText(store, id_, body));
    if (!text) return false;
    HashedChunks chunks(*text->chunks);
    DELTALAKEDB_TRY(take(chunks));
    const auto& wanted = body.origin == Origin::kBase ? base_hash_ : text->hash;
    if (wanted != chunks.Finish().view()) {
      return Fail(
          Error(ErrorCode::kCorrupt,
                fmt::format("the text of version {} of table {} is not what was put in: its "
                            "hash differs; `deltalakedb verify` tells more",
                            body.version.value(), table_))
              .With("table", table_)
              .With("version", body.version.value()));
    }
    return true;
  }

  std::shared_ptr<store::Database> database_;
  TableId id_;
  std::optional<std::string> base_hash_;
};

class FolderSource final : public ExportSource {
 public:
  static Result<std::unique_ptr<ExportSource>> Open(const Uri& uri, LogSink& sink) {
    DELTALAKEDB_ASSIGN(auto source, OpenSource(uri.ToString(), sink));
    DELTALAKEDB_ASSIGN(auto folder, source.log->ListFolder());
    DELTALAKEDB_ASSIGN(auto run, log::CopySource::Plan(std::move(folder), {}));
    DELTALAKEDB_ASSIGN(auto metadata, LoadMetadata(*source.log, run));
    return std::unique_ptr<ExportSource>(
        new FolderSource(std::move(source), std::move(run), std::move(metadata)));
  }

  Result<void> ReadBase(const TakeText& take) override {
    DELTALAKEDB_ASSIGN(const auto chunks, run_.OpenBase());
    return take(*chunks);
  }

  Result<bool> ReadCommit(Version version, const TakeText& take) override {
    const auto commit =
        std::ranges::find(run_.commits(), version, &log::CopySource::Commit::version);
    if (commit == run_.commits().end()) return false;
    DELTALAKEDB_ASSIGN(auto file, log::OpenListed(*run_.folder().file_system, commit->file));
    log::LineChunkReader chunks(std::move(file));
    DELTALAKEDB_TRY(take(chunks));
    return true;
  }

  Result<Timestamp> FindTime(Version version) override {
    DELTALAKEDB_ASSIGN(const auto time, run_.FindTime(version));
    return time.time;
  }

 private:
  // At the last version, whose state need not be readable: commits are exported as they are.
  static Result<Metadata> LoadMetadata(const log::FileLog& log, const log::CopySource& run) {
    auto state = log.LoadState(TableVersion::At(run.versions().last));
    if (state) return std::move(state->metadata);
    if (state.error().code() != ErrorCode::kUnsupported) return Fail(std::move(state).error());
    DELTALAKEDB_ASSIGN(
        auto replay,
        ReplayRun(log, run,
                  {.before = std::nullopt, .catalog_base = std::nullopt, .with_content = false}));
    const bool is_whole = replay.state.protocol && replay.state.metadata;
    if (!is_whole) return Fail(std::move(state).error());
    DELTALAKEDB_TRY(protocol::CheckManagedByFiles(*replay.state.protocol));
    return *std::move(replay.state.metadata);
  }

  FolderSource(SourceTable source, log::CopySource run, Metadata metadata)
      : source_(std::move(source)), run_(std::move(run)) {
    table_ = location_ = source_.location;
    versions_ = run_.versions();
    has_base_ = run_.has_base();
    metadata_ = std::move(metadata);
    if (has_base_) base_protocol_ = run_.base_state().protocol;
  }

  SourceTable source_;
  log::CopySource run_;
};

}  // namespace

Result<std::unique_ptr<ExportSource>> ExportSource::Open(const Uri& uri, LogSink& sink) {
  if (uri.is_database()) return CatalogSource::Open(uri);
  return FolderSource::Open(uri, sink);
}

Result<std::unique_ptr<ExportSource>> ExportSource::OpenStored(
    std::shared_ptr<store::Database> database, const TableId& table) {
  return CatalogSource::Open(std::move(database), table);
}

}  // namespace deltalakedb::importer
