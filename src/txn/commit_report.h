// What a commit's caller is told.
#pragma once

#include "deltalakedb/transaction.h"
#include "txn/commit.h"

namespace deltalakedb::txn {

CommitReport ToReport(CommitOutcome outcome);

}  // namespace deltalakedb::txn
