// One schema with what another has more (PROTOCOL.md, Partition values and schema, Type widening).
//
// Pure functions, safe from any thread.
#pragma once

#include <string>
#include <string_view>

#include "deltalakedb/result.h"

namespace deltalakedb::protocol {

struct MergeOptions {
  // A wider type of a field that both have becomes its type, and is noted in `delta.typeChanges`;
  // otherwise the first schema's types stay.
  bool may_widen = false;
  // Fields that both have are an error rather than passed over.
  bool must_be_new = false;
};

// `schema_json` with the fields of `more_json` that it lacks, at the end of their struct and
// nullable, at any depth. Everything else of it stays as it is, metadata of fields included. Names
// are equal whatever the case of their ASCII letters. Errors: Corrupt (`schema_json`),
// InvalidArgument (`more_json` is no schema; a field that is there; fact column).
Result<std::string> MergeSchemas(std::string_view schema_json, std::string_view more_json,
                                 const MergeOptions& options);

}  // namespace deltalakedb::protocol
