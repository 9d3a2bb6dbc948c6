// What the schema of a table has to be before it is written (PROTOCOL.md, Partition values and
// schema), and the ids and physical names of its columns (PROTOCOL.md, Column mapping).
//
// Reading is more lenient: see deltalakedb/schema.h. Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::protocol {

// Parses what a user gives as a schema. Errors: InvalidArgument (not JSON, no struct, a column
// named twice, a type that Delta does not have; fact column: the path where there is one),
// LimitExceeded.
Result<Schema> ParseNewSchema(std::string_view json);

// Names and types. With column mapping files name columns otherwise, so that any name will do.
// Errors: InvalidArgument (fact column).
Result<void> CheckNewSchema(const Schema& schema, bool has_column_mapping);

// For a table of which changes are read: readers add columns of certain names then.
// Errors: InvalidArgument (fact column).
Result<void> CheckNoChangeColumns(const Schema& schema);

// Whether a table of that schema can be partitioned by these columns; answers their names as the
// schema spells them, in the order given. Errors: InvalidArgument (fact column).
Result<std::vector<std::string>> CheckPartitionColumns(
    const Schema& schema, const std::vector<std::string>& partition_columns);

struct MappedSchema {
  std::string json;
  std::int32_t max_column_id = 0;
};
struct MappingOptions {
  // A table that exists has files, which name columns as its schema does.
  bool is_new_table = true;
  std::int32_t max_column_id = 0;          // that was given so far
  std::function<std::string()> make_name;  // never one twice
};
// The schema with an id and a physical name for each field. Fields of a new table keep those that
// they bring.
// Errors: InvalidArgument (an id that two fields have; fact column), LimitExceeded (ids are used
// up).
Result<MappedSchema> MapColumns(const Schema& schema, const MappingOptions& options);

}  // namespace deltalakedb::protocol
