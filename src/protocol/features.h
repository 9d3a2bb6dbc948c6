// Protocol versions and table features: what this program can read (PROTOCOL.md, Table features).
//
// To support another reader feature, add its name to kReadableFeatures in features.cc, once whoever
// reads logs and rows does what the feature asks for.
#pragma once

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"

namespace deltalakedb::protocol {

// Whether the state of a table with this protocol can be read.
// Errors: Unsupported (reader version or features, by name, fact "features"; catalog-managed
// tables, whose latest version only their catalog knows), Corrupt (feature lists that contradict
// the versions).
Result<void> CheckReadable(const Protocol& protocol);

// Whether a table's files alone say what its versions are, which CheckReadable asks too.
// Errors: Unsupported (catalog-managed tables).
Result<void> CheckManagedByFiles(const Protocol& protocol);

}  // namespace deltalakedb::protocol
