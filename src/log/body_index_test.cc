// However a text comes in chunks, its rows are the same.
#include "log/body_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/try.h"
#include "log/model_log_internal.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using store::Origin;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

struct Text {
  BodyId body;
  std::vector<std::string> lines;
};

// Texts in chunks of a few lines each.
class ListSource final : public BodySource {
 public:
  ListSource(std::vector<Text> texts, std::size_t lines_max, const ChunkOptions& options)
      : lines_max_(lines_max), options_(options), texts_(std::move(texts)) {
    for (const Text& text : texts_) {
      for (LineChunk& chunk : ChunksOf(text)) {
        left_.emplace_back(text.body, std::move(chunk), text.lines.size() <= lines_max_);
      }
    }
  }

  Result<std::optional<Task>> Next() override {
    if (left_.empty()) return std::optional<Task>();
    auto [body, chunk, is_whole] = std::move(left_.front());
    left_.pop_front();
    return std::optional<Task>(
        [this, body, chunk, is_whole] { return MakeChunkRows(body, chunk, is_whole, options_); });
  }

  Result<std::unique_ptr<LineChunkStream>> Reopen(const BodyId& body) override {
    const auto text = std::ranges::find(texts_, body, &Text::body);
    return std::make_unique<Stream>(ChunksOf(*text));
  }

 private:
  class Stream final : public LineChunkStream {
   public:
    explicit Stream(std::deque<LineChunk> chunks) : chunks_(std::move(chunks)) {}
    Result<std::optional<LineChunk>> Next() override {
      if (chunks_.empty()) return std::optional<LineChunk>();
      std::optional<LineChunk> chunk = std::move(chunks_.front());
      chunks_.pop_front();
      return chunk;
    }

   private:
    std::deque<LineChunk> chunks_;
  };

  std::deque<LineChunk> ChunksOf(const Text& text) const {
    std::deque<LineChunk> chunks;
    for (std::size_t begin = 0; begin < text.lines.size(); begin += lines_max_) {
      const std::size_t end = std::min(begin + lines_max_, text.lines.size());
      std::string joined;
      for (std::size_t i = begin; i < end; ++i) joined += text.lines[i] + "\n";
      std::shared_ptr<char[]> memory(new char[joined.size() + protocol::kLinePaddingBytes]());
      std::ranges::copy(joined, memory.get());
      const std::string_view view(memory.get(), joined.size());
      chunks.push_back({std::move(memory), view, static_cast<std::int64_t>(begin)});
    }
    return chunks;
  }

  std::size_t lines_max_;
  const ChunkOptions& options_;
  std::vector<Text> texts_;
  std::deque<std::tuple<BodyId, LineChunk, bool>> left_;
};

// Writes down what it gets, relation by relation.
class ListSink final : public RowSink {
 public:
  Result<void> PutText(const ChunkRows& chunk) override {
    texts_[chunk.body.version.value() * 2 + (chunk.body.origin == Origin::kCommit ? 1 : 0)] +=
        chunk.text.text;
    return {};
  }
  Result<void> PutRows(store::Relation relation, std::span<const store::Value> rows) override {
    const std::size_t columns = store::InfoOf(relation).columns;
    EXPECT_EQ(rows.size() % columns, 0U);
    for (std::size_t i = 0; i < rows.size(); i += columns) {
      std::string line(store::InfoOf(relation).name);
      for (const store::Value& value : rows.subspan(i, columns)) {
        line += "|" + std::visit(ToText(), value);
      }
      lines_[relation].push_back(line);
      if (relation == store::Relation::kAddFiles) TakeAdd(rows.subspan(i, columns));
    }
    return {};
  }
  // Ends what an earlier version added, as a database does.
  Result<FileTotals> EndFiles(Version version, std::span<const FileMention* const> files) override {
    FileTotals ended;
    for (const FileMention* const file : files) {
      lookups_.push_back(fmt::format("end {} {}|{}", version.value(), file->path, file->dv_id));
      const auto live = live_.find({std::string(file->path_key.view()), std::string(file->dv_id)});
      if (live == live_.end() || live->second.first >= version) continue;
      ++ended.num_files;
      ended.size_in_bytes += live->second.second;
      live_.erase(live);
      ends_.push_back(lookups_.back());
    }
    return ended;
  }
  Result<void> FinishVersion(Version version, const store::VersionIndex& index,
                             const CommitInfo* info) override {
    versions_.push_back(fmt::format(
        "version {}: {} {} {} {} {} {} {} {} {}", version.value(), index.num_added,
        index.num_removed, index.num_cdc, index.num_files, index.size_in_bytes, index.last_add_id,
        index.last_remove_id, index.last_cdc_id, info == nullptr ? "none" : info->raw));
    return {};
  }

  // Every file that was asked for.
  const std::vector<std::string>& lookups() const { return lookups_; }

  // All of it, in an order that does not depend on chunks.
  std::vector<std::string> Facts() const {
    std::vector<std::string> facts = versions_;
    for (const auto& [relation, lines] : lines_) {
      facts.insert(facts.end(), lines.begin(), lines.end());
    }
    std::vector<std::string> ends = ends_;
    std::ranges::sort(ends);
    facts.insert(facts.end(), ends.begin(), ends.end());
    for (const auto& [key, text] : texts_) facts.push_back(text);
    return facts;
  }

 private:
  struct ToText {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(std::string_view value) const { return "'" + std::string(value) + "'"; }
    std::string operator()(store::Blob value) const { return "x" + std::string(value.bytes); }
  };

  // A row of dl_add_files.
  void TakeAdd(std::span<const store::Value> row) {
    if (!std::holds_alternative<std::monostate>(row.back())) return;
    std::string path_key(std::get<store::Blob>(row[4]).bytes);
    live_[{std::move(path_key), std::string(std::get<std::string_view>(row[5]))}] = {
        Version(std::get<std::int64_t>(row[2])), std::get<std::int64_t>(row[8])};
  }

  // By path key and vector: the version and size.
  std::map<std::pair<std::string, std::string>, std::pair<Version, std::int64_t>> live_;
  std::vector<std::string> lookups_;
  std::map<store::Relation, std::vector<std::string>> lines_;
  std::map<std::int64_t, std::string> texts_;
  std::vector<std::string> ends_;
  std::vector<std::string> versions_;
};

class BodyIndexTest : public testing::Test {
 protected:
  BodyIndexTest() {
    options_.chunk.table = TableId::MakeRandom();
    options_.chunk.table_root = protocol::CanonicalRoot(kTable);
    options_.chunk.name = "text";
    options_.start.last_add_id = options_.start.last_remove_id = options_.start.last_cdc_id = 99;
  }

  std::vector<std::string> Index(const std::vector<Text>& texts, std::size_t lines_max = 10'000) {
    ListSource source(texts, lines_max, options_.chunk);
    ListSink sink;
    const auto result = IndexBodies(source, sink, options_);
    if (!result) return {result.error().message()};
    result_ = *result;
    lookups_ = sink.lookups();
    return sink.Facts();
  }

  IndexOptions options_;
  IndexResult result_;
  std::vector<std::string> lookups_;
};

Text Commit(std::int64_t version, std::vector<std::string> lines) {
  return {{Version(version), Origin::kCommit}, std::move(lines)};
}

// Lines that name few files often, each in any way.
std::vector<std::string> RandomLines(std::mt19937& random) {
  std::vector<std::string> lines;
  for (auto n = random() % 40; n > 0; --n) {
    const std::string path = "f" + std::to_string(random() % 6);
    const std::string vector = random() % 4 == 0 ? "v" : "";
    switch (random() % 8) {
      case 0:
        lines.push_back(TxnLine("app", static_cast<std::int64_t>(random() % 9)));
        break;
      case 1:
        lines.push_back(DomainLine("d", std::to_string(random() % 9), random() % 2 == 0));
        break;
      case 2:
        lines.push_back(CommitInfoLine(fmt::format(R"("n":{})", random() % 9)));
        break;
      case 3:
      case 4:
        lines.push_back(RemoveLine(path, vector));
        break;
      default:
        lines.push_back(AddLine(path, static_cast<std::int64_t>(random() % 99), vector));
    }
  }
  if (random() % 3 == 0) lines.push_back(MetadataLine(fmt::format(R"("k":"{}")", random() % 9)));
  if (random() % 3 == 0) lines.push_back(ProtocolLine(1, 2));
  lines.emplace_back(R"({"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}})");
  std::ranges::shuffle(lines, random);
  return lines;
}

TEST_F(BodyIndexTest, TextsInChunksOfAnySize_GiveTheSameRows) {
  for (const std::uint32_t seed : Seeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<Text> texts;
    for (std::int64_t version = 0; version < 4; ++version) {
      texts.push_back(Commit(version, RandomLines(random)));
    }
    options_.base_version.reset();
    if (random() % 3 == 0) {
      options_.base_version = Version(0);
      texts.insert(texts.begin(), {{Version(0), Origin::kBase}, RandomLines(random)});
    }
    options_.has_start = random() % 2 == 0;
    const auto whole = Index(texts);
    for (const std::size_t lines_max : {1U, 2U, 3U, 7U, 20U}) {
      EXPECT_EQ(Index(texts, lines_max), whole) << lines_max << " lines per chunk";
    }
  }
}

TEST_F(BodyIndexTest, CommitOfTheBaseVersion_HasRowsThatAreNotState) {
  options_.base_version = Version(5);
  const auto facts = Index({{{Version(5), Origin::kBase},
                             {ProtocolLine(), MetadataLine(), AddLine("a", 7), TxnLine("app", 1)}},
                            Commit(5, {AddLine("b", 1), RemoveLine("a"), TxnLine("app", 9),
                                       MetadataLine(R"("other":"1")")}),
                            Commit(6, {AddLine("c", 1)})});
  // One add and one remove happened; one file of 7 bytes is live.
  EXPECT_THAT(facts, Contains(HasSubstr("version 5: 1 1 0 1 7 101 100 99 none")));
  EXPECT_THAT(facts, Contains(HasSubstr("version 6: 1 0 0 2 8 102 100 99 none")));
  EXPECT_THAT(facts, Contains(HasSubstr("|5|'app'|1|null")));
  EXPECT_THAT(facts, Not(Contains(HasSubstr("|'app'|9|"))));
  EXPECT_THAT(facts, Not(Contains(HasSubstr("dl_metadata_updates|'other'"))));
  EXPECT_EQ(result_.metadata_version, Version(5));
}

TEST_F(BodyIndexTest, FilesThatCannotHaveBeenThere_AreNotLookedUp) {
  const std::vector<Text> texts = {Commit(0, {AddLine("a"), RemoveLine("x")}),
                                   Commit(1, {AddLine("b"), RemoveLine("a")})};
  EXPECT_THAT(Index(texts), Contains("end 1 a|"));
  EXPECT_THAT(lookups_, testing::ElementsAre("end 1 a|"));
  options_.has_start = true;
  EXPECT_THAT(Index(texts), Contains("end 1 a|"));
  EXPECT_THAT(lookups_, testing::IsSupersetOf({"end 0 a|", "end 0 x|", "end 1 b|"}));
}

TEST_F(BodyIndexTest, MoreFilesThanATableHasRoomFor_AreRefused) {
  options_.start.last_add_id = store::kFileIdsPerTable - 3;
  EXPECT_THAT(Index({Commit(0, {AddLine("a")})}), Contains(HasSubstr("version 0: 1")));
  EXPECT_THAT(Index({Commit(0, {AddLine("a"), AddLine("b")})}), Contains(HasSubstr("room for")));
}

TEST_F(BodyIndexTest, SizesThatAddUpToTooMuch_AreCorrupt) {
  EXPECT_THAT(
      Index({Commit(0, {AddLine("a", std::numeric_limits<std::int64_t>::max()), AddLine("b", 1)})}),
      Contains(HasSubstr("63 bits")));
}

}  // namespace
}  // namespace deltalakedb::log
