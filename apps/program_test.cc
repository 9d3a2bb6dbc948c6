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

}  // namespace
}  // namespace deltalakedb::cli
