// A table's schema as an indented list.
//
// Pure functions, safe from any thread.
#pragma once

#include <string>

#include "apps/console.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::cli {

// One line per column, field, list element, and map key or value, with type, whether it may be
// null, and comment.
std::string FormatSchemaTree(const Schema& schema, const TitleStyle& title_style);

}  // namespace deltalakedb::cli
