// The rows of a checkpoint's Parquet file that are file actions.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>

#include "deltalakedb/file_stream.h"
#include "deltalakedb/result.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::storage {

// The file actions of a batch, whose memory the result shares. Columns that are not there are
// absent fields. Errors: Corrupt.
Result<FileBatch> DecodeAdds(const std::shared_ptr<arrow::RecordBatch>& batch,
                             CheckpointColumns columns);
Result<RemoveBatch> DecodeRemoves(const std::shared_ptr<arrow::RecordBatch>& batch);

}  // namespace deltalakedb::storage
