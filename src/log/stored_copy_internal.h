// A log in memory copied into a catalog, as an import does it. For tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/try.h"
#include "log/body_index.h"
#include "log/copy_bodies.h"
#include "log/copy_source.h"
#include "log/model_log_internal.h"
#include "log/sql_log.h"
#include "log/sql_log_writer.h"
#include "store/temp_catalog.h"

namespace deltalakedb::log::testing_log {

class StoredCopy {
 public:
  StoredCopy() {
    const auto connection = catalog_.ConnectMigrated();
    EXPECT_TRUE(connection->PrepareForSharing().has_value());
    database_ = *store::Database::Open(catalog_.uri(), store::DatabaseMode::kWrite);
  }

  const std::shared_ptr<store::Database>& database() const { return database_; }

  // Copies all there is up to a version, or what is new of it.
  Result<void> Copy(const storage::MemoryFileSystem& files, std::optional<Version> up_to = {}) {
    DELTALAKEDB_ASSIGN(const auto log, FileLog::Open(files, kTable, NullLogSink()));
    DELTALAKEDB_ASSIGN(auto folder, log->ListFolder());
    DELTALAKEDB_ASSIGN(const auto connection, database_->Acquire());
    DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kWrite));
    store::MetadataStore store(*connection);
    DELTALAKEDB_ASSIGN(const auto present, store.FindTable("t"));
    CopyRange range;
    range.up_to = up_to;
    if (present) {
      DELTALAKEDB_ASSIGN(const Metadata metadata, LoadStoredMetadata(*connection, present->table_id,
                                                                     present->current_version));
      range.after = {present->current_version, metadata};
    }
    DELTALAKEDB_ASSIGN(const CopySource source, CopySource::Plan(std::move(folder), range));
    if (source.versions().last < source.versions().first) return {};
    store::TableRow table = store::testing_store::MakeTableRow("t");
    if (present) {
      table = *present;
    } else {
      table.location = kTable;
      table.earliest_version = source.versions().first;
      table.current_version = Version(table.earliest_version.value() - 1);
      if (source.has_base()) table.base_version = table.earliest_version;
      DELTALAKEDB_TRY(store.InsertTable(table));
    }
    DELTALAKEDB_TRY(Write(store, source, table, present.has_value()));
    return connection->Commit();
  }

  std::unique_ptr<SqlLog> Open() const {
    auto log = SqlLog::Open(database_, "t");
    EXPECT_TRUE(log.has_value()) << log.error().message();
    return *std::move(log);
  }

 private:
  static Result<void> Write(store::MetadataStore& store, const CopySource& source,
                            const store::TableRow& table, bool is_more) {
    IndexOptions index;
    index.chunk.table = table.table_id;
    index.chunk.table_root = protocol::CanonicalRoot(kTable);
    index.chunk.compress = true;
    index.base_version = table.base_version;
    index.start.last_add_id = index.start.last_remove_id = index.start.last_cdc_id =
        table.first_file_id - 1;
    index.has_start = is_more;
    if (is_more) {
      DELTALAKEDB_ASSIGN(const auto row, store.LoadVersion(table.table_id, table.current_version));
      index.start = row.index;
      index.start.num_added = index.start.num_removed = index.start.num_cdc = 0;
      index.start.commit_info.reset();
    }
    SqlLogWriter writer(store, {.table = table,
                                .table_root = index.chunk.table_root,
                                .find_time =
                                    [&source](Version version, const CommitInfo* info) {
                                      return source.FindTime(version, info);
                                    },
                                .now_us = 1'900'000'000'000'000,
                                .is_first_copy = !is_more});
    CopyBodies bodies(source, index.chunk);
    DELTALAKEDB_ASSIGN(const IndexResult result, IndexBodies(bodies, writer, index));
    store::TableRow advanced = writer.table();
    advanced.metadata_version = result.metadata_version.value_or(table.metadata_version);
    advanced.protocol_version = result.protocol_version.value_or(table.protocol_version);
    return store.AdvanceTable(advanced, table.current_version);
  }

  store::testing_store::TempCatalog catalog_;
  std::shared_ptr<store::Database> database_;
};

}  // namespace deltalakedb::log::testing_log
