// A commit that fails at any of its statements leaves nothing, and the next one works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/commit_unit_fixture.h"

namespace deltalakedb::testing {
namespace {

using store::CommitAnswer;

// How a statement is made to fail.
enum class Failure {
  kAtOnce,     // it raises an error
  kAtTheEnd,   // the check that it leaves for later fails when the transaction ends
  kLostServer  // the session is ended while it runs
};

// Every kind of action.
std::string Everything() {
  return R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],)"
         R"("writerFeatures":["deletionVectors","domainMetadata"]}})"
         "\n"
         R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
         R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
         R"("configuration":{"k":"v"}}})"
         "\n"
         R"({"domainMetadata":{"domain":"d","configuration":"c","removed":false}})"
         "\n"
         R"({"txn":{"appId":"app","version":7,"lastUpdated":9}})"
         "\n"
         R"({"cdc":{"path":"_change_data/x","partitionValues":{},"size":5,"dataChange":false}})"
         "\n" +
         Remove("first") + Add("a");
}

const std::vector<std::string>& Relations() {
  static const std::vector<std::string> relations = {
      "dl_tables",          "dl_table_versions",   "dl_add_files",  "dl_remove_files",
      "dl_cdc_files",       "dl_metadata_updates", "dl_body_parts", "dl_protocol_updates",
      "dl_domain_metadata", "dl_txn_actions",
  };
  return relations;
}

class CommitRollbackTest : public CommitUnitFixture {
 protected:
  bool IsPostgres() const { return database_->quirks().dialect == store::Dialect::kPostgres; }

  // Has every change of that kind to a relation fail.
  void Break(const std::string& relation, std::string_view change, Failure failure) const {
    if (!IsPostgres()) {
      database_->Sql(
          fmt::format("CREATE TRIGGER broken BEFORE {} ON {} BEGIN SELECT "
                      "RAISE(ABORT, 'broken'); END",
                      change, relation));
      return;
    }
    database_->Sql(fmt::format(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NEW; END "
        "$$",
        failure == Failure::kLostServer
            ? "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(60)"
            : "RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'broken'"));
    database_->Sql(
        failure == Failure::kAtTheEnd
            ? fmt::format("CREATE CONSTRAINT TRIGGER broken AFTER {} ON {} DEFERRABLE INITIALLY "
                          "DEFERRED FOR EACH ROW EXECUTE FUNCTION broken()",
                          change, relation)
            : fmt::format(
                  "CREATE TRIGGER broken BEFORE {} ON {} FOR EACH ROW EXECUTE FUNCTION broken()",
                  change, relation));
  }
  void Mend(const std::string& relation) const {
    if (!IsPostgres()) {
      database_->Sql("DROP TRIGGER broken");
      return;
    }
    database_->Sql("DROP TRIGGER broken ON " + relation);
    database_->Sql("DROP FUNCTION broken()");
  }

  // A commit with every kind of row; its text is in parts.
  std::unique_ptr<WrittenCommit> WriteEverything() {
    auto written = Write(Everything(), Version(0));
    store::TableCommit& commit = written->commit;
    commit.body_parts = {{.part = 0, .text_bytes = commit.body_bytes, .compressed = commit.body}};
    commit.body = {};
    return written;
  }

  // Whether the commit hits upon what is broken; then it leaves nothing.
  bool FailsWithoutATrace(const std::string& what, Failure failure) {
    const auto written = WriteEverything();
    const auto answer = store::RunCommit(*connection_, written->commit);
    const bool is_done = answer && answer->kind == CommitAnswer::Kind::kDone;
    if (is_done) return false;
    if (failure == Failure::kLostServer) {
      EXPECT_TRUE(answer.has_value()) << what << ": " << answer.error().message();
      EXPECT_EQ(answer.value_or(CommitAnswer()).kind, CommitAnswer::Kind::kUnknown) << what;
      connection_ = database_->Connect();
      const auto settled = store::SettleCommit(*connection_, table_.table_id, written->id, "next");
      EXPECT_TRUE(settled.has_value()) << what << ": " << settled.error().message();
      EXPECT_FALSE(settled.value_or(std::nullopt).has_value()) << what;
      database_->Sql("DELETE FROM dl_commit_fences");
    } else {
      EXPECT_FALSE(answer.has_value()) << what << ": it has an answer";
    }
    connection_->Rollback();  // as the pool has it
    EXPECT_TRUE(connection_->IsHealthy()) << what;
    EXPECT_EQ(database_->Dump("t"), before_) << what;
    return true;
  }

  std::string before_ = database_->Dump("t");

  std::vector<Failure> Failures() const {
    if (!IsPostgres()) return {Failure::kAtOnce};
    return {Failure::kAtOnce, Failure::kAtTheEnd, Failure::kLostServer};
  }
};

// Behind pgbouncer is the same server, which takes the same units.
std::vector<std::string> Kinds() {
  auto kinds = TestDatabase::Kinds();
  const char* const soak = std::getenv("DELTALAKEDB_SOAK");
  if (soak == nullptr || std::string_view(soak) != "1") std::erase(kinds, "pgbouncer");
  return kinds;
}

std::vector<std::string> KindsWithTriggers() {
  auto kinds = Kinds();
  std::erase(kinds, "duckdb");
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Databases, CommitRollbackTest, ::testing::ValuesIn(KindsWithTriggers()),
                         [](const auto& kind) { return kind.param; });

TEST_P(CommitRollbackTest, CommitThatFailsAtAnyStatement_LeavesNothing) {
  for (const Failure failure : Failures()) {
    for (const std::string& relation : Relations()) {
      for (const std::string_view change : {"INSERT", "UPDATE"}) {
        const std::string what =
            fmt::format("{} of {}, failure {}", change, relation, static_cast<int>(failure));
        const bool is_done_by_it = change == "INSERT"
                                       ? relation != "dl_tables"
                                       : relation == "dl_tables" || relation == "dl_add_files";
        if (!is_done_by_it) continue;
        Break(relation, change, failure);
        EXPECT_TRUE(FailsWithoutATrace(what, failure)) << what << " has failed, and it is there";
        Mend(relation);
        if (HasFailure()) return;
      }
    }
  }
  ExpectDone(store::RunCommit(*connection_, WriteEverything()->commit).value_or(CommitAnswer()), 1,
             1, 10);
  ExpectDone(Commit(Add("b"), Version(1)), 2, 2, 20);
}

// DuckDB has no triggers: a relation that is not there fails as well, at its statement.
class CommitWithoutRelationTest : public CommitRollbackTest {};

INSTANTIATE_TEST_SUITE_P(Databases, CommitWithoutRelationTest, ::testing::ValuesIn(Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(CommitWithoutRelationTest, CommitThatMissesARelation_LeavesNothing) {
  database_->Hold();
  for (const std::string& relation : Relations()) {
    database_->Sql(fmt::format("ALTER TABLE {} RENAME TO away", relation));
    const auto written = WriteEverything();
    const auto answer = store::RunCommit(*connection_, written->commit);
    EXPECT_FALSE(answer.has_value()) << relation;
    connection_->Rollback();  // as the pool has it
    EXPECT_TRUE(connection_->IsHealthy()) << relation;
    database_->Sql(fmt::format("ALTER TABLE away RENAME TO {}", relation));
    EXPECT_EQ(database_->Dump("t"), before_) << relation;
    if (HasFailure()) return;
  }
  ExpectDone(store::RunCommit(*connection_, WriteEverything()->commit).value_or(CommitAnswer()), 1,
             1, 10);
  ExpectDone(Commit(Add("b"), Version(1)), 2, 2, 20);
}

}  // namespace
}  // namespace deltalakedb::testing
