// The JSON objects of CLI.md that are not actions of the log.
//
// Pure but for the writer, which belongs to the caller.
#pragma once

#include <string>
#include <string_view>

#include "deltalakedb/error.h"
#include "deltalakedb/history.h"
#include "deltalakedb/snapshot.h"
#include "protocol/action_writer.h"

namespace deltalakedb::cli {

// {"version", "timestamp", "operation", …}: what is unknown is null where the contract has the
// field always, else absent.
void WriteHistoryEntry(const HistoryEntry& entry, protocol::JsonWriter& writer);
// {"version", "timestamp", "numFiles", …}
void WriteSnapshot(const Snapshot& snapshot, const FileTotals& totals,
                   protocol::JsonWriter& writer);

// {"error": {"code", "message", facts…}} and {"warning": {"message"}}, each with a line end. Bytes
// that are not UTF-8, which a file's name may hold, become U+FFFD.
std::string ErrorLine(const Error& error);
std::string WarningLine(std::string_view message);

}  // namespace deltalakedb::cli
