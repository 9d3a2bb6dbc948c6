// What a table asks of a commit: its protocol, its schema and its properties.
//
// Pure functions and plain values, safe from any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"
#include "deltalakedb/snapshot.h"
#include "protocol/column_changes.h"
#include "protocol/staged_actions.h"

namespace deltalakedb::protocol {

// What protocol and metadata say about file actions. Costs a parse of the schema where the table is
// partitioned or makes values, so a writer of many commits keeps it for as long as both stay the
// same.
struct TableRules {
  struct PartitionColumn {
    std::string name;           // as people know it
    std::string physical_name;  // as partitionValues have it (PROTOCOL.md, Column mapping)
    DataType type;
  };
  std::vector<PartitionColumn> partition_columns;
  bool is_append_only = false;
  bool supports_deletion_vectors = false;
  bool supports_change_data_feed = false;
  bool supports_domain_metadata = false;
  bool assigns_row_ids = false;           // row tracking supported and not suspended
  bool has_in_commit_timestamps = false;  // and enabled
  std::vector<IdentityColumn> identity_columns;

  // Errors: Corrupt (a schema or partition column that cannot be understood), Unsupported.
  static Result<TableRules> Make(const Protocol& protocol, const Metadata& metadata);
};

// Checks the file actions and domains of a commit against the rules that hold for it: those of its
// own metaData and protocol where it has them, else of the table read.
// Errors: InvalidArgument (facts action, field, and line and path where there are any).
Result<void> CheckFiles(const StagedActions& staged, const TableRules& rules);

// Checks a whole commit against the table that it was made for; null where it makes the table, so
// that it needs a protocol and a metaData. Includes CheckWritable (protocol/features.h) of what
// holds after the commit, and CheckFiles.
//
// A commit whose metaData live files contradict has to remove every one of them, which only the log
// can tell: see FindMisfit.
// Row tracking is enabled when a table is made, or not by this program: every live file would need
// row ids first.
// Errors: InvalidArgument (as CheckFiles), Unsupported (fact features), Corrupt (the schema of the
// table read cannot be understood).
Result<void> CheckAgainst(const StagedActions& staged, const TableState* state);

// The same where the rules of the table read are at hand; they are used unless the commit changes
// them.
Result<void> CheckAgainst(const StagedActions& staged, const TableState& state,
                          const TableRules& rules);

// What of `after`, the metaData of a commit that leaves the table with `protocol`, a file that is
// live at `before` would contradict: partition columns, or a column that it has with another type.
struct Misfit {
  std::string field;  // of metaData
  std::string what;
};
std::optional<Misfit> FindMisfit(const Metadata& before, const Metadata& after,
                                 const Protocol& protocol);

// Table properties. A property counts as true where it is `true` in any case.
bool IsTrue(const Metadata& metadata, std::string_view property);
inline constexpr std::string_view kAppendOnly = "delta.appendOnly";
inline constexpr std::string_view kEnableDeletionVectors = "delta.enableDeletionVectors";
inline constexpr std::string_view kEnableInCommitTimestamps = "delta.enableInCommitTimestamps";
inline constexpr std::string_view kInCommitTimestampEnablementVersion =
    "delta.inCommitTimestampEnablementVersion";
inline constexpr std::string_view kInCommitTimestampEnablementTimestamp =
    "delta.inCommitTimestampEnablementTimestamp";
inline constexpr std::string_view kEnableTypeWidening = "delta.enableTypeWidening";
inline constexpr std::string_view kEnableRowTracking = "delta.enableRowTracking";
inline constexpr std::string_view kRowTrackingSuspended = "delta.rowTrackingSuspended";
inline constexpr std::string_view kMaterializedRowIdColumn =
    "delta.rowTracking.materializedRowIdColumnName";
inline constexpr std::string_view kMaterializedRowCommitVersionColumn =
    "delta.rowTracking.materializedRowCommitVersionColumnName";
inline constexpr std::string_view kCheckpointPolicy = "delta.checkpointPolicy";
inline constexpr std::string_view kColumnMappingMode = "delta.columnMapping.mode";
inline constexpr std::string_view kColumnMappingMaxColumnId = "delta.columnMapping.maxColumnId";

}  // namespace deltalakedb::protocol
