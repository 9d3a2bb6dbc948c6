// Copying from logs whose base is a checkpoint in Parquet, of each kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "log/copied_base_internal.h"
#include "log/copy_source.h"
#include "log/model_log_internal.h"
#include "storage/checkpoint_bytes_internal.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
namespace checkpoints = storage::testing_checkpoints;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kState =
    R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],)"
    R"("writerFeatures":["appendOnly"]}},)"
    R"({"metaData":{"id":"t","format":{"provider":"parquet","options":[]},"schemaString":"{}",)"
    R"("partitionColumns":["p"],"configuration":[["k","v"]]}},)"
    R"({"domainMetadata":{"domain":"d","configuration":"c","removed":false}},)"
    R"({"txn":{"appId":"z","version":5,"lastUpdated":6}},{"txn":{"appId":"a","version":4}})";

std::string Add(const std::string& path) {
  return R"({"add":{"path":")" + path +
         R"(","partitionValues":[["p",null]],"size":1,"modificationTime":2,"dataChange":false,)"
         R"("stats":"{\"numRecords\":1}"}})";
}

std::string Remove(const std::string& path) {
  return R"({"remove":{"path":")" + path +
         R"(","deletionTimestamp":3,"dataChange":false,"extendedFileMetadata":true,)"
         R"("partitionValues":[["p","x"]],"size":9,"deletionVector":{"storageType":"u",)"
         R"("pathOrInlineDv":"v","offset":1,"sizeInBytes":2,"cardinality":3}}})";
}

class CopyParquetTest : public ::testing::Test {
 protected:
  CopyParquetTest() {
    // Nothing leads from version 0 to the checkpoint of version 2.
    files_.Write(CommitPath(3), Lines({AddLine("c3"), RemoveLine("b")}));
    files_.Write(CommitPath(4), Lines({AddLine("r", 1, "v")}));
  }

  void Write(const std::string& path, const std::string& rows) {
    files_.Write(path, checkpoints::Bytes(checkpoints::CheckpointSchema(), rows));
  }
  void WriteSidecar(const std::string& name, const std::string& rows) {
    Write(kFolder + "/_sidecars/" + name, rows);
  }
  static std::string Sidecar(const std::string& name) {
    return R"({"sidecar":{"path":")" + name + R"(","sizeInBytes":0,"modificationTime":0}})";
  }

  Result<CopySource> Plan(bool latest_only = false) {
    const auto log = FileLog::Open(files_, kTable, sink_);
    if (!log) return Fail(log.error());
    return CopySource::Plan(*(*log)->ListFolder(),
                            {.up_to = {}, .latest_only = latest_only, .after = {}});
  }

  // Both kinds of plan on a checkpoint of version 2 that adds a, b, c and removes r with its
  // vector.
  void ExpectBase() {
    const auto run = Plan();
    ASSERT_TRUE(run.has_value()) << run.error().message();
    EXPECT_EQ(run->versions(), (VersionRange{Version(2), Version(4)}));
    EXPECT_THAT(run->commits(), SizeIs(2));
    EXPECT_THAT(FileNames<AddFile>(*run), ElementsAre("a|", "b|", "c|"));
    EXPECT_THAT(FileNames<RemoveFile>(*run), ElementsAre("r|uv@1"));
    EXPECT_EQ(BaseActions(*run).actions.size(), 9U);
    const auto latest = Plan(/*latest_only=*/true);
    ASSERT_TRUE(latest.has_value()) << latest.error().message();
    EXPECT_THAT(FileNames<AddFile>(*latest), ElementsAre("a|", "c3|", "c|", "r|uv@1"));
    EXPECT_THAT(FileNames<RemoveFile>(*latest), ElementsAre("b|"));
    EXPECT_THAT(sink_.warnings(), IsEmpty());
  }

  storage::MemoryFileSystem files_;
  ListSink sink_;
};

TEST_F(CopyParquetTest, ClassicCheckpoint_IsABaseWithAllItsFields) {
  Write(CheckpointPath(2, ".parquet"),
        Remove("r") + "," + kState + "," + Add("b") + "," + Add("a") + "," + Add("c"));
  ExpectBase();
  EXPECT_EQ(
      BaseText(*Plan()),
      Lines({R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],)"
             R"("writerFeatures":["appendOnly"]}})",
             R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},)"
             R"("schemaString":"{}","partitionColumns":["p"],"configuration":{"k":"v"}}})",
             R"({"txn":{"appId":"a","version":4}})",
             R"({"txn":{"appId":"z","version":5,"lastUpdated":6}})",
             R"({"domainMetadata":{"domain":"d","configuration":"c","removed":false}})",
             R"({"add":{"path":"b","partitionValues":{"p":null},"size":1,"modificationTime":2,)"
             R"("dataChange":false,"stats":"{\"numRecords\":1}"}})",
             R"({"add":{"path":"a","partitionValues":{"p":null},"size":1,"modificationTime":2,)"
             R"("dataChange":false,"stats":"{\"numRecords\":1}"}})",
             R"({"add":{"path":"c","partitionValues":{"p":null},"size":1,"modificationTime":2,)"
             R"("dataChange":false,"stats":"{\"numRecords\":1}"}})",
             R"({"remove":{"path":"r","deletionTimestamp":3,"dataChange":false,)"
             R"("extendedFileMetadata":true,"partitionValues":{"p":"x"},"size":9,)"
             R"("deletionVector":{"storageType":"u","pathOrInlineDv":"v","offset":1,)"
             R"("sizeInBytes":2,"cardinality":3}}})"}));
}

TEST_F(CopyParquetTest, CheckpointInParts_IsABase) {
  Write(CheckpointPath(2, ".0000000001.0000000002.parquet"),
        std::string(kState) + "," + Add("a") + "," + Add("b"));
  Write(CheckpointPath(2, ".0000000002.0000000002.parquet"), Add("c") + "," + Remove("r"));
  ExpectBase();
}

TEST_F(CopyParquetTest, CheckpointWithSidecars_IsABase) {
  WriteSidecar("1.parquet", Add("a") + "," + Add("b"));
  WriteSidecar("2.parquet", Remove("r") + "," + Add("c"));
  const std::string metadata = R"({"checkpointMetadata":{"version":2}})";
  Write(CheckpointPath(2, ".uuid.parquet"),
        metadata + "," + kState + "," + Sidecar("1.parquet") + "," + Sidecar("2.parquet"));
  ExpectBase();
  // The same with a top file in JSON.
  files_.Remove(CheckpointPath(2, ".uuid.parquet"));
  files_.Write(CheckpointPath(2, ".uuid.json"),
               Lines({metadata, ProtocolLine(), MetadataLine(), TxnLine("a", 1), TxnLine("b", 1),
                      DomainLine("d", "c", false), Sidecar("1.parquet"), Sidecar("2.parquet")}));
  ExpectBase();
}

TEST_F(CopyParquetTest, SidecarThatIsGone_LeavesTheNextCheckpoint) {
  Write(CheckpointPath(2, ".uuid.parquet"), R"({"checkpointMetadata":{"version":2}},)" +
                                                std::string(kState) + "," + Sidecar("1.parquet"));
  Write(CheckpointPath(3, ".parquet"), std::string(kState) + "," + Add("a"));
  const auto run = Plan();
  ASSERT_TRUE(run.has_value()) << run.error().message();
  EXPECT_EQ(run->versions().first, Version(3));
  EXPECT_THAT(sink_.warnings(), SizeIs(1));
}

// Footer and state can be read; what is wrong shows when the files are.
TEST_F(CopyParquetTest, DamagedFileActions_LeaveTheNextCheckpoint) {
  const std::string bad_add = R"({"add":{"path":"a","size":-1}})";
  const std::string bad_remove = R"({"remove":{"dataChange":true}})";
  for (const std::string& bad : {bad_add, bad_remove}) {
    Write(CheckpointPath(2, ".parquet"), std::string(kState) + "," + bad);
    Write(CheckpointPath(3, ".parquet"), std::string(kState) + "," + Add("a"));
    const auto run = Plan();
    ASSERT_TRUE(run.has_value()) << run.error().message();
    EXPECT_EQ(run->versions().first, Version(3)) << bad;
    EXPECT_THAT(sink_.warnings().back(), HasSubstr(CheckpointPath(2, ".parquet")));
    files_.Remove(CheckpointPath(3, ".parquet"));
    EXPECT_EQ(Plan().error().code(), ErrorCode::kCorrupt) << bad;
    EXPECT_EQ(Plan(/*latest_only=*/true).error().code(), ErrorCode::kCorrupt) << bad;
  }
}

}  // namespace
}  // namespace deltalakedb::log
