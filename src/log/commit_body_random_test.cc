// Random actions, written as a commit's text and read back: nothing is lost or changed, and the
// rows of a catalog can be made of it. DELTALAKEDB_SEED repeats a run, DELTALAKEDB_SOAK=1 makes
// many.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "log/body_rows.h"
#include "log/line_chunks.h"
#include "log/model_log_internal.h"
#include "protocol/commit_body.h"
#include "protocol/json_text.h"
#include "protocol/staged_actions.h"

namespace deltalakedb::log {
namespace {

using protocol::CommitBody;
using protocol::CommitInfoFields;
using protocol::StagedActions;

// Pieces that writers and parsers of JSON get wrong.
constexpr std::array<std::string_view, 14> kPieces = {
    "a", "B7", "%20", "\"", "\\", "/", "\n", "\t", "\x01", "é", "€", "😀", "\x7F", "{\"x\":[1]}"};
constexpr std::array<std::string_view, 7> kJsonValues = {
    "1",  "-1.50e+7", "\"\\u00e9\\ud83d\\ude00\"", "{\"a\": [1,{}]}",
    "[]", "true",     "12345678901234567890"};

// Actions that own their texts.
struct OwnedMap {
  std::vector<std::pair<std::string, std::optional<std::string>>> entries;
  std::vector<StringMapEntry> views;

  StringMapView View() {
    views.clear();
    for (const auto& [key, value] : entries) {
      views.push_back({key, value ? std::optional<std::string_view>(*value) : std::nullopt});
    }
    return views;
  }
};

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  bool Chance(int percent) { return Below(100) < static_cast<std::uint64_t>(percent); }
  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }

  std::int64_t Number() {
    constexpr std::array<std::int64_t, 4> kEdges = {0, 1, std::numeric_limits<std::int64_t>::max(),
                                                    (std::int64_t{1} << 53) + 1};
    return Chance(50) ? kEdges[Below(kEdges.size())] : static_cast<std::int64_t>(Below(1000));
  }
  std::string Text() {
    std::string text;
    for (std::uint64_t i = Below(6); i > 0; --i) text += kPieces[Below(kPieces.size())];
    return text;
  }
  // Texts that live as long as this.
  std::string_view Kept() { return *texts_.emplace_back(std::make_unique<std::string>(Text())); }
  StringMapView Map() {
    OwnedMap& map = *maps_.emplace_back(std::make_unique<OwnedMap>());
    const std::uint64_t size = Below(4);
    for (std::uint64_t i = 0; i < size; ++i) {
      map.entries.emplace_back(std::to_string(i) + Text(),
                               Chance(20) ? std::nullopt : std::optional(Text()));
    }
    return map.View();
  }
  DeletionVector Vector() {
    DeletionVector vector;
    vector.storage_type = Kept();
    vector.path_or_inline_dv = Kept();
    if (Chance(50)) vector.offset = static_cast<std::int32_t>(Below(100));
    vector.size_in_bytes = static_cast<std::int32_t>(Below(100));
    vector.cardinality = Number();
    return vector;
  }
  AddFile Add() {
    AddFile add;
    add.path = Kept();
    add.partition_values = Map();
    add.size = Number();
    add.modification_time = -Number();
    add.data_change = Chance(50);
    if (Chance(50)) add.stats = Kept();
    if (Chance(30)) add.tags = Map();
    if (Chance(30)) add.deletion_vector = Vector();
    if (Chance(30)) add.base_row_id = Number();
    if (Chance(30)) add.default_row_commit_version = Number();
    if (Chance(30)) add.clustering_provider = Kept();
    return add;
  }
  RemoveFile Remove() {
    RemoveFile remove;
    remove.path = Kept();
    if (Chance(50)) remove.deletion_timestamp = Number();
    remove.data_change = Chance(50);
    if (Chance(50)) remove.extended_file_metadata = Chance(50);
    if (Chance(50)) remove.partition_values = Map();
    if (Chance(50)) remove.size = Number();
    if (Chance(30)) remove.stats = Kept();
    if (Chance(30)) remove.tags = Map();
    if (Chance(30)) remove.deletion_vector = Vector();
    if (Chance(30)) remove.base_row_id = Number();
    if (Chance(30)) remove.default_row_commit_version = Number();
    return remove;
  }
  CdcFile Cdc() {
    CdcFile cdc;
    cdc.path = Kept();
    cdc.partition_values = Map();
    cdc.size = Number();
    if (Chance(30)) cdc.tags = Map();
    return cdc;
  }
  UnknownFields Unknown() {
    UnknownFields fields;
    const std::uint64_t size = Below(3);
    for (std::uint64_t i = 0; i < size; ++i) {
      fields.emplace_back("u" + std::to_string(i) + Text(), kJsonValues[Below(kJsonValues.size())]);
    }
    return fields;
  }
  Metadata TableMetadata() {
    Metadata metadata;
    metadata.id = Text();
    if (Chance(50)) metadata.name = Text();
    if (Chance(50)) metadata.description = Text();
    metadata.format_provider = "parquet";
    metadata.schema_string = Text();
    metadata.partition_columns = {Text(), Text()};
    if (Chance(50)) metadata.created_time = Number();
    metadata.configuration = {{Text(), Text()}, {"k" + Text(), Text()}};
    metadata.unknown_fields = Unknown();
    return metadata;
  }
  Protocol TableProtocol() {
    Protocol protocol;
    protocol.min_reader_version = static_cast<std::int32_t>(Below(4));
    protocol.min_writer_version = static_cast<std::int32_t>(Below(8));
    if (Chance(50)) protocol.reader_features.emplace();
    if (Chance(50)) protocol.writer_features = {Text(), Text()};
    protocol.unknown_fields = Unknown();
    return protocol;
  }

 private:
  std::mt19937 random_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::unique_ptr<OwnedMap>> maps_;
};

bool Equal(StringMapView a, StringMapView b) {
  return std::ranges::equal(a, b, [](const StringMapEntry& x, const StringMapEntry& y) {
    return x.key == y.key && x.value == y.value;
  });
}
bool Equal(const std::optional<StringMapView>& a, const std::optional<StringMapView>& b) {
  return a.has_value() == b.has_value() && (!a || Equal(*a, *b));
}
bool Equal(const std::optional<DeletionVector>& a, const std::optional<DeletionVector>& b) {
  return a.has_value() == b.has_value() &&
         (!a || (a->UniqueId() == b->UniqueId() && a->storage_type == b->storage_type &&
                 a->offset == b->offset && a->size_in_bytes == b->size_in_bytes &&
                 a->cardinality == b->cardinality));
}
bool Equal(const AddFile& a, const AddFile& b) {
  return a.path == b.path && Equal(a.partition_values, b.partition_values) && a.size == b.size &&
         a.modification_time == b.modification_time && a.data_change == b.data_change &&
         a.stats == b.stats && Equal(a.tags, b.tags) &&
         Equal(a.deletion_vector, b.deletion_vector) && a.base_row_id == b.base_row_id &&
         a.default_row_commit_version == b.default_row_commit_version &&
         a.clustering_provider == b.clustering_provider;
}
bool Equal(const RemoveFile& a, const RemoveFile& b) {
  return a.path == b.path && a.deletion_timestamp == b.deletion_timestamp &&
         a.data_change == b.data_change && a.extended_file_metadata == b.extended_file_metadata &&
         Equal(a.partition_values, b.partition_values) && a.size == b.size && a.stats == b.stats &&
         Equal(a.tags, b.tags) && Equal(a.deletion_vector, b.deletion_vector) &&
         a.base_row_id == b.base_row_id &&
         a.default_row_commit_version == b.default_row_commit_version;
}
bool Equal(const CdcFile& a, const CdcFile& b) {
  return a.path == b.path && Equal(a.partition_values, b.partition_values) && a.size == b.size &&
         a.data_change == b.data_change && Equal(a.tags, b.tags);
}
bool Equal(const Metadata& a, const Metadata& b) {
  return a.id == b.id && a.name == b.name && a.description == b.description &&
         a.format_provider == b.format_provider && a.format_options == b.format_options &&
         a.schema_string == b.schema_string && a.partition_columns == b.partition_columns &&
         a.created_time == b.created_time && a.configuration == b.configuration &&
         a.unknown_fields == b.unknown_fields;
}
bool Equal(const Protocol& a, const Protocol& b) {
  return a.min_reader_version == b.min_reader_version &&
         a.min_writer_version == b.min_writer_version && a.reader_features == b.reader_features &&
         a.writer_features == b.writer_features && a.unknown_fields == b.unknown_fields;
}
bool Equal(const AppTransaction& a, const AppTransaction& b) {
  return a.app_id == b.app_id && a.version == b.version && a.last_updated == b.last_updated;
}
bool Equal(const DomainMetadata& a, const DomainMetadata& b) {
  return a.domain == b.domain && a.configuration == b.configuration && a.removed == b.removed;
}

template <typename T>
void ExpectEqual(const std::vector<protocol::Staged<T>>& staged, const std::vector<T>& given) {
  ASSERT_EQ(staged.size(), given.size());
  for (std::size_t i = 0; i < given.size(); ++i) EXPECT_TRUE(Equal(staged[i].action, given[i]));
}

// What is given to StagedActions.
struct Given {
  std::vector<AddFile> adds;
  std::vector<RemoveFile> removes;
  std::vector<CdcFile> cdc;
  std::vector<AppTransaction> transactions;
  std::vector<DomainMetadata> domains;
  std::optional<Metadata> metadata;
  std::optional<Protocol> protocol;
};

Given Make(Generator& random) {
  Given given;
  for (std::uint64_t i = random.Below(20); i > 0; --i) {
    switch (random.Below(6)) {
      case 0:
        given.removes.push_back(random.Remove());
        break;
      case 1:
        given.cdc.push_back(random.Cdc());
        break;
      case 2:
        given.transactions.push_back({random.Text(), -random.Number(), random.Number()});
        break;
      case 3:
        given.domains.push_back({random.Text(), random.Text(), random.Chance(50)});
        break;
      default:
        given.adds.push_back(random.Add());
    }
  }
  if (random.Chance(30)) given.metadata = random.TableMetadata();
  if (random.Chance(30)) given.protocol = random.TableProtocol();
  return given;
}

StagedActions Stage(const Given& given) {
  StagedActions staged;
  const auto append = [&](const auto& action) {
    const auto appended = staged.Append(action);
    EXPECT_TRUE(appended.has_value()) << appended.error().message();
  };
  std::ranges::for_each(given.adds, append);
  std::ranges::for_each(given.removes, append);
  std::ranges::for_each(given.cdc, append);
  std::ranges::for_each(given.transactions, append);
  std::ranges::for_each(given.domains, append);
  if (given.metadata) append(*given.metadata);
  if (given.protocol) append(*given.protocol);
  return staged;
}

void ExpectEqual(const StagedActions& staged, const Given& given) {
  ExpectEqual(staged.adds(), given.adds);
  ExpectEqual(staged.removes(), given.removes);
  ExpectEqual(staged.cdc(), given.cdc);
  ExpectEqual(staged.app_transactions(), given.transactions);
  ExpectEqual(staged.domain_metadata(), given.domains);
  ASSERT_EQ(staged.metadata().has_value(), given.metadata.has_value());
  if (given.metadata) {
    EXPECT_TRUE(Equal(staged.metadata()->action, *given.metadata));
  }
  ASSERT_EQ(staged.protocol().has_value(), given.protocol.has_value());
  if (given.protocol) {
    EXPECT_TRUE(Equal(staged.protocol()->action, *given.protocol));
  }
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    EXPECT_NE(end, std::string_view::npos) << "the last line has no end";
    if (end == std::string_view::npos) break;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

LineChunk ChunkOf(const std::string& text) {
  std::shared_ptr<char[]> memory(new char[text.size() + protocol::kLinePaddingBytes]());
  std::memcpy(memory.get(), text.data(), text.size());
  const std::string_view view(memory.get(), text.size());
  return {std::move(memory), view, 0};
}

// The rows of the text, which must be its actions and no others.
void ExpectRows(const std::string& text, const Given& given, const CommitInfoFields& info) {
  ChunkOptions options;
  options.table = TableId::MakeRandom();
  options.table_root = "file:/t";
  options.name = "a body";
  const auto rows = MakeChunkRows({Version(7), store::Origin::kCommit}, ChunkOf(text),
                                  /*is_whole_body=*/true, options);
  ASSERT_TRUE(rows.has_value()) << rows.error().message();
  ASSERT_EQ(rows->adds.size(), given.adds.size());
  for (std::size_t i = 0; i < given.adds.size(); ++i) {
    EXPECT_EQ(rows->adds[i].path, given.adds[i].path);
    EXPECT_EQ(rows->adds[i].size_bytes, given.adds[i].size);
  }
  EXPECT_EQ(rows->removes.size(), given.removes.size());
  EXPECT_EQ(rows->cdc.size(), given.cdc.size());
  EXPECT_EQ(rows->app_transactions.size(), given.transactions.size());
  EXPECT_EQ(rows->domain_metadata.size(), given.domains.size());
  EXPECT_EQ(rows->metadata.has_value(), given.metadata.has_value());
  EXPECT_EQ(rows->protocol.has_value(), given.protocol.has_value());
  ASSERT_TRUE(rows->commit_info.has_value());
  EXPECT_EQ(rows->commit_info->timestamp, info.timestamp.ms());
  EXPECT_EQ(rows->commit_info->operation, info.operation);
  EXPECT_EQ(rows->commit_info->user_metadata, info.user_metadata);
  EXPECT_EQ(rows->commit_info->txn_id, info.txn_id);
  EXPECT_EQ(rows->commit_info->is_blind_append, info.is_blind_append);
}

TEST(CommitBodyRandomTest, Actions_ComeBackFromTheTextAsTheyWere) {
  for (const std::uint32_t seed : testing_log::Seeds()) {
    SCOPED_TRACE(testing::Message() << "DELTALAKEDB_SEED=" << seed);
    Generator random(seed);
    const Given given = Make(random);
    const StagedActions staged = Stage(given);
    ExpectEqual(staged, given);

    CommitInfoFields info;
    info.timestamp = Timestamp(random.Number());
    info.operation = random.Text();
    info.user_metadata = random.Text();
    info.is_blind_append = random.Chance(50);
    info.txn_id = random.Text();
    const auto body = CommitBody::Make(staged, info);
    ASSERT_TRUE(body.has_value()) << body.error().message();
    const std::string text = body->Text();
    EXPECT_EQ(CommitBody::Make(Stage(given), info)->Text(), text);

    StagedActions again;
    for (const std::string_view line : LinesOf(text)) {
      EXPECT_TRUE(protocol::IsJson(line)) << line;
      const auto taken = again.Take(line, 1);
      ASSERT_TRUE(taken.has_value()) << taken.error().message() << ": " << line;
    }
    ASSERT_TRUE(again.commit_info().has_value());
    ExpectEqual(again, given);
    EXPECT_EQ(CommitBody::Make(again, info)->Text(), text);
    ExpectRows(text, given, info);
    if (testing::Test::HasFailure()) return;
  }
}

// Lines with fields and actions of tomorrow.
TEST(CommitBodyRandomTest, UnknownParts_ComeBackFromTheText) {
  for (const std::uint32_t seed : testing_log::Seeds()) {
    SCOPED_TRACE(testing::Message() << "DELTALAKEDB_SEED=" << seed);
    Generator random(seed);
    const auto unknown = [&] {
      std::string fields;
      const std::uint64_t size = random.Below(4);
      for (std::uint64_t i = 0; i < size; ++i) {
        fields += ",\"u" + std::to_string(i) + "\":";
        fields += kJsonValues[random.Below(kJsonValues.size())];
      }
      return fields;
    };
    // In the order of a body, and as it would write them.
    std::string expected;
    for (std::uint64_t i = random.Below(3); i > 0; --i) {
      expected += R"({"domainMetadata":{"domain":"d","configuration":"","removed":false)" +
                  unknown() + "}}\n";
    }
    for (std::uint64_t i = random.Below(3); i > 0; --i) {
      expected += R"({"txn":{"appId":"a","version":1)" + unknown() + "}}\n";
    }
    for (std::uint64_t i = random.Below(3); i > 0; --i) {
      expected += R"({"remove":{"path":"r","dataChange":true)" + unknown() + "}}\n";
    }
    for (std::uint64_t i = random.Below(3); i > 0; --i) {
      expected += R"({"add":{"path":"p","partitionValues":{},"size":1,"modificationTime":2,)"
                  R"("dataChange":true,"deletionVector":{"storageType":"u","pathOrInlineDv":"x",)"
                  R"("sizeInBytes":1,"cardinality":1)" +
                  unknown() + "}" + unknown() + "}}\n";
    }
    for (std::uint64_t i = random.Below(3); i > 0; --i) {
      expected +=
          "{\"future\":" + std::string(kJsonValues[random.Below(kJsonValues.size())]) + "}\n";
    }
    std::vector<std::string_view> lines = LinesOf(expected);
    StagedActions staged;
    for (const std::string_view line : lines) {
      const auto taken = staged.Take(line, 1);
      ASSERT_TRUE(taken.has_value()) << taken.error().message() << ": " << line;
    }
    const auto body = CommitBody::Make(staged, {});
    ASSERT_TRUE(body.has_value());
    EXPECT_EQ(std::string(body->table_actions()) + std::string(body->files()), expected);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace deltalakedb::log
