#include "deltalakedb/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/try.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"

namespace deltalakedb {
namespace {

constexpr ErrorCode kAllCodes[] = {
    ErrorCode::kInvalidArgument, ErrorCode::kNotFound,
    ErrorCode::kAlreadyExists,   ErrorCode::kConflict,
    ErrorCode::kUnsupported,     ErrorCode::kCorrupt,
    ErrorCode::kPermission,      ErrorCode::kBusy,
    ErrorCode::kUnavailable,     ErrorCode::kIo,
    ErrorCode::kLimitExceeded,   ErrorCode::kCancelled,
    ErrorCode::kInDoubt,         ErrorCode::kInternal,
};

TEST(ErrorTest, Codes_HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const ErrorCode code : kAllCodes) names.insert(ErrorCodeName(code));
  EXPECT_EQ(names.size(), std::size(kAllCodes));
  EXPECT_EQ(ErrorCodeName(ErrorCode::kLimitExceeded), "LimitExceeded");
}

TEST(ErrorTest, OnlyPassingStates_AreWorthARetry) {
  for (const ErrorCode code : kAllCodes) {
    const bool passes = code == ErrorCode::kBusy || code == ErrorCode::kUnavailable;
    EXPECT_EQ(AdviceFor(code), passes ? RetryAdvice::kLater : RetryAdvice::kNever)
        << ErrorCodeName(code);
  }
}

TEST(ErrorTest, FactAddedFirst_IsKept) {
  Error error(ErrorCode::kCorrupt, "broken");
  error.AddFact("line", 3).AddFact("file", "a.json").AddFact("line", 9);
  ASSERT_EQ(error.facts().size(), 2U);
  EXPECT_EQ(*error.FindFact("line"), Error::FactValue(std::int64_t{3}));
  EXPECT_EQ(*error.FindFact("file"), Error::FactValue("a.json"));
  EXPECT_EQ(error.FindFact("version"), nullptr);
}

TEST(ErrorTest, Contexts_LeadFromTheOutsideIn) {
  Error error(ErrorCode::kIo, "disk full");
  error.AddContext("writing a.json").AddContext("publishing version 12");
  EXPECT_EQ(error.message(), "publishing version 12: writing a.json: disk full");
  EXPECT_EQ(error.code(), ErrorCode::kIo);
}

TEST(ErrorTest, Temporaries_TakeFactsAndContextsToo) {
  const Error error = Error(ErrorCode::kNotFound, "gone").With("version", 4).In("reading");
  EXPECT_EQ(error.message(), "reading: gone");
  EXPECT_EQ(*error.FindFact("version"), Error::FactValue(std::int64_t{4}));
}

Result<int> Half(int number) {
  if (number % 2 != 0) return Fail(ErrorCode::kInvalidArgument, "odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  DELTALAKEDB_ASSIGN(const int half, Half(number));
  int quarter = 0;
  DELTALAKEDB_ASSIGN(quarter, Half(half));
  DELTALAKEDB_TRY(Half(quarter * 2));
  return quarter;
}

TEST(TryTest, FirstFailure_IsReturned) {
  EXPECT_EQ(Quarter(12), 3);
  EXPECT_EQ(Quarter(6).error().message(), "odd");
  EXPECT_EQ(Quarter(3).error().code(), ErrorCode::kInvalidArgument);
}

TEST(LogSinkTest, NullSink_TakesEverything) {
  NullLogSink().Write(LogLevel::kWarning, "nobody hears this");
  EXPECT_EQ(&NullLogSink(), &NullLogSink());
}

}  // namespace
}  // namespace deltalakedb
