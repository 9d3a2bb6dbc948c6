#include "log/body_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "log/model_log_internal.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using namespace std::string_view_literals;
using store::Blob;
using store::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

const Value kNull;

LineChunk MakeChunk(const std::string& text) {
  std::shared_ptr<char[]> memory(new char[text.size() + protocol::kLinePaddingBytes]());
  std::ranges::copy(text, memory.get());
  const std::string_view view(memory.get(), text.size());
  return {std::move(memory), view, 0};
}

Value Int(std::int64_t value) { return value; }

class BodyRowsTest : public testing::Test {
 protected:
  Result<ChunkRows> Make(const std::string& text, store::Origin origin = store::Origin::kCommit) {
    options_.table = table_;
    options_.table_root = protocol::CanonicalRoot(kTable);
    options_.name = "00000000000000000007.json";
    return MakeChunkRows({Version(7), origin}, MakeChunk(text), /*is_whole_body=*/true, options_);
  }
  ChunkRows MakeRows(const std::vector<std::string>& lines,
                     store::Origin origin = store::Origin::kCommit) {
    auto rows = Make(Lines(lines), origin);
    EXPECT_TRUE(rows.has_value()) << rows.error().message();
    return rows ? *std::move(rows) : ChunkRows{};
  }

  TableId table_ = TableId::MakeRandom();
  ChunkOptions options_;
};

TEST_F(BodyRowsTest, Add_GivesAllItsColumns) {
  const ChunkRows rows = MakeRows(
      {R"({"add":{"path":"p=1/a%20b","partitionValues":{"p":"1","q":null,"r":""},"size":10,)"
       R"("modificationTime":20,"dataChange":false,"stats":"{\"numRecords\":3}","tags":{"k":"v"},)"
       R"("deletionVector":{"storageType":"u","pathOrInlineDv":"abc","offset":4,"sizeInBytes":5,)"
       R"("cardinality":6},"baseRowId":7,"defaultRowCommitVersion":8,"clusteringProvider":"c",)"
       R"("unknownField":{"x":1}}})"});
  ASSERT_EQ(rows.add_rows.size(), store::InfoOf(store::Relation::kAddFiles).columns);
  ASSERT_EQ(rows.adds.size(), 1U);
  EXPECT_EQ(rows.adds[0].dv_id, "uabc@4");
  EXPECT_EQ(rows.adds[0].size_bytes, 10);
  EXPECT_THAT(rows.add_rows,
              ElementsAre(kNull, Value(Blob{table_.bytes()}), Int(7), Int(0),
                          Value(Blob{rows.adds[0].path_key.view()}), "uabc@4"sv, "p=1/a%20b"sv,
                          R"({"p":"1","q":null,"r":""})"sv, Int(10), Int(20), Int(0),
                          R"({"numRecords":3})"sv, R"({"k":"v"})"sv, "u"sv, "abc"sv, Int(4), Int(5),
                          Int(6), Int(7), Int(8), "c"sv, kNull));
}

TEST_F(BodyRowsTest, AddWithoutOptionalFields_HasNullsAndAnEmptyVectorId) {
  const ChunkRows rows =
      MakeRows({R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,)"
                R"("dataChange":true,"stats":null,"tags":null,"deletionVector":null}})"},
               store::Origin::kBase);
  EXPECT_THAT(rows.add_rows, ElementsAre(kNull, testing::_, Int(7), Int(1), testing::_, ""sv, "a"sv,
                                         "{}"sv, Int(1), Int(2), Int(1), kNull, kNull, kNull, kNull,
                                         kNull, kNull, kNull, kNull, kNull, kNull, kNull));
}

TEST_F(BodyRowsTest, Remove_GivesAllItsColumns) {
  const ChunkRows rows = MakeRows(
      {R"({"remove":{"path":"a","deletionTimestamp":9,"dataChange":true,)"
       R"("extendedFileMetadata":true,"partitionValues":{"p":null},"size":10,"stats":"s",)"
       R"("tags":{},"deletionVector":{"storageType":"i","pathOrInlineDv":"x","sizeInBytes":5,)"
       R"("cardinality":6},"baseRowId":1,"defaultRowCommitVersion":2}})",
       RemoveLine("b")});
  ASSERT_EQ(rows.remove_rows.size(), 2 * store::InfoOf(store::Relation::kRemoveFiles).columns);
  const auto columns = store::InfoOf(store::Relation::kRemoveFiles).columns;
  const std::vector<Value> first(rows.remove_rows.begin(),
                                 rows.remove_rows.begin() + static_cast<std::ptrdiff_t>(columns));
  EXPECT_THAT(first,
              ElementsAre(kNull, Value(Blob{table_.bytes()}), Int(7), Int(0), testing::_, "ix"sv,
                          "a"sv, Int(9), Int(1), Int(1), R"({"p":null})"sv, Int(10), "s"sv, "{}"sv,
                          "i"sv, "x"sv, kNull, Int(5), Int(6), Int(1), Int(2)));
  const std::vector<Value> second(rows.remove_rows.begin() + static_cast<std::ptrdiff_t>(columns),
                                  rows.remove_rows.end());
  EXPECT_THAT(second, ElementsAre(kNull, testing::_, Int(7), Int(0), testing::_, ""sv, "b"sv,
                                  Int(1), Int(1), kNull, kNull, kNull, kNull, kNull, kNull, kNull,
                                  kNull, kNull, kNull, kNull, kNull));
}

TEST_F(BodyRowsTest, Cdc_GivesAllItsColumns) {
  const ChunkRows rows = MakeRows({R"({"cdc":{"path":"_change_data/c","partitionValues":{"p":"1"},)"
                                   R"("size":3,"dataChange":false,"tags":{"t":null}}})"});
  EXPECT_THAT(rows.cdc_rows,
              ElementsAre(kNull, Value(Blob{table_.bytes()}), Int(7), testing::_,
                          "_change_data/c"sv, R"({"p":"1"})"sv, Int(3), Int(0), R"({"t":null})"sv));
}

TEST_F(BodyRowsTest, OneFileSpelledInManyWays_HasOneKey) {
  const ChunkRows rows = MakeRows({AddLine("a b"), AddLine("a%20b"),
                                   AddLine("file:///data/my%20table/a%20b"), AddLine("a%2520b")});
  EXPECT_EQ(rows.adds[0].path_key, rows.adds[1].path_key);
  EXPECT_EQ(rows.adds[0].path_key, rows.adds[2].path_key);
  EXPECT_NE(rows.adds[0].path_key, rows.adds[3].path_key);
}

TEST_F(BodyRowsTest, Metadata_IsKeptVerbatimFieldByField) {
  const ChunkRows rows = MakeRows(
      {R"({"metaData":{"id":"t","name":null,"format":{"provider":"parquet","options":{}},)"
       R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[ ],)"
       R"("configuration":{"b":"1","a":"2"},"createdTime":1000,"newField":{"z": [1.50]}}})"});
  ASSERT_TRUE(rows.metadata.has_value());
  EXPECT_THAT(*rows.metadata,
              UnorderedElementsAre(
                  Pair("id", R"("t")"), Pair("format", R"({"provider":"parquet","options":{}})"),
                  Pair("schemaString", R"("{\"type\":\"struct\",\"fields\":[]}")"),
                  Pair("partitionColumns", "[ ]"), Pair("configuration", R"({"b":"1","a":"2"})"),
                  Pair("createdTime", "1000"), Pair("newField", R"({"z": [1.50]})")));
}

TEST_F(BodyRowsTest, Protocol_TellsAbsentListsFromEmptyOnes) {
  const ChunkRows rows = MakeRows({R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,)"
                                   R"("writerFeatures":[],"future":[1]}})"});
  ASSERT_TRUE(rows.protocol.has_value());
  EXPECT_EQ(rows.protocol->min_reader_version, 1);
  EXPECT_EQ(rows.protocol->min_writer_version, 7);
  EXPECT_FALSE(rows.protocol->reader_features.has_value());
  EXPECT_EQ(rows.protocol->writer_features, "[]");
  EXPECT_EQ(rows.protocol->unknown_fields, R"({"future":[1]})");
}

TEST_F(BodyRowsTest, OtherActions_AreKeptInOrder) {
  const ChunkRows rows = MakeRows({TxnLine("a", 1), TxnLine("a", 2), DomainLine("d", "x", false),
                                   CommitInfoLine(), CommitInfoLine(R"("late":1)"),
                                   R"({"futureAction":{"add":{"path":"x"}}})", "", "  "});
  ASSERT_EQ(rows.app_transactions.size(), 2U);
  EXPECT_EQ(rows.app_transactions[1].version, 2);
  ASSERT_EQ(rows.domain_metadata.size(), 1U);
  EXPECT_TRUE(rows.commit_info.has_value());
  EXPECT_THAT(rows.add_rows, IsEmpty());
}

TEST_F(BodyRowsTest, LinesThatALaterOneOverrules_AreFound) {
  const ChunkRows rows =
      MakeRows({AddLine("a"), AddLine("b"), AddLine("a"), RemoveLine("b"), RemoveLine("c"),
                AddLine("c"), RemoveLine("c"), AddLine("d", 1, "v"), RemoveLine("d")});
  EXPECT_THAT(rows.overruled.dropped, ElementsAre(0, 4));
  EXPECT_THAT(rows.overruled.dead, ElementsAre(1, 5));
  EXPECT_TRUE(rows.overruled.IsDropped(4));
  EXPECT_FALSE(rows.overruled.IsDropped(7));
  EXPECT_FALSE(rows.overruled.IsDead(7));
}

TEST_F(BodyRowsTest, MentionsTakenInParts_OverruleAsInOnePart) {
  const std::vector<std::string> lines = {AddLine("a"), AddLine("b"), AddLine("a"), RemoveLine("b"),
                                          AddLine("b")};
  OverruledFinder finder;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    LineChunk chunk = MakeChunk(lines[i] + "\n");
    chunk.first_line = static_cast<std::int64_t>(i);
    ASSERT_TRUE(TakeMentions(chunk, options_, finder).has_value());
  }
  const OverruledLines in_parts = finder.Finish();
  const ChunkRows whole = MakeRows(lines);
  EXPECT_EQ(in_parts.dropped, whole.overruled.dropped);
  EXPECT_EQ(in_parts.dead, whole.overruled.dead);
}

TEST_F(BodyRowsTest, LineThatCannotBeRead_IsNamed) {
  const auto rows = Make(AddLine("a") + "\n{\"add\":{\"path\":1}}\n");
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(rows.error().message(), HasSubstr("00000000000000000007.json"));
  ASSERT_NE(rows.error().FindFact("line"), nullptr);
  EXPECT_EQ(*rows.error().FindFact("line"), Error::FactValue(std::int64_t{2}));
}

}  // namespace
}  // namespace deltalakedb::log
