// The files below a table's folder that vacuum has to leave alone, by the hashes of their paths.
//
// 16 bytes each, however long the paths are. Two paths of one hash are taken for one file, so that
// a collision keeps a file too many and never one too few.
// Thread-safety: belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "protocol/action_json.h"
#include "protocol/hash128.h"

namespace deltalakedb::table {

class NeededFiles {
 public:
  // `table_root` as TransactionLog::table_root has it.
  explicit NeededFiles(std::string table_root);

  // A data file or file of change data, and the file that its deletion vector is in. Files that are
  // not below the table's folder are passed over.
  // Errors: those of ResolveDeletionVector.
  Result<void> Add(std::string_view path, const std::optional<DeletionVector>& deletion_vector);
  // All that the text of a commit names: what it adds, removes and tells of changes.
  // Errors: Corrupt (facts version and line), LimitExceeded; as Add.
  Result<void> AddCommit(std::string text, Version version);
  // A local path or encoded URI, as catalogs have locations: where it is below the folder, "" for
  // the folder itself; nullopt where it is elsewhere.
  std::optional<std::string> FindBelow(std::string_view place);
  // Where a path below the folder really is, links followed; nullopt where that is not below it.
  std::optional<std::string> Resolve(std::string_view below);
  // Protects one more path below the folder, as listings have it.
  void AddBelow(std::string_view below);

  // Whether the file is needed, which is named as listings have it. The first question after
  // something was added sorts.
  bool Has(std::string_view below);

 private:
  void AddCanonical(std::string_view canonical);
  // What a local path is below the folder, the links in it followed but for the last part.
  std::optional<std::string> FindRealPath(std::string_view path);

  std::string table_root_;
  std::string folder_;       // local, without a slash at its end; empty where it is not local
  std::string real_folder_;  // the same with its links followed; empty where it is not there
  // Of folders that paths are in: where they really are, empty where they are not. Forgotten when
  // there are too many.
  std::unordered_map<std::string, std::string> real_folders_;
  std::vector<protocol::Hash128> hashes_;
  std::size_t num_sorted_ = 0;
  std::string scratch_;
  protocol::ActionParser parser_;
};

}  // namespace deltalakedb::table
