// The steps by which a catalog comes to be, forward and back.
#include "store/migrations.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/metadata_store.h"
#include "store/table_row_for_tests.h"
#include "tests/test_database.h"

namespace deltalakedb::store {
namespace {

class MigrationsTest : public ::testing::TestWithParam<std::string> {
 protected:
  // All that this program knows of.
  int Steps() const {
    return static_cast<int>(MigrationScripts(catalog_->quirks().dialect).size());
  }

  std::unique_ptr<testing::TestDatabase> catalog_ = testing::TestDatabase::Make(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Databases, MigrationsTest,
                         ::testing::ValuesIn(testing::TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(MigrationsTest, UpDownUp_GivesTheSameSchema) {
  const auto connection = catalog_->Connect();
  EXPECT_EQ(CheckSchema(*connection).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), Steps());
  EXPECT_TRUE(CheckSchema(*connection).has_value());
  const auto schema = catalog_->Schema();
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), 0);
  for (int step = Steps(); step > 0; --step) {
    const auto down = MigrateDown(*connection, /*may_discard=*/false);
    ASSERT_TRUE(down.has_value());
    EXPECT_EQ(down->version, step);
  }
  for (const std::string& object : catalog_->Schema()) {
    EXPECT_THAT(object, ::testing::HasSubstr("dl_schema_migrations"));
  }
  EXPECT_EQ(MigrateDown(*connection, false).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(CheckSchema(*connection).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(MigrateUp(*connection).value_or(-1), Steps());
  EXPECT_EQ(catalog_->Schema(), schema);
}

TEST_P(MigrationsTest, Status_TellsWhatIsToBeAppliedAndWhen) {
  const auto connection = catalog_->Connect();
  auto migrations = LoadMigrations(*connection);
  ASSERT_TRUE(migrations.has_value());
  ASSERT_EQ(migrations->size(), static_cast<std::size_t>(Steps()));
  EXPECT_EQ(migrations->front().name, "initial");
  EXPECT_FALSE(migrations->front().applied_at.has_value());
  ASSERT_TRUE(MigrateUp(*connection).has_value());
  migrations = LoadMigrations(*connection);
  EXPECT_GT(migrations->front().applied_at.value_or(0), 1'700'000'000'000'000);
}

TEST_P(MigrationsTest, NewerSchema_IsRefusedAndLeftAlone) {
  const auto connection = catalog_->ConnectMigrated();
  const std::int64_t next = Steps() + 1;
  catalog_->Sql(
      fmt::format("INSERT INTO dl_schema_migrations (version, name, checksum, applied_at) "
                  "SELECT {}, 'from the future', checksum, 0 FROM dl_schema_migrations "
                  "WHERE version = 1",
                  next));
  const auto before = catalog_->Schema();
  const auto checked = CheckSchema(*connection);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported);
  ASSERT_NE(checked.error().FindFact("schemaVersion"), nullptr);
  EXPECT_EQ(*checked.error().FindFact("schemaVersion"), Error::FactValue(next));
  EXPECT_EQ(MigrateUp(*connection).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(MigrateDown(*connection, true).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(catalog_->Schema(), before);
  EXPECT_EQ(LoadMigrations(*connection)->size(), static_cast<std::size_t>(next));
}

TEST_P(MigrationsTest, ChangedChecksum_IsCorrupt) {
  const auto connection = catalog_->ConnectMigrated();
  catalog_->Sql("UPDATE dl_schema_migrations SET checksum = " +
                catalog_->HashLiteral("00112233445566778899AABBCCDDEEFF"));
  EXPECT_EQ(CheckSchema(*connection).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(MigrateUp(*connection).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(MigrateDown(*connection, true).error().code(), ErrorCode::kCorrupt);
}

TEST_P(MigrationsTest, Down_DropsTablesOnlyWhenThatIsMeant) {
  const auto connection = catalog_->ConnectMigrated();
  TableRow row = testing_store::MakeTableRow("t");
  ASSERT_TRUE(MetadataStore(*connection).InsertTable(row).has_value());
  const auto refused = MigrateDown(*connection, /*may_discard=*/false);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(MetadataStore(*connection).ListTables()->size(), 1U);
  EXPECT_TRUE(MigrateDown(*connection, /*may_discard=*/true).has_value());
}

TEST_P(MigrationsTest, ManyAtOnce_DoItOnce) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 5; ++round) {
    const auto catalog = testing::TestDatabase::Make(GetParam());
    std::latch start(kThreads);
    std::vector<Result<int>> steps(kThreads, Result<int>(0));
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          const auto connection = catalog->Connect();
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
    EXPECT_EQ(applied, Steps());
    EXPECT_EQ(LoadMigrations(*catalog->Connect())->size(), static_cast<std::size_t>(Steps()));
  }
}

}  // namespace
}  // namespace deltalakedb::store
