#include "expr/predicate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace deltalakedb::expr {
namespace {

using protocol::ColumnFacts;
using protocol::PartitionDate;
using protocol::PartitionDecimal;
using protocol::PartitionTimestamp;
using FactValue = protocol::PartitionValue::Value;
using Facts = std::map<Predicate::ColumnPath, ColumnFacts>;

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

Schema TestSchema() {
  std::string fields;
  const auto add = [&](std::string_view name, std::string_view type) {
    fields += fmt::format(R"({}{{"name":"{}","type":{},"nullable":true,"metadata":{{}}}})",
                          fields.empty() ? "" : ",", name, type);
  };
  add("i", "\"integer\"");
  add("l", "\"long\"");
  add("f", "\"float\"");
  add("r", "\"double\"");
  add("dec", "\"decimal(10,2)\"");
  add("s", "\"string\"");
  add("b", "\"boolean\"");
  add("day", "\"date\"");
  add("ts", "\"timestamp\"");
  add("ntz", "\"timestamp_ntz\"");
  add("bin", "\"binary\"");
  add("Odd Name", "\"long\"");
  add("v", "\"void\"");
  add("st",
      R"({"type":"struct","fields":[{"name":"X","type":"long","nullable":true,"metadata":{}}]})");
  add("m", R"({"type":"map","keyType":"string","valueType":"long","valueContainsNull":true})");
  add("list", R"({"type":"array","elementType":"long","containsNull":true})");
  return *Schema::Parse(fmt::format(R"({{"type":"struct","fields":[{}]}})", fields));
}

ColumnFacts Between(FactValue min, FactValue max, std::int64_t nulls = 0) {
  return {.min = std::move(min),
          .max = std::move(max),
          .null_count = nulls,
          .num_rows = 10,
          .may_have_nan = false};
}

// none, some or all; what went wrong otherwise.
std::string Decide(const std::string& text, const Facts& facts) {
  const auto predicate = Predicate::Parse(text, TestSchema());
  if (!predicate) return predicate.error().message();
  const Match match = predicate->Evaluate([&](const Predicate::ColumnPath& path) {
    const auto found = facts.find(path);
    return found == facts.end() ? ColumnFacts{} : found->second;
  });
  return match == Match::kNone ? "none" : match == Match::kAll ? "all" : "some";
}

std::string Decide(const std::string& text, const std::string& column, const ColumnFacts& facts) {
  return Decide(text, Facts{{{column}, facts}});
}

struct Case {
  std::string text;
  std::string expected;
};

void ExpectDecisions(const Facts& facts, const std::vector<Case>& cases) {
  for (const auto& [text, expected] : cases) EXPECT_EQ(Decide(text, facts), expected) << text;
}

TEST(PredicateTest, ComparisonsOfIntegers_FollowTheBounds) {
  ExpectDecisions({{{"i"}, Between(std::int64_t{10}, std::int64_t{20})}},
                  {{"i > 20", "none"},
                   {"i >= 20", "some"},
                   {"i > 9", "all"},
                   {"I < 10", "none"},
                   {"10 > i", "none"},
                   {"21 > i", "all"},
                   {"i = 15", "some"},
                   {"i = 21", "none"},
                   {"i <> 21", "all"},
                   {"i != 15", "some"},
                   {"i BETWEEN 10 AND 20", "all"},
                   {"i NOT BETWEEN 10 AND 20", "none"},
                   {"i BETWEEN 21 AND 30", "none"},
                   {"i IN (1, 2, 30)", "none"},
                   {"i IN (1, 15)", "some"},
                   {"i NOT IN (1, 2, 30)", "all"},
                   {"i NOT IN (1, NULL)", "none"},
                   {"i > 20.5", "none"},
                   {"i > 9.99", "all"},
                   {"i > 20 OR i < 10", "none"},
                   {"i > 9 AND i < 21", "all"},
                   {"NOT (i > 20)", "all"},
                   {"i > -1", "all"},
                   {"i > -(-21)", "none"},
                   {"i > 10 + 10", "none"},
                   {"i > '20'", "none"},
                   {"i IN ('21', '22')", "none"},
                   {"i > 9e0", "all"},
                   {"i = NULL", "none"},
                   {"i IS NOT DISTINCT FROM 21", "none"},
                   {"i IS DISTINCT FROM 21", "all"},
                   {"i IS NOT DISTINCT FROM NULL", "none"},
                   {"(i > 20) IS TRUE", "none"},
                   {"(i > 20) IS NOT TRUE", "all"},
                   {"(i > 20) = false", "all"},
                   {"i IS NULL", "none"},
                   {"i IS NOT NULL", "all"},
                   {"i + 1 > 100", "some"},
                   {"i > l", "some"},
                   {"true", "all"},
                   {"false OR NULL", "none"},
                   {"1 = 1 AND i > 9", "all"},
                   {"i > 20 AND l = 3", "none"},
                   {"i > 9 OR l = 3", "all"},
                   {"i > 9 AND l = 3", "some"},
                   {"i > 99999999999999999999999999999", "none"},
                   {"i < 99999999999999999999999999999", "all"},
                   {"abs(i) > 3", "some"}});
}

TEST(PredicateTest, Nulls_AreNeitherTrueNorFalse) {
  const auto some = Between(std::int64_t{1}, std::int64_t{5}, 3);
  EXPECT_EQ(Decide("i > 0", "i", some), "some");
  EXPECT_EQ(Decide("i > 5", "i", some), "none");
  EXPECT_EQ(Decide("NOT (i > 5)", "i", some), "some");
  EXPECT_EQ(Decide("i > 0 OR i IS NULL", "i", some), "some");
  EXPECT_EQ(Decide("(i > 5) IS NOT TRUE", "i", some), "all");
  EXPECT_EQ(Decide("i IS NOT DISTINCT FROM 9", "i", some), "none");
  EXPECT_EQ(Decide("i IS DISTINCT FROM 9", "i", some), "all");
  const ColumnFacts all = {.min = {}, .max = {}, .null_count = 10, .num_rows = 10};
  EXPECT_EQ(Decide("i > 0", "i", all), "none");
  EXPECT_EQ(Decide("NOT (i > 0)", "i", all), "none");
  EXPECT_EQ(Decide("i IS NULL", "i", all), "all");
  EXPECT_EQ(Decide("i IS NOT NULL", "i", all), "none");
  EXPECT_EQ(Decide("i NOT IN (1, 2)", "i", all), "none");
  // Without the number of rows nobody knows whether others are there.
  EXPECT_EQ(Decide("i IS NULL", "i", {.min = {}, .max = {}, .null_count = 10, .num_rows = {}}),
            "some");
  EXPECT_EQ(Decide("i > 0", "i", {}), "some");
  EXPECT_EQ(Decide("i > 0", "i", {.min = {}, .max = {}, .null_count = {}, .num_rows = 0}), "none");
}

TEST(PredicateTest, BoundsThatContradictThemselves_SayNothing) {
  EXPECT_EQ(Decide("i = 3", "i", Between(std::int64_t{10}, std::int64_t{1})), "some");
  EXPECT_EQ(Decide("i = 3", "i", Between(std::string("a"), std::string("b"))), "some");
  EXPECT_EQ(Decide("i IS NULL", "i", {.min = {}, .max = {}, .null_count = 11, .num_rows = 10}),
            "some");
}

TEST(PredicateTest, Texts_CompareByBytes) {
  const Facts facts = {{{"s"}, Between(std::string("berlin"), std::string("bern"))}};
  ExpectDecisions(facts, {{"s = 'bernd'", "none"},
                          {"s < 'Z'", "none"},
                          {"s >= 'berlin'", "all"},
                          {"s LIKE 'ber%'", "all"},
                          {"s LIKE 'bern%'", "some"},
                          {"s LIKE 'c%'", "none"},
                          {"s NOT LIKE 'c%'", "all"},
                          {"s LIKE 'a_c%'", "none"},
                          {"s LIKE 'ber_in'", "some"},
                          {"s LIKE '%x'", "some"},
                          {"s LIKE 'paris'", "none"},
                          {"starts_with(s, 'c')", "none"},
                          {"s IN ('a', 'c')", "none"},
                          {"s = 'pa' || 'ris'", "none"},
                          {"s > 'ä'", "none"},
                          {"s = 5", "some"},
                          {"s ILIKE 'C%'", "some"},
                          {"lower(s) = 'x'", "some"},
                          {"s COLLATE NOCASE = 'x'", "some"}});
}

TEST(PredicateTest, Floats_KnowNan) {
  auto facts = Between(1.0, 2.0);
  EXPECT_EQ(Decide("r > 2", "r", facts), "none");
  EXPECT_EQ(Decide("r <= 2.0", "r", facts), "all");
  EXPECT_EQ(Decide("r < 'NaN'::double", "r", facts), "all");
  facts.may_have_nan = true;
  EXPECT_EQ(Decide("r > 2", "r", facts), "some");
  EXPECT_EQ(Decide("r < 1", "r", facts), "none");
  EXPECT_EQ(Decide("r >= 1", "r", facts), "all");
  EXPECT_EQ(Decide("r = 'NaN'::double", "r", facts), "some");
  EXPECT_EQ(Decide("r IN (7, 8)", "r", facts), "none");
  EXPECT_EQ(Decide("r IN (7, 'nan'::double)", "r", facts), "some");
  facts.max = std::nan("");
  facts.may_have_nan = false;
  EXPECT_EQ(Decide("r > 2", "r", facts), "some");
}

// The nearest float to 0.1 is larger than it.
TEST(PredicateTest, RoundedConstants_AreNotTakenForExact) {
  const auto tenth = Between(0.1F, 0.1F);
  EXPECT_EQ(Decide("f = 0.1", "f", tenth), "some");
  EXPECT_EQ(Decide("f > 0.1::double", "f", tenth), "all");
  EXPECT_EQ(Decide("f > 0.2", "f", tenth), "none");
  EXPECT_EQ(Decide("f = 0.5", "f", tenth), "none");
  const std::int64_t large = 9'007'199'254'740'993;
  EXPECT_EQ(Decide("l = 9007199254740992e0", "l", Between(large, large)), "all");
  EXPECT_EQ(Decide("l = 9007199254740992", "l", Between(large, large)), "none");
  EXPECT_EQ(Decide("l IN (9007199254740992, 1e0)", "l", Between(large, large)), "some");
}

TEST(PredicateTest, Decimals_CompareExactly) {
  const Facts facts = {{{"dec"}, Between(PartitionDecimal{1050, 2}, PartitionDecimal{2000, 2})}};
  ExpectDecisions(facts, {{"dec > 20", "none"},
                          {"dec >= 10.5", "all"},
                          {"dec > 10.4999", "all"},
                          {"dec > 10.50001", "some"},
                          {"dec = 20.000000001", "none"},
                          {"dec = '21'", "none"},
                          {"dec > 2e1", "some"},
                          {"dec > 2.01e1", "none"},
                          {"dec < 1e0", "none"},
                          {"dec < 99999999999999999999999999999999999999", "all"},
                          {"dec > 0.00000000000000000000000000000000000001", "all"}});
}

TEST(PredicateTest, DaysAndMoments_AreReadAsDuckDbReadsThem) {
  const std::int32_t day = 19723;  // 2024-01-01
  const Facts facts = {{{"day"}, Between(PartitionDate{day}, PartitionDate{day + 1})},
                       {{"ts"},
                        Between(PartitionTimestamp{day * kMicrosPerDay},
                                PartitionTimestamp{day * kMicrosPerDay + 5})},
                       {{"ntz"},
                        Between(PartitionTimestamp{day * kMicrosPerDay},
                                PartitionTimestamp{day * kMicrosPerDay + 5})}};
  ExpectDecisions(facts, {{"day = '2024-01-03'", "none"},
                          {"day >= '2024-01-01'", "all"},
                          {"day > DATE '2024-01-02'", "none"},
                          {"day < DATE '2024-01-01' + INTERVAL 2 DAY", "all"},
                          {"day < TIMESTAMP '2024-01-02 00:00:01'", "all"},
                          {"day = TIMESTAMP '2024-01-01 00:00:01'", "some"},
                          {"day > CAST('2024-01-02' AS DATE)", "none"},
                          {"day IN ('2023-12-31', '2024-01-03')", "none"},
                          {"day = 'never'", "some"},
                          {"day < 'infinity'", "some"},
                          {"ts = '2024-01-01 00:00:00.000006'", "none"},
                          {"ts >= '2024-01-01'", "all"},
                          {"ts >= '2024-01-01 01:00:00+01'", "all"},
                          {"ts < TIMESTAMP '2024-01-01 00:00:00'", "none"},
                          {"ts > DATE '2024-01-01'", "some"},
                          {"ts > DATE '2024-01-02'", "none"},
                          {"ts BETWEEN '2024-01-01' AND '2024-01-02'", "all"},
                          {"ntz >= '2024-01-01'", "all"},
                          {"ntz < '2024-01-01'", "none"},
                          {"CAST(ts AS DATE) = '2023-01-01'", "some"}});
}

TEST(PredicateTest, TruthValues_AreConditionsThemselves) {
  EXPECT_EQ(Decide("b", "b", Between(true, true)), "all");
  EXPECT_EQ(Decide("NOT b", "b", Between(true, true)), "none");
  EXPECT_EQ(Decide("b", "b", Between(false, false)), "none");
  EXPECT_EQ(Decide("b", "b", Between(false, true)), "some");
  EXPECT_EQ(Decide("b = true", "b", Between(false, false)), "none");
  EXPECT_EQ(Decide("b IS TRUE", "b", Between(false, false)), "none");
  EXPECT_EQ(Decide("b IS NOT FALSE", "b", Between(true, true)), "all");
  EXPECT_EQ(Decide("b = 'true'", "b", Between(true, true)), "all");
}

TEST(PredicateTest, FieldsOfStructs_AreFoundByTheirPath) {
  const Facts facts = {{{"st", "X"}, Between(std::int64_t{1}, std::int64_t{2})}};
  ExpectDecisions(facts, {{"st.x > 2", "none"},
                          {"ST.X >= 1", "all"},
                          {"\"st\".\"x\" IN (3)", "none"},
                          {"st['X'] > 2", "some"},
                          {"list[1] > 2", "some"},
                          {"m['k'] > 2", "some"}});
  const auto predicate =
      Predicate::Parse("st.x > 2 and \"odd name\" = 1 and list_contains(list, I)", TestSchema());
  ASSERT_TRUE(predicate) << predicate.error().message();
  EXPECT_EQ(predicate->columns(), (std::set<std::string>{"Odd Name", "i", "list", "st"}));
  EXPECT_EQ(predicate->text(), "st.x > 2 and \"odd name\" = 1 and list_contains(list, I)");
}

TEST(PredicateTest, LongLists_AreDecided) {
  std::string list = "i IN (0";
  for (int i = 1; i < 20'000; ++i) list += fmt::format(", {}", 2 * i);
  list += ')';
  const auto predicate = Predicate::Parse(list, TestSchema());
  ASSERT_TRUE(predicate) << predicate.error().message();
  const auto decide = [&](std::int64_t value) {
    return predicate->Evaluate([&](const auto&) { return Between(value, value); });
  };
  EXPECT_EQ(decide(1002), Match::kAll);
  EXPECT_EQ(decide(1003), Match::kNone);
  EXPECT_EQ(decide(40'000), Match::kNone);
}

TEST(PredicateTest, WhatIsNoCondition_IsRefused) {
  for (const std::string text : {"",
                                 "i >",
                                 "i",
                                 "s",
                                 "i + 1",
                                 "1=1) OR (1=1",
                                 "1=1) UNION SELECT (1",
                                 "1=1; DROP TABLE t",
                                 "1=1) GROUP BY (i",
                                 "1=1) LIMIT (1",
                                 "1=1) ORDER BY (1",
                                 "i IN (SELECT 1)",
                                 "random() > 0.5",
                                 "now() > ts",
                                 "sum(i) > 1",
                                 "$1 = i",
                                 "? = i",
                                 "i = ANY(SELECT 1)",
                                 "other = 1",
                                 "i AS BOOLEAN",
                                 "true /*",
                                 "'a",
                                 "st.nope = 1",
                                 "st.x.y = 1",
                                 "memory.i = 1",
                                 "t.i = 1",
                                 "i = 1 AS BOOLEAN) OR CAST(true",
                                 "read_text('/etc/passwd') = s",
                                 "s = 'a\0'",
                                 "current_setting('threads') = s",
                                 "i > 1 ORDER BY i",
                                 "DISTINCT i > 1",
                                 "i > 1, i < 2",
                                 "error('x')",
                                 "nope(i) = 1",
                                 "getenv('HOME') = s",
                                 "#1",
                                 "COLUMNS(*) > 1",
                                 "* IS NULL",
                                 "i = 1 WINDOW w AS ()"}) {
    const auto predicate = Predicate::Parse(text, TestSchema());
    ASSERT_FALSE(predicate) << text;
    EXPECT_EQ(predicate.error().code(), ErrorCode::kInvalidArgument)
        << text << predicate.error().message();
    EXPECT_NE(predicate.error().FindFact("expression"), nullptr) << text;
  }
  const auto unknown = Predicate::Parse("other = 1", TestSchema());
  EXPECT_EQ(std::get<std::string>(*unknown.error().FindFact("column")), "other");
  EXPECT_NE(unknown.error().message().find("i, l, f"), std::string::npos)
      << unknown.error().message();
}

TEST(PredicateTest, DeepAndLongTexts_AreRefusedNotCrashed) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "NOT (";
  deep += "b" + std::string(5000, ')');
  EXPECT_FALSE(Predicate::Parse(deep, TestSchema()));
  EXPECT_FALSE(Predicate::Parse("s = '" + std::string(2 << 20, 'x') + "'", TestSchema()));
  EXPECT_FALSE(Predicate::Parse("s = '\xff\xfe'", TestSchema()));
  EXPECT_FALSE(Predicate::Parse(std::string("b\0", 2), TestSchema()));
}

}  // namespace
}  // namespace deltalakedb::expr
