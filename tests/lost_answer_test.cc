// Commits whose answer is lost on the way, or that reach PostgreSQL when nobody waits for them any
// more: whatever the writer was told is so, exactly once, and stays so.
//
// DELTALAKEDB_SEED repeats the choices, DELTALAKEDB_SOAK=1 makes more rounds, also through
// pgbouncer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <iostream>
#include <map>
#include <string>

#include "tests/lost_answer_fixture.h"

namespace deltalakedb::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

INSTANTIATE_TEST_SUITE_P(Ways, LostAnswerTest, ::testing::ValuesIn(Ways()),
                         [](const auto& way) { return way.param.name; });

TEST_P(LostAnswerTest, AnswerCut_TheCommitIsFoundAndNotRepeated) {
  for (int round = 1; round <= Rounds() && !HasFailure(); ++round) {
    proxy_.SetDecide(FirstUnit({Fate::Kind::kCutAfter, round % 2 == 0 ? 0 : Share(random_)}));
    const auto report = CommitNext();
    ExpectOnce(report, id_);
    EXPECT_EQ(report->attempts, 1);
    ExpectVersions(round);
  }
}

TEST_P(LostAnswerTest, CommitCutOnItsWay_IsMadeByTheNextAttempt) {
  for (int round = 1; round <= Rounds() && !HasFailure(); ++round) {
    proxy_.SetDecide(FirstUnit({Fate::Kind::kCutBefore, round % 2 == 0 ? 0 : Share(random_)}));
    const auto report = CommitNext();
    ExpectOnce(report, id_);
    EXPECT_EQ(report->attempts, 2);
    ExpectVersions(round);
  }
}

// When a commit that was held back reaches the server.
enum class Late {
  kBeforeSettling,
  kWhileSettling,
  kBeforeNextAttempt,
  kWithNextAttempt,
  kAfterAll,
};
constexpr int kLateMoments = 5;

TEST_P(LostAnswerTest, CommitDeliveredLate_IsRefusedOrWasTheOne) {
  std::map<std::string, int> answers;
  for (int round = 1; round <= Rounds() && !HasFailure(); ++round) {
    const Late late{round % kLateMoments};
    proxy_.SetDecide([&, units = 0](const Flight& flight) mutable {
      if (flight.IsUnit() && ++units == 1) return Fate{Fate::Kind::kHold};
      if (flight.IsSettling() && late == Late::kBeforeSettling) {
        proxy_.Deliver();
        for (const std::string& answer : proxy_.AwaitAnswers()) ++answers[answer];
      }
      if (flight.IsSettling() && late == Late::kWhileSettling) proxy_.Deliver();
      if (units == 2 && flight.IsUnit() && late == Late::kBeforeNextAttempt) {
        proxy_.Deliver();
        // Only the fence is between it and a second version.
        const auto answer = proxy_.AwaitAnswers();
        EXPECT_THAT(answer, ElementsAre(AnyOf("DLC04", "DLG01")));
      }
      if (units == 2 && flight.IsUnit() && late == Late::kWithNextAttempt) proxy_.Deliver();
      return Fate();
    });
    const auto report = CommitNext();
    ExpectOnce(report, id_);
    proxy_.Deliver();
    for (const std::string& answer : proxy_.AwaitAnswers()) {
      ++answers[answer];
      EXPECT_THAT(answer, AnyOf("", IsRefusal()));
      EXPECT_TRUE(!answer.empty() || report->attempts == 1);
    }
    ExpectOnce(report, id_);
    ExpectVersions(round);
  }
  for (const auto& [state, count] : answers) {
    std::cout << count << " late commits: " << (state.empty() ? "was the one" : state) << '\n';
  }
}

TEST_P(LostAnswerTest, CommitThatWaitsForTheTableWhileItIsSettled_IsWaitedFor) {
  const DirectSession holder(server_, schema_);
  for (int round = 1; round <= Rounds() && !HasFailure(); ++round) {
    holder.Do("BEGIN");
    holder.Column("SELECT current_version FROM dl_tables FOR UPDATE");
    proxy_.SetDecide(FirstUnit({Fate::Kind::kCutOnDelivery}));
    auto committing = std::async(std::launch::async, [&] { return CommitNext(); });
    AwaitBlocked(2);  // the commit, and whoever settles it
    holder.Do("COMMIT");
    const auto report = committing.get();
    ExpectOnce(report, id_);
    for (const std::string& answer : proxy_.AwaitAnswers()) {
      EXPECT_THAT(answer, AnyOf("", IsRefusal()));
      EXPECT_EQ(answer.empty(), report->attempts == 1) << answer;
    }
    ExpectOnce(report, id_);
    ExpectVersions(round);
  }
}

// The settling is first in the queue for the table, and the commit behind it.
TEST_P(LostAnswerTest, CommitThatWaitsBehindItsSettling_SeesTheFence) {
  const DirectSession holder(server_, schema_);
  for (int round = 1; round <= Rounds() && !HasFailure(); ++round) {
    holder.Do("BEGIN");
    holder.Column("SELECT current_version FROM dl_tables FOR UPDATE");
    proxy_.SetDecide(FirstUnit({Fate::Kind::kHold}));
    auto committing = std::async(std::launch::async, [&] { return CommitNext(); });
    AwaitBlocked(1);
    proxy_.Deliver();
    AwaitBlocked(2);
    holder.Do("COMMIT");
    const auto report = committing.get();
    ExpectOnce(report, id_);
    for (const std::string& answer : proxy_.AwaitAnswers()) {
      EXPECT_THAT(answer, AnyOf("", IsRefusal()));
      EXPECT_EQ(answer.empty(), report->attempts == 1) << answer;
    }
    ExpectOnce(report, id_);
    ExpectVersions(round);
  }
}

}  // namespace
}  // namespace deltalakedb::testing
