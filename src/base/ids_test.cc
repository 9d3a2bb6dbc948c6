#include "deltalakedb/ids.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace deltalakedb {
namespace {

TEST(TableId, RandomOnes_DifferAndAreVersion4) {
  std::set<TableId> seen;
  for (int i = 0; i < 100; ++i) {
    const TableId id = TableId::MakeRandom();
    EXPECT_TRUE(seen.insert(id).second);
    const std::string text = id.ToString();
    ASSERT_EQ(text.size(), 36U);
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
  }
}

TEST(TableId, Bytes_ComeBackAsTheyWere) {
  const std::string bytes("\x00\x01\x02\x03\x04\x05\x46\x07\x88\x09\x0a\x0b\x0c\x0d\x0e\xff", 16);
  const auto id = TableId::FromBytes(bytes);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->bytes(), bytes);
  EXPECT_EQ(id->ToString(), "00010203-0405-4607-8809-0a0b0c0d0eff");
  EXPECT_FALSE(TableId::FromBytes(bytes.substr(1)));
}

}  // namespace
}  // namespace deltalakedb
