#include "protocol/partition_path.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/paths.h"

namespace deltalakedb::protocol {
namespace {

std::string Directory(std::string_view column, std::optional<std::string_view> value) {
  return PartitionDirectory(std::vector<PartitionText>{{column, value}});
}

TEST(PartitionPathTest, ValuesThatSparkWrote_GiveItsPaths) {
  // Recorded from Delta Spark 4.4.0.
  const std::vector<PartitionText> partition = {{"b", "true"},       {"d", "1.0E10"},
                                                {"s", "a b%/ü😀:="}, {"da", "2024-01-02"},
                                                {"bi", "\x01ü"},     {"n", std::nullopt}};
  const std::string folder = PartitionDirectory(partition);
  EXPECT_EQ(folder,
            "b=true/d=1.0E10/s=a b%25%2Fü😀%3A%3D/da=2024-01-02/bi=%01ü/"
            "n=__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(EncodePath(folder),
            "b=true/d=1.0E10/s=a%20b%2525%252Fü😀%253A%253D/da=2024-01-02/bi=%2501ü/"
            "n=__HIVE_DEFAULT_PARTITION__");
}

TEST(PartitionPathTest, EmptyTextAndNull_AreOneFolder) {
  EXPECT_EQ(Directory("c", ""), "c=__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(Directory("c", std::nullopt), "c=__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(PartitionDirectory({}), "");
}

TEST(PartitionPathTest, NamesOfColumns_AreEscapedToo) {
  EXPECT_EQ(Directory("a=b/c", "x"), "a%3Db%2Fc=x");
}

TEST(PartitionPathTest, EveryByte_ComesBackFromAPath) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  all += "日本語 é 😀";
  const std::string folder = Directory("c", all);
  EXPECT_EQ(folder.find_first_of("\"#'*/:?\\{[]^\n\t\x7F"), std::string::npos);
  EXPECT_EQ(folder.find('\0'), std::string::npos);
  EXPECT_NE(folder.find("}~%7F日本語 é 😀"), std::string::npos);
  EXPECT_EQ(PercentDecode(folder), "c=" + all);
  EXPECT_EQ(PercentDecode(EncodePath(folder)), folder);
  EXPECT_EQ(EncodePath(folder).find_first_of(" \"#<>?[\\]^`{|}"), std::string::npos);
}

TEST(PartitionPathTest, DotsAndPlus_StayAsTheyAre) {
  EXPECT_EQ(Directory("c", "../..+&@,;~$!()"), "c=..%2F..+&@,;~$!()");
}

}  // namespace
}  // namespace deltalakedb::protocol
