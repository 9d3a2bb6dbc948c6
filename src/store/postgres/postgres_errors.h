// What PostgreSQL's five-character SQLSTATE says about a failure (PostgreSQL documentation,
// Appendix A, Error Codes). Nothing is decided by the words of a message. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "deltalakedb/error.h"
#include "deltalakedb/secret.h"

namespace deltalakedb::store {

// libpq has no SQLSTATE for a connection that is lost or never came about; these are SQL's own.
inline constexpr std::string_view kSqlStateConnectionFailure = "08006";
inline constexpr std::string_view kSqlStateCannotConnect = "08001";
inline constexpr std::string_view kSqlStateQueryCanceled = "57014";

// An empty or unknown SQLSTATE is a failure of the connection.
ErrorCode CodeForSqlState(std::string_view sql_state);

// What to do about it, where PostgreSQL's own words leave that open; begins with "; ".
std::string_view AdviceForSqlState(std::string_view sql_state);

// The SQLSTATE in a message of libpq's verbose form, "FATAL:  28P01: …"; the last where there are
// several, empty where there is none.
std::string SqlStateIn(std::string_view verbose_message);

// Those words of a verbose message that are for people, in one line, each line of it once: libpq
// says the same of an attempt with TLS and of one without.
std::string WordsOf(std::string_view verbose_message);

// The text with *** in place of each secret. One of fewer bytes than kSecretBytesMin counts only as
// a word of its own: a user `a` is in every other word, and would be told by what is missing.
inline constexpr std::size_t kSecretBytesMin = 8;
std::string HideSecrets(std::string text, std::span<const Secret> secrets);

}  // namespace deltalakedb::store
