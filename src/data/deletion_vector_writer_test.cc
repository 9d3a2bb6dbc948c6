#include "data/deletion_vector_writer.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/temp_folder.h"
#include "data/data_folder.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::data {
namespace {

using storage::FileOperation;
using storage::MemoryFileSystem;

std::vector<std::int64_t> EveryThird(std::int64_t count) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < count; ++i) rows.push_back(3 * i);
  return rows;
}

std::size_t FilesIn(const MemoryFileSystem& files) {
  const auto listed = files.List("/table");
  return listed ? listed->size() : 0;
}

TEST(DeletionVectorWriterTest, FewRows_AreInlineWithoutAFile) {
  const MemoryFileSystem files;
  DeletionVectorWriter writer("file:/table", &files);
  const auto vector = writer.Write({1, 5, 1'000'000});
  ASSERT_TRUE(vector) << vector.error().message();
  EXPECT_EQ(vector->storage_type, "i");
  EXPECT_EQ(vector->offset, std::nullopt);
  EXPECT_EQ(vector->cardinality, 3);
  ASSERT_TRUE(writer.Finish());
  EXPECT_EQ(FilesIn(files), 0U);
  EXPECT_EQ(DataFolder("/nowhere").LoadDeletedRows(vector->View()),
            (std::vector<std::int64_t>{1, 5, 1'000'000}));
}

TEST(DeletionVectorWriterTest, ManyRowsOfSeveralFiles_ShareOneFileAndAreReadBack) {
  const base::TempFolder folder;
  const std::string root = folder.path();
  std::vector<WrittenVector> vectors;
  {
    DeletionVectorWriter writer("file:" + root);
    for (const std::int64_t count : {200, 10'000}) {
      auto vector = writer.Write(EveryThird(count));
      ASSERT_TRUE(vector) << vector.error().message();
      EXPECT_EQ(vector->storage_type, "u");
      vectors.push_back(*std::move(vector));
    }
    ASSERT_TRUE(writer.Finish());
    writer.Keep();
  }
  EXPECT_EQ(vectors[0].offset, 1);
  EXPECT_EQ(vectors[1].offset, 1 + 4 + vectors[0].size_in_bytes + 4);
  EXPECT_EQ(vectors[0].path_or_inline_dv, vectors[1].path_or_inline_dv);
  const DataFolder table(root);
  EXPECT_EQ(table.LoadDeletedRows(vectors[0].View()), EveryThird(200));
  EXPECT_EQ(table.LoadDeletedRows(vectors[1].View()), EveryThird(10'000));
}

TEST(DeletionVectorWriterTest, VectorsThatAreNotKept_LeaveNoFile) {
  const MemoryFileSystem files;
  {
    DeletionVectorWriter writer("file:/table", &files);
    ASSERT_TRUE(writer.Write(EveryThird(200)));
    EXPECT_EQ(FilesIn(files), 0U);
    ASSERT_TRUE(writer.Finish());
    EXPECT_EQ(FilesIn(files), 1U);
  }
  EXPECT_EQ(FilesIn(files), 0U);
}

TEST(DeletionVectorWriterTest, FailureToFinish_IsAnErrorAndLeavesNoFile) {
  MemoryFileSystem files;
  files.SetFault([](FileOperation operation, const std::string&) {
    return operation == FileOperation::kPut
               ? std::optional(Error(ErrorCode::kIo, "the disk is full"))
               : std::nullopt;
  });
  {
    DeletionVectorWriter writer("file:/table", &files);
    ASSERT_TRUE(writer.Write(EveryThird(200)));
    const auto finished = writer.Finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code(), ErrorCode::kIo);
  }
  EXPECT_EQ(FilesIn(files), 0U);
}

TEST(DeletionVectorWriterTest, NoRowsAndRowsOutOfOrder_AreRefused) {
  const MemoryFileSystem files;
  DeletionVectorWriter writer("file:/table", &files);
  for (const std::vector<std::int64_t>& rows : {std::vector<std::int64_t>{}, {2, 1}}) {
    const auto vector = writer.Write(rows);
    ASSERT_FALSE(vector);
    EXPECT_EQ(vector.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace deltalakedb::data
