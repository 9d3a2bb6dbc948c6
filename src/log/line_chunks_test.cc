#include "log/line_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace deltalakedb::log {
namespace {

using testing::ElementsAre;
using testing::Pair;

using Records = std::vector<std::pair<std::int64_t, std::string>>;

Records ReadAll(const std::string& content) {
  LineChunkReader reader(storage::MakeMemoryFile("commit.json", content));
  Records records;
  for (;;) {
    const auto chunk = reader.Next();
    EXPECT_TRUE(chunk);
    if (!chunk || !*chunk) return records;
    (*chunk)->ForEachRecord([&](std::int64_t line, std::string_view record) {
      records.emplace_back(line, record);
      return true;
    });
  }
}

TEST(LineChunks, Lines_AreRecords) {
  EXPECT_THAT(ReadAll("{\"a\":1}\n{\"b\":2}\n"),
              ElementsAre(Pair(0, "{\"a\":1}"), Pair(1, "{\"b\":2}")));
  EXPECT_THAT(ReadAll("{\"a\":1}\n{\"b\":2}"),
              ElementsAre(Pair(0, "{\"a\":1}"), Pair(1, "{\"b\":2}")));
  EXPECT_TRUE(ReadAll("").empty());
}

TEST(LineChunks, CarriageReturnsAndBlankLines_KeepTheNumbering) {
  EXPECT_THAT(
      ReadAll("{\"a\":1}\r\n\r\n  \n{\"b\":2}\r\n"),
      ElementsAre(Pair(0, "{\"a\":1}\r"), Pair(1, "\r"), Pair(2, "  "), Pair(3, "{\"b\":2}\r")));
  EXPECT_TRUE(IsBlank("\r"));
  EXPECT_TRUE(IsBlank("  "));
  EXPECT_FALSE(IsBlank("{}"));
}

TEST(LineChunks, ObjectOverSeveralLines_IsOneRecordAtItsFirstLine) {
  EXPECT_THAT(ReadAll("{\n \"a\": {\"t\": \"}{\\\"\"}\n}\n{\"b\":2}\n"),
              ElementsAre(Pair(0, "{\n \"a\": {\"t\": \"}{\\\"\"}\n}"), Pair(3, "{\"b\":2}")));
}

TEST(LineChunks, ObjectThatIsNeverClosed_ReachesToTheEnd) {
  EXPECT_THAT(ReadAll("{\"a\":1}\n{\"b\":\n2\n"),
              ElementsAre(Pair(0, "{\"a\":1}"), Pair(1, "{\"b\":\n2\n")));
}

TEST(LineChunks, FileOfSeveralChunks_IsCutBetweenRecords) {
  std::string content;
  Records expected;
  for (std::int64_t i = 0; content.size() < 3 * kChunkBytes; ++i) {
    const std::string record =
        "{\"n\":\"" + std::string(static_cast<std::size_t>(i % 977), 'x') + "\"}";
    expected.emplace_back(i, record);
    content += record + "\n";
  }
  EXPECT_EQ(ReadAll(content), expected);
}

TEST(LineChunks, SpreadObjectsInSeveralChunks_AreNeverCut) {
  std::string content;
  std::vector<std::string> expected;
  while (content.size() < 2 * kChunkBytes) {
    const std::string record = "{\n  \"a\": [\n{},\n{\n\"b\": 1}\n]\n}";
    expected.push_back(record);
    content += record + "\n";
  }
  const Records records = ReadAll(content);
  ASSERT_EQ(records.size(), expected.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    ASSERT_EQ(records[i].first, static_cast<std::int64_t>(7 * i));
    ASSERT_EQ(records[i].second, expected[i]);
  }
}

TEST(LineChunks, RecordLongerThanAChunk_IsWhole) {
  const std::string large = "{\"a\":\"" + std::string(2 * kChunkBytes, 'y') + "\"}";
  EXPECT_THAT(ReadAll("{}\n" + large + "\n{}\n"),
              ElementsAre(Pair(0, "{}"), Pair(1, large), Pair(2, "{}")));
}

}  // namespace
}  // namespace deltalakedb::log
