// How two metadata of one table differ.
//
// Pure functions.
#pragma once

#include <span>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::txn {

bool AreEqualButConfigurationAndSchema(const Metadata& a, const Metadata& b);

// Whether two fields have the same metadata, but for these keys.
bool HaveEqualMetadataBut(std::span<const std::string_view> keys, const Field& a, const Field& b);

// Whether the only thing that `after` does is to enable features that a commit which was prepared
// before may pass (PROTOCOL.md, Conflict resolution, step 2). `protocol` is that of `after`.
bool OnlyEnablesFeatures(const Metadata& before, const Metadata& after, const Protocol& protocol);

}  // namespace deltalakedb::txn
