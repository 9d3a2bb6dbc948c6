#include "log/log_state.h"

#include <utility>

namespace deltalakedb::log {

void LogState::Apply(StateActions actions) {
  if (actions.protocol) protocol = std::move(actions.protocol);
  if (actions.metadata) metadata = std::move(actions.metadata);
  for (AppTransaction& transaction : actions.app_transactions) {
    app_transactions.insert_or_assign(transaction.app_id, std::move(transaction));
  }
  for (DomainMetadata& domain : actions.domain_metadata) {
    if (domain.removed) {
      domain_metadata.erase(domain.domain);
    } else {
      domain_metadata.insert_or_assign(std::move(domain.domain), std::move(domain.configuration));
    }
  }
}

}  // namespace deltalakedb::log
