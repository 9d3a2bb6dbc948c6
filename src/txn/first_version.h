// Version 0 of a table that is made: what it says, wherever it is put.
//
// Thread-safety: plain values.
#pragma once

#include <string>

#include "deltalakedb/create.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "protocol/new_table.h"

namespace deltalakedb::txn {

// A table to be, all of it but the time.
struct TablePlan {
  TableId table_id;
  std::string commit_id;
  protocol::TableDefinition definition;
};

// Errors: as CreateTable, of what is wrong with the table itself.
Result<TablePlan> PlanTable(const NewTable& table);

struct FirstBody {
  std::string text;
  bool has_in_commit_timestamp = false;
};

// The text of version 0, made at `now`. `table_root` as protocol/paths.h takes it.
// Errors: InvalidArgument, Unsupported (facts action and field), LimitExceeded.
Result<FirstBody> MakeFirstBody(const TablePlan& plan, Timestamp now,
                                const std::string& table_root);

}  // namespace deltalakedb::txn
