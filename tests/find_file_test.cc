// Snapshot::FindFile, the same on every database as on the folder that the table was imported from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/temp_folder.h"
#include "deltalakedb/import.h"
#include "deltalakedb/table.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {
namespace {

using ::testing::ElementsAre;

std::string Add(const std::string& path, int size, const std::string& more = "") {
  return R"({"add":{"path":")" + path + R"(","partitionValues":{"day":"7"},"size":)" +
         std::to_string(size) +
         R"(,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":3}")" + more + "}}\n";
}

std::string Remove(const std::string& path) {
  return R"({"remove":{"path":")" + path + R"(","deletionTimestamp":1,"dataChange":true}})" + "\n";
}

class FindFileTest : public ::testing::TestWithParam<std::string> {
 protected:
  FindFileTest() {
    const auto log = folder_.path() / "table" / "_delta_log";
    std::filesystem::create_directories(log);
    std::ofstream(log / "00000000000000000000.json")
        << R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,)"
           R"("readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}})"
           "\n"
        << R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
           R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":["day"],)"
           R"("configuration":{}}})"
           "\n"
        << Add("day=7/a%20b", 10) << Add("gone", 20) << Add("vector", 30);
    std::ofstream(log / "00000000000000000001.json")
        << Remove("gone") << Remove("vector")
        << Add("vector", 31,
               R"(,"deletionVector":{"storageType":"p","pathOrInlineDv":"file:/v","offset":1,)"
               R"("sizeInBytes":8,"cardinality":2})");
    source_ = (folder_.path() / "table").native();
    if (GetParam() == "folder") {
      uri_ = source_;
      return;
    }
    database_ = TestDatabase::Make(GetParam());
    uri_ = database_->UriText("t");
    const auto report = ImportTable(source_, uri_);
    EXPECT_TRUE(report.has_value()) << report.error().message();
  }

  std::shared_ptr<const Snapshot> At(std::int64_t version) const {
    const auto table = DeltaTable::Open(uri_);
    EXPECT_TRUE(table.has_value()) << table.error().message();
    return *table->LoadSnapshot(TableVersion::At(Version(version)));
  }

  // "path size cardinality" of what is found; what went wrong otherwise.
  static std::vector<std::string> Found(const Snapshot& snapshot, const std::string& path) {
    const auto found = snapshot.FindFile(path);
    if (!found) return {found.error().message()};
    std::vector<std::string> files;
    if (!*found) return files;
    for (const AddFile& add : (*found)->files()) {
      EXPECT_EQ(add.stats, R"({"numRecords":3})");
      EXPECT_EQ(add.partition_values.size(), 1U);
      files.push_back(std::string(add.path) + " " + std::to_string(add.size) + " " +
                      std::to_string(add.deletion_vector ? add.deletion_vector->cardinality : 0));
    }
    return files;
  }

  base::TempFolder folder_;
  std::string source_;
  std::string uri_;
  std::unique_ptr<TestDatabase> database_;
};

std::vector<std::string> Places() {
  std::vector<std::string> places = TestDatabase::Kinds();
  places.emplace_back("folder");
  return places;
}

INSTANTIATE_TEST_SUITE_P(Places, FindFileTest, ::testing::ValuesIn(Places()),
                         [](const auto& place) { return place.param; });

TEST_P(FindFileTest, File_IsFoundByEveryTextThatNamesIt) {
  const auto snapshot = At(0);
  for (const std::string& path : {std::string("day=7/a%20b"), std::string("day%3d7/a%20b"),
                                  "file://" + source_ + "/day=7/a%20b", source_ + "/day=7/a b"}) {
    EXPECT_THAT(Found(*snapshot, path), ElementsAre("day=7/a%20b 10 0")) << path;
  }
}

TEST_P(FindFileTest, Versions_HaveTheFilesThatAreLiveThen) {
  const auto first = At(0);
  const auto second = At(1);
  EXPECT_THAT(Found(*first, "gone"), ElementsAre("gone 20 0"));
  EXPECT_THAT(Found(*second, "gone"), ElementsAre());
  EXPECT_THAT(Found(*first, "vector"), ElementsAre("vector 30 0"));
  EXPECT_THAT(Found(*second, "vector"), ElementsAre("vector 31 2"));
  EXPECT_THAT(Found(*second, "day=7/a%20b"), ElementsAre("day=7/a%20b 10 0"));
  for (const char* const path : {"", "day=7/a%2520b", "day=7", "nowhere"}) {
    EXPECT_THAT(Found(*second, path), ElementsAre()) << path;
  }
}

TEST_P(FindFileTest, TableDroppedMeanwhile_IsAnErrorAndNotAnAbsentFile) {
  if (database_ == nullptr) return;
  const auto snapshot = At(1);
  database_->Sql("DELETE FROM dl_add_files");
  database_->Sql("DELETE FROM dl_table_versions");
  const auto found = snapshot->FindFile("vector");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code(), ErrorCode::kUnavailable);
}

// Another path can have the same key: then both texts are looked at.
TEST_P(FindFileTest, KeyOfAnotherPath_IsNotTakenForTheFile) {
  if (database_ == nullptr) return;
  database_->Sql("UPDATE dl_add_files SET path = 'another' WHERE path = 'vector'");
  EXPECT_THAT(Found(*At(1), "vector"), ElementsAre());
}

}  // namespace
}  // namespace deltalakedb::testing
