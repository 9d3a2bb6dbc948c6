#include "storage/checkpoint_parquet.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/checkpoint_bytes_internal.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::storage {
namespace {

using namespace testing_checkpoints;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr CheckpointColumns kEveryChoice[] = {
    CheckpointColumns::kSize, CheckpointColumns::kIdentity, CheckpointColumns::kWithoutStats,
    CheckpointColumns::kAll};

Result<std::vector<FileBatch>> ReadBatches(const std::shared_ptr<const InputFile>& file,
                                           CheckpointColumns columns = CheckpointColumns::kAll) {
  const auto checkpoint = ParquetCheckpoint::Open(file);
  if (!checkpoint) return Fail(checkpoint.error());
  auto stream = (*checkpoint)->OpenAdds(columns);
  if (!stream) return Fail(stream.error());
  std::vector<FileBatch> batches;
  for (;;) {
    auto decoder = (*stream)->Next();
    if (!decoder) return Fail(decoder.error());
    if (!*decoder) return batches;
    auto batch = (**decoder)();
    if (!batch) return Fail(batch.error());
    batches.push_back(*std::move(batch));
  }
}

// The adds of a file that has to be readable, and the memory of their texts.
class ReadAdds {
 public:
  explicit ReadAdds(std::string bytes, CheckpointColumns columns = CheckpointColumns::kAll) {
    auto batches = ReadBatches(File(std::move(bytes)), columns);
    if (!batches) {
      ADD_FAILURE() << batches.error().message();
      return;
    }
    batches_ = *std::move(batches);
    for (const FileBatch& batch : batches_) {
      adds.insert(adds.end(), batch.files().begin(), batch.files().end());
    }
  }

  std::vector<AddFile> adds;

 private:
  std::vector<FileBatch> batches_;
};

// The one error that a file gives whichever way its files are read.
void ExpectCorruptAdds(const std::string& bytes, const std::string& message) {
  for (const CheckpointColumns columns :
       {CheckpointColumns::kAll, CheckpointColumns::kWithoutStats}) {
    const auto batches = ReadBatches(File(bytes), columns);
    ASSERT_FALSE(batches.has_value()) << message;
    EXPECT_EQ(batches.error().code(), ErrorCode::kCorrupt);
    EXPECT_THAT(batches.error().message(), HasSubstr(message));
    EXPECT_THAT(batches.error().message(), HasSubstr("/log/c.parquet"));
    EXPECT_EQ(*batches.error().FindFact("file"), Error::FactValue("/log/c.parquet"));
  }
}

std::string Text(const std::optional<std::string_view>& text) {
  return text ? std::string(*text) : "<null>";
}

constexpr const char* kFullRow =
    R"({"path":"p=1/a%20b","partitionValues":[["p","1"],["q",null],["r",""]],"size":7,)"
    R"("modificationTime":-8,"dataChange":true,"stats":"{\"numRecords\":1}","tags":[["t","v"]],)"
    R"("deletionVector":{"storageType":"u","pathOrInlineDv":"xy","offset":1,"sizeInBytes":2,)"
    R"("cardinality":3},"baseRowId":4,"defaultRowCommitVersion":5,"clusteringProvider":"liquid"})";
constexpr const char* kMinimalRow =
    R"({"path":"b","partitionValues":[],"size":1,"modificationTime":2,"dataChange":false})";

// ---- files --------------------------------------------------------------------------------------

void ExpectFullRow(const AddFile& add) {
  EXPECT_EQ(add.path, "p=1/a%20b");
  ASSERT_EQ(add.partition_values.size(), 3U);
  EXPECT_EQ(add.partition_values[0].key, "p");
  EXPECT_EQ(add.partition_values[0].value, "1");
  EXPECT_EQ(add.partition_values[1].value, std::nullopt);
  EXPECT_EQ(add.partition_values[2].value, "");
  EXPECT_EQ(add.size, 7);
  EXPECT_EQ(add.modification_time, -8);
  EXPECT_TRUE(add.data_change);
  EXPECT_EQ(add.stats, R"({"numRecords":1})");
  ASSERT_EQ(add.tags->size(), 1U);
  EXPECT_EQ((*add.tags)[0].value, "v");
  EXPECT_EQ(add.deletion_vector->UniqueId(), "uxy@1");
  EXPECT_EQ(add.deletion_vector->size_in_bytes, 2);
  EXPECT_EQ(add.deletion_vector->cardinality, 3);
  EXPECT_EQ(add.base_row_id, 4);
  EXPECT_EQ(add.default_row_commit_version, 5);
  EXPECT_EQ(add.clustering_provider, "liquid");
}

TEST(CheckpointParquetTest, AddWithEveryField_IsReadWhateverTheTypes) {
  for (const auto& text :
       {arrow::utf8(), arrow::large_utf8(), arrow::binary(), arrow::large_binary()}) {
    for (const auto& integer : {arrow::int64(), arrow::int32(), arrow::int16(), arrow::int8()}) {
      SCOPED_TRACE(text->ToString() + " " + integer->ToString());
      const ReadAdds read(Adds(AddFields({text, integer}), std::string("null,") + kFullRow));
      ASSERT_EQ(read.adds.size(), 1U);
      ExpectFullRow(read.adds[0]);
    }
  }
}

TEST(CheckpointParquetTest, DictionaryAndViewTexts_AreRead) {
  const auto paths = arrow::json::DictArrayFromJSONString(
      arrow::dictionary(arrow::int16(), arrow::utf8()), "[1,0,1,null]", R"(["a","b"])");
  // Dictionaries come through Parquet where the schema of Arrow is stored beside its own.
  ASSERT_TRUE(paths.ok()) << paths.status().ToString();
  const auto stats = arrow::json::ArrayFromJSONString(
      arrow::utf8_view(), R"(["s","a text longer than twelve",null,""])");
  const auto sizes = arrow::json::ArrayFromJSONString(arrow::uint32(), "[1,4294967295,3,4]");
  const auto adds = arrow::StructArray::Make({*paths, *stats, *sizes},
                                             std::vector<std::string>{"path", "stats", "size"});
  ASSERT_TRUE(adds.ok());
  const std::string bytes =
      WriteParquet(arrow::Table::Make(arrow::schema({field("add", (*adds)->type())}),
                                      {arrow::ArrayVector{(*adds)->Slice(0, 3)}.front()}));
  const ReadAdds read(bytes);
  ASSERT_EQ(read.adds.size(), 3U);
  EXPECT_EQ(read.adds[0].path, "b");
  EXPECT_EQ(read.adds[1].path, "a");
  EXPECT_EQ(read.adds[2].path, "b");
  EXPECT_EQ(Text(read.adds[1].stats), "a text longer than twelve");
  EXPECT_EQ(read.adds[1].size, 4294967295);
  EXPECT_EQ(read.adds[2].stats, std::nullopt);
}

TEST(CheckpointParquetTest, AddWithRequiredFieldsOnly_HasNoOthers) {
  const ReadAdds read(Adds(AddFields(), std::string(kMinimalRow) + ",null," + kMinimalRow));
  ASSERT_EQ(read.adds.size(), 2U);
  const AddFile& add = read.adds[0];
  EXPECT_EQ(add.path, "b");
  EXPECT_FALSE(add.data_change);
  EXPECT_THAT(add.partition_values, IsEmpty());
  EXPECT_FALSE(add.stats || add.tags || add.deletion_vector || add.base_row_id ||
               add.default_row_commit_version || add.clustering_provider);
  const ReadAdds few(Adds({field("path", arrow::utf8()), field("size", arrow::int64())},
                          R"({"path":"c","size":3})"));
  ASSERT_EQ(few.adds.size(), 1U);
  EXPECT_EQ(few.adds[0].size, 3);
}

TEST(CheckpointParquetTest, FewerColumns_LeaveTheRestUnset) {
  const std::string bytes = Adds(AddFields(), kFullRow);
  const ReadAdds sizes(bytes, CheckpointColumns::kSize);
  ASSERT_EQ(sizes.adds.size(), 1U);
  EXPECT_EQ(sizes.adds[0].size, 7);
  const ReadAdds identities(bytes, CheckpointColumns::kIdentity);
  EXPECT_EQ(identities.adds[0].path, "p=1/a%20b");
  EXPECT_EQ(identities.adds[0].deletion_vector->UniqueId(), "uxy@1");
  EXPECT_FALSE(identities.adds[0].tags);
  const ReadAdds no_stats(bytes, CheckpointColumns::kWithoutStats);
  EXPECT_EQ(no_stats.adds[0].tags->size(), 1U);
  EXPECT_FALSE(no_stats.adds[0].stats);
}

TEST(CheckpointParquetTest, DeletionVectorOfNulls_IsNone) {
  const ReadAdds read(Adds(AddFields(), R"(
      {"path":"a","size":1,"deletionVector":{"storageType":null,"pathOrInlineDv":null,"offset":null,
       "sizeInBytes":null,"cardinality":null}},
      {"path":"b","size":1,"deletionVector":null},
      {"path":"c","size":1,"deletionVector":{"storageType":"i","pathOrInlineDv":"","offset":null,
       "sizeInBytes":0,"cardinality":0}})"));
  EXPECT_FALSE(read.adds[0].deletion_vector);
  EXPECT_FALSE(read.adds[1].deletion_vector);
  EXPECT_EQ(read.adds[2].deletion_vector->UniqueId(), "i");
}

TEST(CheckpointParquetTest, RowsOfManyGroupsAndBatches_AllComeInOrder) {
  constexpr int kRows = 40'000;
  arrow::StringBuilder paths;
  arrow::Int64Builder sizes;
  for (int i = 0; i < kRows; ++i) {
    ASSERT_TRUE(paths.Append("f" + std::to_string(i)).ok());
    ASSERT_TRUE(sizes.Append(i).ok());
  }
  const auto adds = arrow::StructArray::Make({*paths.Finish(), *sizes.Finish()},
                                             std::vector<std::string>{"path", "size"});
  const auto table = arrow::Table::Make(arrow::schema({field("add", (*adds)->type())}), {*adds});
  for (const std::int64_t group : {kRows, 9'999}) {
    const auto batches = ReadBatches(File(WriteParquet(table, group)));
    ASSERT_TRUE(batches.has_value());
    int next = 0;
    for (const FileBatch& batch : *batches) {
      EXPECT_LE(batch.files().size(), static_cast<std::size_t>(ParquetCheckpoint::kBatchRows));
      for (const AddFile& add : batch.files()) {
        ASSERT_EQ(add.path, "f" + std::to_string(next));
        ASSERT_EQ(add.size, next++);
      }
    }
    EXPECT_EQ(next, kRows);
  }
}

TEST(CheckpointParquetTest, Batches_OutliveTheirStreamAndFile) {
  std::vector<FileBatch> batches;
  {
    auto read = ReadBatches(File(Adds(AddFields(), kFullRow)));
    ASSERT_TRUE(read.has_value());
    batches = *std::move(read);
  }
  ExpectFullRow(batches.at(0).files().at(0));
}

TEST(CheckpointParquetTest, AddsOfWrongTypes_AreCorruptByName) {
  const auto replaced = [](const std::string& name, const Type& type) {
    Fields fields = AddFields();
    for (auto& existing : fields) {
      if (existing->name() == name) existing = field(name, type);
    }
    return fields;
  };
  const std::pair<const char*, std::pair<Type, const char*>> cases[] = {
      {"path", {arrow::int32(), "1"}},
      {"path", {arrow::list(arrow::utf8()), R"(["a"])"}},
      {"partitionValues", {arrow::utf8(), R"("a")"}},
      {"partitionValues", {arrow::map(arrow::utf8(), arrow::int64()), R"([["a",1]])"}},
      {"partitionValues", {arrow::struct_({field("p", arrow::utf8())}), R"({"p":"1"})"}},
      {"size", {arrow::float64(), "1.5"}},
      {"size", {arrow::utf8(), R"("1")"}},
      {"size", {arrow::uint64(), "1"}},
      {"modificationTime", {arrow::timestamp(arrow::TimeUnit::MICRO), "1"}},
      {"dataChange", {arrow::int32(), "1"}},
      {"tags", {arrow::list(arrow::utf8()), R"(["a"])"}},
      {"deletionVector", {arrow::utf8(), R"("u")"}},
      {"baseRowId", {arrow::utf8(), R"("1")"}},
      {"clusteringProvider", {arrow::boolean(), "true"}},
  };
  for (const auto& [name, value] : cases) {
    std::string row = R"({"path":"a","size":1,)";
    if (std::string(name) == "path") row = R"({"size":1,)";
    if (std::string(name) == "size") row = R"({"path":"a",)";
    row += "\"" + std::string(name) + "\":" + value.second + "}";
    SCOPED_TRACE(row);
    ExpectCorruptAdds(Adds(replaced(name, value.first), row), "add." + std::string(name));
  }
  const auto stats = ReadBatches(
      File(Adds(replaced("stats", arrow::int32()), R"({"path":"a","size":1,"stats":1})")));
  ASSERT_FALSE(stats.has_value());
  EXPECT_THAT(stats.error().message(), HasSubstr("add.stats"));
}

TEST(CheckpointParquetTest, AddsThatLackWhatTheyNeed_AreCorrupt) {
  ExpectCorruptAdds(Adds(AddFields(), R"({"path":null,"size":1})"), "add.path is missing");
  ExpectCorruptAdds(Adds(AddFields(), R"({"path":"a","size":null})"), "add.size is missing");
  ExpectCorruptAdds(
      Adds(AddFields(), R"({"path":"a","size":1,"deletionVector":{"storageType":"u"}})"),
      "deletionVector");
}

// A number that does not fit would silently make another file of it.
TEST(CheckpointParquetTest, DeletionVectorNumbersOutOfRange_AreCorrupt) {
  Fields fields = AddFields();
  fields[7] = field(
      "deletionVector",
      arrow::struct_({field("storageType", arrow::utf8()), field("pathOrInlineDv", arrow::utf8()),
                      field("offset", arrow::int64()), field("sizeInBytes", arrow::int64())}));
  const ReadAdds fits(Adds(fields, R"({"path":"a","size":1,"deletionVector":
      {"storageType":"u","pathOrInlineDv":"x","offset":2147483647,"sizeInBytes":1}})"));
  EXPECT_EQ(fits.adds.at(0).deletion_vector->offset, 2147483647);
  ExpectCorruptAdds(Adds(fields, R"({"path":"a","size":1,"deletionVector":
      {"storageType":"u","pathOrInlineDv":"x","offset":4294967297,"sizeInBytes":1}})"),
                    "deletionVector.offset is out of range");
  ExpectCorruptAdds(Adds(fields, R"({"path":"a","size":1,"deletionVector":
      {"storageType":"u","pathOrInlineDv":"x","offset":1,"sizeInBytes":4294967297}})"),
                    "deletionVector.sizeInBytes is out of range");
}

// Files that would otherwise pass for checkpoints without any live file.
TEST(CheckpointParquetTest, FileWithoutACheckpointsColumns_IsCorrupt) {
  const std::pair<const char*, std::string> cases[] = {
      {"data", OneColumn("id", arrow::int64(), "1,2,3")},
      {"add is no struct", OneColumn("add", arrow::utf8(), R"("a")")},
      {"add lacks its size", Adds({field("path", arrow::utf8())}, R"({"path":"a"})")},
      {"add lacks its path", Adds({field("size", arrow::int64())}, R"({"size":1})")},
      {"two of add", WriteParquet(arrow::Table::Make(
                         arrow::schema({field("add", arrow::struct_(AddFields())),
                                        field("add", arrow::struct_(AddFields()))}),
                         {arrow::json::ArrayFromJSONString(arrow::struct_(AddFields()),
                                                           std::string("[") + kMinimalRow + "]")
                              .ValueOrDie(),
                          arrow::json::ArrayFromJSONString(arrow::struct_(AddFields()),
                                                           std::string("[") + kMinimalRow + "]")
                              .ValueOrDie()}))},
  };
  for (const auto& [what, bytes] : cases) {
    for (const CheckpointColumns columns : kEveryChoice) {
      const auto batches = ReadBatches(File(bytes), columns);
      ASSERT_FALSE(batches.has_value()) << what;
      EXPECT_EQ(batches.error().code(), ErrorCode::kCorrupt) << what;
      EXPECT_THAT(batches.error().message(), HasSubstr("/log/c.parquet")) << what;
    }
  }
}

TEST(CheckpointParquetTest, CheckpointWithoutFiles_HasNone) {
  const std::string rows = R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})";
  for (const CheckpointColumns columns : kEveryChoice) {
    EXPECT_THAT(ReadAdds(Bytes(CheckpointSchema(), rows), columns).adds, IsEmpty());
    EXPECT_THAT(ReadAdds(Adds(AddFields(), ""), columns).adds, IsEmpty());
    EXPECT_THAT(ReadAdds(OneColumn("remove", arrow::struct_({field("path", arrow::utf8())}),
                                   R"({"path":"a"})"),
                         columns)
                    .adds,
                IsEmpty());
  }
}

TEST(CheckpointParquetTest, TextThatIsNotUtf8_IsCorrupt) {
  const auto with_text = [](const std::string& text) {
    arrow::StringBuilder paths;
    arrow::Int64Builder sizes;
    for (const std::string& path : {std::string("good"), text, std::string("\u00fcber")}) {
      EXPECT_TRUE(paths.Append(path).ok());
      EXPECT_TRUE(sizes.Append(1).ok());
    }
    const auto adds = arrow::StructArray::Make({*paths.Finish(), *sizes.Finish()},
                                               std::vector<std::string>{"path", "size"});
    return WriteParquet(
        arrow::Table::Make(arrow::schema({field("add", (*adds)->type())}), {*adds}));
  };
  EXPECT_EQ(ReadAdds(with_text("\u00e4\U0001F600")).adds.size(), 3U);
  for (const std::string text : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf"}) {
    ExpectCorruptAdds(with_text(text), "add.path has text that is not UTF-8");
  }
  // Halves of one character in two values.
  arrow::StringBuilder halves;
  ASSERT_TRUE(halves.Append("\xc3").ok() && halves.Append("\xa9").ok());
  const auto txn = arrow::StructArray::Make(
      {*halves.Finish(), arrow::json::ArrayFromJSONString(arrow::int64(), "[1,2]").ValueOrDie()},
      std::vector<std::string>{"appId", "version"});
  ExpectCorruptState(
      WriteParquet(arrow::Table::Make(arrow::schema({field("txn", (*txn)->type())}), {*txn})),
      "txn.appId has text that is not UTF-8");
}

// ---- statistics as a struct ---------------------------------------------------------------------

Fields WithParsedStats() {
  Fields fields = AddFields();
  const auto columns = arrow::struct_(
      {field("id", arrow::int64()), field("at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
  fields.push_back(field("stats_parsed", arrow::struct_({field("numRecords", arrow::int64()),
                                                         field("minValues", columns)})));
  return fields;
}

TEST(CheckpointParquetTest, StatsThatAreAStructOnly_BecomeJson) {
  Fields fields = WithParsedStats();
  std::erase_if(fields, [](const auto& existing) { return existing->name() == "stats"; });
  const std::string bytes = Adds(fields, R"(
      {"path":"a","size":1,"stats_parsed":{"numRecords":3,"minValues":{"id":1,"at":1704164645678999}}},
      {"path":"b","size":1,"stats_parsed":null},
      null,
      {"path":"c","size":1,"stats_parsed":{"numRecords":null,"minValues":null}})");
  const ReadAdds read(bytes);
  ASSERT_EQ(read.adds.size(), 3U);
  EXPECT_EQ(Text(read.adds[0].stats),
            R"({"numRecords":3,"minValues":{"id":1,"at":"2024-01-02T03:04:05.678Z"}})");
  EXPECT_EQ(read.adds[1].stats, std::nullopt);
  EXPECT_EQ(Text(read.adds[2].stats), "{}");
  EXPECT_EQ(ReadAdds(bytes, CheckpointColumns::kWithoutStats).adds[0].stats, std::nullopt);
}

TEST(CheckpointParquetTest, StatsInBothForms_AreTakenAsTheyAreWritten) {
  const ReadAdds both(Adds(WithParsedStats(), R"(
      {"path":"a","size":1,"stats":"{ \"numRecords\" : 3.0 }","stats_parsed":{"numRecords":3,"minValues":null}},
      {"path":"b","size":1,"stats":"","stats_parsed":{"numRecords":4,"minValues":null}})"));
  EXPECT_EQ(Text(both.adds[0].stats), R"({ "numRecords" : 3.0 })");
  EXPECT_EQ(Text(both.adds[1].stats), "");
  // Where one lacks its text, the struct says it.
  const ReadAdds some(Adds(WithParsedStats(), R"(
      {"path":"a","size":1,"stats":"{}","stats_parsed":{"numRecords":3,"minValues":null}},
      {"path":"b","size":1,"stats":null,"stats_parsed":{"numRecords":4,"minValues":null}})"));
  EXPECT_EQ(Text(some.adds[0].stats), "{}");
  EXPECT_EQ(Text(some.adds[1].stats), R"({"numRecords":4})");
}

// ---- damage -------------------------------------------------------------------------------------

TEST(CheckpointParquetTest, FailuresOfTheFile_KeepTheirKind) {
  MemoryFileSystem files;
  files.Write("/log/c.parquet", Bytes(CheckpointSchema(), R"({"txn":{"appId":"a","version":1}})"));
  const auto file = files.Open("/log/c.parquet");
  for (std::size_t good_reads = 0;; ++good_reads) {
    std::atomic<std::size_t> reads = 0;
    files.SetFault([&](FileOperation, const std::string&) -> std::optional<Error> {
      if (reads++ < good_reads) return std::nullopt;
      return Error(ErrorCode::kPermission, "not yours").With("file", "/log/c.parquet");
    });
    const auto checkpoint = ParquetCheckpoint::Open(*file);
    const auto state =
        checkpoint ? (*checkpoint)->LoadState() : Result<CheckpointState>(Fail(checkpoint.error()));
    const auto batches = ReadBatches(*file);
    files.SetFault(nullptr);
    if (state && batches) {
      EXPECT_GT(good_reads, 1U);
      break;
    }
    EXPECT_EQ((state ? batches.error() : state.error()).code(), ErrorCode::kPermission);
  }
}

// Whatever is in the file, reading it ends in an answer or in Corrupt.
void ReadAll(const std::string& bytes) {
  const auto state = State(bytes);
  if (!state) {
    ASSERT_EQ(state.error().code(), ErrorCode::kCorrupt) << state.error().message();
  }
  for (const CheckpointColumns columns : kEveryChoice) {
    const auto batches = ReadBatches(File(bytes), columns);
    if (!batches) {
      ASSERT_EQ(batches.error().code(), ErrorCode::kCorrupt) << batches.error().message();
    }
  }
}

TEST(CheckpointParquetTest, TruncatedFile_IsCorrupt) {
  const std::string bytes =
      Bytes(CheckpointSchema(WithParsedStats()), std::string("{\"add\":") + kFullRow + "}");
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 50) {
    const auto checkpoint = ParquetCheckpoint::Open(File(bytes.substr(0, size)));
    ASSERT_FALSE(checkpoint.has_value()) << size;
    EXPECT_EQ(checkpoint.error().code(), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(ParquetCheckpoint::Open(File(std::string(1000, '\0'))).has_value());
  EXPECT_FALSE(ParquetCheckpoint::Open(File("PAR1PAR1")).has_value());
}

TEST(CheckpointParquetTest, FlippedBits_NeverDoHarm) {
  std::string rows = std::string("{\"add\":") + kFullRow + "}";
  for (int i = 0; i < 20; ++i) rows += std::string(",{\"add\":") + kMinimalRow + "}";
  rows +=
      R"(,{"txn":{"appId":"a","version":1}},{"protocol":{"minReaderVersion":1,"minWriterVersion":2,"readerFeatures":["a"]}})";
  const std::string whole = WriteParquet(MakeTable(CheckpointSchema(WithParsedStats()), rows), 9);
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    std::string bytes = whole;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      char& byte = bytes[random() % bytes.size()];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (random() % 8)));
    }
    ReadAll(bytes);
  }
}

// ---- threads ------------------------------------------------------------------------------------

TEST(CheckpointParquetTest, OneCheckpoint_CanBeReadByManyThreads) {
  const auto checkpoint = ParquetCheckpoint::Open(
      File(Bytes(CheckpointSchema(),
                 std::string("{\"add\":") + kFullRow + R"(},{"txn":{"appId":"a","version":1}})")));
  ASSERT_TRUE(checkpoint.has_value());
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 5; ++round) {
          const auto state = (*checkpoint)->LoadState();
          auto stream = (*checkpoint)->OpenAdds(CheckpointColumns::kAll);
          auto decoder = (*stream)->Next();
          const auto batch = (**decoder)();
          right += state->app_transactions.size() == 1 && batch->files().size() == 1 ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(right, 20);
}

// All paths of a file, and how often it was read for them.
std::pair<std::vector<std::string>, std::size_t> PathsAndReads(const MemoryFileSystem& files) {
  const std::size_t before = files.Count(FileOperation::kRead);
  const auto batches = ReadBatches(*files.Open("/log/c.parquet"));
  EXPECT_TRUE(batches) << batches.error().message();
  std::vector<std::string> paths;
  for (const FileBatch& batch : *batches) {
    for (const AddFile& add : batch.files()) paths.emplace_back(add.path);
  }
  return {std::move(paths), files.Count(FileOperation::kRead) - before};
}

TEST(CheckpointParquetTest, RemoteFile_IsReadInOneRangeForEachRowGroup) {
  constexpr int kRows = 1000;
  constexpr int kGroups = 4;
  std::string rows;
  for (int i = 0; i < kRows; ++i) {
    rows += (i == 0 ? "" : ",") + ("{\"add\":{\"path\":\"f" + std::to_string(i)) +
            "\",\"size\":1,\"dataChange\":true,\"stats\":\"{}\"}}";
  }
  MemoryFileSystem files;
  files.Write("/log/c.parquet", WriteParquet(MakeTable(CheckpointSchema(), rows), kRows / kGroups));
  const auto [local_paths, local_reads] = PathsAndReads(files);
  files.SetRemote();
  const auto [paths, reads] = PathsAndReads(files);
  ASSERT_EQ(paths.size(), std::size_t{kRows});
  EXPECT_EQ(paths, local_paths);
  EXPECT_EQ(reads, std::size_t{1 + kGroups});  // the footer, then the row groups
  EXPECT_GT(local_reads, reads);
}

}  // namespace
}  // namespace deltalakedb::storage
