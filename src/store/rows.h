// Rows of the catalog as values. docs/schema.md describes every column.
//
// Thread-safety: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/ids.h"
#include "store/sql_text.h"

namespace deltalakedb::store {

// Where the rows of a file or a text come from: a commit, or the state that history starts with.
enum class Origin : std::int64_t { kCommit = 0, kBase = 1 };

// `timestamp_source`: what a version's time is taken from.
inline constexpr std::string_view kTimeInCommit = "in-commit";
inline constexpr std::string_view kTimeOfFile = "file";
inline constexpr std::string_view kTimeOfChecksum = "checksum";
inline constexpr std::string_view kTimeOfCheckpoint = "checkpoint";
inline constexpr std::string_view kTimeOfOurs = "ours";  // the database's clock

// Each kind of file of a table has room for so many rows (docs/schema.md, file_id).
inline constexpr std::int64_t kFileIdsPerTable = std::int64_t{1} << 40;

// `mode`: who decides a table's versions, the catalog or the log files at its location.
inline constexpr std::string_view kModeExclusive = "exclusive";
inline constexpr std::string_view kModeShared = "shared";

struct TableRow {
  TableId table_id;
  std::string name;
  std::string location;
  Version current_version;
  Version earliest_version;
  std::optional<Version> base_version;  // none: history starts with commit 0
  std::optional<std::string> base_body_hash;
  Version metadata_version;
  Version protocol_version;
  Timestamp last_commit_timestamp;
  std::int64_t last_ratified_at_us = 0;
  std::string mode;
  std::string properties;  // JSON object
  std::int64_t first_file_id = 0;
  std::optional<std::int64_t> num_files;  // of the current version; only where tables are listed
};

// What is kept of a version that its text does not say.
struct VersionTimes {
  Timestamp timestamp;
  Timestamp raw_timestamp;
  std::string timestamp_source;
  std::int64_t ratified_at_us = 0;
};

// What the rows of a version add up to.
struct VersionIndex {
  std::int64_t num_added = 0;
  std::int64_t num_removed = 0;
  std::int64_t num_cdc = 0;
  std::int64_t num_files = 0;      // live ones
  std::int64_t size_in_bytes = 0;  // of the live ones
  std::int64_t last_add_id = 0;
  std::int64_t last_remove_id = 0;
  std::int64_t last_cdc_id = 0;
  std::optional<std::string> commit_info;  // JSON, verbatim
  std::optional<std::string> operation;    // out of it

  friend bool operator==(const VersionIndex&, const VersionIndex&) = default;
};

struct VersionRow {
  Version version;
  VersionTimes times;
  std::string commit_id;
  std::optional<std::string> transaction_id;  // 16 bytes
  VersionIndex index;
  std::optional<std::string> body_hash;  // 16 bytes; none where the commit file was gone
  std::optional<std::int64_t> body_bytes;
  std::int64_t body_parts = 0;  // 0: the text is in the row itself
  std::string row_hash;         // 16 bytes: see RowHash
};

// XXH3-128 of a version's columns but the last, so that a change made by hand shows even in what
// the text of the commit does not say.
std::string RowHash(const TableId& table, const VersionRow& row);
// The same of what a writer knows before it holds the table's lock, which is what the hash of a
// commit of ours has to do with: not the version, its times but for the commit's own, its totals
// and its file ids. These follow from the rows and from each other.
std::string HashOfKnown(const TableId& table, const VersionRow& row);

struct HistoryRow {
  Version version;
  Timestamp timestamp;
  std::string commit_id;
  std::optional<std::string> transaction_id;
  std::int64_t num_added = 0;
  std::int64_t num_removed = 0;
  std::optional<std::string> commit_info;
};

// The tables whose rows are made from the texts of commits, and can be made again from them.
enum class Relation : std::uint8_t {
  kAddFiles,
  kRemoveFiles,
  kCdcFiles,
  kMetadataUpdates,
  kProtocolUpdates,
  kTxnActions,
  kDomainMetadata,
};

struct RelationInfo {
  std::string_view name;
  std::size_t columns;  // of its insert statement, in the order of its list statement
  StatementId insert;
  StatementId list;
  StatementId count;
  StatementId clear;
};

inline constexpr std::array<RelationInfo, 7> kRelations = {{
    {"dl_add_files", 22, StatementId::kInsertAddFile, StatementId::kListAddFiles,
     StatementId::kCountAddFiles, StatementId::kDeleteAddFiles},
    {"dl_remove_files", 21, StatementId::kInsertRemoveFile, StatementId::kListRemoveFiles,
     StatementId::kCountRemoveFiles, StatementId::kDeleteRemoveFiles},
    {"dl_cdc_files", 9, StatementId::kInsertCdcFile, StatementId::kListCdcFiles,
     StatementId::kCountCdcFiles, StatementId::kDeleteCdcFiles},
    {"dl_metadata_updates", 4, StatementId::kInsertMetadataUpdate,
     StatementId::kListMetadataUpdates, StatementId::kCountMetadataUpdates,
     StatementId::kDeleteMetadataUpdates},
    {"dl_protocol_updates", 6, StatementId::kInsertProtocolUpdate,
     StatementId::kListProtocolUpdates, StatementId::kCountProtocolUpdates,
     StatementId::kDeleteProtocolUpdates},
    {"dl_txn_actions", 5, StatementId::kInsertTxnAction, StatementId::kListTxnActions,
     StatementId::kCountTxnActions, StatementId::kDeleteTxnActions},
    {"dl_domain_metadata", 5, StatementId::kInsertDomainMetadataUpdate,
     StatementId::kListDomainMetadataUpdates, StatementId::kCountDomainMetadataUpdates,
     StatementId::kDeleteDomainMetadataUpdates},
}};

constexpr const RelationInfo& InfoOf(Relation relation) {
  return kRelations[static_cast<std::size_t>(relation)];
}

}  // namespace deltalakedb::store
