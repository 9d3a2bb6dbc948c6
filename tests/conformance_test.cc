// Real tables of many writers against what an independent replay of their logs recorded.
// There is no list of tables that are let off: what TRUTH.md leaves open is decided by its rules.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "deltalakedb/table.h"
#include "tests/conformance_tables.h"

namespace deltalakedb::testing {
namespace {

using nlohmann::json;

// What was compared, for the line at the end.
struct Summary {
  int tables = 0, versions = 0, files = 0, refused_tables = 0, refused_versions = 0, commits = 0;
};

Summary& summary() {
  static Summary counted;
  return counted;
}

// Nothing where there are no tables and that is no failure.
const std::optional<std::vector<ConformanceTable>>& FoundTables() {
  static const auto found = LoadConformanceTables();
  return found;
}

const std::vector<ConformanceTable>& tables() { return *FoundTables(); }

class ConformanceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!FoundTables()) GTEST_SKIP() << "no conformance tables";
  }
  static void TearDownTestSuite() {
    std::printf(
        "conformance: %d tables with %d versions (%d files) and %d commits match, "
        "%d tables and %d versions refused\n",
        summary().tables, summary().versions, summary().files, summary().commits,
        summary().refused_tables, summary().refused_versions);
  }
};

Result<json> Describe(const ConformanceTable& table, TableVersion which,
                      std::optional<Version>* version = nullptr) {
  return DescribeVersion(table.folder.native(), which, version);
}

TEST_F(ConformanceTest, EveryVersionOfAcceptedTables_MatchesTheTruth) {
  for (const ConformanceTable& table : tables()) {
    if (table.expect() != "accept") continue;
    SCOPED_TRACE(table.name);
    std::optional<Version> latest;
    const auto newest = Describe(table, TableVersion::Latest(), &latest);
    if (!newest) {
      ADD_FAILURE() << ErrorText(newest.error());
      continue;
    }
    EXPECT_EQ(latest->value(), table.replay()["latest"]);
    ++summary().tables;
    for (const auto& [version, truth] : table.replay()["versions"].items()) {
      SCOPED_TRACE("version " + version);
      const auto actual = Describe(table, TableVersion::At(Version(std::stoll(version))));
      if (!actual) {
        ADD_FAILURE() << ErrorText(actual.error());
        continue;
      }
      ExpectMatches(truth, *actual);
      if (latest->value() == std::stoll(version)) {
        EXPECT_EQ(*newest, *actual);
      }
      ++summary().versions;
      summary().files += truth["num_files"].get<int>();
    }
  }
}

TEST_F(ConformanceTest, TablesToRefuse_AreRefusedForTheirReason) {
  for (const ConformanceTable& table : tables()) {
    if (table.expect() != "refuse") continue;
    SCOPED_TRACE(table.name + ": " + table.why());
    const auto newest = Describe(table, TableVersion::Latest());
    ASSERT_FALSE(newest.has_value());
    EXPECT_EQ(newest.error().code(), RefusalCode(table.why())) << ErrorText(newest.error());
    EXPECT_NE(newest.error().message(), "");
    ++summary().refused_tables;
    // Older versions may be read, but then they have to be right.
    for (const auto& [version, truth] : table.replay()["versions"].items()) {
      SCOPED_TRACE("version " + version);
      const auto actual = Describe(table, TableVersion::At(Version(std::stoll(version))));
      if (actual) {
        ExpectMatches(truth, *actual);
        ++summary().versions;
      } else {
        ++summary().refused_versions;
      }
    }
  }
}

TEST_F(ConformanceTest, TablesLeftToTheReader_AreRefusedOrRight) {
  for (const ConformanceTable& table : tables()) {
    if (table.expect() != "either") continue;
    SCOPED_TRACE(table.name + ": " + table.why());
    const json& replay = table.replay();
    const std::string latest = std::to_string(replay["latest"].get<std::int64_t>());
    for (const auto& [version, truth] : replay["versions"].items()) {
      SCOPED_TRACE("version " + version);
      const auto actual = Describe(table, TableVersion::At(Version(std::stoll(version))));
      if (actual) ExpectMatches(truth, *actual);
      ++(actual ? summary().versions : summary().refused_versions);
    }
    const auto newest = Describe(table, TableVersion::Latest());
    if (!newest) {
      EXPECT_NE(newest.error().code(), ErrorCode::kInternal) << ErrorText(newest.error());
      ++summary().refused_tables;
      continue;
    }
    const bool rebuilt = replay["versions"].contains(latest);
    ExpectMatches(rebuilt ? replay["versions"][latest] : replay["json_only_latest"], *newest);
    ++summary().tables;
  }
}

TEST_F(ConformanceTest, VersionsThatCannotBeRebuilt_AreErrors) {
  for (const ConformanceTable& table : tables()) {
    const json& replay = table.replay();
    const json errors = replay.value("errors", json::object());
    for (const auto& [version, reason] : errors.items()) {
      SCOPED_TRACE(table.name + " version " + version + ": " + reason.dump());
      const auto actual = Describe(table, TableVersion::At(Version(std::stoll(version))));
      if (actual) {
        // Only where the reader may fall back to the commits.
        EXPECT_EQ(table.expect(), "either");
        EXPECT_EQ(replay["latest"], std::stoll(version));
        ExpectMatches(replay["json_only_latest"], *actual);
        continue;
      }
      EXPECT_TRUE(actual.error().code() == ErrorCode::kCorrupt ||
                  actual.error().code() == ErrorCode::kNotFound)
          << ErrorText(actual.error());
      ++summary().refused_versions;
    }
  }
}

TEST_F(ConformanceTest, VersionAfterTheLatest_IsNotFoundWithTheRange) {
  for (const ConformanceTable& table : tables()) {
    if (table.expect() != "accept") continue;
    SCOPED_TRACE(table.name);
    const std::int64_t latest = table.replay()["latest"];
    const auto actual = Describe(table, TableVersion::At(Version(latest + 1)));
    ASSERT_FALSE(actual.has_value());
    EXPECT_EQ(actual.error().code(), ErrorCode::kNotFound) << ErrorText(actual.error());
    const Error::FactValue* const last = actual.error().FindFact("latestVersion");
    ASSERT_NE(last, nullptr);
    EXPECT_EQ(*last, Error::FactValue(latest));
    const Error::FactValue* const first = actual.error().FindFact("earliestVersion");
    ASSERT_NE(first, nullptr);
    const std::string earliest = std::to_string(std::get<std::int64_t>(*first));
    EXPECT_TRUE(table.replay()["versions"].contains(earliest)) << earliest;
  }
}

bool HasInCommitTimestamp(const json& version_truth) {
  return version_truth["configuration"].value("delta.enableInCommitTimestamps", "") == "true" &&
         version_truth["commit"]["in_commit_timestamp"].is_number();
}

// The commit facts of the truth that a history tells.
void ExpectCommitMatches(const json& version_truth, const HistoryEntry& entry) {
  const json& commit = version_truth["commit"];
  EXPECT_EQ(entry.num_added, commit["adds"]);
  EXPECT_EQ(entry.num_removed, commit["removes"]);
  const bool named = entry.commit_info && entry.commit_info->operation;
  EXPECT_EQ(named ? json(*entry.commit_info->operation) : json(), commit["operation"]);
  if (HasInCommitTimestamp(version_truth)) {
    EXPECT_EQ(entry.timestamp.ms(), commit["in_commit_timestamp"]);
  }
}

TEST_F(ConformanceTest, HistoryOfAcceptedTables_MatchesTheTruth) {
  for (const ConformanceTable& table : tables()) {
    if (table.expect() != "accept") continue;
    SCOPED_TRACE(table.name);
    const auto opened = DeltaTable::Open(table.folder.native());
    ASSERT_TRUE(opened.has_value()) << ErrorText(opened.error());
    const auto history = opened->LoadHistory();
    if (!history) {
      ADD_FAILURE() << ErrorText(history.error());
      continue;
    }
    const json& versions = table.replay()["versions"];
    const std::vector<std::int64_t> commits = table.replay()["commits"];
    if (!commits.empty()) {
      ASSERT_FALSE(history->empty());
      EXPECT_EQ(history->front().version.value(), commits.back());
    }
    const json* newer = nullptr;
    for (std::size_t i = 0; i < history->size(); ++i) {
      const HistoryEntry& entry = (*history)[i];
      const std::string version = std::to_string(entry.version.value());
      SCOPED_TRACE("version " + version);
      if (i > 0) {
        EXPECT_LT(entry.version, (*history)[i - 1].version);
      }
      if (!versions.contains(version) || !versions[version].contains("commit")) continue;
      const json& truth = versions[version];
      ExpectCommitMatches(truth, entry);
      // File times are made to increase. In-commit timestamps are what they are: those of a real
      // table decrease.
      if (newer && !HasInCommitTimestamp(*newer) && !HasInCommitTimestamp(truth)) {
        EXPECT_LT(entry.timestamp, (*history)[i - 1].timestamp);
      }
      newer = &truth;
      const auto snapshot = opened->LoadSnapshot(TableVersion::At(entry.version));
      ASSERT_TRUE(snapshot.has_value()) << ErrorText(snapshot.error());
      EXPECT_EQ((*snapshot)->timestamp(), entry.timestamp);
      ++summary().commits;
    }
  }
}

}  // namespace
}  // namespace deltalakedb::testing
