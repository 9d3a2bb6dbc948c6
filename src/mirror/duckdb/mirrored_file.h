// A live file as a DuckDB mirror keeps it, and what commits do to such files.
//
// Thread-safety: plain values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/data_folder.h"
#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::mirror {

// A deletion vector with texts of its own.
struct OwnedVector {
  std::string storage_type;
  std::string path_or_inline_dv;
  DeletionVector descriptor;  // without its texts

  DeletionVector View() const;
  std::string UniqueId() const { return View().UniqueId(); }
};

struct MirroredFile {
  std::string path;  // as data::DataFolder::PathOf
  std::int64_t size = 0;
  std::int64_t modification_time = 0;  // ms since 1970
  // As the log has them, and as a JSON object in one spelling once normalized.
  std::vector<std::pair<std::string, std::optional<std::string>>> raw_partition_values;
  std::string partition_values;
  std::optional<OwnedVector> deletion_vector;

  std::optional<std::string> VectorId() const;
  std::int64_t num_deleted() const;
};

// What an action does to the files.
struct FileAction {
  bool is_add = false;
  MirroredFile file;  // of a remove only path and vector
};

// Makes these from the actions of one table.
class FileReader {
 public:
  explicit FileReader(const data::DataFolder& folder) : folder_(folder) {}

  MirroredFile Read(const AddFile& add) const;

  // Appends those of a commit's text: all removes, and behind them all adds.
  // Errors: Corrupt, LimitExceeded.
  Result<void> ReadCommit(std::string text, std::vector<FileAction>& actions) const;

 private:
  const data::DataFolder& folder_;
};

// Sets `partition_values`; metadata and schema are those of a version in which the file is live.
// Errors: those of PartitionValue::Parse.
Result<void> NormalizePartitionValues(const Metadata& metadata, const Schema& schema,
                                      MirroredFile& file);

}  // namespace deltalakedb::mirror
