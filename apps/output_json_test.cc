#include "apps/output_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace deltalakedb::cli {
namespace {

template <typename Write>
std::string Text(Write write) {
  rapidjson::StringBuffer buffer;
  protocol::JsonWriter writer(buffer);
  write(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

ImportReport Report() {
  ImportReport report;
  report.table = "orders";
  report.to_version = Version(7);
  report.num_files = 5;
  report.seconds = 0.25;
  return report;
}

TEST(ImportReportTest, NothingTakenIn_HasNoFirstVersion) {
  EXPECT_EQ(Text([](auto& writer) { WriteImportReport(Report(), writer); }),
            R"({"table":"orders","fromVersion":null,"toVersion":7,"commits":0,"adds":0,)"
            R"("removes":0,"numFiles":5,"seconds":0.25,"verified":false,"warnings":[]})");
}

TEST(ImportReportTest, WhatAppliesToSomeImports_FollowsWhereItDoes) {
  ImportReport report = Report();
  report.from_version = Version(3);
  report.dry_run = true;
  report.replaced_table = "orders.old";
  report.warnings = {"a \"b\"\xFF"};
  report.differences = {{"dl_add_files", Version(4), "one is missing"},
                        {"source", std::nullopt, "it is gone"}};
  EXPECT_THAT(Text([&](auto& writer) { WriteImportReport(report, writer); }),
              testing::EndsWith(
                  R"("warnings":["a \"b\"�"],"dryRun":true,"replacedTable":"orders.old",)"
                  R"("differences":[{"where":"dl_add_files","version":4,)"
                  R"("message":"one is missing"},{"where":"source","message":"it is gone"}]})"));
}

TEST(VerifyReportTest, SoundTable_HasAnEmptyListOfDifferences) {
  const VerifyReport report{.table = "orders",
                            .versions = {Version(2), Version(7)},
                            .rows = 12,
                            .differences = {},
                            .has_more = false};
  EXPECT_EQ(Text([&](auto& writer) { WriteVerifyReport(report, writer); }),
            R"({"table":"orders","fromVersion":2,"toVersion":7,"rows":12,"differences":[],)"
            R"("hasMore":false})");
}

TEST(TableInfoTest, UnknownNumberOfFiles_IsLeftOut) {
  TableInfo table;
  table.name = "orders";
  table.location = "/data/\xFF";
  table.mode = "exclusive";
  EXPECT_EQ(Text([&](auto& writer) { WriteTableInfo(table, writer); }),
            R"({"name":"orders","tableId":"00000000-0000-0000-0000-000000000000","version":0,)"
            R"("location":"/data/�","mode":"exclusive"})");
}

}  // namespace
}  // namespace deltalakedb::cli
