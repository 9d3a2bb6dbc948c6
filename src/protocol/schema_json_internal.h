// The JSON of a schema, with metadata of the caller's choice.
//
// Pure, safe from any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "deltalakedb/schema.h"

namespace deltalakedb::protocol {

// What stands under `metadata` of a field; asked for once for each field, those of a struct before
// those inside of them.
using MetadataOf = std::function<Field::FieldMetadata(const Field&)>;

// In Spark's order of members, without white space.
std::string SchemaJson(const DataType& type, const MetadataOf& metadata_of);

// A text as a JSON string, quoted.
std::string JsonString(std::string_view text);

}  // namespace deltalakedb::protocol
