// What sql/ promises of its statements: that they can be prepared, and by which index they work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/sql_text.h"
#include "store/temp_catalog.h"
#include "store/unique_handle.h"

namespace deltalakedb::store {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class SqliteStatementsTest : public testing::Test {
 protected:
  SqliteStatementsTest() {
    catalog_.ConnectMigrated();
    sqlite3* opened = nullptr;
    EXPECT_EQ(sqlite3_open(catalog_.path().c_str(), &opened), SQLITE_OK);
    database_.reset(opened);
  }

  // Empty when it cannot be prepared.
  UniqueHandle<sqlite3_stmt, sqlite3_finalize> Prepare(const std::string& sql) const {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sql << ": " << sqlite3_errmsg(database_.get());
    return UniqueHandle<sqlite3_stmt, sqlite3_finalize>(statement);
  }

  std::vector<std::string> PlanOf(StatementId id) const {
    const auto statement =
        Prepare("EXPLAIN QUERY PLAN " + std::string(StatementText(Dialect::kSqlite, id)));
    std::vector<std::string> steps;
    while (statement && sqlite3_step(statement.get()) == SQLITE_ROW) {
      steps.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 3)));
    }
    return steps;
  }

  testing_store::TempCatalog catalog_;
  UniqueHandle<sqlite3, sqlite3_close_v2> database_;
};

std::vector<StatementId> AllStatements() {
  std::vector<StatementId> ids;
  for (std::size_t i = 0; i < kStatementCount; ++i) ids.push_back(static_cast<StatementId>(i));
  return ids;
}

TEST_F(SqliteStatementsTest, EveryStatement_CanBePrepared) {
  for (const StatementId id : AllStatements()) {
    SCOPED_TRACE(StatementName(id));
    const std::string_view text = StatementText(Dialect::kSqlite, id);
    EXPECT_FALSE(text.empty());
    if (id == StatementId::kCreateMigrationsTable) continue;  // it is there already
    EXPECT_NE(Prepare(std::string(text)), nullptr);
  }
}

TEST_F(SqliteStatementsTest, NoStatement_ScansWhatGrowsWithTheLog) {
  for (const StatementId id : AllStatements()) {
    if (id == StatementId::kCreateMigrationsTable) continue;
    for (const std::string& step : PlanOf(id)) {
      const bool is_scan = step.starts_with("SCAN ");
      const bool is_small = step.starts_with("SCAN dl_tables") || step.starts_with("SCAN t ") ||
                            step.starts_with("SCAN dl_schema_migrations") ||
                            step.starts_with("SCAN sqlite_schema") ||
                            step.starts_with("SCAN CONSTANT ROW");
      EXPECT_TRUE(!is_scan || is_small) << StatementName(id) << ": " << step;
    }
  }
}

TEST_F(SqliteStatementsTest, HotStatements_WorkByTheirIndex) {
  const std::string by_version = "sqlite_autoindex_dl_table_versions_1 (table_id=? AND version=?)";
  const std::string by_file_id = "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
  const std::map<StatementId, std::vector<std::string>> expected = {
      {StatementId::kFindTableByName, {"SEARCH dl_tables USING INDEX", "(name=?)"}},
      {StatementId::kFindTableById, {"SEARCH dl_tables USING PRIMARY KEY (table_id=?)"}},
      {StatementId::kListTablesAt, {"INDEX dl_tables_location (location=?)"}},
      {StatementId::kFindVersion, {by_version}},
      {StatementId::kFindBody, {by_version}},
      {StatementId::kFindCommitId, {"(table_id=? AND commit_id=?)"}},
      {StatementId::kUpdateVersionIndex, {by_version}},
      {StatementId::kListBodyParts, {"(table_id=? AND version=? AND origin=?)"}},
      {StatementId::kEndFile,
       {"INDEX dl_add_files_key (table_id=? AND path_key=? AND dv_id=? AND version<?)"}},
      {StatementId::kScanLiveFiles, {"SEARCH dl_add_files " + by_file_id, by_version}},
      {StatementId::kScanLiveFilesWithoutStats, {"SEARCH dl_add_files " + by_file_id}},
      {StatementId::kListAddFiles, {"SEARCH dl_add_files " + by_file_id}},
      {StatementId::kListRemoveFiles, {"SEARCH dl_remove_files " + by_file_id}},
      {StatementId::kListCdcFiles, {"SEARCH dl_cdc_files " + by_file_id}},
      {StatementId::kLoadMetadata, {"PRIMARY KEY (table_id=? AND version=?)"}},
      {StatementId::kLoadProtocol, {"PRIMARY KEY (table_id=? AND version=?)"}},
      {StatementId::kLoadAppTransactions, {"PRIMARY KEY (table_id=? AND app_id=? AND version<?)"}},
      {StatementId::kLoadDomainMetadata, {"PRIMARY KEY (table_id=? AND domain=? AND version<?)"}},
      {StatementId::kFindWrongIntervals,
       {"dl_add_files_key (table_id=? AND path_key=? AND dv_id=? AND version>?)",
        "dl_remove_files_key (table_id=? AND path_key=? AND dv_id=? AND version>?)"}},
      {StatementId::kAdvanceTable, {"SEARCH dl_tables USING PRIMARY KEY (table_id=?)"}},
  };
  for (const auto& [id, parts] : expected) {
    for (const std::string& part : parts) {
      EXPECT_THAT(PlanOf(id), Contains(HasSubstr(part))) << StatementName(id);
    }
  }
}

TEST_F(SqliteStatementsTest, FilesOfAVersion_AreReadInTheirOrderWithoutSorting) {
  for (const StatementId id : {StatementId::kScanLiveFiles, StatementId::kScanLiveFilesWithoutStats,
                               StatementId::kListAddFiles, StatementId::kListRemoveFiles}) {
    EXPECT_THAT(PlanOf(id), Not(Contains(HasSubstr("TEMP B-TREE")))) << StatementName(id);
  }
}

}  // namespace
}  // namespace deltalakedb::store
