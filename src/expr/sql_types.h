// Types of columns as DuckDB's SQL has them.
//
// Pure functions, safe from any thread.
#pragma once

#include <arrow/type_fwd.h>

#include <optional>
#include <string>

#include "deltalakedb/schema.h"

namespace deltalakedb::expr {

// Empty where there is none, or where the type is not known.
std::string SqlTypeOf(const DataType& type);
// The type whose values come back as that Arrow type, names of fields apart.
std::string SqlTypeOf(const arrow::DataType& type);

}  // namespace deltalakedb::expr
