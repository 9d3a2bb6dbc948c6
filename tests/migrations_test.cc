// The steps by which a catalog comes to be, forward and back.
#include "store/migrations.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "store/duckdb/duckdb_connection.h"
#include "store/temp_catalog.h"
#include "tests/catalog_file.h"

namespace deltalakedb::store {
namespace {

using testing_store::MakeTableRow;

class MigrationsTest : public ::testing::Test {
 protected:
  // Statements of the test's own; answers the first column of all rows.
  std::vector<std::string> Sql(const std::string& sql) const {
    std::vector<std::string> found;
    for (const auto& row : testing::CatalogFile(catalog_.path()).Query(sql)) {
      found.push_back(row.empty() ? "" : row[0]);
    }
    return found;
  }
  std::vector<std::string> Schema() const {
    return Sql(
        "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema "
        "ORDER BY type, name");
  }

  testing_store::TempCatalog catalog_;
};

TEST_F(MigrationsTest, UpDownUp_GivesTheSameSchema) {
  const auto connection = catalog_.Connect();
  EXPECT_EQ(CheckSchema(*connection).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 1);
  EXPECT_TRUE(CheckSchema(*connection).has_value());
  const auto schema = Schema();
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 0);
  const auto down = MigrateDown(*connection, /*may_discard=*/false);
  ASSERT_TRUE(down.has_value());
  EXPECT_EQ(down->version, 1);
  EXPECT_EQ(Sql("SELECT name FROM sqlite_schema WHERE name LIKE 'dl\\_%' ESCAPE '\\' "
                "AND type = 'table'"),
            std::vector<std::string>{"dl_schema_migrations"});
  EXPECT_EQ(MigrateDown(*connection, false).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(CheckSchema(*connection).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 1);
  EXPECT_EQ(Schema(), schema);
}

TEST_F(MigrationsTest, Status_TellsWhatIsToBeAppliedAndWhen) {
  const auto connection = catalog_.Connect();
  auto migrations = LoadMigrations(*connection);
  ASSERT_TRUE(migrations.has_value());
  ASSERT_EQ(migrations->size(), 1U);
  EXPECT_EQ(migrations->front().name, "initial");
  EXPECT_FALSE(migrations->front().applied_at.has_value());
  ASSERT_TRUE(MigrateUp(*connection).has_value());
  migrations = LoadMigrations(*connection);
  EXPECT_GT(migrations->front().applied_at.value_or(0), 1'700'000'000'000'000);
}

TEST_F(MigrationsTest, NewerSchema_IsRefusedAndLeftAlone) {
  const auto connection = catalog_.ConnectMigrated();
  Sql("INSERT INTO dl_schema_migrations VALUES (2, 'from the future', x'00', 0)");
  const auto before = Schema();
  const auto checked = CheckSchema(*connection);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported);
  ASSERT_NE(checked.error().FindFact("schemaVersion"), nullptr);
  EXPECT_EQ(*checked.error().FindFact("schemaVersion"), Error::FactValue(std::int64_t{2}));
  EXPECT_EQ(MigrateUp(*connection).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(MigrateDown(*connection, true).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Schema(), before);
  EXPECT_EQ(LoadMigrations(*connection)->size(), 2U);
}

TEST_F(MigrationsTest, ChangedChecksum_IsCorrupt) {
  const auto connection = catalog_.ConnectMigrated();
  Sql("UPDATE dl_schema_migrations SET checksum = x'00112233445566778899AABBCCDDEEFF'");
  EXPECT_EQ(CheckSchema(*connection).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(MigrateUp(*connection).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(MigrateDown(*connection, true).error().code(), ErrorCode::kCorrupt);
}

TEST_F(MigrationsTest, Down_DropsTablesOnlyWhenThatIsMeant) {
  const auto connection = catalog_.ConnectMigrated();
  TableRow row = MakeTableRow("t");
  ASSERT_TRUE(MetadataStore(*connection).InsertTable(row).has_value());
  const auto refused = MigrateDown(*connection, /*may_discard=*/false);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(MetadataStore(*connection).ListTables()->size(), 1U);
  EXPECT_TRUE(MigrateDown(*connection, /*may_discard=*/true).has_value());
}

TEST_F(MigrationsTest, ManyAtOnce_DoItOnce) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 5; ++round) {
    const testing_store::TempCatalog catalog;
    std::latch start(kThreads);
    std::vector<Result<int>> steps(kThreads, Result<int>(0));
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          const auto connection = catalog.Connect();
          start.arrive_and_wait();
          steps[static_cast<std::size_t>(i)] = MigrateUp(*connection);
        });
      }
    }
    int applied = 0;
    for (const auto& each : steps) {
      ASSERT_TRUE(each.has_value()) << each.error().message();
      applied += *each;
    }
    EXPECT_EQ(applied, 1);
    EXPECT_EQ(LoadMigrations(*catalog.Connect())->size(), 1U);
  }
}

// ---- DuckDB -------------------------------------------------------------------------------------

class DuckDbMigrationsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> Connect() const {
    auto connection = OpenDuckDb({.path = catalog_.path().native(), .may_create = true});
    EXPECT_TRUE(connection.has_value()) << connection.error().message();
    return *std::move(connection);
  }
  std::vector<testing::DuckDbCatalogFile::Row> Schema() const {
    return catalog_.Query(
        "SELECT table_name, sql FROM duckdb_tables() UNION ALL SELECT index_name, sql FROM "
        "duckdb_indexes() ORDER BY ALL");
  }

  base::TempFolder folder_;
  testing::DuckDbCatalogFile catalog_{folder_.path() / "meta.duckdb"};
};

TEST_F(DuckDbMigrationsTest, UpDownUp_GivesTheSameSchema) {
  const auto connection = Connect();
  EXPECT_EQ(CheckSchema(*connection).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 1);
  EXPECT_TRUE(CheckSchema(*connection).has_value());
  const auto schema = Schema();
  EXPECT_EQ(schema.size(), 14U);
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 0);
  EXPECT_EQ(MigrateDown(*connection, /*may_discard=*/false)->version, 1);
  ASSERT_EQ(Schema().size(), 1U);
  EXPECT_EQ(Schema()[0][0], "dl_schema_migrations");
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 1);
  EXPECT_EQ(Schema(), schema);
}

TEST_F(DuckDbMigrationsTest, TablesThatHoldSomething_AreDroppedOnlyWhenThatIsMeant) {
  const auto connection = Connect();
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 1);
  TableRow row = MakeTableRow("t");
  ASSERT_TRUE(MetadataStore(*connection).InsertTable(row).has_value());
  EXPECT_EQ(MigrateDown(*connection, false).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(MetadataStore(*connection).ListTables()->size(), 1U);
  EXPECT_TRUE(MigrateDown(*connection, /*may_discard=*/true).has_value());
}

TEST_F(DuckDbMigrationsTest, ManyAtOnce_DoItOnce) {
  constexpr int kThreads = 4;
  std::latch start(kThreads);
  std::atomic<int> applied = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        const auto steps = MigrateUp(*Connect());
        EXPECT_TRUE(steps.has_value()) << steps.error().message();
        applied += steps.value_or(0);
      });
    }
  }
  EXPECT_EQ(applied, 1);
}

}  // namespace
}  // namespace deltalakedb::store
