#include "store/database.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

#include "store/catalog_file.h"
#include "store/temp_catalog.h"

namespace deltalakedb::store {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  testing_store::TempCatalog catalog_;
};

TEST_F(DatabaseTest, MissingDatabase_IsNotFoundUnlessItMayBeMade) {
  for (const DatabaseMode mode : {DatabaseMode::kRead, DatabaseMode::kWrite}) {
    const auto database = Database::Open(catalog_.uri(), mode);
    ASSERT_FALSE(database.has_value());
    EXPECT_EQ(database.error().code(), ErrorCode::kNotFound);
  }
  EXPECT_TRUE(Database::Open(catalog_.uri(), DatabaseMode::kCreate).has_value());
}

TEST_F(DatabaseTest, LastConnectionInUse_IsWaitedFor) {
  const auto database = *Database::Open(catalog_.uri("?pool_size=1"), DatabaseMode::kCreate);
  auto first = std::optional(*database->Acquire());
  std::latch waits(1);
  std::jthread other([&] {
    waits.count_down();
    EXPECT_TRUE(database->Acquire().has_value());
  });
  waits.wait();
  first.reset();
}

TEST_F(DatabaseTest, NoConnectionInTime_IsBusy) {
  const auto database = *Database::Open(catalog_.uri("?pool_size=2"), DatabaseMode::kCreate);
  const auto first = database->Acquire();
  const auto second = database->Acquire();
  ASSERT_TRUE(first.has_value() && second.has_value());
  const auto third = database->Acquire();
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().code(), ErrorCode::kBusy);
}

TEST_F(DatabaseTest, WhatACallerCannotDoWithout_IsThereWhateverThePoolSize) {
  const auto database = *Database::Open(catalog_.uri("?pool_size=1"), DatabaseMode::kCreate, 3);
  std::vector<ConnectionLease> leases;
  for (int i = 0; i < 3; ++i) leases.push_back(*database->Acquire());
}

TEST_F(DatabaseTest, TransactionLeftOpen_GoesWithItsLease) {
  const auto database = *Database::Open(catalog_.uri(), DatabaseMode::kCreate);
  {
    const auto lease = *database->Acquire();
    ASSERT_TRUE(lease->Begin(TransactionMode::kWrite).has_value());
    ASSERT_TRUE(ApplyMigrations(*lease).has_value());
  }
  const auto lease = *database->Acquire();
  EXPECT_EQ(CheckSchema(*lease).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(lease->Begin(TransactionMode::kWrite).has_value());
}

TEST_F(DatabaseTest, CreatedDatabaseThatIsNotKept_LeavesNoFile) {
  {
    const auto created = CreatedDatabase::Open(catalog_.uri());
    ASSERT_TRUE(created.has_value());
    const auto lease = *created->database()->Acquire();
    ASSERT_TRUE(lease->Begin(TransactionMode::kWrite).has_value());
    ASSERT_TRUE(ApplyMigrations(*lease).has_value());
  }
  EXPECT_TRUE(std::filesystem::is_empty(catalog_.folder()));
}

TEST_F(DatabaseTest, CreatedDatabaseThatWasThereBefore_Stays) {
  catalog_.ConnectMigrated();
  {
    ASSERT_TRUE(CreatedDatabase::Open(catalog_.uri()).has_value());
  }
  EXPECT_TRUE(CheckSchema(*catalog_.Connect()).has_value());
}

TEST_F(DatabaseTest, FileReplacedWhileItIsMade_IsBusy) {
  auto created = CreatedDatabase::Open(catalog_.uri());
  ASSERT_TRUE(created.has_value());
  EXPECT_TRUE(created->CheckStillThere().has_value());
  std::filesystem::rename(catalog_.path(), catalog_.path() + ".moved");
  const auto still = created->CheckStillThere();
  ASSERT_FALSE(still.has_value());
  EXPECT_EQ(still.error().code(), ErrorCode::kBusy);
}

}  // namespace
}  // namespace deltalakedb::store
