// The command that writes a table's log as a plain Delta log.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "base/try.h"
#include "deltalakedb/export.h"

namespace deltalakedb::cli {
namespace {

using protocol::JsonWriter;

struct ExportArguments {
  std::string uri;
  std::string destination;
  bool absolute_paths = false;
};

std::string FormatExport(const ExportReport& report) {
  const std::string destination = Printable(report.destination);
  const bool is_nothing =
      report.commits == 0 && !report.checkpoint_written && !report.last_checkpoint_written;
  if (is_nothing) {
    return fmt::format("{} is already there at version {}; nothing to write\n", destination,
                       report.to_version.value());
  }
  FactList facts;
  facts.Add("table", Printable(report.table));
  facts.Add("destination", destination);
  facts.Add("versions",
            report.from_version == report.to_version
                ? fmt::format("{}", report.to_version.value())
                : fmt::format("{} to {}", report.from_version.value(), report.to_version.value()));
  if (report.commits > 0) {
    facts.Add("written", fmt::format("{} commit{}", FormatCount(report.commits),
                                     report.commits == 1 ? "" : "s"));
  } else {
    facts.Add("written", report.checkpoint_written ? "1 checkpoint" : "_last_checkpoint");
  }
  if (report.checkpoint) {
    facts.Add("checkpoint", fmt::format("of version {}{}", report.checkpoint->value(),
                                        report.checkpoint_written ? "" : ", already there"));
  }
  return facts.Format();
}

Result<void> Export(const ExportArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(
      const ExportReport report,
      ExportTable(arguments.uri, arguments.destination,
                  {.absolute_paths = arguments.absolute_paths, .log_sink = &console}));
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteExportReport(report, writer); });
  } else {
    console.out().Append(FormatExport(report));
  }
  return {};
}

}  // namespace

void AddExportCommand(Program& program) {
  const auto arguments = std::make_shared<ExportArguments>();
  CLI::App* const command = program.AddCommand(
      {"export", "Write a table's log as a plain Delta log, beside its data or elsewhere",
       "deltalakedb export 'deltasql://sqlite/meta.db?table=orders' /data/orders"},
      [arguments](Console& console) { return Export(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("DESTINATION", arguments->destination,
                   "The folder where the data is or will be: a path, file://… or s3://…")
      ->required()
      ->type_name("");
  command
      ->add_flag("--absolute-paths", arguments->absolute_paths,
                 "Name files by where they are now, so that the log can stand anywhere")
      ->disable_flag_override();
}

}  // namespace deltalakedb::cli
