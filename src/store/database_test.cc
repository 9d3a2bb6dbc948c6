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
  const auto database = *Database::Open(catalog_.uri("?pool_size=2"), DatabaseMode::kCreate, 1,
                                        {.wait_max = std::chrono::milliseconds(50)});
  const auto first = database->Acquire();
  const auto second = database->Acquire();
  ASSERT_TRUE(first.has_value() && second.has_value());
  const auto third = database->Acquire();
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(database->counters().waited, 1);
  EXPECT_EQ(database->counters().timed_out, 1);
}

TEST_F(DatabaseTest, Connections_AreUsedAgainUpToTheirLimits) {
  const auto database = *Database::Open(catalog_.uri(), DatabaseMode::kCreate, 1,
                                        {.idle_max = std::chrono::milliseconds(100)});
  {
    const auto again = *database->Acquire();
  }
  EXPECT_EQ(database->counters().opened, 1);
  EXPECT_EQ(database->counters().reused, 1);
  {
    const auto first = *database->Acquire();
    const auto second = *database->Acquire();
    EXPECT_EQ(database->counters().in_use, 2);
  }
  EXPECT_EQ(database->counters().idle, 2);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  const auto lease = *database->Acquire();
  const PoolCounters counters = database->counters();
  EXPECT_EQ(counters.closed_idle, 2);
  EXPECT_EQ(counters.opened, 3);
  EXPECT_EQ(counters.in_use, 1);
  EXPECT_EQ(counters.idle, 0);
}

TEST_F(DatabaseTest, OldConnections_AreReplaced) {
  const auto database = *Database::Open(catalog_.uri(), DatabaseMode::kCreate, 1,
                                        {.lifetime_max = std::chrono::milliseconds(0)});
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  {
    const auto lease = *database->Acquire();
  }
  EXPECT_GE(database->counters().closed_old, 1);
}

TEST_F(DatabaseTest, DatabaseInMemory_OutlivesItsConnectionsLimits) {
  const auto database = *Database::Open(
      *Uri::Parse("deltasql://sqlite/:memory:"), DatabaseMode::kCreate, 1,
      {.idle_max = std::chrono::milliseconds(0), .lifetime_max = std::chrono::milliseconds(0)});
  ASSERT_TRUE(MigrateUp(**database->Acquire()).has_value());
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(CheckSchema(**database->Acquire()).has_value());
}

TEST_F(DatabaseTest, Reads_AreMadeAgainForWhatPassesOnly) {
  const auto database = *Database::Open(catalog_.uri("?retries=2"), DatabaseMode::kCreate);
  int calls = 0;
  const auto read = [&](const Error& error) {
    calls = 0;
    return database->Read([&](Connection&) -> Result<int> {
      if (++calls < 3) return Fail(error);
      return calls;
    });
  };
  const Error lost = Error(ErrorCode::kUnavailable, "gone").With("sqlState", std::string("57P01"));
  EXPECT_EQ(read(lost).value_or(0), 3);
  EXPECT_EQ(database->counters().retried, 2);
  const Error denied = Error(ErrorCode::kPermission, "no").With("sqlState", std::string("42501"));
  EXPECT_EQ(read(denied).error().code(), ErrorCode::kPermission);
  EXPECT_EQ(calls, 1);
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
