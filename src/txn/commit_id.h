// What every commit of this program says of itself.
#pragma once

#include <cstddef>
#include <string_view>

#include "deltalakedb/result.h"

namespace deltalakedb::txn {

// `engineInfo` of commitInfo.
inline constexpr std::string_view kEngineInfo = "deltalakedb";
// A longer commit id has no entry in the indexes of catalogs. Unit: bytes.
inline constexpr std::size_t kCommitIdBytesMax = 255;

// Errors: LimitExceeded (fact limit).
Result<void> CheckCommitId(std::string_view commit_id);

}  // namespace deltalakedb::txn
