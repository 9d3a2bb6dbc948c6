#include "apps/output_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace deltalakedb::cli {
namespace {

TEST(OutputTextTest, PlainText_StaysAsItIs) {
  EXPECT_EQ(Printable("part-0.parquet äöü 表 😀 \\"), "part-0.parquet äöü 表 😀 \\");
  EXPECT_EQ(Printable(""), "");
}

TEST(OutputTextTest, WhatSteersATerminal_BecomesVisible) {
  EXPECT_EQ(Printable("a\x1B[31mb"), "a\\u001B[31mb");
  EXPECT_EQ(Printable("a\nb\tc\r"), "a\\nb\\tc\\r");
  EXPECT_EQ(Printable("\x7F"), "\\u007F");
  EXPECT_EQ(Printable("\u009B31m"), "\\u009B31m");          // one-character CSI
  EXPECT_EQ(Printable("\u202Egpj.exe"), "\\u202Egpj.exe");  // right-to-left override
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\u0000");
}

TEST(OutputTextTest, BytesThatAreNotUtf8_BecomeVisible) {
  EXPECT_EQ(Printable("a\xFFz"), "a\\xFFz");
  EXPECT_EQ(Printable("\xC3"), "\\xC3");                    // cut off
  EXPECT_EQ(Printable("\xC0\x8A"), "\\xC0\\x8A");           // overlong line feed
  EXPECT_EQ(Printable("\xE0\x80\x9B"), "\\xE0\\x80\\x9B");  // overlong CSI
  EXPECT_EQ(Printable("\xED\xA0\x80"), "\\xED\\xA0\\x80");  // surrogate
  EXPECT_EQ(Printable("\xF4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");
}

TEST(OutputTextTest, BytesThatAreNotUtf8_AreReplacedForJson) {
  EXPECT_EQ(ValidUtf8("ä\xFFz\n\xC3"), "ä\uFFFDz\n\uFFFD");
}

TEST(OutputTextTest, LongText_IsCutBetweenCharacters) {
  EXPECT_EQ(Shortened("äöüß", 4), "äöüß");
  EXPECT_EQ(Shortened("äöüßx", 4), "äöü…");
  EXPECT_EQ(Shortened("abc", 1), "…");
}

TEST(OutputTextTest, Sizes_AreReadable) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes(2LL << 40), "2.0 TiB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<std::int64_t>::max()), "8.0 EiB");
  EXPECT_EQ(FormatBytes(-5), "-5 B");
}

TEST(OutputTextTest, Counts_AreGrouped) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(-123456), "-123,456");
  EXPECT_EQ(FormatCount(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(OutputTextTest, Table_IsAlignedAndHasNoTrailingSpaces) {
  TextTable table({{"SIZE", Align::kRight}, {"NAME"}, {"NOTE"}});
  table.AddRow({"1", "größe", "a note that is long"});
  table.AddRow({"12345", "b", ""});
  EXPECT_EQ(table.Format("<", ">"),
            "< SIZE  NAME   NOTE>\n"
            "    1  größe  a note that is long\n"
            "12345  b\n");
}

TEST(OutputTextTest, Facts_AreAligned) {
  FactList facts;
  facts.Add("version", "3");
  facts.AddLines("properties", {"a = 1", "b = 2"});
  facts.AddLines("nothing", {});
  EXPECT_EQ(facts.Format(),
            "version     3\n"
            "properties  a = 1\n"
            "            b = 2\n");
}

}  // namespace
}  // namespace deltalakedb::cli
