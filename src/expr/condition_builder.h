// From the tree of an expression to what can be decided of it.
//
// Thread-safety: as the session.
#pragma once

#include <nlohmann/json.hpp>

#include "deltalakedb/schema.h"
#include "expr/condition.h"
#include "expr/session.h"

namespace deltalakedb::expr {

// What is not understood may have any outcome.
NodePointer BuildCondition(Session& session, const nlohmann::json& tree, const Schema& schema);

}  // namespace deltalakedb::expr
