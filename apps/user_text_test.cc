#include "apps/user_text.h"

#include <gtest/gtest.h>

namespace deltalakedb::cli {
namespace {

TEST(ShownTest, PlainTexts_AreShownAsTheyAre) {
  for (const char* const text :
       {"", "orders", "id,day", "/data/me@work/a:b.json", "./me@work", "../a:b@c",
        "/data/password=x", "passwords.json", "reset password", "C:/x"}) {
    EXPECT_EQ(Shown(text), text);
  }
}

TEST(ShownTest, TextThatMayHoldAPassword_IsShownWithoutIt) {
  for (const char* const text :
       {"deltasql://postgres/alice:S3cret@h/s/p/t", " deltasql://postgres/alice:S3cret@h/s/p/t",
        "DELTASQL:/postgres/alice:S3cret@", "postgres/alice:S3cret@h/s/p/t", "alice:S3cret@h",
        "host=h password=S3cret", "host=h PassWord = S3cret", "passwords password=S3cret",
        "//alice:S3cret@h", "postgresql://alice:S3cret@h/s"}) {
    EXPECT_EQ(Shown(text).find("S3cret"), std::string::npos) << Shown(text);
  }
}

TEST(IsDatabaseUriTest, OnlyTheBeginningCounts) {
  EXPECT_TRUE(IsDatabaseUri("deltasql://sqlite/meta.db"));
  EXPECT_TRUE(IsDatabaseUri(" Postgres://h/db"));
  EXPECT_FALSE(IsDatabaseUri("source=deltasql://sqlite/meta.db"));
  EXPECT_FALSE(IsDatabaseUri("s3://bucket/key"));
  EXPECT_FALSE(IsDatabaseUri(""));
  EXPECT_FALSE(IsDatabaseUri("  "));
}

}  // namespace
}  // namespace deltalakedb::cli
