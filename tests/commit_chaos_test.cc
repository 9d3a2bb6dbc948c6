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
  std::atomic<int> conflicts = 0;
  std::atomic<int> again = 0;
  proxy_.SetDecide(Chaos(proxy_, random));
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
        // What others removed meanwhile may contradict it, however far apart the files are.
        const Error error = report ? *report->error : report.error();
        const bool is_known = error.code() == ErrorCode::kUnavailable ||
                              error.code() == ErrorCode::kBusy ||
                              (report && error.code() == ErrorCode::kConflict);
        EXPECT_TRUE(is_known) << id << ": " << error.message();
        if (!is_known) return;
        const std::lock_guard lock(told_mutex_);
        told_[id] = -1;
        ++(report ? conflicts : failed);
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
  std::cout << done << " commits, " << failed << " errors, " << conflicts << " conflicts, " << again
            << " in doubt\n";
}

// What the network does to a commit, and to finding out about it.
struct Doubt {
  Fate unit;
  bool has_fence = false;     // it is settled, and the answer to that is lost
  bool comes_before = false;  // a commit that was held is delivered before it is made again
};

// Nobody can find out about it until it is made again, by a process that knows its id alone.
TEST_P(CommitChaosTest, CommitInDoubt_IsMadeOrFoundByWhoMakesItAgain) {
  using Kind = Fate::Kind;
  const std::vector<Doubt> doubts = {
      {{Kind::kCutAfter}},          {{Kind::kCutBefore}},          {{Kind::kCutBefore}, true},
      {{Kind::kHold}, false, true}, {{Kind::kHold}, false, false}, {{Kind::kHold}, true, false},
      {{Kind::kHold}, true, true},
  };
  const auto removed_of = [&](std::size_t i) {
    return GetParam().removes ? fmt::format("old{}", i) : std::string();
  };
  for (std::size_t i = 0; i < doubts.size() && GetParam().removes; ++i) {
    ExpectOnce(Commit(*writer_, fmt::format("first {}", i), removed_of(i)),
               fmt::format("first {}", i));
  }
  const auto work = [&](std::size_t i) {
    const Doubt& doubt = doubts[i];
    const std::string id = fmt::format("in doubt {}", i);
    PostgresProxy proxy(server_, GetParam().is_pooled);
    const auto writer = TableWriter::Open(proxy.UriText(schema_, "t", "retries=0"));
    ASSERT_TRUE(writer.has_value()) << writer.error().message();
    proxy.SetDecide([&, is_sent = false](const Flight& flight) mutable {
      if (!is_sent && flight.IsUnit()) {
        is_sent = true;
        return doubt.unit;
      }
      if (!is_sent) return Fate();
      if (!doubt.has_fence) return Fate{Fate::Kind::kCutBefore};
      return Fate{flight.IsSettling() ? Fate::Kind::kCutAfter : Fate::Kind::kPass};
    });
    const auto lost = Commit(*writer, id, fmt::format("new{}", i), removed_of(i));
    ASSERT_TRUE(lost.has_value()) << lost.error().message();
    EXPECT_EQ(lost->outcome, Outcome::kInDoubt) << i;
    proxy.SetDecide(nullptr);
    const auto deliver = [&] {
      proxy.Deliver();
      for (const std::string& answer : proxy.AwaitAnswers()) {
        // There, or not any more.
        const bool may_happen = doubt.comes_before && !doubt.has_fence;
        EXPECT_THAT(answer, AnyOf(IsRefusal(), may_happen ? "" : "DLC04")) << i;
      }
    };
    if (doubt.comes_before) deliver();
    const auto again = TableWriter::Open(direct_uri_);
    ASSERT_TRUE(again.has_value()) << again.error().message();
    // What the others remove may contradict a remove, until they are done.
    auto made = Commit(*again, id, fmt::format("new{}", i), removed_of(i));
    while (made && made->outcome == Outcome::kConflicted) {
      made = Commit(*again, id, fmt::format("new{}", i), removed_of(i));
    }
    deliver();
    const std::lock_guard lock(told_mutex_);
    ExpectOnce(made, id);
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < doubts.size(); ++i) threads.emplace_back(work, i);
  }
  const std::size_t before = GetParam().removes ? doubts.size() : 0;
  ExpectVersions(static_cast<std::int64_t>(before + doubts.size()));
}

TEST_P(CommitChaosTest, CommitOfOneFile_IsOneRoundTrip) {
  TransactionOptions options;
  options.reads = ReadScope::kNothing;
  for (int commit = 1; commit <= 5; ++commit) {
    proxy_.TakeTraffic();
    auto transaction = writer_->Begin(options);
    ASSERT_TRUE(transaction.has_value()) << transaction.error().message();
    ASSERT_TRUE(transaction->AddLine(AddLine(fmt::format("f{}", commit)), 1).has_value());
    const auto report = transaction->Commit();
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(report->outcome, Outcome::kCommitted);
    if (commit == 1) continue;  // which reads the table, and has the server prepare what it runs
    // All that the client has sent is one flight, which the proxy let through when it was complete,
    // and it was answered once.
    const auto traffic = proxy_.TakeTraffic();
    ASSERT_THAT(traffic.flights, SizeIs(1)) << "commit " << commit;
    EXPECT_TRUE(traffic.flights.front().IsUnit());
    EXPECT_EQ(traffic.flights.front().syncs, 1);
    EXPECT_EQ(traffic.flights.front().flushes, 0);
    EXPECT_EQ(traffic.flights.front().queries, 0);
    EXPECT_EQ(traffic.ready, 1);
  }
}

}  // namespace
}  // namespace deltalakedb::testing
