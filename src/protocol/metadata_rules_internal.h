// What a commit's metaData may say, given the protocol and the metaData before it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "protocol/complaint_internal.h"

namespace deltalakedb::protocol {

// `delta.columnMapping.mode` (PROTOCOL.md, Column mapping).
enum class MappingMode { kNone, kId, kName };
// Unknown modes count as none: CheckMetadataChange refuses them.
MappingMode MappingModeOf(const Metadata& metadata);

struct MetadataChange {
  const Metadata* before;    // null for a new table
  const Protocol& protocol;  // after the commit
  const Metadata& after;
};

// Errors: InvalidArgument, Unsupported, Corrupt (a schema before that cannot be understood).
Result<void> CheckMetadataChange(const Complaint& complaint, const MetadataChange& change);

// The physical name and the type of each partition column, in order; of a schema that cannot be
// parsed, names only.
std::vector<std::pair<std::string, std::string>> PartitioningOf(const Metadata& metadata);

}  // namespace deltalakedb::protocol
