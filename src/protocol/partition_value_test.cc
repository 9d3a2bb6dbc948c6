#include "protocol/partition_value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace deltalakedb::protocol {
namespace {

const DataType kString = DataType::Simple(TypeKind::kString);
const DataType kByte = DataType::Simple(TypeKind::kByte);
const DataType kShort = DataType::Simple(TypeKind::kShort);
const DataType kInteger = DataType::Simple(TypeKind::kInteger);
const DataType kLong = DataType::Simple(TypeKind::kLong);
const DataType kFloat = DataType::Simple(TypeKind::kFloat);
const DataType kDouble = DataType::Simple(TypeKind::kDouble);
const DataType kBoolean = DataType::Simple(TypeKind::kBoolean);
const DataType kBinary = DataType::Simple(TypeKind::kBinary);
const DataType kDate = DataType::Simple(TypeKind::kDate);
const DataType kTimestamp = DataType::Simple(TypeKind::kTimestamp);
const DataType kTimestampNtz = DataType::Simple(TypeKind::kTimestampNtz);

Result<PartitionValue> Parse(const DataType& type, std::string_view text) {
  return PartitionValue::Parse({.name = "p", .type = type}, text);
}

PartitionValue Parsed(const DataType& type, std::string_view text) {
  Result<PartitionValue> value = Parse(type, text);
  EXPECT_TRUE(value) << value.error().message();
  return *std::move(value);
}

template <typename T>
T Get(const DataType& type, std::string_view text) {
  return std::get<T>(Parsed(type, text).value());
}

std::string Normal(const DataType& type, std::string_view text) {
  return Parsed(type, text).NormalText().value_or("null");
}

std::int64_t Micros(const DataType& type, std::string_view text) {
  return Get<PartitionTimestamp>(type, text).micros;
}

void ExpectCorrupt(const DataType& type, const std::vector<std::string_view>& texts) {
  for (const std::string_view text : texts) {
    const Result<PartitionValue> value = Parse(type, text);
    ASSERT_FALSE(value) << type.ToText() << " took " << text;
    EXPECT_EQ(value.error().code(), ErrorCode::kCorrupt) << text;
  }
}

TEST(PartitionValue, NullAndEmptyText_AreNullForEveryType) {
  for (const DataType* const type : {&kString, &kLong, &kDouble, &kBoolean, &kDate, &kTimestamp}) {
    const auto absent = PartitionValue::Parse({.name = "p", .type = *type}, std::nullopt);
    ASSERT_TRUE(absent);
    EXPECT_TRUE(absent->is_null());
    EXPECT_EQ(absent->NormalText(), std::nullopt);
    EXPECT_EQ(*absent, Parsed(*type, ""));
  }
  EXPECT_TRUE(Parsed(DataType::Simple(TypeKind::kVoid), "").is_null());
}

TEST(PartitionValue, Strings_StayAsTheyAre) {
  EXPECT_EQ(Get<std::string>(kString, " a%20b=é "), " a%20b=é ");
  EXPECT_EQ(Get<std::string>(kBinary, "\x01\x02\x7f"), "\x01\x02\x7f");
  EXPECT_EQ(Normal(kString, "007"), "007");
}

TEST(PartitionValue, IntegersAtTheirLimits_AreRead) {
  EXPECT_EQ(Get<std::int64_t>(kByte, "-128"), -128);
  EXPECT_EQ(Get<std::int64_t>(kByte, "127"), 127);
  EXPECT_EQ(Get<std::int64_t>(kShort, "-32768"), -32768);
  EXPECT_EQ(Get<std::int64_t>(kInteger, "2147483647"), 2147483647);
  EXPECT_EQ(Get<std::int64_t>(kLong, "-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(Normal(kLong, "+0042"), "42");
  EXPECT_EQ(Normal(kLong, "-0"), "0");
}

TEST(PartitionValue, TextsThatAreNoIntegers_AreCorrupt) {
  ExpectCorrupt(kByte, {"128", "-129"});
  ExpectCorrupt(kShort, {"32768"});
  ExpectCorrupt(kInteger, {"2147483648", "-2147483649"});
  ExpectCorrupt(kLong, {"9223372036854775808", "1.0", "1e3", " 1", "1 ", "+", "-", "+-1", "--1",
                        "0x10", "1_000", "one"});
}

TEST(PartitionValue, FloatsInJavasForms_AreRead) {
  EXPECT_EQ(Get<double>(kDouble, "1.0E10"), 1e10);
  EXPECT_EQ(Get<double>(kDouble, "-1.5e-3"), -1.5e-3);
  EXPECT_EQ(Get<double>(kDouble, "4.9E-324"), 4.9e-324);
  EXPECT_EQ(Get<double>(kDouble, "1.7976931348623157E308"), std::numeric_limits<double>::max());
  EXPECT_EQ(Get<double>(kDouble, "Infinity"), HUGE_VAL);
  EXPECT_EQ(Get<double>(kDouble, "-Infinity"), -HUGE_VAL);
  EXPECT_EQ(Get<double>(kDouble, "-inf"), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(Get<double>(kDouble, "NaN")));
  EXPECT_EQ(Get<float>(kFloat, "0.1"), 0.1F);
  EXPECT_EQ(Get<float>(kFloat, "3.4028235E38"), std::numeric_limits<float>::max());
}

TEST(PartitionValue, FloatsOfOneValue_HaveOneNormalText) {
  EXPECT_EQ(Normal(kDouble, "100"), "100.0");
  EXPECT_EQ(Normal(kDouble, "1E2"), "100.0");
  EXPECT_EQ(Normal(kDouble, "+1.00"), "1.0");
  EXPECT_EQ(Normal(kDouble, "-0.0"), "0.0");
  EXPECT_EQ(Normal(kDouble, ".5"), "0.5");
  EXPECT_EQ(Normal(kDouble, "nan"), "NaN");
  EXPECT_EQ(Normal(kDouble, "+INF"), "Infinity");
  EXPECT_EQ(Parsed(kDouble, "NaN"), Parsed(kDouble, "-nan"));
  EXPECT_EQ(Parsed(kDouble, "-0"), Parsed(kDouble, "0"));
}

TEST(PartitionValue, NormalTextOfFloats_IsJavas) {
  EXPECT_EQ(Normal(kDouble, "9999999"), "9999999.0");
  EXPECT_EQ(Normal(kDouble, "10000000"), "1.0E7");
  EXPECT_EQ(Normal(kDouble, "12345678.9"), "1.23456789E7");
  EXPECT_EQ(Normal(kDouble, "123.456"), "123.456");
  EXPECT_EQ(Normal(kDouble, "0.001"), "0.001");
  EXPECT_EQ(Normal(kDouble, "-0.00999"), "-0.00999");
  EXPECT_EQ(Normal(kDouble, "0.000999"), "9.99E-4");
  EXPECT_EQ(Normal(kDouble, "5e-324"), "5.0E-324");
  EXPECT_EQ(Normal(kFloat, "0.1"), "0.1");
  EXPECT_EQ(Normal(kFloat, "16777217"), "1.6777216E7");
}

TEST(PartitionValue, TextsThatAreNoFloats_AreCorrupt) {
  ExpectCorrupt(kDouble, {"1e400", "1e-400", "1.0f", "0x1p3", ".", "e5", "1e", "+-1", " 1", "1 ",
                          "infinite", "nan(1)", "--1"});
  ExpectCorrupt(kFloat, {"1e39", "1e-50"});
}

TEST(PartitionValue, Decimals_AreScaled) {
  const DataType type = DataType::Decimal(12, 5);
  EXPECT_EQ(Get<PartitionDecimal>(type, "-2342342.23423").unscaled, Int128{-234234223423});
  EXPECT_EQ(Get<PartitionDecimal>(type, "0.00004").unscaled, Int128{4});
  EXPECT_EQ(Normal(type, "0.00004"), "0.00004");
  EXPECT_EQ(Normal(type, "4E-5"), "0.00004");
  EXPECT_EQ(Normal(type, "-.5"), "-0.50000");
  EXPECT_EQ(Normal(type, "1E+2"), "100.00000");
  EXPECT_EQ(Normal(type, "0001234567.8900000000"), "1234567.89000");
  EXPECT_EQ(Normal(type, "0E-18"), "0.00000");
  EXPECT_EQ(Normal(type, "-0"), "0.00000");
  EXPECT_EQ(Normal(DataType::Decimal(3, 0), "1.20e2"), "120");
  EXPECT_EQ(Normal(DataType::Decimal(3, 3), "0.999"), "0.999");
  EXPECT_EQ(Normal(DataType::Decimal(1, 0), "0"), "0");
}

TEST(PartitionValue, DecimalsOf38Digits_AreExact) {
  const std::string nines(38, '9');
  const DataType whole = DataType::Decimal(38, 0);
  EXPECT_EQ(Normal(whole, nines), nines);
  EXPECT_EQ(Normal(whole, "-" + nines), "-" + nines);
  EXPECT_EQ(Normal(DataType::Decimal(38, 38), "0." + nines), "0." + nines);
  EXPECT_EQ(Normal(DataType::Decimal(38, 18), "200.000000000000000000"), "200.000000000000000000");
  ExpectCorrupt(whole, {"100000000000000000000000000000000000000", "1e38"});
}

TEST(PartitionValue, TextsThatDoNotFitTheDecimal_AreCorrupt) {
  ExpectCorrupt(DataType::Decimal(5, 2),
                {"1000", "1e3", "0.001", "1e-3", "1,5", ".", "e5", "1e", "1e+", "NaN", "1.2.3",
                 " 1", "+-1", "1e99999999999", "1e2147483647"});
}

TEST(PartitionValue, Booleans_AreReadInAnyCase) {
  EXPECT_TRUE(Get<bool>(kBoolean, "true"));
  EXPECT_FALSE(Get<bool>(kBoolean, "False"));
  EXPECT_EQ(Normal(kBoolean, "TRUE"), "true");
  ExpectCorrupt(kBoolean, {"1", "0", "yes", "t", "truee", " true"});
}

TEST(PartitionValue, Dates_AreDaysOfTheProlepticGregorianCalendar) {
  EXPECT_EQ(Get<PartitionDate>(kDate, "1970-01-01").days, 0);
  EXPECT_EQ(Get<PartitionDate>(kDate, "1969-12-31").days, -1);
  EXPECT_EQ(Get<PartitionDate>(kDate, "2024-02-29").days, 19782);
  EXPECT_EQ(Get<PartitionDate>(kDate, "0001-01-01").days, -719162);
  EXPECT_EQ(Get<PartitionDate>(kDate, "9999-12-31").days, 2932896);
  EXPECT_EQ(Get<PartitionDate>(kDate, "1582-10-10").days, -141432);
  EXPECT_EQ(Normal(kDate, "0001-01-01"), "0001-01-01");
}

TEST(PartitionValue, TextsThatAreNoDates_AreCorrupt) {
  ExpectCorrupt(
      kDate, {"0000-12-31", "10000-01-01", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-01",
              "2024-04-31", "2024-01-00", "2024-1-1", "24-01-01", "20240101", "2024-01-01 ",
              "2024-01-01T00:00:00Z", "-001-01-01", "2024/01/01"});
}

TEST(PartitionValue, TimestampsInEveryForm_AreTheSameInstant) {
  const PartitionValue expected = Parsed(kTimestamp, "2013-07-05T17:01:00.123456Z");
  EXPECT_EQ(std::get<PartitionTimestamp>(expected.value()).micros, 1373043660123456);
  for (const std::string_view text :
       {"2013-07-05 17:01:00.123456", "2013-07-05T17:01:00.123456", "2013-07-05 17:01:00.123456Z",
        "2013-07-05T19:01:00.123456+02:00", "2013-07-05T11:31:00.123456-05:30",
        "2013-07-05T17:01:00.123456000Z"}) {
    EXPECT_EQ(Parsed(kTimestamp, text), expected) << text;
    EXPECT_EQ(Normal(kTimestamp, text), "2013-07-05T17:01:00.123456Z") << text;
  }
}

TEST(PartitionValue, TimestampsWithoutZone_SayThatUtcIsAssumed) {
  EXPECT_TRUE(Get<PartitionTimestamp>(kTimestamp, "2020-01-01 08:09:10.001").zone_assumed);
  EXPECT_FALSE(Get<PartitionTimestamp>(kTimestamp, "2020-01-01 08:09:10.001Z").zone_assumed);
  EXPECT_FALSE(Get<PartitionTimestamp>(kTimestampNtz, "2020-01-01 08:09:10.001").zone_assumed);
}

TEST(PartitionValue, Fractions_AreMicroseconds) {
  EXPECT_EQ(Micros(kTimestamp, "1970-01-01 00:00:00.1"), 100'000);
  EXPECT_EQ(Micros(kTimestamp, "1970-01-01 00:00:00.001"), 1'000);
  EXPECT_EQ(Micros(kTimestamp, "1969-12-31 23:59:59.999999"), -1);
  EXPECT_EQ(Normal(kTimestamp, "1969-12-31 23:59:59.5"), "1969-12-31T23:59:59.500000Z");
  EXPECT_EQ(Micros(kTimestampNtz, "1970-01-01T00:00:01"), 1'000'000);
  EXPECT_EQ(Normal(kTimestampNtz, "2021-09-08 11:11:11"), "2021-09-08 11:11:11.000000");
}

TEST(PartitionValue, TimestampsAtTheLimits_AreRead) {
  EXPECT_EQ(Normal(kTimestamp, "0001-01-01T00:00:00Z"), "0001-01-01T00:00:00.000000Z");
  EXPECT_EQ(Normal(kTimestamp, "9999-12-31T23:59:59.999999Z"), "9999-12-31T23:59:59.999999Z");
  ExpectCorrupt(kTimestamp, {"0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"});
}

TEST(PartitionValue, TextsThatAreNoTimestamps_AreCorrupt) {
  ExpectCorrupt(kTimestamp,
                {"2016-12-31 23:59:60", "2020-01-01 24:00:00", "2020-01-01 00:60:00", "2020-01-01",
                 "2020-01-01 ", "2020-01-01 00:00", "2020-01-01 00:00:00.", "2020-01-01 0:00:00",
                 "2020-01-01 00:00:00.0000001", "2020-01-01t00:00:00z", "2020-01-01T00:00:00 Z",
                 "2020-01-01T00:00:00+0100", "2020-01-01T00:00:00+19:00",
                 "2020-01-01T00:00:00+01:60", "2020-01-01T00:00:00Zx",
                 "2020-01-01T00:00:00 Europe/Paris", "1577836800", "2020-02-30 00:00:00"});
  ExpectCorrupt(kTimestampNtz, {"2020-01-01T00:00:00Z", "2020-01-01 00:00:00+00:00"});
}

TEST(PartitionValue, ValuesOfDifferentTypes_AreNotEqual) {
  EXPECT_FALSE(Parsed(kLong, "1") == Parsed(kInteger, "1"));
  EXPECT_FALSE(Parsed(kLong, "1") == Parsed(kLong, "2"));
  EXPECT_FALSE(Parsed(kLong, "1") == Parsed(kLong, ""));
}

TEST(PartitionValue, ColumnOfAnotherType_IsUnsupported) {
  for (const TypeKind kind : {TypeKind::kVariant, TypeKind::kVoid}) {
    const Result<PartitionValue> value = Parse(DataType::Simple(kind), "1");
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code(), ErrorCode::kUnsupported);
  }
}

TEST(PartitionValue, ValueOfARow_HasTheTextThatParseReadsBack) {
  const DataType decimal = DataType::Decimal(4, 2);
  const auto text = [](const DataType& type, PartitionValue::Value value) {
    return PartitionValue::Of({.name = "p", .type = type}, std::move(value))->NormalText();
  };
  EXPECT_EQ(text(kDouble, 1e10), "1.0E10");
  EXPECT_EQ(text(kFloat, -std::numeric_limits<float>::infinity()), "-Infinity");
  EXPECT_EQ(text(decimal, PartitionDecimal{.unscaled = -5, .scale = 2}), "-0.05");
  EXPECT_EQ(text(kTimestamp, PartitionTimestamp{.micros = -1}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(text(kDate, PartitionDate{.days = 2'932'896}), "9999-12-31");
  EXPECT_EQ(text(kString, std::string()), std::nullopt);
  EXPECT_EQ(text(kLong, std::monostate()), std::nullopt);
}

TEST(PartitionValue, RowBeyondTheYearsThatHaveAText_IsRefused) {
  for (const auto& [type, value] : std::vector<std::pair<DataType, PartitionValue::Value>>{
           {kDate, PartitionDate{.days = 2'932'897}},
           {kDate, PartitionDate{.days = -719'163}},
           {kTimestamp, PartitionTimestamp{.micros = std::numeric_limits<std::int64_t>::max()}},
           {kTimestampNtz, PartitionTimestamp{.micros = -62'135'596'800'000'001}}}) {
    const auto made = PartitionValue::Of({.name = "p", .type = type}, value);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(made.error().FindFact("column"), nullptr);
  }
  EXPECT_FALSE(PartitionValue::Of({.name = "p", .type = DataType::Simple(TypeKind::kVariant)},
                                  std::string("x")));
}

TEST(PartitionValue, Error_NamesColumnTypeAndText) {
  const DataType type = DataType::Decimal(3, 1);
  const auto value = PartitionValue::Parse({.name = "price", .type = type}, "12345");
  ASSERT_FALSE(value);
  EXPECT_EQ(std::get<std::string>(*value.error().FindFact("column")), "price");
  EXPECT_EQ(std::get<std::string>(*value.error().FindFact("type")), "decimal(3,1)");
  EXPECT_EQ(std::get<std::string>(*value.error().FindFact("text")), "12345");
  for (const std::string_view part : {"price", "decimal(3,1)", "12345"}) {
    EXPECT_NE(value.error().message().find(part), std::string::npos) << value.error().message();
  }
}

}  // namespace
}  // namespace deltalakedb::protocol
