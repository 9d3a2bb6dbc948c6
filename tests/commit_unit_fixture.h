// A table in a database of each kind, and commits to it below the commit loop.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/import.h"
#include "deltalakedb/table.h"
#include "log/commit_rows.h"
#include "protocol/paths.h"
#include "store/commit_unit.h"
#include "store/metadata_store.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {

inline std::string Add(std::string_view path, std::int64_t size = 10, std::string_view more = "") {
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,)"
      R"("dataChange":true,"stats":"{{\"numRecords\":3}}"{}}}}})"
      "\n",
      path, size, more);
}

inline std::string Vector(std::string_view name) {
  return fmt::format(R"(,"deletionVector":{{"storageType":"u","pathOrInlineDv":"{}","offset":1,)"
                     R"("sizeInBytes":40,"cardinality":2}})",
                     name);
}

inline std::string Remove(std::string_view path, std::string_view more = "") {
  return fmt::format(R"({{"remove":{{"path":"{}","deletionTimestamp":5,"dataChange":true{}}}}})"
                     "\n",
                     path, more);
}

inline std::string Info(std::string_view id) {
  return fmt::format(R"({{"commitInfo":{{"timestamp":1,"operation":"WRITE","txnId":"{}"}}}})"
                     "\n",
                     id);
}

// A commit with what it points into.
struct WrittenCommit {
  std::string id;
  std::string body;
  std::optional<log::CommitRows> rows;
  store::TableCommit commit;
};

class CommitUnitFixture : public ::testing::TestWithParam<std::string> {
 protected:
  CommitUnitFixture() {
    const auto log = folder_.path() / "table" / "_delta_log";
    std::filesystem::create_directories(log);
    std::ofstream(log / "00000000000000000000.json")
        << R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,)"
           R"("readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}})"
           "\n"
        << R"({"metaData":{"id":"a","format":{"provider":"parquet","options":{}},)"
           R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
           R"("configuration":{}}})"
           "\n"
        << Add("first", 100);
    table_ = Import("t", "table");
    uri_ = database_->UriText("t");
    connection_ = database_->Connect();
  }

  store::TableRow Import(const std::string& name, const std::string& folder) const {
    const auto report = ImportTable((folder_.path() / folder).native(), database_->UriText(name));
    EXPECT_TRUE(report.has_value()) << report.error().message();
    return **store::MetadataStore(*database_->Connect()).FindTable(name);
  }

  // A commit of that text as its writer would make it: a blind append on top of version 0, or, with
  // `expected`, after that one.
  std::unique_ptr<WrittenCommit> Write(const std::string& text,
                                       std::optional<Version> expected = std::nullopt,
                                       const store::TableRow* table = nullptr) {
    if (table == nullptr) table = &table_;
    auto written = std::make_unique<WrittenCommit>();
    log::ChunkOptions options;
    options.table = table->table_id;
    options.table_root = protocol::CanonicalRootOfLocation(table->location);
    written->id = fmt::format("commit {}", ++commits_);
    written->body = Info(written->id) + text;
    auto rows = log::CommitRows::Make(written->body, options);
    EXPECT_TRUE(rows.has_value()) << rows.error().message();
    written->rows.emplace(*std::move(rows));
    store::TableCommit& commit = written->commit;
    commit.table_id = table->table_id;
    commit.expected = expected;
    commit.metadata_version = commit.protocol_version = Version(0);
    commit.timestamp = Timestamp(1);
    commit.commit_id = written->id;
    commit.attempt_id = "attempt";
    written->rows->FillIn(commit);
    return written;
  }
  store::CommitAnswer Commit(const std::string& text,
                             std::optional<Version> expected = std::nullopt,
                             const std::function<void(store::TableCommit&)>& change = nullptr) {
    const auto written = Write(text, expected);
    if (change) change(written->commit);
    auto answer = store::RunCommit(*connection_, written->commit);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer.value_or(store::CommitAnswer());
  }

  void ExpectDone(const store::CommitAnswer& answer, std::int64_t version, std::int64_t num_files,
                  std::int64_t bytes) {
    ASSERT_EQ(answer.kind, store::CommitAnswer::Kind::kDone)
        << "refused: " << static_cast<int>(answer.refusal);
    EXPECT_EQ(answer.version, Version(version));
    EXPECT_EQ(answer.num_files, num_files);
    EXPECT_EQ(answer.size_in_bytes, bytes);
  }

  void ExpectRefused(const store::CommitAnswer& answer, store::CommitRefusal refusal) {
    ASSERT_EQ(answer.kind, store::CommitAnswer::Kind::kRefused);
    EXPECT_EQ(static_cast<int>(answer.refusal), static_cast<int>(refusal));
  }

  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    const auto table = DeltaTable::Open(uri_);
    const auto snapshot = table->LoadSnapshot();
    EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
    auto files = (*snapshot)->OpenFiles({.order = FileOrder::kByPath});
    for (;;) {
      const auto batch = (*files)->Next();
      EXPECT_TRUE(batch.has_value()) << batch.error().message();
      if (!batch || !*batch) return paths;
      for (const AddFile& add : (*batch)->files()) paths.emplace_back(add.path);
    }
  }

  void TearDown() override {
    const auto report = VerifyTable(uri_);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    for (const Difference& difference : report->differences) {
      ADD_FAILURE() << difference.where << ": " << difference.message;
    }
  }

  base::TempFolder folder_;
  std::unique_ptr<TestDatabase> database_ = TestDatabase::Make(GetParam());
  std::string uri_;
  std::unique_ptr<store::Connection> connection_;
  store::TableRow table_;
  int commits_ = 0;
};

}  // namespace deltalakedb::testing
