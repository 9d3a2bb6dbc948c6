// The properties of a table as a user sets them: which there are, and what they may be
// (PROTOCOL.md, Table properties and Table features; names and values as Spark has them).
//
// Pure functions, safe from any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "deltalakedb/result.h"
#include "protocol/features.h"

namespace deltalakedb::protocol {

struct TableProperties {
  std::map<std::string, std::string> configuration;  // to be stored
  ProtocolNeeds needs;                               // what was said of the protocol
};

// Those that begin with `delta.` have to be known and to have a value of their kind; they get their
// own spelling, whatever the case of letters. Any other name is the user's.
// `delta.feature.NAME=supported`, `delta.minReaderVersion` and `delta.minWriterVersion` ask
// something of the protocol and are not stored. What the program sets itself is refused.
// Errors: InvalidArgument, Unsupported (a property whose promise this program does not keep);
// fact property.
Result<TableProperties> ParseTableProperties(const std::map<std::string, std::string>& given);

// Whether a property that Delta knows has a value of its kind; any other passes.
// Errors: InvalidArgument; fact property.
Result<void> CheckPropertyValue(std::string_view name, std::string_view value);

}  // namespace deltalakedb::protocol
