// The commands that take a table into a catalog, and check and mend what is there.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "base/try.h"
#include "deltalakedb/import.h"

namespace deltalakedb::cli {
namespace {

using protocol::JsonWriter;

struct ImportArguments {
  std::string source;
  std::string target;
  std::optional<std::string> name;
  std::optional<std::string> up_to_version;
  std::string verify = "full";
  bool latest_only = false;
  bool dry_run = false;
  bool force = false;
  bool yes = false;
  bool metadata_only = false;
};

struct VerifyArguments {
  std::string uri;
  std::optional<std::string> against;
};

std::string VersionsText(Version first, Version last) {
  return first == last ? fmt::format("{}", first.value())
                       : fmt::format("{} to {}", first.value(), last.value());
}

std::string CountText(std::int64_t count, std::string_view thing) {
  return fmt::format("{} {}{}", FormatCount(count), thing, count == 1 ? "" : "s");
}

// One line per difference, for people.
std::string DifferenceLines(const std::vector<Difference>& differences) {
  std::string lines;
  for (const Difference& difference : differences) {
    lines += Printable(difference.version
                           ? fmt::format("version {}, {}: {}", difference.version->value(),
                                         difference.where, difference.message)
                           : fmt::format("{}: {}", difference.where, difference.message));
    lines += '\n';
  }
  return lines;
}

Result<Verification> ParseVerification(const std::string& text) {
  if (text == "full") return Verification::kFull;
  if (text == "counts") return Verification::kCounts;
  if (text == "none") return Verification::kNone;
  return Fail(ErrorCode::kInvalidArgument, "--verify takes full, counts or none");
}

Result<ImportOptions> ParseOptions(const ImportArguments& arguments, Console& console) {
  ImportOptions options;
  options.name = arguments.name;
  options.latest_only = arguments.latest_only;
  options.dry_run = arguments.dry_run;
  options.force = arguments.force;
  options.yes = arguments.yes;
  options.metadata_only = arguments.metadata_only;
  options.log_sink = &console;
  if (arguments.up_to_version) {
    DELTALAKEDB_ASSIGN(const auto version,
                       ParseNatural("--up-to-version", *arguments.up_to_version));
    options.up_to_version = Version(version);
  }
  DELTALAKEDB_ASSIGN(options.verification, ParseVerification(arguments.verify));
  return options;
}

std::string VerifiedText(Verification verification) {
  switch (verification) {
    case Verification::kFull:
      return "every version is as the source has it";
    case Verification::kCounts:
      return "the text, and number and size of files, of every version are as the source has them";
    case Verification::kNone:
      break;
  }
  return "no";
}

std::string FormatImport(const ImportReport& report, Verification verification) {
  const std::string table = Printable(report.table);
  if (!report.from_version && report.differences.empty()) {
    return fmt::format("{} is already there at version {}; nothing to take in\n", table,
                       report.to_version.value());
  }
  if (!report.differences.empty()) {
    return fmt::format("{} was not taken in: it would differ from its source\n{}", table,
                       DifferenceLines(report.differences));
  }
  FactList facts;
  facts.Add("table", table);
  facts.Add(report.dry_run ? "would take in" : "taken in",
            fmt::format("version{} {} ({})", report.from_version == report.to_version ? "" : "s",
                        VersionsText(*report.from_version, report.to_version),
                        CountText(report.commits, "commit")));
  facts.Add("files", fmt::format("{} added, {} removed, {} live", FormatCount(report.adds),
                                 FormatCount(report.removes), FormatCount(report.num_files)));
  if (!report.dry_run) {
    facts.Add("verified", report.verified ? VerifiedText(verification) : "no");
  }
  if (report.replaced_table) {
    const std::string name = Printable(*report.replaced_table);
    if (report.dry_run) {
      facts.Add("would replace", fmt::format("the table that has the name, as {}", name));
    } else {
      facts.Add("replaced", fmt::format("the table that had the name is called {} now", name));
    }
  }
  facts.Add("seconds", fmt::format("{:.1f}", report.seconds));
  if (report.dry_run) facts.Add("changed", "nothing: this was a dry run");
  return facts.Format();
}

Result<void> Import(const ImportArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const ImportOptions options, ParseOptions(arguments, console));
  DELTALAKEDB_ASSIGN(const ImportReport report,
                     ImportTable(arguments.source, arguments.target, options));
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteImportReport(report, writer); });
  } else {
    console.out().Append(FormatImport(report, options.verification));
  }
  if (!report.differences.empty()) console.SetAnswerIsNo();
  return {};
}

Result<void> Verify(const VerifyArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(
      const VerifyReport report,
      VerifyTable(arguments.uri, {.against = arguments.against, .log_sink = &console}));
  if (!report.differences.empty()) console.SetAnswerIsNo();
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteVerifyReport(report, writer); });
    return {};
  }
  if (!report.differences.empty()) {
    console.out().Append(DifferenceLines(report.differences));
    if (report.has_more) console.out().Append("… and more\n");
    return {};
  }
  console.out().Append(fmt::format(
      "{} is sound: version{} {}, {} compared{}\n", Printable(report.table),
      report.versions.first == report.versions.last ? "" : "s",
      VersionsText(report.versions.first, report.versions.last), CountText(report.rows, "row"),
      arguments.against ? ", also with the source" : ""));
  return {};
}

Result<void> Reindex(const std::string& uri, Console& console) {
  DELTALAKEDB_ASSIGN(const ReindexReport report, ReindexTable(uri, &console));
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteReindexReport(report, writer); });
    return {};
  }
  console.out().Append(fmt::format("{} has its rows anew: version{} {}, {} live\n",
                                   Printable(report.table),
                                   report.versions.first == report.versions.last ? "" : "s",
                                   VersionsText(report.versions.first, report.versions.last),
                                   CountText(report.num_files, "file")));
  return {};
}

void AddFlag(CLI::App& command, const std::string& name, bool& flag, const std::string& summary) {
  command.add_flag(name, flag, summary)->disable_flag_override();
}

void AddStoredTableArgument(CLI::App& command, std::string& uri) {
  command.add_option("URI", uri, "The table in its catalog: deltasql://…")
      ->required()
      ->type_name("");
}

}  // namespace

void AddImportCommand(Program& program) {
  const auto arguments = std::make_shared<ImportArguments>();
  CLI::App* const command = program.AddCommand(
      {"import", "Take a table's log into a catalog, or what is new of it",
       "deltalakedb import /data/orders 'deltasql://sqlite/meta.db?table=orders'"},
      [arguments](Console& console) { return Import(*arguments, console); });
  command
      ->add_option("SOURCE", arguments->source,
                   "The file-based table: a path, file://…, s3://…, gs://… or abfss://…")
      ->required()
      ->type_name("");
  command->add_option("URI", arguments->target, "The table to be, or a catalog with --name")
      ->required()
      ->type_name("");
  command->add_option("--name", arguments->name, "The table's name in the catalog")
      ->type_name("TABLE");
  AddFlag(*command, "--latest-only", arguments->latest_only,
          "Start with the state of the last version, without earlier commits");
  command->add_option("--up-to-version", arguments->up_to_version, "Take in no later version")
      ->type_name("N");
  AddFlag(*command, "--dry-run", arguments->dry_run, "Find out everything and change nothing");
  AddFlag(*command, "--force", arguments->force,
          "Import afresh; the table of that name stays under another");
  AddFlag(*command, "--yes", arguments->yes,
          "With --force: even if the catalog has versions that the source lacks");
  AddFlag(*command, "--metadata-only", arguments->metadata_only,
          "Take in a table that this program cannot read");
  command->add_option("--verify", arguments->verify, "full, counts or none (default: full)")
      ->type_name("HOW");
}

void AddVerifyCommand(Program& program) {
  const auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* const command = program.AddCommand(
      {"verify", "Compare a table's rows with the texts of its commits",
       "deltalakedb verify 'deltasql://sqlite/meta.db?table=orders' --against /data/orders"},
      [arguments](Console& console) { return Verify(*arguments, console); });
  AddStoredTableArgument(*command, arguments->uri);
  command
      ->add_option("--against", arguments->against,
                   "Also compare with this file-based table, replayed anew")
      ->type_name("SOURCE");
}

void AddReindexCommand(Program& program) {
  const auto uri = std::make_shared<std::string>();
  CLI::App* const command =
      program.AddCommand({"reindex", "Make a table's rows anew from the texts of its commits",
                          "deltalakedb reindex 'deltasql://sqlite/meta.db?table=orders'"},
                         [uri](Console& console) { return Reindex(*uri, console); });
  AddStoredTableArgument(*command, *uri);
}

}  // namespace deltalakedb::cli
