// Mirrors file-based tables to a DuckDB file, for duckdb_mirror_view_test.py: the engine itself,
// over the log as it is instead of over a catalog.
//
//   duckdb_mirror_worker publish|verify FILE TABLE NAME ID [VERSION]
//
// Prints the versions that were noted, or a line for each difference. After an error the exit
// status is 1, and its code and message are on standard error.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "base/try.h"
#include "deltalakedb/table.h"
#include "mirror/duckdb/publish.h"
#include "mirror/duckdb/table_feed.h"
#include "mirror/duckdb/verify.h"

namespace deltalakedb {
namespace {

Result<std::optional<std::string>> ReadCommit(const std::string& folder, Version version) {
  std::string name = std::to_string(version.value());
  name.insert(0, 20 - name.size(), '0');
  std::ifstream file(folder + "/_delta_log/" + name + ".json", std::ios::binary);
  if (!file) return std::optional<std::string>();
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> Run(const std::vector<std::string>& arguments) {
  const std::string& folder = arguments[2];
  DELTALAKEDB_ASSIGN(const DeltaTable table, DeltaTable::Open(folder));
  DELTALAKEDB_ASSIGN(const auto latest, table.LoadSnapshot(TableVersion::Latest()));
  DELTALAKEDB_ASSIGN(const auto history, table.LoadHistory({}));
  const Version last = arguments.size() > 5 ? Version(std::stoll(arguments[5])) : latest->version();
  const mirror::TableFeed feed = {
      .table = arguments[3],
      .table_id = arguments[4],
      .location = folder,
      .versions = {.first = history.empty() ? last : history.back().version, .last = last},
      .load_snapshot =
          [&](Version version) { return table.LoadSnapshot(TableVersion::At(version)); },
      .load_history = [&](const HistoryOptions& options) -> Result<std::vector<HistoryEntry>> {
        std::vector<HistoryEntry> entries;
        for (const HistoryEntry& entry : history) {
          const bool is_enough = options.limit && std::ssize(entries) >= *options.limit;
          if (entry.version <= last && !is_enough) entries.push_back(entry);
        }
        return entries;
      },
      .load_commit = [&](Version version) { return ReadCommit(folder, version); }};
  if (arguments[0] == "publish") {
    return mirror::PublishToDuckDb(feed, arguments[1], {}, [](const MirrorProgress& progress) {
      std::cout << progress.published->value() << '\n';
      return Result<void>();
    });
  }
  DELTALAKEDB_ASSIGN(
      const auto differences,
      mirror::VerifyDuckDb(feed, arguments[1], {.published = last, .checkpoint = {}}));
  for (const Difference& each : differences)
    std::cout << each.where << ": " << each.message << '\n';
  return {};
}

}  // namespace
}  // namespace deltalakedb

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  if (arguments.size() < 5) return 2;
  const auto done = deltalakedb::Run(arguments);
  if (done) return 0;
  std::cerr << ErrorCodeName(done.error().code()) << ": " << done.error().message() << '\n';
  return 1;
}
