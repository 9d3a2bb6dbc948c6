// The commands that make a table, set its properties, and drop it.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/input_file.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "apps/user_text.h"
#include "base/try.h"
#include "deltalakedb/catalog.h"
#include "deltalakedb/create.h"
#include "deltalakedb/schema.h"
#include "deltalakedb/uri.h"

namespace deltalakedb::cli {
namespace {

using protocol::JsonWriter;
using protocol::WriteKey;
using protocol::WriteText;

struct CreateArguments {
  std::string uri;
  std::string schema;
  std::optional<std::string> location;
  std::vector<std::string> partition_by;
  std::vector<std::string> properties;
  std::optional<std::string> commit_id;
};

struct SetPropertiesArguments {
  std::string uri;
  std::vector<std::string> properties;
};

struct DropArguments {
  std::string uri;
  bool yes = false;
};

Result<std::map<std::string, std::string>> ParseProperties(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> properties;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("a property is NAME=VALUE, not {}", Printable(Shown(text))))
                      .With("property", Shown(text)));
    }
    const std::string name = text.substr(0, equals);
    // Delta's own properties are none of these, and what refuses their values quotes them.
    if (const std::string_view value = std::string_view(text).substr(equals + 1);
        name.starts_with("delta.") && IsDatabaseUri(value)) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the property {} does not take the URI of a database, which {} "
                                    "is",
                                    Printable(name), RedactUriText(value)))
                      .With("property", name));
    }
    if (!properties.emplace(name, text.substr(equals + 1)).second) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the property {} is given twice", Printable(Shown(name))))
                      .With("property", Shown(name)));
    }
  }
  return properties;
}

void PrintCreated(const CreateReport& report, Console& console) {
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) {
      const auto text = [&](std::string_view name, std::string_view value) {
        WriteKey(name, writer);
        WriteText(value, writer);
      };
      writer.StartObject();
      text("table", report.table);
      text("tableId", report.table_id);
      WriteKey("version", writer);
      writer.Int64(report.version.value());
      text("location", report.location);
      text("commitId", report.commit_id);
      writer.EndObject();
    });
    return;
  }
  if (report.was_there) {
    console.out().Append(
        fmt::format("{} was made by this commit already\n", Printable(report.table)));
    return;
  }
  FactList facts;
  facts.Add("table", Printable(report.table));
  facts.Add("location", Printable(report.location));
  facts.Add("version", fmt::format("{}", report.version.value()));
  console.out().Append(facts.Format());
}

Result<void> Create(const CreateArguments& arguments, Console& console) {
  NewTable table;
  DELTALAKEDB_ASSIGN(table.properties, ParseProperties(arguments.properties));
  DELTALAKEDB_ASSIGN(InputFile schema, InputFile::Open(arguments.schema));
  DELTALAKEDB_ASSIGN(table.schema_json, schema.ReadAll(kSchemaTextBytesMax));
  table.partition_columns = arguments.partition_by;
  table.location = arguments.location;
  if (arguments.commit_id) {
    DELTALAKEDB_ASSIGN(table.commit_id, ParseCommitId(*arguments.commit_id));
  }
  DELTALAKEDB_ASSIGN(const CreateReport report, CreateTable(arguments.uri, table));
  console.NoteDone(fmt::format("the table {} is made by version {} under the commit id {}",
                               report.table, report.version.value(), report.commit_id),
                   {{"table", report.table},
                    {"version", report.version.value()},
                    {"commitId", report.commit_id}});
  PrintCreated(report, console);
  return {};
}

Result<void> SetProperties(const SetPropertiesArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const auto properties, ParseProperties(arguments.properties));
  DELTALAKEDB_ASSIGN(const PropertiesReport report,
                     SetTableProperties(arguments.uri, properties, &console));
  const CommitReport& commit = report.commit;
  if (commit.outcome == CommitReport::Outcome::kConflicted) return Fail(*commit.error);
  if (commit.outcome == CommitReport::Outcome::kInDoubt) {
    Error error(ErrorCode::kInDoubt,
                "whether the properties are set is not known: run the same command again, which "
                "changes nothing where they are");
    return Fail(std::move(error).With("commitId", commit.commit_id));
  }
  if (report.has_changed) NoteCommitted(commit.version, commit.commit_id, console);
  if (!console.json()) {
    console.out().Append(
        report.has_changed
            ? fmt::format("version {}\n", commit.version.value())
            : fmt::format("nothing to change: version {} has these properties already\n",
                          commit.version.value()));
    return {};
  }
  PrintObject(console.out(), [&](JsonWriter& writer) {
    writer.StartObject();
    WriteKey("version", writer);
    writer.Int64(commit.version.value());
    WriteKey("changed", writer);
    writer.Bool(report.has_changed);
    if (report.has_changed) {
      WriteKey("commitId", writer);
      WriteText(commit.commit_id, writer);
    }
    writer.EndObject();
  });
  return {};
}

// What would be lost, for whoever has not said yes.
Result<void> AskBeforeDrop(const std::string& uri_text) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(uri_text));
  DELTALAKEDB_TRY(uri.RequireTable());
  DELTALAKEDB_ASSIGN(const auto tables, ListTables(uri_text));
  const auto found = std::ranges::find(tables, *uri.table(), &TableInfo::name);
  if (found == tables.end()) {
    return Fail(Error(ErrorCode::kNotFound,
                      fmt::format("{}: the catalog has no table {}; `deltalakedb tables` lists "
                                  "those it has",
                                  uri.ToString(), *uri.table()))
                    .With("table", *uri.table()));
  }
  const std::int64_t first = found->earliest_version.value();
  const std::int64_t last = found->version.value();
  const std::string versions = first == last ? fmt::format("version {}", last)
                                             : fmt::format("versions {} to {}", first, last);
  const std::string live =
      found->num_files ? fmt::format(", {} of them live,", FormatCount(*found->num_files)) : "";
  return Fail(
      Error(ErrorCode::kInvalidArgument,
            fmt::format("this would take the table {} and its history, {}, out of the catalog for "
                        "good; its data files{} stay in {}: give --yes if that is meant",
                        found->name, versions, live, found->location))
          .With("table", found->name)
          .With("version", found->version.value())
          .With("location", found->location));
}

Result<void> Drop(const DropArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const Uri uri, Uri::Parse(arguments.uri));
  if (uri.is_database() && !arguments.yes) return AskBeforeDrop(arguments.uri);
  DELTALAKEDB_ASSIGN(const TableInfo dropped, DropTable(arguments.uri));
  console.NoteDone(fmt::format("the table {} is dropped", dropped.name), {{"table", dropped.name}});
  if (!console.json()) {
    console.out().Append(
        fmt::format("{} is no longer in the catalog; its files are where they were, in {}\n",
                    Printable(dropped.name), Printable(dropped.location)));
    return {};
  }
  PrintObject(console.out(), [&](JsonWriter& writer) {
    writer.StartObject();
    WriteKey("table", writer);
    WriteText(dropped.name, writer);
    WriteKey("tableId", writer);
    WriteText(dropped.table_id.ToString(), writer);
    WriteKey("version", writer);
    writer.Int64(dropped.version.value());
    WriteKey("location", writer);
    WriteText(dropped.location, writer);
    writer.EndObject();
  });
  return {};
}

}  // namespace

void AddCreateCommand(Program& program) {
  const auto arguments = std::make_shared<CreateArguments>();
  CLI::App* const command = program.AddCommand(
      {"create", "Make a table, and its catalog where there is none",
       "deltalakedb create 'deltasql://sqlite/meta.db?table=orders' --schema orders.json "
       "--location /data/orders --partition-by day --property delta.appendOnly=true"},
      [arguments](Console& console) { return Create(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("--schema", arguments->schema,
                   "The columns, as schemaString of a Delta log has them; - is standard input")
      ->required()
      ->type_name("FILE.json");
  command
      ->add_option("--location", arguments->location,
                   "The folder where its files are or will be; a file-based table is that itself")
      ->type_name("DIR");
  command
      ->add_option("--partition-by", arguments->partition_by,
                   "The columns that it is partitioned by, in this order")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command
      ->add_option("--property", arguments->properties,
                   "A property of the table; the protocol is the lowest that these need. Again for "
                   "another one")
      ->allow_extra_args(false)
      ->type_name("K=V");
  command
      ->add_option("--commit-id", arguments->commit_id,
                   "Names the commit, so that running the command again finds the table")
      ->type_name("UUID");
}

void AddSetPropertiesCommand(Program& program) {
  const auto arguments = std::make_shared<SetPropertiesArguments>();
  CLI::App* const command = program.AddCommand(
      {"set-properties", "Set properties of a table, as a commit",
       "deltalakedb set-properties 'deltasql://sqlite/meta.db?table=orders' "
       "'delta.logRetentionDuration=interval 7 days'"},
      [arguments](Console& console) { return SetProperties(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("K=V", arguments->properties,
                   "Properties; the others stay as they are, and the protocol is raised where one "
                   "needs that")
      ->required()
      ->type_name("");
}

void AddDropCommand(Program& program) {
  const auto arguments = std::make_shared<DropArguments>();
  CLI::App* const command =
      program.AddCommand({"drop", "Take a table out of a catalog, and leave its files",
                          "deltalakedb drop 'deltasql://sqlite/meta.db?table=orders' --yes"},
                         [arguments](Console& console) { return Drop(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command->add_flag("--yes", arguments->yes, "Do it, rather than say what would be lost")
      ->disable_flag_override();
}

}  // namespace deltalakedb::cli
