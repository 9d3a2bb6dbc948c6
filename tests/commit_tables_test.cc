// Writers of different tables of a PostgreSQL catalog do not wait for each other, and readers for
// nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <string>

#include "deltalakedb/table.h"
#include "tests/lost_answer_fixture.h"

namespace deltalakedb::testing {
namespace {

class CommitTablesTest : public LostAnswerTest {};

INSTANTIATE_TEST_SUITE_P(Ways, CommitTablesTest, ::testing::Values(Way{"Appends"}),
                         [](const auto& way) { return way.param.name; });

TEST_P(CommitTablesTest, TableThatIsLocked_KeepsNeitherOtherTablesNorReadersWaiting) {
  constexpr int kCommits = 20;
  const std::string other_uri = server_.UriText(schema_, "u");
  const auto copy = folder_.path() / "other";
  std::filesystem::copy(folder_.path() / "table", copy, std::filesystem::copy_options::recursive);
  const auto imported = ImportTable(copy.native(), other_uri);
  ASSERT_TRUE(imported.has_value()) << imported.error().message();
  const auto other = TableWriter::Open(other_uri);
  ASSERT_TRUE(other.has_value()) << other.error().message();
  const auto table = DeltaTable::Open(direct_uri_);
  ASSERT_TRUE(table.has_value()) << table.error().message();

  const DirectSession holder(server_, schema_);
  holder.Do("BEGIN");
  const std::string pid = holder.Column("SELECT pg_backend_pid()").front();
  holder.Column("SELECT current_version FROM dl_tables WHERE name = 't' FOR UPDATE");
  auto waiting = std::async(std::launch::async, [&] { return CommitNext(); });
  AwaitBlocked(1);
  const auto blocked = [&] {
    return session_.Column(fmt::format(
        "SELECT count(*) FROM pg_stat_activity WHERE {} = ANY (pg_blocking_pids(pid))", pid));
  };
  EXPECT_EQ(blocked(), std::vector<std::string>{"1"});

  for (int number = 1; number <= kCommits; ++number) {
    const auto report = Commit(*other, fmt::format("other {}", number), fmt::format("u{}", number));
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->version, Version(number));
    const auto snapshot = table->LoadSnapshot();
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    EXPECT_EQ((*snapshot)->version(), Version(0));
    EXPECT_EQ((*snapshot)->LoadTotals()->num_files, 1);
    EXPECT_EQ(table->LoadHistory()->size(), 1U);
    // The other commit has waited all the while.
    EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    EXPECT_EQ(blocked(), std::vector<std::string>{"1"});
  }
  holder.Do("COMMIT");
  ExpectOnce(waiting.get(), id_);
  EXPECT_EQ(table->LoadLatestVersion().value_or(Version(-1)), Version(1));
}

}  // namespace
}  // namespace deltalakedb::testing
