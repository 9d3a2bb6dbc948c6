#include "apps/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltalakedb::cli {
namespace {

using testing::ElementsAre;

std::vector<std::string> Words(std::vector<const char*> arguments) {
  const std::vector<const char*> words = WordsOf(arguments);
  return {words.begin(), words.end()};
}

TEST(WordsOfTest, ProgramCalledByItsOwnName_KeepsItsWords) {
  EXPECT_THAT(Words({"deltalakedb", "tables", "x"}), ElementsAre("deltalakedb", "tables", "x"));
  EXPECT_THAT(Words({"/opt/deltalakedb-import/deltalakedb"}),
              ElementsAre("/opt/deltalakedb-import/deltalakedb"));
}

TEST(WordsOfTest, ProgramCalledDeltalakedbImport_IsItsImport) {
  EXPECT_THAT(Words({"deltalakedb-import", "a", "b"}),
              ElementsAre("deltalakedb-import", "import", "a", "b"));
  EXPECT_THAT(Words({"./bin/deltalakedb-import"}),
              ElementsAre("./bin/deltalakedb-import", "import"));
}

TEST(WordsOfTest, ProgramWithoutAName_GetsOne) {
  EXPECT_THAT(Words({}), ElementsAre("deltalakedb"));
}

TEST(AsksForJsonTest, OptionBeforeTheDashes_AsksForIt) {
  EXPECT_TRUE(AsksForJson({"deltalakedb", "tables", "--json", "x"}));
  EXPECT_FALSE(AsksForJson({"deltalakedb", "tables", "--", "--json"}));
  EXPECT_FALSE(AsksForJson({"--json"}));
}

TEST(ParseCommitIdTest, Uuid_IsTakenInLowerCase) {
  for (const char* const text :
       {"0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d", "0B5C7A52-6F0E-4a4b-9D3C-2F1E8A7B6C5D"}) {
    const auto id = ParseCommitId(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(*id, "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d");
  }
}

TEST(ParseCommitIdTest, AnythingElse_IsRefused) {
  for (const char* const text :
       {"", "not a uuid", "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5", "0b5c7a526f0e4a4b9d3c2f1e8a7b6c5d",
        "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d ", "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5g",
        "0b5c7a52 6f0e-4a4b-9d3c-2f1e8a7b6c5d", "{b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5}",
        "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d\n"}) {
    const auto id = ParseCommitId(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace deltalakedb::cli
