// Result<T>: a value or an Error. Every fallible function of the library returns one.
//
// Not for programming errors (those are assertions) and never thrown.
#pragma once

#include <expected>
#include <utility>

#include "deltalakedb/error.h"

namespace deltalakedb {

template <typename T>
using Result = std::expected<T, Error>;

// The failure side of a Result: `return Fail(ErrorCode::kNotFound, "no such table")`.
inline std::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error(code, std::move(message)));
}
inline std::unexpected<Error> Fail(Error error) { return std::unexpected<Error>(std::move(error)); }

}  // namespace deltalakedb
