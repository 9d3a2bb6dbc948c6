#include "log/sql_bodies.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/try.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {

namespace {

using store::Origin;

// A chunk holds one record more than what is read at a time.
constexpr std::int64_t kPartBytesMax = static_cast<std::int64_t>(protocol::kActionLineBytesMax) * 2;

Error Damaged(const BodyId& body, std::string_view problem) {
  return Error(ErrorCode::kCorrupt,
               fmt::format("the text of {} {} {}",
                           body.origin == Origin::kBase ? "the base at version" : "version",
                           body.version.value(), problem))
      .With("version", body.version.value());
}

Result<LineChunk> Decompress(const BodyId& body, std::string_view compressed,
                             std::int64_t text_bytes, std::int64_t first_line) {
  if (text_bytes < 0 || text_bytes > kPartBytesMax) return Fail(Damaged(body, "has no valid size"));
  const auto size = static_cast<std::size_t>(text_bytes);
  const auto memory = std::make_shared_for_overwrite<char[]>(size + protocol::kLinePaddingBytes);
  const std::size_t got = ZSTD_decompress(memory.get(), size, compressed.data(), compressed.size());
  if (ZSTD_isError(got) != 0 || got != size) {
    return Fail(Damaged(body, "cannot be decompressed"));
  }
  std::memset(memory.get() + size, 0, protocol::kLinePaddingBytes);
  return LineChunk{memory, {memory.get(), size}, first_line};
}

std::string NameOf(const BodyId& body) {
  return fmt::format("the text of version {}", body.version.value());
}

// The parts of one text in order, to its end.
class StoredParts final : public LineChunkStream {
 public:
  // `count` is how many there are, where that is known. `connection` is the cursor's when it is
  // this stream's alone.
  StoredParts(BodyId body, std::optional<std::int64_t> count, std::unique_ptr<store::Cursor> parts,
              std::optional<store::ConnectionLease> connection)
      : connection_(std::move(connection)), body_(body), count_(count), parts_(std::move(parts)) {}

  Result<std::optional<LineChunk>> Next() override {
    DELTALAKEDB_ASSIGN(const bool has_part, parts_->Next());
    if (!has_part) {
      if (read_ == 0 || read_ != count_.value_or(read_)) return Fail(Incomplete());
      return std::optional<LineChunk>();
    }
    if (parts_->Int(0) != read_) return Fail(Incomplete());
    ++read_;
    DELTALAKEDB_ASSIGN(auto chunk, Decompress(body_, parts_->Bytes(2), parts_->Int(1), line_));
    line_ += std::ranges::count(chunk.text, '\n');
    return std::optional(std::move(chunk));
  }

 private:
  Error Incomplete() const { return Damaged(body_, "is not complete"); }

  std::optional<store::ConnectionLease> connection_;
  BodyId body_;
  std::optional<std::int64_t> count_;
  std::unique_ptr<store::Cursor> parts_;
  std::int64_t read_ = 0;
  std::int64_t line_ = 0;
};

// A text that is in one piece.
class StoredWhole final : public LineChunkStream {
 public:
  explicit StoredWhole(LineChunk chunk) : chunk_(std::move(chunk)) {}
  Result<std::optional<LineChunk>> Next() override { return std::exchange(chunk_, std::nullopt); }

 private:
  std::optional<LineChunk> chunk_;
};

}  // namespace

Result<std::optional<StoredText>> OpenStoredText(store::MetadataStore& store, const TableId& table,
                                                 const BodyId& body) {
  if (body.origin == Origin::kBase) {
    DELTALAKEDB_ASSIGN(auto parts, store.ListBodyParts(table, body.version, body.origin));
    return StoredText{
        std::make_unique<StoredParts>(body, std::nullopt, std::move(parts), std::nullopt),
        std::nullopt};
  }
  DELTALAKEDB_ASSIGN(auto stored, store.FindBody(table, body.version));
  if (!stored) return Fail(Damaged(body, "is missing, as is its row"));
  if (!stored->hash) return std::optional<StoredText>();
  StoredText text{nullptr, std::move(stored->hash)};
  if (stored->parts > 0) {
    DELTALAKEDB_ASSIGN(auto parts, store.ListBodyParts(table, body.version, body.origin));
    text.chunks =
        std::make_unique<StoredParts>(body, stored->parts, std::move(parts), std::nullopt);
    return text;
  }
  if (!stored->compressed) return Fail(Damaged(body, "is missing"));
  DELTALAKEDB_ASSIGN(auto chunk, Decompress(body, *stored->compressed, stored->text_bytes, 0));
  text.chunks = std::make_unique<StoredWhole>(std::move(chunk));
  return text;
}

SqlBodies::SqlBodies(std::shared_ptr<store::Database> database, store::ConnectionLease connection,
                     store::TableRow table, const ChunkOptions& options)
    : database_(std::move(database)),
      connection_(std::move(connection)),
      store_(*connection_),
      table_(std::move(table)),
      options_(options),
      has_base_left_(table_.base_version.has_value()),
      next_(table_.earliest_version) {}

Result<std::unique_ptr<SqlBodies>> SqlBodies::Open(const std::shared_ptr<store::Database>& database,
                                                   store::TableRow table,
                                                   const ChunkOptions& options) {
  DELTALAKEDB_ASSIGN(auto connection, database->Acquire());
  DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kRead));
  return std::unique_ptr<SqlBodies>(
      new SqlBodies(database, std::move(connection), std::move(table), options));
}

Result<void> SqlBodies::OpenParts(const BodyId& body, std::optional<std::int64_t> count) {
  DELTALAKEDB_ASSIGN(auto parts, store_.ListBodyParts(table_.table_id, body.version, body.origin));
  parts_of_ = body;
  parts_ = std::make_unique<StoredParts>(body, count, std::move(parts), std::nullopt);
  return {};
}

Result<std::optional<BodySource::Task>> SqlBodies::Next() {
  for (;;) {
    if (parts_ != nullptr) {
      DELTALAKEDB_ASSIGN(auto chunk, parts_->Next());
      if (chunk) {
        return std::optional<Task>([this, body = parts_of_, text = *std::move(chunk)] {
          ChunkOptions own = options_;
          own.name = NameOf(body);
          return MakeChunkRows(body, text, /*is_whole_body=*/false, own);
        });
      }
      parts_.reset();
    }
    if (has_base_left_) {
      has_base_left_ = false;
      DELTALAKEDB_TRY(OpenParts({*table_.base_version, Origin::kBase}, std::nullopt));
      continue;
    }
    if (next_ > table_.current_version) return std::optional<Task>();
    const BodyId body{next_, Origin::kCommit};
    next_ = next_.next();
    DELTALAKEDB_ASSIGN(auto stored, store_.FindBody(table_.table_id, body.version));
    if (!stored) return Fail(Damaged(body, "is missing, as is its row"));
    if (!stored->hash && table_.base_version == body.version) continue;  // its file was gone
    if (stored->parts > 0) {
      DELTALAKEDB_TRY(OpenParts(body, stored->parts));
      continue;
    }
    if (!stored->compressed) return Fail(Damaged(body, "is missing"));
    return std::optional<Task>([this, body, text = *std::move(stored)] -> Result<ChunkRows> {
      DELTALAKEDB_ASSIGN(auto chunk, Decompress(body, *text.compressed, text.text_bytes, 0));
      ChunkOptions own = options_;
      own.name = NameOf(body);
      return MakeChunkRows(body, std::move(chunk), /*is_whole_body=*/true, own);
    });
  }
}

Result<std::unique_ptr<LineChunkStream>> SqlBodies::Reopen(const BodyId& body) {
  // Next may be at work on another thread.
  DELTALAKEDB_ASSIGN(auto connection, database_->Acquire());
  DELTALAKEDB_TRY(connection->Begin(store::TransactionMode::kRead));
  store::MetadataStore store(*connection);
  DELTALAKEDB_ASSIGN(auto parts, store.ListBodyParts(table_.table_id, body.version, body.origin));
  return std::make_unique<StoredParts>(body, std::nullopt, std::move(parts), std::move(connection));
}

}  // namespace deltalakedb::log
