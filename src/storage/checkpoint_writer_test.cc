#include "storage/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "storage/checkpoint_parquet.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::storage {
namespace {

using testing::ElementsAreArray;
using testing::UnorderedElementsAreArray;

using Lines = std::vector<std::string>;

constexpr const char* kPath = "/t/_delta_log/c.parquet";

// The actions of JSON lines, each given to `visit` as what it is.
template <typename Visit>
void ForEachAction(const Lines& lines, Visit visit) {
  protocol::ActionParser parser;
  for (std::string line : lines) {
    const std::size_t size = line.size();
    line.append(protocol::kLinePaddingBytes, '\0');
    protocol::Arena arena;
    const auto action = parser.Parse({line.data(), size}, protocol::FileDetail::kAll, arena);
    ASSERT_TRUE(action.has_value()) << line << action.error().message();
    std::visit(visit, *action);
  }
}

class Putter {
 public:
  explicit Putter(CheckpointWriter& writer) : writer_(writer) {}
  template <typename Action>
  void operator()(const Action& action) const {
    if constexpr (requires { writer_.Put(action); }) {
      const auto put = writer_.Put(action);
      EXPECT_TRUE(put.has_value()) << put.error().message();
    } else {
      ADD_FAILURE() << "not an action of a checkpoint";
    }
  }

 private:
  CheckpointWriter& writer_;
};

CheckpointSize Write(const MemoryFileSystem& files, const Lines& lines,
                     const CheckpointWriterOptions& options = {}) {
  const auto file = files.Create(kPath, {});
  auto writer = CheckpointWriter::Make(**file, options);
  EXPECT_TRUE(writer.has_value()) << writer.error().message();
  ForEachAction(lines, Putter(**writer));
  const auto size = (*writer)->Finish();
  EXPECT_TRUE(size.has_value()) << size.error().message();
  EXPECT_EQ((*file)->Finish(), PutResult::kWritten);
  return size.value_or(CheckpointSize{});
}

template <typename Action>
std::string Line(std::string_view name, const Action& action,
                 void (*write)(const Action&, protocol::JsonWriter&)) {
  rapidjson::StringBuffer buffer;
  protocol::JsonWriter writer(buffer);
  writer.StartObject();
  protocol::WriteKey(name, writer);
  write(action, writer);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

// What our own reader finds, as JSON lines.
Lines Read(const MemoryFileSystem& files) {
  Lines lines;
  const auto checkpoint = ParquetCheckpoint::Open(*files.Open(kPath));
  EXPECT_TRUE(checkpoint.has_value()) << checkpoint.error().message();
  if (!checkpoint) return lines;
  const auto state = (*checkpoint)->LoadState();
  EXPECT_TRUE(state.has_value()) << state.error().message();
  if (state->protocol) lines.push_back(Line("protocol", *state->protocol, protocol::WriteProtocol));
  if (state->metadata) lines.push_back(Line("metaData", *state->metadata, protocol::WriteMetadata));
  for (const AppTransaction& transaction : state->app_transactions) {
    lines.push_back(Line("txn", transaction, protocol::WriteAppTransaction));
  }
  for (const DomainMetadata& domain : state->domain_metadata) {
    lines.push_back(Line("domainMetadata", domain, protocol::WriteDomainMetadata));
  }
  const auto adds = (*checkpoint)->OpenAdds(CheckpointColumns::kAll);
  for (auto decoder = *(*adds)->Next(); decoder; decoder = *(*adds)->Next()) {
    const auto batch = (*decoder)();
    EXPECT_TRUE(batch.has_value()) << batch.error().message();
    for (const AddFile& add : batch->files()) lines.push_back(Line("add", add, protocol::WriteAdd));
  }
  const auto removes = (*checkpoint)->OpenRemoves();
  for (auto decoder = *(*removes)->Next(); decoder; decoder = *(*removes)->Next()) {
    const auto batch = (*decoder)();
    EXPECT_TRUE(batch.has_value()) << batch.error().message();
    for (const RemoveFile& remove : batch->files) {
      lines.push_back(Line("remove", remove, protocol::WriteRemove));
    }
  }
  return lines;
}

constexpr const char* kProtocol =
    R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],)"
    R"("writerFeatures":["appendOnly","x-unknown"]}})";
constexpr const char* kMetadata =
    R"({"metaData":{"id":"t","name":"n","description":"","format":{"provider":"parquet",)"
    R"("options":{"a":"b"}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}",)"
    R"("partitionColumns":["p","q"],"configuration":{"delta.x":"1","é":""},"createdTime":5}})";

TEST(CheckpointWriterTest, EveryFieldOfEveryAction_ComesBackAsItWas) {
  const Lines lines = {
      kProtocol,
      kMetadata,
      R"({"txn":{"appId":"a","version":3,"lastUpdated":7}})",
      R"({"txn":{"appId":"b","version":-1}})",
      R"({"domainMetadata":{"domain":"delta.rowTracking","configuration":"{\"a\":1}","removed":false}})",
      R"({"domainMetadata":{"domain":"x","configuration":"","removed":false}})",
      R"({"add":{"path":"p=1/a%20b","partitionValues":{"p":"1","q":null,"r":""},"size":7,)"
      R"("modificationTime":-8,"dataChange":false,"stats":"{\"numRecords\":1}",)"
      R"("tags":{"t":"v","n":null},"deletionVector":{"storageType":"u","pathOrInlineDv":"xy",)"
      R"("offset":1,"sizeInBytes":2,"cardinality":3},"baseRowId":4,"defaultRowCommitVersion":5,)"
      R"("clusteringProvider":"liquid"}})",
      R"({"add":{"path":"least","partitionValues":{},"size":0,"modificationTime":0,"dataChange":false}})",
      R"({"add":{"path":"inline","partitionValues":{},"size":9223372036854775807,)"
      R"("modificationTime":0,"dataChange":false,"tags":{},"deletionVector":{"storageType":"i",)"
      R"("pathOrInlineDv":"","sizeInBytes":0,"cardinality":0}}})",
      R"({"remove":{"path":"gone","deletionTimestamp":9,"dataChange":false,)"
      R"("extendedFileMetadata":true,"partitionValues":{"p":null},"size":3,"deletionVector":)"
      R"({"storageType":"p","pathOrInlineDv":"file:///x","offset":0,"sizeInBytes":2,)"
      R"("cardinality":3},"baseRowId":0,"defaultRowCommitVersion":0}})",
      R"({"remove":{"path":"least","dataChange":false}})",
      R"({"remove":{"path":"old","deletionTimestamp":0,"dataChange":false,"extendedFileMetadata":false}})",
  };
  const MemoryFileSystem files;
  const CheckpointSize size = Write(files, lines);
  EXPECT_THAT(Read(files), ElementsAreArray(lines));
  EXPECT_EQ(size.num_actions, std::ssize(lines));
  EXPECT_EQ(size.num_adds, 3);
  EXPECT_EQ(size.size_in_bytes, std::ssize(files.Content(kPath)));
}

TEST(CheckpointWriterTest, FeatureLists_AreAbsentOrEmptyAsTheyWere) {
  for (const char* const lists :
       {"", R"(,"readerFeatures":[],"writerFeatures":[])", R"(,"writerFeatures":["a"])"}) {
    const Lines lines = {std::string(R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2)") +
                         lists + "}}"};
    const MemoryFileSystem files;
    Write(files, lines);
    EXPECT_THAT(Read(files), ElementsAreArray(lines));
  }
}

TEST(CheckpointWriterTest, WhatNoCheckpointHas_IsLeftOut) {
  const MemoryFileSystem files;
  const CheckpointSize size = Write(
      files,
      {R"({"domainMetadata":{"domain":"gone","configuration":"c","removed":true}})",
       R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
       R"({"remove":{"path":"b","dataChange":true,"stats":"{}","tags":{"t":"v"}}})"});
  EXPECT_EQ(size.num_actions, 2);
  EXPECT_THAT(
      Read(files),
      ElementsAreArray(Lines{
          R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":false}})",
          R"({"remove":{"path":"b","dataChange":false}})"}));
}

TEST(CheckpointWriterTest, WithoutStats_HasNone) {
  const MemoryFileSystem files;
  const std::string add =
      R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":false)";
  Write(files, {add + R"(,"stats":"{}"}})"}, {.with_stats = false});
  EXPECT_THAT(Read(files), ElementsAreArray(Lines{add + "}}"}));
}

// Adds and removes in turn, with texts of this size.
Lines ManyActions(std::int64_t count, std::size_t text_bytes = 0) {
  Lines lines = {kProtocol, kMetadata};
  for (std::int64_t i = 0; i < count; ++i) {
    if (i % 3 == 2) {
      lines.push_back(R"({"remove":{"path":"r)" + std::to_string(i) + R"(","dataChange":false}})");
    } else {
      lines.push_back(R"({"add":{"path":"a)" + std::to_string(i) + R"(","partitionValues":{"p":")" +
                      std::to_string(i % 7) +
                      R"("},"size":1,"modificationTime":1,"dataChange":false,"stats":")" +
                      std::string(text_bytes, 'x') + R"("}})");
    }
  }
  return lines;
}

TEST(CheckpointWriterTest, RowGroups_EndAtTheirLimits) {
  for (const std::int64_t count :
       {CheckpointWriter::kGroupRowsMax - 3, CheckpointWriter::kGroupRowsMax - 2,
        CheckpointWriter::kGroupRowsMax + 1}) {
    const Lines lines = ManyActions(count);
    const MemoryFileSystem files;
    EXPECT_EQ(Write(files, lines).num_actions, count + 2);
    EXPECT_THAT(Read(files).size(), lines.size());
  }
  constexpr std::size_t kTextBytes = CheckpointWriter::kGroupTextBytesMax / 4;
  const Lines lines = ManyActions(9, kTextBytes);
  const MemoryFileSystem files;
  Write(files, lines);
  EXPECT_THAT(Read(files), UnorderedElementsAreArray(lines));
}

// Columns c0, c1, … of longs, and a partition column p.
protocol::ParsedColumns LongColumns(int count) {
  protocol::ParsedColumns columns;
  for (int i = 0; i < count; ++i) {
    columns.stats.push_back({"c" + std::to_string(i), DataType::Simple(TypeKind::kLong), {}});
  }
  columns.partitions.push_back({"p", DataType::Simple(TypeKind::kInteger)});
  return columns;
}

TEST(CheckpointWriterTest, TypedStatistics_AreThoseOfTheTextsInEveryRowGroup) {
  constexpr int kColumns = 300;
  constexpr std::int64_t kAdds = 2 * CheckpointWriter::kGroupCellsMax / (3 * kColumns) / 3 * 2;
  static_assert(kAdds > CheckpointWriter::kGroupCellsMax / (3 * kColumns));
  Lines lines = {kProtocol, kMetadata};
  for (std::int64_t i = 0; i < kAdds; ++i) {
    const std::string number = std::to_string(i);
    lines.push_back(
        R"({"add":{"path":"a)" + number + R"(","partitionValues":{"p":")" + number +
        R"("},"size":1,"modificationTime":1,"dataChange":false,"stats":"{\"numRecords\":)" +
        number + R"(,\"minValues\":{\"c0\":-1)" + number + R"(},\"maxValues\":{\"c299\":1)" +
        number + R"(},\"nullCount\":{\"c7\":1}}"}})");
    if (i % 1000 == 0) {
      lines.push_back(R"({"remove":{"path":"r)" + number + R"(","dataChange":false}})");
    }
  }
  const protocol::ParsedColumns columns = LongColumns(kColumns);
  const MemoryFileSystem files;
  Write(files, lines, {.rows = CheckpointRows::kAll, .with_stats = false, .parsed = &columns});
  Lines read = Read(files);
  std::ranges::sort(read);
  std::ranges::sort(lines);
  const auto [one, other] = std::ranges::mismatch(read, lines);
  EXPECT_TRUE(one == read.end() && other == lines.end())
      << (one == read.end() ? "nothing more" : *one) << "\n"
      << (other == lines.end() ? "nothing more" : *other);
}

TEST(CheckpointWriterTest, RowsOfTheFilesOfV2Checkpoints_AreTheirsAlone) {
  const MemoryFileSystem files;
  const auto file = files.Create(kPath, {});
  const auto writer = [&](CheckpointRows rows) {
    auto made = CheckpointWriter::Make(**file, {.rows = rows});
    EXPECT_TRUE(made.has_value());
    return *std::move(made);
  };
  const WrittenSidecar sidecar = {.name = "s", .size_in_bytes = 5, .modified = Timestamp(7)};
  AddFile add;
  add.path = "a";
  const auto classic = writer(CheckpointRows::kAll);
  EXPECT_EQ(classic->PutSidecar(sidecar).error().code(), ErrorCode::kInternal);
  EXPECT_EQ(classic->PutCheckpointMetadata(Version(1), {}).error().code(), ErrorCode::kInternal);
  const auto part = writer(CheckpointRows::kFiles);
  EXPECT_EQ(part->Put(Protocol{}).error().code(), ErrorCode::kInternal);
  EXPECT_TRUE(part->Put(add).has_value());
  const auto top = writer(CheckpointRows::kTop);
  EXPECT_TRUE(top->PutCheckpointMetadata(Version(1), {{"a", "b"}}).has_value());
  EXPECT_TRUE(top->PutSidecar(sidecar).has_value());
  EXPECT_EQ(top->Finish()->num_actions, 2);
}

TEST(CheckpointWriterTest, SameActions_GiveTheSameBytes) {
  const Lines lines = ManyActions(100'000);
  const MemoryFileSystem one;
  const MemoryFileSystem other;
  Write(one, lines);
  Write(other, lines);
  EXPECT_TRUE(one.Content(kPath) == other.Content(kPath));
}

TEST(CheckpointWriterTest, FullDisk_IsTheErrorOfTheFile) {
  class FullDisk final : public OutputFile {
   public:
    std::int64_t size_bytes() const override { return 0; }
    Result<void> Append(std::string_view) override {
      return Fail(Error(ErrorCode::kIo, "no space").With("file", "c.parquet"));
    }
    Result<PutResult> Finish() override { return PutResult::kWritten; }
  };
  FullDisk file;
  auto writer = CheckpointWriter::Make(file, {});
  const auto result = [&]() -> Result<CheckpointSize> {
    if (!writer) return Fail(writer.error());
    if (auto put = (*writer)->Put(Protocol{}); !put) return Fail(put.error());
    return (*writer)->Finish();
  }();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kIo);
  EXPECT_NE(result.error().FindFact("file"), nullptr);
}

TEST(CheckpointWriterTest, LastCheckpoint_SaysWhatItHas) {
  EXPECT_EQ(LastCheckpointText(Version(12), {.num_actions = 5, .num_adds = 3, .size_in_bytes = 99}),
            R"({"version":12,"size":5,"sizeInBytes":99,"numOfAddFiles":3})");
}

}  // namespace
}  // namespace deltalakedb::storage
