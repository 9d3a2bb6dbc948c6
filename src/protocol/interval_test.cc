#include "protocol/interval.h"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

namespace deltalakedb::protocol {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

TEST(IntervalTest, NumbersOfUnits_AreAddedUp) {
  EXPECT_EQ(ParseInterval("interval 1 week"), milliseconds(168h));
  EXPECT_EQ(ParseInterval("INTERVAL 30 DAYS"), milliseconds(720h));
  EXPECT_EQ(ParseInterval("  2 days\t12 hours "), milliseconds(60h));
  EXPECT_EQ(ParseInterval("interval 1 minute 2 seconds 3 milliseconds"), 62'003ms);
  EXPECT_EQ(ParseInterval("interval 0 days"), 0ms);
}

TEST(IntervalTest, AnythingElse_IsNone) {
  for (const std::string_view text :
       {"", "interval", "interval 1", "week", "interval 1 month", "interval -1 days",
        "interval 1.5 days", "interval 1days", "interval one day", "days 1",
        "interval 9223372036854775807 weeks", "interval 106751991167 days 106751991167 days",
        "interval 99999999999999999999 days"}) {
    EXPECT_EQ(ParseInterval(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace deltalakedb::protocol
