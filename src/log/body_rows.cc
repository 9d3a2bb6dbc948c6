#include "log/body_rows.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <variant>

#include "base/try.h"
#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "protocol/json_document.h"
#include "protocol/path_key.h"

namespace deltalakedb::log {

namespace {

using store::ToValue;
using store::Value;

// Texts of commits are compressed once and read seldom, but on the way of every commit.
constexpr int kBodyZstdLevel = 1;

// Makes the rows of one chunk, action by action.
class RowMaker {
 public:
  RowMaker(ChunkRows& rows, const ChunkOptions& options, std::shared_ptr<protocol::Arena> arena)
      : rows_(rows),
        options_(options),
        arena_(std::move(arena)),
        hasher_(options.table_root),
        writer_(buffer_) {
    // The table's id is part of every row, so it has to live as long as they do.
    const std::string_view id = arena_->Copy(options.table.bytes());
    table_ = store::Blob{id};
  }

  void StartLine(std::int64_t line, std::string_view text) {
    line_ = line;
    text_ = text;
  }

  Result<void> operator()(const AddFile& add) {
    const FileMention& file = Mention(rows_.adds, add.path, add.deletion_vector);
    rows_.adds.back().size_bytes = add.size;
    std::vector<Value>& row = rows_.add_rows;
    AppendFileKey(file, row);
    row.push_back(add.path);
    row.push_back(MapText(add.partition_values));
    row.push_back(add.size);
    row.push_back(add.modification_time);
    row.push_back(ToValue(add.data_change));
    row.push_back(ToValue(add.stats));
    row.push_back(MapText(add.tags));
    AppendDeletionVector(add.deletion_vector, row);
    row.push_back(ToValue(add.base_row_id));
    row.push_back(ToValue(add.default_row_commit_version));
    row.push_back(ToValue(add.clustering_provider));
    row.emplace_back();  // ended_version
    return {};
  }

  Result<void> operator()(const RemoveFile& remove) {
    const FileMention& file = Mention(rows_.removes, remove.path, remove.deletion_vector);
    std::vector<Value>& row = rows_.remove_rows;
    AppendFileKey(file, row);
    row.push_back(remove.path);
    row.push_back(ToValue(remove.deletion_timestamp));
    row.push_back(ToValue(remove.data_change));
    row.push_back(ToValue(remove.extended_file_metadata));
    row.push_back(MapText(remove.partition_values));
    row.push_back(ToValue(remove.size));
    row.push_back(ToValue(remove.stats));
    row.push_back(MapText(remove.tags));
    AppendDeletionVector(remove.deletion_vector, row);
    row.push_back(ToValue(remove.base_row_id));
    row.push_back(ToValue(remove.default_row_commit_version));
    return {};
  }

  Result<void> operator()(const CdcFile& cdc) {
    const FileMention& file = Mention(rows_.cdc, cdc.path, std::nullopt);
    std::vector<Value>& row = rows_.cdc_rows;
    row.emplace_back();  // file_id
    row.emplace_back(table_);
    row.push_back(ToValue(rows_.body.version));
    row.emplace_back(store::Blob{KeyText(file)});
    row.push_back(cdc.path);
    row.push_back(MapText(cdc.partition_values));
    row.push_back(cdc.size);
    row.push_back(ToValue(cdc.data_change));
    row.push_back(MapText(cdc.tags));
    return {};
  }

  Result<void> operator()(const Metadata&) {
    DELTALAKEDB_ASSIGN(rows_.metadata, Fields("metaData"));
    return {};
  }

  Result<void> operator()(const Protocol& protocol) {
    DELTALAKEDB_ASSIGN(const VerbatimFields fields, Fields("protocol"));
    const auto list = [&](std::string_view name) -> std::optional<std::string> {
      const auto found = fields.find(name);
      return found == fields.end() ? std::nullopt : std::optional(found->second);
    };
    ProtocolText& text = rows_.protocol.emplace();
    text.min_reader_version = protocol.min_reader_version;
    text.min_writer_version = protocol.min_writer_version;
    if (protocol.reader_features) text.reader_features = list("readerFeatures");
    if (protocol.writer_features) text.writer_features = list("writerFeatures");
    if (!protocol.unknown_fields.empty()) {
      Start();
      writer_.StartObject();
      for (const auto& [name, json] : protocol.unknown_fields) {
        protocol::WriteKey(name, writer_);
        protocol::WriteRaw(json, writer_);
      }
      writer_.EndObject();
      text.unknown_fields = std::string(buffer_.GetString(), buffer_.GetSize());
    }
    return {};
  }

  Result<void> operator()(AppTransaction& transaction) {
    rows_.app_transactions.push_back(std::move(transaction));
    return {};
  }
  Result<void> operator()(DomainMetadata& domain) {
    rows_.domain_metadata.push_back(std::move(domain));
    return {};
  }
  Result<void> operator()(CommitInfo& info) {
    if (!rows_.commit_info) rows_.commit_info = std::move(info);
    return {};
  }
  // Their text is kept; no row needs them.
  Result<void> operator()(const protocol::UnknownAction&) { return {}; }
  Result<void> operator()(const protocol::CheckpointMetadata&) { return {}; }
  Result<void> operator()(const protocol::Sidecar&) { return {}; }

 private:
  const FileMention& Mention(std::vector<FileMention>& mentions, std::string_view path,
                             const std::optional<DeletionVector>& vector) {
    FileMention& file = mentions.emplace_back();
    file.key = hasher_.Hash(path, vector);
    file.path_key = protocol::PathKey(path, options_.table_root, scratch_);
    if (vector) file.dv_id = arena_->Copy(vector->UniqueId());
    file.path = path;
    file.line = line_;
    return file;
  }

  // Mentions move when their vector grows, so rows point at a copy of the key.
  std::string_view KeyText(const FileMention& file) { return arena_->Copy(file.path_key.view()); }

  // The columns that every row of a file begins with.
  void AppendFileKey(const FileMention& file, std::vector<Value>& row) {
    row.emplace_back();  // file_id
    row.emplace_back(table_);
    row.push_back(ToValue(rows_.body.version));
    row.emplace_back(static_cast<std::int64_t>(rows_.body.origin));
    row.emplace_back(store::Blob{KeyText(file)});
    row.emplace_back(file.dv_id);
  }

  static void AppendDeletionVector(const std::optional<DeletionVector>& vector,
                                   std::vector<Value>& row) {
    if (!vector) {
      row.resize(row.size() + 5);
      return;
    }
    row.emplace_back(vector->storage_type);
    row.emplace_back(vector->path_or_inline_dv);
    row.push_back(vector->offset ? Value(std::int64_t{*vector->offset}) : Value());
    row.emplace_back(std::int64_t{vector->size_in_bytes});
    row.emplace_back(vector->cardinality);
  }

  void Start() {
    buffer_.Clear();
    writer_.Reset(buffer_);
  }

  Value MapText(StringMapView map) {
    if (map.empty()) return std::string_view("{}");
    Start();
    protocol::WriteStringMapView(map, writer_);
    return arena_->Copy({buffer_.GetString(), buffer_.GetSize()});
  }
  Value MapText(const std::optional<StringMapView>& map) { return map ? MapText(*map) : Value(); }

  // The fields of the line's action that are not null.
  Result<VerbatimFields> Fields(std::string_view action) const {
    DELTALAKEDB_ASSIGN(const auto document,
                       protocol::JsonDocument::ParseObject(text_, protocol::kActionLineBytesMax));
    VerbatimFields fields;
    document.root().ForEachMember([&](std::string_view name, protocol::JsonValue value) {
      if (name != action) return true;
      value.ForEachMember([&](std::string_view field, protocol::JsonValue content) {
        if (!content.is_null()) {
          fields.insert_or_assign(std::string(field), std::string(content.text()));
        }
        return true;
      });
      return false;
    });
    return fields;
  }

  ChunkRows& rows_;
  const ChunkOptions& options_;
  std::shared_ptr<protocol::Arena> arena_;
  protocol::FileKeyHasher hasher_;
  store::Blob table_;
  std::string scratch_;
  rapidjson::StringBuffer buffer_;
  protocol::JsonWriter writer_;
  std::int64_t line_ = 0;
  std::string_view text_;
};

// What a chunk is parsed with.
struct Parsing {
  protocol::FileDetail detail;
  protocol::Arena& arena;
  bool keep;  // whether views of one action outlive the next
};

// Calls take(line_number, line, action) for every action of a chunk.
template <typename Take>
Result<void> ForEachAction(const LineChunk& chunk, const std::string& name, const Parsing& parsing,
                           Take take) {
  thread_local protocol::ActionParser parser;
  std::optional<Error> error;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (IsBlank(line)) return true;
    if (!parsing.keep) parsing.arena.Reset();
    auto action = parser.Parse(line, parsing.detail, parsing.arena);
    if (!action) {
      error = AtLine(std::move(action).error(), name, number);
    } else if (Result<void> taken = take(number, line, *action); !taken) {
      error = AtLine(std::move(taken).error(), name, number);
    }
    return !error;
  });
  if (error) return Fail(*std::move(error));
  return {};
}

// Of a text that is all in `rows`. Mentions of the two kinds are each in the order of the text.
OverruledLines FindOverruled(const ChunkRows& rows) {
  OverruledFinder finder;
  auto add = rows.adds.begin();
  auto remove = rows.removes.begin();
  while (add != rows.adds.end() || remove != rows.removes.end()) {
    const bool is_add =
        remove == rows.removes.end() || (add != rows.adds.end() && add->line < remove->line);
    if (is_add) {
      finder.TakeAdd(add->key, add->line);
      ++add;
    } else {
      finder.TakeRemove(remove->key, remove->line);
      ++remove;
    }
  }
  return finder.Finish();
}

}  // namespace

bool OverruledLines::IsDropped(std::int64_t line) const {
  return !dropped.empty() && std::ranges::binary_search(dropped, line);
}

bool OverruledLines::IsDead(std::int64_t line) const {
  return !dead.empty() && std::ranges::binary_search(dead, line);
}

void OverruledFinder::TakeAdd(const protocol::FileKey& key, std::int64_t line) {
  Last& last = last_[key];
  if (last.add_line != kNone) dropped_.push_back(last.add_line);
  last.add_line = static_cast<std::uint32_t>(line);
}

void OverruledFinder::TakeRemove(const protocol::FileKey& key, std::int64_t line) {
  Last& last = last_[key];
  if (last.remove_line != kNone) dropped_.push_back(last.remove_line);
  last.remove_line = static_cast<std::uint32_t>(line);
}

OverruledLines OverruledFinder::Finish() const {
  OverruledLines lines{dropped_, {}};
  for (const auto& [key, last] : last_) {
    if (last.add_line == kNone || last.remove_line == kNone) continue;
    if (last.remove_line > last.add_line) lines.dead.push_back(last.add_line);
  }
  std::ranges::sort(lines.dropped);
  std::ranges::sort(lines.dead);
  return lines;
}

namespace {

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

// Making a compressor takes longer than a short text does, so each thread keeps one for those.
Result<std::string> CompressText(std::string_view text) {
  constexpr std::size_t kShortBytesMax = 64UL * 1024;
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeCompressor> compressor(ZSTD_createCCtx());
  std::string compressed;
  compressed.resize(ZSTD_compressBound(text.size()));
  const bool is_short = text.size() <= kShortBytesMax && compressor != nullptr;
  const std::size_t size =
      is_short ? ZSTD_compressCCtx(compressor.get(), compressed.data(), compressed.size(),
                                   text.data(), text.size(), kBodyZstdLevel)
               : ZSTD_compress(compressed.data(), compressed.size(), text.data(), text.size(),
                               kBodyZstdLevel);
  if (ZSTD_isError(size) != 0) return Fail(ErrorCode::kInternal, ZSTD_getErrorName(size));
  compressed.resize(size);
  compressed.shrink_to_fit();  // many wait at a time
  return compressed;
}

Result<ChunkRows> MakeChunkRows(const BodyId& body, LineChunk chunk, bool is_whole_body,
                                const ChunkOptions& options) {
  ChunkRows rows;
  rows.body = body;
  rows.is_whole_body = is_whole_body;
  auto arena = std::make_shared<protocol::Arena>();
  RowMaker maker(rows, options, arena);
  DELTALAKEDB_TRY(ForEachAction(
      chunk, options.name, {protocol::FileDetail::kAll, *arena, /*keep=*/true},
      [&](std::int64_t number, std::string_view line, protocol::Action& action) -> Result<void> {
        maker.StartLine(number, line);
        return std::visit(maker, action);
      }));
  if (is_whole_body) rows.overruled = FindOverruled(rows);
  if (options.compress) {
    DELTALAKEDB_ASSIGN(rows.compressed, CompressText(chunk.text));
  }
  rows.text = std::move(chunk);
  rows.owner = std::move(arena);
  return rows;
}

Result<void> TakeMentions(const LineChunk& chunk, const ChunkOptions& options,
                          OverruledFinder& finder) {
  protocol::Arena arena;
  protocol::FileKeyHasher hasher(options.table_root);
  return ForEachAction(
      chunk, options.name, {protocol::FileDetail::kIdentity, arena, /*keep=*/false},
      [&](std::int64_t number, std::string_view, const protocol::Action& action) -> Result<void> {
        if (const auto* add = std::get_if<AddFile>(&action)) {
          finder.TakeAdd(hasher.Hash(add->path, add->deletion_vector), number);
        } else if (const auto* remove = std::get_if<RemoveFile>(&action)) {
          finder.TakeRemove(hasher.Hash(remove->path, remove->deletion_vector), number);
        }
        return {};
      });
}

}  // namespace deltalakedb::log
