// The columns of a checkpoint (PROTOCOL.md, Checkpoints).
#pragma once

#include <arrow/type.h>

#include <memory>

#include "storage/checkpoint_writer.h"

namespace deltalakedb::storage {

// One struct for each kind of action. Every field may be null, as Spark has it; what must not be is
// seen to by readers.
std::shared_ptr<arrow::Schema> CheckpointSchema(const CheckpointWriterOptions& options);

}  // namespace deltalakedb::storage
