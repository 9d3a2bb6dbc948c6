#include "log/sql_log_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "protocol/paths.h"

namespace deltalakedb::log {

namespace {

using store::Origin;

// A longer txnId gets no entry in an index; the text of the commit keeps it.
constexpr std::size_t kCommitIdBytesMax = 255;

std::string_view SourceName(TimeSource source) {
  switch (source) {
    case TimeSource::kInCommit:
      return store::kTimeInCommit;
    case TimeSource::kFile:
      return store::kTimeOfFile;
    case TimeSource::kChecksum:
      return store::kTimeOfChecksum;
    case TimeSource::kCheckpoint:
      return store::kTimeOfCheckpoint;
  }
  return store::kTimeOfFile;
}

std::string Canonical(std::string_view path, const std::string& table_root) {
  std::string canonical;
  protocol::AppendCanonicalPath(path, table_root, canonical);
  return canonical;
}

}  // namespace

void BodyHash::Take(const ChunkRows& chunk) {
  if (chunks_ == 0 || body_ != chunk.body) {
    body_ = chunk.body;
    chunks_ = 0;
    text_bytes_ = 0;
    hash_ = {};
  }
  ++chunks_;
  text_bytes_ += static_cast<std::int64_t>(chunk.text.text.size());
  hash_.Update(chunk.text.text);
}

Result<FileTotals> EndStoredFiles(store::MetadataStore& store, const StoredTable& table,
                                  Version version, std::span<const FileMention* const> files) {
  std::vector<store::FileName> names;
  names.reserve(files.size());
  for (const FileMention* const file : files) {
    names.push_back({file->path_key.view(), file->dv_id, file->path});
  }
  FileTotals totals;
  const auto take = [&](std::size_t index, const store::EndedFile& ended) -> Result<void> {
    const FileMention& file = *files[index];
    if (ended.path != file.path &&
        Canonical(ended.path, table.root) != Canonical(file.path, table.root)) {
      return Fail(
          Error(ErrorCode::kUnsupported,
                fmt::format("the paths {} and {} have the same hash, so that the catalog cannot "
                            "tell them apart",
                            ended.path, file.path))
              .With("version", version.value()));
    }
    ++totals.num_files;
    totals.size_in_bytes += ended.size_bytes;
    return {};
  };
  DELTALAKEDB_TRY(store.EndFiles(table.table_id, version, names, take));
  return totals;
}

Result<void> SqlLogWriter::PutText(const ChunkRows& chunk) {
  hash_.Take(chunk);
  const bool is_base = chunk.body.origin == Origin::kBase;
  if (chunk.is_whole_body) {
    compressed_ = chunk.compressed;
  } else {
    DELTALAKEDB_TRY(store_.InsertBodyPart(
        options_.table.table_id, chunk.body.version, chunk.body.origin,
        {hash_.chunks() - 1, static_cast<std::int64_t>(chunk.text.text.size()), chunk.compressed}));
  }
  if (is_base) {
    table_.base_body_hash = hash_.Finish();
    return {};
  }
  body_hash_ = hash_.Finish();
  body_bytes_ = hash_.text_bytes();
  body_parts_ = chunk.is_whole_body ? 0 : hash_.chunks();
  return {};
}

std::int64_t SqlLogWriter::NextRatifiedAt(Timestamp timestamp) const {
  std::int64_t wanted = options_.now_us;
  std::int64_t as_us = 0;
  if (options_.is_first_copy && !__builtin_mul_overflow(timestamp.ms(), 1000, &as_us)) {
    wanted = std::min(as_us, wanted);
  }
  return std::max(wanted, table_.last_ratified_at_us + 1);
}

Result<std::string> SqlLogWriter::ChooseCommitId(const CommitInfo* info) {
  if (info != nullptr && info->txn_id && !info->txn_id->empty() &&
      info->txn_id->size() <= kCommitIdBytesMax) {
    DELTALAKEDB_ASSIGN(const bool is_taken,
                       store_.HasCommitId(options_.table.table_id, *info->txn_id));
    if (!is_taken) return *info->txn_id;
  }
  return TableId::MakeRandom().ToString();
}

Result<void> SqlLogWriter::FinishVersion(Version version, const store::VersionIndex& index,
                                         const CommitInfo* info) {
  DELTALAKEDB_ASSIGN(const CommitTime time, options_.find_time(version, info));
  store::VersionRow row;
  row.version = version;
  row.times = {time.time, time.raw, std::string(SourceName(time.source)),
               NextRatifiedAt(time.time)};
  DELTALAKEDB_ASSIGN(row.commit_id, ChooseCommitId(info));
  row.index = index;
  row.body_hash = std::exchange(body_hash_, std::nullopt);
  row.body_bytes = std::exchange(body_bytes_, std::nullopt);
  row.body_parts = std::exchange(body_parts_, 0);
  const auto compressed = std::exchange(compressed_, std::nullopt);
  DELTALAKEDB_TRY(store_.InsertVersion(options_.table.table_id, row, compressed));
  table_.current_version = version;
  table_.last_commit_timestamp = row.times.timestamp;
  table_.last_ratified_at_us = row.times.ratified_at_us;
  ++commits_;
  adds_ += index.num_added;
  removes_ += index.num_removed;
  num_files_ = index.num_files;
  return {};
}

}  // namespace deltalakedb::log
