// Values of texts (fields of CSV, values of JSON) as Arrow values, strictly: what a text does not
// say exactly is refused, nothing is rounded or cut.
//
// Pure but for the builders, which belong to the caller.
#pragma once

#include <arrow/type_fwd.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "deltalakedb/result.h"
#include "protocol/json_document.h"

namespace deltalakedb::formats {

// The longest row of a text. Unit: bytes.
inline constexpr std::size_t kRowTextBytesMax = 64 * 1024 * 1024;

// Errors: Unsupported (a type whose values cannot be read from texts; fact type).
Result<void> CheckTextType(const arrow::DataType& type);

// A type's name in messages: Delta's own, such as `long` or `decimal(10,2)`.
std::string TypeName(const arrow::DataType& type);

// A value that is there, as a field of CSV has it: numbers, `true` and `false`, dates and times as
// partition values have them (protocol/partition_value.h), bytes as hexadecimal digits, nested
// values as JSON. The builder is one of arrow::MakeBuilder for the type, which CheckTextType lets
// pass, and done for after an error. Errors: InvalidArgument (no such value).
Result<void> AppendText(std::string_view text, const arrow::DataType& type,
                        arrow::ArrayBuilder& builder);

// The same of JSON, null included: bytes as Base64, dates and times as texts, numbers as such or as
// texts, maps as objects or as arrays of {"key", "value"}; fields that an object does not have are
// null.
Result<void> AppendJson(const protocol::JsonValue& value, const arrow::DataType& type,
                        arrow::ArrayBuilder& builder);

}  // namespace deltalakedb::formats
