#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "base/time_text.h"
#include "base/try.h"
#include "protocol/json_document.h"

namespace deltalakedb::cli {
namespace {

constexpr std::size_t kParametersColumnsMax = 60;
constexpr std::size_t kParametersBytesMax = 16 * 1024 * 1024;

struct HistoryArguments {
  std::string uri;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::optional<std::string> operation;
  std::optional<std::string> limit;
};

// `mode=Append, partitionBy=["day"]`: what an operation was told, in short. Parameters that say
// nothing are left out.
std::string ParametersText(const CommitInfo& info) {
  if (!info.operation_parameters) return {};
  const auto document =
      protocol::JsonDocument::ParseObject(*info.operation_parameters, kParametersBytesMax);
  if (!document) return {};
  std::string text;
  document->root().ForEachMember([&](std::string_view name, protocol::JsonValue value) {
    const std::string_view shown = value.AsString().value_or(value.text());
    if (shown.empty() || shown == "[]" || shown == "{}" || shown == "null") return true;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, shown);
    return true;
  });
  return Shortened(Printable(text), kParametersColumnsMax);
}

void PrintAsTable(const std::vector<HistoryEntry>& entries, Console& console) {
  TextTable table({{"VERSION", Align::kRight},
                   {"TIME"},
                   {"OPERATION"},
                   {"ADDED", Align::kRight},
                   {"REMOVED", Align::kRight},
                   {"PARAMETERS"}});
  for (const HistoryEntry& entry : entries) {
    const CommitInfo info = entry.commit_info.value_or(CommitInfo{});
    table.AddRow({fmt::format("{}", entry.version.value()), base::FormatRfc3339(entry.timestamp),
                  Printable(info.operation.value_or("")), FormatCount(entry.num_added),
                  FormatCount(entry.num_removed), ParametersText(info)});
  }
  console.out().Append(table.Format(console.title_style().start, console.title_style().end));
}

Result<HistoryOptions> ParseOptions(const HistoryArguments& arguments) {
  HistoryOptions options;
  if (arguments.since) {
    DELTALAKEDB_ASSIGN(options.since, ParseTime("--since", *arguments.since, base::Rounding::kUp));
  }
  if (arguments.until) {
    DELTALAKEDB_ASSIGN(options.until,
                       ParseTime("--until", *arguments.until, base::Rounding::kDown));
  }
  options.operation = arguments.operation;
  if (arguments.limit) {
    DELTALAKEDB_ASSIGN(options.limit, ParseNatural("--limit", *arguments.limit));
  }
  return options;
}

Result<void> PrintHistory(const HistoryArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const HistoryOptions options, ParseOptions(arguments));
  DELTALAKEDB_ASSIGN(const DeltaTable table,
                     DeltaTable::Open(arguments.uri, {.log_sink = &console}));
  DELTALAKEDB_ASSIGN(const auto entries, table.LoadHistory(options));
  if (!console.json()) {
    PrintAsTable(entries, console);
    return {};
  }
  for (const HistoryEntry& entry : entries) {
    PrintObject(console.out(), [&](auto& writer) { WriteHistoryEntry(entry, writer); });
    DELTALAKEDB_TRY(console.out().FlushWhenLarge());
  }
  return {};
}

}  // namespace

void AddHistoryCommand(Program& program) {
  const auto arguments = std::make_shared<HistoryArguments>();
  CLI::App* const command = program.AddCommand(
      {"history", "Show what each commit did, newest first",
       "deltalakedb history /data/orders --since 2024-01-01T00:00:00Z --limit 10"},
      [arguments](Console& console) { return PrintHistory(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command->add_option("--since", arguments->since, "Only commits of this time or later")
      ->type_name("RFC3339");
  command->add_option("--until", arguments->until, "Only commits of this time or earlier")
      ->type_name("RFC3339");
  command->add_option("--operation", arguments->operation, "Only commits of this operation")
      ->type_name("NAME");
  command->add_option("--limit", arguments->limit, "At most so many commits")->type_name("N");
}

}  // namespace deltalakedb::cli
