// Writes deletion vectors: one file for those of a commit, small ones inline (PROTOCOL.md, Deletion
// vectors).
//
// Thread-safety: belongs to one thread at a time. As DataWriter it owns its file until Keep.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "storage/file_system.h"

namespace deltalakedb::data {

// A descriptor with its own texts.
struct WrittenVector {
  std::string storage_type;
  std::string path_or_inline_dv;
  std::optional<std::int32_t> offset;
  std::int32_t size_in_bytes = 0;
  std::int64_t cardinality = 0;

  // Views into this.
  DeletionVector View() const {
    return {storage_type, path_or_inline_dv, offset, size_in_bytes, cardinality};
  }
};

class DeletionVectorWriter {
 public:
  // `root` of the table, as TransactionLog::table_root has it. No file is made before the first
  // vector. `file_system`, which outlives this, is where to write; null: where `root` is.
  explicit DeletionVectorWriter(std::string root, const storage::FileSystem* file_system = nullptr);
  ~DeletionVectorWriter();
  DeletionVectorWriter(const DeletionVectorWriter&) = delete;
  DeletionVectorWriter& operator=(const DeletionVectorWriter&) = delete;

  // The positions of a file's deleted rows, ascending, not empty. The answer counts once Finish has
  // succeeded. Errors: InvalidArgument (no such positions), those of file systems; the writer is
  // done for then.
  Result<WrittenVector> Write(const std::vector<std::int64_t>& rows);
  // Makes the file durable. Errors: those of file systems.
  Result<void> Finish();
  void Keep();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deltalakedb::data
