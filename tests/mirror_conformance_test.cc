// Conformance tables taken into a catalog and mirrored to a fresh folder: what a reader replays
// there has to be what the catalog has, from the commits, and from a checkpoint alone that was
// written out of the catalog's rows.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/catalog.h"
#include "deltalakedb/import.h"
#include "deltalakedb/mirror.h"
#include "deltalakedb/table.h"
#include "deltalakedb/uri.h"
#include "mirror/mirror_source.h"
#include "mirror/open_table.h"
#include "mirror/table_checkpoint.h"
#include "tests/conformance_tables.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {
namespace {

// Of databases other than SQLite, which has all tables.
constexpr int kSampleStep = 8;

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

class MirrorConformanceTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    tables_ = LoadConformanceTables();
    // Where CI is set, loading them has failed already; elsewhere they may be absent.
    if (!tables_) GTEST_SKIP() << "no conformance tables";
    catalog_ = TestDatabase::Make(GetParam());
    ASSERT_TRUE(InitCatalog(catalog_->UriText()).has_value());
    catalog_->Hold();
  }

  // The table in the catalog, and its mirror in a folder of its own.
  static void Mirror(const std::string& uri, const std::string& folder) {
    const auto added = AddMirror(uri, {.to = folder});
    ASSERT_TRUE(added.has_value()) << ErrorText(added.error());
    const auto runs = RunMirrors(uri);
    ASSERT_TRUE(runs.has_value()) << ErrorText(runs.error());
    ASSERT_EQ(runs->size(), 1U);
    ASSERT_FALSE(runs->front().error.has_value()) << ErrorText(*runs->front().error);
    ASSERT_EQ(runs->front().published, runs->front().version);
  }

  static void ExpectVerified(const std::string& uri) {
    const auto verified = VerifyMirrors(uri);
    ASSERT_TRUE(verified.has_value()) << ErrorText(verified.error());
    for (const Difference& difference : verified->front().differences) {
      ADD_FAILURE() << difference.message;
    }
  }

  // What the catalog says of a version, which has the recorded truth (sql_conformance_test).
  static void ExpectAsInCatalog(const std::string& uri, const std::string& folder,
                                Version version) {
    SCOPED_TRACE(fmt::format("version {}", version.value()));
    auto expected = DescribeVersion(uri, TableVersion::At(version));
    auto actual = DescribeVersion(folder, TableVersion::At(version));
    ASSERT_TRUE(expected.has_value()) << ErrorText(expected.error());
    ASSERT_TRUE(actual.has_value()) << ErrorText(actual.error());
    // A table may ask for checkpoints without statistics.
    if ((*expected)["configuration"].value("delta.checkpoint.writeStatsAsJson", "") == "false") {
      for (auto* const told : {&*expected, &*actual}) {
        told->erase("files_with_num_records");
        told->erase("num_records");
      }
    }
    EXPECT_EQ(*actual, *expected);
  }

  // What only the checkpoint says, as commits up to it are taken away.
  static void ExpectCheckpointAlone(const std::string& uri, const std::string& folder) {
    const auto open = mirror::OpenTableOf(uri, store::DatabaseMode::kRead);
    ASSERT_TRUE(open.has_value()) << ErrorText(open.error());
    const auto impl = MirrorSource::Impl::Open(open->catalog.database, open->row.table_id);
    ASSERT_TRUE(impl.has_value()) << ErrorText(impl.error());
    const MirrorSource source(**impl, NullLogSink());
    const Version latest = source.versions().last;
    const auto written = mirror::WriteTableCheckpoint(source, storage::LocalFileSystem(),
                                                      folder + "/_delta_log", latest, false);
    ASSERT_TRUE(written.has_value()) << ErrorText(written.error());
    for (Version version = source.versions().first; version <= latest; version = version.next()) {
      std::filesystem::remove(fmt::format("{}/_delta_log/{:020}.json", folder, version.value()));
    }
    ExpectAsInCatalog(uri, folder, latest);
  }

  std::optional<std::vector<ConformanceTable>> tables_;
  std::unique_ptr<TestDatabase> catalog_;
  base::TempFolder folder_;
};

TEST_P(MirrorConformanceTest, MirroredTable_IsTheRecordedTruth) {
  const int step = GetParam() == "sqlite" ? 1 : kSampleStep;
  int number = 0;
  int mirrored = 0;
  ImportOptions options;
  options.verification = Verification::kNone;
  for (const ConformanceTable& table : *tables_) {
    if (table.expect() != "accept" || number++ % step != 0) continue;
    SCOPED_TRACE(table.name + ": " + table.why());
    const std::string uri = catalog_->UriText(table.name);
    const auto report = ImportTable(table.folder.native(), uri, options);
    ASSERT_TRUE(report.has_value()) << ErrorText(report.error());
    const std::string folder = folder_.path() / table.name;
    Mirror(uri, folder);
    if (HasFatalFailure()) return;
    for (const std::int64_t version : table.replay()["commits"]) {
      if (Version(version) < *report->from_version) continue;
      const std::string name = fmt::format("_delta_log/{:020}.json", version);
      EXPECT_TRUE(Read(std::filesystem::path(folder) / name) == Read(table.folder / name)) << name;
    }
    for (Version version = *report->from_version; version <= report->to_version;
         version = version.next()) {
      ExpectAsInCatalog(uri, folder, version);
    }
    ExpectVerified(uri);
    ExpectCheckpointAlone(uri, folder);
    ++mirrored;
  }
  std::printf("mirror conformance: %d tables of %s\n", mirrored, GetParam().c_str());
}

std::vector<std::string> Kinds() {
  std::vector<std::string> kinds = TestDatabase::Kinds();
  std::erase(kinds, "pgbouncer");
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Databases, MirrorConformanceTest, ::testing::ValuesIn(Kinds()),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace deltalakedb::testing
