// A table's row, for tests.
#pragma once

#include <string>
#include <utility>

#include "store/rows.h"

namespace deltalakedb::store::testing_store {

// A row with which other rows can refer to a table.
inline TableRow MakeTableRow(std::string name) {
  TableRow row;
  row.table_id = TableId::MakeRandom();
  row.location = "/data/" + name;
  row.name = std::move(name);
  row.mode = kModeExclusive;
  row.properties = "{}";
  return row;
}

}  // namespace deltalakedb::store::testing_store
