// The live files of a snapshot, one by one, and what a condition says of them by their partition
// values.
//
// Thread-safety: LiveFiles belongs to one thread at a time; files are values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "data/data_file_reader.h"
#include "data/data_folder.h"
#include "data/table_shape.h"
#include "deltalakedb/actions.h"
#include "deltalakedb/file_stream.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"
#include "expr/predicate.h"

namespace deltalakedb::table {

// A file's add, and what keeps its texts alive.
struct LiveFile {
  std::shared_ptr<const FileBatch> batch;
  std::size_t index = 0;
  // For how many of its rows the condition is true, as far as partition values tell; kAll where
  // there is no condition.
  expr::Match match = expr::Match::kAll;

  const AddFile& add() const { return batch->files()[index]; }
};

class LiveFiles {
 public:
  // In the order of their paths. They are sorted before the first is given out, so that no
  // transaction of a database stays open while data files are read (DESIGN.md, Invariants).
  // `where` may be null; then every file matches. What no row of can match is left out. `shape` and
  // `where` outlive this.
  enum class Stats : std::uint8_t { kWith, kWithout };
  static Result<LiveFiles> Open(const Snapshot& snapshot, Stats stats,
                                const data::TableShape& shape, const expr::Predicate* where);

  // Nullopt at the end. Errors: those of FileStream, Corrupt (a partition value that is none).
  Result<std::optional<LiveFile>> Next();

 private:
  LiveFiles(std::unique_ptr<FileStream> stream, const data::TableShape& shape,
            const expr::Predicate* where)
      : stream_(std::move(stream)), shape_(&shape), where_(where) {}

  std::unique_ptr<FileStream> stream_;
  const data::TableShape* shape_;
  const expr::Predicate* where_;
  std::shared_ptr<const FileBatch> batch_;
  std::size_t next_ = 0;
};

// What partition values say about a condition.
// Errors: Corrupt (a partition value that is none of its column).
Result<expr::Match> MatchByPartition(const AddFile& add, const data::TableShape& shape,
                                     const expr::Predicate& where);

// The partition of a file as one text, which is equal for equal values however they are spelled.
// Errors: Corrupt (a partition value that is none of its column).
Result<std::string> PartitionKey(const data::TableShape& shape, StringMapView values);

// The file as a reader takes it, its deleted rows loaded.
// Errors: those of DataFolder::LoadDeletedRows.
Result<data::DataFile> LoadDataFile(const data::DataFolder& folder, const AddFile& add);

// Rows by `numRecords` of its statistics, the deleted ones not counted; nullopt where these do not
// say.
std::optional<std::int64_t> CountRows(const AddFile& add);
// The same with the deleted ones.
std::optional<std::int64_t> CountStoredRows(const AddFile& add);

// The remove that takes a live file away.
RemoveFile RemoveOf(const AddFile& add, std::int64_t deletion_timestamp, bool data_change);

}  // namespace deltalakedb::table
