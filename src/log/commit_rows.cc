#include "log/commit_rows.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/try.h"
#include "log/state_rows.h"
#include "protocol/action_json.h"
#include "protocol/hash128.h"

namespace deltalakedb::log {

namespace {

// Of a row that is not written yet: the unit sets it.
constexpr Version kNoVersion(0);

LineChunk ChunkOf(std::string_view text) {
  auto memory = std::make_shared<char[]>(text.size() + protocol::kLinePaddingBytes);
  std::memcpy(memory.get(), text.data(), text.size());
  const std::string_view view(memory.get(), text.size());
  return {std::move(memory), view, 0};
}

using BodyParts = std::vector<std::pair<std::string, std::int64_t>>;

// Of whole lines each, so that whoever reads the text holds one at a time.
Result<BodyParts> CompressParts(std::string_view body) {
  BodyParts parts;
  do {
    std::size_t size = std::min(body.size(), kChunkBytes);
    if (size < body.size()) {
      const std::size_t line_end = body.rfind('\n', size - 1);
      size = line_end != std::string_view::npos ? line_end + 1 : body.find('\n', size) + 1;
      if (size == 0) size = body.size();
    }
    DELTALAKEDB_ASSIGN(std::string compressed, CompressText(body.substr(0, size)));
    parts.emplace_back(std::move(compressed), static_cast<std::int64_t>(size));
    body.remove_prefix(size);
  } while (!body.empty());
  return parts;
}

// Compresses a long text while its rows are made.
class BodyCompression {
 public:
  explicit BodyCompression(std::string_view body) : body_(body) {
    if (body.size() < kBytesForThread) return;
    try {
      thread_ = std::jthread([this] { Compress(); });
    } catch (const std::system_error&) {
      thread_ = {};  // no thread to be had: Finish does it
    }
  }
  BodyCompression(const BodyCompression&) = delete;
  BodyCompression& operator=(const BodyCompression&) = delete;

  Result<BodyParts> Finish() {
    if (!thread_.joinable()) return CompressParts(body_);
    thread_.join();
    return std::move(parts_);
  }

 private:
  // Below that it takes no longer than making a thread. Unit: bytes.
  static constexpr std::size_t kBytesForThread = 512UL * 1024;

  // Nobody else would catch what runs out of memory there.
  void Compress() {
    try {
      parts_ = CompressParts(body_);
    } catch (const std::bad_alloc&) {
      parts_ = Fail(ErrorCode::kUnavailable, "there is not enough memory");
    }
  }

  std::string_view body_;
  Result<BodyParts> parts_ = BodyParts();
  std::jthread thread_;  // behind what it writes
};

}  // namespace

Result<CommitRows> CommitRows::Make(std::string_view body, const ChunkOptions& options) {
  ChunkOptions own = options;
  own.compress = false;
  BodyCompression compression(body);
  DELTALAKEDB_ASSIGN(ChunkRows chunk, MakeChunkRows({kNoVersion, store::Origin::kCommit},
                                                    ChunkOf(body), /*is_whole_body=*/true, own));
  if (!chunk.overruled.dropped.empty() || !chunk.overruled.dead.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a commit may name a file once only");
  }
  CommitRows rows(std::move(chunk));
  rows.table_ = std::make_unique<TableId>(options.table);
  const store::Value table = store::ToValue(*rows.table_);
  if (rows.rows_->metadata) {
    AppendMetadataRows(table, kNoVersion, *rows.rows_->metadata, rows.metadata_);
  }
  if (rows.rows_->protocol) {
    AppendProtocolRows(table, kNoVersion, *rows.rows_->protocol, rows.protocol_);
  }
  for (const AppTransaction& transaction : rows.rows_->app_transactions) {
    AppendTransactionRow(table, kNoVersion, transaction, rows.app_transactions_);
  }
  for (const DomainMetadata& domain : rows.rows_->domain_metadata) {
    AppendDomainRow(table, kNoVersion, domain, rows.domains_);
  }
  DELTALAKEDB_ASSIGN(rows.parts_, compression.Finish());
  if (body.size() <= kChunkBytes) {
    rows.rows_->compressed = std::move(rows.parts_.front().first);
    rows.parts_.clear();
  }
  rows.hash_ = std::string(protocol::HashOf(body).view());
  return rows;
}

void CommitRows::FillIn(store::TableCommit& commit) const {
  commit.sets_metadata = rows_->metadata.has_value();
  commit.sets_protocol = rows_->protocol.has_value();
  commit.adds = rows_->add_rows;
  commit.removes = rows_->remove_rows;
  commit.cdc = rows_->cdc_rows;
  commit.metadata = metadata_;
  commit.protocol = protocol_;
  commit.app_transactions = app_transactions_;
  commit.domains = domains_;
  commit.added_bytes = 0;
  commit.ending.clear();
  for (const FileMention& file : rows_->removes) {
    commit.ending.push_back({file.path_key.view(), file.dv_id, file.path, true});
  }
  for (const FileMention& file : rows_->adds) {
    commit.ending.push_back({file.path_key.view(), file.dv_id, file.path, false});
    commit.added_bytes += file.size_bytes;
  }
  commit.body = rows_->compressed;
  commit.body_parts.clear();
  for (const auto& [compressed, bytes] : parts_) {
    const auto number = static_cast<std::int64_t>(commit.body_parts.size());
    commit.body_parts.push_back({number, bytes, compressed});
  }
  commit.body_bytes = static_cast<std::int64_t>(rows_->text.text.size());
  commit.body_hash = hash_;
  if (rows_->commit_info) {
    commit.commit_info = rows_->commit_info->raw;
    commit.operation = rows_->commit_info->operation;
  }
}

}  // namespace deltalakedb::log
