// Delta's types as Arrow's, and back.
//
// Pure functions, safe from any thread.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::data {

// The Arrow type in which values of a Delta type are read and written (PROTOCOL.md, Partition
// values and schema):
//   byte … long int8 … int64; float, double; decimal decimal128; boolean; string utf8; binary
//   binary; date date32; timestamp timestamp(us, "UTC"); timestamp_ntz timestamp(us); void null;
//   struct struct; array list with the field `element`; map map with `key` and `value`;
//   variant struct{metadata: binary not null, value: binary not null}, as Parquet stores it.
// Nullability of fields, elements and values as the schema says.
// Errors: Unsupported (a type that is not known; fact type).
Result<std::shared_ptr<arrow::DataType>> ArrowTypeOf(const DataType& type);
// All columns, by their logical names. Errors: as ArrowTypeOf, with the fact column.
Result<std::shared_ptr<arrow::Schema>> ArrowSchemaOf(const Schema& schema);

// The Delta schema (JSON) for rows of an Arrow schema: what a table that is made for them has.
// Unsigned integers become the next wider signed type (uint64: decimal(20,0)), small decimals
// decimal128, large and view variants, dictionaries and fixed-size lists what they hold, seconds,
// ms and ns of timestamps us; a timestamp with any zone is `timestamp`, without one
// `timestamp_ntz`. Nullability as given. Errors: Unsupported (no Delta type holds such values;
// facts column and type).
Result<std::string> DeltaSchemaOf(const arrow::Schema& schema);

}  // namespace deltalakedb::data
