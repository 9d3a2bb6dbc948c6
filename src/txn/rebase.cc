#include "txn/rebase.h"

#include <algorithm>

#include "protocol/table_rules.h"

namespace deltalakedb::txn {

Timestamp NextInCommitTimestamp(Timestamp now, Timestamp previous) {
  return Timestamp(std::max(now.ms(), previous.ms() + 1));
}

bool EnablesInCommitTimestamps(const Metadata* before, const Metadata& after) {
  return protocol::IsTrue(after, protocol::kEnableInCommitTimestamps) &&
         (before == nullptr || !protocol::IsTrue(*before, protocol::kEnableInCommitTimestamps));
}

void NoteInCommitTimestampEnablement(Metadata& metadata, Version version, Timestamp timestamp) {
  // Absent stands for "from version 0 on" (PROTOCOL.md, In-commit timestamps).
  if (version == Version(0)) return;
  metadata.configuration.insert_or_assign(
      std::string(protocol::kInCommitTimestampEnablementVersion), std::to_string(version.value()));
  metadata.configuration.insert_or_assign(
      std::string(protocol::kInCommitTimestampEnablementTimestamp), std::to_string(timestamp.ms()));
}

}  // namespace deltalakedb::txn
