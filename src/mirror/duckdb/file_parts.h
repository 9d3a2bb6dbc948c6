// Which macro lists which of a table's files (view_text.h): a commit rewrites the few macros whose
// files changed.
//
// Thread-safety: belongs to one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "deltalakedb/result.h"
#include "mirror/duckdb/mirror_file.h"
#include "mirror/duckdb/view_text.h"

namespace deltalakedb::mirror {

// Paths of one part: what a commit of one file rewrites, about 30 KB of text.
inline constexpr std::int64_t kPathsPerPart = 256;

class FileParts {
 public:
  // Those that the file has of a table.
  static Result<FileParts> Load(MirrorFile& mirror, std::int64_t table_no);

  // The part for a file more.
  std::int64_t Assign(FileGroup group);
  // A file less.
  void Remove(std::int64_t part);
  // All files less.
  void RemoveAll();
  std::array<bool, kFileGroups> has_files() const;

  // Writes the macros that are not as the files are. A new table's are all written.
  Result<void> Write(MirrorFile& mirror, std::int64_t table_no, bool is_new_table);

 private:
  struct Part {
    FileGroup group = FileGroup::kPlain;
    std::int64_t num_files = 0;
    bool is_new = false;
    bool is_changed = false;
  };

  std::map<std::int64_t, Part> parts_;
  std::array<std::optional<std::int64_t>, kFileGroups> open_;  // with room for more
};

}  // namespace deltalakedb::mirror
