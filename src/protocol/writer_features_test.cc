#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/features.h"

namespace deltalakedb::protocol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Names = std::vector<std::string>;

Protocol Versions(std::int32_t reader, std::int32_t writer) {
  Protocol protocol;
  protocol.min_reader_version = reader;
  protocol.min_writer_version = writer;
  return protocol;
}

Protocol Lists(std::optional<Names> reader_features, std::optional<Names> writer_features,
               std::int32_t reader = 3, std::int32_t writer = 7) {
  Protocol protocol = Versions(reader, writer);
  protocol.reader_features = std::move(reader_features);
  protocol.writer_features = std::move(writer_features);
  return protocol;
}

std::string Fact(const Result<void>& result, std::string_view name) {
  if (result) return "passed";
  const Error::FactValue* const fact = result.error().FindFact(name);
  return fact == nullptr ? "no such fact" : std::get<std::string>(*fact);
}

TEST(WriterFeaturesTest, LegacyVersions_CanBeWritten) {
  for (std::int32_t writer = 1; writer <= 6; ++writer) {
    for (const std::int32_t reader : {1, 2}) {
      const auto checked = CheckWritable(Versions(reader, writer), {});
      EXPECT_TRUE(checked.has_value()) << checked.error().message();
    }
  }
}

TEST(WriterFeaturesTest, EveryFeature_IsWrittenOrRefusedByName) {
  const Names written_by_all = {"columnMapping",      "deletionVectors",  "timestampNtz",
                                "v2Checkpoint",       "typeWidening",     "vacuumProtocolCheck",
                                "variantType",        "variantShredding", "typeWidening-preview",
                                "variantType-preview"};
  for (const std::string& feature : written_by_all) {
    const auto checked = CheckWritable(Lists(Names{feature}, Names{feature}), {});
    EXPECT_TRUE(checked.has_value()) << feature << ": " << checked.error().message();
  }
  const Names written = {"appendOnly",          "invariants",       "checkConstraints",
                         "changeDataFeed",      "generatedColumns", "identityColumns",
                         "allowColumnDefaults", "domainMetadata",   "rowTracking",
                         "clustering",          "inCommitTimestamp"};
  for (const std::string& feature : written) {
    const auto checked = CheckWritable(Lists({}, Names{feature}, 1), {});
    EXPECT_TRUE(checked.has_value()) << feature << ": " << checked.error().message();
  }
  const Names refused = {"icebergCompatV1",
                         "icebergCompatV2",
                         "icebergCompatV3",
                         "icebergWriterCompatV1",
                         "icebergWriterCompatV3",
                         "checkpointProtection",
                         "materializePartitionColumns",
                         "collations",
                         "columnMappingUsageTracking",
                         "coordinatedCommits-preview",
                         "redirectWriterOnly-preview",
                         "catalogManaged",
                         "someFutureFeature"};
  for (const std::string& feature : refused) {
    const auto checked = CheckWritable(Lists({}, Names{"appendOnly", feature}, 1), {});
    ASSERT_FALSE(checked.has_value()) << feature;
    EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported) << feature;
    EXPECT_EQ(Fact(checked, "features"), feature);
  }
  for (const std::string feature : {"redirectReaderWriter-preview", "adaptiveMetadata-preview",
                                    "geospatial", "timestampNanos", "catalogManaged"}) {
    const auto checked = CheckWritable(Lists(Names{feature}, Names{feature}), {});
    ASSERT_FALSE(checked.has_value()) << feature;
    EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported) << feature;
    EXPECT_EQ(Fact(checked, "features"), feature);
  }
}

TEST(WriterFeaturesTest, SeveralRefused_AreAllNamed) {
  const auto checked = CheckWritable(Lists({}, Names{"zzz", "collations", "appendOnly"}, 1), {});
  EXPECT_EQ(Fact(checked, "features"), "collations, zzz");
  EXPECT_THAT(checked.error().message(), HasSubstr("zzz (not known)"));
}

TEST(WriterFeaturesTest, NewerWriterVersion_IsUnsupported) {
  const auto checked = CheckWritable(Versions(1, 8), {});
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(*checked.error().FindFact("minWriterVersion"), Error::FactValue(std::int64_t{8}));
}

TEST(WriterFeaturesTest, PropertiesThatMakeATableAnother_AreRefused) {
  struct Case {
    std::string key, value, feature;
  };
  for (const Case& refused : std::vector<Case>{
           {"delta.enableIcebergCompatV1", "TRUE", "icebergCompatV1"},
           {"delta.enableIcebergCompatV2", "true", "icebergCompatV2"},
           {"delta.enableIcebergCompatV3", "true", "icebergCompatV3"},
           {"delta.coordinatedCommits.commitCoordinator-preview", "x",
            "coordinatedCommits-preview"},
           {"delta.redirectReaderWriter-preview", "{}", "redirectReaderWriter-preview"},
           {"delta.redirectWriterOnly-preview", "{}", "redirectWriterOnly-preview"}}) {
    Metadata metadata;
    metadata.configuration[refused.key] = refused.value;
    EXPECT_EQ(Fact(CheckWritable(Versions(1, 2), metadata), "features"), refused.feature);
  }
  Metadata off;
  off.configuration["delta.enableIcebergCompatV2"] = "false";
  EXPECT_TRUE(CheckWritable(Versions(1, 2), off).has_value());
}

TEST(WriterFeaturesTest, FeaturesOfVersions_AreThoseThatTheyImply) {
  EXPECT_THAT(FeaturesOf(Versions(1, 1)), IsEmpty());
  EXPECT_THAT(FeaturesOf(Versions(1, 2)), ElementsAre("appendOnly", "invariants"));
  EXPECT_THAT(FeaturesOf(Versions(1, 3)),
              ElementsAre("appendOnly", "checkConstraints", "invariants"));
  EXPECT_THAT(FeaturesOf(Versions(1, 6)),
              ElementsAre("appendOnly", "changeDataFeed", "checkConstraints", "generatedColumns",
                          "identityColumns", "invariants"));
  EXPECT_THAT(FeaturesOf(Versions(2, 5)),
              ElementsAre("appendOnly", "changeDataFeed", "checkConstraints", "columnMapping",
                          "generatedColumns", "invariants"));
  EXPECT_THAT(FeaturesOf(Lists({}, Names{"appendOnly"}, 1)), ElementsAre("appendOnly"));
  EXPECT_TRUE(Supports(Versions(2, 5), "columnMapping"));
  EXPECT_FALSE(Supports(Versions(1, 6), "columnMapping"));
  EXPECT_FALSE(Supports(Versions(2, 6), "deletionVectors"));
  EXPECT_FALSE(Supports(Lists({}, Names{}, 1), "appendOnly"));
  EXPECT_TRUE(
      Supports(Lists(Names{"deletionVectors"}, Names{"deletionVectors"}), "deletionVectors"));
}

TEST(WriterFeaturesTest, ListsAndVersions_HaveToFitEachOther) {
  const std::vector<Protocol> right = {
      Versions(1, 1),
      Versions(2, 6),
      Lists({}, Names{}, 1),
      Lists({}, Names{"appendOnly", "invariants"}, 1),
      Lists({}, Names{"columnMapping"}, 2),
      Lists(Names{}, Names{}),
      Lists(Names{"deletionVectors", "columnMapping"},
            Names{"columnMapping", "deletionVectors", "rowTracking", "domainMetadata"}),
      Lists(Names{"future"}, Names{"future"}),
  };
  for (const Protocol& protocol : right) {
    const auto checked = CheckWellFormed(protocol);
    EXPECT_TRUE(checked.has_value()) << checked.error().message();
  }
  struct Case {
    Protocol protocol;
    std::string field;
  };
  const std::vector<Case> wrong = {
      {Versions(0, 2), "minReaderVersion"},
      {Versions(1, 0), "minWriterVersion"},
      {Lists(Names{}, {}, 3, 6), "minWriterVersion"},
      {Versions(3, 7), "readerFeatures"},
      {Lists({}, Names{}, 3, 7), "readerFeatures"},
      {Lists(Names{}, Names{}, 2, 7), "readerFeatures"},
      {Versions(1, 7), "writerFeatures"},
      {Lists({}, Names{}, 1, 6), "writerFeatures"},
      {Lists(Names{"deletionVectors"}, Names{}), "writerFeatures"},
      {Lists(Names{"appendOnly"}, Names{"appendOnly"}), "readerFeatures"},
      {Lists(Names{}, Names{"deletionVectors"}), "readerFeatures"},
      {Lists({}, Names{"deletionVectors"}, 1), "readerFeatures"},
      {Lists({}, Names{"columnMapping"}, 1), "readerFeatures"},
      {Lists(Names{}, Names{"columnMapping"}), "readerFeatures"},
      {Lists({}, Names{"rowTracking"}, 1), "writerFeatures"},
      {Lists({}, Names{"clustering"}, 1), "writerFeatures"},
      {Lists({}, Names{"appendOnly", "appendOnly"}, 1), "writerFeatures"},
      {Lists(Names{"deletionVectors", "deletionVectors"}, Names{"deletionVectors"}),
       "readerFeatures"},
  };
  for (const Case& of : wrong) {
    const auto checked = CheckWellFormed(of.protocol);
    ASSERT_FALSE(checked.has_value()) << of.field;
    EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(Fact(checked, "field"), of.field) << checked.error().message();
  }
}

TEST(WriterFeaturesTest, Upgrades_KeepEverything) {
  struct Case {
    Protocol before, after;
    std::string field;  // empty where it is right
    std::string features;
  };
  const std::vector<Case> cases = {
      {Versions(1, 2), Versions(1, 2), "", ""},
      {Versions(1, 2), Versions(2, 5), "", ""},
      {Versions(1, 2), Lists({}, Names{"appendOnly", "invariants"}, 1), "", ""},
      {Versions(1, 2), Lists({}, Names{"invariants"}, 1), "writerFeatures", "appendOnly"},
      {Versions(1, 2), Lists({}, Names{}, 1), "writerFeatures", "appendOnly, invariants"},
      {Versions(1, 1), Lists({}, Names{}, 1), "", ""},
      {Versions(2, 5),
       Lists(Names{"columnMapping"}, Names{"appendOnly", "invariants", "checkConstraints",
                                           "changeDataFeed", "generatedColumns", "columnMapping"}),
       "", ""},
      {Versions(2, 5),
       Lists(Names{}, Names{"appendOnly", "invariants", "checkConstraints", "changeDataFeed",
                            "generatedColumns"}),
       "writerFeatures", "columnMapping"},
      {Versions(2, 5), Versions(1, 5), "minReaderVersion", ""},
      {Versions(1, 3), Versions(1, 2), "minWriterVersion", ""},
      {Lists(Names{}, Names{}), Lists({}, Names{}, 1), "minReaderVersion", ""},
      {Lists({}, Names{"rowTracking", "domainMetadata"}, 1), Lists({}, Names{"domainMetadata"}, 1),
       "writerFeatures", "rowTracking"},
  };
  for (const Case& of : cases) {
    const auto checked = CheckUpgrade(of.before, of.after);
    if (of.field.empty()) {
      EXPECT_TRUE(checked.has_value()) << checked.error().message();
      continue;
    }
    ASSERT_FALSE(checked.has_value());
    EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(Fact(checked, "action"), "protocol");
    EXPECT_EQ(Fact(checked, "field"), of.field);
    EXPECT_EQ(Fact(checked, "features"), of.features.empty() ? "no such fact" : of.features);
  }
}

TEST(WriterFeaturesTest, AddedFeatures_PassOnlyWhereNothingIsAsked) {
  for (const std::string_view feature : {"rowTracking", "inCommitTimestamp", "deletionVectors",
                                         "v2Checkpoint", "vacuumProtocolCheck", "columnMapping"}) {
    EXPECT_TRUE(MayPassAddedFeature(feature)) << feature;
  }
  for (const std::string_view feature :
       {"appendOnly", "checkConstraints", "generatedColumns", "typeWidening", "clustering",
        "changeDataFeed", "unheardOf"}) {
    EXPECT_FALSE(MayPassAddedFeature(feature)) << feature;
  }
}

}  // namespace
}  // namespace deltalakedb::protocol
