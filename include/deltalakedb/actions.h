// The actions of a Delta commit as values (PROTOCOL.md, Actions).
//
// File actions (add, remove, cdc) come by the million, so their texts are views into the batch that
// carries them and live exactly as long as it does. Everything else owns its texts.
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deltalakedb {

// One entry of a map<string,string> of a file action; no value is a JSON null.
struct StringMapEntry {
  std::string_view key;
  std::optional<std::string_view> value;
};
// Such a map in the order of the log.
using StringMapView = std::span<const StringMapEntry>;

// Where the deleted rows of a data file are listed (PROTOCOL.md, Deletion vectors).
struct DeletionVector {
  std::string_view storage_type;  // "u" relative, "p" absolute, "i" inline
  std::string_view path_or_inline_dv;
  std::optional<std::int32_t> offset;  // bytes into the file; absent means 0
  std::int32_t size_in_bytes = 0;
  std::int64_t cardinality = 0;  // rows deleted

  // storageType + pathOrInlineDv + "@offset" when there is one: part of a file's identity
  // (PROTOCOL.md, Reconciliation).
  std::string UniqueId() const;
};

// A data file that belongs to the table from this commit on.
struct AddFile {
  std::string_view path;               // as written: URI-encoded, relative to the table or absolute
  StringMapView partition_values;      // physical column names
  std::int64_t size = 0;               // bytes
  std::int64_t modification_time = 0;  // ms since 1970
  bool data_change = false;
  std::optional<std::string_view> stats;  // JSON text, verbatim
  std::optional<StringMapView> tags;
  std::optional<DeletionVector> deletion_vector;
  std::optional<std::int64_t> base_row_id;
  std::optional<std::int64_t> default_row_commit_version;
  std::optional<std::string_view> clustering_provider;
  // Whether `stats` is what the commit says. Where a checkpoint lacks that text, it is absent, or
  // made from typed columns, which know neither the spelling nor all that the text may say.
  bool has_written_stats = true;
};

// A data file that no longer belongs to the table.
struct RemoveFile {
  std::string_view path;
  std::optional<std::int64_t> deletion_timestamp;  // ms since 1970
  bool data_change = false;
  std::optional<bool> extended_file_metadata;
  std::optional<StringMapView> partition_values;
  std::optional<std::int64_t> size;  // bytes
  std::optional<std::string_view> stats;
  std::optional<StringMapView> tags;
  std::optional<DeletionVector> deletion_vector;
  std::optional<std::int64_t> base_row_id;
  std::optional<std::int64_t> default_row_commit_version;
};

// A change-data file.
struct CdcFile {
  std::string_view path;
  StringMapView partition_values;
  std::int64_t size = 0;  // bytes
  bool data_change = false;
  std::optional<StringMapView> tags;
};

// Fields of an action that the protocol does not know: name and verbatim JSON, in order.
using UnknownFields = std::vector<std::pair<std::string, std::string>>;

// What the table is. Replaces its predecessor whole. Optional are also the fields that the protocol
// requires but real logs lack.
struct Metadata {
  std::optional<std::string> id;
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> format_provider;
  std::map<std::string, std::string> format_options;
  std::optional<std::string> schema_string;  // JSON text, verbatim
  std::vector<std::string> partition_columns;
  std::optional<std::int64_t> created_time;  // ms since 1970
  std::map<std::string, std::string> configuration;
  UnknownFields unknown_fields;
};

// What a reader and a writer must be able to do. An absent feature list differs from an empty one.
struct Protocol {
  std::int32_t min_reader_version = 0;
  std::int32_t min_writer_version = 0;
  std::optional<std::vector<std::string>> reader_features;
  std::optional<std::vector<std::string>> writer_features;
  UnknownFields unknown_fields;
};

// The progress of an application that writes to the table (`txn`).
struct AppTransaction {
  std::string app_id;
  std::int64_t version = 0;
  std::optional<std::int64_t> last_updated;  // ms since 1970
};

// Named configuration of a feature or a user.
struct DomainMetadata {
  std::string domain;
  std::string configuration;  // opaque text
  bool removed = false;
};

// Who committed what, when. `raw` is the whole object as the log has it.
struct CommitInfo {
  std::string raw;
  std::optional<std::int64_t> timestamp;            // ms since 1970, the writer's clock
  std::optional<std::int64_t> in_commit_timestamp;  // ms since 1970
  std::optional<std::string> operation;
  std::optional<std::string> operation_parameters;  // JSON object, verbatim
  std::optional<std::string> operation_metrics;     // JSON object, verbatim
  std::optional<std::string> user_metadata;
  std::optional<std::string> engine_info;
  std::optional<std::int64_t> read_version;
  std::optional<bool> is_blind_append;
  std::optional<std::string> txn_id;
};

}  // namespace deltalakedb
