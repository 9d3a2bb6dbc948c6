// What the actions of a log add up to, but for its files (PROTOCOL.md, Reconciliation).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/actions.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::log {

// Actions other than file actions, in the order of the log.
struct StateActions {
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::vector<AppTransaction> app_transactions;
  std::vector<DomainMetadata> domain_metadata;
};

// Replayed state. Actions are applied oldest first; the latest of each kind and key wins.
struct LogState {
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::map<std::string, AppTransaction> app_transactions;
  std::map<std::string, std::string> domain_metadata;

  void Apply(StateActions actions);
};

}  // namespace deltalakedb::log
