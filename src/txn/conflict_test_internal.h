// Commits that meet, for tests of the conflict rules.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "txn/conflict.h"

namespace deltalakedb::txn::testing_conflict {

using protocol::StagedActions;

using Lines = std::vector<std::string>;
using Names = std::vector<std::string>;

inline constexpr std::string_view kRoot = "file:/t";
inline constexpr auto kSerializable = IsolationLevel::kSerializable;
inline constexpr auto kWriteSerializable = IsolationLevel::kWriteSerializable;
inline constexpr auto kSnapshotIsolation = IsolationLevel::kSnapshotIsolation;

inline std::string Add(std::string_view path, std::string_view day = "",
                       std::string_view more = "") {
  return R"({"add":{"path":")" + std::string(path) + R"(","partitionValues":{)" +
         (day.empty() ? "" : R"("day":")" + std::string(day) + "\"") +
         R"(},"size":1,"modificationTime":2,"dataChange":true)" + std::string(more) + "}}";
}
inline std::string Moved(std::string_view path) {
  return R"({"add":{"path":")" + std::string(path) +
         R"(","partitionValues":{},"size":1,"modificationTime":2,"dataChange":false}})";
}
inline std::string Remove(std::string_view path, bool data_change = true,
                          std::string_view day = "") {
  return R"({"remove":{"path":")" + std::string(path) + R"(","dataChange":)" +
         (data_change ? "true" : "false") +
         (day.empty() ? "" : R"(,"partitionValues":{"day":")" + std::string(day) + "\"}") + "}}";
}
inline std::string Domain(std::string_view domain, std::string_view configuration = "") {
  std::string escaped;
  for (const char c : configuration) escaped += c == '"' ? "\\\"" : std::string(1, c);
  return R"({"domainMetadata":{"domain":")" + std::string(domain) + R"(","configuration":")" +
         escaped + R"(","removed":false}})";
}
inline std::string Txn(std::string_view app) {
  return R"({"txn":{"appId":")" + std::string(app) + R"(","version":1}})";
}
inline std::string Info(std::string_view operation, bool is_blind) {
  return R"({"commitInfo":{"operation":")" + std::string(operation) + R"(","isBlindAppend":)" +
         (is_blind ? "true" : "false") + "}}";
}
inline const std::string kBlind = Info("WRITE", true);
inline const std::string kNotBlind = Info("MERGE", false);

inline Protocol Versions(std::int32_t reader, std::int32_t writer) {
  return {reader, writer, std::nullopt, std::nullopt, {}};
}
inline Protocol Features(Names writer_features, Names reader_features = {}) {
  for (const std::string& feature : reader_features) writer_features.push_back(feature);
  return {3, 7, std::move(reader_features), std::move(writer_features), {}};
}
inline Metadata Table(Names partition_columns = {}) {
  Metadata metadata;
  metadata.id = "i";
  metadata.schema_string =
      R"({"type":"struct","fields":[{"name":"day","type":"string","nullable":true,"metadata":{}}]})";
  metadata.partition_columns = std::move(partition_columns);
  return metadata;
}

class ConflictTest : public testing::Test {
 protected:
  ConflictTest() {
    state_.version = Version(4);
    state_.timestamp = Timestamp(1000);
    state_.protocol = Versions(1, 2);
    state_.metadata = Table();
  }

  static StagedActions Stage(const Lines& lines) {
    StagedActions staged;
    for (const std::string& line : lines) {
      const auto taken = staged.Take(line, 1);
      EXPECT_TRUE(taken.has_value()) << taken.error().message();
    }
    return staged;
  }

  CommitSummary Winner(const Lines& lines) const {
    std::string body;
    for (const std::string& line : lines) body += line + "\n";
    auto summary = SummarizeCommit(state_.version.next(), body, kRoot);
    EXPECT_TRUE(summary.has_value()) << summary.error().message();
    return summary ? *std::move(summary) : CommitSummary();
  }

  Result<Rebase> Check(const StagedActions& staged, const CommitSummary& winner) const {
    const auto base = StandOn(state_);
    EXPECT_TRUE(base.has_value());
    return CheckConflicts({staged, reads_, *base, isolation_, operation_, kRoot}, winner);
  }
  Result<Rebase> Check(const Lines& mine, const Lines& winner) const {
    return Check(Stage(mine), Winner(winner));
  }

  // The conflict's name; "" for none.
  static std::string Verdict(const Result<Rebase>& checked) {
    if (checked) {
      EXPECT_EQ(checked->version, Version(5));
      return "";
    }
    EXPECT_EQ(checked.error().code(), ErrorCode::kConflict) << checked.error().message();
    EXPECT_EQ(Fact(checked, "version"), "5");
    return Fact(checked, "conflict");
  }
  std::string Verdict(const Lines& mine, const Lines& winner) const {
    return Verdict(Check(mine, winner));
  }

  static std::string Fact(const Result<Rebase>& checked, std::string_view name) {
    const Error::FactValue* const fact = checked.error().FindFact(name);
    if (fact == nullptr) return "no such fact";
    const auto* const text = std::get_if<std::string>(fact);
    return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(*fact));
  }

  TableState state_;
  TransactionReads reads_;
  IsolationLevel isolation_ = kSerializable;
  std::string operation_ = "WRITE";
};

}  // namespace deltalakedb::txn::testing_conflict
