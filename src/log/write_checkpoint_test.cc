// Checkpoints of every kind that a table may ask for, read again by FileLog with the commits gone.
#include "log/write_checkpoint.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "log/checkpoint_file.h"
#include "log/file_log.h"
#include "log/model_log_internal.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using storage::FileOperation;
using storage::PutResult;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Timestamp kNow(1'800'000'000'000);
constexpr const char* kV2 = R"("delta.checkpointPolicy":"v2")";
const std::string kSidecars = kFolder + "/_sidecars";

std::string V2ProtocolLine() {
  return R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["v2Checkpoint"],)"
         R"("writerFeatures":["v2Checkpoint"]}})";
}

// With a column id and statistics of it.
std::string SchemaMetadataLine(const std::string& configuration) {
  return R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":)"
         R"("{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,)"
         R"(\"metadata\":{}},{\"name\":\"p\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}",)"
         R"("partitionColumns":["p"],"configuration":{)" +
         configuration + "}}}";
}

std::string StatsLine(const std::string& path, int id) {
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{"p":"2024-01-0{}"}},"size":1,)"
      R"("modificationTime":1,"dataChange":true,"stats":"{{\"numRecords\":1,)"
      R"(\"minValues\":{{\"id\":{}}},\"maxValues\":{{\"id\":{}}},\"nullCount\":{{\"id\":0}}}}"}}}})",
      path, id, id, id);
}

class WriteCheckpointTest : public testing::Test {
 protected:
  std::unique_ptr<FileLog> Log() const { return FileLog::At(files_, kTable, sink_); }
  void Commit(std::int64_t version, const std::vector<std::string>& lines) const {
    EXPECT_EQ(Log()->PutCommit(Version(version), Lines(lines)), PutResult::kWritten);
  }

  PutCheckpoint Write(std::int64_t version, Timestamp now = kNow) const {
    auto put = Log()->WriteCheckpoint(Version(version), now);
    EXPECT_TRUE(put.has_value()) << put.error().message();
    return put.value_or(PutCheckpoint{});
  }

  std::vector<std::string> NamesIn(const std::string& folder) const {
    std::vector<std::string> names;
    const auto listed = files_.List(folder);
    if (!listed) return names;
    for (const auto& file : *listed) names.push_back(file.name);
    return names;
  }

  // The live files: path, partition and statistics.
  std::vector<std::string> Files(std::int64_t version) const {
    std::vector<std::string> found;
    const auto snapshot = Log()->LoadSnapshot(TableVersion::At(Version(version)));
    EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
    if (!snapshot) return found;
    const auto files = (*snapshot)->OpenFiles({.order = FileOrder::kByPath});
    for (auto batch = *(*files)->Next(); batch; batch = *(*files)->Next()) {
      for (const AddFile& add : batch->files()) {
        found.push_back(fmt::format("{} {} {}", add.path, add.partition_values.size(),
                                    add.stats.value_or("none")));
      }
    }
    return found;
  }

  // What the checkpoint of that name says of everything but files.
  storage::CheckpointState StateOf(const std::string& name) const {
    const auto file = storage::ParquetCheckpoint::Open(*files_.Open(kFolder + "/" + name));
    EXPECT_TRUE(file.has_value()) << file.error().message();
    return *(*file)->LoadState();
  }

  mutable storage::MemoryFileSystem files_;
  mutable ListSink sink_;
};

TEST_F(WriteCheckpointTest, V2Checkpoint_ReadsAsTheCommitsThatItReplaces) {
  Commit(0, {V2ProtocolLine(), SchemaMetadataLine(kV2), StatsLine("a", 1), StatsLine("b", 2),
             TxnLine("app", 7), DomainLine("d", "text", false)});
  Commit(1, {RemoveLine("a"), StatsLine("c", 3)});
  const auto expected = Files(1);
  const PutCheckpoint put = Write(1, Timestamp(0));
  EXPECT_EQ(put.result, PutResult::kWritten);
  EXPECT_EQ(put.version, Version(1));
  EXPECT_EQ(put.size.num_adds, 2);
  EXPECT_EQ(put.size.num_actions, 3 + 4 + 1 + 1);  // files, state, checkpointMetadata, sidecar
  EXPECT_THAT(put.name,
              testing::MatchesRegex("0{19}1\\.checkpoint\\.[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-"
                                    "[89ab][0-9a-f]{3}-[0-9a-f]{12}\\.parquet"));
  EXPECT_EQ(files_.Content(kFolder + "/_last_checkpoint"),
            storage::LastCheckpointText(Version(1), put.size));
  const storage::CheckpointState state = StateOf(put.name);
  EXPECT_EQ(state.checkpoint_metadata->version, Version(1));
  ASSERT_EQ(state.sidecars.size(), 1U);
  EXPECT_THAT(NamesIn(kSidecars), UnorderedElementsAre(state.sidecars[0].path));
  EXPECT_EQ(state.app_transactions.size(), 1U);
  EXPECT_EQ(state.domain_metadata.size(), 1U);
  EXPECT_EQ(put.size.size_in_bytes,
            std::ssize(files_.Content(kFolder + "/" + put.name)) +
                std::ssize(files_.Content(kSidecars + "/" + state.sidecars[0].path)));
  for (const int version : {0, 1}) files_.Drop(CommitPath(version));
  EXPECT_EQ(Files(1), expected);
}

TEST_F(WriteCheckpointTest, PolicyWithoutTheFeature_IsClassic) {
  Commit(0, {ProtocolLine(), MetadataLine(kV2), AddLine("a")});
  EXPECT_EQ(Write(0).name, ClassicCheckpointName(Version(0)));
  EXPECT_THAT(NamesIn(kSidecars), IsEmpty());
}

TEST_F(WriteCheckpointTest, FeatureWithoutThePolicy_IsClassic) {
  Commit(0, {V2ProtocolLine(), MetadataLine(), AddLine("a")});
  EXPECT_EQ(Write(0).name, ClassicCheckpointName(Version(0)));
}

TEST_F(WriteCheckpointTest, V2CheckpointWithoutFiles_HasNoSidecars) {
  Commit(0, {V2ProtocolLine(), MetadataLine(kV2)});
  const PutCheckpoint put = Write(0);
  EXPECT_THAT(StateOf(put.name).sidecars, IsEmpty());
  files_.Drop(CommitPath(0));
  EXPECT_THAT(Files(0), IsEmpty());
}

TEST_F(WriteCheckpointTest, SameStateAgain_FindsTheSameFiles) {
  Commit(0, {V2ProtocolLine(), MetadataLine(kV2), AddLine("a")});
  const PutCheckpoint one = Write(0);
  const auto names = NamesIn(kSidecars);
  files_.Drop(kFolder + "/_last_checkpoint");  // as if the first had broken off before it
  const PutCheckpoint other = Write(0);
  EXPECT_EQ(other.result, PutResult::kExists);
  EXPECT_EQ(other.name, one.name);
  EXPECT_EQ(NamesIn(kSidecars), names);
  EXPECT_EQ(FindLastCheckpoint(files_, kFolder)->value(), Version(0));
}

TEST_F(WriteCheckpointTest, OtherTombstonesLeft_IsACheckpointBeside) {
  Commit(0, {V2ProtocolLine(), MetadataLine(kV2), AddLine("a")});
  Commit(1, {RemoveLine("a"), AddLine("b")});
  const PutCheckpoint with = Write(1, Timestamp(0));
  const PutCheckpoint without = Write(1, kNow);
  EXPECT_NE(with.name, without.name);
  EXPECT_EQ(with.size.num_actions, without.size.num_actions + 1);
  EXPECT_EQ(NamesIn(kSidecars).size(), 2U);
  const auto expected = Files(1);
  for (const std::string& name : {with.name, without.name}) {
    storage::MemoryFileSystem copy = files_;
    for (const int version : {0, 1}) files_.Drop(CommitPath(version));
    files_.Drop(kFolder + "/" + name);
    EXPECT_EQ(Files(1), expected);
    files_ = copy;
  }
}

TEST_F(WriteCheckpointTest, ManyFiles_AreSpreadOverSidecars) {
  std::vector<std::string> lines = {V2ProtocolLine(), MetadataLine(kV2)};
  const std::int64_t count = 2 * kSidecarActionsMax + 1;
  for (std::int64_t i = 0; i < count; ++i) lines.push_back(AddLine("f" + std::to_string(i)));
  Commit(0, lines);
  const PutCheckpoint put = Write(0);
  EXPECT_EQ(put.size.num_adds, count);
  const auto sidecars = StateOf(put.name).sidecars;
  ASSERT_EQ(sidecars.size(), 3U);
  std::set<std::string> names;
  for (const auto& sidecar : sidecars) {
    names.insert(sidecar.path);
    EXPECT_EQ(sidecar.size_in_bytes, std::ssize(files_.Content(kSidecars + "/" + sidecar.path)));
  }
  EXPECT_EQ(names.size(), 3U);
  files_.Drop(CommitPath(0));
  const auto snapshot = Log()->LoadSnapshot(TableVersion::Latest());
  ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
  EXPECT_EQ((*snapshot)->LoadTotals()->num_files, count);
}

TEST_F(WriteCheckpointTest, TopFile_ComesAfterItsSidecars) {
  Commit(0, {V2ProtocolLine(), MetadataLine(kV2), AddLine("a")});
  std::vector<std::string> puts;
  files_.SetFault([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
    if (operation == FileOperation::kPut) puts.push_back(path);
    return std::nullopt;
  });
  const PutCheckpoint put = Write(0);
  ASSERT_EQ(puts.size(), 3U);
  EXPECT_THAT(puts[0], HasSubstr("/_sidecars/"));
  EXPECT_EQ(puts[1], kFolder + "/" + put.name);
  EXPECT_EQ(puts[2], kFolder + "/_last_checkpoint");
}

TEST_F(WriteCheckpointTest, WriteThatFails_LeavesNoCheckpoint) {
  Commit(0, {V2ProtocolLine(), MetadataLine(kV2), AddLine("a")});
  for (const std::string part : {"/_sidecars/", ".checkpoint."}) {
    files_.SetFault([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
      const bool fails = operation == FileOperation::kPut && path.find(part) != std::string::npos;
      return fails ? std::optional(Error(ErrorCode::kIo, "disk full")) : std::nullopt;
    });
    EXPECT_EQ(Log()->WriteCheckpoint(Version(0), kNow).error().code(), ErrorCode::kIo);
    EXPECT_THAT(Log()->ListFolder().value()->listing.checkpoints, IsEmpty());
    EXPECT_EQ(FindLastCheckpoint(files_, kFolder).value(), std::nullopt);
  }
  files_.SetFault(nullptr);
  EXPECT_EQ(Write(0).result, PutResult::kWritten);
}

TEST_F(WriteCheckpointTest, DamagedSidecar_IsReplacedByTheCommits) {
  Commit(0, {V2ProtocolLine(), MetadataLine(kV2), AddLine("a")});
  Write(0);
  Commit(1, {AddLine("b")});
  for (const std::string& name : NamesIn(kSidecars)) {
    files_.Write(kSidecars + "/" + name, "no parquet");
  }
  EXPECT_EQ(Write(1).size.num_adds, 2);
}

// ---- statistics ---------------------------------------------------------------------------------

TEST_F(WriteCheckpointTest, Statistics_AreWhatTheTableAsksFor) {
  const std::string stats =
      R"({"numRecords":1,"minValues":{"id":1},"maxValues":{"id":1},"nullCount":{"id":0}})";
  const std::string json = R"("delta.checkpoint.writeStatsAsJson":)";
  const std::string as_struct = R"("delta.checkpoint.writeStatsAsStruct":)";
  const std::map<std::string, std::string> expected = {
      {"", stats},
      {json + R"("false")", stats},  // from the typed columns, which stand but where they must not
      {json + R"("FALSE",)" + as_struct + R"("true")", stats},
      {as_struct + R"("false")", stats},
      {json + R"("false",)" + as_struct + R"("false")", "none"}};
  for (const bool is_v2 : {false, true}) {
    for (const auto& [configuration, found] : expected) {
      files_ = storage::MemoryFileSystem();
      const std::string comma = configuration.empty() ? "" : ",";
      Commit(0,
             {is_v2 ? V2ProtocolLine() : ProtocolLine(),
              SchemaMetadataLine(configuration + (is_v2 ? comma + kV2 : "")), StatsLine("a", 1)});
      EXPECT_EQ(Write(0).name == ClassicCheckpointName(Version(0)), !is_v2);
      files_.Drop(CommitPath(0));
      EXPECT_THAT(Files(0), UnorderedElementsAre("a 1 " + found)) << configuration;
    }
  }
}

TEST_F(WriteCheckpointTest, MappedColumns_AreTypedByTheirPhysicalNames) {
  const auto field = [](const std::string& name, const std::string& type) {
    return R"({\"name\":\")" + name + R"(\",\"type\":\")" + type +
           R"(\",\"nullable\":true,\"metadata\":{\"delta.columnMapping.id\":1,)" +
           R"(\"delta.columnMapping.physicalName\":\"col-)" + name + R"(\"}})";
  };
  Commit(0, {ProtocolLine(2, 5),
             R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":)"
             R"("{\"type\":\"struct\",\"fields\":[)" +
                 field("id", "long") + "," + field("p", "date") +
                 R"(]}","partitionColumns":["p"],"configuration":{"delta.columnMapping.mode":)"
                 R"("name","delta.checkpoint.writeStatsAsJson":"false"}}})",
             R"({"add":{"path":"a","partitionValues":{"col-p":"2024-01-01"},"size":1,)"
             R"("modificationTime":1,"dataChange":true,"stats":"{\"minValues\":{\"col-id\":1,)"
             R"(\"id\":2}}"}})"});
  Write(0);
  files_.Drop(CommitPath(0));
  EXPECT_THAT(Files(0), UnorderedElementsAre(R"(a 1 {"minValues":{"col-id":1}})"));
}

TEST_F(WriteCheckpointTest, SchemaThatCannotBeRead_HasTextsOnly) {
  Commit(0, {ProtocolLine(),
             R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},)"
             R"("schemaString":"{}","partitionColumns":[],"configuration":{}}})",
             StatsLine("a", 1)});
  const auto expected = Files(0);
  Write(0);
  files_.Drop(CommitPath(0));
  EXPECT_EQ(Files(0), expected);
}

}  // namespace
}  // namespace deltalakedb::log
