#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/checkpoint_bytes_internal.h"
#include "storage/checkpoint_parquet.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::storage {
namespace {

using namespace testing_checkpoints;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<std::vector<RemoveBatch>> ReadBatches(const std::shared_ptr<const InputFile>& file) {
  const auto checkpoint = ParquetCheckpoint::Open(file);
  if (!checkpoint) return Fail(checkpoint.error());
  auto stream = (*checkpoint)->OpenRemoves();
  if (!stream) return Fail(stream.error());
  std::vector<RemoveBatch> batches;
  for (;;) {
    auto decoder = (*stream)->Next();
    if (!decoder) return Fail(decoder.error());
    if (!*decoder) return batches;
    auto batch = (**decoder)();
    if (!batch) return Fail(batch.error());
    batches.push_back(*std::move(batch));
  }
}

// The tombstones of a file that has to be readable, and the memory of their texts.
class ReadRemoves {
 public:
  explicit ReadRemoves(std::string bytes) {
    auto batches = ReadBatches(File(std::move(bytes)));
    if (!batches) {
      ADD_FAILURE() << batches.error().message();
      return;
    }
    batches_ = *std::move(batches);
    for (const RemoveBatch& batch : batches_) {
      removes.insert(removes.end(), batch.files.begin(), batch.files.end());
    }
  }

  std::vector<std::string> Paths() const {
    std::vector<std::string> paths;
    for (const RemoveFile& remove : removes) paths.emplace_back(remove.path);
    return paths;
  }

  std::vector<RemoveFile> removes;

 private:
  std::vector<RemoveBatch> batches_;
};

void ExpectCorrupt(const std::string& bytes, const std::string& message) {
  const auto batches = ReadBatches(File(bytes));
  ASSERT_FALSE(batches.has_value()) << message;
  EXPECT_EQ(batches.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(batches.error().message(), HasSubstr(message));
  EXPECT_THAT(batches.error().message(), HasSubstr("/log/c.parquet"));
  EXPECT_EQ(*batches.error().FindFact("file"), Error::FactValue("/log/c.parquet"));
}

constexpr const char* kFullRow =
    R"({"path":"p=1/a%20b","deletionTimestamp":-8,"dataChange":true,"extendedFileMetadata":false,)"
    R"("partitionValues":[["p","1"],["q",null],["r",""]],"size":7,)"
    R"("deletionVector":{"storageType":"u","pathOrInlineDv":"xy","offset":1,"sizeInBytes":2,)"
    R"("cardinality":3},"baseRowId":4,"defaultRowCommitVersion":5,)"
    R"("stats":"{\"numRecords\":1}","tags":[["t","v"]]})";

TEST(CheckpointRemovesTest, RemoveWithEveryField_IsReadWhateverTheTypes) {
  for (const auto& text : {arrow::utf8(), arrow::large_utf8(), arrow::binary()}) {
    for (const auto& integer : {arrow::int64(), arrow::int32(), arrow::int8()}) {
      SCOPED_TRACE(text->ToString() + " " + integer->ToString());
      const ReadRemoves read(
          Removes(RemoveFields({text, integer}), "null," + std::string(kFullRow)));
      ASSERT_EQ(read.removes.size(), 1U);
      const RemoveFile& remove = read.removes[0];
      EXPECT_EQ(remove.path, "p=1/a%20b");
      EXPECT_EQ(remove.deletion_timestamp, -8);
      EXPECT_TRUE(remove.data_change);
      EXPECT_EQ(remove.extended_file_metadata, false);
      ASSERT_EQ(remove.partition_values->size(), 3U);
      EXPECT_EQ((*remove.partition_values)[0].key, "p");
      EXPECT_EQ((*remove.partition_values)[1].value, std::nullopt);
      EXPECT_EQ((*remove.partition_values)[2].value, "");
      EXPECT_EQ(remove.size, 7);
      EXPECT_EQ(remove.deletion_vector->UniqueId(), "uxy@1");
      EXPECT_EQ(remove.deletion_vector->size_in_bytes, 2);
      EXPECT_EQ(remove.deletion_vector->cardinality, 3);
      EXPECT_EQ(remove.base_row_id, 4);
      EXPECT_EQ(remove.default_row_commit_version, 5);
      EXPECT_EQ(remove.stats, R"({"numRecords":1})");
      EXPECT_EQ((*remove.tags)[0].value, "v");
    }
  }
}

TEST(CheckpointRemovesTest, FieldsThatAreMissing_AreAbsent) {
  for (const auto& fields : {RemoveFields(), Fields{field("path", arrow::utf8())}}) {
    const ReadRemoves read(Removes(fields, R"({"path":"a"})"));
    ASSERT_EQ(read.removes.size(), 1U);
    const RemoveFile& remove = read.removes[0];
    EXPECT_EQ(remove.path, "a");
    EXPECT_EQ(remove.deletion_timestamp, std::nullopt);
    EXPECT_FALSE(remove.data_change);
    EXPECT_EQ(remove.extended_file_metadata, std::nullopt);
    EXPECT_FALSE(remove.partition_values.has_value());
    EXPECT_EQ(remove.size, std::nullopt);
    EXPECT_EQ(remove.stats, std::nullopt);
    EXPECT_FALSE(remove.tags.has_value());
    EXPECT_FALSE(remove.deletion_vector.has_value());
    EXPECT_EQ(remove.base_row_id, std::nullopt);
  }
}

TEST(CheckpointRemovesTest, DeletionVectorOfNulls_IsNone) {
  const ReadRemoves read(Removes(RemoveFields(), R"({"path":"a","deletionVector":{}})"));
  EXPECT_FALSE(read.removes.at(0).deletion_vector.has_value());
}

TEST(CheckpointRemovesTest, RowsOfOtherActions_AreLeftOut) {
  const auto schema = CheckpointSchema();
  const ReadRemoves read(Bytes(schema,
                               R"({"add":{"path":"a","size":1}},{"remove":{"path":"b"}},)"
                               R"({"txn":{"appId":"x","version":1}},{"remove":{"path":"c"}})"));
  EXPECT_THAT(read.Paths(), ElementsAre("b", "c"));
  EXPECT_THAT(ReadRemoves(Bytes(schema, R"({"add":{"path":"a","size":1}})")).Paths(), IsEmpty());
  EXPECT_THAT(ReadRemoves(Adds(AddFields(), R"({"path":"a","size":1})")).Paths(), IsEmpty());
}

TEST(CheckpointRemovesTest, ManyRows_ComeInBatches) {
  std::string rows;
  const auto count = 3 * ParquetCheckpoint::kBatchRows + 5;
  for (std::int64_t i = 0; i < count; ++i) {
    rows += (i == 0 ? "" : ",") + std::string(R"({"path":"f)") + std::to_string(i) + R"("})";
  }
  const auto batches = ReadBatches(File(Removes(RemoveFields(), rows)));
  ASSERT_TRUE(batches.has_value()) << batches.error().message();
  EXPECT_GE(batches->size(), 4U);
  std::int64_t next = 0;
  for (const RemoveBatch& batch : *batches) {
    EXPECT_LE(std::ssize(batch.files), ParquetCheckpoint::kBatchRows);
    for (const RemoveFile& remove : batch.files) {
      ASSERT_EQ(remove.path, "f" + std::to_string(next++));
    }
  }
  EXPECT_EQ(next, count);
}

TEST(CheckpointRemovesTest, WrongRows_AreCorruptAndNamed) {
  ExpectCorrupt(Removes(RemoveFields(), R"({"size":1})"), "remove.path is missing");
  ExpectCorrupt(Removes({field("size", arrow::int64())}, R"({"size":1})"),
                "remove.path is missing");
  ExpectCorrupt(Removes({field("path", arrow::int64())}, R"({"path":1})"), "remove.path");
  ExpectCorrupt(Removes({field("path", arrow::utf8()), field("size", arrow::utf8())},
                        R"({"path":"a","size":"1"})"),
                "remove.size");
  ExpectCorrupt(Removes(RemoveFields(), R"({"path":"a","deletionVector":{"storageType":"u"}})"),
                "remove.deletionVector lacks its path");
  const Fields wide = {
      field("path", arrow::utf8()),
      field("deletionVector", arrow::struct_({field("storageType", arrow::utf8()),
                                              field("pathOrInlineDv", arrow::utf8()),
                                              field("offset", arrow::int64())}))};
  ExpectCorrupt(Removes(wide, R"({"path":"a","deletionVector":{"storageType":"u",)"
                              R"("pathOrInlineDv":"x","offset":2147483648}})"),
                "remove.deletionVector.offset is out of range");
  ExpectCorrupt(OneColumn("remove", arrow::utf8(), R"("a")"), "remove");
}

TEST(CheckpointRemovesTest, TextThatIsNotUtf8_IsCorrupt) {
  arrow::StringBuilder paths;
  ASSERT_TRUE(paths.Append("good").ok() && paths.Append("a\xC3").ok());
  const auto removes =
      arrow::StructArray::Make({*paths.Finish()}, std::vector<std::string>{"path"});
  ExpectCorrupt(WriteParquet(arrow::Table::Make(
                    arrow::schema({field("remove", (*removes)->type())}), {*removes})),
                "remove.path has text that is not UTF-8");
}

// Changed anywhere, a file gives an error of this kind or rows, and never anything else.
TEST(CheckpointRemovesTest, DamagedPages_AreCorrupt) {
  const std::string whole = Removes(RemoveFields(), kFullRow);
  int refused = 0;
  for (std::size_t at = 4; at + 8 < whole.size(); at += 7) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5A);
    const auto batches = ReadBatches(File(damaged));
    if (batches) continue;
    EXPECT_EQ(batches.error().code(), ErrorCode::kCorrupt) << batches.error().message();
    ++refused;
  }
  EXPECT_GT(refused, 0);
}

TEST(CheckpointRemovesTest, FileThatCannotBeRead_GivesThatError) {
  MemoryFileSystem files;
  files.Write("/c.parquet", Removes(RemoveFields(), kFullRow));
  const auto checkpoint = ParquetCheckpoint::Open(*files.Open("/c.parquet"));
  ASSERT_TRUE(checkpoint.has_value());
  files.SetFault([](FileOperation, const std::string&) { return Error(ErrorCode::kIo, "no"); });
  const auto stream = (*checkpoint)->OpenRemoves();
  if (!stream) {
    EXPECT_EQ(stream.error().code(), ErrorCode::kIo);
  } else {
    EXPECT_EQ((*stream)->Next().error().code(), ErrorCode::kIo);
  }
}

}  // namespace
}  // namespace deltalakedb::storage
