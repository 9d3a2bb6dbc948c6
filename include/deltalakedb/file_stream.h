// The live files of a snapshot, in batches of bounded size.
//
// Thread-safety: a stream belongs to one thread at a time; batches are values.
//
//   DELTALAKEDB_ASSIGN(auto files, snapshot->OpenFiles({}));
//   for (;;) {
//     DELTALAKEDB_ASSIGN(auto batch, files->Next());
//     if (!batch) break;                       // the end
//     for (const AddFile& add : batch->files()) Use(add);   // views die with the batch
//   }
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"

struct ArrowArrayStream;  // Arrow C stream interface

namespace deltalakedb {

// Files and the memory their views point into. Movable; moving keeps the views valid.
class FileBatch {
 public:
  FileBatch() = default;
  // `owners` keep alive whatever the views point into.
  FileBatch(std::vector<AddFile> files, std::vector<std::shared_ptr<const void>> owners)
      : files_(std::move(files)), owners_(std::move(owners)) {}

  const std::vector<AddFile>& files() const { return files_; }
  const std::vector<std::shared_ptr<const void>>& owners() const { return owners_; }

 private:
  std::vector<AddFile> files_;
  std::vector<std::shared_ptr<const void>> owners_;
};

class FileStream {
 public:
  virtual ~FileStream() = default;
  // The next batch, never an empty one; nullopt at the end. After an error the stream is done for.
  // Errors: Corrupt, Io, Permission.
  virtual Result<std::optional<FileBatch>> Next() = 0;
};

enum class FileOrder {
  kNone,    // as fast as they come
  kByPath,  // by the bytes of `path` as written, then by deletion vector
};

struct FileOptions {
  FileOrder order = FileOrder::kNone;
  // False leaves `stats` unset, which saves most of the work when it is not wanted.
  bool with_stats = true;
};

// Number and size of the live files.
struct FileTotals {
  std::int64_t num_files = 0;
  std::int64_t size_in_bytes = 0;
};

// Gives the stream out through the Arrow C stream interface, as one struct per file with Delta's
// field names: path, partitionValues (map), size, modificationTime, dataChange, stats, tags (map),
// deletionVector (struct), baseRowId, defaultRowCommitVersion, clusteringProvider.
// `out` owns the stream from here on and releases it by its own callback.
void ExportToArrow(std::unique_ptr<FileStream> files, ArrowArrayStream* out);

}  // namespace deltalakedb
