#include "table/vacuum.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/temp_folder.h"
#include "catalog/open_log.h"
#include "deltalakedb/create.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/transaction.h"
#include "log/file_log.h"
#include "log/log_files.h"
#include "storage/file_system.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kWeek = 7 * 24 * kHour;
// As in PROTOCOL.md, Deletion vectors.
const std::string kVector = "ab^-aqEH.-t@S}K{vb[*k^";
const std::string kVectorFile = "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
const std::string kOtherVector = "ab^-aqEH.-t@S}K{vb[*k0";

std::int64_t Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// ---- a log in memory ----------------------------------------------------------------------------

constexpr const char* kTable = "/data/my table";

std::string ProtocolLine() { return R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})"; }

// `configuration` is the inside of a JSON object.
std::string MetadataLine(const std::string& configuration = "") {
  return R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":)"
         R"("{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{)" +
         configuration + "}}}";
}

std::string VectorField(const std::string& vector) {
  if (vector.empty()) return "";
  return fmt::format(
      R"(,"deletionVector":{{"storageType":"u","pathOrInlineDv":"{}","offset":1,"sizeInBytes":2,)"
      R"("cardinality":3}})",
      vector);
}

std::string AddLine(const std::string& path, int size = 1, const std::string& vector = "") {
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,)"
      R"("dataChange":true{}}}}})",
      path, size, VectorField(vector));
}

std::string Lines(const std::vector<std::string>& lines) {
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

std::string CommitPath(std::int64_t version) {
  return fmt::format("{}/_delta_log/{}", kTable, log::CommitName(Version(version)));
}
std::string CheckpointPath(std::int64_t version) {
  return fmt::format("{}/_delta_log/{:020}.checkpoint.uuid.json", kTable, version);
}

std::string RemoveAt(const std::string& path, std::optional<std::int64_t> time,
                     const std::string& vector = "") {
  return fmt::format(R"({{"remove":{{"path":"{}",{}"dataChange":true{}}}}})", path,
                     time ? fmt::format(R"("deletionTimestamp":{},)", *time) : "",
                     VectorField(vector));
}

VacuumOptions DryRun() {
  VacuumOptions options;
  options.is_dry_run = true;
  return options;
}

// A table in memory whose files and commits are as old as is asked for.
class VacuumTest : public testing::Test {
 protected:
  VacuumTest() { Commit(0, {ProtocolLine(), MetadataLine()}, 100 * kWeek); }

  void Commit(std::int64_t version, const std::vector<std::string>& lines, std::int64_t age_ms) {
    files_.Write(CommitPath(version), Lines(lines), Timestamp(start_ - age_ms));
  }
  void Put(const std::string& below, std::int64_t age_ms = 10 * kWeek) {
    files_.Write(fmt::format("{}/{}", kTable, below), "12345", Timestamp(start_ - age_ms));
  }
  bool IsThere(const std::string& below) const {
    return files_.Open(fmt::format("{}/{}", kTable, below)).has_value();
  }
  Result<VacuumReport> Run(const VacuumOptions& options = {}) {
    const auto log = log::FileLog::Open(files_, kTable, NullLogSink());
    if (!log) return Fail(log.error());
    return VacuumTable({**log, files_}, options);
  }
  // What went, or the error's message.
  std::vector<std::string> Gone(const VacuumOptions& options = {}) {
    auto report = Run(options);
    if (!report) return {report.error().message()};
    for (const std::string& file : report->files) EXPECT_EQ(IsThere(file), options.is_dry_run);
    return std::move(report->files);
  }

  std::int64_t start_ = Now();
  storage::MemoryFileSystem files_;
};

TEST_F(VacuumTest, FilesThatNoVersionNeeds_GoAndAreCounted) {
  Put("live");
  Put("orphan");
  Put("deep/er/orphan");
  Put("young", kWeek - kMinute);
  Commit(1, {AddLine("live")}, 50 * kWeek);
  const auto report = Run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_THAT(report->files, ElementsAre("deep/er/orphan", "orphan"));
  EXPECT_EQ(report->size_in_bytes, 10);
  EXPECT_EQ(report->files_kept, 2);
  EXPECT_FALSE(IsThere("orphan"));
  EXPECT_TRUE(IsThere("live"));
  EXPECT_TRUE(IsThere("young"));
  EXPECT_TRUE(IsThere("_delta_log/00000000000000000001.json"));
  EXPECT_THAT(Gone(), IsEmpty());
}

TEST_F(VacuumTest, DryRun_TellsTheSameAndRemovesNothing) {
  Put("orphan");
  Put("other");
  Commit(1, {AddLine("other")}, 50 * kWeek);
  const auto report = Run(DryRun());
  ASSERT_TRUE(report);
  EXPECT_THAT(report->files, ElementsAre("orphan"));
  EXPECT_EQ(report->size_in_bytes, 5);
  EXPECT_EQ(report->files_kept, 1);
  EXPECT_TRUE(IsThere("orphan"));
}

TEST_F(VacuumTest, RemovedFiles_StayForTheRetention) {
  for (const char* const name : {"old", "by_commit", "by_time", "untimed_old", "untimed_new"}) {
    Put(name);
  }
  Commit(1,
         {AddLine("old"), AddLine("by_commit"), AddLine("by_time"), AddLine("untimed_old"),
          AddLine("untimed_new")},
         50 * kWeek);
  Commit(2,
         {RemoveAt("old", start_ - kWeek - kMinute), RemoveAt("by_time", start_ - kWeek + kMinute),
          RemoveAt("untimed_old", std::nullopt)},
         kWeek + kMinute);
  Commit(3, {RemoveAt("by_commit", 1), RemoveAt("untimed_new", std::nullopt)}, kWeek - kMinute);
  EXPECT_THAT(Gone(), ElementsAre("old", "untimed_old"));
  EXPECT_THAT(Gone({.retention_ms = 50 * kWeek}), IsEmpty());
}

TEST_F(VacuumTest, RemovesOfACheckpoint_CountByTheirTime) {
  for (const char* const name : {"old", "new", "untimed", "live", "orphan"}) Put(name);
  Commit(6, {AddLine("live")}, kMinute);
  files_.Write(CheckpointPath(5),
               Lines({ProtocolLine(), MetadataLine(), RemoveAt("old", start_ - 2 * kWeek),
                      RemoveAt("new", start_ - kHour), RemoveAt("untimed", std::nullopt),
                      R"({"checkpointMetadata":{"version":5}})"}),
               Timestamp(start_ - kMinute));
  files_.Drop(CommitPath(0));
  // Nothing tells when the untimed one was removed.
  EXPECT_THAT(Gone(), ElementsAre("old", "orphan"));
  // Now the commits go back further than the retention.
  Commit(5, {RemoveAt("other", 1)}, 2 * kWeek);
  EXPECT_THAT(Gone(), ElementsAre("untimed"));
}

TEST_F(VacuumTest, DeletionVectors_AreNeededAsTheirFilesAre) {
  Put("data");
  Put(kVectorFile);
  Put("ab/deletion_vector_unknown.bin");
  Put("absolute.bin");
  Commit(1, {AddLine("data", 1, kVector)}, 50 * kWeek);
  EXPECT_THAT(Gone(), ElementsAre("ab/deletion_vector_unknown.bin", "absolute.bin"));
  Commit(2, {RemoveAt("data", start_ - 2 * kWeek, kVector), AddLine("data", 1, kOtherVector)},
         2 * kWeek);
  EXPECT_THAT(Gone({.retention_ms = 3 * kWeek}), IsEmpty());
  EXPECT_THAT(Gone(), ElementsAre(kVectorFile));
  EXPECT_TRUE(IsThere("data"));
}

TEST_F(VacuumTest, AbsoluteNames_AreThoseOfTheirFiles) {
  Put("a b");
  Put("v w.bin");
  Put("c");
  Put("d");
  Commit(1,
         {AddLine("file:///data/my%20table/a%20b"), AddLine("/data/my%20table/c"),
          AddLine("file:///elsewhere/d"), AddLine("s3://bucket/d"),
          R"({"add":{"path":"file:///elsewhere/e","partitionValues":{},"size":1,)"
          R"("modificationTime":1,"dataChange":true,"deletionVector":{"storageType":"p",)"
          R"("pathOrInlineDv":"file:///data/my%20table/v%20w.bin","offset":1,"sizeInBytes":2,)"
          R"("cardinality":3}}})"},
         50 * kWeek);
  EXPECT_THAT(Gone(), ElementsAre("d"));
}

TEST_F(VacuumTest, OddNames_AreMatchedAsTheyAreOnDisk) {
  for (const char* const name :
       {"p=a b/ü 1", "p=a%20b/x", "100%", "not%20encoded", "twice//slashed", "p=1/y", "plus+"}) {
    Put(name);
  }
  Put("p=a b/x");
  Commit(1,
         {AddLine("p=a%20b/%C3%BC%201"), AddLine("p=a%2520b/x"), AddLine("100%25"),
          AddLine("not%20encoded"), AddLine("./p=1/../p=1//y"), AddLine("plus+")},
         50 * kWeek);
  EXPECT_THAT(Gone(), ElementsAre("p=a b/x", "twice//slashed"));
}

TEST_F(VacuumTest, HiddenNames_AreLeftAlone) {
  Commit(0,
         {ProtocolLine(),
          R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":)"
          R"("{\"type\":\"struct\",\"fields\":[{\"name\":\"_p q\",\"type\":\"string\",)"
          R"(\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["_p q"],)"
          R"("configuration":{}}})"},
         100 * kWeek);
  for (const char* const name :
       {"_file", ".file", "a/_file", "a/.file", "_folder/x", "a/_folder/x", "a/.folder/x/y",
        "_other=1/x", "_started/123", "_delta_log/_sidecars/x", "b/_change_data/x", "a/x",
        "_p q=1/x", "_p%20q=1/x", "_p q=1/_x", "_change_data/x", "_change_data/_p q=1/x"}) {
    Put(name);
  }
  EXPECT_THAT(Gone(), UnorderedElementsAre("a/x", "_p q=1/x", "_p%20q=1/x", "_change_data/x",
                                           "_change_data/_p q=1/x"));
}

TEST_F(VacuumTest, ChangeData_StaysForTheRetention) {
  Put("_change_data/old");
  Put("_change_data/new");
  const auto line = [](const std::string& path) {
    return fmt::format(
        R"({{"cdc":{{"path":"{}","partitionValues":{{}},"size":1,"dataChange":false}}}})", path);
  };
  Commit(1, {line("_change_data/old")}, kWeek + kMinute);
  Commit(2, {line("_change_data/new")}, kWeek - kMinute);
  EXPECT_THAT(Gone(), ElementsAre("_change_data/old"));
}

TEST_F(VacuumTest, TablesBelow_AreLeftAlone) {
  for (const char* const name : {"a/orphan", "a/inner/part", "a/inner/deep/part", "a/inner2/orphan",
                                 "a/inner/_delta_log/00000000000000000000.json"}) {
    Put(name);
  }
  const auto report = Run();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->files, ElementsAre("a/inner2/orphan", "a/orphan"));
  EXPECT_EQ(report->files_kept, 2);
}

TEST_F(VacuumTest, RetentionOfTheTable_IsTheLeast) {
  Commit(
      0,
      {ProtocolLine(), MetadataLine(R"("delta.deletedFileRetentionDuration":"interval 2 days")")},
      100 * kWeek);
  Put("orphan", 47 * kHour);
  Put("older", 49 * kHour);
  EXPECT_THAT(Gone(), ElementsAre("older"));
  const auto refused = Run({.retention_ms = 46 * kHour});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("46 hours is shorter than the 48 hours"));
  EXPECT_EQ(*refused.error().FindFact("tableRetentionMs"), Error::FactValue(48 * kHour));
  EXPECT_TRUE(IsThere("orphan"));
  EXPECT_THAT(Gone({.retention_ms = 46 * kHour, .force = true}), ElementsAre("orphan"));
}

TEST_F(VacuumTest, RetentionThatIsNone_IsRefused) {
  Put("orphan");
  const auto negative = Run({.retention_ms = -1, .force = true});
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().code(), ErrorCode::kInvalidArgument);
  Commit(0, {ProtocolLine(), MetadataLine(R"("delta.deletedFileRetentionDuration":"1 month")")},
         100 * kWeek);
  for (const std::optional<std::int64_t> given : {std::optional<std::int64_t>(), {9 * kWeek}}) {
    const auto odd = Run({.retention_ms = given});
    ASSERT_FALSE(odd);
    EXPECT_EQ(odd.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(odd.error().message(), HasSubstr("1 month"));
  }
  EXPECT_THAT(Gone({.retention_ms = 99 * 52 * kWeek, .force = true}), IsEmpty());
  EXPECT_THAT(Gone({.retention_ms = std::numeric_limits<std::int64_t>::max(), .force = true}),
              IsEmpty());
  EXPECT_THAT(Gone({.retention_ms = 0, .force = true}), ElementsAre("orphan"));
}

TEST_F(VacuumTest, TablesThatAskForMore_AreRefused) {
  Put("orphan");
  for (const auto& [features, code] : std::vector<std::pair<std::string, ErrorCode>>{
           {R"("vacuumProtocolCheck","somethingNew")", ErrorCode::kUnsupported},
           {R"("catalogManaged","inCommitTimestamp")", ErrorCode::kUnsupported}}) {
    Commit(1,
           {R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],)"
            R"("writerFeatures":[)" +
            features + "]}}"},
           kMinute);
    const auto report = Run(DryRun());
    ASSERT_FALSE(report) << features;
    EXPECT_EQ(report.error().code(), code) << features;
  }
}

TEST_F(VacuumTest, FailingRemoval_StopsAndSaysHowFarItGot) {
  for (const char* const name : {"a", "b", "c"}) Put(name);
  files_.SetFault([](storage::FileOperation operation, const std::string& path) {
    const bool fails = operation == storage::FileOperation::kRemove && path.ends_with("/b");
    return fails ? std::optional(Error(ErrorCode::kPermission, "no")) : std::nullopt;
  });
  const auto report = Run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::kPermission);
  EXPECT_EQ(*report.error().FindFact("removed"), Error::FactValue(1));
  EXPECT_THAT(report.error().message(), HasSubstr("1 of 3 files"));
  EXPECT_TRUE(IsThere("c"));
}

TEST_F(VacuumTest, UnreadableCommit_KeepsEverything) {
  Put("orphan");
  Commit(1, {"{\"add\":{\"path\":"}, kMinute);
  EXPECT_FALSE(Run());
  EXPECT_TRUE(IsThere("orphan"));
}

TEST_F(VacuumTest, FileThatACommitTakesUpMeanwhile_Stays) {
  Put("orphan");
  Put("restored");
  // Somebody commits right before the files are listed.
  bool has_committed = false;
  files_.SetFault([&](storage::FileOperation operation, const std::string& path) {
    if (operation == storage::FileOperation::kList && path == kTable && !has_committed) {
      has_committed = true;
      Commit(1, {AddLine("restored")}, 0);
    }
    return std::optional<Error>();
  });
  EXPECT_THAT(Gone(), ElementsAre("orphan"));
  EXPECT_TRUE(has_committed);
}

// ---- on a disk, and in a catalog ----------------------------------------------------------------

class VacuumOnDiskTest : public testing::Test {
 protected:
  static constexpr std::string_view kSchema =
      R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]})";

  void SetUp() override { std::filesystem::create_directories(data()); }

  std::filesystem::path data() const { return folder_.path() / "my table"; }
  std::string catalog(const std::filesystem::path& file, const std::string& name) const {
    return "deltasql://sqlite/" + (file.native() + "?table=" + name);
  }
  std::string catalog(const std::string& name) const {
    return catalog(folder_.path() / "meta.db", name);
  }
  void Put(const std::string& below, std::int64_t age_ms = 10 * kWeek) const {
    const std::filesystem::path path = data() / below;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "12345";
    Age(path, age_ms);
  }
  static void Age(const std::filesystem::path& path, std::int64_t age_ms) {
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::milliseconds(age_ms));
  }
  static void Create(const std::string& uri, const std::optional<std::string>& location) {
    NewTable table;
    table.schema_json = kSchema;
    table.location = location;
    const auto created = CreateTable(uri, table);
    ASSERT_TRUE(created) << created.error().message();
  }
  static void Commit(const std::string& uri, const std::vector<std::string>& lines) {
    const auto writer = TableWriter::Open(uri);
    ASSERT_TRUE(writer) << writer.error().message();
    auto transaction = writer->Begin();
    ASSERT_TRUE(transaction) << transaction.error().message();
    for (const std::string& line : lines) {
      const auto added = transaction->AddLine(line, 1);
      ASSERT_TRUE(added) << added.error().message();
    }
    const auto report = transaction->Commit();
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_EQ(report->outcome, CommitReport::Outcome::kCommitted);
  }
  static std::vector<std::string> Gone(const std::string& uri, const VacuumOptions& options = {}) {
    const auto opened = OpenTransactionLog(uri, store::DatabaseMode::kRead, nullptr);
    if (!opened) return {opened.error().message()};
    auto report = VacuumTable({*opened->log, storage::LocalFileSystem()}, options);
    if (!report) return {report.error().message()};
    return std::move(report->files);
  }

  base::TempFolder folder_;
};

TEST_F(VacuumOnDiskTest, FolderTable_LosesWhatNothingNeeds) {
  const std::string uri = data().native();
  Create(uri, std::nullopt);
  for (const char* const name : {"a 1", "p=1/ü", "orphan", "p=1/orphan"}) Put(name);
  Put("young", kHour);
  Commit(uri, {AddLine("a%201", 5), AddLine("p=1/ü", 5)});
  Commit(uri, {RemoveAt("a%201", 1)});
  EXPECT_THAT(Gone(uri, DryRun()), ElementsAre("orphan", "p=1/orphan"));
  EXPECT_THAT(Gone(uri), ElementsAre("orphan", "p=1/orphan"));
  EXPECT_FALSE(std::filesystem::exists(data() / "p=1/orphan"));
  EXPECT_TRUE(std::filesystem::exists(data() / "p=1"));
  EXPECT_TRUE(std::filesystem::exists(data() / "a 1"));
}

TEST_F(VacuumOnDiskTest, CatalogTable_LosesWhatNothingNeeds) {
  const std::string uri = catalog("t");
  Create(uri, data().native());
  for (const char* const name : {"live", "removed", "orphan", "p/orphan"}) Put(name);
  Put(kVectorFile);
  Commit(uri, {AddLine("live", 5), AddLine("removed", 5)});
  Commit(uri, {RemoveAt("removed", 1)});
  EXPECT_THAT(Gone(uri), ElementsAre(kVectorFile, "orphan", "p/orphan"));
  // The remove has an old time, and still it was committed just now.
  EXPECT_TRUE(std::filesystem::exists(data() / "removed"));
}

TEST_F(VacuumOnDiskTest, OldCommitsOfACatalog_NoLongerProtectTheirFiles) {
  const std::string uri = catalog("t");
  Create(uri, data().native());
  for (const char* const name : {"live", "untimed", "late"}) Put(name);
  Commit(uri, {AddLine("live", 5), AddLine("untimed", 5), AddLine("late", 5)});
  Commit(uri, {RemoveAt("untimed", std::nullopt), RemoveAt("late", Now() + kHour)});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_THAT(Gone(uri, {.retention_ms = 0, .force = true}), ElementsAre("untimed"));
  EXPECT_TRUE(std::filesystem::exists(data() / "live"));
}

TEST_F(VacuumOnDiskTest, WhatTheCatalogKnowsOf_IsLeftAlone) {
  const std::filesystem::path file = data() / "meta.db";
  const std::string uri = catalog(file, "t");
  Create(uri, data().native());
  Create(catalog(file, "inner"), (data() / "inner table").native());
  Create(catalog(file, "linked"), (folder_.path() / "link" / "also").native());
  std::filesystem::create_directory_symlink(data(), folder_.path() / "link");
  Put("inner table/part");
  Put("also/part");
  Put("inner tables/orphan");
  Age(file, 10 * kWeek);
  EXPECT_THAT(Gone(uri), ElementsAre("inner tables/orphan"));
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(VacuumOnDiskTest, Links_AreLeftAloneWithWhatTheyLeadTo) {
  const std::filesystem::path link = folder_.path() / "link";
  std::filesystem::create_directory_symlink(data(), link);
  Create(link.native(), std::nullopt);
  for (const char* const name : {"by_real_name", "real/by_link", "target", "orphan"}) Put(name);
  std::filesystem::create_directory_symlink("real", data() / "linked");
  std::filesystem::create_symlink("target", data() / "link_to_target");
  std::filesystem::create_directory_symlink(folder_.path(), data() / "up");
  Commit(link.native(), {AddLine("file://" + folder_.path().native() + "/my%20table/by_real_name"),
                         AddLine("linked/by_link"), AddLine("link_to_target")});
  EXPECT_THAT(Gone(link.native()), ElementsAre("orphan"));
}

TEST_F(VacuumOnDiskTest, TableWithoutFiles_HasNothingToLose) {
  const std::string uri = catalog("t");
  Create(uri, (folder_.path() / "not there").native());
  EXPECT_THAT(Gone(uri), IsEmpty());
}

}  // namespace
}  // namespace deltalakedb::table
