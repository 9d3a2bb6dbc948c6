// Real tables of many writers, taken into one catalog of each kind and read from there, against
// what an independent replay of their logs recorded. There is no list of tables that are let off:
// what TRUTH.md leaves open is decided by its rules. Under sanitizers SQLite has all tables and the
// other databases a sample.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "deltalakedb/catalog.h"
#include "deltalakedb/import.h"
#include "tests/conformance_tables.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {
namespace {

using nlohmann::json;

// What was compared, for the line at the end.
struct Summary {
  int tables = 0, versions = 0, older_versions = 0, files = 0, texts = 0, refused = 0;
};

// The first version of the run that a catalog holds (DESIGN.md, What a database holds), by the
// record alone: 0, or the lowest checkpoint that could be read, with every later commit.
std::int64_t FirstOfRun(const json& replay) {
  const std::set<std::int64_t> commits = replay["commits"];
  std::int64_t start = replay["latest"];  // every commit after it is there
  while (commits.contains(start)) --start;
  if (start < 0) return 0;
  const json& versions = replay["versions"];
  std::set<std::int64_t> checkpoints;
  for (const auto& [version, kinds] : replay["checkpoints"].items()) {
    const bool is_readable =
        versions.contains(version) && versions[version]["base_checkpoint"] == std::stoll(version);
    if (is_readable) checkpoints.insert(std::stoll(version));
  }
  const auto base = checkpoints.lower_bound(start);
  EXPECT_NE(base, checkpoints.end());
  return base == checkpoints.end() ? start : *base;
}

// Where a checkpoint carries something else than the commits before it, what is made of commits
// alone differs from it: the fields concerned, as the record of the latest version shows.
std::set<std::string> FieldsOfCheckpointAlone(const json& replay) {
  std::set<std::string> fields;
  const std::string latest = std::to_string(replay["latest"].get<std::int64_t>());
  if (!replay.contains("json_only_latest") || !replay["versions"].contains(latest)) return fields;
  for (const auto& [field, value] : replay["json_only_latest"].items()) {
    if (FieldsAboutTheReplay().contains(field)) continue;
    if (replay["versions"][latest][field] != value) fields.insert(field);
  }
  return fields;
}

// Of databases other than SQLite, where a test dumps them or gives each table one of its own, and
// where sanitizers make everything slow.
constexpr int kSampleStep = 8;
bool IsSoak() {
  const char* const soak = std::getenv("DELTALAKEDB_SOAK");
  return soak != nullptr && std::string_view(soak) == "1";
}

// Below the run of a table all versions are alike.
constexpr std::int64_t kOlderVersionsMax = 16;

class SqlConformanceTest : public ::testing::TestWithParam<std::string> {
 protected:
  // To GoogleTest the databases are one suite, and it takes a test through all of them before the
  // next one: each database has a catalog, which its tests share.
  void SetUp() override {
    if (catalogs.empty()) all_tables = LoadConformanceTables();
    if (!catalogs.contains(GetParam())) ImportAll();
    // Where CI is set, loading them has failed already; elsewhere they may be absent.
    if (!all_tables) GTEST_SKIP() << "no conformance tables";
  }
  static void TearDownTestSuite() {
    std::printf(
        "sql conformance: %d tables with %d versions (%d files) match, %d older versions say so, "
        "%d texts are their files, %d tables refused\n",
        summary.tables, summary.versions, summary.files, summary.older_versions, summary.texts,
        summary.refused);
    catalogs.clear();
    summary = {};
  }

  static TestDatabase& SharedCatalog() { return *catalogs.at(GetParam()); }

  static void ImportAll() {
    catalogs[GetParam()] = TestDatabase::Make(GetParam());
    ASSERT_TRUE(InitCatalog(SharedCatalog().UriText()).has_value());
    SharedCatalog().Hold();
    if (!all_tables) return;
    ForEach("accept", [](const ConformanceTable& table) {
      const auto report = ImportTable(table.folder.native(), SharedCatalog().UriText(table.name));
      ASSERT_TRUE(report.has_value()) << ErrorText(report.error());
      EXPECT_TRUE(report->verified);
      EXPECT_TRUE(report->differences.empty());
    });
  }

  // Calls visit(table) for every table, or for each of a sample.
  template <typename Visit>
  static void ForEach(std::string_view expect, const Visit& visit, bool is_costly = false) {
    const bool is_sample = GetParam() != "sqlite" && !IsSoak() && (is_costly || AskedForSample());
    int number = 0;
    for (const ConformanceTable& table : *all_tables) {
      if (table.expect() != expect) continue;
      if (is_sample && number++ % kSampleStep != 0) continue;
      SCOPED_TRACE(table.name + ": " + table.why());
      visit(table);
    }
  }

  static void ExpectVersionsMatch(const ConformanceTable& table, const TestDatabase& catalog);
  static void ExpectOlderVersionsAreNotFound(const ConformanceTable& table);
  static void ExpectRefusedOrRight(const ConformanceTable& table, const TestDatabase& catalog);

  static inline std::optional<std::vector<ConformanceTable>> all_tables;
  static inline std::map<std::string, std::unique_ptr<TestDatabase>> catalogs;  // by kind
  static inline Summary summary;
};

void SqlConformanceTest::ExpectVersionsMatch(const ConformanceTable& table,
                                             const TestDatabase& catalog) {
  const json& replay = table.replay();
  const std::int64_t latest = replay["latest"];
  const std::int64_t first = FirstOfRun(replay);
  const std::string uri = catalog.UriText(table.name);
  std::set<std::string> disputed;
  std::int64_t lowest_checkpoint = latest + 1;
  if (first == 0) {
    disputed = FieldsOfCheckpointAlone(replay);
    for (const auto& [version, kinds] : replay["checkpoints"].items()) {
      lowest_checkpoint = std::min<std::int64_t>(lowest_checkpoint, std::stoll(version));
    }
  }
  std::optional<Version> newest;
  const auto at_latest = DescribeVersion(uri, TableVersion::Latest(), &newest);
  ASSERT_TRUE(at_latest.has_value()) << ErrorText(at_latest.error());
  EXPECT_EQ(newest->value(), latest);
  ++summary.tables;
  for (std::int64_t version = first; version <= latest; ++version) {
    SCOPED_TRACE(fmt::format("version {}", version));
    const auto actual = DescribeVersion(uri, TableVersion::At(Version(version)));
    ASSERT_TRUE(actual.has_value()) << ErrorText(actual.error());
    if (version == latest) {
      EXPECT_EQ(*actual, *at_latest);
      if (first == 0 && replay.contains("json_only_latest")) {
        ExpectMatches(replay["json_only_latest"], *actual);
      }
    }
    const json& versions = replay["versions"];
    const std::string key = std::to_string(version);
    if (version == latest && !versions.contains(key)) continue;  // json_only_latest is all there is
    ASSERT_TRUE(versions.contains(key));
    const json& truth = versions[key];
    std::set<std::string> except;
    if (first == 0 && !truth["base_checkpoint"].is_null()) {
      if (version >= lowest_checkpoint) except = disputed;
      // A checkpoint may drop the statistics that its commits had.
      except.insert({"num_records", "files_with_num_records"});
      EXPECT_GE((*actual)["files_with_num_records"], truth["files_with_num_records"]);
    }
    ExpectMatches(truth, *actual, except);
    ++summary.versions;
    summary.files += truth["num_files"].get<int>();
  }
}

void SqlConformanceTest::ExpectOlderVersionsAreNotFound(const ConformanceTable& table) {
  const json& replay = table.replay();
  const std::int64_t latest = replay["latest"];
  const std::int64_t first = FirstOfRun(replay);
  std::set<std::int64_t> outside{latest + 1};
  const std::int64_t step = std::max<std::int64_t>(1, first / kOlderVersionsMax);
  for (std::int64_t version = first - 1; version >= 0; version -= step) outside.insert(version);
  if (first > 0) outside.insert(0);
  for (const std::int64_t version : outside) {
    SCOPED_TRACE(fmt::format("version {}", version));
    const auto actual =
        DescribeVersion(SharedCatalog().UriText(table.name), TableVersion::At(Version(version)));
    ASSERT_FALSE(actual.has_value());
    EXPECT_EQ(actual.error().code(), ErrorCode::kNotFound) << ErrorText(actual.error());
    const Error::FactValue* const earliest = actual.error().FindFact("earliestVersion");
    const Error::FactValue* const newest = actual.error().FindFact("latestVersion");
    ASSERT_NE(earliest, nullptr);
    ASSERT_NE(newest, nullptr);
    EXPECT_EQ(*earliest, Error::FactValue(first));
    EXPECT_EQ(*newest, Error::FactValue(latest));
    ++summary.older_versions;
  }
}

TEST_P(SqlConformanceTest, EveryVersionOfTheRunOfAcceptedTables_MatchesTheTruth) {
  ForEach("accept",
          [](const ConformanceTable& table) { ExpectVersionsMatch(table, SharedCatalog()); });
}

TEST_P(SqlConformanceTest, VersionsOutsideOfTheRun_AreNotFoundAndTheRangeIsTold) {
  ForEach("accept", ExpectOlderVersionsAreNotFound);
}

TEST_P(SqlConformanceTest, HistoryOfAcceptedTables_IsThatOfTheFolder) {
  ForEach("accept", [](const ConformanceTable& table) {
    const auto folder = DeltaTable::Open(table.folder.native());
    const auto stored = DeltaTable::Open(SharedCatalog().UriText(table.name));
    ASSERT_TRUE(folder.has_value() && stored.has_value());
    const auto expected = folder->LoadHistory();
    const auto actual = stored->LoadHistory();
    ASSERT_TRUE(expected.has_value()) << ErrorText(expected.error());
    ASSERT_TRUE(actual.has_value()) << ErrorText(actual.error());
    const std::int64_t first = FirstOfRun(table.replay());
    const auto end = std::ranges::find_if(
        *expected, [&](const HistoryEntry& entry) { return entry.version.value() < first; });
    ASSERT_EQ(actual->size(), static_cast<std::size_t>(end - expected->begin()));
    for (std::size_t i = 0; i < actual->size(); ++i) {
      const HistoryEntry& one = (*expected)[i];
      const HistoryEntry& other = (*actual)[i];
      SCOPED_TRACE(fmt::format("version {}", one.version.value()));
      EXPECT_EQ(one.version, other.version);
      EXPECT_EQ(one.timestamp, other.timestamp);
      EXPECT_EQ(one.num_added, other.num_added);
      EXPECT_EQ(one.num_removed, other.num_removed);
      ASSERT_EQ(one.commit_info.has_value(), other.commit_info.has_value());
      if (one.commit_info) {
        EXPECT_EQ(one.commit_info->operation, other.commit_info->operation);
      }
    }
  });
}

TEST_P(SqlConformanceTest, TextsOfCommits_AreTheirFilesByteForByte) {
  ForEach("accept", [](const ConformanceTable& table) {
    const std::int64_t first = FirstOfRun(table.replay());
    for (const std::int64_t version : table.replay()["commits"]) {
      if (version < first) continue;
      std::ifstream file(table.folder / "_delta_log" / fmt::format("{:020}.json", version),
                         std::ios::binary);
      ASSERT_TRUE(file.good()) << version;
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      EXPECT_TRUE(SharedCatalog().CommitText(table.name, version) == text) << "version " << version;
      ++summary.texts;
    }
  });
}

TEST_P(SqlConformanceTest, Verify_FindsNothing) {
  ForEach("accept", [](const ConformanceTable& table) {
    for (const bool with_source : {false, true}) {
      VerifyOptions options;
      if (with_source) options.against = table.folder.native();
      const auto report = VerifyTable(SharedCatalog().UriText(table.name), options);
      ASSERT_TRUE(report.has_value()) << ErrorText(report.error());
      for (const Difference& difference : report->differences) {
        ADD_FAILURE() << (with_source ? "against the source: " : "") << difference.where << ": "
                      << difference.message;
      }
    }
  });
}

TEST_P(SqlConformanceTest, Reindex_ChangesNothing) {
  const auto check = [](const ConformanceTable& table) {
    const std::string before = SharedCatalog().Dump(table.name);
    const auto report = ReindexTable(SharedCatalog().UriText(table.name));
    ASSERT_TRUE(report.has_value()) << ErrorText(report.error());
    EXPECT_TRUE(SharedCatalog().Dump(table.name) == before);
  };
  ForEach("accept", check, /*is_costly=*/true);
}

TEST_P(SqlConformanceTest, SecondImport_SaysThatNothingIsNewAndChangesNothing) {
  const auto check = [](const ConformanceTable& table) {
    const std::string before = SharedCatalog().Dump(table.name);
    const auto report = ImportTable(table.folder.native(), SharedCatalog().UriText(table.name));
    ASSERT_TRUE(report.has_value()) << ErrorText(report.error());
    EXPECT_FALSE(report->from_version.has_value());
    EXPECT_EQ(report->commits, 0);
    EXPECT_EQ(report->to_version.value(), table.replay()["latest"]);
    EXPECT_TRUE(SharedCatalog().Dump(table.name) == before);
  };
  ForEach("accept", check, /*is_costly=*/true);
}

TEST_P(SqlConformanceTest, LatestOnly_IsTheLatestVersion) {
  const auto check = [](const ConformanceTable& table) {
    const auto catalog = TestDatabase::Make(GetParam());
    const std::string uri = catalog->UriText("t");
    ImportOptions options;
    options.latest_only = true;
    const auto report = ImportTable(table.folder.native(), uri, options);
    ASSERT_TRUE(report.has_value()) << ErrorText(report.error());
    EXPECT_TRUE(report->verified);
    const auto actual = DescribeVersion(uri, TableVersion::Latest());
    ASSERT_TRUE(actual.has_value()) << ErrorText(actual.error());
    const json& replay = table.replay();
    const std::string latest = std::to_string(replay["latest"].get<std::int64_t>());
    ExpectMatches(replay["versions"][latest], *actual);
    VerifyOptions verify;
    verify.against = table.folder.native();
    const auto verified = VerifyTable(uri, verify);
    ASSERT_TRUE(verified.has_value()) << ErrorText(verified.error());
    for (const Difference& difference : verified->differences) {
      ADD_FAILURE() << difference.where << ": " << difference.message;
    }
  };
  ForEach("accept", check, /*is_costly=*/true);
}

TEST_P(SqlConformanceTest, TablesToRefuse_LeaveTheCatalogAsItWas) {
  const std::string before = SharedCatalog().Everything();
  ForEach("refuse", [&](const ConformanceTable& table) {
    const auto report = ImportTable(table.folder.native(), SharedCatalog().UriText(table.name));
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code(), RefusalCode(table.why())) << ErrorText(report.error());
    EXPECT_TRUE(SharedCatalog().Everything() == before);
    ++summary.refused;
  });
}

TEST_P(SqlConformanceTest, TablesToRefuse_LeaveNoDatabaseWhereNoneWas) {
  ForEach("refuse", [](const ConformanceTable& table) {
    const auto catalog = TestDatabase::Make(GetParam());
    ASSERT_FALSE(ImportTable(table.folder.native(), catalog->UriText("t")).has_value());
    EXPECT_EQ(catalog->Everything(), "");
  });
}

TEST_P(SqlConformanceTest, TablesLeftToTheReader_AreRefusedOrRight) {
  ForEach("either", [](const ConformanceTable& table) {
    const auto catalog = TestDatabase::Make(GetParam());
    const auto report = ImportTable(table.folder.native(), catalog->UriText(table.name));
    if (report) {
      EXPECT_TRUE(report->differences.empty());
      ExpectVersionsMatch(table, *catalog);
      return;
    }
    EXPECT_NE(report.error().code(), ErrorCode::kInternal) << ErrorText(report.error());
    EXPECT_EQ(catalog->Everything(), "");
    ++summary.refused;
  });
}

// Through a pooler only in soak: the contract suite runs there always.
std::vector<std::string> Kinds() {
  std::vector<std::string> kinds = TestDatabase::Kinds();
  if (!IsSoak()) std::erase(kinds, "pgbouncer");
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Databases, SqlConformanceTest, ::testing::ValuesIn(Kinds()),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace deltalakedb::testing
