// The commands that keep a table in shape: its files, its past and its columns.
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/input_file.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "apps/row_change.h"
#include "base/try.h"
#include "deltalakedb/schema.h"
#include "deltalakedb/table.h"

namespace deltalakedb::cli {
namespace {

using protocol::JsonWriter;
using protocol::WriteKey;

struct OptimizeArguments {
  std::string uri;
  std::optional<std::string> where;
  ChangeArguments change;
};

struct VacuumArguments {
  std::string uri;
  std::optional<std::string> retain;
  bool dry_run = false;
  bool force = false;
};

struct RestoreArguments {
  TableArguments table;
  ChangeArguments change;
};

struct AddColumnsArguments {
  std::string uri;
  std::string schema;
  ChangeArguments change;
};

Result<void> Optimize(const OptimizeArguments& arguments, Console& console) {
  OptimizeOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  if (arguments.where && arguments.where->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--where needs a condition");
  }
  options.where = arguments.where.value_or("");
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  auto optimized = table.Optimize(options);
  if (!optimized) {
    std::vector<GivenText> texts;
    if (arguments.where) texts.push_back({"--where", *arguments.where});
    return Fail(WithoutPasswords(std::move(optimized).error(), texts));
  }
  return AnswerChange(*optimized, console);
}

void WriteVacuum(const VacuumReport& report, bool is_dry_run, JsonWriter& writer) {
  writer.StartObject();
  WriteKey("dryRun", writer);
  writer.Bool(is_dry_run);
  WriteKey("numFiles", writer);
  writer.Int64(static_cast<std::int64_t>(report.files.size()));
  WriteKey("sizeInBytes", writer);
  writer.Int64(report.size_in_bytes);
  WriteKey("filesKept", writer);
  writer.Int64(report.files_kept);
  WriteKey("files", writer);
  writer.StartArray();
  for (const std::string& file : report.files) protocol::WriteText(file, writer);
  writer.EndArray();
  writer.EndObject();
}

Result<void> Vacuum(const VacuumArguments& arguments, Console& console) {
  constexpr std::int64_t kMsPerHour = 3'600'000;
  VacuumOptions options;
  options.is_dry_run = arguments.dry_run;
  options.force = arguments.force;
  if (arguments.retain) {
    DELTALAKEDB_ASSIGN(const std::int64_t hours, ParseNatural("--retain", *arguments.retain));
    constexpr std::int64_t kHoursMax = std::numeric_limits<std::int64_t>::max() / kMsPerHour;
    if (hours > kHoursMax) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--retain takes up to {} hours", kHoursMax));
    }
    options.retention_ms = hours * kMsPerHour;
  }
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  DELTALAKEDB_ASSIGN(const VacuumReport report, table.Vacuum(options));
  const std::int64_t count = static_cast<std::int64_t>(report.files.size());
  if (!arguments.dry_run && count > 0) {
    console.NoteDone(fmt::format("{} files are removed", FormatCount(count)),
                     {{"numFiles", count}});
  }
  if (console.json()) {
    PrintObject(console.out(),
                [&](JsonWriter& writer) { WriteVacuum(report, arguments.dry_run, writer); });
    return {};
  }
  if (arguments.dry_run) {
    for (const std::string& file : report.files) {
      console.out().Append(Printable(file) + "\n");
      DELTALAKEDB_TRY(console.out().FlushWhenLarge());
    }
  }
  console.out().Append(fmt::format("{} files {} ({}), {} kept\n", FormatCount(count),
                                   arguments.dry_run ? "would be removed" : "removed",
                                   FormatBytes(report.size_in_bytes),
                                   FormatCount(report.files_kept)));
  return {};
}

Result<void> Restore(const RestoreArguments& arguments, Console& console) {
  ChangeOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  if (!arguments.table.version && !arguments.table.timestamp) {
    return Fail(ErrorCode::kInvalidArgument,
                "what shall the table be again? --version or --timestamp says it");
  }
  DELTALAKEDB_ASSIGN(const TableVersion which, ParseTableVersion(arguments.table));
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.table.uri, console));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.Restore(which, options));
  return AnswerChange(report, console);
}

Result<void> AddColumns(const AddColumnsArguments& arguments, Console& console) {
  ChangeOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  DELTALAKEDB_ASSIGN(InputFile file, InputFile::Open(arguments.schema));
  DELTALAKEDB_ASSIGN(const std::string schema, file.ReadAll(kSchemaTextBytesMax));
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.AddColumns(schema, options));
  return AnswerChange(report, console);
}

}  // namespace

void AddOptimizeCommand(Program& program) {
  const auto arguments = std::make_shared<OptimizeArguments>();
  CLI::App* const command =
      program.AddCommand({"optimize", "Put small files of a table together, without deleted rows",
                          "deltalakedb optimize /data/orders --where \"day >= '2024-05-01'\""},
                         [arguments](Console& console) { return Optimize(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("--where", arguments->where,
                   "Only files that may hold such rows, by their partitions (default: all)")
      ->type_name("EXPR");
  AddChangeOptions(*command, arguments->change);
}

void AddVacuumCommand(Program& program) {
  const auto arguments = std::make_shared<VacuumArguments>();
  CLI::App* const command =
      program.AddCommand({"vacuum", "Remove files that no version of a table needs any more",
                          "deltalakedb vacuum /data/orders --dry-run"},
                         [arguments](Console& console) { return Vacuum(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("--retain", arguments->retain,
                   "Hours that a file stays after it was last needed (default: the table's "
                   "delta.deletedFileRetentionDuration, else a week)")
      ->type_name("HOURS");
  command->add_flag("--dry-run", arguments->dry_run, "Say which files would go")
      ->disable_flag_override();
  command
      ->add_flag("--force", arguments->force,
                 "Retain for less than the table says, which can break readers and writers that "
                 "are at work")
      ->disable_flag_override();
}

void AddRestoreCommand(Program& program) {
  const auto arguments = std::make_shared<RestoreArguments>();
  CLI::App* const command =
      program.AddCommand({"restore", "Make a table what it was, as a new version",
                          "deltalakedb restore /data/orders --version 3"},
                         [arguments](Console& console) { return Restore(*arguments, console); });
  AddUriArgument(*command, arguments->table.uri);
  command->add_option("--version", arguments->table.version, "As it was at this version")
      ->type_name("N");
  command
      ->add_option("--timestamp", arguments->table.timestamp,
                   "As it was at this time, such as 2024-01-02T03:04:05Z")
      ->type_name("RFC3339");
  AddCommitOptions(*command, arguments->change);
}

void AddAddColumnsCommand(Program& program) {
  const auto arguments = std::make_shared<AddColumnsArguments>();
  CLI::App* const command = program.AddCommand(
      {"add-columns", "Add columns to a table, which are null in the rows that are there",
       "deltalakedb add-columns /data/orders --schema new-columns.json"},
      [arguments](Console& console) { return AddColumns(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("--schema", arguments->schema,
                   "The new columns, as schemaString of a Delta log has them; - is standard input")
      ->required()
      ->type_name("FILE.json");
  AddCommitOptions(*command, arguments->change);
}

}  // namespace deltalakedb::cli
