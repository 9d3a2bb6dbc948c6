// What every driver promises (store/connection.h), on every database.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/connection.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "store/migrations.h"
#include "store/table_row_for_tests.h"
#include "tests/test_database.h"

namespace deltalakedb::store {
namespace {

using testing::TestDatabase;
using testing_store::MakeTableRow;
using namespace std::string_view_literals;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

class ConnectionContractTest : public ::testing::TestWithParam<std::string> {
 protected:
  ConnectionContractTest() {
    connection_ = database_->ConnectMigrated();
    EXPECT_TRUE(connection_->PrepareForSharing().has_value());
  }

  // A table that is committed.
  TableRow AddTable(const std::string& name) {
    TableRow row = MakeTableRow(name);
    EXPECT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
    EXPECT_TRUE(MetadataStore(*connection_).InsertTable(row).has_value());
    EXPECT_TRUE(connection_->Commit().has_value());
    return row;
  }

  // The columns of insert_txn_action; app_id in order.
  static std::vector<Value> TxnRows(const TableRow& table, const std::vector<std::string>& ids) {
    std::vector<Value> rows;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto number = static_cast<std::int64_t>(i);
      rows.insert(rows.end(), {ToValue(table.table_id), number, ids[i], number * 7,
                               i % 2 == 0 ? Value(number) : Value()});
    }
    return rows;
  }

  static std::vector<std::string> Names(std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("app {:06}", i));
    return names;
  }

  // Columns of list_txn_actions as text, in the given way of reading.
  static std::vector<std::string> ReadAll(Cursor& rows) {
    std::vector<std::string> lines;
    for (;;) {
      const auto has_row = rows.Next();
      EXPECT_TRUE(has_row.has_value()) << has_row.error().message();
      if (!has_row || !*has_row) return lines;
      lines.push_back(fmt::format("{}|{}|{}|{}", rows.Int(1), rows.Text(2), rows.Int(3),
                                  rows.IsNull(4) ? "null" : std::to_string(rows.Int(4))));
    }
  }

  std::unique_ptr<TestDatabase> database_ = TestDatabase::Make(GetParam());
  std::unique_ptr<Connection> connection_;
};

INSTANTIATE_TEST_SUITE_P(Databases, ConnectionContractTest,
                         ::testing::ValuesIn(TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(ConnectionContractTest, Values_ComeBackAsTheyWereByEveryWay) {
  const TableRow table = AddTable("t");
  const Value id = ToValue(table.table_id);
  const std::string long_text(2'000, 'x');  // what a key takes everywhere
  const std::vector<Value> one_by_one = {id, std::int64_t{0}, ""sv, kMin, Value()};
  std::vector<Value> few = {id,
                            std::int64_t{1},
                            "Füße \U0001F600"sv,
                            kMax,
                            kMin,
                            id,
                            std::int64_t{2},
                            "a\"'\\$1\t\n"sv,
                            std::int64_t{0},
                            kMax};
  std::vector<Value> many;
  for (std::int64_t i = 3; i < 40; ++i) {
    many.insert(many.end(), {id, i, i == 5 ? std::string_view(long_text) : "many"sv, -i, Value()});
  }
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  ASSERT_EQ(connection_->Execute(StatementId::kInsertTxnAction, one_by_one).value_or(0), 1);
  for (const auto* rows : {&few, &many}) {
    const auto done = connection_->ExecuteMany(StatementId::kInsertTxnAction, 5, *rows);
    ASSERT_TRUE(done.has_value()) << done.error().message();
  }
  const auto check = [&](Cursor& rows) {
    std::vector<Value> wanted = one_by_one;
    wanted.insert(wanted.end(), few.begin(), few.end());
    wanted.insert(wanted.end(), many.begin(), many.end());
    EXPECT_EQ(rows.column_count(), 5);
    EXPECT_EQ(rows.column_name(2), "app_id");
    for (std::size_t i = 0; i < wanted.size(); i += 5) {
      ASSERT_TRUE(rows.Next().value_or(false));
      for (int column = 0; column < 5; ++column) {
        ASSERT_EQ(rows.Get(column), wanted[i + static_cast<std::size_t>(column)])
            << "row " << i / 5 << " column " << column;
        EXPECT_EQ(rows.IsNull(column), std::holds_alternative<std::monostate>(rows.Get(column)));
      }
      EXPECT_EQ(rows.Bytes(0), table.table_id.bytes());
    }
    EXPECT_FALSE(rows.Next().value_or(true));
    EXPECT_FALSE(rows.Next().value_or(true)) << "a cursor at its end stays there";
  };
  check(**connection_->Query(StatementId::kListTxnActions, {id}));
  check(**connection_->Stream(StatementId::kListTxnActions, {id}));
  check(**connection_->StreamAlone(StatementId::kListTxnActions, {id}));
  ASSERT_TRUE(connection_->Commit().has_value());
}

TEST_P(ConnectionContractTest, Bytes_ComeBackAsTheyWere) {
  const TableRow table = AddTable("t");
  MetadataStore store(*connection_);
  std::string bytes("\0\xFF\x80 bytes\0", 10);
  for (int i = 0; i < 20; ++i) bytes += bytes.substr(0, 100'000);
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  for (const std::string_view body : {std::string_view(bytes), ""sv}) {
    const BodyPart part{body.empty() ? 1 : 0, 7, body};
    ASSERT_TRUE(store.InsertBodyPart(table.table_id, Version(0), Origin::kBase, part).has_value());
  }
  const auto parts = store.ListBodyParts(table.table_id, Version(0), Origin::kBase);
  ASSERT_TRUE(*(*parts)->Next());
  EXPECT_EQ((*parts)->Get(2), Value(Blob{bytes}));
  ASSERT_TRUE(*(*parts)->Next());
  EXPECT_EQ((*parts)->Get(2), Value(Blob{""}));
  EXPECT_FALSE((*parts)->IsNull(2));
}

TEST_P(ConnectionContractTest, NulCharacter_IsKeptOrRefusedByName) {
  const TableRow table = AddTable("t");
  const auto done = connection_->Execute(
      StatementId::kInsertTxnAction,
      {ToValue(table.table_id), std::int64_t{0}, "a\0b"sv, std::int64_t{0}, Value()});
  if (!database_->quirks().takes_nul) {
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(done.error().message(), ::testing::HasSubstr("U+0000"));
    return;
  }
  ASSERT_TRUE(done.has_value()) << done.error().message();
  const auto rows = connection_->Query(StatementId::kListTxnActions, {ToValue(table.table_id)});
  ASSERT_TRUE(*(*rows)->Next());
  EXPECT_EQ((*rows)->Text(2), "a\0b"sv);
}

TEST_P(ConnectionContractTest, ManyRows_AreTheSameByEveryWayOfReading) {
  const TableRow table = AddTable("t");
  // Past every batch of the drivers.
  const auto names = Names(40'000);
  const auto rows = TxnRows(table, names);
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  ASSERT_TRUE(connection_->ExecuteMany(StatementId::kInsertTxnAction, 5, rows).has_value());
  ASSERT_TRUE(connection_->Commit().has_value());
  const Value id = ToValue(table.table_id);
  ASSERT_TRUE(connection_->Begin(TransactionMode::kRead).has_value());
  const auto queried = ReadAll(**connection_->Query(StatementId::kListTxnActions, {id}));
  ASSERT_EQ(queried.size(), names.size());
  EXPECT_EQ(queried.front(), "0|app 000000|0|0");
  EXPECT_EQ(queried.back(), "39999|app 039999|279993|null");
  EXPECT_EQ(ReadAll(**connection_->Stream(StatementId::kListTxnActions, {id})), queried);
  EXPECT_EQ(ReadAll(**connection_->StreamAlone(StatementId::kListTxnActions, {id})), queried);
  EXPECT_TRUE(ReadAll(**connection_->StreamAlone(StatementId::kListTxnActions,
                                                 {ToValue(TableId::MakeRandom())}))
                  .empty());
}

TEST_P(ConnectionContractTest, Streams_RunSideBySideAndBesideQueries) {
  const TableRow table = AddTable("t");
  const auto names = Names(30'000);
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  ASSERT_TRUE(connection_->ExecuteMany(StatementId::kInsertTxnAction, 5, TxnRows(table, names))
                  .has_value());
  const Value id = ToValue(table.table_id);
  const auto first = *connection_->Stream(StatementId::kListTxnActions, {id});
  auto second = *connection_->Stream(StatementId::kListTxnActions, {id});
  for (std::size_t i = 0; i < names.size(); ++i) {
    ASSERT_TRUE(*first->Next());
    ASSERT_EQ(first->Text(2), names[i]);
    if (i == 20'000) second.reset();  // before its end
    if (second != nullptr) {
      ASSERT_TRUE(*second->Next());
      ASSERT_EQ(second->Text(2), names[i]);
    }
    if (i % 9'999 == 0) {
      EXPECT_EQ(MetadataStore(*connection_).ListTables()->size(), 1U);
    }
  }
  EXPECT_FALSE(*first->Next());
  ASSERT_TRUE(connection_->Commit().has_value());
}

TEST_P(ConnectionContractTest, StreamAlone_MayBeGivenUp) {
  const TableRow table = AddTable("t");
  const auto database = *Database::Open(database_->uri("pool_size=1"), DatabaseMode::kWrite);
  {
    const auto lease = *database->Acquire();
    ASSERT_TRUE(lease->Begin(TransactionMode::kWrite).has_value());
    ASSERT_TRUE(lease->ExecuteMany(StatementId::kInsertTxnAction, 5, TxnRows(table, Names(50'000)))
                    .has_value());
    ASSERT_TRUE(lease->Commit().has_value());
  }
  for (int i = 0; i < 3; ++i) {
    const auto lease = *database->Acquire();
    ASSERT_TRUE(lease->Begin(TransactionMode::kRead).has_value());
    const auto rows = *lease->StreamAlone(StatementId::kListTxnActions, {ToValue(table.table_id)});
    EXPECT_TRUE(*rows->Next());
  }
  const auto lease = *database->Acquire();
  EXPECT_EQ(MetadataStore(*lease).ListTables()->size(), 1U);
}

TEST_P(ConnectionContractTest, QueryMany_AnswersForEachRowInOrder) {
  const TableRow table = AddTable("t");
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  MetadataStore store(*connection_);
  constexpr std::int64_t kTables = 1'300;
  std::vector<TableId> ids;
  std::vector<Value> parameters;
  for (std::int64_t i = 0; i < kTables; ++i) {
    ids.push_back(TableId::MakeRandom());
    if (i % 3 != 0) continue;
    TableRow row = MakeTableRow(fmt::format("t{}", i));
    row.table_id = ids.back();
    ASSERT_TRUE(store.InsertTable(row).has_value());
  }
  for (const TableId& id : ids) parameters.push_back(ToValue(id));
  std::size_t next = 0;
  const auto done =
      connection_->QueryMany(StatementId::kFindTableById, 1, parameters,
                             [&](std::size_t index, const Cursor* row) -> Result<void> {
                               EXPECT_EQ(index, next++);
                               EXPECT_EQ(row != nullptr, index % 3 == 0);
                               if (row == nullptr) return {};
                               EXPECT_EQ(row->Text(1), fmt::format("t{}", index));
                               return {};
                             });
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ(next, static_cast<std::size_t>(kTables));
  const auto stopped = connection_->QueryMany(StatementId::kFindTableById, 1, parameters,
                                              [](std::size_t, const Cursor*) -> Result<void> {
                                                return Fail(ErrorCode::kCorrupt, "enough");
                                              });
  EXPECT_EQ(stopped.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(store.FindTable(table.table_id).has_value()) << "the connection goes on";
}

TEST_P(ConnectionContractTest, FilesThatEnd_AreAnsweredOneByOne) {
  TableRow table = AddTable("t");
  MetadataStore store(*connection_);
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  constexpr std::size_t kFiles = 2'000;
  std::vector<std::string> keys;
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < kFiles; ++i) {
    keys.push_back(fmt::format("{:016}", i));
    paths.push_back(fmt::format("part-{}", i));
  }
  std::vector<Value> rows;
  for (std::size_t i = 0; i < kFiles; ++i) {
    const auto number = static_cast<std::int64_t>(i);
    rows.insert(rows.end(), {table.first_file_id + number, ToValue(table.table_id), std::int64_t{0},
                             std::int64_t{0}, Blob{keys[i]}, ""sv, paths[i], "{}"sv, number * 10,
                             number, std::int64_t{1}});
    rows.insert(rows.end(), 11, Value());
  }
  ASSERT_TRUE(store.InsertRows(Relation::kAddFiles, rows).has_value());
  std::vector<FileName> names;
  for (std::size_t i = 0; i < kFiles; i += 2) names.push_back({keys[i], "", paths[i]});
  names.push_back({"no such key here", "", "none"});
  names.push_back({keys[0], "", paths[0]});  // it has ended by then
  names.push_back({keys[1], "another vector", paths[1]});
  std::vector<std::size_t> ended;
  const auto done =
      store.EndFiles(table.table_id, Version(3), names,
                     [&](std::size_t index, const EndedFile& file) -> Result<void> {
                       EXPECT_EQ(file.path, paths[index * 2]);
                       EXPECT_EQ(file.size_bytes, static_cast<std::int64_t>(index) * 20);
                       ended.push_back(index);
                       return {};
                     });
  ASSERT_TRUE(done.has_value()) << done.error().message();
  ASSERT_EQ(ended.size(), kFiles / 2);
  EXPECT_TRUE(std::ranges::is_sorted(ended));
  EXPECT_EQ(store.CountRows(Relation::kAddFiles, table.table_id).value_or(0),
            static_cast<std::int64_t>(kFiles));
  ASSERT_TRUE(store.AdvanceTable(table, table.current_version).has_value());
  ASSERT_TRUE(connection_->Commit().has_value());
  EXPECT_EQ(database_->Column("SELECT count(*) FROM dl_add_files WHERE ended_version = 3"),
            std::vector<std::string>{"1000"});
}

TEST_P(ConnectionContractTest, ReadTransaction_KeepsItsViewWhileAnotherCommits) {
  const auto reader = database_->Connect();
  ASSERT_TRUE(reader->Begin(TransactionMode::kRead).has_value());
  EXPECT_TRUE(MetadataStore(*reader).ListTables()->empty());
  AddTable("t");
  EXPECT_TRUE(MetadataStore(*reader).ListTables()->empty());
  reader->Rollback();
  EXPECT_EQ(MetadataStore(*reader).ListTables()->size(), 1U);
}

TEST_P(ConnectionContractTest, RolledBack_LeavesNothing) {
  TableRow row = MakeTableRow("t");
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  ASSERT_TRUE(MetadataStore(*connection_).InsertTable(row).has_value());
  ASSERT_TRUE(connection_->ExecuteMany(StatementId::kInsertTxnAction, 5, TxnRows(row, Names(100)))
                  .has_value());
  connection_->Rollback();
  connection_->Rollback();  // without a transaction it does nothing
  EXPECT_TRUE(MetadataStore(*connection_).ListTables()->empty());
  EXPECT_EQ(database_->Column("SELECT count(*) FROM dl_txn_actions"),
            std::vector<std::string>{"0"});
}

TEST_P(ConnectionContractTest, FailedStatement_NamesItselfAndLeavesTheConnectionUsable) {
  TableRow row = AddTable("t");
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  TableRow same = MakeTableRow("t");
  same.first_file_id = row.first_file_id;
  const auto again = MetadataStore(*connection_).InsertTable(same);
  EXPECT_EQ(again.has_value(), !database_->quirks().has_unique_keys);
  if (!again) {
    EXPECT_EQ(again.error().code(), ErrorCode::kCorrupt);
    ASSERT_NE(again.error().FindFact("statement"), nullptr);
    EXPECT_EQ(*again.error().FindFact("statement"), Error::FactValue("insert_table"));
  }
  connection_->Rollback();
  EXPECT_EQ(MetadataStore(*connection_).ListTables()->size(), 1U);
  for (const auto& [rows, count] : {std::pair(Names(3), 3), std::pair(Names(300), 300)}) {
    ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
    auto values = TxnRows(row, rows);
    values[static_cast<std::size_t>(count) * 5 - 5 + 1] = Value();  // version is NOT NULL
    auto refused = connection_->ExecuteMany(StatementId::kInsertTxnAction, 5, values);
    if (refused) refused = connection_->Commit();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt) << refused.error().message();
    connection_->Rollback();
  }
  EXPECT_TRUE(connection_->IsHealthy());
  EXPECT_EQ(database_->Column("SELECT count(*) FROM dl_txn_actions"),
            std::vector<std::string>{"0"});
}

TEST_P(ConnectionContractTest, DeletedTable_TakesItsRowsAlong) {
  if (!database_->quirks().has_foreign_keys) GTEST_SKIP() << "verify checks it there";
  const TableRow row = AddTable("t");
  ASSERT_TRUE(connection_->ExecuteMany(StatementId::kInsertTxnAction, 5, TxnRows(row, Names(20)))
                  .has_value());
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  ASSERT_TRUE(connection_->RunScript("deleting", "DELETE FROM dl_tables").has_value());
  ASSERT_TRUE(connection_->Commit().has_value());
  EXPECT_EQ(database_->Column("SELECT count(*) FROM dl_txn_actions"),
            std::vector<std::string>{"0"});
}

TEST_P(ConnectionContractTest, LockedName_IsWaitedFor) {
  const auto other = database_->Connect();
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  ASSERT_TRUE(MetadataStore(*connection_).LockName("a").has_value());
  std::optional<std::chrono::steady_clock::time_point> got_it_at;
  std::jthread waiter([&] {
    EXPECT_TRUE(other->Begin(TransactionMode::kWrite).has_value());
    EXPECT_TRUE(MetadataStore(*other).LockName("a").has_value());
    got_it_at = std::chrono::steady_clock::now();
    other->Rollback();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto released_at = std::chrono::steady_clock::now();
  connection_->Rollback();
  waiter.join();
  ASSERT_TRUE(got_it_at.has_value());
  EXPECT_GE(*got_it_at, released_at);
}

TEST_P(ConnectionContractTest, StatementTimeoutAndCancel_EndAWait) {
  if (!database_->quirks().has_many_writers) GTEST_SKIP() << "nobody waits within a statement";
  ASSERT_TRUE(connection_->Begin(TransactionMode::kWrite).has_value());
  ASSERT_TRUE(MetadataStore(*connection_).LockName("a").has_value());
  const auto hurried = database_->Connect("statement_timeout=50");
  ASSERT_TRUE(hurried->Begin(TransactionMode::kWrite).has_value());
  const auto timed_out = MetadataStore(*hurried).LockName("a");
  ASSERT_FALSE(timed_out.has_value());
  EXPECT_EQ(timed_out.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(timed_out.error().message(), ::testing::HasSubstr("statement_timeout"));
  hurried->Rollback();
  EXPECT_TRUE(hurried->IsHealthy());

  const auto cancelled = database_->Connect();
  std::optional<Result<void>> answer;
  std::jthread waiter([&] {
    EXPECT_TRUE(cancelled->Begin(TransactionMode::kWrite).has_value());
    answer = MetadataStore(*cancelled).LockName("a");
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  cancelled->Cancel();
  waiter.join();
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().code(), ErrorCode::kCancelled);
  cancelled->Rollback();
  EXPECT_TRUE(cancelled->IsHealthy());
  EXPECT_TRUE(MetadataStore(*cancelled).ListTables().has_value());
}

TEST_P(ConnectionContractTest, Clock_IsOfNow) {
  const auto before = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const auto clock = MetadataStore(*connection_).LoadClock();
  ASSERT_TRUE(clock.has_value());
  EXPECT_NEAR(static_cast<double>(*clock), static_cast<double>(before.count()), 5e6);
}

}  // namespace
}  // namespace deltalakedb::store
