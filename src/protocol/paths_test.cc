#include "protocol/paths.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace deltalakedb::protocol {
namespace {

std::string Canonical(std::string_view path, std::string_view table_root = "file:/data/orders") {
  std::string out = "before ";
  AppendCanonicalPath(path, table_root, out);
  EXPECT_TRUE(out.starts_with("before "));
  return out.substr(std::string_view("before ").size());
}

TEST(PathsTest, PercentSigns_AreDecodedOnce) {
  EXPECT_EQ(PercentDecode(""), "");
  EXPECT_EQ(PercentDecode("a%20b%2Fc%2fd"), "a b/c/d");
  EXPECT_EQ(PercentDecode("%253A"), "%3A");
  EXPECT_EQ(PercentDecode("%C3%A9"), "\u00e9");
  EXPECT_EQ(PercentDecode("\u00e9+"), "\u00e9+");
  EXPECT_EQ(PercentDecode("%00"), std::string(1, '\0'));
}

TEST(PathsTest, PercentSignsThatStartNothing_Stay) {
  for (const char* const text : {"%", "%%", "%2", "100%", "%zz", "%2x", "%x2", "%-1", "% 1"}) {
    EXPECT_EQ(PercentDecode(text), text);
  }
  EXPECT_EQ(PercentDecode("%%41"), "%A");
}

TEST(PathsTest, Spellings_OfAFileOfTheTableAreOne) {
  for (const char* const path :
       {"day=1/a b.parquet", "day=1/a%20b.parquet", "day%3D1/a%20b.parquet",
        "/data/orders/day=1/a b.parquet", "/data/orders/day=1/a%20b.parquet",
        "file:/data/orders/day=1/a%20b.parquet", "file:///data/orders/day=1/a%20b.parquet",
        "file://localhost/data/orders/day=1/a%20b.parquet", "FILE:/data/orders/day=1/a%20b.parquet",
        "File:///data/%6Frders/day=1/a%20b.parquet"}) {
    EXPECT_EQ(Canonical(path), "day=1/a b.parquet") << path;
  }
}

TEST(PathsTest, Spellings_OfALocalFileElsewhereAreOne) {
  for (const char* const path : {"/else/where/x%20y", "file:/else/where/x%20y",
                                 "file:///else/where/x y", "file://localhost/else/where/x%20y"}) {
    EXPECT_EQ(Canonical(path), "file:/else/where/x y") << path;
  }
}

TEST(PathsTest, NeighboursOfTheTable_AreNotInIt) {
  EXPECT_EQ(Canonical("/data/orders2/a"), "file:/data/orders2/a");
  EXPECT_EQ(Canonical("/data/orders"), "file:/data/orders");
  EXPECT_EQ(Canonical("/data/order/a"), "file:/data/order/a");
  EXPECT_EQ(Canonical("/DATA/orders/a"), "file:/DATA/orders/a");
}

TEST(PathsTest, OtherUris_AreDecodedOnly) {
  EXPECT_EQ(Canonical("s3://bucket/t/a%20b"), "s3://bucket/t/a b");
  EXPECT_EQ(Canonical("abfss://c@h/t/a", "abfss://c@h/t"), "a");
  EXPECT_EQ(Canonical("s3://bucket/t/a%20b", "s3://bucket/t"), "a b");
}

TEST(PathsTest, SchemesOfOnePlace_AreOne) {
  for (const char* const scheme : {"s3", "s3a", "s3n", "S3A"}) {
    const std::string path = std::string(scheme) + "://bucket/t/a%20b";
    EXPECT_EQ(Canonical(path, "s3://bucket/t"), "a b") << path;
  }
  EXPECT_EQ(Canonical("s3a://bucket/t/a"), "s3://bucket/t/a");
  EXPECT_EQ(Canonical("abfs://c@h/t/a", "abfss://c@h/t"), "a");
  EXPECT_EQ(Canonical("gs://bucket/t/a", "s3://bucket/t"), "gs://bucket/t/a");
  EXPECT_EQ(Canonical("s3a:b"), "s3a:b");
}

TEST(PathsTest, RelativePathsThatLookOdd_StayRelative) {
  EXPECT_EQ(Canonical("a:b.parquet"), "a:b.parquet");
  EXPECT_EQ(Canonical("time=01:02:03/a"), "time=01:02:03/a");
  EXPECT_EQ(Canonical("data/orders/a"), "data/orders/a");
  EXPECT_EQ(Canonical("_change_data/a"), "_change_data/a");
  EXPECT_EQ(Canonical(""), "");
}

// A relative path is never taken for one under the root, even when its text is that of one.
TEST(PathsTest, RelativePathThatDecodesToTheRoot_IsNoFileOfIt) {
  EXPECT_EQ(Canonical("%66ile:/data/orders/a"), "file:/data/orders/a");
  EXPECT_NE(Canonical("%66ile:/data/orders/a"), Canonical("a"));
}

TEST(PathsTest, UnknownRoot_MakesNothingRelative) {
  EXPECT_EQ(Canonical("/data/orders/a", ""), "file:/data/orders/a");
  EXPECT_EQ(Canonical("a", ""), "a");
}

TEST(PathsTest, Locations_AreLocalPathsOrEncodedUris) {
  EXPECT_EQ(CanonicalRootOfLocation("/data/a%20b"), "file:/data/a%20b");
  EXPECT_EQ(CanonicalRootOfLocation("s3://bucket/a%20b%2541"), "s3://bucket/a b%41");
  EXPECT_EQ(CanonicalRootOfLocation("s3://bucket"), "s3://bucket");
}

TEST(PathsTest, Roots_AreCanonical) {
  EXPECT_EQ(CanonicalRoot("/data/orders"), "file:/data/orders");
  EXPECT_EQ(CanonicalRoot("/data/orders//"), "file:/data/orders");
  EXPECT_EQ(CanonicalRoot("/"), "file:");
  EXPECT_EQ(Canonical("/a/b", CanonicalRoot("/")), "a/b");
  EXPECT_EQ(CanonicalRoot("s3://bucket/a%20b"), "s3://bucket/a%20b");
  // The folder's name is no URI: its percent signs are its own.
  EXPECT_EQ(Canonical("/data/100%25/a", CanonicalRoot("/data/100%")), "a");
  EXPECT_EQ(Canonical("/data/a%2520b/c", CanonicalRoot("/data/a%20b")), "c");
}

}  // namespace
}  // namespace deltalakedb::protocol
