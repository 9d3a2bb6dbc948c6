#include "protocol/path_key.h"

#include <gtest/gtest.h>

#include <string>

namespace deltalakedb::protocol {
namespace {

constexpr const char* kRoot = "file:/data/t";

TEST(PathKeyTest, SpellingsOfAPath_HaveOneKeyAndOneCanonicalText) {
  std::string scratch = "what was there";
  for (const char* const path :
       {"p=1/a b", "p=1/a%20b", "p%3D1/a%20b", "/data/t/p=1/a%20b", "file:/data/t/p=1/a b",
        "file:///data/t/p=1/a%20b", "file://localhost/data/t/p=1/a%20b"}) {
    EXPECT_EQ(PathKey(path, kRoot, scratch), HashOf("p=1/a b")) << path;
    EXPECT_EQ(scratch, "p=1/a b") << path;
  }
}

TEST(PathKeyTest, OtherFiles_HaveOtherKeys) {
  std::string scratch;
  EXPECT_EQ(PathKey("/other/a", kRoot, scratch), HashOf("file:/other/a"));
  EXPECT_EQ(PathKey("s3://bucket/a%20b", kRoot, scratch), HashOf("s3://bucket/a b"));
  EXPECT_EQ(PathKey("a%2520b", kRoot, scratch), HashOf("a%20b"));
  EXPECT_EQ(PathKey("/data/t/a", "", scratch), HashOf("file:/data/t/a"));
}

}  // namespace
}  // namespace deltalakedb::protocol
