// Log clean-up of a mirror that the library published: what is left can be read at every step.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/create.h"
#include "deltalakedb/mirror.h"
#include "deltalakedb/table.h"
#include "deltalakedb/transaction.h"
#include "log/file_log.h"
#include "mirror/log_cleanup.h"
#include "mirror/mirror_source.h"
#include "storage/file_system.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "tests/test_database.h"

namespace deltalakedb {
namespace {

using ::testing::ElementsAre;
using testing::TestDatabase;

constexpr std::string_view kSchema =
    R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]})";
constexpr std::int64_t kVersions = 10;  // after version 0, each with a file more
constexpr std::int64_t kLastCheckpoint = 9;

// A table with checkpoints at 3, 6 and 9.
class MirrorCleanupTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    database_ = TestDatabase::Make(GetParam());
    ASSERT_NE(database_, nullptr);
  }

  void Make(const std::map<std::string, std::string>& properties = {}) {
    NewTable table;
    table.schema_json = kSchema;
    table.location = location_;
    table.properties = properties;
    table.properties["delta.checkpointInterval"] = "3";
    const auto created = CreateTable(uri(), table);
    ASSERT_TRUE(created) << created.error().message();
    ASSERT_TRUE(AddMirror(uri()));
    const auto writer = TableWriter::Open(uri());
    ASSERT_TRUE(writer) << writer.error().message();
    for (std::int64_t version = 1; version <= kVersions; ++version) {
      auto transaction = writer->Begin();
      ASSERT_TRUE(transaction) << transaction.error().message();
      ASSERT_TRUE(transaction->AddLine(
          fmt::format(R"({{"add":{{"path":"f{}","partitionValues":{{}},"size":{},)"
                      R"("modificationTime":1,"dataChange":true}}}})",
                      version, version),
          1));
      ASSERT_TRUE(transaction->Commit());
    }
  }

  // So many days from now.
  Result<std::size_t> CleanUp(
      int days, std::size_t files_max = mirror::kCleanupFilesMax,
      std::function<Result<void>()> note = [] { return Result<void>(); }) {
    auto opened = store::Database::Open(database_->uri(), store::DatabaseMode::kRead);
    if (!opened) return Fail(opened.error());
    const std::shared_ptr<store::Database> database = *std::move(opened);
    const auto row = database->Read([](store::Connection& connection) {
      return store::MetadataStore(connection).FindTable("t");
    });
    if (!row) return Fail(row.error());
    const auto impl = MirrorSource::Impl::Open(database, (*row)->table_id);
    if (!impl) return Fail(impl.error());
    const auto now = std::chrono::system_clock::now().time_since_epoch() + std::chrono::days(days);
    return mirror::CleanUpLog(
        MirrorSource(**impl, NullLogSink()),
        {.file_system = storage::LocalFileSystem(),
         .log_path = location_ + "/_delta_log",
         .published = Version(kVersions),
         .absolute_paths = false,
         .now = Timestamp(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()),
         .files_max = files_max,
         .note = std::move(note)});
  }

  void ExpectReadable() const {
    const auto log = log::FileLog::At(storage::LocalFileSystem(), location_, NullLogSink());
    for (const std::int64_t version : {kLastCheckpoint, kVersions}) {
      const auto snapshot = log->LoadSnapshot(TableVersion::At(Version(version)));
      ASSERT_TRUE(snapshot) << snapshot.error().message();
      EXPECT_EQ((*snapshot)->LoadTotals()->num_files, version);
    }
    EXPECT_EQ(log->LoadLatestVersion().value_or(Version(-1)), Version(kVersions));
    const auto history = log->LoadHistory({});
    EXPECT_TRUE(history.has_value());
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(location_ + "/_delta_log")) {
      if (entry.is_regular_file()) names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  std::string uri() const { return database_->UriText("t"); }

  base::TempFolder folder_;
  std::string location_ = (folder_.path() / "t").string();
  std::unique_ptr<TestDatabase> database_;
};

INSTANTIATE_TEST_SUITE_P(, MirrorCleanupTest, ::testing::ValuesIn(TestDatabase::Kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(MirrorCleanupTest, Log_IsReadableAtEveryStepAndTheCatalogKeepsAll) {
  Make();
  const auto step = [&]() -> Result<void> {
    ExpectReadable();
    return {};
  };
  const auto removed = CleanUp(40, mirror::kCleanupFilesMax, step);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_EQ(*removed, 9U + 2U);
  ExpectReadable();
  EXPECT_THAT(Names(),
              ElementsAre("00000000000000000009.checkpoint.parquet", "00000000000000000009.json",
                          "00000000000000000010.json", "_last_checkpoint"));
  EXPECT_EQ(CleanUp(40).value_or(1), 0U);
  const auto verified = VerifyMirrors(uri());
  ASSERT_TRUE(verified) << verified.error().message();
  EXPECT_TRUE(verified->front().differences.empty());
  const auto table = DeltaTable::Open(uri());
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(table->LoadHistory()->size(), 11U);
}

TEST_P(MirrorCleanupTest, Sidecars_GoWithTheirCheckpoints) {
  Make({{"delta.checkpointPolicy", "v2"}, {"delta.feature.v2Checkpoint", "supported"}});
  const auto count = [&] {
    const auto files = storage::LocalFileSystem().List(location_ + "/_delta_log/_sidecars");
    return files ? files->size() : 0U;
  };
  ASSERT_EQ(count(), 3U);
  const auto removed = CleanUp(40);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_EQ(*removed, 9U + 2U + 2U);
  EXPECT_EQ(count(), 1U);
  ExpectReadable();
}

TEST_P(MirrorCleanupTest, WhatIsNotOldEnough_Stays) {
  Make();
  const auto before = Names();
  EXPECT_EQ(CleanUp(0).value_or(1), 0U);
  EXPECT_EQ(CleanUp(29).value_or(1), 0U);
  EXPECT_EQ(Names(), before);
}

TEST_P(MirrorCleanupTest, Run_IsBoundedAndTheNextGoesOn) {
  Make();
  for (const std::size_t expected : {4U, 4U, 3U, 0U}) {
    EXPECT_EQ(CleanUp(40, 4).value_or(99), expected);
    ExpectReadable();
  }
}

TEST_P(MirrorCleanupTest, DamagedCheckpoint_ReplacesNothing) {
  Make();
  const std::string path = location_ + "/_delta_log/00000000000000000009.checkpoint.parquet";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const auto before = Names();
  const auto removed = CleanUp(40);
  ASSERT_FALSE(removed.has_value());
  EXPECT_EQ(removed.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Names(), before);
}

TEST_P(MirrorCleanupTest, CheckpointOfAnotherState_ReplacesNothing) {
  Make();
  const std::string log = location_ + "/_delta_log/";
  std::filesystem::copy_file(log + "00000000000000000006.checkpoint.parquet",
                             log + "00000000000000000009.checkpoint.parquet",
                             std::filesystem::copy_options::overwrite_existing);
  const auto before = Names();
  const auto removed = CleanUp(40);
  ASSERT_FALSE(removed.has_value());
  EXPECT_EQ(removed.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Names(), before);
}

TEST_P(MirrorCleanupTest, RunThatLostItsLease_Stops) {
  Make();
  const auto before = Names();
  const auto removed = CleanUp(40, mirror::kCleanupFilesMax, [&]() -> Result<void> {
    return Fail(ErrorCode::kBusy, "another process publishes");
  });
  ASSERT_FALSE(removed.has_value());
  EXPECT_EQ(removed.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(Names(), before);
}

}  // namespace
}  // namespace deltalakedb
