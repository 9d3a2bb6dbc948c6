#include "protocol/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltalakedb::protocol {
namespace {

using testing::HasSubstr;

Protocol Versions(std::int32_t reader, std::int32_t writer) {
  Protocol protocol;
  protocol.min_reader_version = reader;
  protocol.min_writer_version = writer;
  return protocol;
}

Protocol WithFeatures(std::vector<std::string> reader_features,
                      std::vector<std::string> writer_features = {}) {
  Protocol protocol = Versions(3, 7);
  protocol.writer_features = reader_features;
  protocol.writer_features->insert(protocol.writer_features->end(), writer_features.begin(),
                                   writer_features.end());
  protocol.reader_features = std::move(reader_features);
  return protocol;
}

TEST(FeaturesTest, LegacyVersions_CanBeRead) {
  for (std::int32_t writer = 1; writer <= 6; ++writer) {
    EXPECT_TRUE(CheckReadable(Versions(1, writer)).has_value());
    EXPECT_TRUE(CheckReadable(Versions(2, writer)).has_value());
  }
}

TEST(FeaturesTest, WriterFeatures_DoNotStopAReader) {
  for (const std::int32_t reader : {1, 2}) {
    Protocol protocol = Versions(reader, 7);
    protocol.writer_features = {"appendOnly",           "invariants",
                                "checkConstraints",     "changeDataFeed",
                                "generatedColumns",     "columnMapping",
                                "identityColumns",      "allowColumnDefaults",
                                "domainMetadata",       "rowTracking",
                                "clustering",           "inCommitTimestamp",
                                "icebergCompatV1",      "icebergCompatV2",
                                "icebergCompatV3",      "icebergWriterCompatV1",
                                "checkpointProtection", "materializePartitionColumns",
                                "collations",           "coordinatedCommits-preview",
                                "of a later time"};
    EXPECT_TRUE(CheckReadable(protocol).has_value());
  }
  EXPECT_TRUE(CheckReadable(WithFeatures({}, {"of a later time"})).has_value());
}

TEST(FeaturesTest, ReaderFeaturesThatAreKnown_CanBeRead) {
  const std::vector<std::string> known = {"columnMapping",
                                          "deletionVectors",
                                          "timestampNtz",
                                          "v2Checkpoint",
                                          "vacuumProtocolCheck",
                                          "typeWidening",
                                          "typeWidening-preview",
                                          "variantType",
                                          "variantType-preview",
                                          "variantShredding",
                                          "variantShredding-preview",
                                          "timestampWithoutTimezone"};
  for (const std::string& feature : known) {
    EXPECT_TRUE(CheckReadable(WithFeatures({feature})).has_value()) << feature;
  }
  EXPECT_TRUE(CheckReadable(WithFeatures(known)).has_value());
  EXPECT_TRUE(CheckReadable(WithFeatures({})).has_value());
}

TEST(FeaturesTest, ReaderFeaturesThatAreNot_AreRefusedByName) {
  for (const std::string feature :
       {"geospatial", "geospatial-dev", "timestampNanos", "adaptiveMetadata-preview",
        "redirectReaderWriter-preview", "DeletionVectors", "deletionvectors", "", "newOne"}) {
    const auto readable = CheckReadable(WithFeatures({"deletionVectors", feature}));
    ASSERT_FALSE(readable.has_value()) << feature;
    EXPECT_EQ(readable.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(readable.error().message(), HasSubstr(feature));
    EXPECT_EQ(*readable.error().FindFact("features"), Error::FactValue(feature));
  }
  const auto both = CheckReadable(WithFeatures({"new1", "deletionVectors", "new2"}));
  EXPECT_EQ(*both.error().FindFact("features"), Error::FactValue("new1, new2"));
}

TEST(FeaturesTest, CatalogManagedTables_AreRefusedForThatReason) {
  for (const std::string feature : {"catalogManaged", "catalogOwned", "catalogOwned-preview"}) {
    for (const auto& features : {std::vector<std::string>{"deletionVectors", feature},
                                 std::vector<std::string>{"newOne", feature}}) {
      const auto readable = CheckReadable(WithFeatures(features));
      ASSERT_FALSE(readable.has_value());
      EXPECT_EQ(readable.error().code(), ErrorCode::kUnsupported);
      EXPECT_THAT(readable.error().message(), HasSubstr("managed by a catalog"));
      EXPECT_EQ(*readable.error().FindFact("features"), Error::FactValue(feature));
    }
  }
}

TEST(FeaturesTest, NewerReaderVersions_AreRefused) {
  for (const std::int32_t version : {4, 5, 2147483647}) {
    Protocol protocol = WithFeatures({"deletionVectors"});
    protocol.min_reader_version = version;
    const auto readable = CheckReadable(protocol);
    ASSERT_FALSE(readable.has_value());
    EXPECT_EQ(readable.error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(*readable.error().FindFact("minReaderVersion"),
              Error::FactValue(std::int64_t{version}));
  }
}

TEST(FeaturesTest, ListsThatContradictTheVersions_AreCorrupt) {
  Protocol listed_too_early = Versions(2, 7);
  listed_too_early.reader_features = {"columnMapping"};
  Protocol no_list = Versions(3, 7);
  no_list.writer_features.emplace();
  for (const Protocol& protocol : {listed_too_early, no_list, Versions(0, 2), Versions(-1, 2)}) {
    const auto readable = CheckReadable(protocol);
    ASSERT_FALSE(readable.has_value());
    EXPECT_EQ(readable.error().code(), ErrorCode::kCorrupt);
  }
  // Written by some as a default; it says nothing.
  Protocol empty_list = Versions(1, 2);
  empty_list.reader_features.emplace();
  EXPECT_TRUE(CheckReadable(empty_list).has_value());
}

}  // namespace
}  // namespace deltalakedb::protocol
