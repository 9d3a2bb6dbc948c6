#include "protocol/file_key.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

namespace deltalakedb::protocol {
namespace {

DeletionVector Vector(std::string_view type, std::string_view path,
                      std::optional<std::int32_t> offset = std::nullopt) {
  DeletionVector vector;
  vector.storage_type = type;
  vector.path_or_inline_dv = path;
  vector.offset = offset;
  return vector;
}

TEST(FileKeyTest, UniqueId_IsTypePathAndOffset) {
  EXPECT_EQ(Vector("u", "ab").UniqueId(), "uab");
  EXPECT_EQ(Vector("u", "ab", 0).UniqueId(), "uab@0");
  EXPECT_EQ(Vector("p", "file:/x", 2147483647).UniqueId(), "pfile:/x@2147483647");
}

TEST(FileKeyTest, SpellingsOfAPath_HaveOneKey) {
  FileKeyHasher hasher("file:/data/t");
  const FileKey key = hasher.Hash("a b", std::nullopt);
  EXPECT_EQ(hasher.Hash("a%20b", std::nullopt), key);
  EXPECT_EQ(hasher.Hash("file:///data/t/a%20b", std::nullopt), key);
  EXPECT_EQ(hasher.Hash("/data/t/a%20b", std::nullopt), key);
  FileKeyHasher copy = hasher;
  EXPECT_EQ(copy.Hash("a b", std::nullopt), key);
  EXPECT_EQ(FileKeyHasher("file:/data/t").Hash("a b", std::nullopt), key);
}

TEST(FileKeyTest, DifferentFiles_HaveDifferentKeys) {
  using namespace std::string_view_literals;
  FileKeyHasher hasher("file:/data/t");
  std::set<std::pair<std::uint64_t, std::uint64_t>> keys;
  const auto add = [&](std::string_view path, const std::optional<DeletionVector>& vector) {
    const FileKey key = hasher.Hash(path, vector);
    return keys.emplace(key.high, key.low).second;
  };
  EXPECT_TRUE(add("a", std::nullopt));
  EXPECT_TRUE(add("b", std::nullopt));
  EXPECT_TRUE(add("", std::nullopt));
  EXPECT_TRUE(add("a", Vector("u", "x")));
  EXPECT_TRUE(add("a", Vector("u", "x", 0)));
  EXPECT_TRUE(add("a", Vector("u", "x", 1)));
  EXPECT_TRUE(add("a", Vector("i", "x")));
  EXPECT_TRUE(add("au", Vector("x", "")));
  EXPECT_FALSE(add("a", Vector("u", "x@0")));  // as the protocol builds the id
}

// Where path and vector meet must be seen, whatever bytes they hold.
TEST(FileKeyTest, ZeroBytesInAPath_DoNotMakeItAnotherFile) {
  FileKeyHasher hasher("");
  EXPECT_NE(hasher.Hash("a%00ux", std::nullopt), hasher.Hash("a", Vector("u", "x")));
  EXPECT_NE(hasher.Hash("a%00ux", Vector("u", "y")),
            hasher.Hash("a", Vector("u", std::string_view("x\0uy", 4))));
}

}  // namespace
}  // namespace deltalakedb::protocol
