// Writing a table's log as a plain Delta log, so that anyone can leave at any time.
//
// Thread-safety: a free function, safe from any thread; two exports of one table to one place at
// once end with the same files.
//
//   auto report = ExportTable("deltasql://sqlite//data/meta.db?table=flights", "/data/flights");
//   if (report) Use(report->to_version);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"

namespace deltalakedb {

struct ExportOptions {
  // Names every file by its place below the table's location, so that the log can stand anywhere.
  // Else the commits are byte for byte what was committed.
  bool absolute_paths = false;
  LogSink* log_sink = nullptr;  // gets warnings; null drops them
};

struct ExportReport {
  std::string table;  // its name in the catalog, or the location of a file-based table
  // The versions that the destination has now.
  Version from_version;
  Version to_version;
  std::int64_t commits = 0;  // commit files written now; the others were there
  std::optional<Version>
      checkpoint;                   // the version whose state the log begins with, unless that is 0
  bool checkpoint_written = false;  // that checkpoint was written now
  bool last_checkpoint_written = false;  // it was missing or of an older version
  std::string destination;
  std::vector<std::string> warnings;
};

// Writes the log of a table, in a catalog or file-based, into `_delta_log` below `destination`, a
// local path or an s3:// URI: a checkpoint of the first version where that is not 0, the commits in
// order, `_last_checkpoint`. The data is not copied. A file that is there already stays: an
// identical one is done, and with another nothing at all is written, as far as that is seen before.
// So it can be made again after any failure, and later, when there is more.
// Errors: InvalidArgument (URIs), NotFound (no such table), AlreadyExists (the destination has
// another log: fact file), Unsupported (a destination that cannot be written to safely; reader
// features of a table whose log has to begin with a checkpoint), Corrupt (the table's own log),
// Permission, Io (disk full among them), Unavailable, those of the database.
Result<ExportReport> ExportTable(std::string_view uri, std::string_view destination,
                                 const ExportOptions& options = {});

}  // namespace deltalakedb
