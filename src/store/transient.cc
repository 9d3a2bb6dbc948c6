#include "store/transient.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "store/postgres/postgres_errors.h"
#include "store/sqlite/sqlite_connection.h"

namespace deltalakedb::store {

namespace {

// PostgreSQL documentation, Appendix A: a class, or one of it.
constexpr std::array<std::string_view, 9> kTransientStates = {
    "08",     // connection exceptions
    "40001",  // serialization_failure
    "40P01",  // deadlock_detected
    "53300",  // too_many_connections
    "57P01",  // admin_shutdown
    "57P02",  // crash_shutdown
    "57P03",  // cannot_connect_now
    "57P05",  // idle_session_timeout
    "25P03",  // idle_in_transaction_session_timeout
};

template <typename T>
const T* FactOf(const Error& error, std::string_view name) {
  const Error::FactValue* const fact = error.FindFact(name);
  return fact == nullptr ? nullptr : std::get_if<T>(fact);
}

}  // namespace

bool IsTransient(const Error& error) {
  if (const auto* state = FactOf<std::string>(error, "sqlState")) {
    return std::ranges::any_of(kTransientStates,
                               [&](std::string_view known) { return state->starts_with(known); });
  }
  if (const auto* code = FactOf<std::int64_t>(error, "sqliteCode")) {
    return IsTransientSqliteCode(*code);
  }
  return false;
}

bool IsNobodyThere(const Error& error) {
  const auto* state = FactOf<std::string>(error, "sqlState");
  return state != nullptr && *state == kSqlStateCannotConnect;
}

}  // namespace deltalakedb::store
