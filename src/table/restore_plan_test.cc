#include "table/restore_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/temp_folder.h"
#include "catalog/open_log.h"
#include "deltalakedb/create.h"
#include "deltalakedb/transaction.h"

namespace deltalakedb::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// As in PROTOCOL.md, Deletion vectors.
const std::string kVector =
    R"("deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":1,)"
    R"("sizeInBytes":2,"cardinality":3})";
const std::string kVectorFile = "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
const std::string kInlineVector =
    R"("deletionVector":{"storageType":"i","pathOrInlineDv":"HelloWorld","sizeInBytes":8,)"
    R"("cardinality":1})";

std::string AddLine(const std::string& path, int size, const std::string& more = "") {
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":7,)"
      R"("dataChange":false,"stats":"{{\"numRecords\":9}}"{}}}}})",
      path, size, more.empty() ? "" : "," + more);
}
std::string RemoveLine(const std::string& path, const std::string& more = "") {
  return fmt::format(R"({{"remove":{{"path":"{}","deletionTimestamp":1,"dataChange":true{}}}}})",
                     path, more.empty() ? "" : "," + more);
}

// Each test by a table in a folder and by one in a catalog.
class RestorePlanTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    NewTable table;
    table.schema_json =
        R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]})";
    table.properties = {{"delta.enableDeletionVectors", "true"},
                        {"delta.enableRowTracking", "true"},
                        {"delta.enableInCommitTimestamps", "true"}};
    if (GetParam()) table.location = data().native();
    const auto created = CreateTable(uri(), table);
    ASSERT_TRUE(created) << created.error().message();
  }

  std::filesystem::path data() const { return folder_.path() / "t"; }
  std::string uri() const {
    if (!GetParam()) return data().native();
    return "deltasql://sqlite/" + (folder_.path() / "meta.db").native() + "?table=t";
  }
  void Put(const std::string& below) const {
    std::filesystem::create_directories((data() / below).parent_path());
    std::ofstream(data() / below) << "1";
  }
  void Commit(const std::vector<std::string>& lines) const {
    const auto writer = TableWriter::Open(uri());
    ASSERT_TRUE(writer) << writer.error().message();
    auto transaction = writer->Begin();
    ASSERT_TRUE(transaction) << transaction.error().message();
    for (const std::string& line : lines) {
      const auto added = transaction->AddLine(line, 1);
      ASSERT_TRUE(added) << added.error().message();
    }
    const auto report = transaction->Commit();
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_EQ(report->outcome, CommitReport::Outcome::kCommitted);
  }
  Result<RestorePlan> Plan(std::int64_t version) const {
    const auto opened = OpenTransactionLog(uri(), store::DatabaseMode::kRead, nullptr);
    if (!opened) return Fail(opened.error());
    const auto current = opened->log->LoadSnapshot(TableVersion::Latest());
    const auto restored = opened->log->LoadSnapshot(TableVersion::At(Version(version)));
    if (!current) return Fail(current.error());
    if (!restored) return Fail(restored.error());
    return PlanRestore({**current, **restored, opened->log->table_root(), /*now=*/Timestamp(1234)});
  }

  static std::vector<std::string> Added(const RestorePlan& plan) {
    std::vector<std::string> paths;
    for (const auto& add : plan.actions.adds()) {
      paths.push_back(std::string(add.action.path) + (add.action.deletion_vector ? "+" : ""));
    }
    return paths;
  }
  static std::vector<std::string> Removed(const RestorePlan& plan) {
    std::vector<std::string> paths;
    for (const auto& remove : plan.actions.removes()) {
      paths.push_back(std::string(remove.action.path) + (remove.action.deletion_vector ? "+" : ""));
    }
    return paths;
  }

  base::TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(, RestorePlanTest, testing::Bool(), [](const auto& is_catalog) {
  return is_catalog.param ? "Catalog" : "Folder";
});

TEST_P(RestorePlanTest, Files_BecomeThoseOfTheVersion) {
  Put("back again");
  Commit({AddLine("back%20again", 3), AddLine("stays", 5)});
  Commit({RemoveLine("back%20again"), AddLine("new", 7)});
  const auto plan = Plan(1);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_THAT(Added(*plan), ElementsAre("back%20again"));
  EXPECT_THAT(Removed(*plan), ElementsAre("new"));
  EXPECT_FALSE(plan->actions.metadata());
  const AddFile& add = plan->actions.adds().front().action;
  EXPECT_TRUE(add.data_change);
  EXPECT_EQ(add.size, 3);
  EXPECT_EQ(add.modification_time, 7);
  EXPECT_EQ(add.stats, R"({"numRecords":9})");
  EXPECT_EQ(add.base_row_id, 0);
  EXPECT_EQ(add.default_row_commit_version, 1);
  const RemoveFile& remove = plan->actions.removes().front().action;
  EXPECT_EQ(remove.deletion_timestamp, 1234);
  EXPECT_TRUE(remove.data_change);
  EXPECT_EQ(remove.extended_file_metadata, true);
  EXPECT_EQ(remove.size, 7);
  EXPECT_EQ(plan->MetricsJson(),
            R"({"tableSizeAfterRestore":"8","numOfFilesAfterRestore":"2","numRemovedFiles":"1",)"
            R"("numRestoredFiles":"1","removedFilesSize":"7","restoredFilesSize":"3"})");
}

TEST_P(RestorePlanTest, SameVersion_TakesNothing) {
  Commit({AddLine("a", 3)});
  const auto plan = Plan(1);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->actions.empty());
  EXPECT_EQ(plan->num_files_after, 1);
}

TEST_P(RestorePlanTest, VersionWithoutFiles_RemovesAll) {
  Commit({AddLine("a", 3), AddLine("b", 4)});
  const auto plan = Plan(0);
  ASSERT_TRUE(plan);
  EXPECT_THAT(Added(*plan), IsEmpty());
  EXPECT_THAT(Removed(*plan), UnorderedElementsAre("a", "b"));
  EXPECT_EQ(plan->removed_files_size, 7);
  EXPECT_EQ(plan->table_size_after, 0);
}

TEST_P(RestorePlanTest, DeletionVectors_MakeFilesDiffer) {
  Put("a");
  Put("b");
  Put(kVectorFile);
  Commit({AddLine("a", 3, kVector), AddLine("b", 4)});
  Commit(
      {RemoveLine("a", kVector), AddLine("a", 3), RemoveLine("b"), AddLine("b", 4, kInlineVector)});
  const auto plan = Plan(1);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_THAT(Added(*plan), UnorderedElementsAre("a+", "b"));
  EXPECT_THAT(Removed(*plan), UnorderedElementsAre("a", "b+"));
  std::filesystem::remove(data() / kVectorFile);
  const auto without = Plan(1);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(*without.error().FindFact("file"), Error::FactValue((data() / kVectorFile).native()));
}

TEST_P(RestorePlanTest, FilesThatAreGone_AreCountedAndOneIsNamed) {
  std::vector<std::string> adds;
  std::vector<std::string> removes;
  for (int i = 0; i < 100; ++i) {
    const std::string name = fmt::format("f{}", i);
    if (i % 2 == 0) Put(name);
    adds.push_back(AddLine(name, 1));
    removes.push_back(RemoveLine(name));
  }
  Commit(adds);
  Commit(removes);
  const auto plan = Plan(1);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(*plan.error().FindFact("missingFiles"), Error::FactValue(50));
  EXPECT_THAT(std::get<std::string>(*plan.error().FindFact("file")),
              HasSubstr(data().native() + "/f"));
}

TEST_P(RestorePlanTest, MetaDataThatChanged_ComesBack) {
  ASSERT_TRUE(SetTableProperties(uri(), {{"delta.appendOnly", "true"}}));
  const auto plan = Plan(0);
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_TRUE(plan->actions.metadata());
  const auto& configuration = plan->actions.metadata()->action.configuration;
  EXPECT_FALSE(configuration.contains("delta.appendOnly"));
  EXPECT_EQ(configuration.at("delta.enableInCommitTimestamps"), "true");
  EXPECT_FALSE(plan->actions.protocol());
}

// ---- metaData by itself -------------------------------------------------------------------------

Metadata WithProperties(std::map<std::string, std::string> properties) {
  Metadata metadata;
  metadata.id = "m";
  metadata.schema_string = R"({"type":"struct","fields":[]})";
  metadata.configuration = std::move(properties);
  return metadata;
}

TEST(RestoredMetadataTest, WhatMayNotGoBack_StaysAsItIs) {
  const Metadata current = WithProperties({{"delta.enableInCommitTimestamps", "true"},
                                           {"delta.inCommitTimestampEnablementVersion", "5"},
                                           {"delta.inCommitTimestampEnablementTimestamp", "99"},
                                           {"delta.columnMapping.maxColumnId", "12"},
                                           {"mine", "new"}});
  Metadata old = WithProperties({{"delta.columnMapping.maxColumnId", "9"},
                                 {"delta.enableRowTracking", "true"},
                                 {"mine", "old"},
                                 {"too", "old"}});
  old.id = "other";
  const auto restored = RestoredMetadata(current, old);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->id, "m");
  EXPECT_EQ(restored->configuration, (std::map<std::string, std::string>{
                                         {"delta.enableInCommitTimestamps", "true"},
                                         {"delta.inCommitTimestampEnablementVersion", "5"},
                                         {"delta.inCommitTimestampEnablementTimestamp", "99"},
                                         {"delta.columnMapping.maxColumnId", "12"},
                                         {"mine", "old"},
                                         {"too", "old"}}));
}

std::string IdentitySchema(std::string_view name, int step, const std::string& mark) {
  return fmt::format(
      R"({{"type":"struct","fields":[{{"name":"{}","type":"long","nullable":true,"metadata":)"
      R"({{"delta.identity.start":1,"delta.identity.step":{}{}}}}},)"
      R"({{"name":"z","type":"string","nullable":false,"metadata":{{"comment":"ü"}}}}]}})",
      name, step, mark.empty() ? "" : R"(,"delta.identity.highWaterMark":)" + mark);
}

TEST(RestoredMetadataTest, MarksOfIdentityColumns_DoNotGoBack) {
  struct Case {
    int step;
    std::string now;
    std::string then;
    std::string expected;
  };
  for (const Case& c : {Case{1, "9007199254740993", "5", "9007199254740993"},
                        Case{1, "5", "7", "7"}, Case{-1, "-9", "-5", "-9"},
                        Case{-1, "-5", "-9", "-9"}, Case{1, "8", "", "8"}, Case{1, "", "5", "5"}}) {
    Metadata current = WithProperties({});
    Metadata old = WithProperties({});
    current.schema_string = IdentitySchema("id", c.step, c.now);
    old.schema_string = IdentitySchema("id", c.step, c.then);
    const auto restored = RestoredMetadata(current, old);
    ASSERT_TRUE(restored);
    EXPECT_EQ(restored->schema_string, IdentitySchema("id", c.step, c.expected));
    old.schema_string = IdentitySchema("other", c.step, c.then);
    EXPECT_EQ(RestoredMetadata(current, old)->schema_string, old.schema_string);
  }
}

TEST(RestoredMetadataTest, SchemaThatIsNone_IsCorrupt) {
  for (const char* const text :
       {"delta.identity.", R"({"delta.identity.x":1})", R"({"fields":["delta.identity."]})"}) {
    Metadata old = WithProperties({});
    old.schema_string = text;
    const auto restored = RestoredMetadata(WithProperties({}), old);
    ASSERT_FALSE(restored) << text;
    EXPECT_EQ(restored.error().code(), ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace deltalakedb::table
