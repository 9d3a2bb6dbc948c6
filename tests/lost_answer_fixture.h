// A table in PostgreSQL that is written to through a proxy, which does to a commit what a bad
// network does, and looked at past it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/import.h"
#include "deltalakedb/transaction.h"
#include "store/unique_handle.h"
#include "tests/postgres_proxy.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {

inline constexpr std::chrono::seconds kWaitMax{60};

inline bool IsSoak() {
  const char* const soak = std::getenv("DELTALAKEDB_SOAK");
  return soak != nullptr && std::string_view(soak) == "1";
}

inline int Rounds() { return IsSoak() ? 200 : 10; }

inline unsigned long Seed() {
  const char* const given = std::getenv("DELTALAKEDB_SEED");
  const unsigned long seed = given != nullptr ? std::stoul(given) : std::random_device{}();
  std::cout << "DELTALAKEDB_SEED=" << seed << '\n';
  return seed;
}

inline std::string AddLine(std::string_view path) {
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{}},"size":10,"modificationTime":1,)"
      R"("dataChange":true,"stats":"{{\"numRecords\":3}}"}}}})",
      path);
}

inline std::string RemoveLine(std::string_view path) {
  return fmt::format(R"({{"remove":{{"path":"{}","deletionTimestamp":5,"dataChange":true}}}})",
                     path);
}

// A session past the library.
class DirectSession {
 public:
  DirectSession(const PostgresServer& server, std::string_view schema)
      : connection_(PQconnectdb(server.ConnectionString().c_str())) {
    Do(fmt::format("SET search_path = {}", schema));
  }
  std::vector<std::string> Column(const std::string& sql) const {
    const store::UniqueHandle<PGresult, PQclear> result(PQexec(connection_.get(), sql.c_str()));
    EXPECT_EQ(PQresultStatus(result.get()), PGRES_TUPLES_OK) << PQerrorMessage(connection_.get());
    std::vector<std::string> values;
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      values.emplace_back(PQgetvalue(result.get(), row, 0));
    }
    return values;
  }
  void Do(const std::string& sql) const {
    const store::UniqueHandle<PGresult, PQclear> result(PQexec(connection_.get(), sql.c_str()));
    EXPECT_EQ(PQresultStatus(result.get()), PGRES_COMMAND_OK) << PQerrorMessage(connection_.get());
  }

 private:
  store::UniqueHandle<PGconn, PQfinish> connection_;
};

struct Way {
  std::string name;
  bool removes = false;  // else blind appends
  bool is_pooled = false;
  // What transactions are by default, by the server's settings.
  std::string isolation = "read committed";
};

inline std::vector<Way> Ways() {
  std::vector<Way> ways = {{"Appends", false},
                           {"Removes", true},
                           {"AppendsWhereReadsRepeat", false, false, "repeatable read"},
                           {"AppendsWhereAllIsSerializable", false, false, "serializable"}};
  if (!IsSoak()) return ways;
  ways.push_back({"AppendsThroughPgbouncer", false, true});
  ways.push_back({"RemovesThroughPgbouncer", true, true});
  return ways;
}

class LostAnswerTest : public ::testing::TestWithParam<Way> {
 protected:
  LostAnswerTest() {
    const auto log = folder_.path() / "table" / "_delta_log";
    std::filesystem::create_directories(log);
    std::ofstream(log / "00000000000000000000.json")
        << R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})"
           "\n"
        << R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
           R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
           R"("configuration":{}}})"
           "\n"
        << AddLine("f0") << "\n";
    direct_uri_ = server_.UriText(schema_, "t");
    session_.Do(fmt::format("ALTER ROLE {} SET default_transaction_isolation = '{}'",
                            server_.user(), GetParam().isolation));
    const auto report = ImportTable((folder_.path() / "table").native(), direct_uri_);
    EXPECT_TRUE(report.has_value()) << report.error().message();
    writer_ = Open();
  }

  std::unique_ptr<TableWriter> Open(std::string_view options = "") {
    auto writer = TableWriter::Open(proxy_.UriText(schema_, "t", options));
    EXPECT_TRUE(writer.has_value()) << writer.error().message();
    return std::make_unique<TableWriter>(*std::move(writer));
  }

  // A commit of the way's kind: adds a file, and removes the one that is given.
  Result<CommitReport> Commit(const TableWriter& writer, const std::string& id,
                              const std::string& adds, const std::string& removes = "") const {
    TransactionOptions options;
    options.commit_id = id;
    // So that what others append meanwhile does not matter.
    options.isolation = IsolationLevel::kSnapshotIsolation;
    auto transaction = writer.Begin(options);
    if (!transaction) return Fail(std::move(transaction).error());
    EXPECT_TRUE(transaction->AddLine(AddLine(adds), 1).has_value());
    if (!removes.empty()) {
      EXPECT_TRUE(transaction->AddLine(RemoveLine(removes), 2).has_value());
    }
    return transaction->Commit();
  }
  // The next commit: it goes on with the table as the last one left it.
  Result<CommitReport> CommitNext() {
    id_ = fmt::format("commit {}", ++commits_);
    const std::string added = fmt::format("f{}", commits_);
    return Commit(*writer_, id_, added, GetParam().removes ? std::exchange(last_, added) : "");
  }

  // The commit was told to be there, and is, once.
  void ExpectOnce(const Result<CommitReport>& report, const std::string& id) const {
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(report->outcome, CommitReport::Outcome::kCommitted)
        << (report->error ? report->error->message() : "in doubt");
    EXPECT_THAT(VersionsOf(id), ::testing::ElementsAre(std::to_string(report->version.value())));
  }
  std::vector<std::string> VersionsOf(const std::string& id) const {
    return session_.Column(
        fmt::format("SELECT version FROM dl_table_versions WHERE commit_id = '{}'", id));
  }
  // Waits until that many sessions of this test wait for a lock.
  void AwaitBlocked(int count) const {
    const auto give_up_at = std::chrono::steady_clock::now() + kWaitMax;
    while (session_.Column("SELECT count(*) FROM pg_locks WHERE NOT granted") !=
           std::vector{std::to_string(count)}) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up_at);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Nothing but the commits that were made, in order, and what they left.
  void TearDown() override {
    proxy_.SetDecide(nullptr);
    EXPECT_THAT(session_.Column("SELECT count(DISTINCT commit_id) = count(*) AND "
                                "count(*) = max(version) + 1 FROM dl_table_versions "
                                "GROUP BY table_id"),
                ::testing::Each("t"));
    const auto report = VerifyTable(direct_uri_);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    for (const Difference& difference : report->differences) {
      ADD_FAILURE() << difference.where << ": " << difference.message;
    }
    session_.Do(fmt::format("SET client_min_messages = warning; DROP SCHEMA {} CASCADE", schema_));
  }
  void ExpectVersions(std::int64_t count) const {
    EXPECT_EQ(session_.Column("SELECT current_version FROM dl_tables"),
              std::vector{std::to_string(count)});
  }

  static inline std::atomic<int> next_schema = 1;

  base::TempFolder folder_;
  PostgresServer& server_ = PostgresServer::Shared();
  std::string schema_ = fmt::format("lost_{}", next_schema++);
  DirectSession session_{server_, schema_};
  PostgresProxy proxy_{server_, GetParam().is_pooled};
  std::mt19937_64 random_{Seed()};
  std::string direct_uri_;
  std::unique_ptr<TableWriter> writer_;
  std::mutex told_mutex_;
  std::map<std::string, std::int64_t> told_;  // by commit id: its version, -1 where it is not there
  int commits_ = 0;
  std::string id_;           // of the last one
  std::string last_ = "f0";  // the file that it added
};

inline double Share(std::mt19937_64& random) {
  return std::uniform_real_distribution<double>(0, 1)(random);
}

// What the server says to a commit that may not happen any more: the version, a fence, the commit
// id, or that more has to be looked at, which nobody asks for any more.
inline auto IsRefusal() { return ::testing::AnyOf("DLV01", "DLC04", "DLC05", "DLG01", "23505"); }

// Gives the first unit that comes a fate, and lets everything else pass.
inline PostgresProxy::Decide FirstUnit(Fate fate) {
  return [fate, is_done = false](const Flight& flight) mutable {
    if (is_done || !flight.IsUnit()) return Fate();
    is_done = true;
    return fate;
  };
}

}  // namespace deltalakedb::testing
