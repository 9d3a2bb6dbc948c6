// CreateTable, SetTableProperties and DropTable on every database: what they put there and take
// away.
#include "deltalakedb/create.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/catalog.h"
#include "deltalakedb/import.h"
#include "deltalakedb/table.h"
#include "deltalakedb/transaction.h"
#include "tests/test_database.h"

namespace deltalakedb {
namespace {

using testing::TestDatabase;

constexpr std::string_view kSchema =
    R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]})";

std::string FirstOf(const VerifyReport& report) {
  if (report.differences.empty()) return "";
  return report.differences.front().where + ": " + report.differences.front().message;
}

class CreateTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    database_ = TestDatabase::Make(GetParam());
    ASSERT_NE(database_, nullptr);
  }

  std::string Uri(std::string_view name) const { return database_->UriText(name); }
  NewTable Draft(std::string_view name) const {
    NewTable table;
    table.schema_json = kSchema;
    table.location = (folder_.path() / name).string();
    return table;
  }
  void Create(std::string_view name, const std::map<std::string, std::string>& properties = {}) {
    NewTable table = Draft(name);
    table.properties = properties;
    const auto created = CreateTable(Uri(name), table);
    ASSERT_TRUE(created) << created.error().message();
  }
  // Every kind of row that a commit can leave.
  void CommitOneOfEach(std::string_view name) const {
    const auto writer = TableWriter::Open(Uri(name));
    ASSERT_TRUE(writer) << writer.error().message();
    auto transaction = writer->Begin();
    ASSERT_TRUE(transaction) << transaction.error().message();
    const std::vector<std::string_view> lines = {
        R"({"add":{"path":"f0","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":3}"}})",
        R"({"cdc":{"path":"c0","partitionValues":{},"size":1,"dataChange":false}})",
        R"({"txn":{"appId":"a","version":1}})",
        R"({"domainMetadata":{"domain":"mine","configuration":"","removed":false}})"};
    for (const std::string_view line : lines) {
      const auto added = transaction->AddLine(line, 1);
      ASSERT_TRUE(added) << added.error().message();
    }
    const auto report = transaction->Commit();
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_EQ(report->outcome, CommitReport::Outcome::kCommitted);
    auto removal = writer->Begin();
    ASSERT_TRUE(removal);
    ASSERT_TRUE(removal->AddLine(R"({"remove":{"path":"f0","dataChange":true}})", 1));
    ASSERT_TRUE(removal->Commit());
  }
  // What no command leaves in so small a table.
  void PutTheRest(std::string_view name) const {
    database_->Sql(
        "INSERT INTO dl_commit_fences (table_id, commit_id, fenced_at) SELECT table_id, "
        "'c', 1 FROM dl_tables WHERE name = '" +
        std::string(name) + "'");
    database_->Sql(
        "INSERT INTO dl_mirror_status (table_id, mirror_engine, place, absolute_paths, next_state, "
        "attempts, added_at) SELECT table_id, 'delta', '/data', " +
        std::string(GetParam() == "sqlite" ? "0" : "false") +
        ", 'PENDING', 0, 0 FROM dl_tables WHERE name = '" + std::string(name) + "'");
    database_->Sql(
        "INSERT INTO dl_mirror_failures (table_id, mirror_engine, failure_number, failed_at, "
        "error_code, error) SELECT table_id, 'delta', 1, 0, 'Io', 'e' FROM dl_tables WHERE name = "
        "'" +
        std::string(name) + "'");
  }
  std::map<std::string, std::string> Counts() const {
    std::map<std::string, std::string> counts;
    for (const std::string_view relation :
         {"dl_tables", "dl_table_versions", "dl_body_parts", "dl_add_files", "dl_remove_files",
          "dl_cdc_files", "dl_metadata_updates", "dl_protocol_updates", "dl_txn_actions",
          "dl_domain_metadata", "dl_file_segments", "dl_mirror_status", "dl_mirror_failures",
          "dl_commit_fences"}) {
      counts.emplace(relation,
                     database_->Column(fmt::format("SELECT count(*) FROM {}", relation)).front());
    }
    return counts;
  }

  base::TempFolder folder_;
  std::unique_ptr<TestDatabase> database_;
};

INSTANTIATE_TEST_SUITE_P(, CreateTest, ::testing::ValuesIn(TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(CreateTest, CreatedTable_IsSoundAndTakesCommits) {
  Create("t", {{"delta.enableRowTracking", "true"}, {"delta.enableChangeDataFeed", "true"}});
  CommitOneOfEach("t");
  const auto verified = VerifyTable(Uri("t"));
  ASSERT_TRUE(verified) << verified.error().message();
  EXPECT_TRUE(verified->differences.empty()) << FirstOf(*verified);
  EXPECT_EQ(verified->versions, (VersionRange{Version(0), Version(2)}));
}

TEST_P(CreateTest, TablesOfOneCatalog_AreSoundBesideEachOther) {
  for (const std::string_view name : {"a", "b", "c"}) {
    Create(name,
           {{"delta.feature.domainMetadata", "supported"}, {"delta.enableChangeDataFeed", "true"}});
    CommitOneOfEach(name);
  }
  for (const std::string_view name : {"a", "b", "c"}) {
    const auto verified = VerifyTable(Uri(name));
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->differences.empty()) << name << ": " << FirstOf(*verified);
  }
}

TEST_P(CreateTest, DroppedTable_LeavesNoRowAndTheOthersAsTheyWere) {
  Create("kept",
         {{"delta.feature.domainMetadata", "supported"}, {"delta.enableChangeDataFeed", "true"}});
  CommitOneOfEach("kept");
  const auto alone = Counts();
  const std::string kept = database_->Dump("kept");
  Create("gone",
         {{"delta.feature.domainMetadata", "supported"}, {"delta.enableChangeDataFeed", "true"}});
  CommitOneOfEach("gone");
  PutTheRest("gone");
  const auto both = Counts();
  for (const auto& [relation, count] : both) {
    if (relation == "dl_body_parts" || relation == "dl_file_segments") continue;
    EXPECT_GT(std::stoi(count), std::stoi(alone.at(relation))) << relation;
  }
  const auto dropped = DropTable(Uri("gone"));
  ASSERT_TRUE(dropped) << dropped.error().message();
  EXPECT_EQ(dropped->name, "gone");
  EXPECT_EQ(dropped->version, Version(2));
  EXPECT_EQ(Counts(), alone);
  EXPECT_EQ(database_->Dump("kept"), kept);
  const auto again = DropTable(Uri("gone"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kNotFound);
}

TEST_P(CreateTest, WriterOfADroppedTable_IsToldThatItIsGone) {
  Create("t");
  const auto writer = TableWriter::Open(Uri("t"));
  ASSERT_TRUE(writer);
  auto transaction = writer->Begin();
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(transaction->AddLine(
      R"({"add":{"path":"f0","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
      1));
  ASSERT_TRUE(DropTable(Uri("t")));
  const auto report = transaction->Commit();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::kNotFound);
  // One of the same name is another table.
  Create("t");
  EXPECT_EQ(Counts().at("dl_add_files"), "0");
}

TEST_P(CreateTest, RefusedTable_LeavesTheDatabaseAsItWas) {
  Create("t");
  const std::string before = database_->Everything();
  NewTable draft = Draft("other");
  draft.properties = {{"delta.noSuch", "1"}};
  EXPECT_EQ(CreateTable(Uri("other"), draft).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CreateTable(Uri("t"), Draft("other")).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(CreateTable(Uri("other"), Draft("t")).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(database_->Everything(), before);
}

TEST_P(CreateTest, SameCommitId_FindsTheTable) {
  NewTable draft = Draft("t");
  draft.commit_id = "mine";
  const auto made = CreateTable(Uri("t"), draft);
  const auto again = CreateTable(Uri("t"), draft);
  ASSERT_TRUE(made && again);
  EXPECT_FALSE(made->was_there);
  EXPECT_TRUE(again->was_there);
  EXPECT_EQ(made->table_id, again->table_id);
}

TEST_P(CreateTest, SnapshotThatIsHeld_KeepsItsPropertiesWhenTheyAreSet) {
  Create("t", {{"owner", "me"}});
  const auto table = DeltaTable::Open(Uri("t"));
  ASSERT_TRUE(table);
  const auto held = table->LoadSnapshot(TableVersion::Latest());
  ASSERT_TRUE(held);
  const auto report = SetTableProperties(Uri("t"), {{"owner", "you"}});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->has_changed);
  EXPECT_EQ(report->commit.version, Version(1));
  EXPECT_EQ((*held)->metadata().configuration.at("owner"), "me");
  const auto latest = table->LoadSnapshot(TableVersion::Latest());
  ASSERT_TRUE(latest);
  EXPECT_EQ((*latest)->metadata().configuration.at("owner"), "you");
  EXPECT_EQ((*latest)->metadata().id, (*held)->metadata().id);
}

}  // namespace
}  // namespace deltalakedb
