#include "log/sql_log_create.h"

#include <utility>

#include "base/try.h"
#include "log/commit_rows.h"
#include "protocol/paths.h"
#include "store/commit_unit.h"
#include "store/rows.h"

namespace deltalakedb::log {

namespace {

constexpr Version kFirst(0);

store::TableRow RowOf(const FirstVersion& first) {
  store::TableRow table;
  table.table_id = first.table_id;
  table.name = first.name;
  table.location = first.location;
  table.current_version = table.earliest_version = kFirst;
  table.metadata_version = table.protocol_version = kFirst;
  table.last_commit_timestamp = first.timestamp;
  table.last_ratified_at_us = first.now_us;
  table.mode = store::kModeExclusive;
  table.properties = "{}";
  return table;
}

}  // namespace

Result<void> InsertNewTable(store::MetadataStore& store, const FirstVersion& first) {
  const ChunkOptions options{// which rows point into
                             .table = first.table_id,
                             .table_root = protocol::CanonicalRootOfLocation(first.location),
                             .compress = true,
                             .name = first.name};
  DELTALAKEDB_ASSIGN(const CommitRows rows, CommitRows::Make(first.body, options));
  store::TableCommit commit;
  rows.FillIn(commit);
  store::TableRow table = RowOf(first);
  DELTALAKEDB_TRY(store.InsertTable(table));
  store::VersionRow version;
  version.version = kFirst;
  version.times.timestamp = version.times.raw_timestamp = first.timestamp;
  version.times.timestamp_source = first.is_in_commit ? store::kTimeInCommit : store::kTimeOfOurs;
  version.times.ratified_at_us = first.now_us;
  version.commit_id = first.commit_id;
  version.index.last_add_id = version.index.last_remove_id = version.index.last_cdc_id =
      table.first_file_id - 1;
  version.index.commit_info = commit.commit_info;
  version.index.operation = commit.operation;
  version.body_hash = std::string(commit.body_hash);
  version.body_bytes = commit.body_bytes;
  version.body_parts = static_cast<std::int64_t>(commit.body_parts.size());
  using store::Relation;
  DELTALAKEDB_TRY(store.InsertRows(Relation::kMetadataUpdates, commit.metadata));
  DELTALAKEDB_TRY(store.InsertRows(Relation::kProtocolUpdates, commit.protocol));
  for (const store::BodyPart& part : commit.body_parts) {
    DELTALAKEDB_TRY(store.InsertBodyPart(first.table_id, kFirst, store::Origin::kCommit, part));
  }
  return store.InsertVersion(first.table_id, version,
                             commit.body_parts.empty() ? std::optional(commit.body) : std::nullopt);
}

}  // namespace deltalakedb::log
