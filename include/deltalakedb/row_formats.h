// Rows in and out of files that are no tables: Parquet, CSV, JSON lines and Arrow IPC.
//
// For bringing rows to DeltaTable::Append and its like, and for giving away what DeltaTable::Scan
// gives. Streams are Arrow's C streams; whoever gets one releases it.
// Thread-safety: free functions, safe from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"

struct ArrowArrayStream;  // Arrow C stream interface
struct ArrowSchema;       // Arrow C data interface

namespace deltalakedb {

enum class RowFormat : std::uint8_t { kParquet, kCsv, kJsonLines, kArrowIpc };

// "parquet", "csv", "jsonl", "arrow". Errors: InvalidArgument (fact format).
Result<RowFormat> ParseRowFormat(std::string_view name);
// By the end of a file's name: .parquet; .csv; .jsonl, .ndjson, .json; .arrow, .arrows, .ipc,
// .feather. Nullopt where it says nothing.
std::optional<RowFormat> FormatOfName(std::string_view path);

struct RowInputOptions {
  // Else by the name, else by the first bytes (Parquet, Arrow IPC, `{`), else CSV.
  std::optional<RowFormat> format;
  // The columns that texts (CSV, JSON lines) are read as, by name; the types of others are found
  // out from their first 20,000 rows. Null: all are. Not consumed.
  const ArrowSchema* columns = nullptr;
  // The same as schemaString of a Delta table has them; empty: see columns.
  std::string schema_json;
};

// Owns a stream, for programs that do not know Arrow's structs: a place for what OpenRowFiles and
// DeltaTable::Scan give.
class RowStream {
 public:
  RowStream();
  RowStream(RowStream&&) noexcept;
  RowStream& operator=(RowStream&&) noexcept;
  // Releases the stream unless somebody else has consumed it.
  ~RowStream();

  ArrowArrayStream* get() const { return stream_.get(); }

 private:
  struct Releaser {
    void operator()(ArrowArrayStream* stream) const;
  };
  std::unique_ptr<ArrowArrayStream, Releaser> stream_;
};

// The Arrow types (docs/rows.md) of the columns of a schemaString. `out` is set on success.
// Errors: those of Schema::Parse, Unsupported (a type; facts column and type).
Result<void> ExportSchema(std::string_view schema_json, ArrowSchema* out);

// The rows of files, one after the other, which have to have the same columns (in any order; the
// first file's counts). "-" is standard input, at most once. CSV has a line of names; an empty
// unquoted field is null.
// `out` is set on success. Errors, here or from the stream: NotFound, InvalidArgument (a line that
// is no such row; facts file, and line and column where they are known; no files), Permission, Io.
Result<void> OpenRowFiles(const std::vector<std::string>& paths, const RowInputOptions& options,
                          ArrowArrayStream* out);

// Writes rows to a file, which appears when it is whole, or to standard output ("-"). Consumes
// `rows`. CSV: a line of names, moments as ISO 8601 in UTC, nested values as JSON, bytes as
// hexadecimal digits. JSON lines: bytes as Base64, decimals as numbers with all their digits, NaN
// and infinities as texts. Errors: those of the stream, Permission, Io (disk full, nobody reads
// standard output). Gives the number of rows.
Result<std::int64_t> WriteRowFile(ArrowArrayStream* rows, RowFormat format,
                                  const std::string& path);

}  // namespace deltalakedb
