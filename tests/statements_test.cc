// What sql/ promises of its statements: that they can be prepared, and by which index they work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/duckdb/duckdb_connection.h"
#include "store/migrations.h"
#include "store/sql_text.h"
#include "store/temp_catalog.h"
#include "store/unique_handle.h"
#include "tests/catalog_file.h"
#include "tests/test_database.h"

namespace deltalakedb::store {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
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
      {StatementId::kFindCommitHead,
       {"SEARCH t USING PRIMARY KEY (table_id=?)", by_version,
        "PRIMARY KEY (table_id=? AND app_id=?)", "(table_id=? AND commit_id=?)",
        "dl_add_files_key (table_id=? AND path_key=?)"}},
      {StatementId::kUpdateVersionIndex, {by_version}},
      {StatementId::kListBodyParts, {"(table_id=? AND version=? AND origin=?)"}},
      {StatementId::kEndFile,
       {"INDEX dl_add_files_key (table_id=? AND path_key=? AND dv_id=? AND version<?)"}},
      {StatementId::kFindLiveFile, {"INDEX dl_add_files_key (table_id=? AND path_key=?)"}},
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
    EXPECT_GT(MigrateUp(**connection).value_or(-1), 0);
  }
  base::TempFolder folder_;
  deltalakedb::testing::DuckDbCatalogFile catalog_;
};

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

// The tables of a mirror are no catalog's.
TEST(MirrorStatementsTest, EachStatement_CanBePreparedInAMirror) {
  auto connection = OpenDuckDb({.path = ":memory:", .dialect = Dialect::kMirror});
  ASSERT_TRUE(connection);
  for (const MigrationScript& script : MigrationScripts(Dialect::kMirror)) {
    ASSERT_TRUE((*connection)->RunScript(script.name, script.up));
  }
  const auto statements = AllStatements(Dialect::kMirror);
  EXPECT_FALSE(statements.empty());
  for (const StatementId id : statements) {
    const std::string text(StatementText(Dialect::kMirror, id));
    const auto prepared = (*connection)->RunScript("prepare", "PREPARE each AS " + text);
    EXPECT_TRUE(prepared) << StatementName(id) << ": " << prepared.error().message();
    ASSERT_TRUE((*connection)->RunScript("forget", "DEALLOCATE each"));
  }
  EXPECT_TRUE((*connection)->RunScript("down", MigrationScripts(Dialect::kMirror).back().down));
}

// ---- PostgreSQL ---------------------------------------------------------------------------------

// The plan that serves every value of the parameters alike.
std::vector<std::string> PlanIn(deltalakedb::testing::TestDatabase& catalog, StatementId id) {
  const std::string text(StatementText(Dialect::kPostgres, id));
  std::string nulls;
  for (int number = 1; text.find('$' + std::to_string(number)) != std::string::npos; ++number) {
    nulls += nulls.empty() ? "(NULL" : ", NULL";
  }
  if (!nulls.empty()) nulls += ')';
  return catalog.Column("SET plan_cache_mode = force_generic_plan; PREPARE each AS " + text +
                        "; EXPLAIN (COSTS OFF) EXECUTE each" + nulls);
}

class PostgresStatementsTest : public ::testing::Test {
 protected:
  // Enough tables, versions and files that reading all of them would cost more than an index.
  static void SetUpTestSuite() {
    catalog_ = deltalakedb::testing::TestDatabase::Make("postgres");
    catalog_->ConnectMigrated();
    catalog_->Sql(
        "INSERT INTO dl_tables SELECT md5(t::text)::uuid, 99, 0, NULL, 0, 0, 0, 0, 0, NULL,"
        " 'table ' || t, '/data/' || t, 'exclusive', '{}' FROM generate_series(1, 2000) t;"
        "INSERT INTO dl_table_versions SELECT md5(t::text)::uuid, v, v, v, v, 1, 0, 0, v, v, v, 0,"
        " 0, 10, 0, NULL, NULL, md5(v::text)::uuid, 'file', 'id ' || v, 'WRITE', NULL, NULL"
        " FROM generate_series(1, 50) t, generate_series(0, 999) v;"
        "INSERT INTO dl_body_parts SELECT md5(t::text)::uuid, v, 0, 1, 0, '\\x00'"
        " FROM generate_series(1, 50) t, generate_series(0, 999) v;"
        "INSERT INTO dl_add_files (file_id, table_id, path_key, version, size, modification_time,"
        " origin, data_change, dv_id, path, partition_values) SELECT f, md5(t::text)::uuid,"
        " md5(f::text)::uuid, f / 2, f, f, 0, true, '', 'part-' || f, json_build_object('d', f % "
        "500)"
        " FROM generate_series(1, 50) t, generate_series(0, 1999) f;"
        "INSERT INTO dl_remove_files (file_id, table_id, path_key, version, origin, data_change,"
        " dv_id, path) SELECT f, md5(t::text)::uuid, md5(f::text)::uuid, f, 0, true, '', 'part-' "
        "|| f"
        " FROM generate_series(1, 50) t, generate_series(0, 999) f;"
        "INSERT INTO dl_cdc_files SELECT f, md5(t::text)::uuid, md5(f::text)::uuid, f, 1, true, "
        "'c',"
        " NULL, NULL FROM generate_series(1, 50) t, generate_series(0, 999) f;"
        "INSERT INTO dl_metadata_updates SELECT md5(t::text)::uuid, v, 'key ' || k, '1'"
        " FROM generate_series(1, 50) t, generate_series(0, 99) v, generate_series(1, 8) k;"
        "INSERT INTO dl_protocol_updates SELECT md5(t::text)::uuid, v, 1, p, NULL, NULL"
        " FROM generate_series(1, 50) t, generate_series(0, 999) v, "
        "unnest('{reader,writer}'::text[]) p;"
        "INSERT INTO dl_txn_actions SELECT md5(t::text)::uuid, v, v, NULL, 'app ' || v % 50"
        " FROM generate_series(1, 50) t, generate_series(0, 999) v;"
        "INSERT INTO dl_domain_metadata SELECT md5(t::text)::uuid, v, false, 'domain ' || v % 50, "
        "''"
        " FROM generate_series(1, 50) t, generate_series(0, 999) v;"
        "INSERT INTO dl_commit_fences SELECT md5(t::text)::uuid, 0, 'id ' || v, NULL"
        " FROM generate_series(1, 50) t, generate_series(0, 99) v;"
        "ANALYZE");
  }

  static void TearDownTestSuite() { catalog_.reset(); }

  std::vector<std::string> PlanOf(StatementId id) const { return PlanIn(*catalog_, id); }

  static inline std::unique_ptr<deltalakedb::testing::TestDatabase> catalog_;
};

TEST_F(PostgresStatementsTest, NoStatement_ReadsAllOfWhatGrowsWithTheLog) {
  for (const StatementId id : AllStatements(Dialect::kPostgres)) {
    if (id == StatementId::kCreateMigrationsTable || id == StatementId::kMakeSchema) continue;
    for (const std::string& step : PlanOf(id)) {
      const std::size_t at = step.find("Seq Scan on ");
      if (at == std::string::npos) continue;
      const std::string relation = step.substr(at + std::string("Seq Scan on ").size());
      // Where all tables are listed, their newest versions are most of few, or found one by one.
      const bool is_small = id == StatementId::kListTables || relation.starts_with("dl_tables") ||
                            relation.starts_with("dl_schema_migrations") ||
                            relation.starts_with("dl_staged_") ||  // what is under way
                            relation.starts_with("dl_mirror_") ||  // a few for each table
                            relation.starts_with("pg_");
      EXPECT_TRUE(is_small) << StatementName(id) << ": " << step;
    }
  }
}

TEST_F(PostgresStatementsTest, HotStatements_WorkByTheirIndex) {
  const std::map<StatementId, std::string> expected = {
      {StatementId::kFindTableById, "Index Scan using dl_tables_pkey"},
      {StatementId::kFindTableByName, "Index Scan using dl_tables_name_key"},
      {StatementId::kFindCurrentVersion, "Index Scan using dl_tables_pkey"},
      {StatementId::kListTablesAt, "dl_tables_location"},
      {StatementId::kFindVersion, "Index Scan using dl_table_versions_pkey"},
      {StatementId::kFindBody, "Index Scan using dl_table_versions_pkey"},
      {StatementId::kFindCommitId, "dl_table_versions_table_id_commit_id_key"},
      {StatementId::kListBodyParts, "dl_body_parts_pkey"},
      {StatementId::kEndFile, "Index Scan using dl_add_files_pkey"},
      {StatementId::kFindLiveFile, "Index Scan using dl_add_files_pkey"},
      {StatementId::kScanLiveFiles, "dl_add_files_pkey"},
      {StatementId::kScanLiveFilesWithoutStats, "dl_add_files_pkey"},
      {StatementId::kLoadMetadata, "dl_metadata_updates_pkey"},
      {StatementId::kLoadProtocol, "dl_protocol_updates_pkey"},
      {StatementId::kLoadAppTransactions, "dl_txn_actions_pkey"},
      {StatementId::kLoadDomainMetadata, "dl_domain_metadata_pkey"},
      {StatementId::kAdvanceTable, "Index Scan using dl_tables_pkey"},
      {StatementId::kCommitAdvance, "Index Scan using dl_tables_pkey"},
      {StatementId::kCommitVersion, "Index Scan using dl_add_files_pkey"},
      {StatementId::kCommitAppendVersion, "dl_add_files_pkey"},
      {StatementId::kCommitAppends, "Index Scan using dl_add_files_pkey"},
      {StatementId::kUpdateVersionIndex, "Index Scan using dl_table_versions_pkey"},
  };
  for (const auto& [id, part] : expected) {
    EXPECT_THAT(PlanOf(id), Contains(HasSubstr(part))) << StatementName(id);
  }
}

// A plan may be made before anything is known of a catalog, and be kept while it grows.
TEST(PostgresStatementsOfNewCatalogTest, VersionsAreFoundByTheirWholeKey) {
  const auto catalog = deltalakedb::testing::TestDatabase::Make("postgres");
  catalog->ConnectMigrated();
  const std::set<StatementId> of_all_versions = {
      StatementId::kListVersions, StatementId::kListHistory, StatementId::kListTables,
      StatementId::kDeleteVersions};
  int found = 0;
  for (const StatementId id : AllStatements(Dialect::kPostgres)) {
    if (id == StatementId::kCreateMigrationsTable || id == StatementId::kMakeSchema) continue;
    if (of_all_versions.contains(id)) continue;
    const auto plan = PlanIn(*catalog, id);
    for (std::size_t at = 0; at < plan.size(); ++at) {
      if (!plan[at].contains("Index") || !plan[at].contains(" on dl_table_versions")) continue;
      ++found;
      ASSERT_LT(at + 1, plan.size()) << StatementName(id);
      EXPECT_THAT(plan[at + 1], AllOf(AnyOf(HasSubstr("Index Cond: ((table_id = $1) AND "),
                                            HasSubstr("Index Cond: ((table_id = s.table_id) AND ")),
                                      AnyOf(HasSubstr("(version >= "), HasSubstr("(commit_id = "))))
          << StatementName(id) << ": " << plan[at];
    }
  }
  EXPECT_GE(found, 15);
}

TEST_F(PostgresStatementsTest, PartitionValues_AreFoundByTheirIndex) {
  EXPECT_THAT(catalog_->Column("EXPLAIN (COSTS OFF) SELECT path FROM dl_partitioned_files "
                               "WHERE partition_values @> '{\"d\": 7}'"),
              Contains(HasSubstr("dl_add_files_partition_values")));
  EXPECT_EQ(catalog_->Column("SELECT count(*) FROM dl_partitioned_files "
                             "WHERE partition_values @> '{\"d\": 7}'"),
            std::vector<std::string>{"200"});
}

// ---- every database -----------------------------------------------------------------------------

class StatementsTest : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Databases, StatementsTest,
                         ::testing::ValuesIn(deltalakedb::testing::TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(StatementsTest, EveryStatement_CanBePrepared) {
  const auto catalog = deltalakedb::testing::TestDatabase::Make(GetParam());
  catalog->ConnectMigrated();
  const Dialect dialect = catalog->quirks().dialect;
  for (const StatementId id : AllStatements(dialect)) {
    if (id == StatementId::kCreateMigrationsTable) continue;  // it is there already
    EXPECT_EQ(catalog->WhyNotPrepared(std::string(StatementText(dialect, id))), "")
        << StatementName(id);
  }
  for (const StatementId id : AllStatements(Dialect::kSqlite)) {
    // Steps of commits, which PostgreSQL takes as units.
    const bool is_step = id == StatementId::kEndFilesById || id == StatementId::kListLiveByPath;
    if (id == StatementId::kFindCommitHead) continue;  // DuckDB asks for its parts
    if (dialect == Dialect::kPostgres && is_step) continue;
    EXPECT_FALSE(StatementText(dialect, id).empty()) << StatementName(id);
  }
}

}  // namespace
}  // namespace deltalakedb::store
