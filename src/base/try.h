// Propagating a failed Result without naming it at every step.
#pragma once

#include <utility>

#include "deltalakedb/result.h"

#define DELTALAKEDB_CONCAT_INNER(a, b) a##b
#define DELTALAKEDB_CONCAT(a, b) DELTALAKEDB_CONCAT_INNER(a, b)

// Returns the error of `expression` from the enclosing function when it failed.
#define DELTALAKEDB_TRY(expression)                               \
  do {                                                            \
    auto&& try_result_ = (expression);                            \
    if (!try_result_) [[unlikely]] {                              \
      return ::deltalakedb::Fail(std::move(try_result_).error()); \
    }                                                             \
  } while (false)

#define DELTALAKEDB_ASSIGN_INNER(result, lhs, expression)  \
  auto&& result = (expression);                            \
  if (!result) [[unlikely]] {                              \
    return ::deltalakedb::Fail(std::move(result).error()); \
  }                                                        \
  lhs = *std::move(result)

// DELTALAKEDB_ASSIGN(auto value, Compute()) declares or assigns the value, or returns the error.
#define DELTALAKEDB_ASSIGN(lhs, expression) \
  DELTALAKEDB_ASSIGN_INNER(DELTALAKEDB_CONCAT(assign_result_, __LINE__), lhs, expression)
