// The JSON objects of CLI.md that are not actions of the log.
//
// Pure but for the writer, which belongs to the caller.
#pragma once

#include <string>
#include <string_view>

#include "apps/output_stream.h"
#include "deltalakedb/catalog.h"
#include "deltalakedb/error.h"
#include "deltalakedb/export.h"
#include "deltalakedb/history.h"
#include "deltalakedb/import.h"
#include "deltalakedb/snapshot.h"
#include "protocol/action_writer.h"

namespace deltalakedb::cli {

// {"version", "timestamp", "operation", …}: what is unknown is null where the contract has the
// field always, else absent.
void WriteHistoryEntry(const HistoryEntry& entry, protocol::JsonWriter& writer);
// {"version", "timestamp", "numFiles", …}
void WriteSnapshot(const Snapshot& snapshot, const FileTotals& totals,
                   protocol::JsonWriter& writer);

// {"name", "tableId", "version", …}
void WriteTableInfo(const TableInfo& table, protocol::JsonWriter& writer);
// {"table", "fromVersion", "toVersion", …}; what applies to some imports only is absent elsewhere.
void WriteImportReport(const ImportReport& report, protocol::JsonWriter& writer);
void WriteVerifyReport(const VerifyReport& report, protocol::JsonWriter& writer);
void WriteExportReport(const ExportReport& report, protocol::JsonWriter& writer);
void WriteReindexReport(const ReindexReport& report, protocol::JsonWriter& writer);

// Writes one JSON object and ends its line.
template <typename Write>
void PrintObject(OutputStream& out, Write write) {
  protocol::JsonWriter writer(out.buffer());
  write(writer);
  out.Append("\n");
}

// {"error": {"code", "message", facts…}} and {"warning": {"message"}}, each with a line end. Bytes
// that are not UTF-8, which a file's name may hold, become U+FFFD.
std::string ErrorLine(const Error& error);
std::string WarningLine(std::string_view message);

}  // namespace deltalakedb::cli
