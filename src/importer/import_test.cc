#include "deltalakedb/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/catalog.h"
#include "deltalakedb/table.h"

namespace deltalakedb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kProtocol = R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})";
const std::string kMetadata =
    R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":)"
    R"("{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}})";

std::string AddLine(const std::string& path, int size = 1) {
  return R"({"add":{"path":")" + path + R"(","partitionValues":{},"size":)" + std::to_string(size) +
         R"(,"modificationTime":1,"dataChange":true}})";
}
std::string RemoveLine(const std::string& path) {
  return R"({"remove":{"path":")" + path + R"(","deletionTimestamp":1,"dataChange":true}})";
}

// A source of three versions, and a catalog that is not there yet.
class ImportTest : public testing::Test {
 protected:
  ImportTest() {
    Commit(source_, 0, {kProtocol, kMetadata, AddLine("a")});
    Commit(source_, 1, {R"({"commitInfo":{"operation":"WRITE"}})", AddLine("b", 2)});
    Commit(source_, 2, {RemoveLine("a"), AddLine("c", 3)});
  }

  static void Commit(const std::filesystem::path& table, int version,
                     const std::vector<std::string>& lines) {
    std::filesystem::create_directories(table / "_delta_log");
    std::string name = std::to_string(version);
    name.insert(0, 20 - name.size(), '0');
    std::ofstream file(table / "_delta_log" / (name + ".json"), std::ios::binary);
    for (const std::string& line : lines) file << line << "\n";
  }

  Result<ImportReport> Import(const ImportOptions& options = {}) const {
    return ImportTable(source_.native(), table_uri(), options);
  }
  ImportReport ImportAll(const ImportOptions& options = {}) const {
    auto report = Import(options);
    EXPECT_TRUE(report.has_value()) << report.error().message();
    return report ? *std::move(report) : ImportReport{};
  }
  std::string table_uri(const std::string& name = "t") const {
    return catalog_uri() + "?table=" + name;
  }
  std::string catalog_uri() const {
    return "deltasql://sqlite/" + (folder_.path() / "db" / "meta.db").native();
  }

  // The live files at a version; its error's message where there is one.
  std::vector<std::string> FilesAt(std::optional<int> version = {},
                                   const std::string& name = "t") const {
    const auto table = DeltaTable::Open(table_uri(name));
    if (!table) return {table.error().message()};
    const auto snapshot =
        table->LoadSnapshot(version ? TableVersion::At(Version(*version)) : TableVersion::Latest());
    if (!snapshot) return {snapshot.error().message()};
    std::vector<std::string> paths;
    const auto files = (*snapshot)->OpenFiles({.order = FileOrder::kByPath});
    for (auto batch = (*files)->Next(); *batch; batch = (*files)->Next()) {
      for (const AddFile& add : (*batch)->files()) paths.emplace_back(add.path);
    }
    return paths;
  }
  std::vector<TableInfo> Tables() const {
    return ListTables(catalog_uri()).value_or(std::vector<TableInfo>());
  }
  std::string Bytes() const {
    std::ifstream file(folder_.path() / "db" / "meta.db", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void MakeCatalogFolder() const { std::filesystem::create_directories(folder_.path() / "db"); }
  void SetUp() override { MakeCatalogFolder(); }

  base::TempFolder folder_;
  std::filesystem::path source_ = folder_.path() / "source";
};

TEST_F(ImportTest, FirstImport_TakesInAllVersionsAndSaysSo) {
  const ImportReport report = ImportAll();
  EXPECT_EQ(report.table, "t");
  EXPECT_EQ(report.from_version, Version(0));
  EXPECT_EQ(report.to_version, Version(2));
  EXPECT_EQ(report.commits, 3);
  EXPECT_EQ(report.adds, 3);
  EXPECT_EQ(report.removes, 1);
  EXPECT_EQ(report.num_files, 2);
  EXPECT_TRUE(report.verified);
  EXPECT_THAT(FilesAt(0), ElementsAre("a"));
  EXPECT_THAT(FilesAt(), ElementsAre("b", "c"));
}

TEST_F(ImportTest, FurtherImports_TakeInWhatIsNew) {
  ImportOptions options;
  options.up_to_version = Version(1);
  EXPECT_EQ(ImportAll(options).to_version, Version(1));
  EXPECT_THAT(FilesAt(), ElementsAre("a", "b"));
  const ImportReport more = ImportAll();
  EXPECT_EQ(more.from_version, Version(2));
  EXPECT_EQ(more.commits, 1);
  EXPECT_TRUE(more.verified);
  EXPECT_THAT(FilesAt(), ElementsAre("b", "c"));
  EXPECT_THAT(FilesAt(0), ElementsAre("a"));
  const std::string before = Bytes();
  const ImportReport nothing = ImportAll();
  EXPECT_FALSE(nothing.from_version.has_value());
  EXPECT_EQ(nothing.commits, 0);
  EXPECT_EQ(nothing.num_files, 2);
  EXPECT_EQ(Bytes(), before);
  Commit(source_, 3, {AddLine("c", 9)});
  EXPECT_EQ(ImportAll().from_version, Version(3));
  EXPECT_THAT(VerifyTable(table_uri())->differences, IsEmpty());
}

TEST_F(ImportTest, UpToAVersionThatIsNotThere_IsNotFound) {
  ImportOptions options;
  options.up_to_version = Version(7);
  const auto report = Import(options);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "db"));
}

TEST_F(ImportTest, LatestOnly_HasNoOlderVersionsAndGoesOnFromThere) {
  ImportOptions options;
  options.latest_only = true;
  const ImportReport report = ImportAll(options);
  EXPECT_EQ(report.from_version, Version(2));
  EXPECT_EQ(report.num_files, 2);
  EXPECT_TRUE(report.verified);
  EXPECT_THAT(FilesAt(), ElementsAre("b", "c"));
  EXPECT_THAT(FilesAt(1), ElementsAre(HasSubstr("version 1")));
  Commit(source_, 3, {RemoveLine("b"), AddLine("d")});
  EXPECT_EQ(ImportAll().from_version, Version(3));
  EXPECT_THAT(FilesAt(2), ElementsAre("b", "c"));
  EXPECT_THAT(FilesAt(), ElementsAre("c", "d"));
  VerifyOptions verify;
  verify.against = source_.native();
  EXPECT_THAT(VerifyTable(table_uri(), verify)->differences, IsEmpty());
}

TEST_F(ImportTest, DryRun_TellsWhatWouldComeInAndChangesNothing) {
  ImportOptions options;
  options.dry_run = true;
  const ImportReport report = ImportAll(options);
  EXPECT_TRUE(report.dry_run);
  EXPECT_EQ(report.from_version, Version(0));
  EXPECT_EQ(report.commits, 3);
  EXPECT_EQ(report.adds, 3);
  EXPECT_EQ(report.num_files, 2);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "db"));
  ImportAll();
  Commit(source_, 3, {AddLine("d")});
  const std::string before = Bytes();
  const ImportReport more = ImportAll(options);
  EXPECT_EQ(more.from_version, Version(3));
  EXPECT_EQ(more.num_files, 3);
  EXPECT_EQ(Bytes(), before);
}

TEST_F(ImportTest, NameOfAnotherLocation_IsRefused) {
  ImportAll();
  const auto other = folder_.path() / "other";
  Commit(other, 0, {kProtocol, kMetadata, AddLine("x")});
  const std::string before = Bytes();
  const auto report = ImportTable(other.native(), table_uri());
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(Bytes(), before);
}

TEST_F(ImportTest, LocationOfAnotherName_IsRefused) {
  ImportAll();
  const auto report = ImportTable(source_.native(), table_uri("again"));
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(report.error().message(), HasSubstr("t"));
  EXPECT_EQ(Tables().size(), 1U);
}

TEST_F(ImportTest, SourceThatWasRewritten_IsRefusedUnlessForced) {
  ImportAll();
  const TableId old_id = Tables().at(0).table_id;
  Commit(source_, 2, {AddLine("z")});
  const std::string before = Bytes();
  const auto refused = Import();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(*refused.error().FindFact("version"), Error::FactValue(std::int64_t{2}));
  EXPECT_EQ(Bytes(), before);
  ImportOptions options;
  options.force = true;
  options.yes = true;
  const ImportReport report = ImportAll(options);
  ASSERT_TRUE(report.replaced_table.has_value());
  EXPECT_THAT(*report.replaced_table, HasSubstr("t.replaced-"));
  EXPECT_NE(report.table_id, old_id);
  EXPECT_THAT(FilesAt(), ElementsAre("a", "b", "z"));
  EXPECT_THAT(FilesAt({}, *report.replaced_table), ElementsAre("b", "c"));
  EXPECT_EQ(Tables().size(), 2U);
  // The two are apart: each can be checked, and the new one goes on.
  EXPECT_THAT(VerifyTable(table_uri())->differences, IsEmpty());
  EXPECT_THAT(VerifyTable(table_uri(*report.replaced_table))->differences, IsEmpty());
  Commit(source_, 3, {AddLine("y")});
  EXPECT_EQ(ImportAll().from_version, Version(3));
}

TEST_F(ImportTest, SourceThatLacksVersions_IsReplacedOnlyWhenThatIsMeant) {
  ImportAll();
  std::filesystem::remove(source_ / "_delta_log" / "00000000000000000002.json");
  EXPECT_FALSE(ImportAll().from_version.has_value());
  ImportOptions options;
  options.force = true;
  const auto refused = Import(options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
  options.yes = true;
  EXPECT_EQ(ImportAll(options).to_version, Version(1));
  EXPECT_THAT(FilesAt(), ElementsAre("a", "b"));
}

TEST_F(ImportTest, SourceWithOtherCommits_IsReplacedOnlyWhenThatIsMeant) {
  ImportAll();
  // As a writer to the folder leaves it that knew nothing of the catalog's commit.
  Commit(source_, 1, {R"({"commitInfo":{"operation":"OTHER"}})", AddLine("b", 2)});
  Commit(source_, 3, {AddLine("d", 4)});
  const std::string before = Bytes();
  for (const bool is_dry_run : {true, false}) {
    ImportOptions options;
    options.force = true;
    options.dry_run = is_dry_run;
    const auto refused = Import(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
    EXPECT_EQ(*refused.error().FindFact("version"), Error::FactValue(std::int64_t{1}));
    EXPECT_THAT(refused.error().message(), HasSubstr("--yes"));
    EXPECT_EQ(Bytes(), before);
    options.yes = true;
    const ImportReport report = ImportAll(options);
    EXPECT_EQ(report.to_version, Version(3));
    EXPECT_TRUE(report.replaced_table.has_value());
  }
}

TEST_F(ImportTest, SourceThatHasAllOfTheCatalog_IsReplacedByForceAlone) {
  ImportAll();
  Commit(source_, 3, {AddLine("d", 4)});
  ImportOptions options;
  options.force = true;
  EXPECT_EQ(ImportAll(options).to_version, Version(3));
  options.latest_only = true;
  EXPECT_EQ(ImportAll(options).from_version, Version(3));
}

TEST_F(ImportTest, GapAfterWhatTheCatalogHas_IsCorrupt) {
  ImportAll();
  Commit(source_, 4, {AddLine("d")});
  const std::string before = Bytes();
  const auto report = Import();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::kCorrupt) << report.error().message();
  EXPECT_EQ(Bytes(), before);
}

TEST_F(ImportTest, CommitThatCannotBeRead_LeavesNothingBehind) {
  Commit(source_, 3, {"{\"add\":"});
  const auto first = Import();
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "db"));
  ImportOptions options;
  options.up_to_version = Version(2);
  ImportAll(options);
  const std::string before = Bytes();
  ASSERT_FALSE(Import().has_value());
  EXPECT_EQ(Bytes(), before);
}

TEST_F(ImportTest, UnknownReaderFeature_IsRefusedUnlessMetadataIsAllThatIsWanted) {
  Commit(source_, 3,
         {R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,)"
          R"("readerFeatures":["fromTheFuture"],"writerFeatures":["fromTheFuture"]}})"});
  const auto refused = Import();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message(), HasSubstr("fromTheFuture"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "db"));
  ImportOptions options;
  options.metadata_only = true;
  EXPECT_EQ(ImportAll(options).to_version, Version(3));
  const auto table = DeltaTable::Open(table_uri());
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->LoadHistory()->size(), 4U);
  EXPECT_EQ(table->LoadSnapshot().error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(table->LoadSnapshot(TableVersion::At(Version(2))).has_value());
}

TEST_F(ImportTest, TableManagedByACatalog_IsAlwaysRefused) {
  Commit(source_, 3,
         {R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,)"
          R"("readerFeatures":["catalogManaged"],"writerFeatures":["catalogManaged"]}})"});
  for (const bool metadata_only : {false, true}) {
    ImportOptions options;
    options.metadata_only = metadata_only;
    const auto report = Import(options);
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code(), ErrorCode::kUnsupported);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "db"));
}

TEST_F(ImportTest, TargetsThatDisagree_AreInvalid) {
  ImportOptions options;
  options.name = "other";
  EXPECT_EQ(Import(options).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ImportTable(source_.native(), catalog_uri()).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(ImportTable(source_.native(), source_.native()).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(ImportTable((folder_.path() / "none").native(), table_uri()).error().code(),
            ErrorCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "db"));
}

TEST_F(ImportTest, NameAsAnOption_IsThatOfTheTable) {
  ImportOptions options;
  options.name = "Größe & co";
  const auto report = ImportTable(source_.native(), catalog_uri(), options);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(Tables().at(0).name, "Größe & co");
}

TEST_F(ImportTest, VerifyAgainstASourceThatDiffers_TellsHow) {
  ImportAll();
  VerifyOptions options;
  options.against = source_.native();
  EXPECT_THAT(VerifyTable(table_uri(), options)->differences, IsEmpty());
  Commit(source_, 2, {AddLine("z", 7)});
  const auto report = VerifyTable(table_uri(), options);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  ASSERT_FALSE(report->differences.empty());
  for (const Difference& difference : report->differences) {
    EXPECT_EQ(difference.where, "source");
    EXPECT_EQ(difference.version, Version(2));
  }
}

TEST_F(ImportTest, EveryLevelOfVerification_TakesInTheSame) {
  for (const Verification level :
       {Verification::kNone, Verification::kCounts, Verification::kFull}) {
    std::filesystem::remove_all(folder_.path() / "db");
    MakeCatalogFolder();
    ImportOptions options;
    options.verification = level;
    EXPECT_EQ(ImportAll(options).verified, level != Verification::kNone);
    EXPECT_THAT(FilesAt(), ElementsAre("b", "c"));
    EXPECT_THAT(VerifyTable(table_uri())->differences, IsEmpty());
  }
}

}  // namespace
}  // namespace deltalakedb
