// Values on their way into and out of a database. They are always bound, never spliced into SQL.
//
// Thread-safety: plain values. Ownership: texts and bytes are views of what the caller or the
// cursor holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "deltalakedb/ids.h"

namespace deltalakedb::store {

// Bytes that are no text.
struct Blob {
  std::string_view bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};

// SQL's NULL, an integer (also a boolean: 0 or 1), a text, bytes.
using Value = std::variant<std::monostate, std::int64_t, std::string_view, Blob>;

inline Value ToValue(std::int64_t value) { return value; }
inline Value ToValue(bool value) { return std::int64_t{value ? 1 : 0}; }
inline Value ToValue(Version version) { return version.value(); }
inline Value ToValue(Timestamp timestamp) { return timestamp.ms(); }
inline Value ToValue(std::string_view text) { return text; }
inline Value ToValue(const TableId& id) { return Blob{id.bytes()}; }

template <typename T>
Value ToValue(const std::optional<T>& value) {
  return value ? ToValue(*value) : Value();
}

}  // namespace deltalakedb::store
