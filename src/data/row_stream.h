// Streams of rows across the public API: Arrow's C streams, whose errors keep their kind.
//
// The C stream interface knows an errno and a text; a stream of ours says the code of its Error by
// the errno, so that one end finds what the other end meant. Other libraries' streams are
// understood as far as their errno goes. Thread-safety: free functions; streams belong to one
// thread at a time.
#pragma once

#include <arrow/c/abi.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <memory>

#include "deltalakedb/result.h"

namespace deltalakedb::data {

// An Error as a status that passes through Arrow, and back again with its facts; a status of
// Arrow's own is an Error of the nearest code.
arrow::Status ToStatus(Error error);
Error ToError(const arrow::Status& status);

// `out` owns the reader from here on and releases it by its own callback.
void ExportStream(std::shared_ptr<arrow::RecordBatchReader> rows, ArrowArrayStream* out);

// Takes the stream over, whatever comes of it; it is released with the reader. The reader's errors
// pass ToError. Errors: those of the stream's schema, InvalidArgument (a stream that was released
// or is none of rows).
Result<std::shared_ptr<arrow::RecordBatchReader>> ImportStream(ArrowArrayStream* stream);

}  // namespace deltalakedb::data
