#include <arrow/api.h>
#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deltalakedb/file_stream.h"

namespace deltalakedb {
namespace {

// Gives out batches that it is given, then an error or the end.
class ListedFiles final : public FileStream {
 public:
  ListedFiles(std::deque<std::vector<AddFile>> batches, std::optional<Error> error,
              std::shared_ptr<int> life)
      : batches_(std::move(batches)), error_(std::move(error)), life_(std::move(life)) {}

  Result<std::optional<FileBatch>> Next() override {
    if (batches_.empty()) {
      if (error_) return Fail(*error_);
      return std::optional<FileBatch>();
    }
    FileBatch batch(std::move(batches_.front()), {});
    batches_.pop_front();
    return std::optional<FileBatch>(std::move(batch));
  }

 private:
  std::deque<std::vector<AddFile>> batches_;
  std::optional<Error> error_;
  std::shared_ptr<int> life_;
};

struct Exported {
  std::shared_ptr<int> life = std::make_shared<int>();
  ArrowArrayStream stream{};

  explicit Exported(std::deque<std::vector<AddFile>> batches,
                    std::optional<Error> error = std::nullopt) {
    ExportToArrow(std::make_unique<ListedFiles>(std::move(batches), std::move(error), life),
                  &stream);
  }
};

const std::vector<StringMapEntry> kMap = {{"p", "1"}, {"q", std::nullopt}, {"", ""}};

AddFile FullAdd() {
  AddFile add;
  add.path = "a%20b";
  add.partition_values = kMap;
  add.size = 1;
  add.modification_time = 2;
  add.data_change = true;
  add.stats = "{}";
  add.tags = StringMapView();
  add.deletion_vector = DeletionVector{.storage_type = "u",
                                       .path_or_inline_dv = "x",
                                       .offset = 3,
                                       .size_in_bytes = 4,
                                       .cardinality = 5};
  add.base_row_id = 6;
  add.default_row_commit_version = 7;
  add.clustering_provider = "liquid";
  return add;
}

TEST(ArrowExportTest, Files_BecomeRowsWithDeltasNames) {
  AddFile plain;
  plain.path = "b";
  Exported exported({{FullAdd()}, {plain, plain}});
  const auto reader = arrow::ImportRecordBatchReader(&exported.stream);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ((*reader)->schema()->ToString(),
            "path: string not null\n"
            "partitionValues: map<string, string> not null\n"
            "size: int64 not null\n"
            "modificationTime: int64 not null\n"
            "dataChange: bool not null\n"
            "stats: string\n"
            "tags: map<string, string>\n"
            "deletionVector: struct<storageType: string not null, pathOrInlineDv: string not null, "
            "offset: int32, sizeInBytes: int32 not null, cardinality: int64 not null>\n"
            "baseRowId: int64\n"
            "defaultRowCommitVersion: int64\n"
            "clusteringProvider: string");
  const auto batches = (*reader)->ToRecordBatches();
  ASSERT_TRUE(batches.ok()) << batches.status().ToString();
  ASSERT_EQ(batches->size(), 2U);
  for (const auto& batch : *batches) ASSERT_TRUE(batch->ValidateFull().ok());
  const auto cell = [](const arrow::RecordBatch& batch, const std::string& column, int row) {
    return batch.GetColumnByName(column)->GetScalar(row).ValueOrDie()->ToString();
  };
  const arrow::RecordBatch& full = *batches->at(0);
  EXPECT_EQ(cell(full, "path", 0), "a%20b");
  EXPECT_EQ(cell(full, "partitionValues", 0),
            R"(map<string, string>[{key:string = p, value:string = 1}, )"
            R"({key:string = q, value:string = null}, {key:string = , value:string = }])");
  EXPECT_EQ(cell(full, "dataChange", 0), "true");
  EXPECT_EQ(cell(full, "tags", 0), "map<string, string>[]");
  EXPECT_EQ(cell(full, "deletionVector", 0),
            "{storageType:string = u, pathOrInlineDv:string = x, offset:int32 = 3, "
            "sizeInBytes:int32 = 4, cardinality:int64 = 5}");
  EXPECT_EQ(cell(full, "defaultRowCommitVersion", 0), "7");
  const arrow::RecordBatch& others = *batches->at(1);
  ASSERT_EQ(others.num_rows(), 2);
  for (const char* const column : {"stats", "tags", "deletionVector", "baseRowId",
                                   "defaultRowCommitVersion", "clusteringProvider"}) {
    EXPECT_EQ(others.GetColumnByName(column)->null_count(), 2) << column;
  }
  EXPECT_EQ(cell(others, "partitionValues", 1), "map<string, string>[]");
}

TEST(ArrowExportTest, NoFiles_GiveNoBatchesAndNoNoise) {
  testing::internal::CaptureStderr();
  Exported exported({});
  const auto reader = arrow::ImportRecordBatchReader(&exported.stream);
  EXPECT_TRUE((*reader)->ToRecordBatches()->empty());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ArrowExportTest, ErrorOfTheStream_ReachesTheConsumer) {
  Exported exported({{FullAdd()}}, Error(ErrorCode::kCorrupt, "page 7 is broken"));
  const auto reader = arrow::ImportRecordBatchReader(&exported.stream);
  std::shared_ptr<arrow::RecordBatch> batch;
  EXPECT_TRUE((*reader)->ReadNext(&batch).ok());
  const arrow::Status failed = (*reader)->ReadNext(&batch);
  EXPECT_FALSE(failed.ok());
  EXPECT_NE(failed.message().find("page 7 is broken"), std::string::npos);
}

TEST(ArrowExportTest, StreamThatNobodyReads_IsReleased) {
  Exported exported({{FullAdd()}});
  EXPECT_EQ(exported.life.use_count(), 2);
  exported.stream.release(&exported.stream);
  EXPECT_EQ(exported.life.use_count(), 1);
}

}  // namespace
}  // namespace deltalakedb
