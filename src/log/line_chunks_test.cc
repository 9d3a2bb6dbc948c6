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

Records ReadAll(const std::string& content, std::size_t chunk_bytes = kChunkBytes) {
  LineChunkReader reader(storage::MakeMemoryFile("commit.json", content), chunk_bytes);
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

// Where a chunk happens to end must not matter, whatever there is.
TEST(LineChunks, ChunksThatEndAnywhere_GiveTheSameRecords) {
  const std::string contents[] = {
      "{\"a\":1}\n{\"b\":{\"c\":[2]}}\n{\"d\":3}\n",
      "{\"a\":1}\r\n\r\n \n{\"b\":2}\r\n\n",
      "\n\n{\"a\":\"}\\n{\"}\n\n{\"b\":2}",
      "{\n \"a\": {\n  \"b\": \"}\\\"{\"\n }\n}\n{\n\"c\": [\n{},\n{\n}\n]\n}\n{\"d\":4}\n",
      "  {\"a\":1}\n\t{\"b\":2}\n {\"c\":3}\n",
      "[\n{\"a\":1},\n{\"b\":2}\n]\n",
      "garbage\n{\"a\":1}\nmore {\n}\n",
      "{\"a\":1}\n{\"b\":2}{\"c\":3}\n}\n{\"d\":4}",
      "\xef\xbb\xbf{\"a\":1}\n{\"b\":\"\xc3\xa9\"}\n",
      "",
      "\n",
  };
  for (const std::string& content : contents) {
    const Records whole = ReadAll(content);
    for (std::size_t chunk_bytes = 1; chunk_bytes <= content.size() + 1; ++chunk_bytes) {
      EXPECT_EQ(ReadAll(content, chunk_bytes), whole) << chunk_bytes << " of " << content;
    }
  }
}

// Of an object that is never closed it matters where it begins: there the commit is broken.
TEST(LineChunks, ChunksThatEndWithinABrokenObject_BeginItAtTheSameLine) {
  const std::string content = "{\"a\":1}\n{\"b\":\n{\"c\":3}\n{\"d\":4}\n";
  for (std::size_t chunk_bytes = 1; chunk_bytes <= content.size() + 1; ++chunk_bytes) {
    const Records records = ReadAll(content, chunk_bytes);
    ASSERT_GE(records.size(), 2U);
    EXPECT_EQ(records[0], Records::value_type(0, "{\"a\":1}"));
    EXPECT_EQ(records[1].first, 1);
    EXPECT_TRUE(records[1].second.starts_with("{\"b\":\n{\"c\":3}\n"));
  }
}

// Lines that begin with a blank are lines too: a large file of them must not become one chunk.
TEST(LineChunks, IndentedLines_AreCutIntoChunks) {
  std::string content;
  while (content.size() < 10'000) content += " \t{\"a\":1}\r\n";
  LineChunkReader reader(storage::MakeMemoryFile("commit.json", content), 1000);
  for (int chunks = 0;; ++chunks) {
    const auto chunk = reader.Next();
    ASSERT_TRUE(chunk);
    if (!*chunk) {
      EXPECT_GE(chunks, 10);
      break;
    }
    EXPECT_LE((*chunk)->text.size(), 1000U);
  }
}

TEST(LineChunks, VisitThatHasEnough_IsNotCalledAgain) {
  LineChunkReader reader(storage::MakeMemoryFile("commit.json", "{}\n{}\n{}\n"));
  const auto chunk = reader.Next();
  int visits = 0;
  (*chunk)->ForEachRecord([&](std::int64_t, std::string_view) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

TEST(LineChunks, ErrorAboutALine_CountsFromOne) {
  const Error error = AtLine(Error(ErrorCode::kCorrupt, "broken"), "/log/a.json", 0);
  EXPECT_EQ(error.message(), "/log/a.json, line 1: broken");
  EXPECT_EQ(*error.FindFact("file"), Error::FactValue("/log/a.json"));
  EXPECT_EQ(*error.FindFact("line"), Error::FactValue(std::int64_t{1}));
}

}  // namespace
}  // namespace deltalakedb::log
