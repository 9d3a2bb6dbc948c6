#include "store/postgres/postgres_errors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltalakedb::store {
namespace {

// libpq 17, for a server that takes neither TLS nor the password: an attempt with TLS, then one
// without.
constexpr std::string_view kRefused =
    "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
    "authentication failed for user \"alice\"\nLOCATION:  auth_failed, auth.c:326\n"
    "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
    "authentication failed for user \"alice\"\nLOCATION:  auth_failed, auth.c:326\n";

TEST(PostgresErrorsTest, VerboseMessage_GivesItsSqlStateAndItsWordsOnce) {
  EXPECT_EQ(SqlStateIn(kRefused), "28P01");
  EXPECT_EQ(WordsOf(kRefused),
            "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  password "
            "authentication failed for user \"alice\"");
  EXPECT_EQ(CodeForSqlState("28P01"), ErrorCode::kPermission);
  EXPECT_EQ(SqlStateIn("server closed the connection unexpectedly\n"), "");
  EXPECT_EQ(CodeForSqlState(""), ErrorCode::kUnavailable);
}

std::string Hidden(std::string text, const std::string& secret) {
  const std::vector<Secret> secrets = {Secret(secret)};
  return HideSecrets(std::move(text), secrets);
}

TEST(PostgresErrorsTest, Secret_IsHiddenWhereItIsAWord) {
  EXPECT_EQ(Hidden("failed for user \"a\" at a", "a"), "failed for user \"***\" at ***");
  EXPECT_EQ(Hidden("Connection refused", "e"), "Connection refused");
  EXPECT_EQ(Hidden("nothing", ""), "nothing");
}

TEST(PostgresErrorsTest, LongSecret_IsHiddenEverywhere) {
  EXPECT_EQ(Hidden("xopensesamex opensesame", "opensesame"), "x***x ***");
}

}  // namespace
}  // namespace deltalakedb::store
