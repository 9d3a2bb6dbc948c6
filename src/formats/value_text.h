// Arrow values as texts: fields of CSV and values of JSON, which formats/value_builder.h reads
// back.
//
// Pure functions, safe from any thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "deltalakedb/result.h"

namespace deltalakedb::formats {

// Errors: Unsupported (a type whose values have no text here; fact type).
Result<void> CheckPrintableType(const arrow::DataType& type);

// Appends a field of CSV, in quotes where it needs them; nothing for null. `array` is of a type
// that CheckPrintableType lets pass.
void AppendCsvField(const arrow::Array& array, std::int64_t row, std::string& out);
// Appends a value of JSON.
void AppendJsonValue(const arrow::Array& array, std::int64_t row, std::string& out);

// A text in the quotes of CSV where it needs them, which the empty one does.
void AppendCsvText(std::string_view text, std::string& out);
// A text as JSON has it, quotes included.
void AppendJsonText(std::string_view text, std::string& out);

}  // namespace deltalakedb::formats
