// The commands that show one version of a table without its files.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "apps/schema_tree.h"
#include "base/time_text.h"
#include "base/try.h"
#include "deltalakedb/schema.h"
#include "protocol/json_document.h"

namespace deltalakedb::cli {
namespace {

using SnapshotPtr = std::shared_ptr<const Snapshot>;

std::vector<std::string> PrintableAll(const std::vector<std::string>& texts) {
  std::vector<std::string> printable;
  for (const std::string& text : texts) printable.push_back(Printable(text));
  return printable;
}

std::string Joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(PrintableAll(texts), ", "));
}

void AddIfAny(FactList& facts, std::string_view name, const std::optional<std::string>& text) {
  if (text) facts.Add(name, Printable(*text));
}

void AddProtocol(FactList& facts, const Protocol& protocol) {
  facts.Add("reader version", fmt::format("{}", protocol.min_reader_version));
  facts.Add("writer version", fmt::format("{}", protocol.min_writer_version));
  if (protocol.reader_features) facts.Add("reader features", Joined(*protocol.reader_features));
  if (protocol.writer_features) facts.Add("writer features", Joined(*protocol.writer_features));
}

void AddMetadata(FactList& facts, const Metadata& metadata) {
  AddIfAny(facts, "id", metadata.id);
  AddIfAny(facts, "name", metadata.name);
  AddIfAny(facts, "description", metadata.description);
  AddIfAny(facts, "format", metadata.format_provider);
  if (metadata.created_time) {
    facts.Add("created", base::FormatRfc3339(Timestamp(*metadata.created_time)));
  }
  if (!metadata.partition_columns.empty()) {
    facts.Add("partitioned by", Joined(metadata.partition_columns));
  }
  std::vector<std::string> properties;
  for (const auto& [key, value] : metadata.configuration) {
    properties.push_back(Printable(fmt::format("{} = {}", key, value)));
  }
  facts.AddLines("properties", properties);
}

std::string FormatSnapshot(const Snapshot& snapshot, const FileTotals& totals) {
  FactList facts;
  facts.Add("version", fmt::format("{}", snapshot.version().value()));
  facts.Add("time", base::FormatRfc3339(snapshot.timestamp()));
  facts.Add("files", FormatCount(totals.num_files));
  facts.Add("size", FormatBytes(totals.size_in_bytes));
  AddProtocol(facts, snapshot.protocol());
  AddMetadata(facts, snapshot.metadata());
  std::vector<std::string> transactions;
  for (const auto& [app_id, transaction] : snapshot.app_transactions()) {
    transactions.push_back(Printable(fmt::format("{} = {}", app_id, transaction.version)));
  }
  facts.AddLines("app transactions", transactions);
  std::vector<std::string> domains;
  for (const auto& [domain, configuration] : snapshot.domain_metadata()) {
    domains.push_back(Printable(fmt::format("{} = {}", domain, configuration)));
  }
  facts.AddLines("domains", domains);
  return facts.Format();
}

Result<void> PrintWhole(const SnapshotPtr& loaded, Console& console) {
  const Snapshot& snapshot = *loaded;
  DELTALAKEDB_ASSIGN(const FileTotals totals, snapshot.LoadTotals());
  if (console.json()) {
    PrintObject(console.out(), [&](auto& writer) { WriteSnapshot(snapshot, totals, writer); });
  } else {
    console.out().Append(FormatSnapshot(snapshot, totals));
  }
  return {};
}

template <typename T>
Result<T> InSchema(Result<T> result) {
  if (!result) return Fail(std::move(result).error().In("the table's schemaString"));
  return result;
}

Result<void> PrintSchema(const TableState& state, Console& console) {
  const std::optional<std::string>& schema = state.metadata.schema_string;
  if (!schema) {
    return Fail(Error(ErrorCode::kCorrupt,
                      fmt::format("the table's metaData has no schemaString at version {}",
                                  state.version.value()))
                    .With("version", state.version.value()));
  }
  if (console.json()) {
    // Verbatim, whatever types it has; but what is printed has to be an object.
    DELTALAKEDB_TRY(InSchema(protocol::JsonDocument::ParseObject(*schema, kSchemaTextBytesMax)));
    console.out().Append(*schema);
    console.out().Append("\n");
    return {};
  }
  DELTALAKEDB_ASSIGN(const Schema parsed, InSchema(Schema::Parse(*schema)));
  console.out().Append(FormatSchemaTree(parsed, console.title_style()));
  return {};
}

Result<void> PrintProtocol(const TableState& state, Console& console) {
  if (console.json()) {
    PrintObject(console.out(),
                [&](auto& writer) { protocol::WriteProtocol(state.protocol, writer); });
    return {};
  }
  FactList facts;
  AddProtocol(facts, state.protocol);
  console.out().Append(facts.Format());
  return {};
}

Result<void> PrintProperties(const TableState& state, Console& console) {
  const auto& properties = state.metadata.configuration;
  if (console.json()) {
    PrintObject(console.out(), [&](auto& writer) { protocol::WriteStringMap(properties, writer); });
    return {};
  }
  TextTable table({{"PROPERTY"}, {"VALUE"}});
  for (const auto& [key, value] : properties) table.AddRow({Printable(key), Printable(value)});
  console.out().Append(table.Format(console.title_style().start, console.title_style().end));
  return {};
}

// Adds a command that loads what is asked for and prints it.
template <typename Load, typename Print>
void AddStateCommand(Program& program, const Program::CommandText& text, Load load, Print print) {
  const auto arguments = std::make_shared<TableArguments>();
  CLI::App* const command =
      program.AddCommand(text, [arguments, load, print](Console& console) -> Result<void> {
        DELTALAKEDB_ASSIGN(const auto loaded, load(*arguments, console));
        return print(loaded, console);
      });
  AddTableArguments(*command, *arguments);
}

}  // namespace

void AddSnapshotCommand(Program& program) {
  AddStateCommand(program,
                  {"snapshot", "Show a version of the table: files, size, protocol, metadata",
                   "deltalakedb snapshot /data/orders --version 3"},
                  LoadSnapshot, PrintWhole);
}

void AddSchemaCommand(Program& program) {
  AddStateCommand(program,
                  {"schema", "Show the table's columns",
                   "deltalakedb schema /data/orders --timestamp 2024-01-02T03:04:05Z"},
                  LoadState, PrintSchema);
}

void AddProtocolCommand(Program& program) {
  AddStateCommand(program,
                  {"protocol", "Show what readers and writers of the table must be able to do",
                   "deltalakedb protocol /data/orders"},
                  LoadState, PrintProtocol);
}

void AddPropertiesCommand(Program& program) {
  AddStateCommand(program,
                  {"properties", "Show the table's properties (its configuration)",
                   "deltalakedb properties /data/orders --json"},
                  LoadState, PrintProperties);
}

}  // namespace deltalakedb::cli
