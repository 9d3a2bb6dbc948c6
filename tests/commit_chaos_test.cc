// Commits over a network that loses, cuts, holds back and repeats what it likes, and settling that
// is cut itself; and how often a commit waits for the server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/lost_answer_fixture.h"

namespace deltalakedb::testing {
namespace {

using Outcome = CommitReport::Outcome;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CommitChaosTest : public LostAnswerTest {};

// The server's settings make no difference to these.
std::vector<Way> OurWays() {
  std::vector<Way> ways = Ways();
  std::erase_if(ways, [](const Way& way) { return way.isolation != "read committed"; });
  return ways;
}

INSTANTIATE_TEST_SUITE_P(Ways, CommitChaosTest, ::testing::ValuesIn(OurWays()),
                         [](const auto& way) { return way.param.name; });

// Cuts what it likes, reads and settling too, in every way there is.
PostgresProxy::Decide Chaos(PostgresProxy& proxy, std::mt19937_64& random) {
  return [&](const Flight& flight) {
    constexpr std::uint64_t kDice = 40;
    if (random() % 3 == 0) proxy.Deliver();
    switch (random() % (flight.IsUnit() ? kDice / 4 : kDice)) {
      case 0:
        return Fate{Fate::Kind::kCutBefore, random() % 2 == 0 ? 0 : Share(random)};
      case 1:
        return Fate{Fate::Kind::kCutAfter, random() % 2 == 0 ? 0 : Share(random)};
      case 2:
        return Fate{Fate::Kind::kCutOnDelivery};
      case 3:
        // Within a transaction it would hold the table's lock until somebody delivers it.
        return Fate{flight.IsUnit() ? Fate::Kind::kHold : Fate::Kind::kCutOnDelivery};
      default:
        return Fate();
    }
  };
}

TEST_P(CommitChaosTest, CommitsOverABadNetwork_AreThereOnceOrNotAtAllAsTold) {
  constexpr int kThreads = 3;
  std::mt19937_64 random = random_;
  std::atomic<int> done = 0;
  std::atomic<int> failed = 0;
  std::atomic<int> again = 0;
  proxy_.SetDecide(Chaos(proxy_, random));
  // Each thread has files of its own, so they do not contradict each other.
  const auto work = [&](int thread) {
    std::string last;
    for (int number = 1; number <= Rounds(); ++number) {
      // Until it is committed: under the same id while nobody can tell, under another after an
      // error, which says that it is not there.
      std::string id;
      for (int attempt = 1;; ++attempt) {
        if (id.empty()) id = fmt::format("commit {} {} {}", thread, number, attempt);
        const std::string removes = GetParam().removes ? last : "";
        const auto report = Commit(*writer_, id, fmt::format("{}.{}", thread, number), removes);
        if (report && report->outcome == Outcome::kCommitted) {
          const std::lock_guard lock(told_mutex_);
          told_[id] = report->version.value();
          last = fmt::format("{}.{}", thread, number);
          ++done;
          break;
        }
        if (report && report->outcome == Outcome::kInDoubt) {
          ++again;
          continue;
        }
        const Error error = report ? *report->error : report.error();
        EXPECT_THAT(error.code(), AnyOf(ErrorCode::kUnavailable, ErrorCode::kBusy))
            << id << ": " << error.message();
        if (error.code() != ErrorCode::kUnavailable && error.code() != ErrorCode::kBusy) return;
        const std::lock_guard lock(told_mutex_);
        told_[id] = -1;
        ++failed;
        id.clear();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back(work, thread);
  }
  proxy_.SetDecide(nullptr);
  proxy_.Deliver();
  proxy_.AwaitAnswers();
  for (const auto& [id, version] : told_) {
    if (version < 0) {
      EXPECT_THAT(VersionsOf(id), IsEmpty()) << id;
    } else {
      EXPECT_THAT(VersionsOf(id), ElementsAre(std::to_string(version))) << id;
    }
  }
  ExpectVersions(done);
  EXPECT_EQ(done, kThreads * Rounds());
  std::cout << done << " commits, " << failed << " errors, " << again << " in doubt\n";
}

}  // namespace
}  // namespace deltalakedb::testing
