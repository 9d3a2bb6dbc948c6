// Whether a text is JSON, for values that are kept as they are written and never taken apart.
//
// Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace deltalakedb::protocol {

// Whether `text`, which is UTF-8, is exactly one JSON value with white space around it at most
// (RFC 8259). Numbers may have any size and precision. Escapes have to make whole characters: half
// of a surrogate pair has no form in UTF-8. Nesting costs one bit per level and no stack.
bool IsJson(std::string_view text);

// What a look at a JSON object finds.
struct ObjectGlance {
  std::optional<std::string_view> member;  // the value's text, without white space around it
};

// Looks for one member of an object without taking it apart, as is done for every file of a commit.
// Nothing where `text`, which is UTF-8, is no JSON object, is nested more than `depth_max` deep, or
// has a name that only JsonDocument can tell (one with escapes, or `name` twice): parse it then, it
// may be right for all that.
std::optional<ObjectGlance> GlanceAtObject(std::string_view text, std::string_view name,
                                           std::size_t depth_max);

}  // namespace deltalakedb::protocol
