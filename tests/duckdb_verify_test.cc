// A DuckDB catalog has no keys: what they would have refused, `verify` finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "deltalakedb/catalog.h"
#include "deltalakedb/import.h"
#include "deltalakedb/table.h"
#include "tests/catalog_file.h"

namespace deltalakedb::testing {
namespace {

class DuckDbVerifyTest : public ::testing::Test {
 protected:
  DuckDbVerifyTest() : catalog_(folder_.path() / "meta.duckdb") {
    const auto log = folder_.path() / "table" / "_delta_log";
    std::filesystem::create_directories(log);
    std::ofstream(log / "00000000000000000000.json")
        << R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],)"
           R"("writerFeatures":["domainMetadata","changeDataFeed"]}})"
           "\n"
        << R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
           R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
           R"("configuration":{}}})"
           "\n"
        << R"({"txn":{"appId":"app","version":1}})"
           "\n"
        << R"({"domainMetadata":{"domain":"d","configuration":"","removed":false}})"
           "\n"
        << Add("a") << Add("b");
    std::ofstream(log / "00000000000000000001.json")
        << R"({"commitInfo":{"operation":"WRITE","txnId":"one"}})"
           "\n"
        << R"({"remove":{"path":"a","deletionTimestamp":1,"dataChange":true}})"
           "\n"
        << R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}})"
           "\n"
        << Add("c");
    const auto report = ImportTable((folder_.path() / "table").native(), catalog_.TableUri("t"));
    EXPECT_TRUE(report.has_value()) << report.error().message();
  }

  static std::string Add(const std::string& path) {
    return R"({"add":{"path":")" + path +
           R"(","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})" + "\n";
  }
  bool IsSound() const {
    const auto report = VerifyTable(catalog_.TableUri("t"));
    return report.has_value() && report->differences.empty();
  }

  TempFolder folder_;
  DuckDbCatalogFile catalog_;
};

TEST_F(DuckDbVerifyTest, RowsThatAreThereTwice_AreFound) {
  ASSERT_TRUE(IsSound());
  for (const char* const name :
       {"dl_add_files", "dl_remove_files", "dl_cdc_files", "dl_metadata_updates",
        "dl_protocol_updates", "dl_txn_actions", "dl_domain_metadata", "dl_table_versions"}) {
    const std::string table = name;
    std::string columns;
    for (const auto& column :
         catalog_.Query("SELECT column_name FROM duckdb_columns() WHERE table_name = '" + table +
                        "' AND column_name NOT IN ('operation_parameters', 'operation_metrics', "
                        "'committer', 'is_blind_append') ORDER BY column_index")) {
      columns += (columns.empty() ? "" : ", ") + column[0];
    }
    catalog_.Query("CREATE TABLE copy AS SELECT " + columns + " FROM " + table);
    catalog_.Query("INSERT INTO " + table + " (" + columns + ") SELECT * FROM copy LIMIT 1");
    EXPECT_FALSE(IsSound()) << table;
    catalog_.Query("DELETE FROM " + table);
    catalog_.Query("INSERT INTO " + table + " (" + columns + ") SELECT * FROM copy");
    catalog_.Query("DROP TABLE copy");
    EXPECT_TRUE(IsSound()) << table;
  }
}

TEST_F(DuckDbVerifyTest, TableThatIsThereTwice_IsCorrupt) {
  catalog_.Query("INSERT INTO dl_tables SELECT * FROM dl_tables");
  const auto opened = DeltaTable::Open(catalog_.TableUri("t"));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt) << opened.error().message();
  EXPECT_FALSE(IsSound());
}

TEST_F(DuckDbVerifyTest, FileWithAnotherEnd_IsFound) {
  catalog_.Query("UPDATE dl_add_files SET ended_version = NULL");
  EXPECT_FALSE(IsSound());
  ASSERT_TRUE(ReindexTable(catalog_.TableUri("t")).has_value());
  EXPECT_TRUE(IsSound());
}

}  // namespace
}  // namespace deltalakedb::testing
