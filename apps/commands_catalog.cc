// The commands that make a catalog and look at it as a whole.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/commands.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "base/time_text.h"
#include "base/try.h"
#include "deltalakedb/catalog.h"
#include "deltalakedb/uri.h"

namespace deltalakedb::cli {
namespace {

using protocol::JsonWriter;
using protocol::WriteKey;
using protocol::WriteText;

void AddCatalogArgument(CLI::App& command, std::string& uri) {
  command
      .add_option("CATALOG", uri,
                  "A deltasql:// URI: sqlite/FILE, duckdb/FILE or postgres/DB/SCHEMA/")
      ->required()
      ->type_name("");
}

// The catalog as it may be shown, also where it was named by one of its tables.
std::string CatalogName(const std::string& uri) {
  const auto parsed = Uri::Parse(uri);
  if (!parsed) return RedactUriText(uri);
  const auto catalog = parsed->WithoutTable();
  return catalog ? catalog->ToString() : parsed->ToString();
}

void PrintApplied(const std::string& uri, int applied, std::string_view sentence,
                  Console& console) {
  if (!console.json()) {
    console.out().Append(Printable(fmt::format("{} {}", CatalogName(uri), sentence)) + "\n");
    return;
  }
  PrintObject(console.out(), [&](JsonWriter& writer) {
    writer.StartObject();
    WriteKey("catalog", writer);
    WriteText(CatalogName(uri), writer);
    WriteKey("migrationsApplied", writer);
    writer.Int(applied);
    writer.EndObject();
  });
}

Result<void> Init(const std::string& uri, Console& console) {
  DELTALAKEDB_ASSIGN(const int applied, InitCatalog(uri));
  PrintApplied(uri, applied, applied > 0 ? "is a catalog now" : "is a catalog already", console);
  return {};
}

Result<void> MigrateUp(const std::string& uri, Console& console) {
  DELTALAKEDB_ASSIGN(const int applied, MigrateCatalogUp(uri));
  const std::string sentence = applied == 0
                                   ? "is up to date"
                                   : fmt::format("is up to date now: {} migration{} applied",
                                                 applied, applied == 1 ? "" : "s");
  PrintApplied(uri, applied, sentence, console);
  return {};
}

void WriteMigration(const MigrationInfo& migration, JsonWriter& writer) {
  writer.StartObject();
  WriteKey("version", writer);
  writer.Int64(migration.version);
  WriteKey("name", writer);
  WriteText(migration.name, writer);
  if (migration.applied_at) {
    WriteKey("appliedAt", writer);
    writer.Int64(migration.applied_at->ms());
  }
  writer.EndObject();
}

Result<void> MigrateDown(const std::string& uri, bool may_discard, Console& console) {
  DELTALAKEDB_ASSIGN(MigrationInfo taken_back, MigrateCatalogDown(uri, may_discard));
  if (console.json()) {
    taken_back.applied_at.reset();  // it is not any more
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteMigration(taken_back, writer); });
  } else {
    const std::string sentence = fmt::format("{}: migration {} ({}) is taken back",
                                             CatalogName(uri), taken_back.version, taken_back.name);
    console.out().Append(Printable(sentence) + "\n");
  }
  return {};
}

Result<void> PrintMigrations(const std::string& uri, Console& console) {
  DELTALAKEDB_ASSIGN(const auto migrations, ListMigrations(uri));
  TextTable table({{"VERSION", Align::kRight}, {"NAME"}, {"APPLIED"}});
  for (const MigrationInfo& migration : migrations) {
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteMigration(migration, writer); });
      continue;
    }
    table.AddRow({fmt::format("{}", migration.version), Printable(migration.name),
                  migration.applied_at ? base::FormatRfc3339(*migration.applied_at) : "not yet"});
  }
  if (!console.json()) {
    console.out().Append(table.Format(console.title_style().start, console.title_style().end));
  }
  return {};
}

Result<void> PrintTables(const std::string& uri, Console& console) {
  DELTALAKEDB_ASSIGN(const auto tables, ListTables(uri));
  TextTable text(
      {{"NAME"}, {"VERSION", Align::kRight}, {"FILES", Align::kRight}, {"MODE"}, {"LOCATION"}});
  for (const TableInfo& table : tables) {
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteTableInfo(table, writer); });
      DELTALAKEDB_TRY(console.out().FlushWhenLarge());
      continue;
    }
    text.AddRow({Printable(table.name), fmt::format("{}", table.version.value()),
                 table.num_files ? FormatCount(*table.num_files) : "", Printable(table.mode),
                 Printable(table.location)});
  }
  if (!console.json()) {
    console.out().Append(text.Format(console.title_style().start, console.title_style().end));
  }
  return {};
}

using CatalogAction = Result<void> (*)(const std::string& uri, Console&);

void AddCatalogCommand(Program& program, CLI::App& parent, const Program::CommandText& text,
                       CatalogAction action) {
  const auto uri = std::make_shared<std::string>();
  CLI::App* const command = program.AddCommandTo(
      parent, text, [uri, action](Console& console) { return action(*uri, console); });
  AddCatalogArgument(*command, *uri);
}

void AddMigrateDownCommand(Program& program, CLI::App& group) {
  struct Arguments {
    std::string uri;
    bool yes = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* const command =
      program.AddCommandTo(group,
                           {"down", "Take the newest migration back",
                            "deltalakedb migrate down deltasql://sqlite/meta.db"},
                           [arguments](Console& console) {
                             return MigrateDown(arguments->uri, arguments->yes, console);
                           });
  AddCatalogArgument(*command, arguments->uri);
  command->add_flag("--yes", arguments->yes, "Even when that drops tables")
      ->disable_flag_override();
}

}  // namespace

void AddInitCommand(Program& program) {
  AddCatalogCommand(program, program.app(),
                    {"init", "Make a catalog, and its database where there is none",
                     "deltalakedb init deltasql://sqlite/meta.db"},
                    Init);
}

void AddMigrateCommands(Program& program) {
  CLI::App* const group =
      program.AddCommandGroup({"migrate", "Bring a catalog's schema up to date, or back",
                               "deltalakedb migrate status deltasql://sqlite/meta.db"});
  AddCatalogCommand(program, *group,
                    {"up", "Apply the migrations that are missing",
                     "deltalakedb migrate up deltasql://sqlite/meta.db"},
                    MigrateUp);
  AddMigrateDownCommand(program, *group);
  AddCatalogCommand(program, *group,
                    {"status", "List the migrations and when each was applied",
                     "deltalakedb migrate status deltasql://sqlite/meta.db"},
                    PrintMigrations);
}

void AddTablesCommand(Program& program) {
  AddCatalogCommand(
      program, program.app(),
      {"tables", "List the tables of a catalog", "deltalakedb tables deltasql://sqlite/meta.db"},
      PrintTables);
}

}  // namespace deltalakedb::cli
