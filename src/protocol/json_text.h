// Whether a text is JSON, for values that are kept as they are written and never taken apart.
//
// Pure function, safe from any thread.
#pragma once

#include <string_view>

namespace deltalakedb::protocol {

// Whether `text`, which is UTF-8, is exactly one JSON value with white space around it at most
// (RFC 8259). Numbers may have any size and precision. Escapes have to make whole characters: half
// of a surrogate pair has no form in UTF-8. Nesting costs one bit per level and no stack.
bool IsJson(std::string_view text);

}  // namespace deltalakedb::protocol
