// What sql/ promises of its statements: that they can be prepared, and by which index they work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/duckdb/duckdb_connection.h"
#include "store/migrations.h"
#include "store/sql_text.h"
#include "store/temp_catalog.h"
#include "store/unique_handle.h"
#include "tests/catalog_file.h"

namespace deltalakedb::store {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class SqliteStatementsTest : public ::testing::Test {
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

// Those of a dialect: some databases need statements that others do not.
std::vector<StatementId> AllStatements(Dialect dialect) {
  std::vector<StatementId> ids;
  for (std::size_t i = 0; i < kStatementCount; ++i) {
    const auto id = static_cast<StatementId>(i);
    if (!StatementText(dialect, id).empty()) ids.push_back(id);
  }
  return ids;
}

TEST_F(SqliteStatementsTest, EveryStatement_CanBePrepared) {
  for (const StatementId id : AllStatements(Dialect::kSqlite)) {
    SCOPED_TRACE(StatementName(id));
    const std::string_view text = StatementText(Dialect::kSqlite, id);
    if (id == StatementId::kCreateMigrationsTable) continue;  // it is there already
    EXPECT_NE(Prepare(std::string(text)), nullptr);
  }
}

TEST_F(SqliteStatementsTest, NoStatement_ScansWhatGrowsWithTheLog) {
  for (const StatementId id : AllStatements(Dialect::kSqlite)) {
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

// ---- DuckDB -------------------------------------------------------------------------------------

class DuckDbStatementsTest : public ::testing::Test {
 protected:
  DuckDbStatementsTest() : catalog_(folder_.path() / "meta.duckdb") {
    const auto connection = OpenDuckDb({.path = catalog_.path().native(), .may_create = true});
    EXPECT_EQ(MigrateUp(**connection).value_or(-1), 1);
  }
  base::TempFolder folder_;
  deltalakedb::testing::DuckDbCatalogFile catalog_;
};

TEST_F(DuckDbStatementsTest, EveryStatement_CanBePrepared) {
  const auto statements = AllStatements(Dialect::kDuckdb);
  EXPECT_GE(statements.size(), AllStatements(Dialect::kSqlite).size());
  for (const StatementId id : statements) {
    if (id == StatementId::kCreateMigrationsTable) continue;  // it is there already
    catalog_.Query("PREPARE each AS " + std::string(StatementText(Dialect::kDuckdb, id)));
  }
}

TEST_F(DuckDbStatementsTest, EverythingThatSqliteRuns_DuckDbRunsToo) {
  for (const StatementId id : AllStatements(Dialect::kSqlite)) {
    EXPECT_FALSE(StatementText(Dialect::kDuckdb, id).empty()) << StatementName(id);
  }
}

// Blocks of rows of other tables are left out by their smallest and largest table_id, which takes a
// filter in the scan itself.
TEST_F(DuckDbStatementsTest, ScansOfATablesFiles_LeaveOutThoseOfOthers) {
  for (const std::string& table : {std::string("1"), std::string("2")}) {
    const std::string id = "'00000000-0000-0000-0000-00000000000" + table + "'";
    catalog_.Query(
        "INSERT INTO dl_add_files (file_id, table_id, version, origin, path_key, dv_id, "
        "path, size, modification_time, data_change) VALUES (1, " +
        id + ", 0, 0, '', '', '', 0, 0, true)");
    catalog_.Query(
        "INSERT INTO dl_table_versions (table_id, version, timestamp, raw_timestamp, "
        "timestamp_source, ratified_at, commit_id, num_added, num_removed, num_cdc, "
        "num_files, size_in_bytes, last_add_id, last_remove_id, last_cdc_id, body_parts, "
        "row_hash) VALUES (" +
        id + ", 7, 0, 0, 'file', 0, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, '')");
  }
  for (const StatementId id : {StatementId::kScanLiveFiles, StatementId::kScanLiveFilesWithoutStats,
                               StatementId::kListLiveFiles}) {
    std::string sql(StatementText(Dialect::kDuckdb, id));
    for (std::size_t at = 0; (at = sql.find("$1", at)) != std::string::npos;) {
      sql.replace(at, 2, "'00000000-0000-0000-0000-000000000001'::UUID");
    }
    while (sql.contains("$2")) sql.replace(sql.find("$2"), 2, "7");
    const auto plan = catalog_.Query("EXPLAIN " + sql);
    ASSERT_FALSE(plan.empty());
    EXPECT_THAT(plan[0].back(), HasSubstr("Filters")) << StatementName(id);
    EXPECT_THAT(plan[0].back(), HasSubstr("table_id=")) << StatementName(id);
    EXPECT_THAT(plan[0].back(), Not(HasSubstr("ORDER_BY"))) << StatementName(id);
  }
}

}  // namespace
}  // namespace deltalakedb::store
