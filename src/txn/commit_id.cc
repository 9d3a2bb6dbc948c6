#include "txn/commit_id.h"

#include <fmt/format.h>

#include <cstdint>

namespace deltalakedb::txn {

Result<void> CheckCommitId(std::string_view commit_id) {
  if (commit_id.size() <= kCommitIdBytesMax) return {};
  return Fail(
      Error(ErrorCode::kLimitExceeded, fmt::format("the commit id has {} bytes; {} are taken",
                                                   commit_id.size(), kCommitIdBytesMax))
          .With("limit", static_cast<std::int64_t>(kCommitIdBytesMax)));
}

}  // namespace deltalakedb::txn
