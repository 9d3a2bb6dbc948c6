#include "apps/output_json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "apps/output_text.h"

namespace deltalakedb::cli {

using protocol::JsonWriter;
using protocol::WriteKey;
using protocol::WriteRaw;
using protocol::WriteText;

namespace {

void WriteTextOrNull(std::string_view key, const std::optional<std::string>& text,
                     JsonWriter& writer) {
  WriteKey(key, writer);
  if (text) {
    WriteText(*text, writer);
  } else {
    writer.Null();
  }
}

void WriteTextIfAny(std::string_view key, const std::optional<std::string>& text,
                    JsonWriter& writer) {
  if (text) WriteTextOrNull(key, text, writer);
}

void WriteTextField(std::string_view key, std::string_view text, JsonWriter& writer) {
  WriteKey(key, writer);
  WriteText(text, writer);
}

void WriteNumber(std::string_view key, std::int64_t number, JsonWriter& writer) {
  WriteKey(key, writer);
  writer.Int64(number);
}

void WriteVersions(const VersionRange& versions, JsonWriter& writer) {
  WriteNumber("fromVersion", versions.first.value(), writer);
  WriteNumber("toVersion", versions.last.value(), writer);
}

void WriteDifferences(const std::vector<Difference>& differences, JsonWriter& writer) {
  WriteKey("differences", writer);
  writer.StartArray();
  for (const Difference& difference : differences) {
    writer.StartObject();
    WriteTextField("where", ValidUtf8(difference.where), writer);
    if (difference.version) WriteNumber("version", difference.version->value(), writer);
    WriteTextField("message", ValidUtf8(difference.message), writer);
    writer.EndObject();
  }
  writer.EndArray();
}

// Somebody's JSON without the white space between its tokens: a list has one object per line.
std::string OnOneLine(std::string_view json) {
  std::string compact;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
    compact.push_back(c);
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\' && i + 1 < json.size()) compact.push_back(json[++i]);
  }
  return compact;
}

void WriteRawOrNull(std::string_view key, const std::optional<std::string>& json,
                    JsonWriter& writer) {
  WriteKey(key, writer);
  if (json) {
    WriteRaw(OnOneLine(*json), writer);
  } else {
    writer.Null();
  }
}

template <typename Write>
std::string Line(Write write) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  write(writer);
  writer.EndObject();
  buffer.Put('\n');
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

void WriteHistoryEntry(const HistoryEntry& entry, JsonWriter& writer) {
  const CommitInfo info = entry.commit_info.value_or(CommitInfo{});
  writer.StartObject();
  WriteKey("version", writer);
  writer.Int64(entry.version.value());
  WriteKey("timestamp", writer);
  writer.Int64(entry.timestamp.ms());
  WriteTextOrNull("operation", info.operation, writer);
  WriteRawOrNull("operationParameters", info.operation_parameters, writer);
  WriteRawOrNull("operationMetrics", info.operation_metrics, writer);
  WriteTextIfAny("userMetadata", info.user_metadata, writer);
  WriteTextIfAny("engineInfo", info.engine_info, writer);
  if (info.read_version) {
    WriteKey("readVersion", writer);
    writer.Int64(*info.read_version);
  }
  if (info.is_blind_append) {
    WriteKey("isBlindAppend", writer);
    writer.Bool(*info.is_blind_append);
  }
  WriteTextOrNull("commitId", entry.commit_id, writer);
  WriteTextIfAny("transactionId", entry.transaction_id, writer);
  WriteKey("numAdded", writer);
  writer.Int64(entry.num_added);
  WriteKey("numRemoved", writer);
  writer.Int64(entry.num_removed);
  writer.EndObject();
}

void WriteSnapshot(const Snapshot& snapshot, const FileTotals& totals, JsonWriter& writer) {
  writer.StartObject();
  WriteKey("version", writer);
  writer.Int64(snapshot.version().value());
  WriteKey("timestamp", writer);
  writer.Int64(snapshot.timestamp().ms());
  WriteKey("numFiles", writer);
  writer.Int64(totals.num_files);
  WriteKey("sizeInBytes", writer);
  writer.Int64(totals.size_in_bytes);
  WriteKey("protocol", writer);
  protocol::WriteProtocol(snapshot.protocol(), writer);
  WriteKey("metaData", writer);
  protocol::WriteMetadata(snapshot.metadata(), writer);
  WriteKey("appTransactions", writer);
  writer.StartObject();
  for (const auto& [app_id, transaction] : snapshot.app_transactions()) {
    WriteKey(app_id, writer);
    writer.Int64(transaction.version);
  }
  writer.EndObject();
  WriteKey("domainMetadata", writer);
  writer.StartObject();
  for (const auto& [domain, configuration] : snapshot.domain_metadata()) {
    WriteKey(domain, writer);
    WriteText(configuration, writer);
  }
  writer.EndObject();
  writer.EndObject();
}

void WriteTableInfo(const TableInfo& table, JsonWriter& writer) {
  writer.StartObject();
  WriteTextField("name", table.name, writer);
  WriteTextField("tableId", table.table_id.ToString(), writer);
  WriteNumber("version", table.version.value(), writer);
  WriteTextField("location", ValidUtf8(table.location), writer);
  if (table.num_files) WriteNumber("numFiles", *table.num_files, writer);
  WriteTextField("mode", table.mode, writer);
  writer.EndObject();
}

void WriteImportReport(const ImportReport& report, JsonWriter& writer) {
  writer.StartObject();
  WriteTextField("table", report.table, writer);
  WriteKey("fromVersion", writer);
  if (report.from_version) {
    writer.Int64(report.from_version->value());
  } else {
    writer.Null();
  }
  WriteNumber("toVersion", report.to_version.value(), writer);
  WriteNumber("commits", report.commits, writer);
  WriteNumber("adds", report.adds, writer);
  WriteNumber("removes", report.removes, writer);
  WriteNumber("numFiles", report.num_files, writer);
  WriteKey("seconds", writer);
  writer.Double(report.seconds);
  WriteKey("verified", writer);
  writer.Bool(report.verified);
  WriteKey("warnings", writer);
  writer.StartArray();
  for (const std::string& warning : report.warnings) WriteText(ValidUtf8(warning), writer);
  writer.EndArray();
  if (report.dry_run) {
    WriteKey("dryRun", writer);
    writer.Bool(true);
  }
  if (report.replaced_table) WriteTextField("replacedTable", *report.replaced_table, writer);
  if (!report.differences.empty()) WriteDifferences(report.differences, writer);
  writer.EndObject();
}

void WriteVerifyReport(const VerifyReport& report, JsonWriter& writer) {
  writer.StartObject();
  WriteTextField("table", report.table, writer);
  WriteVersions(report.versions, writer);
  WriteNumber("rows", report.rows, writer);
  WriteDifferences(report.differences, writer);
  WriteKey("hasMore", writer);
  writer.Bool(report.has_more);
  writer.EndObject();
}

void WriteExportReport(const ExportReport& report, JsonWriter& writer) {
  writer.StartObject();
  WriteTextField("table", report.table, writer);
  WriteVersions({report.from_version, report.to_version}, writer);
  WriteNumber("commits", report.commits, writer);
  if (report.checkpoint) {
    WriteNumber("checkpoint", report.checkpoint->value(), writer);
    WriteKey("checkpointWritten", writer);
    writer.Bool(report.checkpoint_written);
    WriteKey("lastCheckpointWritten", writer);
    writer.Bool(report.last_checkpoint_written);
  }
  WriteTextField("destination", report.destination, writer);
  WriteKey("warnings", writer);
  writer.StartArray();
  for (const std::string& warning : report.warnings) WriteText(ValidUtf8(warning), writer);
  writer.EndArray();
  writer.EndObject();
}

void WriteReindexReport(const ReindexReport& report, JsonWriter& writer) {
  writer.StartObject();
  WriteTextField("table", report.table, writer);
  WriteVersions(report.versions, writer);
  WriteNumber("numFiles", report.num_files, writer);
  writer.EndObject();
}

std::string ErrorLine(const Error& error) {
  return Line([&](JsonWriter& writer) {
    WriteKey("error", writer);
    writer.StartObject();
    WriteKey("code", writer);
    WriteText(ErrorCodeName(error.code()), writer);
    WriteKey("message", writer);
    WriteText(ValidUtf8(error.message()), writer);
    for (const auto& [name, value] : error.facts()) {
      if (name == "code" || name == "message") continue;
      WriteKey(name, writer);
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        writer.Int64(*number);
      } else {
        WriteText(ValidUtf8(std::get<std::string>(value)), writer);
      }
    }
    writer.EndObject();
  });
}

std::string WarningLine(std::string_view message) {
  return Line([&](JsonWriter& writer) {
    WriteKey("warning", writer);
    writer.StartObject();
    WriteKey("message", writer);
    WriteText(ValidUtf8(message), writer);
    writer.EndObject();
  });
}

}  // namespace deltalakedb::cli
