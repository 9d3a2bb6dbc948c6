#include "log/copy_bodies.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace deltalakedb::log {

namespace {

std::vector<LinesFile> FilesOf(const CopySource& source) {
  std::vector<LinesFile> files;
  files.reserve(source.commits().size());
  for (const CopySource::Commit& commit : source.commits()) files.push_back(commit.file);
  return files;
}

bool FitsOneChunk(const LinesFile& file) {
  return file.size_bytes <= static_cast<std::int64_t>(kChunkBytes);
}

}  // namespace

CopyBodies::CopyBodies(const CopySource& source, const ChunkOptions& options)
    : source_(source),
      options_(options),
      has_base_left_(source.has_base()),
      commits_(*source.folder().file_system, FilesOf(source),
               [&source, &options](std::size_t index, const LineChunk& chunk) {
                 const CopySource::Commit& commit = source.commits()[index];
                 ChunkOptions own = options;
                 own.name = commit.file.path;
                 return MakeChunkRows({commit.version, store::Origin::kCommit}, chunk,
                                      FitsOneChunk(commit.file), own);
               }) {}

Result<std::optional<BodySource::Task>> CopyBodies::Next() {
  if (has_base_left_) {
    if (base_ == nullptr) {
      DELTALAKEDB_ASSIGN(base_, source_.OpenBase());
    }
    DELTALAKEDB_ASSIGN(auto chunk, base_->Next());
    if (chunk) {
      return std::optional<Task>([this, text = *std::move(chunk)] {
        ChunkOptions own = options_;
        own.name = "the base of " + source_.folder().path;
        return MakeChunkRows({source_.versions().first, store::Origin::kBase}, text,
                             /*is_whole_body=*/false, own);
      });
    }
    has_base_left_ = false;
    base_.reset();
  }
  return commits_();
}

Result<std::unique_ptr<LineChunkStream>> CopyBodies::Reopen(const BodyId& body) {
  if (body.origin == store::Origin::kBase) return source_.OpenBase();
  const auto commit =
      std::ranges::find(source_.commits(), body.version, &CopySource::Commit::version);
  DELTALAKEDB_ASSIGN(auto file, OpenListed(*source_.folder().file_system, commit->file));
  return std::make_unique<LineChunkReader>(std::move(file));
}

}  // namespace deltalakedb::log
