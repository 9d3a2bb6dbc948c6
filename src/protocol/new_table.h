// The metaData and the protocol of a table that is made, or whose properties change.
//
// Pure functions, safe from any thread; what is random or a time comes from the caller.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"

namespace deltalakedb::protocol {

struct TableDraft {
  std::string schema_json;  // a struct, as schemaString has it
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> properties;
  std::optional<std::string> name;
  std::optional<std::string> description;
};

struct TableDefinition {
  Protocol protocol;  // the lowest that schema and properties need
  Metadata metadata;
};

// A new UUID each time.
using MakeUuid = std::function<std::string()>;

// What version 0 of such a table says; its id and created_time are the caller's. With column
// mapping, columns have ids and physical names; with row tracking, the columns for row ids have
// names.
// Errors: InvalidArgument (facts column, property, or action and field), Unsupported (facts
// features or property), LimitExceeded.
Result<TableDefinition> DefineTable(const TableDraft& draft, const MakeUuid& make_uuid);

struct PropertyChange {
  std::optional<Metadata> metadata;  // none where nothing changes in it
  std::optional<Protocol> protocol;
};

// What has to be committed to set these properties of a table, the others staying as they are. The
// protocol is raised where one needs that, and never lowered.
// Errors: as DefineTable; what the table's rows would have to be looked at for is Unsupported.
Result<PropertyChange> ChangeProperties(const TableDefinition& table,
                                        const std::map<std::string, std::string>& properties);

// What has to be committed to give a table that schema: its own with some more
// (protocol/schema_merge.h), or another one for other files. New columns of a mapped table get ids
// and physical names. The protocol is raised where a type needs that, and never lowered. Errors: as
// DefineTable.
Result<PropertyChange> ChangeSchema(const TableDefinition& table, std::string_view schema_json,
                                    const MakeUuid& make_uuid);

}  // namespace deltalakedb::protocol
