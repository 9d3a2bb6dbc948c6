// Several commits in one transaction of the database: of several tables, and of several writers to
// one table.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deltalakedb/table.h"
#include "store/commit_unit.h"
#include "tests/commit_unit_fixture.h"

namespace deltalakedb::testing {
namespace {

using store::CommitAnswer;
using store::CommitRefusal;
using store::TableCommit;
using store::UnitAnswer;
using ::testing::ElementsAre;

// ---- several tables -----------------------------------------------------------------------------

class CommitTablesTest : public CommitUnitFixture {
 protected:
  CommitTablesTest() {
    std::filesystem::copy(folder_.path() / "table", folder_.path() / "other",
                          std::filesystem::copy_options::recursive);
    other_ = Import("other", "other");
  }
  UnitAnswer Run(const std::vector<TableCommit>& tables,
                 const std::vector<store::ReadTable>& read = {}) {
    auto answer = store::RunCommits(*connection_, tables, read);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer.value_or(UnitAnswer());
  }
  static void ExpectRefusedAt(const UnitAnswer& answer, CommitRefusal refusal,
                              std::optional<std::size_t> table) {
    ASSERT_EQ(answer.kind, CommitAnswer::Kind::kRefused);
    EXPECT_EQ(static_cast<int>(answer.refusal), static_cast<int>(refusal));
    if (answer.refused) {
      EXPECT_EQ(answer.refused, table);
    }
  }
  std::int64_t VersionOf(const std::string& name) const {
    return DeltaTable::Open(database_->UriText(name))->LoadLatestVersion()->value();
  }

  store::TableRow other_;
};

INSTANTIATE_TEST_SUITE_P(Databases, CommitTablesTest, ::testing::ValuesIn(TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(CommitTablesTest, TablesOfACommit_HaveOneMoment) {
  for (int i = 1; i <= 3; ++i) {
    const auto first = Write(Add(fmt::format("a{}", i)));
    const auto second = Write(Add(fmt::format("b{}", i)), Version(i - 1), &other_);
    const std::string transaction_id(16, static_cast<char>(i));
    first->commit.transaction_id = second->commit.transaction_id = transaction_id;
    // The order that they are given in does not matter.
    const UnitAnswer answer =
        i % 2 == 0 ? Run({first->commit, second->commit}) : Run({second->commit, first->commit});
    ASSERT_EQ(answer.kind, CommitAnswer::Kind::kDone);
    ASSERT_EQ(answer.tables.size(), 2U);
    EXPECT_EQ(answer.tables[0].version, Version(i));
    EXPECT_EQ(answer.tables[1].version, Version(i));
    EXPECT_EQ(answer.tables[0].ratified_at_us, answer.tables[1].ratified_at_us);
  }
  EXPECT_EQ(VersionOf("t"), 3);
  EXPECT_EQ(VersionOf("other"), 3);
}

TEST_P(CommitTablesTest, OneThatDoesNotFit_KeepsTheOtherBack) {
  const auto good = Write(Add("a"));
  const auto stale = Write(Add("b"), Version(7), &other_);
  ExpectRefusedAt(Run({good->commit, stale->commit}), CommitRefusal::kVersion, 1);
  const auto not_live = Write(Remove("none"), Version(0), &other_);
  ExpectRefusedAt(Run({not_live->commit, good->commit}), CommitRefusal::kNotLive, 0);
  const auto gone = Write(Add("c"));
  gone->commit.table_id = TableId::MakeRandom();
  ExpectRefusedAt(Run({good->commit, gone->commit}), CommitRefusal::kNoTable, 1);
  EXPECT_EQ(VersionOf("t"), 0);
  EXPECT_EQ(VersionOf("other"), 0);
  EXPECT_THAT(Paths(), ElementsAre("first"));
}

TEST_P(CommitTablesTest, TableThatWasRead_HasToBeAsItWas) {
  const auto first = Write(Add("a"));
  ASSERT_EQ(Run({first->commit}, {{other_.table_id, Version(0)}}).kind, CommitAnswer::Kind::kDone);
  const auto moved = Write(Add("b"), Version(0), &other_);
  ASSERT_EQ(Run({moved->commit}).kind, CommitAnswer::Kind::kDone);
  const auto second = Write(Add("c"));
  ExpectRefusedAt(Run({second->commit}, {{other_.table_id, Version(0)}}), CommitRefusal::kVersion,
                  1);
  ASSERT_EQ(Run({second->commit}, {{other_.table_id, Version(1)}}).kind, CommitAnswer::Kind::kDone);
  EXPECT_THAT(Paths(), ElementsAre("a", "c", "first"));
}

// ---- several writers ----------------------------------------------------------------------------

class CommitAppendsTest : public CommitUnitFixture {
 protected:
  std::vector<CommitAnswer> Run(const std::vector<std::unique_ptr<WrittenCommit>>& written) {
    std::vector<const TableCommit*> commits;
    commits.reserve(written.size());
    for (const auto& one : written) commits.push_back(&one->commit);
    auto answers = store::RunAppends(*connection_, commits);
    EXPECT_TRUE(answers.has_value()) << answers.error().message();
    return answers.value_or(std::vector<CommitAnswer>(written.size()));
  }
  template <typename... Texts>
  std::vector<std::unique_ptr<WrittenCommit>> WriteEach(const Texts&... texts) {
    std::vector<std::unique_ptr<WrittenCommit>> written;
    (written.push_back(Write(texts)), ...);
    return written;
  }
};

INSTANTIATE_TEST_SUITE_P(Databases, CommitAppendsTest, ::testing::ValuesIn(TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(CommitAppendsTest, EachAppend_IsAVersionOfItsOwn) {
  auto answers = Run(WriteEach(Add("a") + Add("b", 20), Add("c", 30), Add("d")));
  ExpectDone(answers[0], 1, 3, 130);
  ExpectDone(answers[1], 2, 4, 160);
  ExpectDone(answers[2], 3, 5, 170);
  EXPECT_LT(answers[0].timestamp, answers[1].timestamp);
  EXPECT_LT(answers[1].ratified_at_us, answers[2].ratified_at_us);
  answers = Run(WriteEach(Add("e")));
  ExpectDone(answers[0], 4, 6, 180);
  ExpectDone(Commit(Remove("b") + Remove("e"), Version(4)), 5, 4, 150);
  EXPECT_THAT(Paths(), ElementsAre("a", "c", "d", "first"));
}

TEST_P(CommitAppendsTest, AppendThatDoesNotFit_IsLeftOut) {
  const std::string app = R"({"txn":{"appId":"app","version":7}})"
                          "\n";
  ExpectDone(Commit(app + Add("a")), 1, 2, 110);
  const auto settled =
      store::SettleCommit(*connection_, table_.table_id, "fenced", "another attempt");
  ASSERT_TRUE(settled.has_value()) << settled.error().message();
  const auto written =
      WriteEach(Add("b"), Add("c"), app + Add("d"), Add("e"), Add("f"),
                Add("first", 5, Vector("v")), Add("g"), Add("first", 40), Add("h"));
  written[1]->commit.metadata_version = Version(3);
  written[2]->commit.app_transaction = {"app", 7};
  written[3]->commit.commit_id = "fenced";
  written[4]->commit.commit_id = "commit 1";
  written[6]->commit.deadline_us = 1;
  written[8]->commit.app_transaction = {"app", 8};
  const auto answers = Run(written);
  ExpectDone(answers[0], 2, 3, 120);
  ExpectRefused(answers[1], CommitRefusal::kMetadata);
  ExpectRefused(answers[2], CommitRefusal::kAppTransaction);
  ExpectRefused(answers[3], CommitRefusal::kFenced);
  ExpectRefused(answers[4], CommitRefusal::kCommitId);
  ExpectRefused(answers[5], CommitRefusal::kOtherVector);
  ExpectRefused(answers[6], CommitRefusal::kDeadline);
  ExpectDone(answers[7], 3, 3, 60);
  ExpectDone(answers[8], 4, 4, 70);
  EXPECT_THAT(Paths(), ElementsAre("a", "b", "first", "h"));
}

TEST_P(CommitAppendsTest, AppTransactions_AreStored) {
  const std::string app = R"({"txn":{"appId":"app","version":7,"lastUpdated":9}})"
                          "\n";
  const auto answers = Run(WriteEach(app + Add("a"), Add("b")));
  ExpectDone(answers[0], 1, 2, 110);
  ExpectDone(answers[1], 2, 3, 120);
  const auto state = DeltaTable::Open(uri_)->LoadState();
  ASSERT_TRUE(state.has_value()) << state.error().message();
  EXPECT_EQ(state->app_transactions.at("app").version, 7);
}

TEST_P(CommitAppendsTest, AllRefused_NothingChanges) {
  const auto written = WriteEach(Add("a"), Add("b"));
  for (const auto& one : written) one->commit.deadline_us = 1;
  for (const CommitAnswer& answer : Run(written)) {
    ExpectRefused(answer, CommitRefusal::kDeadline);
  }
  for (const auto& one : written) one->commit.table_id = TableId::MakeRandom();
  written[1]->commit.table_id = written[0]->commit.table_id;
  for (const CommitAnswer& answer : Run(written)) ExpectRefused(answer, CommitRefusal::kNoTable);
  EXPECT_THAT(Paths(), ElementsAre("first"));
}

}  // namespace
}  // namespace deltalakedb::testing
