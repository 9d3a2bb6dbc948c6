// Parsing single lines of actions, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/action_json.h"

namespace deltalakedb::protocol::testing_lines {

inline constexpr FileDetail kEveryDetail[] = {FileDetail::kIdentity, FileDetail::kWithoutStats,
                                              FileDetail::kAll};

// Parses lines that lie in memory as the parser may expect it and no better: padding of its own
// size that holds anything, and nothing after it.
class Lines {
 public:
  Result<Action> Parse(std::string_view line, FileDetail detail = FileDetail::kAll) {
    const auto memory = std::make_unique<char[]>(line.size() + kLinePaddingBytes);
    std::memcpy(memory.get(), line.data(), line.size());
    std::memset(memory.get() + line.size(), padding_, kLinePaddingBytes);
    return parser_.Parse({memory.get(), line.size()}, detail, arena_);
  }

  // The action of a line that has to be right. Its texts live as long as this.
  template <typename T>
  T Get(std::string_view line, FileDetail detail = FileDetail::kAll) {
    Result<Action> action = Parse(line, detail);
    if (!action) {
      ADD_FAILURE() << action.error().message() << ": " << line;
      return T();
    }
    if (!std::holds_alternative<T>(*action)) {
      ADD_FAILURE() << "another action: " << line;
      return T();
    }
    return std::get<T>(*std::move(action));
  }

  void SetPadding(char padding) { padding_ = padding; }

 private:
  ActionParser parser_;
  Arena arena_;
  char padding_ = '"';
};

// The message about a line that has to be refused.
inline std::string Refusal(std::string_view line, FileDetail detail = FileDetail::kAll) {
  Lines lines;
  const auto action = lines.Parse(line, detail);
  if (action) return "taken";
  EXPECT_EQ(action.error().code(), ErrorCode::kCorrupt);
  return action.error().message();
}

inline std::string Envelope(std::string_view name, std::string_view object) {
  return "{\"" + std::string(name) + "\":" + std::string(object) + "}";
}

inline constexpr std::string_view kFullAdd =
    R"({"add":{"path":"day=2024-01-02/a%20b.parquet","partitionValues":{"day":"2024-01-02",)"
    R"("none":null,"empty":""},"size":9223372036854775807,"modificationTime":-1,)"
    R"("dataChange":true,"stats":"{\"numRecords\":3}","tags":{"ZCUBE":"1","none":null},)"
    R"("deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^",)"
    R"("offset":4,"sizeInBytes":40,"cardinality":6},"baseRowId":0,)"
    R"("defaultRowCommitVersion":5,"clusteringProvider":"liquid"}})";

inline constexpr std::string_view kMinimalAdd =
    R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,"dataChange":false}})";

}  // namespace deltalakedb::protocol::testing_lines
