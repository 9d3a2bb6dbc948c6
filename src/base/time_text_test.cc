#include "base/time_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

namespace deltalakedb::base {
namespace {

using ::testing::HasSubstr;

// 2024-01-02T03:04:05Z, by `date --date=2024-01-02T03:04:05Z +%s`.
constexpr std::int64_t kSecondMs = 1'704'164'645'000;

std::int64_t DownMs(std::string_view text) {
  const Result<Timestamp> parsed = ParseRfc3339(text, Rounding::kDown);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << parsed.error().message();
  return parsed ? parsed->ms() : std::numeric_limits<std::int64_t>::min();
}

std::int64_t UpMs(std::string_view text) {
  return ParseRfc3339(text, Rounding::kUp).value_or(Timestamp(-1)).ms();
}

std::string Complaint(std::string_view text) {
  const Result<Timestamp> parsed = ParseRfc3339(text, Rounding::kDown);
  if (parsed) return "no complaint about " + std::string(text);
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  return parsed.error().message();
}

TEST(TimeTextTest, Utc_IsRead) {
  EXPECT_EQ(DownMs("2024-01-02T03:04:05Z"), kSecondMs);
  EXPECT_EQ(DownMs("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(DownMs("1969-12-31T23:59:59Z"), -1000);
  EXPECT_EQ(DownMs("2024-02-29T00:00:00Z"), 1'709'164'800'000);
}

TEST(TimeTextTest, LowerCaseLetters_AreRead) {
  EXPECT_EQ(DownMs("2024-01-02t03:04:05z"), kSecondMs);
}

TEST(TimeTextTest, Offset_IsTakenOff) {
  EXPECT_EQ(DownMs("2024-01-02T05:04:05+02:00"), kSecondMs);
  EXPECT_EQ(DownMs("2024-01-01T21:34:05-05:30"), kSecondMs);
  EXPECT_EQ(DownMs("2024-01-02T03:04:05-00:00"), kSecondMs);
}

TEST(TimeTextTest, Fraction_GoesWhereItIsAsked) {
  EXPECT_EQ(DownMs("2024-01-02T03:04:05.6Z"), kSecondMs + 600);
  EXPECT_EQ(DownMs("2024-01-02T03:04:05.678Z"), kSecondMs + 678);
  EXPECT_EQ(UpMs("2024-01-02T03:04:05.678Z"), kSecondMs + 678);
  EXPECT_EQ(DownMs("2024-01-02T03:04:05.678000001Z"), kSecondMs + 678);
  EXPECT_EQ(UpMs("2024-01-02T03:04:05.678000001Z"), kSecondMs + 679);
  EXPECT_EQ(UpMs("2024-01-02T03:04:05.999999999Z"), kSecondMs + 1000);
}

TEST(TimeTextTest, FractionBefore1970_StillGoesDownInTime) {
  EXPECT_EQ(DownMs("1969-12-31T23:59:59.9995Z"), -1);
  EXPECT_EQ(UpMs("1969-12-31T23:59:59.9995Z"), 0);
}

TEST(TimeTextTest, LeapSecond_IsTheSecondAfterIt) {
  EXPECT_EQ(DownMs("2016-12-31T23:59:60Z"), DownMs("2017-01-01T00:00:00Z"));
  EXPECT_EQ(DownMs("2017-01-01T00:59:60+01:00"), DownMs("2017-01-01T00:00:00Z"));
  EXPECT_EQ(DownMs("2015-06-30T23:59:60Z"), DownMs("2015-07-01T00:00:00Z"));
  EXPECT_THAT(Complaint("2016-12-31T22:59:60Z"), HasSubstr("second 60"));
  EXPECT_THAT(Complaint("2016-10-31T23:59:60Z"), HasSubstr("second 60"));
}

TEST(TimeTextTest, WrongPart_IsNamed) {
  EXPECT_THAT(Complaint(""), HasSubstr("year needs 4 digits"));
  EXPECT_THAT(Complaint("24-01-02T03:04:05Z"), HasSubstr("year needs 4 digits"));
  EXPECT_THAT(Complaint("2024/01/02T03:04:05Z"), HasSubstr("'-' is missing after the year"));
  EXPECT_THAT(Complaint("2024-1-02T03:04:05Z"), HasSubstr("month needs 2 digits"));
  EXPECT_THAT(Complaint("2024-13-02T03:04:05Z"), HasSubstr("month 13 is not in 1..12"));
  EXPECT_THAT(Complaint("2024-01-00T03:04:05Z"), HasSubstr("day 0 is not in 1..31"));
  EXPECT_THAT(Complaint("2023-02-29T03:04:05Z"), HasSubstr("no day 29 in 2023-02"));
  EXPECT_THAT(Complaint("2024-01-02"), HasSubstr("'T' is missing"));
  EXPECT_THAT(Complaint("2024-01-02 03:04:05Z"), HasSubstr("'T' is missing"));
  EXPECT_THAT(Complaint("2024-01-02T24:00:00Z"), HasSubstr("hour 24 is not in 0..23"));
  EXPECT_THAT(Complaint("2024-01-02T03:60:00Z"), HasSubstr("minute 60 is not in 0..59"));
  EXPECT_THAT(Complaint("2024-01-02T03:04Z"), HasSubstr("':' is missing after the minute"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:61Z"), HasSubstr("second 61 is not in 0..60"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05"), HasSubstr("Z or in an offset"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05 Z"), HasSubstr("Z or in an offset"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05.Z"), HasSubstr("has no digits"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05,5Z"), HasSubstr("Z or in an offset"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05.1234567890Z"), HasSubstr("more than nine digits"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05+2:00"), HasSubstr("offset's hour needs 2 digits"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05+24:00"), HasSubstr("offset's hour 24"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05+0200"), HasSubstr("':' is missing in the offset"));
  EXPECT_THAT(Complaint("2024-01-02T03:04:05Z "), HasSubstr("follows after the time"));
  EXPECT_THAT(Complaint("+2024-01-02T03:04:05Z"), HasSubstr("year needs 4 digits"));
}

TEST(TimeTextTest, Format_HasMilliseconds) {
  EXPECT_EQ(FormatRfc3339(Timestamp(kSecondMs + 7)), "2024-01-02T03:04:05.007Z");
  EXPECT_EQ(FormatRfc3339(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(TimeTextTest, FormatOutsideOfFourDigitYears_GivesTheNumber) {
  EXPECT_EQ(FormatRfc3339(Timestamp(253'402'300'799'999)), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339(Timestamp(253'402'300'800'000)), "253402300800000 ms since 1970");
  EXPECT_EQ(FormatRfc3339(Timestamp(-62'167'219'200'000)), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(Timestamp(-62'167'219'200'001)), "-62167219200001 ms since 1970");
  EXPECT_EQ(FormatRfc3339(Timestamp(std::numeric_limits<std::int64_t>::min())),
            "-9223372036854775808 ms since 1970");
}

TEST(TimeTextTest, FormattedMoment_ReadsBack) {
  std::mt19937_64 random(20240102);
  std::uniform_int_distribution<std::int64_t> moments(-62'167'219'200'000, 253'402'300'799'999);
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t ms = moments(random);
    const std::string text = FormatRfc3339(Timestamp(ms));
    ASSERT_EQ(DownMs(text), ms) << text;
    ASSERT_EQ(UpMs(text), ms) << text;
  }
}

}  // namespace
}  // namespace deltalakedb::base
