// The commands that bring rows into a table, change them, and give them away.
#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "apps/row_change.h"
#include "apps/user_text.h"
#include "base/try.h"
#include "deltalakedb/row_formats.h"
#include "deltalakedb/table.h"
#include "expr/evaluator.h"

namespace deltalakedb::cli {
namespace {

constexpr std::string_view kStandardOutput = "-";

struct InputArguments {
  std::vector<std::string> files;
  std::optional<std::string> format;
  std::optional<std::string> schema_mode;
};

struct WriteArguments {
  std::string uri;
  InputArguments input;
  ChangeArguments change;
  std::optional<std::string> where;  // of overwrite
  bool partitions = false;           // of overwrite
  std::vector<std::string> keys;     // of merge
};

struct ScanArguments {
  TableArguments table;
  std::optional<std::vector<std::string>> columns;
  std::optional<std::string> where;
  std::optional<std::string> format;
  std::optional<std::string> output;
  bool unordered = false;
};

struct RowsArguments {
  std::string uri;
  std::optional<std::string> where;
  bool all = false;
  std::vector<std::string> assignments;  // of update
  ChangeArguments change;
};

// ---- rows in ------------------------------------------------------------------------------------

Result<SchemaMode> ParseSchemaMode(const std::optional<std::string>& text) {
  if (!text || *text == "strict") return SchemaMode::kStrict;
  if (*text == "merge") return SchemaMode::kMerge;
  if (*text == "overwrite") return SchemaMode::kOverwrite;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--schema takes strict, merge or overwrite, not \"{}\"", Shown(*text)));
}

Result<std::optional<RowFormat>> ParseFormat(const std::optional<std::string>& text) {
  if (!text) return std::optional<RowFormat>();
  // By the text that may be shown, since the error quotes it.
  DELTALAKEDB_ASSIGN(const RowFormat format, ParseRowFormat(Shown(*text)));
  return std::optional(format);
}

// The rows of the files, texts read as the table's columns are where these stay.
Result<RowStream> OpenInput(const DeltaTable& table, const InputArguments& arguments,
                            SchemaMode mode) {
  RowInputOptions options;
  DELTALAKEDB_ASSIGN(options.format, ParseFormat(arguments.format));
  DELTALAKEDB_ASSIGN(const TableState state, table.LoadState());
  if (mode != SchemaMode::kOverwrite) {
    options.schema_json = state.metadata.schema_string.value_or("");
  }
  RowStream rows;
  DELTALAKEDB_TRY(OpenRowFiles(arguments.files, options, rows.get()));
  return rows;
}

std::vector<GivenText> TextsOf(const WriteArguments& arguments) {
  std::vector<GivenText> texts;
  for (const std::string& file : arguments.input.files) texts.push_back({"the file", file});
  for (const std::string& key : arguments.keys) texts.push_back({"--on", key});
  if (arguments.where) texts.push_back({"--where", *arguments.where});
  return texts;
}

Result<void> Append(const WriteArguments& arguments, Console& console) {
  WriteOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  DELTALAKEDB_ASSIGN(options.schema_mode, ParseSchemaMode(arguments.input.schema_mode));
  if (options.schema_mode == SchemaMode::kOverwrite) {
    return Fail(ErrorCode::kInvalidArgument,
                "--schema overwrite is for the rows of a whole table: use overwrite");
  }
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  DELTALAKEDB_ASSIGN(const RowStream rows, OpenInput(table, arguments.input, options.schema_mode));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.Append(rows.get(), options));
  return AnswerChange(report, console);
}

Result<void> Overwrite(const WriteArguments& arguments, Console& console) {
  OverwriteOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  DELTALAKEDB_ASSIGN(options.schema_mode, ParseSchemaMode(arguments.input.schema_mode));
  if (arguments.where && arguments.partitions) {
    return Fail(ErrorCode::kInvalidArgument,
                "--where and --partitions both say which rows go: give one of them");
  }
  if (options.schema_mode == SchemaMode::kOverwrite && (arguments.where || arguments.partitions)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--schema overwrite replaces the columns of all rows, so that --where and "
                "--partitions cannot go with it");
  }
  if (arguments.where) {
    options.mode = OverwriteMode::kWhere;
    options.where = *arguments.where;
    if (options.where.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "--where needs a condition");
    }
  } else if (arguments.partitions) {
    options.mode = OverwriteMode::kPartitions;
  }
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  DELTALAKEDB_ASSIGN(const RowStream rows, OpenInput(table, arguments.input, options.schema_mode));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.Overwrite(rows.get(), options));
  return AnswerChange(report, console);
}

Result<void> Merge(const WriteArguments& arguments, Console& console) {
  WriteOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  DELTALAKEDB_ASSIGN(options.schema_mode, ParseSchemaMode(arguments.input.schema_mode));
  if (options.schema_mode == SchemaMode::kOverwrite) {
    return Fail(ErrorCode::kInvalidArgument,
                "--schema overwrite is for the rows of a whole table: use overwrite");
  }
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  DELTALAKEDB_ASSIGN(const RowStream rows, OpenInput(table, arguments.input, options.schema_mode));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.Merge(rows.get(), arguments.keys, options));
  return AnswerChange(report, console);
}

// ---- rows out -----------------------------------------------------------------------------------

Result<RowFormat> OutputFormat(const ScanArguments& arguments, const std::string& output,
                               const Console& console) {
  DELTALAKEDB_ASSIGN(const std::optional<RowFormat> format, ParseFormat(arguments.format));
  if (format) return *format;
  if (output == kStandardOutput) {
    return console.json() ? RowFormat::kJsonLines : RowFormat::kCsv;
  }
  if (const auto named = FormatOfName(output)) return *named;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("the name of -o {} does not tell the format of the rows: give --format",
                          Shown(output)));
}

Result<void> Scan(const ScanArguments& arguments, Console& console) {
  const std::string output = arguments.output.value_or(std::string(kStandardOutput));
  DELTALAKEDB_ASSIGN(const RowFormat format, OutputFormat(arguments, output, console));
  ScanOptions options;
  DELTALAKEDB_ASSIGN(options.version, ParseTableVersion(arguments.table));
  options.columns = arguments.columns;
  if (arguments.where && arguments.where->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--where needs a condition");
  }
  options.where = arguments.where.value_or("");
  options.in_order = !arguments.unordered;
  DELTALAKEDB_ASSIGN(const DeltaTable table, OpenTable(arguments.table.uri, console));
  const RowStream rows;
  DELTALAKEDB_TRY(table.Scan(options, rows.get()));
  auto written = WriteRowFile(rows.get(), format, output);
  if (!written) {
    const Error::FactValue* const number = written.error().FindFact("errno");
    const bool is_broken_pipe = number != nullptr && *number == Error::FactValue(EPIPE);
    if (is_broken_pipe && output == kStandardOutput) EndByBrokenPipe();
    return Fail(std::move(written).error());
  }
  if (output == kStandardOutput) return {};
  if (console.json()) {
    PrintObject(console.out(), [&](protocol::JsonWriter& writer) {
      writer.StartObject();
      protocol::WriteKey("file", writer);
      protocol::WriteText(Shown(output), writer);
      protocol::WriteKey("rows", writer);
      writer.Int64(*written);
      writer.EndObject();
    });
  } else {
    console.out().Append(
        fmt::format("{} rows in {}\n", FormatCount(*written), Printable(Shown(output))));
  }
  return {};
}

std::vector<GivenText> TextsOf(const ScanArguments& arguments) {
  std::vector<GivenText> texts;
  if (arguments.where) texts.push_back({"--where", *arguments.where});
  if (arguments.output) texts.push_back({"-o", *arguments.output});
  if (arguments.columns) {
    for (const std::string& column : *arguments.columns) texts.push_back({"--columns", column});
  }
  return texts;
}

// ---- rows changed -------------------------------------------------------------------------------

// Which rows are meant has to be said, since a forgotten condition would be all of them.
Result<std::string> RowsOf(const RowsArguments& arguments) {
  if (arguments.where.has_value() == arguments.all) {
    return Fail(ErrorCode::kInvalidArgument,
                arguments.all ? "--where and --all both say which rows are meant: give one of them"
                              : "which rows are meant? --where gives a condition, --all is all");
  }
  if (arguments.where && arguments.where->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--where needs a condition");
  }
  return arguments.where.value_or("");
}

Result<void> Delete(const RowsArguments& arguments, Console& console) {
  ChangeOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  DELTALAKEDB_ASSIGN(const std::string where, RowsOf(arguments));
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.Delete(where, options));
  return AnswerChange(report, console);
}

Result<void> Update(const RowsArguments& arguments, Console& console) {
  ChangeOptions options;
  DELTALAKEDB_TRY(SetChangeOptions(arguments.change, options));
  DELTALAKEDB_ASSIGN(const std::string where, RowsOf(arguments));
  std::vector<DeltaTable::ColumnValue> values;
  for (const std::string& text : arguments.assignments) {
    DELTALAKEDB_ASSIGN(auto assignments, expr::ParseAssignments(text));
    for (auto& [column, sql] : assignments) values.push_back({std::move(column), std::move(sql)});
  }
  DELTALAKEDB_ASSIGN(DeltaTable table, OpenTable(arguments.uri, console));
  DELTALAKEDB_ASSIGN(const ChangeReport report, table.Update(values, where, options));
  return AnswerChange(report, console);
}

std::vector<GivenText> TextsOf(const RowsArguments& arguments) {
  std::vector<GivenText> texts;
  if (arguments.where) texts.push_back({"--where", *arguments.where});
  for (const std::string& text : arguments.assignments) texts.push_back({"--set", text});
  return texts;
}

// ---- what the commands take ---------------------------------------------------------------------

// A command whose failures show none of the user's texts that may hold a password.
template <typename Arguments, typename Run>
CLI::App* AddRowCommand(Program& program, const Program::CommandText& text,
                        const std::shared_ptr<Arguments>& arguments, Run run) {
  return program.AddCommand(text, [arguments, run](Console& console) -> Result<void> {
    auto done = run(*arguments, console);
    if (done) return {};
    return Fail(WithoutPasswords(std::move(done).error(), TextsOf(*arguments)));
  });
}

void AddInputOptions(CLI::App& command, InputArguments& arguments, std::string_view modes) {
  command
      .add_option(
          "FILE", arguments.files,
          "Files of rows with the same columns: Parquet, CSV, JSON lines or Arrow IPC; - is "
          "standard input")
      ->required()
      ->type_name("");
  command
      .add_option("--format", arguments.format,
                  "parquet, csv, jsonl or arrow (default: by the files' names, else their first "
                  "bytes)")
      ->type_name("FORMAT");
  command
      .add_option("--schema", arguments.schema_mode,
                  fmt::format("What becomes of columns that differ from the table's: {}", modes))
      ->type_name("MODE");
}

void AddRowOptions(CLI::App& command, RowsArguments& arguments) {
  command
      .add_option("--where", arguments.where,
                  "The rows: a condition in SQL over the table's columns (docs/rows.md)")
      ->type_name("EXPR");
  command.add_flag("--all", arguments.all, "All rows")->disable_flag_override();
  AddChangeOptions(command, arguments.change);
}

constexpr std::string_view kAddingModes =
    "strict refuses new ones (default), merge adds them and widens types";

}  // namespace

void AddAppendCommand(Program& program) {
  const auto arguments = std::make_shared<WriteArguments>();
  CLI::App* const command =
      AddRowCommand(program,
                    {"append", "Add the rows of files to a table",
                     "deltalakedb append 'deltasql://sqlite/meta.db?table=orders' orders.csv"},
                    arguments, Append);
  AddUriArgument(*command, arguments->uri);
  AddInputOptions(*command, arguments->input, kAddingModes);
  AddChangeOptions(*command, arguments->change);
}

void AddOverwriteCommand(Program& program) {
  const auto arguments = std::make_shared<WriteArguments>();
  CLI::App* const command = AddRowCommand(
      program,
      {"overwrite", "Put the rows of files in the place of a table's",
       "deltalakedb overwrite /data/orders may.parquet --where \"month = '2024-05'\""},
      arguments, Overwrite);
  AddUriArgument(*command, arguments->uri);
  AddInputOptions(*command, arguments->input,
                  "strict refuses new ones (default), merge adds them and widens types, overwrite "
                  "takes those of the files");
  command
      ->add_option("--where", arguments->where,
                   "Replace the rows for which this is true, as it has to be for the new ones "
                   "(default: all rows)")
      ->type_name("EXPR");
  command
      ->add_flag("--partitions", arguments->partitions,
                 "Replace the partitions that the new rows are in")
      ->disable_flag_override();
  AddChangeOptions(*command, arguments->change);
}

void AddMergeCommand(Program& program) {
  const auto arguments = std::make_shared<WriteArguments>();
  CLI::App* const command =
      AddRowCommand(program,
                    {"merge", "Update rows of a table by their keys, and add those that it lacks",
                     "deltalakedb merge /data/orders changed.jsonl --on id"},
                    arguments, Merge);
  AddUriArgument(*command, arguments->uri);
  AddInputOptions(*command, arguments->input, kAddingModes);
  command->add_option("--on", arguments->keys, "The columns whose values name a row: its keys")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("KEY,KEY");
  AddChangeOptions(*command, arguments->change);
}

void AddScanCommand(Program& program) {
  const auto arguments = std::make_shared<ScanArguments>();
  CLI::App* const command =
      AddRowCommand(program,
                    {"scan", "Give the rows of a table",
                     "deltalakedb scan /data/orders --columns id,amount --where 'amount > 10' "
                     "-o big.parquet"},
                    arguments, Scan);
  AddTableArguments(*command, arguments->table);
  command
      ->add_option("--columns", arguments->columns, "These columns, in this order (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command
      ->add_option("--where", arguments->where,
                   "Only rows for which this is true: a condition in SQL over the table's columns")
      ->type_name("EXPR");
  command
      ->add_option("--format", arguments->format,
                   "csv, jsonl, parquet or arrow (default: by the name of -o, else csv, with "
                   "--json jsonl)")
      ->type_name("FORMAT");
  command
      ->add_option("-o,--output", arguments->output,
                   "The file to write, which appears when it is whole (default: -, standard "
                   "output)")
      ->type_name("FILE");
  command
      ->add_flag("--unordered", arguments->unordered,
                 "Rows in any order, which is faster than that of their files")
      ->disable_flag_override();
}

void AddDeleteCommand(Program& program) {
  const auto arguments = std::make_shared<RowsArguments>();
  CLI::App* const command =
      AddRowCommand(program,
                    {"delete", "Delete rows of a table",
                     "deltalakedb delete /data/orders --where \"day < '2020-01-01'\""},
                    arguments, Delete);
  AddUriArgument(*command, arguments->uri);
  AddRowOptions(*command, *arguments);
}

void AddUpdateCommand(Program& program) {
  const auto arguments = std::make_shared<RowsArguments>();
  CLI::App* const command = AddRowCommand(
      program,
      {"update", "Change columns of rows of a table",
       "deltalakedb update /data/orders --set 'amount = amount * 1.1' --where 'id = 7'"},
      arguments, Update);
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("--set", arguments->assignments,
                   "COLUMN = EXPRESSION over the old row, several with commas. Again for another "
                   "one")
      ->required()
      ->allow_extra_args(false)
      ->type_name("A=EXPR");
  AddRowOptions(*command, *arguments);
}

}  // namespace deltalakedb::cli
