// Whether rows may be written to a table: no nulls where its schema has none, texts that are UTF-8.
//
// Pure functions, safe from any thread.
#pragma once

#include <arrow/type_fwd.h>

#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::data {

// Whether values have the layout that rows of the schema have: whatever their fields are called,
// and whether or not these say that they may be null.
// Errors: InvalidArgument (facts column and type).
Result<void> CheckLayout(const arrow::Schema& rows, const arrow::Schema& wanted);

// The values of a column, at any depth; what is below a null is not looked at.
// Errors: InvalidArgument (fact column: the path, such as `a.element.b`).
Result<void> CheckValues(const Field& column, const arrow::Array& values);

}  // namespace deltalakedb::data
