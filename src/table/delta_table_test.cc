#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "deltalakedb/table.h"

namespace deltalakedb {
namespace {

// The sketch of docs/reading.md.
Result<std::int64_t> CountLargeFiles(std::string_view uri) {
  Result<DeltaTable> table = DeltaTable::Open(uri);
  if (!table) return Fail(table.error());
  Result<std::shared_ptr<const Snapshot>> snapshot = table->LoadSnapshot();
  if (!snapshot) return Fail(snapshot.error());
  Result<std::unique_ptr<FileStream>> files = (*snapshot)->OpenFiles({});
  if (!files) return Fail(files.error());
  std::int64_t count = 0;
  for (;;) {
    Result<std::optional<FileBatch>> batch = (*files)->Next();
    if (!batch) return Fail(batch.error());
    if (!*batch) return count;
    for (const AddFile& add : (*batch)->files()) count += add.size > 1 << 30 ? 1 : 0;
  }
}

class DeltaTableTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("deltalakedb-table-test-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "_delta_log");
    WriteCommit(0, R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}
{"add":{"path":"small.parquet","partitionValues":{},"size":10,"modificationTime":1,"dataChange":true}}
{"add":{"path":"large.parquet","partitionValues":{},"size":2147483648,"modificationTime":1,"dataChange":true}}
)");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void WriteCommit(int version, std::string_view text) const {
    std::ofstream(folder_ / "_delta_log" /
                  (std::string(19, '0') + std::to_string(version) + ".json"))
        << text;
  }

  std::filesystem::path folder_;
};

TEST_F(DeltaTableTest, SketchOfTheGuide_CountsFiles) {
  const auto count = CountLargeFiles(folder_.string());
  ASSERT_TRUE(count) << count.error().message();
  EXPECT_EQ(*count, 1);
}

TEST_F(DeltaTableTest, FileUriAndTrailingSlash_NameTheSameTable) {
  for (const std::string& uri : {"file://" + folder_.string(), folder_.string() + "/",
                                 folder_.string() + "/../" + folder_.filename().string()}) {
    const auto count = CountLargeFiles(uri);
    ASSERT_TRUE(count) << uri << ": " << count.error().message();
    EXPECT_EQ(*count, 1);
  }
}

TEST_F(DeltaTableTest, LaterCommit_IsSeenByTheSameTable) {
  const auto table = DeltaTable::Open(folder_.string());
  ASSERT_TRUE(table);
  const auto before = table->LoadSnapshot();
  ASSERT_TRUE(before);
  WriteCommit(1, R"({"remove":{"path":"small.parquet","dataChange":true}})");
  EXPECT_EQ(*table->LoadLatestVersion(), Version(1));
  EXPECT_EQ((*table->LoadSnapshot())->LoadTotals()->num_files, 1);
  EXPECT_EQ((*before)->LoadTotals()->num_files, 2) << "a snapshot never changes";
}

TEST(DeltaTableOpen, Catalog_IsInvalidBecauseATableIsNeeded) {
  const auto table = DeltaTable::Open("deltasql://sqlite/meta.db");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), ErrorCode::kInvalidArgument);
}

TEST(DeltaTableOpen, FolderWithoutLog_IsNotFound) {
  const auto table = DeltaTable::Open("/nonexistent/orders");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace deltalakedb
