// The DuckDB driver.
#include "store/duckdb/duckdb_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "base/temp_folder.h"
#include "store/metadata_store.h"
#include "store/migrations.h"
#include "store/table_row_for_tests.h"

namespace deltalakedb::store {
namespace {

using testing::HasSubstr;
using testing_store::MakeTableRow;
using namespace std::string_view_literals;
using namespace std::chrono_literals;

class DuckDbConnectionTest : public testing::Test {
 protected:
  std::string folder() const { return folder_.path().native(); }
  std::string path() const { return folder() + "/meta.duckdb"; }

  std::unique_ptr<Connection> Connect() const {
    auto connection = OpenDuckDb({.path = path(), .may_create = true});
    EXPECT_TRUE(connection.has_value()) << connection.error().message();
    return *std::move(connection);
  }
  std::unique_ptr<Connection> ConnectMigrated() const {
    auto connection = Connect();
    const auto steps = MigrateUp(*connection);
    EXPECT_TRUE(steps.has_value()) << steps.error().message();
    return connection;
  }
  // Rows of files that are live from version 0 on, with texts of different lengths.
  static void InsertFiles(Connection& connection, const TableRow& table, std::int64_t count) {
    std::vector<std::string> paths;
    std::vector<Value> rows;
    for (std::int64_t i = 0; i < count; ++i) {
      paths.push_back("path-" + std::to_string(i) +
                      std::string(static_cast<std::size_t>(i % 40), 'p'));
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string& path = paths[static_cast<std::size_t>(i)];
      const std::vector<Value> row = {table.first_file_id + i,
                                      ToValue(table.table_id),
                                      std::int64_t{0},
                                      std::int64_t{0},
                                      Blob{path},
                                      ""sv,
                                      path,
                                      "{}"sv,
                                      i,
                                      std::int64_t{1},
                                      i % 2,
                                      i % 3 == 0 ? Value() : Value(path)};
      rows.insert(rows.end(), row.begin(), row.end());
      rows.resize(rows.size() + InfoOf(Relation::kAddFiles).columns - row.size());
    }
    const auto done = MetadataStore(connection).InsertRows(Relation::kAddFiles, rows);
    EXPECT_TRUE(done.has_value()) << done.error().message();
  }

  // With a version 0 that has all files of its range.
  static TableRow InsertTable(Connection& connection, const std::string& name) {
    TableRow row = MakeTableRow(name);
    MetadataStore store(connection);
    const auto done = store.InsertTable(row);
    EXPECT_TRUE(done.has_value()) << done.error().message();
    VersionRow version;
    version.times.timestamp_source = kTimeOfFile;
    version.commit_id = "c";
    version.index.last_add_id = row.first_file_id + kFileIdsPerTable - 1;
    EXPECT_TRUE(store.InsertVersion(row.table_id, version, std::nullopt).has_value());
    return row;
  }
  // The first texts and the number of rows of a cursor.
  static std::pair<std::string, int> Read(Cursor& cursor, int column) {
    std::pair<std::string, int> found;
    for (;;) {
      const auto has_row = cursor.Next();
      EXPECT_TRUE(has_row.has_value()) << has_row.error().message();
      if (!has_row.value_or(false)) return found;
      if (found.second++ < 3) found.first += std::string(cursor.Text(column)) + " ";
    }
  }

  base::TempFolder folder_;
};

// ---- values -------------------------------------------------------------------------------------

TEST_F(DuckDbConnectionTest, Values_ComeBackAsTheyWere) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  const TableRow table = InsertTable(*connection, "t");
  const Value id = ToValue(table.table_id);
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  const std::string long_text(10 * 1024 * 1024, 'x');
  const std::vector<std::string_view> texts = {""sv, "a\0b"sv, "Füße \U0001F600"sv,
                                               "thirteen byte"sv, long_text};
  const std::vector<std::pair<Value, Value>> numbers = {{kMin, Value()},
                                                        {kMax, kMin},
                                                        {std::int64_t{0}, kMax},
                                                        {std::int64_t{-1}, std::int64_t{1}},
                                                        {std::int64_t{7}, Value()}};
  // By statement and by appender.
  for (const bool is_in_transaction : {false, true}) {
    if (is_in_transaction) {
      ASSERT_TRUE(connection->Begin(TransactionMode::kWrite).has_value());
    }
    ASSERT_TRUE(store.ClearRows(Relation::kTxnActions, table.table_id).has_value());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::vector<Value> row = {id, static_cast<std::int64_t>(i), texts[i], numbers[i].first,
                                      numbers[i].second};
      ASSERT_TRUE(connection->ExecuteMany(StatementId::kInsertTxnAction, 5, row).has_value());
    }
    const auto rows = store.ListRows(Relation::kTxnActions, table.table_id);
    ASSERT_TRUE(rows.has_value()) << rows.error().message();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_TRUE((*rows)->Next().value_or(false));
      EXPECT_EQ((*rows)->Get(0), id);
      EXPECT_EQ((*rows)->Bytes(0), table.table_id.bytes());
      EXPECT_EQ((*rows)->Get(1), Value(static_cast<std::int64_t>(i)));
      EXPECT_TRUE((*rows)->Get(2) == Value(texts[i])) << i;
      EXPECT_FALSE((*rows)->IsNull(2));
      EXPECT_EQ((*rows)->Get(3), numbers[i].first);
      EXPECT_EQ((*rows)->Get(4), numbers[i].second);
      EXPECT_EQ((*rows)->column_name(2), "app_id");
    }
    EXPECT_FALSE((*rows)->Next().value_or(true));
    if (is_in_transaction) {
      ASSERT_TRUE(connection->Commit().has_value());
    }
  }
}

TEST_F(DuckDbConnectionTest, BytesAndFlags_ComeBackAsOtherDatabasesGiveThem) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  const TableRow table = InsertTable(*connection, "t");
  const std::string bytes("\0\xFF\x80 bytes\0 that are not inlined", 30);
  for (const std::string_view body : {std::string_view(bytes), ""sv}) {
    const BodyPart part{body.empty() ? 1 : 0, 7, body};
    ASSERT_TRUE(store.InsertBodyPart(table.table_id, Version(0), Origin::kBase, part).has_value());
  }
  const auto parts = store.ListBodyParts(table.table_id, Version(0), Origin::kBase);
  ASSERT_TRUE(*(*parts)->Next());
  EXPECT_EQ((*parts)->Get(2), Value(Blob{bytes}));
  ASSERT_TRUE(*(*parts)->Next());
  EXPECT_EQ((*parts)->Get(2), Value(Blob{""}));
  for (const bool removed : {false, true}) {
    const std::vector<Value> row = {ToValue(table.table_id), std::int64_t{removed ? 1 : 0}, "d"sv,
                                    "c"sv, ToValue(removed)};
    ASSERT_TRUE(store.InsertRows(Relation::kDomainMetadata, row).has_value());
  }
  const auto rows = store.ListRows(Relation::kDomainMetadata, table.table_id);
  for (const bool removed : {false, true}) {
    ASSERT_TRUE(*(*rows)->Next());
    EXPECT_EQ((*rows)->Get(4), ToValue(removed));
  }
}

TEST_F(DuckDbConnectionTest, TextThatIsNoUtf8_IsRefusedNotLost) {
  const auto connection = ConnectMigrated();
  const TableRow table = InsertTable(*connection, "t");
  const std::vector<Value> row = {ToValue(table.table_id), std::int64_t{0}, "\xC3\x28"sv, "c"sv,
                                  std::int64_t{0}};
  for (const int copies : {1, 10}) {
    std::vector<Value> rows;
    for (int i = 0; i < copies; ++i) rows.insert(rows.end(), row.begin(), row.end());
    const auto done = connection->ExecuteMany(StatementId::kInsertDomainMetadataUpdate, 5, rows);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(
      MetadataStore(*connection).CountRows(Relation::kDomainMetadata, table.table_id).value_or(-1),
      0);
}

TEST_F(DuckDbConnectionTest, ManyRows_AreTheSameHoweverTheyGoIn) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  const TableRow one = InsertTable(*connection, "one");
  const TableRow other = InsertTable(*connection, "other");
  constexpr std::int64_t kRows = 5000;  // more than a chunk
  InsertFiles(*connection, one, kRows);
  ASSERT_TRUE(connection->Begin(TransactionMode::kWrite).has_value());
  InsertFiles(*connection, other, kRows);
  EXPECT_EQ(store.CountRows(Relation::kAddFiles, other.table_id).value_or(-1), kRows);
  ASSERT_TRUE(connection->Commit().has_value());
  const auto left = store.ListRows(Relation::kAddFiles, one.table_id);
  const auto right = store.ListRows(Relation::kAddFiles, other.table_id);
  for (std::int64_t i = 0; i < kRows; ++i) {
    ASSERT_TRUE((*left)->Next().value_or(false));
    ASSERT_TRUE((*right)->Next().value_or(false));
    for (int column = 2; column < (*left)->column_count(); ++column) {
      ASSERT_EQ((*left)->Get(column), (*right)->Get(column)) << i << ", column " << column;
    }
  }
  EXPECT_FALSE((*left)->Next().value_or(true));
}

TEST_F(DuckDbConnectionTest, WrongNumberOfParameters_IsOurMistake) {
  const auto connection = ConnectMigrated();
  const auto rows = connection->Query(StatementId::kFindTableByName, {});
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code(), ErrorCode::kInternal);
  EXPECT_TRUE(connection->Query(StatementId::kFindTableByName, {"t"sv}).has_value());
  EXPECT_EQ(connection->Query(StatementId::kFindTableById, {Blob{"short"}}).error().code(),
            ErrorCode::kInternal);
}

// ---- cursors ------------------------------------------------------------------------------------

TEST_F(DuckDbConnectionTest, CursorAtItsEnd_StaysThere) {
  const auto connection = ConnectMigrated();
  const auto rows = connection->Query(StatementId::kListMigrations, {});
  ASSERT_TRUE(rows.has_value());
  for (std::size_t i = 0; i < MigrationScripts(Dialect::kDuckdb).size(); ++i) {
    EXPECT_TRUE((*rows)->Next().value_or(false));
  }
  for (int i = 0; i < 3; ++i) EXPECT_FALSE((*rows)->Next().value_or(true));
}

TEST_F(DuckDbConnectionTest, StreamInterruptedByOtherStatements_GoesOnWhereItWas) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  InsertTable(*connection, "another, so that ids do not begin at 0");
  const TableRow table = InsertTable(*connection, "t");
  constexpr int kRows = 150'000;  // more than a part
  InsertFiles(*connection, table, kRows);
  ASSERT_TRUE(connection->Begin(TransactionMode::kRead).has_value());
  // In parts, and streamed.
  std::vector<std::unique_ptr<Cursor>> cursors;
  cursors.push_back(*store.ListRows(Relation::kAddFiles, table.table_id));
  cursors.push_back(*store.ListRows(Relation::kAddFiles, table.table_id));
  cursors.push_back(*connection->Stream(StatementId::kListLiveFiles, {ToValue(table.table_id)}));
  cursors.push_back(*connection->Stream(StatementId::kListLiveFiles, {ToValue(table.table_id)}));
  std::vector<int> counts(cursors.size());
  std::vector<std::int64_t> last(cursors.size(), table.first_file_id - 1);
  for (bool is_over = false; !is_over;) {
    is_over = true;
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      for (int n = 0; n < 10'000 && *cursors[i]->Next(); ++n) {
        is_over = false;
        ++counts[i];
        const std::int64_t id = cursors[i]->Int(i < 2 ? 0 : 2);
        ASSERT_EQ(id, last[i] + 1);
        last[i] = id;
      }
      EXPECT_EQ(store.ListTables()->size(), 2U);
    }
  }
  EXPECT_EQ(counts, (std::vector<int>{kRows, kRows, kRows, kRows}));
}

TEST_F(DuckDbConnectionTest, RowsBehindAGapOfPlaces_AreReadAsWell) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  TableRow table = InsertTable(*connection, "t");
  const std::int64_t first = table.first_file_id;
  for (const std::int64_t place : {std::int64_t{0}, std::int64_t{900'000}, kFileIdsPerTable - 10}) {
    table.first_file_id = first + place;
    InsertFiles(*connection, table, 10);
  }
  EXPECT_EQ(Read(**store.ListRows(Relation::kAddFiles, table.table_id), 6).second, 30);
}

TEST_F(DuckDbConnectionTest, StreamAskedAfterItsTransaction_IsOurMistake) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  const TableRow table = InsertTable(*connection, "t");
  InsertFiles(*connection, table, 200'000);
  ASSERT_TRUE(connection->Begin(TransactionMode::kRead).has_value());
  const auto rows = store.ScanLiveFiles(table.table_id, Version(0), true);
  ASSERT_TRUE((*rows)->Next().value_or(false));
  connection->Rollback();
  Result<bool> next = true;
  while (next.value_or(false)) next = (*rows)->Next();
  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error().code(), ErrorCode::kInternal);
}

// ---- transactions -------------------------------------------------------------------------------

TEST_F(DuckDbConnectionTest, RowsOfATransaction_GoWithItOrStay) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  const TableRow table = InsertTable(*connection, "t");
  for (const bool is_committed : {false, true}) {
    ASSERT_TRUE(connection->Begin(TransactionMode::kWrite).has_value());
    InsertFiles(*connection, table, 3000);
    if (is_committed) {
      ASSERT_TRUE(connection->Commit().has_value());
    } else {
      connection->Rollback();
      connection->Rollback();  // without a transaction nothing happens
    }
    EXPECT_EQ(store.CountRows(Relation::kAddFiles, table.table_id).value_or(-1),
              is_committed ? 3000 : 0);
  }
}

TEST_F(DuckDbConnectionTest, WriteWhileAnotherWrites_IsBusyAfterItsLimit) {
  const auto first = ConnectMigrated();
  const auto second = OpenDuckDb({.path = path(), .busy_wait_max = 50ms});
  ASSERT_TRUE(second.has_value());
  ASSERT_TRUE(first->Begin(TransactionMode::kWrite).has_value());
  const auto begun = (*second)->Begin(TransactionMode::kWrite);
  ASSERT_FALSE(begun.has_value());
  EXPECT_EQ(begun.error().code(), ErrorCode::kBusy);
  EXPECT_THAT(begun.error().message(), HasSubstr("try again"));
  EXPECT_TRUE((*second)->Begin(TransactionMode::kRead).has_value());
  (*second)->Rollback();
  first->Rollback();
  EXPECT_TRUE((*second)->Begin(TransactionMode::kWrite).has_value());
}

TEST_F(DuckDbConnectionTest, ReadTransaction_KeepsItsViewWhileAnotherCommits) {
  const auto writer = ConnectMigrated();
  const auto reader = Connect();
  ASSERT_TRUE(reader->Begin(TransactionMode::kRead).has_value());
  EXPECT_TRUE(MetadataStore(*reader).ListTables()->empty());
  ASSERT_TRUE(writer->Begin(TransactionMode::kWrite).has_value());
  InsertTable(*writer, "t");
  ASSERT_TRUE(writer->Commit().has_value());
  EXPECT_TRUE(MetadataStore(*reader).ListTables()->empty());
  reader->Rollback();
  EXPECT_EQ(MetadataStore(*reader).ListTables()->size(), 1U);
}

TEST_F(DuckDbConnectionTest, WritersOfManyThreads_TakeTurnsAndReadersSeeWholeCommits) {
  constexpr int kWriters = 4;
  constexpr int kCommits = 20;
  constexpr std::int64_t kRowsPerCommit = 7;
  const auto connection = ConnectMigrated();
  const TableRow table = InsertTable(*connection, "t");
  std::atomic<bool> is_done = false;
  {
    std::jthread reader([&] {
      const auto own = Connect();
      while (!is_done) {
        const auto count =
            MetadataStore(*own).CountRows(Relation::kMetadataUpdates, table.table_id);
        EXPECT_EQ(count.value_or(-1) % kRowsPerCommit, 0);
      }
    });
    std::vector<std::jthread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        const auto own = Connect();
        for (int n = 0; n < kCommits; ++n) {
          std::vector<Value> rows;
          for (std::int64_t k = 0; k < kRowsPerCommit; ++k) {
            rows.insert(rows.end(), {ToValue(table.table_id), std::int64_t{i}, "k"sv, "v"sv});
          }
          EXPECT_TRUE(own->Begin(TransactionMode::kWrite).has_value());
          EXPECT_TRUE(MetadataStore(*own).InsertRows(Relation::kMetadataUpdates, rows));
          const auto committed = own->Commit();
          EXPECT_TRUE(committed.has_value()) << committed.error().message();
        }
      });
    }
    writers.clear();
    is_done = true;
  }
  EXPECT_EQ(
      MetadataStore(*connection).CountRows(Relation::kMetadataUpdates, table.table_id).value_or(-1),
      kWriters * kCommits * kRowsPerCommit);
}

TEST_F(DuckDbConnectionTest, FileThatIsOpenedAndClosedByManyThreads_IsOpenOnceAtATime) {
  ConnectMigrated();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 10; ++n) {
        const auto connection = Connect();
        InsertTable(*connection, std::to_string(i) + "-" + std::to_string(n));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(MetadataStore(*Connect()).ListTables()->size(), 40U);
}

// ---- many answers -------------------------------------------------------------------------------

TEST_F(DuckDbConnectionTest, EndingManyFiles_AnswersForEachThatWasLive) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  const TableRow table = InsertTable(*connection, "t");
  const TableRow other = InsertTable(*connection, "other");
  for (const bool is_committed : {true, false}) {
    ASSERT_TRUE(store.ClearRows(Relation::kAddFiles, table.table_id).has_value());
    if (!is_committed) {
      ASSERT_TRUE(connection->Begin(TransactionMode::kWrite).has_value());
    }
    InsertFiles(*connection, table, 1000);
    InsertFiles(*connection, other, 1000);
    const std::string last = "path-999" + std::string(39, 'p');
    const std::vector<FileName> names = {{last, "", last},
                                         {"path-0", "", "path%2D0"},  // written in another way
                                         {"path-0", "another vector", "path-0"},
                                         {"path-0", "", "path-0"},
                                         {"unknown", "", "unknown"}};
    for (const bool is_first : {true, false}) {
      std::vector<std::string> ended;
      const auto done = store.EndFiles(table.table_id, Version(5), names,
                                       [&](std::size_t index, const EndedFile& file) {
                                         ended.push_back(std::to_string(index) + " " + file.path +
                                                         " " + std::to_string(file.size_bytes));
                                         return Result<void>();
                                       });
      ASSERT_TRUE(done.has_value()) << done.error().message();
      if (is_first) {
        EXPECT_THAT(ended, testing::UnorderedElementsAre("0 " + last + " 999", "1 path-0 0"));
      } else {
        EXPECT_TRUE(ended.empty());
      }
    }
    int live = 0;
    const auto rows = store.ListRows(Relation::kAddFiles, table.table_id);
    while (*(*rows)->Next()) live += (*rows)->IsNull(21) ? 1 : 0;
    EXPECT_EQ(live, 998);
  }
}

// ---- errors -------------------------------------------------------------------------------------

TEST_F(DuckDbConnectionTest, StatementThatFails_NamesItselfAndTheTransactionCanGoBack) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  ASSERT_TRUE(connection->Begin(TransactionMode::kWrite).has_value());
  InsertTable(*connection, "t");
  const std::vector<Value> row = {Value(), std::int64_t{0}, "k"sv, "v"sv};
  ASSERT_TRUE(store.InsertRows(Relation::kMetadataUpdates, row).has_value());
  const auto done = connection->Commit();
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ErrorCode::kCorrupt) << done.error().message();
  ASSERT_NE(done.error().FindFact("statement"), nullptr);
  EXPECT_EQ(*done.error().FindFact("statement"),
            Error::FactValue(std::string("insert_metadata_update")));
  EXPECT_NE(done.error().FindFact("duckdbErrorType"), nullptr);
  EXPECT_TRUE(store.ListTables()->empty());
  EXPECT_TRUE(connection->Begin(TransactionMode::kWrite).has_value());
}

TEST_F(DuckDbConnectionTest, AnswerThatTakesTooLong_IsUnavailable) {
  const auto filler = ConnectMigrated();
  const TableRow table = InsertTable(*filler, "t");
  InsertFiles(*filler, table, 200'000);
  const auto connection = OpenDuckDb({.path = path(), .statement_timeout = 1ms});
  ASSERT_TRUE(connection.has_value());
  const auto rows = MetadataStore(**connection).FindWrongIntervals(table.table_id);
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code(), ErrorCode::kUnavailable) << rows.error().message();
  EXPECT_THAT(rows.error().message(), HasSubstr("statement_timeout"));
}

TEST_F(DuckDbConnectionTest, Cancel_EndsAStatementAndDoesNothingToTheNext) {
  const auto filler = ConnectMigrated();
  const TableRow table = InsertTable(*filler, "t");
  InsertFiles(*filler, table, 300'000);
  for (const auto timeout : {0ms, 60'000ms}) {
    const auto connection = *OpenDuckDb({.path = path(), .statement_timeout = timeout});
    MetadataStore store(*connection);
    connection->Cancel();  // idle
    EXPECT_EQ(store.CountRows(Relation::kAddFiles, table.table_id).value_or(-1), 300'000);
    std::atomic<bool> is_over = false;
    Result<std::unique_ptr<Cursor>> rows = nullptr;
    {
      std::jthread canceller([&] {
        while (!is_over) {
          std::this_thread::sleep_for(1ms);
          connection->Cancel();
        }
      });
      for (int i = 0; i < 100 && rows; ++i) rows = store.FindWrongIntervals(table.table_id);
      is_over = true;
    }
    ASSERT_FALSE(rows.has_value());
    EXPECT_EQ(rows.error().code(), ErrorCode::kCancelled) << rows.error().message();
    EXPECT_EQ(store.CountRows(Relation::kAddFiles, table.table_id).value_or(-1), 300'000);
  }
}

TEST_F(DuckDbConnectionTest, StreamThatIsCancelled_SaysSoAndIsNotTakenForItsEnd) {
  const auto connection = ConnectMigrated();
  MetadataStore store(*connection);
  const TableRow table = InsertTable(*connection, "t");
  InsertFiles(*connection, table, 300'000);
  ASSERT_TRUE(connection->Begin(TransactionMode::kRead).has_value());
  const auto rows = store.ScanLiveFiles(table.table_id, Version(0), true);
  ASSERT_TRUE((*rows)->Next().value_or(false));
  connection->Cancel();
  Result<bool> next = true;
  int count = 1;
  while (next.value_or(false)) {
    next = (*rows)->Next();
    ++count;
  }
  if (next.has_value()) {
    EXPECT_GE(count, 300'000);
  } else {
    EXPECT_EQ(next.error().code(), ErrorCode::kCancelled) << next.error().message();
  }
}

}  // namespace
}  // namespace deltalakedb::store
