// The rows of one file, by its format.
//
// Thread-safety: a reader belongs to one thread at a time. Their statuses are those of
// data::ToStatus.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "deltalakedb/result.h"
#include "formats/byte_input.h"

namespace deltalakedb::formats {

// Rows of a batch, or fewer where they have so many bytes.
inline constexpr std::int64_t kBatchRowsMax = 32'768;
inline constexpr std::size_t kBatchTextBytesMax = 8 * 1024 * 1024;

// What is known of the columns of a text before it is read.
struct KnownColumns {
  // Types by name; null: none is known.
  std::shared_ptr<arrow::Schema> schema;
  // The columns are these, all of them.
  bool is_whole = false;
};

// The known column of that name, as it is spelled or else in any case of ASCII letters; null.
std::shared_ptr<arrow::Field> FindKnown(const KnownColumns& known, std::string_view name);

// Errors of all, and of their readers: InvalidArgument (facts file, and line and column where they
// are known), LimitExceeded, those of ByteInput.
Result<std::shared_ptr<arrow::RecordBatchReader>> OpenCsv(ByteInput input,
                                                          const KnownColumns& known);
Result<std::shared_ptr<arrow::RecordBatchReader>> OpenJsonLines(ByteInput input,
                                                                const KnownColumns& known);
Result<std::shared_ptr<arrow::RecordBatchReader>> OpenParquet(ByteInput input);
Result<std::shared_ptr<arrow::RecordBatchReader>> OpenArrowIpc(ByteInput input);

// Where in a text something is wrong.
struct TextPlace {
  const ByteInput& input;
  std::int64_t line = 0;
  std::string_view column;  // empty: the line itself
};
// `error` with place as context and facts.
Error AtPlace(Error error, const TextPlace& place);

}  // namespace deltalakedb::formats
