// Random logs of a model against the run and the bases that a copy gets of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "log/copied_base_internal.h"
#include "log/copy_source.h"
#include "log/model_log_internal.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;

Result<CopySource> Plan(const storage::MemoryFileSystem& files, const CopyRange& range) {
  const auto log = FileLog::Open(files, kTable, NullLogSink());
  if (!log) return Fail(log.error());
  const auto folder = (*log)->ListFolder();
  if (!folder) return Fail(folder.error());
  return CopySource::Plan(*folder, range);
}

// The state of a base as Changes::Describe has it, and its tombstones.
std::vector<std::string> DescribeBase(const CopySource& source) {
  const BaseActions base(source);
  const LogState& state = source.base_state();
  const auto key = state.metadata->configuration.find("key");
  std::vector<std::string> facts = {
      "key " + (key == state.metadata->configuration.end() ? "none" : key->second),
      fmt::format("writer {}", state.protocol->min_writer_version)};
  EXPECT_EQ(base.All<Protocol>().at(0).min_writer_version, state.protocol->min_writer_version);
  EXPECT_EQ(base.All<Metadata>().at(0).configuration, state.metadata->configuration);
  for (const AppTransaction& transaction : base.All<AppTransaction>()) {
    facts.push_back(fmt::format("txn {} {}", transaction.app_id, transaction.version));
  }
  for (const DomainMetadata& domain : base.All<DomainMetadata>()) {
    facts.push_back(fmt::format("domain {} {}", domain.domain, domain.configuration));
  }
  const auto name = [](const auto& file) {
    std::string path;
    protocol::AppendCanonicalPath(file.path, protocol::CanonicalRoot(kTable), path);
    return path + "|" +
           std::string(file.deletion_vector ? file.deletion_vector->path_or_inline_dv : "");
  };
  for (const AddFile& add : base.All<AddFile>()) {
    facts.push_back(fmt::format("file {}|{}", name(add), add.size));
  }
  for (const RemoveFile& remove : base.All<RemoveFile>()) {
    facts.push_back("tombstone " + name(remove));
  }
  std::ranges::sort(facts);
  return facts;
}

std::vector<std::string> DescribeModel(const Changes& state) {
  std::vector<std::string> facts = state.Describe();
  for (const auto& [id, line] : state.files) {
    if (!line) facts.push_back(fmt::format("tombstone {}|{}", id.first, id.second));
  }
  std::ranges::sort(facts);
  return facts;
}

TEST(CopySourceModelTest, RandomLogs_HaveTheRunAndBasesOfTheModel) {
  int bases = 0;
  for (const std::uint32_t seed : Seeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    storage::MemoryFileSystem files;
    if (seed % 2 == 1) files.SetRemote();
    ModelLog model(seed);
    const std::int64_t latest = 3 + model.Below(20);
    for (std::int64_t v = 0; v <= latest; ++v) model.Commit(files);
    std::set<std::int64_t> checkpoints;
    for (auto n = model.Below(5); n > 0; --n) checkpoints.insert(model.Below(latest + 1));
    for (const std::int64_t v : checkpoints) model.Checkpoint(files, v);
    std::int64_t first_commit = 0;
    for (auto n = model.Below(3); n > 0; --n) {
      const std::int64_t gone = model.Below(latest);
      files.Drop(CommitPath(gone));
      first_commit = std::max(first_commit, gone + 1);
    }
    const std::int64_t up_to = model.Below(latest + 1);
    const auto latest_only =
        Plan(files, {.up_to = Version(up_to), .latest_only = true, .after = {}});
    if (latest_only && latest_only->has_base()) {
      EXPECT_EQ(DescribeBase(*latest_only), DescribeModel(model.StateAt(up_to)));
      ++bases;
    }
    const auto base = checkpoints.lower_bound(first_commit - 1);
    const auto run = Plan(files, {});
    if (first_commit == 0) {
      EXPECT_EQ(run->versions(), (VersionRange{Version(0), Version(latest)}));
      EXPECT_FALSE(run->has_base());
    } else if (base == checkpoints.end()) {
      EXPECT_FALSE(run.has_value());
    } else {
      ASSERT_TRUE(run.has_value()) << run.error().message();
      EXPECT_EQ(run->versions(), (VersionRange{Version(*base), Version(latest)}));
      EXPECT_EQ(DescribeBase(*run), DescribeModel(model.StateAt(*base)));
      ++bases;
    }
  }
  if (Seeds().size() > 1) {
    EXPECT_GT(bases, 20);
  }
}

}  // namespace
}  // namespace deltalakedb::log
