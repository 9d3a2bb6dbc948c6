// Making tables, and setting their properties.
//
// A table is made by its version 0, which has no files: commit them with TableWriter
// (deltalakedb/transaction.h). In a catalog it is a row and that version; in a folder it is the
// first file of its `_delta_log`.
// Thread-safety: free functions, safe from any thread.
//
//   NewTable table;
//   table.schema_json = R"({"type":"struct","fields":[…]})";
//   table.location = "/data/orders";
//   DELTALAKEDB_ASSIGN(const auto created,
//                      CreateTable("deltasql://sqlite/meta.db?table=orders", table));
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "deltalakedb/transaction.h"

namespace deltalakedb {

struct NewTable {
  // A struct, as schemaString of metaData has it (deltalakedb/schema.h).
  std::string schema_json;
  std::vector<std::string> partition_columns;  // in this order
  // `delta.…` ones are checked; those that ask for a table feature (`delta.feature.NAME`,
  // `delta.minReaderVersion`, `delta.minWriterVersion`) are not stored. The protocol is the lowest
  // that these and the schema need.
  std::map<std::string, std::string> properties;
  // Where its data is: a path or the URI of a file-based table. A table in a catalog needs it; a
  // file-based one is where its own URI says, so that nothing else may stand here.
  std::optional<std::string> location;
  std::optional<std::string> description;
  // Names the commit, so that making the table again after a lost answer or a crash finds it. Any
  // text of up to 255 bytes; one of its own when empty.
  std::string commit_id;
};

struct CreateReport {
  std::string table;     // its name in the catalog, or its URI
  std::string table_id;  // a UUID, also the id of its metaData
  Version version;       // 0
  std::string location;
  std::string commit_id;
  bool was_there = false;  // an earlier call with the same commit id made it
};

// Makes the table, and the catalog where there is none: row and version in one transaction of the
// database, or the file by put-if-absent.
// Errors: InvalidArgument (the URI, the location; facts column, property, or action and field, of
// what is wrong with the table), Unsupported (what this program cannot write, fact features or
// property), AlreadyExists (the name, the location in the catalog, or a log at the location; facts
// table, location), those of the database or file system; then there is no table. InDoubt: the
// answer was lost and could not be had again; call again with the commit id that is its fact
// commitId.
Result<CreateReport> CreateTable(std::string_view uri, const NewTable& table);

struct PropertiesReport {
  bool has_changed = false;  // there was something to set
  CommitReport commit;       // where nothing changed, the version is the latest
};

// Sets properties of a table, the others staying as they are, as a commit of its own: what others
// commit meanwhile is treated as with any change of metaData. Raises the protocol where a property
// needs that, and never lowers it.
// Errors: InvalidArgument, Unsupported (as CreateTable; also what would need every row or file of
// the table to be changed), those of TableWriter. `log_sink` gets warnings; null drops them.
Result<PropertiesReport> SetTableProperties(std::string_view uri,
                                            const std::map<std::string, std::string>& properties,
                                            LogSink* log_sink = nullptr);

}  // namespace deltalakedb
