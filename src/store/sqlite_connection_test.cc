// The SQLite driver.
#include "store/sqlite/sqlite_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/temp_catalog.h"

namespace deltalakedb::store {
namespace {

using testing_store::MakeTableRow;
using testing_store::TempCatalog;

class SqliteConnectionTest : public testing::Test {
 protected:
  static ErrorCode CodeOf(const SqliteOptions& options) {
    const auto connection = OpenSqlite(options);
    if (connection) return ErrorCode::kInternal;
    EXPECT_NE(connection.error().message(), "");
    EXPECT_NE(connection.error().FindFact("database"), nullptr);
    return connection.error().code();
  }

  TempCatalog catalog_;
};

TEST_F(SqliteConnectionTest, MissingFile_IsNotFoundAndNotMade) {
  EXPECT_EQ(CodeOf({.path = catalog_.path()}), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf({.path = catalog_.path(), .may_write = false}), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(catalog_.path()));
}

TEST_F(SqliteConnectionTest, MissingFolder_IsNotFoundEvenWhereAFileMayBeMade) {
  const std::string path = catalog_.folder() + "/none/meta.db";
  EXPECT_EQ(CodeOf({.path = path}), ErrorCode::kNotFound);
  EXPECT_THAT(CodeOf({.path = path, .may_create = true}),
              testing::AnyOf(ErrorCode::kNotFound, ErrorCode::kIo));
}

TEST_F(SqliteConnectionTest, FileOfSomethingElse_IsCorrupt) {
  std::ofstream(catalog_.path()) << std::string(4096, 'x');
  EXPECT_EQ(CodeOf({.path = catalog_.path()}), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf({.path = catalog_.path(), .may_write = false}), ErrorCode::kCorrupt);
}

TEST_F(SqliteConnectionTest, Folder_IsCorrupt) {
  EXPECT_EQ(CodeOf({.path = catalog_.folder()}), ErrorCode::kCorrupt);
}

TEST_F(SqliteConnectionTest, MemoryDatabase_IsThereUntilItIsClosed) {
  for (int i = 0; i < 2; ++i) {
    const auto connection = OpenSqlite({.path = ":memory:"});
    ASSERT_TRUE(connection.has_value());
    EXPECT_GT(MigrateUp(**connection).value_or(-1), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(":memory:"));
}

TEST_F(SqliteConnectionTest, NameThatLooksLikeAUri_IsAFile) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(catalog_.folder());
  for (const std::string name : {"file:x", "a?mode=memory", "b#c", "100%41"}) {
    const auto connection = OpenSqlite({.path = name, .may_create = true});
    EXPECT_TRUE(connection.has_value());
    EXPECT_GT(MigrateUp(**connection).value_or(-1), 0);
    EXPECT_TRUE(std::filesystem::exists(name)) << name;
  }
  std::filesystem::current_path(before);
}

TEST_F(SqliteConnectionTest, WriteWhileAnotherWrites_IsBusyAfterItsLimit) {
  const auto first = catalog_.ConnectMigrated();
  const auto second =
      OpenSqlite({.path = catalog_.path(), .busy_wait_max = std::chrono::milliseconds(50)});
  ASSERT_TRUE(second.has_value());
  ASSERT_TRUE(first->Begin(TransactionMode::kWrite).has_value());
  const auto begun = (*second)->Begin(TransactionMode::kWrite);
  ASSERT_FALSE(begun.has_value());
  EXPECT_EQ(begun.error().code(), ErrorCode::kBusy);
  EXPECT_THAT(begun.error().message(), testing::HasSubstr("try again"));
  first->Rollback();
  EXPECT_TRUE((*second)->Begin(TransactionMode::kWrite).has_value());
}

TEST_F(SqliteConnectionTest, TwoCursorsOfOneStatement_StepOnTheirOwn) {
  const auto connection = catalog_.ConnectMigrated();
  MetadataStore store(*connection);
  for (const std::string name : {"a", "b", "c"}) {
    TableRow row = MakeTableRow(name);
    ASSERT_TRUE(store.InsertTable(row).has_value());
  }
  const auto names = [](Cursor& cursor, int count) {
    std::string found;
    while (count-- > 0 && *cursor.Next()) found += cursor.Text(1);
    return found;
  };
  for (int round = 0; round < 2; ++round) {  // the first one's statement is used again
    const auto outer = connection->Query(StatementId::kListTables, {});
    EXPECT_EQ(names(**outer, 1), "a");
    {
      const auto inner = connection->Query(StatementId::kListTables, {});
      EXPECT_EQ(names(**inner, 2), "ab");
      EXPECT_EQ(names(**outer, 1), "b");
      EXPECT_EQ(names(**inner, 9), "c");
    }
    EXPECT_EQ(names(**outer, 9), "c");
  }
}

TEST_F(SqliteConnectionTest, StatementThatFails_NamesItselfAndTheTransactionCanGoBack) {
  const auto connection = catalog_.ConnectMigrated();
  MetadataStore store(*connection);
  TableRow row = MakeTableRow("t");
  ASSERT_TRUE(connection->Begin(TransactionMode::kWrite).has_value());
  ASSERT_TRUE(store.InsertTable(row).has_value());
  const auto again = store.InsertTable(row);
  ASSERT_FALSE(again.has_value());
  ASSERT_NE(again.error().FindFact("statement"), nullptr);
  EXPECT_EQ(*again.error().FindFact("statement"), Error::FactValue(std::string("insert_table")));
  EXPECT_NE(again.error().FindFact("sqliteCode"), nullptr);
  connection->Rollback();
  connection->Rollback();  // without a transaction nothing happens
  EXPECT_TRUE(store.ListTables()->empty());
}

TEST_F(SqliteConnectionTest, WrongNumberOfParameters_IsOurMistake) {
  const auto connection = catalog_.ConnectMigrated();
  const auto rows = connection->Query(StatementId::kFindTableByName, {});
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code(), ErrorCode::kInternal);
  // The statement is not taken for one in use.
  EXPECT_TRUE(
      connection->Query(StatementId::kFindTableByName, {std::string_view("t")}).has_value());
}

TEST_F(SqliteConnectionTest, DamagedPages_AreCorrupt) {
  {
    const auto connection = catalog_.ConnectMigrated();
    MetadataStore store(*connection);
    TableRow row = MakeTableRow("t");
    ASSERT_TRUE(store.InsertTable(row).has_value());
  }
  const auto size = std::filesystem::file_size(catalog_.path());
  {
    std::fstream file(catalog_.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(size - 4096, '\xAB');
  }
  const auto connection = OpenSqlite({.path = catalog_.path()});
  if (!connection) {
    EXPECT_EQ(connection.error().code(), ErrorCode::kCorrupt);
    return;
  }
  const auto tables = MetadataStore(**connection).ListTables();
  ASSERT_FALSE(tables.has_value());
  EXPECT_EQ(tables.error().code(), ErrorCode::kCorrupt) << tables.error().message();
}

}  // namespace
}  // namespace deltalakedb::store
