// Conformance tables taken into a catalog and written out again: the exported log is replayed and
// has to be what an independent replay of the original recorded.
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
#include "deltalakedb/export.h"
#include "deltalakedb/import.h"
#include "deltalakedb/table.h"
#include "tests/conformance_tables.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {
namespace {

using nlohmann::json;

// Of databases other than SQLite, which has all tables.
constexpr int kSampleStep = 8;

class ExportConformanceTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    tables_ = LoadConformanceTables();
    // Where CI is set, loading them has failed already; elsewhere they may be absent.
    if (!tables_) GTEST_SKIP() << "no conformance tables";
    catalog_ = TestDatabase::Make(GetParam());
    ASSERT_TRUE(InitCatalog(catalog_->UriText()).has_value());
    catalog_->Hold();
  }

  // Calls visit(table, uri) for each table that is accepted, once it is in the catalog.
  template <typename Visit>
  void ForEach(const ImportOptions& options, const Visit& visit) {
    const int step = GetParam() == "sqlite" ? 1 : kSampleStep;
    int number = 0;
    for (const ConformanceTable& table : *tables_) {
      if (table.expect() != "accept" || number++ % step != 0) continue;
      SCOPED_TRACE(table.name + ": " + table.why());
      const std::string uri = catalog_->UriText(table.name);
      const auto report = ImportTable(table.folder.native(), uri, options);
      ASSERT_TRUE(report.has_value()) << ErrorText(report.error());
      visit(table, uri);
      ++exported_;
    }
    std::printf("export conformance: %d tables of %s\n", exported_, GetParam().c_str());
  }

  std::string FolderFor(const ConformanceTable& table) const { return folder_.path() / table.name; }

  static std::string Read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static ExportReport Export(const std::string& uri, const std::string& folder) {
    const auto report = ExportTable(uri, folder);
    EXPECT_TRUE(report.has_value()) << ErrorText(report.error());
    return report.value_or(ExportReport{});
  }

  // Every version of both is the same, its time included.
  static void ExpectSameVersions(const std::string& folder, const std::string& uri,
                                 const ExportReport& report) {
    for (Version version = report.from_version; version <= report.to_version;
         version = version.next()) {
      SCOPED_TRACE(fmt::format("version {}", version.value()));
      const auto expected = DescribeVersion(uri, TableVersion::At(version));
      const auto actual = DescribeVersion(folder, TableVersion::At(version));
      ASSERT_TRUE(expected.has_value()) << ErrorText(expected.error());
      ASSERT_TRUE(actual.has_value()) << ErrorText(actual.error());
      EXPECT_EQ(*actual, *expected);
      EXPECT_EQ(DeltaTable::Open(folder)->LoadState(TableVersion::At(version))->timestamp,
                DeltaTable::Open(uri)->LoadState(TableVersion::At(version))->timestamp);
    }
  }

  std::optional<std::vector<ConformanceTable>> tables_;
  std::unique_ptr<TestDatabase> catalog_;
  base::TempFolder folder_;
  int exported_ = 0;
};

TEST_P(ExportConformanceTest, ExportedLog_IsTheTableVersionByVersion) {
  ImportOptions options;
  options.verification = Verification::kNone;
  ForEach(options, [&](const ConformanceTable& table, const std::string& uri) {
    const std::string folder = FolderFor(table);
    const ExportReport report = Export(uri, folder);
    EXPECT_EQ(report.to_version.value(), table.replay()["latest"]);
    ExpectSameVersions(folder, uri, report);
    for (const std::int64_t version : table.replay()["commits"]) {
      if (version < report.from_version.value()) continue;
      const std::string name = fmt::format("_delta_log/{:020}.json", version);
      EXPECT_TRUE(Read(std::filesystem::path(folder) / name) == Read(table.folder / name)) << name;
    }
    const ExportReport again = Export(uri, folder);
    EXPECT_EQ(again.commits, 0);
    EXPECT_EQ(again.checkpoint, report.checkpoint);
  });
}

TEST_P(ExportConformanceTest, CheckpointOfTheLatestVersion_IsTheRecordedTruth) {
  ImportOptions options;
  options.verification = Verification::kNone;
  options.latest_only = true;
  ForEach(options, [&](const ConformanceTable& table, const std::string& uri) {
    const std::string folder = FolderFor(table);
    const ExportReport report = Export(uri, folder);
    EXPECT_EQ(report.from_version, report.to_version);
    ExpectSameVersions(folder, uri, report);
    const std::string latest = std::to_string(table.replay()["latest"].get<std::int64_t>());
    const auto actual = DescribeVersion(folder, TableVersion::Latest());
    ASSERT_TRUE(actual.has_value()) << ErrorText(actual.error());
    ExpectMatches(table.replay()["versions"][latest], *actual);
    // The checkpoint alone says all of it.
    if (!report.checkpoint) return;
    std::filesystem::remove(
        fmt::format("{}/_delta_log/{:020}.json", folder, report.to_version.value()));
    const auto alone = DescribeVersion(folder, TableVersion::Latest());
    ASSERT_TRUE(alone.has_value()) << ErrorText(alone.error());
    ExpectMatches(table.replay()["versions"][latest], *alone);
  });
}

std::vector<std::string> Kinds() {
  std::vector<std::string> kinds = TestDatabase::Kinds();
  std::erase(kinds, "pgbouncer");
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Databases, ExportConformanceTest, ::testing::ValuesIn(Kinds()),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace deltalakedb::testing
