#include "importer/same_commits.h"

#include <string>
#include <utility>
#include <vector>

#include "base/ordered_pipeline.h"
#include "base/try.h"
#include "log/action_lines.h"
#include "protocol/hash128.h"

namespace deltalakedb::importer {

Result<std::optional<Version>> FindOtherCommit(store::MetadataStore& store,
                                               const store::TableRow& table,
                                               const log::LogFolder& folder,
                                               const VersionRange& versions) {
  const auto& commits = folder.listing.commits;
  std::vector<Version> listed;
  std::vector<log::LinesFile> files;
  const auto end = commits.upper_bound(versions.last);
  for (auto commit = commits.lower_bound(versions.first); commit != end; ++commit) {
    listed.push_back(commit->first);
    files.push_back({folder.PathOf(commit->second.name), commit->second.size_bytes});
  }
  log::ChunkSource<log::ReadChunk> chunks(*folder.file_system, std::move(files),
                                          [](std::size_t index, const log::LineChunk& chunk) {
                                            return Result<log::ReadChunk>({index, chunk});
                                          });
  base::OrderedPipeline<log::ReadChunk> pipeline(std::move(chunks));
  std::optional<std::size_t> open;  // the file that is being read
  protocol::Hash128Builder hash;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto read, pipeline.Next());
    if (open && (!read || read->file_index != *open)) {
      const Version version = listed[*open];
      DELTALAKEDB_ASSIGN(const auto row, store.FindVersion(table.table_id, version));
      if (row && row->body_hash && *row->body_hash != hash.Finish().view()) return version;
      hash = {};
    }
    if (!read) return std::optional<Version>();
    open = read->file_index;
    hash.Update(read->chunk.text);
  }
}

}  // namespace deltalakedb::importer
