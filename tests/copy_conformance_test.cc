// What real logs offer to a copy, against what reading them gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "log/copied_base_internal.h"
#include "log/copy_source.h"
#include "log/file_log.h"
#include "protocol/action_writer.h"
#include "storage/file_system.h"
#include "tests/conformance_tables.h"

namespace deltalakedb::testing {
namespace {

using log::CopySource;
using log::testing_log::BaseActions;

template <typename T>
std::string Written(const T& action, void (*write)(const T&, protocol::JsonWriter&)) {
  rapidjson::StringBuffer buffer;
  protocol::JsonWriter writer(buffer);
  write(action, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

// Everything that a snapshot has, one line per action.
std::vector<std::string> Describe(const Snapshot& snapshot) {
  std::vector<std::string> lines = {Written(snapshot.protocol(), protocol::WriteProtocol),
                                    Written(snapshot.metadata(), protocol::WriteMetadata)};
  for (const auto& [app_id, transaction] : snapshot.app_transactions()) {
    lines.push_back(Written(transaction, protocol::WriteAppTransaction));
  }
  for (const auto& [domain, configuration] : snapshot.domain_metadata()) {
    lines.push_back(domain + "=" + configuration);
  }
  const auto files = snapshot.OpenFiles({});
  EXPECT_TRUE(files.has_value());
  for (;;) {
    const auto batch = (*files)->Next();
    EXPECT_TRUE(batch.has_value()) << batch.error().message();
    if (!batch || !*batch) break;
    for (const AddFile& add : (*batch)->files()) {
      lines.push_back(Written(add, protocol::WriteAdd));
    }
  }
  std::ranges::sort(lines);
  return lines;
}

// The same of a base. Its tombstones are other files than its adds.
std::vector<std::string> Describe(const CopySource& source) {
  std::vector<std::string> lines;
  std::set<std::string> live;
  const BaseActions base(source);
  for (const Protocol& protocol : base.All<Protocol>()) {
    lines.push_back(Written(protocol, protocol::WriteProtocol));
  }
  for (const Metadata& metadata : base.All<Metadata>()) {
    lines.push_back(Written(metadata, protocol::WriteMetadata));
  }
  for (const AppTransaction& transaction : base.All<AppTransaction>()) {
    lines.push_back(Written(transaction, protocol::WriteAppTransaction));
  }
  for (const DomainMetadata& domain : base.All<DomainMetadata>()) {
    lines.push_back(domain.domain + "=" + domain.configuration);
  }
  for (const AddFile& add : base.All<AddFile>()) {
    lines.push_back(Written(add, protocol::WriteAdd));
    live.insert(log::testing_log::FileName(add, source.folder().table_root));
  }
  for (const RemoveFile& remove : base.All<RemoveFile>()) {
    const std::string id = log::testing_log::FileName(remove, source.folder().table_root);
    EXPECT_FALSE(live.contains(id)) << id;
  }
  std::ranges::sort(lines);
  return lines;
}

// Whether every line of the run's commits can be understood, as whoever copies them has to.
void ExpectReadable(const CopySource& source) {
  protocol::ActionParser parser;
  protocol::Arena arena;
  for (const CopySource::Commit& commit : source.commits()) {
    const auto file = log::OpenListed(storage::LocalFileSystem(), commit.file);
    ASSERT_TRUE(file.has_value()) << file.error().message();
    log::LineChunkReader reader(*file);
    for (;;) {
      const auto chunk = reader.Next();
      ASSERT_TRUE(chunk.has_value()) << chunk.error().message();
      if (!*chunk) break;
      (*chunk)->ForEachRecord([&](std::int64_t number, std::string_view line) {
        if (log::IsBlank(line)) return true;
        arena.Reset();
        const auto action = parser.Parse(line, protocol::FileDetail::kAll, arena);
        EXPECT_TRUE(action.has_value()) << commit.file.path << ":" << number + 1;
        return true;
      });
    }
  }
}

TEST(CopyConformanceTest, BasesOfAcceptedTables_AreTheirSnapshots) {
  const auto tables = LoadConformanceTables();
  // Where CI is set, loading them has failed already; elsewhere they may be absent.
  if (!tables) GTEST_SKIP() << "no conformance tables";
  int bases = 0;
  int runs = 0;
  for (const ConformanceTable& table : *tables) {
    SCOPED_TRACE(table.name);
    const auto log =
        log::FileLog::Open(storage::LocalFileSystem(), table.folder.native(), NullLogSink());
    if (!log) {
      EXPECT_NE(table.expect(), "accept") << log.error().message();
      continue;
    }
    const auto folder = (*log)->ListFolder();
    ASSERT_TRUE(folder.has_value());
    for (const bool latest_only : {false, true}) {
      SCOPED_TRACE(latest_only ? "latest only" : "run");
      const auto source =
          CopySource::Plan(*folder, {.up_to = {}, .latest_only = latest_only, .after = {}});
      if (table.expect() != "accept") continue;
      ASSERT_TRUE(source.has_value()) << source.error().message();
      ++runs;
      EXPECT_EQ(source->versions().last.value(), table.replay()["latest"]);
      const Version first = source->versions().first;
      for (Version v = source->has_base() ? first.next() : first; v <= source->versions().last;
           v = v.next()) {
        EXPECT_EQ(std::ranges::count(source->commits(), v, &CopySource::Commit::version), 1);
      }
      ExpectReadable(*source);
      const auto snapshot = (*log)->LoadSnapshot(TableVersion::At(first));
      ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
      const auto time = source->FindTime(first);
      ASSERT_TRUE(time.has_value()) << time.error().message();
      EXPECT_EQ(time->time, (*snapshot)->timestamp());
      if (!source->has_base()) continue;
      EXPECT_EQ(Describe(*source), Describe(**snapshot));
      ++bases;
    }
  }
  std::printf("copy conformance: %d runs planned, %d bases match\n", runs, bases);
}

}  // namespace
}  // namespace deltalakedb::testing
